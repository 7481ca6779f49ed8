/* See mbr.h. */
#include "kernel/disk/mbr.h"

/* MBR layout: four 16-byte entries at 446, AA55h at 510. */
#define MBR_TABLE 446u
#define MBR_ENTRY 16u

static uint32_t le32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t disk_mbr_sectors(const uint8_t *mbr)
{
    uint64_t end = 0;
    unsigned heads = 0, spt = 0;

    if (mbr[510] != 0x55 || mbr[511] != 0xaa)
        return 0;
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *e = mbr + MBR_TABLE + i * MBR_ENTRY;
        uint64_t last = (uint64_t)le32(e + 8) + le32(e + 12);

        /* Status is 00h or 80h in a partition table, not in a boot sector. */
        if (e[0] & 0x7f)
            return 0;
        /* EEh: a GPT's protective entry; its size may be any (UEFI 5.2.3). */
        if (!e[4] || e[4] == 0xee || !le32(e + 12))
            continue;
        if (last > end) {
            end = last;
            heads = e[5] + 1u;          /* the last CHS: head, sector */
            spt = e[6] & 0x3f;
        }
    }
    /*
     * Classic tables end on a cylinder boundary; where the last CHS address is
     * the end of a cylinder, present whole cylinders. LBA-only tables
     * (FE FF FF and such) end where they end.
     */
    if (spt && heads <= 255 && end % spt == 0) {
        uint64_t cylinder = (uint64_t)heads * spt;

        if (end % cylinder && end < 1024 * cylinder)
            end += cylinder - end % cylinder;
    }
    return end;
}
