/* Multiboot2 boot information: what GRUB writes, and what it must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/metal/multiboot.h"

static uint8_t block[8192];
static size_t used;
static struct multiboot_info info;

static void put32(size_t at, uint32_t v) { memcpy(block + at, &v, 4); }
static void put64(size_t at, uint64_t v) { memcpy(block + at, &v, 8); }

static int fresh(void **state)
{
    memset(block, 0xee, sizeof block);
    used = 8;
    return 0;
}

/* A tag of `size` bytes; returns where it is. */
static size_t tag(uint32_t type, uint32_t size)
{
    size_t at = used;

    memset(block + at, 0, (size + 7) & ~7u);
    put32(at, type);
    put32(at + 4, size);
    used += (size + 7) & ~7u;
    return at;
}

/* Ends the block and parses an exact copy, so that ASan sees an overrun. */
static bool parse(void)
{
    uint8_t *copy;
    bool good;

    tag(0, 8);
    put32(0, (uint32_t)used);
    copy = malloc(used);
    memcpy(copy, block, used);
    assert_int_equal(multiboot_size(copy), used);
    good = multiboot_parse(copy, used, &info);
    free(copy);
    return good;
}

static void range(size_t at, uint64_t base, uint64_t length, uint32_t type)
{
    put64(at, base);
    put64(at + 8, length);
    put32(at + 16, type);
}

static void test_memory_map(void **state)
{
    size_t at = tag(6, 16 + 3 * 24);

    put32(at + 8, 24);
    range(at + 16, 0, 0x9fc00, 1);
    range(at + 40, 0x100000, 0x1ff00000, 1);
    range(at + 64, UINT64_MAX - 10, 100, 1);    /* runs over the end */
    assert_true(parse());
    assert_int_equal(info.range_count, 2);
    assert_int_equal(info.refused, 1);
    assert_int_equal(info.range[1].base, 0x100000);
    assert_int_equal(info.range[1].length, 0x1ff00000);
}

static void test_too_many_ranges(void **state)
{
    unsigned n = MULTIBOOT_MAX_RANGES + 5;
    size_t at = tag(6, 16 + n * 24);

    put32(at + 8, 24);
    for (unsigned i = 0; i < n; i++)
        range(at + 16 + i * 24, i * 4096, 4096, 1);
    assert_true(parse());
    assert_int_equal(info.range_count, MULTIBOOT_MAX_RANGES);
    assert_int_equal(info.refused, 1);
}

static void test_entry_size_zero(void **state)
{
    tag(6, 64);
    assert_true(parse());
    assert_int_equal(info.range_count, 0);
    assert_int_equal(info.refused, 1);
}

static void module(uint32_t start, uint32_t end, const char *name)
{
    size_t at = tag(3, 16 + (uint32_t)strlen(name) + 1);

    put32(at + 8, start);
    put32(at + 12, end);
    strcpy((char *)block + at + 16, name);
}

static void test_modules_and_line(void **state)
{
    size_t at = tag(1, 8 + 7);

    strcpy((char *)block + at + 8, "-m 64 ");
    module(0x5000, 0x6000, "router.img");
    module(0x9000, 0x8000, "backwards");
    module(0x9000, 0x9000, "");
    tag(0, 8);
    put32(0, (uint32_t)used);
    assert_true(multiboot_parse(block, used, &info));
    assert_string_equal(info.command_line, "-m 64 ");
    assert_int_equal(info.module_count, 2);
    assert_string_equal(info.module[0].command_line, "router.img");
    assert_int_equal(info.module[0].end, 0x6000);
    assert_int_equal(info.refused, 1);
}

static void test_string_without_end(void **state)
{
    size_t at = tag(1, 12);

    memset(block + at + 8, 'x', 4);
    assert_true(parse());
    assert_int_equal(info.refused, 1);
}

static void test_screen(void **state)
{
    size_t at = tag(8, 38);

    put64(at + 8, 0xfd000000);
    put32(at + 16, 5120);
    put32(at + 20, 1280);
    put32(at + 24, 800);
    block[at + 28] = 32;
    block[at + 29] = 1;
    memcpy(block + at + 32, (uint8_t[]){16, 8, 8, 8, 0, 8}, 6);
    assert_true(parse());
    assert_int_equal(info.screen.kind, MULTIBOOT_SCREEN_RGB);
    assert_int_equal(info.screen.red_shift, 16);
}

static void test_bogus_screen(void **state)
{
    /* As GRUB says it on a PC without VGA: a0000, one bit a pixel. */
    size_t at = tag(8, 38);

    put64(at + 8, 0xa0000);
    put32(at + 16, 80);
    put32(at + 20, 640);
    put32(at + 24, 480);
    block[at + 28] = 1;
    block[at + 29] = 1;
    assert_true(parse());
    assert_int_equal(info.screen.kind, MULTIBOOT_SCREEN_NONE);
    assert_int_equal(info.refused, 1);
}

static void test_rsdp_new_wins(void **state)
{
    size_t at = tag(15, 8 + 36);

    memset(block + at + 8, 2, 36);
    at = tag(14, 8 + 20);
    memset(block + at + 8, 1, 20);
    assert_true(parse());
    assert_int_equal(info.rsdp_size, 36);
    assert_int_equal(info.rsdp[0], 2);
}

static void test_broken_blocks(void **state)
{
    size_t at = tag(1, 12);

    put32(at + 4, 7);           /* smaller than its header */
    assert_false(parse());
    fresh(NULL);
    at = tag(1, 12);
    put32(at + 4, 0x7fffffff);
    assert_false(parse());
    fresh(NULL);
    tag(21, 12);                /* no end tag */
    assert_false(multiboot_parse(block, used, &info));
    put32(0, 4);
    assert_int_equal(multiboot_size(block), 0);
    put32(0, 0xffffffff);
    assert_int_equal(multiboot_size(block), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        T(test_memory_map), T(test_too_many_ranges), T(test_entry_size_zero),
        T(test_modules_and_line), T(test_string_without_end), T(test_screen),
        T(test_bogus_screen), T(test_rsdp_new_wins), T(test_broken_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
