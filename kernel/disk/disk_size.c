/* See disk_size.h. */
#include "kernel/disk/disk_size.h"

#include <stdio.h>

void disk_size_text(char text[DISK_SIZE_TEXT], uint64_t sectors)
{
    static const char *const units[] = { "KB", "MB", "GB", "TB", "PB" };
    /* In thousandths: of 2^64 sectors, none that there is has more bytes. */
    uint64_t n = sectors > UINT64_MAX / 512 ? UINT64_MAX : sectors * 512;
    unsigned i = 0;

    for (; n >= 1000000 && i < 4; i++)
        n /= 1000;
    if (n < 10000)
        snprintf(text, DISK_SIZE_TEXT, "%u.%u %s", (unsigned)(n / 1000),
                 (unsigned)(n % 1000 / 100), units[i]);
    else
        snprintf(text, DISK_SIZE_TEXT, "%u %s", (unsigned)(n / 1000),
                 units[i]);
}
