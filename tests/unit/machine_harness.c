/* See machine_harness.h. */
#include "tests/unit/machine_harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LAPIC_EOI 0xfee000b0ull

/* ---- A CPU that runs C -------------------------------------------------- */

struct engine {
    struct cpu *cpu;
    struct guest *guest;
};

static struct guest *new_guest;

static int fake_probe(char *why, size_t size)
{
    return 0;
}

static struct engine *fake_create(struct cpu *cpu)
{
    struct engine *e = calloc(1, sizeof *e);

    e->cpu = cpu;
    e->guest = new_guest;
    return e;
}

static void fake_destroy(struct engine *e)
{
    free(e);
}

static void take_interrupt(struct guest *g, struct cpu *c)
{
    c->halted = false;
    c->bus->intack(c->bus->ctx);
    if (g->irqs < GUEST_IRQS)
        g->irq_at[g->irqs] = c->icount;
    g->irqs++;
    if (g->ends_apic)
        c->bus->mmio_write(c->bus->ctx, LAPIC_EOI, 4, 0);
    else
        c->bus->io_write(c->bus->ctx, 0x20, 1, 0x20);
}

static enum engine_exit fake_run(struct engine *e, uint64_t max,
                                 uint64_t max_ns)
{
    struct guest *g = e->guest;
    struct cpu *c = e->cpu;

    g->slices++;
    if (g->shutdowns) {
        g->shutdowns--;
        return ENGINE_SHUTDOWN;
    }
    for (uint64_t n = 0; n < max; n++) {
        if (c->stop_request)
            return ENGINE_KICKED;
        while (c->intr)
            take_interrupt(g, c);
        if (c->halted)
            return ENGINE_HALTED;
        c->icount++;
        g->clock += g->insn_ns;
        if (g->insn && g->insn(g, c))
            c->halted = true;
    }
    return ENGINE_BUDGET;
}

static void fake_memory_changed(struct engine *e, uint64_t addr, uint64_t len)
{
    e->guest->changed_addr = addr;
    e->guest->changed_len = len;
}

static void fake_map_changed(struct engine *e)
{
    e->guest->map_changes++;
}

static void fake_kick(struct engine *e)
{
    e->cpu->stop_request = true;
}

static const struct engine_ops fake_engine = {
    .name = "fake",
    .counts_insns = true,
    .probe = fake_probe,
    .create = fake_create,
    .destroy = fake_destroy,
    .run = fake_run,
    .memory_changed = fake_memory_changed,
    .map_changed = fake_map_changed,
    .kick = fake_kick,
};

/* ---- Machines ----------------------------------------------------------- */

uint8_t guest_bios[BIOS_BYTES];

static uint64_t host_clock(void *ctx)
{
    return ((struct guest *)ctx)->clock;
}

/* Since some full minute. */
static int64_t host_wall(void *ctx)
{
    return (int64_t)((struct guest *)ctx)->clock - 5000000000ll;
}

static void host_log(void *ctx, const char *line)
{
    ((struct guest *)ctx)->log_lines++;
}

static void host_log_item(void *ctx, const char *line)
{
    struct guest *g = ctx;

    g->item_lines++;
    snprintf(g->item, sizeof g->item, "%s", line);
}

static void host_debug(void *ctx, uint8_t c)
{
    struct guest *g = ctx;

    if (g->debug_len < sizeof g->debug)
        g->debug[g->debug_len++] = (char)c;
}

static size_t host_serial_write(void *ctx, const uint8_t *buf, size_t len)
{
    struct guest *g = ctx;

    if (len > sizeof g->said - g->said_len)
        len = sizeof g->said - g->said_len;
    memcpy(g->said + g->said_len, buf, len);
    g->said_len += len;
    return len;
}

static size_t host_serial_read(void *ctx, uint8_t *buf, size_t len)
{
    return 0;
}

struct machine_config guest_config(struct guest *g, int icount_shift)
{
    for (unsigned i = 0; i < BIOS_BYTES; i++)
        guest_bios[i] = (uint8_t)(i * 7 + i / 251);
    g->host = (struct machine_host){
        .ctx = g, .clock_ns = host_clock, .wall_ns = host_wall,
        .log = host_log,
        .log_item = host_log_item,
        .debug_char = host_debug,
    };
    g->com1 = (struct chardev){ g, host_serial_write, host_serial_read, NULL };
    return (struct machine_config){
        .name = "test", .ram = g->ram, .ram_bytes = RAM_BYTES,
        .engine = &fake_engine, .bios = guest_bios, .bios_size = BIOS_BYTES,
        .icount_shift = icount_shift, .rtc_follows = true, .host = &g->host,
        .serial = { &g->com1 }
    };
}

struct guest *guest_new_as(int icount_shift,
                           void (*change)(struct machine_config *c))
{
    struct guest *g = calloc(1, sizeof *g);
    struct machine_config c;
    const char *error;

    g->ram = calloc(1, RAM_BYTES);
    g->clock = 5000000000ull;
    g->insn_ns = 10;
    new_guest = g;
    c = guest_config(g, icount_shift);
    if (change)
        change(&c);
    g->m = machine_create(&c, &error);
    assert_non_null(g->m);
    assert_null(error);
    return g;
}

struct guest *guest_new(int icount_shift)
{
    return guest_new_as(icount_shift, NULL);
}

void guest_free(struct guest *g)
{
    machine_destroy(g->m);
    free(g->ram);
    free(g);
}

const struct cpu_bus *guest_bus(struct guest *g)
{
    return machine_cpu(g->m)->bus;
}

void guest_out(struct guest *g, uint16_t port, unsigned size, uint32_t v)
{
    guest_bus(g)->io_write(guest_bus(g)->ctx, port, size, v);
}

uint32_t guest_in(struct guest *g, uint16_t port, unsigned size)
{
    uint32_t v = guest_bus(g)->io_read(guest_bus(g)->ctx, port, size);

    return size == 4 ? v : v & ((1u << 8 * size) - 1);
}

void guest_start_tick(struct guest *g, unsigned divisor)
{
    static const uint8_t icw[] = { 0x08, 0x04, 0x01, 0xfe };

    guest_out(g, 0x20, 1, 0x11);
    for (unsigned i = 0; i < sizeof icw; i++)
        guest_out(g, 0x21, 1, icw[i]);
    guest_out(g, 0x43, 1, 0x34);
    guest_out(g, 0x40, 1, divisor & 0xff);
    guest_out(g, 0x40, 1, divisor >> 8);
}

bool insn_hlt(struct guest *g, struct cpu *c)
{
    return true;
}

uint64_t guest_counter(struct guest *g, const char *name)
{
    char buf[8192], *p;

    assert_true(machine_info(g->m, "counters", buf, sizeof buf) > 0);
    p = strstr(buf, name);
    if (!p)
        return 0;
    while (p > buf && p[-1] != '\n')
        p--;
    return strtoull(p, NULL, 10);
}
