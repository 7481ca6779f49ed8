/* See fake_gdb.h. */
#include "tests/unit/fake_gdb.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_64bit(void *ctx)
{
    return cpu_model_is_64bit(((struct fake_gdb *)ctx)->cpu.model);
}

static int with_cpu(void *ctx, bool change,
                    void (*fn)(struct cpu *c, void *arg), void *arg)
{
    struct fake_gdb *f = ctx;

    if (f->refuse)
        return f->refuse;
    f->changes += change;
    fn(&f->cpu, arg);
    return 0;
}

static int memory(void *ctx, uint64_t addr, void *buf, size_t len, bool write)
{
    struct fake_gdb *f = ctx;
    uint64_t at = addr - FAKE_GDB_BASE;

    if (f->refuse)
        return f->refuse;
    if (at > sizeof f->memory || len > sizeof f->memory - at)
        return -EFAULT;
    if (write)
        memcpy(f->memory + at, buf, len);
    else
        memcpy(buf, f->memory + at, len);
    return 0;
}

static int place(void *ctx, enum cpu_stop_kind kind, uint64_t addr,
                 uint64_t len, bool insert)
{
    struct fake_gdb *f = ctx;

    if (f->refuse)
        return f->refuse;
    return insert ? cpu_stops_add(&f->stops, kind, addr, len)
                  : cpu_stops_remove(&f->stops, kind, addr, len);
}

static int run(void *ctx, bool step)
{
    struct fake_gdb *f = ctx;

    if (f->refuse)
        return f->refuse;
    f->runs += !step;
    f->steps += step;
    f->state = GDB_RUNS;
    return 0;
}

static int halt(void *ctx)
{
    struct fake_gdb *f = ctx;

    f->halts++;
    f->state = GDB_PAUSED;
    return f->refuse;
}

static enum gdb_state state(void *ctx, struct cpu_stops *stops)
{
    struct fake_gdb *f = ctx;

    *stops = f->stops;
    return f->state;
}

static void monitor(void *ctx, char *line, char *out, size_t size)
{
    struct fake_gdb *f = ctx;

    snprintf(f->line, sizeof f->line, "%s", line);
    snprintf(out, size, "%s", f->says);
}

static void detach(void *ctx) { ((struct fake_gdb *)ctx)->detaches++; }
static void kill(void *ctx) { ((struct fake_gdb *)ctx)->kills++; }

const struct gdb_target fake_gdb_target = {
    .is_64bit = is_64bit, .cpu = with_cpu, .memory = memory, .place = place,
    .run = run, .halt = halt, .state = state, .monitor = monitor,
    .detach = detach, .kill = kill,
};

static uint8_t *ram_page(void *ctx, uint64_t addr, bool write)
{
    struct fake_gdb *f = ctx;
    uint64_t at = addr - FAKE_GDB_BASE;

    return at < sizeof f->memory ? f->memory + at : NULL;
}

static uint64_t mmio_read(void *ctx, uint64_t addr, unsigned size) { return 0; }

void fake_gdb_init(struct fake_gdb *f, const char *model)
{
    memset(f, 0, sizeof *f);
    f->bus = (struct cpu_bus){ .ctx = f, .ram_page = ram_page,
                               .mmio_read = mmio_read };
    f->cpu.bus = &f->bus;
    f->cpu.model = cpu_model_find(model);
    cpu_reset(&f->cpu);
    f->state = GDB_PAUSED;
    f->says = "";
}
