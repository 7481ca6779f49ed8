/*
 * Guest-physical memory of a machine: RAM from 0, the firmware's ROM below
 * 4 GiB and below 1 MiB, the 440FX's PAM switches between the two (82441FX
 * datasheet 3.2.18), the A20 gate, MMIO ranges, device DMA.
 */
#include "emu/machine_internal.h"

#include <errno.h>
#include <string.h>

#define PAGE 4096u
#define VGA_BASE 0xa0000u
#define PAM_BASE 0xc0000u
#define PAM_SHIFT 14
#define BIOS_LOW_BASE 0xe0000u
#define LOW_END 0x100000u
#define TOP_4G 0x100000000ull
#define BIOS_LOW_SIZE (LOW_END - BIOS_LOW_BASE)

static void map_changed(struct machine *m)
{
    if (m->engine)
        m->config.engine->map_changed(m->engine);
}

void machine_memory_reset(struct machine *m)
{
    memset(m->pam, 0, sizeof m->pam);
    m->smram_open = false;
    m->a20_mask = ~0ull;
    m->apic_page = MACHINE_NO_PAGE;     /* until IA32_APIC_BASE is known */
    map_changed(m);
}

void machine_memory_pam(void *machine, unsigned segment, unsigned rights)
{
    struct machine *m = machine;

    if (segment >= MACHINE_PAM_SEGMENTS || m->pam[segment] == rights)
        return;
    m->pam[segment] = rights;
    map_changed(m);
}

void machine_memory_smram(void *machine, bool open)
{
    struct machine *m = machine;

    if (m->smram_open == open)
        return;
    m->smram_open = open;
    map_changed(m);
}

void machine_set_a20(struct machine *m, bool enabled)
{
    uint64_t mask = enabled ? ~0ull : ~(1ull << 20);

    if (m->a20_mask == mask)
        return;
    m->a20_mask = mask;
    map_changed(m);
}

void machine_memory_apic(struct machine *m, uint64_t page)
{
    if (m->apic_page == page)
        return;
    m->apic_page = page;
    map_changed(m);
}

/* Firmware ROM at `addr`, or NULL. */
static const uint8_t *rom_at(const struct machine *m, uint64_t addr)
{
    size_t size = m->config.bios_size;
    uint64_t from_end;

    if (addr >= BIOS_LOW_BASE && addr < LOW_END)
        from_end = LOW_END - addr;
    else if (addr < TOP_4G && addr >= TOP_4G - size)
        from_end = TOP_4G - addr;
    else
        return NULL;
    return from_end <= size ? m->config.bios + size - from_end : NULL;
}

/*
 * RAM at `addr` for this kind of access, or NULL. Both sides see the PAM
 * switches; A0000h..BFFFFh belongs to PCI except to the CPU with SMRAM open.
 */
static uint8_t *ram_at(const struct machine *m, uint64_t addr, bool write,
                       bool smram)
{
    if (addr >= m->config.ram_bytes)
        return NULL;
    if (addr >= VGA_BASE && addr < LOW_END) {
        if (addr < PAM_BASE) {
            if (!smram)
                return NULL;
        } else if (!(m->pam[(addr - PAM_BASE) >> PAM_SHIFT] &
                     (write ? MACHINE_PAM_WRITE : MACHINE_PAM_READ))) {
            return NULL;
        }
    }
    return m->config.ram + addr;
}

/* The newest range that holds `addr` (later mappings win), or NULL. */
static struct device *mmio_at(const struct machine *m, uint64_t addr)
{
    for (unsigned i = m->mmio_count; i-- > 0;) {
        const struct mmio_range *r = &m->mmio[i];

        if (addr >= r->base && addr < r->end)
            return r->dev;
    }
    return NULL;
}

static bool is_apic(const struct machine *m, uint64_t addr)
{
    return (addr & ~(uint64_t)(PAGE - 1)) == m->apic_page;
}

