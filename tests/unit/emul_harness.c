#include "tests/unit/emul_harness.h"

#include <stdlib.h>
#include <string.h>

static bool is_mmio(uint64_t addr)
{
    return addr >= EMUL_MMIO && addr < EMUL_MMIO_END;
}

static uint8_t *ram_page(void *ctx, uint64_t addr, bool write)
{
    struct emul_harness *h = ctx;

    return addr < EMUL_RAM_BYTES && !is_mmio(addr) ? h->ram + addr : NULL;
}

static uint64_t mmio_read(void *ctx, uint64_t addr, unsigned size)
{
    struct emul_harness *h = ctx;
    uint64_t v = 0;

    h->mmio_reads++;
    if (!is_mmio(addr) || !is_mmio(addr + size - 1))
        return ~0ull;
    memcpy(&v, h->ram + addr, size);
    return v;
}

static void mmio_write(void *ctx, uint64_t addr, unsigned size, uint64_t v)
{
    struct emul_harness *h = ctx;

    h->mmio_writes++;
    if (is_mmio(addr) && is_mmio(addr + size - 1))
        memcpy(h->ram + addr, &v, size);
}

static unsigned io_read_block(void *ctx, uint16_t port, unsigned size,
                              void *buf, unsigned count)
{
    struct emul_harness *h = ctx;

    if (count > h->io_limit)
        count = h->io_limit;
    for (unsigned n = 0; n < count * size; n++)
        ((uint8_t *)buf)[n] = h->io[h->io_bytes++ % sizeof(h->io)];
    h->io_port = port;
    h->io_calls++;
    return count;
}

static unsigned io_write_block(void *ctx, uint16_t port, unsigned size,
                               const void *buf, unsigned count)
{
    struct emul_harness *h = ctx;

    if (count > h->io_limit)
        count = h->io_limit;
    for (unsigned n = 0; n < count * size; n++)
        h->io[h->io_bytes++ % sizeof(h->io)] = ((const uint8_t *)buf)[n];
    h->io_port = port;
    h->io_calls++;
    return count;
}

static uint32_t io_read(void *ctx, uint16_t port, unsigned size)
{
    uint32_t v = 0;

    io_read_block(ctx, port, size, &v, 1);
    return v;
}

static void io_write(void *ctx, uint16_t port, unsigned size, uint32_t v)
{
    io_write_block(ctx, port, size, &v, 1);
}

static uint64_t tsc(void *ctx) { return 0x1122334455; }

struct emul_harness *emul_harness_new(void)
{
    struct emul_harness *h = calloc(1, sizeof(*h));

    h->ram = aligned_alloc(4096, EMUL_RAM_BYTES);
    memset(h->ram, 0, EMUL_RAM_BYTES);
    h->bus = (struct cpu_bus){ .ctx = h, .ram_page = ram_page,
                               .mmio_read = mmio_read,
                               .mmio_write = mmio_write, .io_read = io_read,
                               .io_write = io_write,
                               .io_read_block = io_read_block,
                               .io_write_block = io_write_block, .tsc = tsc };
    h->io_limit = 1u << 16;
    h->model = *cpu_model_find("trestle64");
    h->cpu.bus = &h->bus;
    h->cpu.model = &h->model;
    cpu_reset(&h->cpu);
    return h;
}

void emul_harness_free(struct emul_harness *h)
{
    free(h->ram);
    free(h);
}

void emul_harness_protected(struct emul_harness *h)
{
    struct cpu *c = &h->cpu;

    cpu_reset(c);
    c->cr0 = CR0_PE | CR0_ET | CR0_WP;
    for (unsigned s = 0; s < SEG_COUNT; s++)
        c->seg[s] = (struct cpu_seg){ .sel = 0x10, .attr = 0xc93,
                                      .limit = 0xffffffffu };
    c->seg[CS].attr = 0xc9b;
    c->rip = 0x1000;
    c->gpr[RSP] = 0x8000;
}

void emul_harness_long(struct emul_harness *h)
{
    struct cpu *c = &h->cpu;

    emul_harness_protected(h);
    c->cr4 = CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    c->efer = EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE;
    c->cr0 |= CR0_PG;
    c->cr3 = EMUL_TABLES;
    c->seg[CS].attr = 0xa9b;
    memset(h->ram + EMUL_TABLES, 0, EMUL_RAM_BYTES - EMUL_TABLES);
    h->next_table = EMUL_TABLES + 0x1000;
}

uint64_t *emul_harness_entry(struct emul_harness *h, uint64_t lin,
                             unsigned level)
{
    uint64_t table = EMUL_TABLES;

    for (unsigned n = 4;; n--) {
        uint64_t *entry = (uint64_t *)(h->ram + table) +
                          (lin >> (12 + 9 * (n - 1)) & 0x1ff);

        if (n == level)
            return entry;
        if (!(*entry & PTE_P)) {
            *entry = h->next_table | PTE_P | PTE_RW | PTE_US;
            h->next_table += 0x1000;
            if (h->next_table > EMUL_RAM_BYTES)
                abort();
        }
        table = *entry & 0xfffffff000ull;
    }
}

uint64_t *emul_harness_map(struct emul_harness *h, uint64_t lin, uint64_t phys,
                           uint64_t flags)
{
    uint64_t *entry = emul_harness_entry(h, lin, 1);

    *entry = phys | flags | PTE_P;
    return entry;
}
