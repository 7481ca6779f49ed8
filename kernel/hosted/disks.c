/* platform.h: a Linux program has no disks of its own. */
#include <stddef.h>

#include "kernel/platform.h"

struct disk *platform_disk(unsigned i)
{
    return NULL;
}

uint64_t platform_disks_poll(void)
{
    return UINT64_MAX;
}
