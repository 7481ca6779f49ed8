/* See files.h and platform.h, "Files". */
#include "kernel/metal/files.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/metal/paging.h"
#include "kernel/metal/spinlock.h"
#include "kernel/platform.h"

#define NAME_BYTES 64u
/* Growth comes in such pieces, each allocated when first written. */
#define CHUNK_BYTES 0x100000u
#define MAX_FILE_BYTES (1ull << 40)

struct file {
    char name[NAME_BYTES];
    uint8_t *data;              /* the module itself */
    uint64_t module_size;
    uint64_t size;
    struct spinlock lock;       /* guards the table of chunks */
    uint8_t **chunk;            /* beyond the module; NULL: all zeros */
    uint64_t chunk_count;
    unsigned readers;           /* how often it is open for reading only */
    bool has_writer;            /* somebody has it open for writing */
};

static struct file files[MULTIBOOT_MAX_MODULES];
static unsigned file_count;

/* The last component of the first word. */
static void take_name(char name[NAME_BYTES], const char *command_line)
{
    size_t len = strcspn(command_line, " \t");
    const char *start = command_line;

    for (size_t i = 0; i < len; i++)
        if (command_line[i] == '/')
            start = command_line + i + 1;
    len -= (size_t)(start - command_line);
    if (len >= NAME_BYTES)
        len = NAME_BYTES - 1;
    memcpy(name, start, len);
    name[len] = '\0';
}

void files_init(const struct multiboot_info *boot)
{
    for (unsigned i = 0; i < boot->module_count; i++) {
        const struct multiboot_module *m = &boot->module[i];
        struct file *f = &files[file_count];

        take_name(f->name, m->command_line);
        if (!f->name[0]) {
            platform_log("module %u has no name: left out", i);
            continue;
        }
        f->data = paging_direct(m->start);
        f->module_size = f->size = m->end - m->start;
        platform_log("module %s: %lu KiB", f->name, f->size / 1024);
        file_count++;
    }
}

static const char *last_component(const char *name)
{
    const char *slash = strrchr(name, '/');

    return slash ? slash + 1 : name;
}

const char *files_find(const struct multiboot_info *boot, const char *name,
                       size_t *size)
{
    char found[NAME_BYTES];

    for (unsigned i = 0; i < boot->module_count; i++) {
        const struct multiboot_module *m = &boot->module[i];

        take_name(found, m->command_line);
        if (strcmp(found, last_component(name)) || m->end > UINT32_MAX)
            continue;
        *size = m->end - m->start;
        return paging_direct(m->start);
    }
    return NULL;
}

int platform_file_open(const char *name, bool writable,
                       struct platform_file *out)
{
    const char *wanted = last_component(name);

    for (unsigned i = 0; i < file_count; i++) {
        struct file *f = &files[i];

        if (strcmp(f->name, wanted))
            continue;
        if (f->has_writer || (writable && f->readers))
            return -EBUSY;
        f->has_writer = writable;
        f->readers += !writable;
        *out = (struct platform_file){
            .name = name, .size = f->size, .read_only = !writable,
            .volatile_data = true, .impl = f,
        };
        return 0;
    }
    return -ENOENT;
}

int platform_file_create(const char *name) { return -ENOTSUP; }
int platform_file_remove(struct platform_file *f) { return -ENOTSUP; }

int platform_file_set_writable(struct platform_file *pf, bool writable)
{
    struct file *f = pf->impl;

    if (pf->read_only != writable)
        return 0;
    if (writable && f->readers > 1)
        return -EBUSY;
    f->has_writer = writable;
    f->readers = !writable;
    pf->read_only = !writable;
    return 0;
}

void platform_file_close(struct platform_file *pf)
{
    struct file *f = pf->impl;

    if (pf->read_only)
        f->readers--;
    else
        f->has_writer = false;
    pf->impl = NULL;
}

/* Where `offset` lies and how much is in one piece; NULL: zeros. */
static uint8_t *piece(struct file *f, uint64_t offset, uint64_t *length)
{
    uint64_t beyond, index, flags;
    uint8_t *chunk = NULL;

    if (offset < f->module_size) {
        *length = f->module_size - offset;
        return f->data + offset;
    }
    beyond = offset - f->module_size;
    index = beyond / CHUNK_BYTES;
    *length = CHUNK_BYTES - beyond % CHUNK_BYTES;
    flags = spin_lock(&f->lock);
    if (index < f->chunk_count)
        chunk = f->chunk[index];
    spin_unlock(&f->lock, flags);
    return chunk ? chunk + beyond % CHUNK_BYTES : NULL;
}

/*
 * The one writer makes the table longer; readers on other cores see the old one
 * or the new one.
 */
static bool grow_table(struct file *f, uint64_t count)
{
    uint8_t **grown = calloc(count, sizeof *grown), **old = f->chunk;
    uint64_t flags;

    if (!grown)
        return false;
    if (old)
        memcpy(grown, old, f->chunk_count * sizeof *grown);
    flags = spin_lock(&f->lock);
    f->chunk = grown;
    f->chunk_count = count;
    spin_unlock(&f->lock, flags);
    free(old);
    return true;
}

static int make_chunk(struct file *f, uint64_t offset)
{
    uint64_t index = (offset - f->module_size) / CHUNK_BYTES, flags;
    uint8_t *chunk = platform_pages_alloc(CHUNK_BYTES);

    if (!chunk)
        return -ENOSPC;
    if (index >= f->chunk_count && !grow_table(f, index + 64)) {
        platform_pages_free(chunk, CHUNK_BYTES);
        return -ENOSPC;
    }
    flags = spin_lock(&f->lock);
    f->chunk[index] = chunk;
    spin_unlock(&f->lock, flags);
    return 0;
}

int platform_file_read(struct platform_file *pf, uint64_t offset, void *buf,
                       size_t len)
{
    struct file *f = pf->impl;
    uint8_t *to = buf;

    while (len) {
        uint64_t n;
        const uint8_t *from = piece(f, offset, &n);

        if (n > len)
            n = len;
        if (from)
            memcpy(to, from, n);
        else
            memset(to, 0, n);
        to += n, offset += n, len -= n;
    }
    return 0;
}

int platform_file_write(struct platform_file *pf, uint64_t offset,
                        const void *buf, size_t len)
{
    struct file *f = pf->impl;
    const uint8_t *from = buf;

    if (pf->read_only)
        return -EROFS;
    if (offset > MAX_FILE_BYTES || len > MAX_FILE_BYTES - offset)
        return -ENOSPC;
    while (len) {
        uint64_t n;
        uint8_t *to = piece(f, offset, &n);

        if (!to) {
            int err = make_chunk(f, offset);

            if (err)
                return err;
            continue;
        }
        if (n > len)
            n = len;
        memcpy(to, from, n);
        from += n, offset += n, len -= n;
        if (offset > f->size)
            f->size = offset;
    }
    pf->size = f->size;
    return 0;
}

int platform_file_flush(struct platform_file *f) { return 0; }

const char *platform_file_list(unsigned i)
{
    return i < file_count ? files[i].name : NULL;
}
