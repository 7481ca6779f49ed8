/*
 * The host's page tables: 4 levels, 2 MiB pages where they fit, no page both
 * writable and executable.
 *
 *   ffff8000_00000000  all RAM and the ACPI tables, read-write (direct map)
 *   ffffc000_00000000  device registers and framebuffer
 *   ffffd000_00000000  the C library's heap
 *   ffffe000_00000000  stacks of the cores but the first
 *   fffff000_00000000  translated code, execute only in effect: its pages are
 *                      written through the direct map
 *   ffffffff_80000000  the kernel's image: text rx, rodata r, data rw
 *
 * All cores share them. Mappings are only ever added, by any core; as an entry
 * that is not present is never cached (Intel SDM vol. 3 4.10.2.3), no core has
 * to be told.
 */
#ifndef KERNEL_METAL_PAGING_H
#define KERNEL_METAL_PAGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/metal/multiboot.h"

#define DIRECT_BASE 0xffff800000000000ul
#define DEVICE_BASE 0xffffc00000000000ul
#define HEAP_BASE 0xffffd00000000000ul
#define STACK_BASE 0xffffe00000000000ul
#define CODE_BASE 0xfffff00000000000ul
#define KERNEL_BASE 0xffffffff80000000ul

enum paging_flags {
    PAGING_WRITE = 1,
    PAGING_EXECUTE = 2,
    PAGING_UNCACHED = 4,        /* device registers */
    PAGING_WRITE_COMBINE = 8,   /* framebuffer */
};

/* Replace the boot tables by the final ones; memory_init comes before. */
void paging_init(const struct multiboot_info *boot);
/* A later core, which has their root already: its memory types. */
void paging_init_cpu(void);

/*
 * Map [virt, virt + bytes) to `phys`; all page-aligned. 0, -ENOMEM (no page for
 * a table), -EINVAL (write and execute together, or mapped already).
 */
int paging_map(uint64_t virt, uint64_t phys, uint64_t bytes, unsigned flags);

/*
 * Device memory or a table outside the direct map, any alignment. NULL: no
 * memory. Stays mapped.
 */
void *paging_map_device(uint64_t phys, size_t bytes, unsigned flags);

/* RAM (below 4 GiB before paging_init) at its address in the direct map. */
static inline void *paging_direct(uint64_t phys)
{
    return (void *)(DIRECT_BASE + phys);
}

/* Physical address behind any mapped address, or UINT64_MAX. */
uint64_t paging_phys(const void *virt);
bool paging_is_mapped(uint64_t virt);

/*
 * Read-only view of physical firmware tables: the direct map where that has
 * them, else a new mapping. NULL: no memory.
 */
const void *paging_view(uint64_t phys, size_t bytes);

#endif
