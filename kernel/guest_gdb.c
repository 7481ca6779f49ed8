/* See guest_gdb.h. */
#include "kernel/guest_gdb.h"

#include <errno.h>

#include "emu/machine_debug.h"
#include "emu/machine_peek.h"
#include "kernel/guest.h"

struct call {
    void (*fn)(struct cpu *c, void *arg);
    void *arg, *buf;
    uint64_t lin, len;
    enum cpu_stop_kind kind;
    bool flag;                  /* change, write, insert, step */
    int result;
};

static int ask(struct guest *g, void (*fn)(struct guest *g, void *arg),
               struct call *c)
{
    return guest_ask(g, fn, c) ? c->result : -EBUSY;
}

static void do_cpu(struct guest *g, void *arg)
{
    struct call *c = arg;

    c->fn(machine_cpu(g->machine), c->arg);
    if (c->flag)
        machine_debug_changed(g->machine);
}

int guest_gdb_cpu(struct guest *g, bool change,
                    void (*fn)(struct cpu *c, void *arg), void *arg)
{
    struct call c = { .fn = fn, .arg = arg, .flag = change };

    return ask(g, do_cpu, &c);
}

static void do_memory(struct guest *g, void *arg)
{
    struct call *c = arg;

    c->result = c->flag
        ? machine_debug_write(g->machine, c->lin, c->buf, c->len)
        : machine_peek(g->machine, c->lin, false, c->buf, c->len);
}

int guest_gdb_memory(struct guest *g, uint64_t lin, void *buf, size_t len,
                       bool write)
{
    struct call c = { .lin = lin, .buf = buf, .len = len, .flag = write };

    return ask(g, do_memory, &c);
}

static void do_place(struct guest *g, void *arg)
{
    struct call *c = arg;

    c->result = c->flag
        ? machine_debug_insert(g->machine, c->kind, c->lin, c->len)
        : machine_debug_remove(g->machine, c->kind, c->lin, c->len);
}

int guest_gdb_place(struct guest *g, enum cpu_stop_kind kind, uint64_t lin,
                      uint64_t len, bool insert)
{
    struct call c = { .kind = kind, .lin = lin, .len = len, .flag = insert };

    return ask(g, do_place, &c);
}

static void do_clear(struct guest *g, void *arg)
{
    machine_debug_clear(g->machine);
}

int guest_gdb_clear(struct guest *g)
{
    struct call c = { .flag = false };

    return ask(g, do_clear, &c);
}

static void do_run(struct guest *g, void *arg)
{
    struct call *c = arg;

    c->result = machine_debug_step(g->machine, c->flag);
    if (c->result)
        return;
    atomic_store(&g->debug_stop, false);
    machine_cont(g->machine);
}

int guest_gdb_run(struct guest *g, bool step)
{
    struct call c = { .flag = step };
    int r = g->state == GUEST_ON ? ask(g, do_run, &c) : -ESRCH;

    if (r)
        return r;
    guest_release(g);
    g->paused = false;
    g->pause_why = NULL;
    return 0;
}

static void do_why(struct guest *g, void *arg)
{
    *(struct cpu_stops *)((struct call *)arg)->buf =
        *machine_debug_stops(g->machine);
}

bool guest_gdb_has_stopped(struct guest *g, struct cpu_stops *stops)
{
    struct call c = { .buf = stops };

    /* Somebody may have let it go on meanwhile: it stops again. */
    if (!atomic_load(&g->debug_stop) || !guest_stop(g))
        return false;
    atomic_store(&g->debug_stop, false);
    return !ask(g, do_why, &c);
}

static void do_kill(struct guest *g, void *arg)
{
    machine_debug_clear(g->machine);
    if (g->state == GUEST_ON)
        g->state = GUEST_OFF;
}

int guest_gdb_kill(struct guest *g)
{
    struct call c = { .flag = false };

    return ask(g, do_kill, &c);
}