uint8_t *machine_ram_page(void *ctx, uint64_t addr, bool write)
{
    struct machine *m = ctx;
    uint8_t *p;

    addr &= m->a20_mask;
    if (is_apic(m, addr))
        return NULL;
    p = ram_at(m, addr, write, m->smram_open);
    if (p)
        return p;
    if (write || mmio_at(m, addr))
        return NULL;
    return (uint8_t *)rom_at(m, addr);
}

static uint64_t load_le(const uint8_t *p, unsigned size)
{
    uint64_t v = 0;

    memcpy(&v, p, size);
    return v;
}

uint64_t machine_mmio_read(void *ctx, uint64_t addr, unsigned size)
{
    struct machine *m = ctx;
    struct device *dev;
    const uint8_t *p;

    addr &= m->a20_mask;
    if (is_apic(m, addr)) {
        dev = (struct device *)m->d.lapic;
        return dev->ops->mmio_read(dev, addr, size);
    }
    p = ram_at(m, addr, false, m->smram_open);
    if (p)
        return load_le(p, size);
    dev = mmio_at(m, addr);
    if (dev && dev->ops->mmio_read)
        return dev->ops->mmio_read(dev, addr, size);
    p = rom_at(m, addr);
    if (p)
        return load_le(p, size);
    machine_count_access(m, "memory: read of nothing", addr, size);
    return ~0ull;
}

void machine_mmio_write(void *ctx, uint64_t addr, unsigned size,
                        uint64_t value)
{
    struct machine *m = ctx;
    struct device *dev;
    uint8_t *p;

    addr &= m->a20_mask;
    if (is_apic(m, addr)) {
        dev = (struct device *)m->d.lapic;
        dev->ops->mmio_write(dev, addr, size, value);
        return;
    }
    p = ram_at(m, addr, true, m->smram_open);
    if (p) {
        memcpy(p, &value, size);
        return;
    }
    dev = mmio_at(m, addr);
    if (dev && dev->ops->mmio_write)
        dev->ops->mmio_write(dev, addr, size, value);
    else
        machine_count_access(m, rom_at(m, addr) ? "memory: write to ROM"
                                                : "memory: write to nothing",
                             addr, size);
}

void machine_mmio_map(struct machine *m, uint64_t base, uint64_t size,
                      struct device *dev)
{
    if (m->mmio_count == MACHINE_MMIO_RANGES || !size) {
        machine_count(m, "memory: no room for a device's range");
        return;
    }
    m->mmio[m->mmio_count++] = (struct mmio_range){ base, base + size, dev };
    map_changed(m);
}

void machine_mmio_unmap(struct machine *m, uint64_t base, uint64_t size,
                        struct device *dev)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < m->mmio_count; i++) {
        const struct mmio_range *r = &m->mmio[i];

        if (r->base != base || r->end != base + size || r->dev != dev)
            m->mmio[kept++] = *r;
    }
    m->mmio_count = kept;
    map_changed(m);
}

/* Bytes from `addr` to the end of its page, at most `len`. */
static size_t page_part(uint64_t addr, size_t len)
{
    size_t n = PAGE - (addr & (PAGE - 1));

    return n < len ? n : len;
}

int machine_dma_read(struct machine *m, uint64_t addr, void *buf, size_t len)
{
    uint8_t *out = buf;
    int error = 0;

    while (len) {
        size_t n = page_part(addr, len);
        const uint8_t *p = ram_at(m, addr, false, false);

        if (p) {
            memcpy(out, p, n);
        } else {
            memset(out, 0xff, n);
            error = -EFAULT;
        }
        addr += n;
        out += n;
        len -= n;
    }
    if (error)
        machine_count(m, "memory: DMA read outside RAM");
    return error;
}

int machine_dma_write(struct machine *m, uint64_t addr, const void *buf,
                      size_t len)
{
    const uint8_t *in = buf;
    int error = 0;

    while (len) {
        size_t n = page_part(addr, len);
        uint8_t *p = ram_at(m, addr, true, false);

        if (p) {
            memcpy(p, in, n);
            m->config.engine->memory_changed(m->engine, addr, n);
        } else {
            error = -EFAULT;
        }
        addr += n;
        in += n;
        len -= n;
    }
    if (error)
        machine_count(m, "memory: DMA write outside RAM");
    return error;
}
