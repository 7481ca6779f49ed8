/* See paging.h. Entry formats: Intel SDM vol. 3 4.5; PAT: 11.12. */
#include "kernel/metal/paging.h"

#include <errno.h>
#include <string.h>

#include "kernel/metal/arch.h"
#include "kernel/metal/memory.h"
#include "kernel/metal/ranges.h"
#include "kernel/metal/spinlock.h"
#include "kernel/platform.h"

#define ENTRIES 512u
#define PTE_PRESENT (1ul << 0)
#define PTE_WRITE (1ul << 1)
#define PTE_PWT (1ul << 3)
#define PTE_PCD (1ul << 4)
#define PTE_LARGE (1ul << 7)
#define PTE_GLOBAL (1ul << 8)
#define PTE_NX (1ul << 63)
#define PTE_ADDRESS 0x000ffffffffff000ul

#define FIRST_MIB 0x100000u

#define EFER_NXE (1ul << 11)
/* The reset value with entry 1 (PWT alone) made write-combining. */
#define PAT_VALUE 0x0007040600070106ul

extern const uint8_t text_start[], text_end[], rodata_start[], rodata_end[];
extern const uint8_t data_start[], data_end[], boot_cpu_stack_guard[];
extern const uint8_t image_phys_start[], image_phys_end[];

static uint64_t *root;          /* NULL while the boot tables are in use */
static uint64_t nx;             /* PTE_NX, or 0 on a processor without */
static uint64_t device_next = DEVICE_BASE;
static struct spinlock lock;

static unsigned index_at(uint64_t virt, unsigned level)
{
    return virt >> (12 + 9 * (level - 1)) & (ENTRIES - 1);
}

static uint64_t *new_table(void)
{
    /* The boot tables reach 4 GiB of RAM; later any RAM would do. */
    uint64_t phys = memory_alloc(PAGE_BYTES, 1ul << 32);

    if (phys == MEMORY_NONE)
        return NULL;
    return memset(paging_direct(phys), 0, PAGE_BYTES);
}

/* Entry of `virt` at `level` (1: 4 KiB, 2: 2 MiB), making tables as needed. */
static uint64_t *entry_for(uint64_t virt, unsigned level)
{
    uint64_t *table = root;

    for (unsigned l = 4; l > level; l--) {
        uint64_t *e = &table[index_at(virt, l)];

        if (!(*e & PTE_PRESENT)) {
            uint64_t *next = new_table();

            if (!next)
                return NULL;
            *e = ((uintptr_t)next - DIRECT_BASE) | PTE_PRESENT | PTE_WRITE;
        } else if (*e & PTE_LARGE) {
            return NULL;
        }
        table = paging_direct(*e & PTE_ADDRESS);
    }
    return &table[index_at(virt, level)];
}

static uint64_t entry_bits(unsigned flags)
{
    uint64_t bits = PTE_PRESENT | PTE_GLOBAL;

    if (flags & PAGING_WRITE)
        bits |= PTE_WRITE;
    if (!(flags & PAGING_EXECUTE))
        bits |= nx;
    if (flags & PAGING_UNCACHED)
        bits |= PTE_PCD | PTE_PWT;
    else if (flags & PAGING_WRITE_COMBINE)
        bits |= PTE_PWT;
    return bits;
}

static int map_locked(uint64_t virt, uint64_t phys, uint64_t bytes,
                      unsigned flags)
{
    uint64_t bits = entry_bits(flags), step;

    if ((flags & PAGING_WRITE) && (flags & PAGING_EXECUTE))
        return -EINVAL;
    for (uint64_t at = 0; at < bytes; at += step) {
        bool large = !((virt + at) % LARGE_PAGE_BYTES) &&
                     !((phys + at) % LARGE_PAGE_BYTES) &&
                     bytes - at >= LARGE_PAGE_BYTES;
        uint64_t *e = entry_for(virt + at, large ? 2 : 1);

        if (!e)
            return -ENOMEM;
        if (*e & PTE_PRESENT)
            return -EINVAL;
        *e = (phys + at) | bits | (large ? PTE_LARGE : 0);
        step = large ? LARGE_PAGE_BYTES : PAGE_BYTES;
    }
    return 0;
}

int paging_map(uint64_t virt, uint64_t phys, uint64_t bytes, unsigned flags)
{
    uint64_t saved = spin_lock(&lock);
    int err = map_locked(virt, phys, bytes, flags);

    spin_unlock(&lock, saved);
    return err;
}

/* The leaf entry of `virt` and the size it maps, or 0. */
static uint64_t walk(uint64_t virt, uint64_t *size)
{
    const uint64_t *table = paging_direct(read_cr3() & PTE_ADDRESS);

    if (virt + (1ul << 47) >= 1ul << 48)        /* not canonical */
        return 0;
    for (unsigned l = 4; l >= 1; l--) {
        uint64_t e = table[index_at(virt, l)];

        if (!(e & PTE_PRESENT))
            return 0;
        if (l == 1 || (e & PTE_LARGE)) {
            *size = 1ul << (12 + 9 * (l - 1));
            return e;
        }
        table = paging_direct(e & PTE_ADDRESS);
    }
    return 0;
}

