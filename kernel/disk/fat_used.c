/* See fat_used.h. */
#include "kernel/disk/fat_used.h"

int fat_used(struct fat *f, uint64_t *sectors)
{
    uint32_t end = f->boot.clusters + FAT_FIRST_CLUSTER, last = 0, value;

    for (uint32_t c = FAT_FIRST_CLUSTER; c < end; c++) {
        int r = fat_get(f, c, &value);

        if (r)
            return r;
        if (value != FAT_FREE)
            last = c;
    }
    *sectors = f->boot.data_start;
    if (last)
        *sectors = fat_cluster_sector(f, last) + f->boot.cluster_sectors;
    return 0;
}
