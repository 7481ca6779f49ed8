/*
 * A Trestle medium: the stick or disk that Trestle was started from. It is
 * known by its partition "trestle-state". A GPT, all starts and sizes in
 * multiples of 2048 sectors:
 *
 *     1 BIOS boot partition   GRUB's core.img, whose place boot.img has
 *     2 TRESTLE               EFI system partition, FAT32: GRUB, trestle.elf,
 *                             trestle.conf
 *     3 trestle-state         the table of slots
 *     4 trestle-a             a slot: a router's disk
 *     5 trestle-b, 6 trestle-c, 7 trestle-snap      on an installed disk only:
 *                             two more slots, snapshots
 *
 * The first three have the same place on every medium. tools/make-stick makes
 * one. GRUB says which one it started from by the volume serial number of 2's
 * file system, so no two may have the same.
 */
#ifndef KERNEL_DISK_MEDIUM_H
#define KERNEL_DISK_MEDIUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/block/disk.h"
#include "kernel/disk/block_phys.h"

#define MEDIUM_ALIGN 2048u      /* sectors */
#define MEDIUM_SERIAL_TEXT 10u  /* "1234-ABCD" */

enum medium_part {
    MEDIUM_BIOS_BOOT, MEDIUM_ESP, MEDIUM_STATE,
    MEDIUM_SLOT_A, MEDIUM_SLOT_B, MEDIUM_SLOT_C, MEDIUM_SNAPSHOTS,
    MEDIUM_PARTS
};
#define MEDIUM_SLOTS 3u

/* What is in the GPT; partition number is the index and one. */
struct medium_part_kind {
    const char *name;
    uint8_t type[16];           /* GUID, as in an entry */
    uint32_t first, sectors;    /* 0: anywhere, of any size */
};
extern const struct medium_part_kind medium_part_kinds[MEDIUM_PARTS];

struct medium {
    struct disk *disk;
    unsigned number;            /* disk0 ... */
    uint32_t serial;            /* of the FAT; 0: it cannot be read */
    struct {
        uint64_t first, count;  /* sectors of the disk; count 0: not there */
    } part[MEDIUM_PARTS];
};

/*
 * The medium that GRUB started from, by the serial number that the option
 * -medium has ("1234-ABCD"; NULL: none). The string must stay.
 */
void medium_select(const char *serial);
/* What was selected, or NULL. */
const char *medium_selected(void);
/* Such a number from text. False: it is none. */
bool medium_parse_serial(const char *text, uint32_t *serial);

/*
 * Look for it among the PC's disks: the selected one, else the only one there
 * is. Reads only. 0, or negative errno and a sentence in `why`: -ENOENT: there
 * is none; -EINVAL: several could be meant; -ENOMEM. I/O core; `wait` as
 * block_phys_open has it.
 */
int medium_find(void (*wait)(uint64_t deadline), struct medium *out, char *why,
                size_t why_size);

/*
 * One of its partitions, as block_phys_open opens it; -ENOENT: it has none such.
 */
int medium_open(const struct medium *m, enum medium_part part,
                enum block_phys_use use, void (*wait)(uint64_t deadline),
                struct block **out, char *why, size_t why_size);

/*
 * The names of slots where a disk's name is asked for: "slot" (the active one),
 * "slot:a", "slot:b", "slot:c". Opening is by medium_find and medium_open, and
 * -EINVAL says that it is no such name.
 */
bool medium_slot_name_is(const char *name);
int medium_slot_open(const char *name, enum block_phys_use use,
                     void (*wait)(uint64_t deadline), struct block **out,
                     char *why, size_t why_size);

#endif
