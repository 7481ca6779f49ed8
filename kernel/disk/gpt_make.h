/* Making a GPT (UEFI 2.10 chapter 5.3) for a disk with blocks of 512 bytes. */
#ifndef KERNEL_DISK_GPT_MAKE_H
#define KERNEL_DISK_GPT_MAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "emu/blockdev.h"

#define GPT_ENTRIES 128u
#define GPT_ENTRY_SECTORS 32u   /* of the array */
#define GPT_ENTRIES_BYTES (GPT_ENTRY_SECTORS * BLOCK_SECTOR_SIZE)

/* Entry `i` of the array. `name` is ASCII, 36 characters at most. */
void gpt_make_entry(uint8_t entries[GPT_ENTRIES_BYTES], unsigned i,
                    const uint8_t type[16], const uint8_t guid[16],
                    uint64_t first, uint64_t count, const char *name);
/* One of the two headers of a disk of `sectors`: its first, or its last. */
void gpt_make_header(uint8_t sector[BLOCK_SECTOR_SIZE], bool is_backup,
                     uint64_t sectors, const uint8_t guid[16],
                     const uint8_t entries[GPT_ENTRIES_BYTES]);
/* The protective table in an MBR whose boot code stays as it is. */
void gpt_make_protective(uint8_t sector[BLOCK_SECTOR_SIZE], uint64_t sectors);

#endif
