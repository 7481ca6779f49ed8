/* See machine_debug.h. */
#include "emu/machine_debug.h"

#include <errno.h>
#include <string.h>

#include "emu/cpu/peek.h"
#include "emu/machine_internal.h"

#define PAGE 4096u

int machine_debug_write(struct machine *m, uint64_t lin, const void *buf,
                        size_t len)
{
    const uint8_t *in = buf;

    while (len) {
        size_t n = PAGE - (lin & (PAGE - 1));
        uint64_t phys;
        uint8_t *p;

        if (n > len)
            n = len;
        if (!cpu_peek_translate(&m->cpu, lin, &phys))
            return -EFAULT;
        p = cpu_peek_memory(&m->cpu, phys, true);
        if (!p)
            return -EFAULT;
        memcpy(p, in, n);
        m->config.engine->memory_changed(m->engine, phys & m->a20_mask, n);
        lin += n;
        in += n;
        len -= n;
    }
    return 0;
}

/* The engine forgets what it decoded and mapped for other places than these. */
static void places_changed(struct machine *m)
{
    m->cpu.stops = m->stops.count || m->stops.step ? &m->stops : NULL;
    m->config.engine->map_changed(m->engine);
}

static int can_debug(const struct machine *m)
{
    const struct engine_ops *ops = m->config.engine;

    return ops->can_debug ? ops->can_debug(m->engine) : 0;
}

int machine_debug_insert(struct machine *m, enum cpu_stop_kind kind,
                         uint64_t lin, uint64_t len)
{
    struct cpu_stops before = m->stops;
    int r = cpu_stops_add(&m->stops, kind, lin, len);

    if (r)
        return r;
    m->cpu.stops = &m->stops;
    r = can_debug(m);
    if (r)
        m->stops = before;
    places_changed(m);
    return r;
}

int machine_debug_remove(struct machine *m, enum cpu_stop_kind kind,
                         uint64_t lin, uint64_t len)
{
    int r = cpu_stops_remove(&m->stops, kind, lin, len);

    if (!r)
        places_changed(m);
    return r;
}

void machine_debug_clear(struct machine *m)
{
    if (!m->cpu.stops)
        return;
    m->stops = (struct cpu_stops){ .count = 0 };
    places_changed(m);
}

/* A step needs nothing forgotten: its instruction is decoded by itself. */
int machine_debug_step(struct machine *m, bool step)
{
    int r = step ? can_debug(m) : 0;

    if (r)
        return r;
    m->stops.step = step;
    m->stops.went_on = false;
    m->cpu.stops = m->stops.count || step ? &m->stops : NULL;
    return 0;
}

void machine_debug_changed(struct machine *m)
{
    m->config.engine->map_changed(m->engine);
}

const struct cpu_stops *machine_debug_stops(const struct machine *m)
{
    return &m->stops;
}
