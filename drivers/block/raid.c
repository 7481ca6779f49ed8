/* See raid.h. */
#include "drivers/block/raid.h"

static const struct disk_match vmd_match[] = {
    { .vendor = 0x8086, .device = 0x201d },
    { .vendor = 0x8086, .device = 0x28c0 },
    { .vendor = 0x8086, .device = 0x467f },
    { .vendor = 0x8086, .device = 0x09ab },
    { .vendor = 0x8086, .device = 0x7d0b },
    { .vendor = 0x8086, .device = 0xa77f },
};

const struct disk_driver vmd_driver = {
    .name = "vmd", .match = vmd_match,
    .match_count = sizeof vmd_match / sizeof *vmd_match,
    .unsupported = "Intel VMD hides the disks behind it: turn VMD (also: RST, "
                   "RAID) off in the firmware setup, and they are NVMe or AHCI",
};

static const struct disk_match raid_match[] = {
    { .class_code = 0x010400, .class_mask = 0xffff00 },
};

const struct disk_driver raid_driver = {
    .name = "raid", .match = raid_match, .match_count = 1,
    .unsupported = "it is in RAID mode: set SATA mode to AHCI in the firmware "
                   "setup (an operating system on that disk may need to be "
                   "told, too)",
};
