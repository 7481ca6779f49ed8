/* Physical memory: what is there, and who has it. Any core. */
#ifndef KERNEL_METAL_MEMORY_H
#define KERNEL_METAL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/metal/multiboot.h"

#define PAGE_BYTES 4096u
#define LARGE_PAGE_BYTES 0x200000ul
#define MEMORY_NONE UINT64_MAX

/*
 * Learn the RAM from the memory map (type 1 alone), less the first MiB, the
 * kernel's image, the information block (at physical `info`) and the modules.
 */
void memory_init(const struct multiboot_info *boot, uint64_t info,
                 uint64_t info_size);

/*
 * `bytes` (rounded up to pages) of contiguous physical memory, not zeroed,
 * wholly below `below`; aligned to 2 MiB from that size up. MEMORY_NONE: none.
 */
uint64_t memory_alloc(uint64_t bytes, uint64_t below);
void memory_free(uint64_t phys, uint64_t bytes);
uint64_t memory_free_bytes(void);

/* A page of RAM below A0000h, for the start of other cores; MEMORY_NONE. */
uint64_t memory_low_page(void);

#endif
