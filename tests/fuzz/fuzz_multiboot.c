/* The loader's information block: raw bytes, or tags made from them; and the
 * command line in it. */
// covers: kernel/metal/multiboot.c kernel/metal/cmdline.c
#include <stdlib.h>
#include <string.h>

#include "kernel/metal/cmdline.h"
#include "kernel/metal/multiboot.h"
#include "tests/fuzz/input.h"

#define BLOCK_BYTES 8192u
#define WORDS 16u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct multiboot_info info;

static void use_command_line(const char *line)
{
    char *storage = malloc(strlen(line) + 1), *argv[WORDS], why[80];
    struct metal_options o;
    int argc = cmdline_split(line, storage, argv, WORDS);

    if (argc > (int)WORDS - 1)
        abort();
    if (argc >= 0 && metal_options_take(&o, argc, argv, why, sizeof why) > argc)
        abort();
    free(storage);
}

/* What a parse promised must hold. */
static void check(const uint8_t *block, size_t size)
{
    const char *end = (const char *)block + size;

    if (info.range_count > MULTIBOOT_MAX_RANGES ||
        info.module_count > MULTIBOOT_MAX_MODULES)
        abort();
    for (unsigned i = 0; i < info.range_count; i++)
        if (info.range[i].base + info.range[i].length < info.range[i].base)
            abort();
    for (unsigned i = 0; i < info.module_count; i++)
        if (info.module[i].start > info.module[i].end ||
            info.module[i].command_line + strlen(info.module[i].command_line) >=
                end)
            abort();
    use_command_line(info.command_line);
}

/* Tags of plausible types and sizes, filled with the input's bytes. */
static size_t make_block(struct input *in, uint8_t *block)
{
    size_t at = 8;

    while (input_more(in) && at + 600 < BLOCK_BYTES) {
        uint32_t type = input_u8(in) % 24, length = 8 + input_u8(in) * 2u;

        memcpy(block + at, &type, 4);
        memcpy(block + at + 4, &length, 4);
        for (size_t i = 8; i < length; i++)
            block[at + i] = input_u8(in);
        at += (length + 7) & ~7u;
    }
    memset(block + at, 0, 8);
    block[at + 4] = 8;
    return at + 8;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    uint8_t mode = input_u8(&in), *block;
    size_t block_size = in.left;

    if (mode % 4 == 3) {
        char *line = malloc(in.left + 1);

        memcpy(line, in.data, in.left);
        line[in.left] = '\0';
        use_command_line(line);
        free(line);
        return 0;
    }
    block = malloc(mode & 1 ? BLOCK_BYTES : block_size + 1);
    if (mode & 1)
        block_size = make_block(&in, block);
    else
        memcpy(block, in.data, block_size);
    block = realloc(block, block_size + !block_size);
    if (block_size >= 4)
        multiboot_size(block);
    multiboot_parse(block, block_size, &info);
    check(block, block_size);
    free(block);
    return 0;
}
