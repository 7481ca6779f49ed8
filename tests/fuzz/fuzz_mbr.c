/* Partition tables: any 512 bytes, with and without the signature. */
// covers: kernel/disk/mbr.c
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/mbr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *mbr = calloc(1, 512);
    uint64_t sectors;

    memcpy(mbr, data, size < 512 ? size : 512);
    /* The tables first, so that short inputs reach them. */
    if (size >= 64)
        memcpy(mbr + 446, data, 64);
    mbr[510] = 0x55;
    mbr[511] = size & 1 ? 0xaa : mbr[511];
    sectors = disk_mbr_sectors(mbr);
    if (sectors > 0x1fffffffeull + 256 * 63)
        abort();
    free(mbr);
    return 0;
}