bool paging_is_mapped(uint64_t virt)
{
    uint64_t size;

    return walk(virt, &size) != 0;
}

uint64_t paging_phys(const void *virt)
{
    uint64_t size, v = (uintptr_t)virt, e = walk(v, &size);

    if (!e)
        return UINT64_MAX;
    return (e & PTE_ADDRESS & ~(size - 1)) | (v & (size - 1));
}

static void must_map(uint64_t virt, uint64_t phys, uint64_t bytes,
                     unsigned flags)
{
    int err = paging_map(virt, phys, bytes, flags);

    if (err)
        platform_fatal("paging: cannot map %lx at %lx (%lu bytes): error %d",
                       phys, virt, bytes, -err);
}

static void map_section(const uint8_t *start, const uint8_t *end,
                        unsigned flags)
{
    uint64_t base = (uintptr_t)start;
    uint64_t bytes = (uint64_t)(end - start + LARGE_PAGE_BYTES - 1) &
                     ~(LARGE_PAGE_BYTES - 1);

    must_map(base, base - KERNEL_BASE, bytes, flags);
}

static void map_image(void)
{
    uint64_t guard = (uintptr_t)boot_cpu_stack_guard;
    uint64_t data = (uintptr_t)data_start, end = (uintptr_t)data_end;

    map_section(text_start, text_end, PAGING_EXECUTE);
    map_section(rodata_start, rodata_end, 0);
    must_map(data, data - KERNEL_BASE, guard - data, PAGING_WRITE);
    guard += PAGE_BYTES;        /* the page left out ends a stack overflow */
    must_map(guard, guard - KERNEL_BASE, end - guard, PAGING_WRITE);
}

/* What the direct map holds: RAM, ACPI tables, the first MiB; the image is
 * mapped once, elsewhere, so that nothing gives its text write access. */
static void map_direct(const struct multiboot_info *boot)
{
    static struct ranges direct;

    ranges_add(&direct, 0, FIRST_MIB);
    for (unsigned i = 0; i < boot->range_count; i++) {
        const struct multiboot_range *r = &boot->range[i];
        uint64_t base = r->base & ~(uint64_t)(PAGE_BYTES - 1);
        uint64_t bytes = (r->base + r->length - base + PAGE_BYTES - 1) &
                         ~(uint64_t)(PAGE_BYTES - 1);

        if (r->type == MULTIBOOT_RAM || r->type == MULTIBOOT_ACPI_RECLAIM ||
            r->type == MULTIBOOT_ACPI_NVS)
            ranges_add(&direct, base, bytes);
    }
    ranges_remove(&direct, (uintptr_t)image_phys_start,
                  (uint64_t)(image_phys_end - image_phys_start));
    for (unsigned i = 0; i < direct.count; i++)
        must_map(DIRECT_BASE + direct.r[i].base, direct.r[i].base,
                 direct.r[i].end - direct.r[i].base, PAGING_WRITE);
}

void paging_init(const struct multiboot_info *boot)
{
    nx = read_msr(MSR_EFER) & EFER_NXE ? PTE_NX : 0;
    write_msr(MSR_PAT, PAT_VALUE);
    root = new_table();
    if (!root)
        platform_fatal("paging: no memory below 4 GiB");
    map_direct(boot);
    map_image();
    write_cr3(paging_phys(root));
    if (!nx)
        platform_log("this processor has no NX: data pages are executable");
}

void paging_init_cpu(void)
{
    write_msr(MSR_PAT, PAT_VALUE);
    write_cr3(read_cr3());      /* nothing cached under the reset value */
}

void *paging_map_device(uint64_t phys, size_t bytes, unsigned flags)
{
    uint64_t base = phys & ~(uint64_t)(PAGE_BYTES - 1), virt, saved;
    uint64_t length = (phys - base + bytes + PAGE_BYTES - 1) &
                      ~(uint64_t)(PAGE_BYTES - 1);
    int err;

    if (!root || !bytes || bytes > 1ul << 40)
        return NULL;
    saved = spin_lock(&lock);
    virt = device_next;
    if (length >= LARGE_PAGE_BYTES)     /* same place in a large page */
        virt = ((virt + LARGE_PAGE_BYTES - 1) & ~(LARGE_PAGE_BYTES - 1)) +
               base % LARGE_PAGE_BYTES;
    err = map_locked(virt, base, length, flags);
    if (!err)
        device_next = virt + length;
    spin_unlock(&lock, saved);
    return err ? NULL : (void *)(virt + (phys - base));
}

const void *paging_view(uint64_t phys, size_t bytes)
{
    uint64_t virt = DIRECT_BASE + phys;

    if (!bytes || phys + bytes < phys || phys >= 1ul << 46)
        return NULL;
    for (uint64_t at = virt & ~(uint64_t)(PAGE_BYTES - 1); at < virt + bytes;
         at += PAGE_BYTES)
        if (!paging_is_mapped(at))
            return paging_map_device(phys, bytes, 0);
    return paging_direct(phys);
}
