/*
 * The bus that a hardware engine's CPU sees: its machine's, but for the
 * time-stamp counter, which must go on where the guest reads the processor's
 * own; and accesses to devices are counted, as they tell how long a stretch of
 * interpretation pays.
 */
#include "kernel/metal/hv_internal.h"

#define MACHINE(ctx) ((struct hv *)(ctx))->machine_bus

static uint8_t *ram_page(void *ctx, uint64_t addr, bool write)
{
    return MACHINE(ctx)->ram_page(MACHINE(ctx)->ctx, addr, write);
}

static uint64_t mmio_read(void *ctx, uint64_t addr, unsigned size)
{
    ((struct hv *)ctx)->io_count++;
    return MACHINE(ctx)->mmio_read(MACHINE(ctx)->ctx, addr, size);
}

static void mmio_write(void *ctx, uint64_t addr, unsigned size, uint64_t value)
{
    ((struct hv *)ctx)->io_count++;
    MACHINE(ctx)->mmio_write(MACHINE(ctx)->ctx, addr, size, value);
}

static uint32_t io_read(void *ctx, uint16_t port, unsigned size)
{
    ((struct hv *)ctx)->io_count++;
    return MACHINE(ctx)->io_read(MACHINE(ctx)->ctx, port, size);
}

static void io_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
    ((struct hv *)ctx)->io_count++;
    MACHINE(ctx)->io_write(MACHINE(ctx)->ctx, port, size, value);
}

static unsigned io_read_block(void *ctx, uint16_t port, unsigned size,
                              void *buf, unsigned count)
{
    ((struct hv *)ctx)->io_count++;
    return MACHINE(ctx)->io_read_block(MACHINE(ctx)->ctx, port, size, buf,
                                       count);
}

static unsigned io_write_block(void *ctx, uint16_t port, unsigned size,
                               const void *buf, unsigned count)
{
    ((struct hv *)ctx)->io_count++;
    return MACHINE(ctx)->io_write_block(MACHINE(ctx)->ctx, port, size, buf,
                                        count);
}

static unsigned intack(void *ctx)
{
    return MACHINE(ctx)->intack(MACHINE(ctx)->ctx);
}

static uint64_t tsc(void *ctx)
{
    return hv_tsc_now(ctx);
}

static void ferr(void *ctx, bool level)
{
    MACHINE(ctx)->ferr(MACHINE(ctx)->ctx, level);
}

static uint8_t cr8_read(void *ctx)
{
    return MACHINE(ctx)->cr8_read(MACHINE(ctx)->ctx);
}

static void cr8_write(void *ctx, uint8_t v)
{
    MACHINE(ctx)->cr8_write(MACHINE(ctx)->ctx, v);
}

static void apic_base_written(void *ctx, uint64_t v)
{
    MACHINE(ctx)->apic_base_written(MACHINE(ctx)->ctx, v);
}

void hv_bus_init(struct hv *h)
{
    h->machine_bus = h->cpu->bus;
    h->bus = (struct cpu_bus){
        .ctx = h, .ram_page = ram_page, .mmio_read = mmio_read,
        .mmio_write = mmio_write, .io_read = io_read, .io_write = io_write,
        .io_read_block = io_read_block, .io_write_block = io_write_block,
        .intack = intack, .tsc = tsc, .ferr = ferr,
    };
    if (h->machine_bus->cr8_read) {     /* there is a local APIC */
        h->bus.cr8_read = cr8_read;
        h->bus.cr8_write = cr8_write;
        h->bus.apic_base_written = apic_base_written;
    }
    h->cpu->bus = &h->bus;
}
