/*
 * File systems and boot loaders by their first bytes: any bytes, by the first
 * of which a magic number is put in its place.
 */
// covers: kernel/disk/probe.c
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    size_t at;
    const char *magic;
    size_t len;
} magics[] = {
    { 0, "", 0 }, { 1080, "\x53\xef", 2 }, { 0, "hsqs", 4 },
    { 0, "\x85\x19", 2 }, { 0, "\x19\x85", 2 }, { 4086, "SWAPSPACE2", 10 },
    { 32768, "\1CD001", 6 }, { 510, "\x55\xaa", 2 }, { 100, "GRUB ", 5 },
};

static void check_text(const char *text, size_t size)
{
    if (!memchr(text, '\0', size))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned m = size ? data[0] % (sizeof magics / sizeof *magics) : 0;
    /* By the second byte: what is left out in front of magic numbers. */
    size_t gap = size > 1 && data[1] & 1 ? 32768 : 0;
    size_t len = size > 2 ? size - 2 + gap : 0;
    uint8_t *copy = calloc(1, len ? len : 1);
    struct probe_fs fs;
    char text[96];

    if (len)
        memcpy(copy + gap, data + 2, len - gap);
    if (magics[m].at + magics[m].len <= len)
        memcpy(copy + magics[m].at, magics[m].magic, magics[m].len);
    if (m == 8 && len >= 512)
        memcpy(copy + 510, "\x55\xaa", 2);
    if (probe_fs(copy, len, &fs)) {
        check_text(fs.label, sizeof fs.label);
        check_text(fs.detail, sizeof fs.detail);
        if (!fs.kind)
            abort();
    }
    if (probe_boot(copy, len, text, sizeof text))
        check_text(text, sizeof text);
    free(copy);
    return 0;
}
