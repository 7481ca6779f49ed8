/*
 * See cores.h. Who wakes whom: a kick first stores what is to be seen, then
 * `kicked` or `attention`, then looks which guest runs; the core first stores
 * which guest runs, then takes `kicked`, then looks. All sequentially
 * consistent, so one of the two sees the other.
 */
#include "kernel/cores.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "emu/machine.h"
#include "kernel/balance.h"
#include "kernel/guest.h"
#include "kernel/platform.h"
#include "kernel/sched.h"

/* With nothing to do in between but what is asked for, slices are longer. */
#define CORE_SLICE_NS 2000000u
#define CALL_PATIENCE_NS 2000000000u
#define CALL_LOOK_NS 1000000u

enum call_state { CALL_NONE, CALL_POSTED, CALL_TAKEN, CALL_DONE };

struct guest_core {
    unsigned core;              /* platform.h's number */
    struct sched sched;
    atomic_bool stop;
    _Atomic enum call_state state;
    struct guest *call_guest;
    void (*call_fn)(struct guest *g, void *arg);
    void *call_arg;
};

static struct guest_core cores[OPTIONS_MACHINES];
static unsigned used;

/* ---- On the guests' core --------------------------------------------------- */

/* What others want, between slices. False: the end. */
static bool serve(void *ctx)
{
    struct guest_core *c = ctx;
    enum call_state posted = CALL_POSTED;

    atomic_store(&c->sched.attention, false);
    if (atomic_compare_exchange_strong(&c->state, &posted, CALL_TAKEN)) {
        c->call_fn(c->call_guest, c->call_arg);
        c->call_guest->run.poked = true;
        atomic_store(&c->state, CALL_DONE);
        platform_wake();
    }
    return !atomic_load(&c->stop);
}

static void run_core(void *ctx)
{
    struct guest_core *c = ctx;

    while (serve(c))
        if (!sched_round(&c->sched, serve, c))
            platform_wait(sched_deadline(&c->sched, platform_now_ns()));
}

/* ---- On the I/O core ------------------------------------------------------- */

static struct guest_core *core_of(const struct guest *g)
{
    return g->core ? &cores[g->core - 1] : NULL;
}

/* The guest that runs there ends its slice; without one, the core wakes. */
static void interrupt(struct guest_core *c)
{
    struct guest *running = atomic_load(&c->sched.running);

    if (running)
        machine_kick(running->machine);
    platform_core_wake(c->core);
}

void cores_kick(struct guest *g)
{
    struct guest_core *c = core_of(g);

    if (!c || atomic_exchange(&g->kicked, true))
        return;                 /* it has not looked since the last one */
    if (atomic_load(&c->sched.running) != g)
        atomic_store(&c->sched.attention, true);
    interrupt(c);
}

/* True when done; CALL_POSTED again becomes CALL_NONE at the end of time. */
static bool wait_for_call(struct guest_core *c)
{
    uint64_t end = platform_now_ns() + CALL_PATIENCE_NS;

    while (atomic_load(&c->state) != CALL_DONE) {
        uint64_t now = platform_now_ns();
        enum call_state posted = CALL_POSTED;

        if (now >= end &&
            atomic_compare_exchange_strong(&c->state, &posted, CALL_NONE))
            return false;
        platform_wait(now + CALL_LOOK_NS);
    }
    atomic_store(&c->state, CALL_NONE);
    return true;
}

bool cores_call(struct guest *g, void (*fn)(struct guest *g, void *arg),
                void *arg)
{
    struct guest_core *c = core_of(g);

    if (!c) {
        fn(g, arg);
        return g->run.poked = true;
    }
    c->call_guest = g;
    c->call_fn = fn;
    c->call_arg = arg;
    atomic_store(&c->state, CALL_POSTED);
    atomic_store(&c->sched.attention, true);
    interrupt(c);
    return wait_for_call(c);
}

unsigned cores_used(void) { return used; }

/* ---- Moving (balance.h) ---------------------------------------------------- */

static struct {
    struct guest *guest[OPTIONS_MACHINES];      /* that run on cores */
    struct balance_guest seen[OPTIONS_MACHINES];
    uint64_t used_ns[OPTIONS_MACHINES];         /* at the last look */
    unsigned count;
    uint64_t looked_ns;
} moving;

/* On the core that the guest leaves. */
static void detach(struct guest *g, void *arg)
{
    struct sched *s = &core_of(g)->sched;
    unsigned i = 0;

    while (s->guest[i] != g)
        i++;
    for (s->count--; i < s->count; i++)
        s->guest[i] = s->guest[i + 1];
}

/* On the core that it comes to. */
static void attach(struct guest *g, void *arg)
{
    struct sched *s = &core_of(g)->sched;

    s->guest[s->count++] = g;
}

/* A guest that no core has goes to this one, or to the next that answers. */
static void settle(struct guest *g, unsigned core)
{
    g->core = core;
    while (!cores_call(g, attach, NULL))
        g->core = 1 + g->core % used;
}

static void swap(struct guest *a, struct guest *b)
{
    unsigned to_a = a->core, to_b = b->core;

    if (!cores_call(a, detach, NULL))
        return;
    if (cores_call(b, detach, NULL))
        settle(b, to_a);
    else
        to_b = to_a;
    settle(a, to_b);
}

uint64_t cores_balance(void)
{
    uint64_t now, passed;
    unsigned rich, poor;

    if (used < 2 || moving.count <= used)
        return UINT64_MAX;
    now = platform_now_ns();
    passed = now - moving.looked_ns;
    if (passed < BALANCE_NS)
        return moving.looked_ns + BALANCE_NS;
    moving.looked_ns = now;
    for (unsigned i = 0; i < moving.count; i++) {
        uint64_t total = moving.guest[i]->run.used_ns;

        moving.seen[i].core = moving.guest[i]->core;
        moving.seen[i].used_ns = total - moving.used_ns[i];
        moving.used_ns[i] = total;
    }
    if (balance_choose(moving.seen, moving.count, passed, &rich, &poor))
        swap(moving.guest[rich], moving.guest[poor]);
    return now + BALANCE_NS;
}

/* As many as there are cores for and guests to fill them. */
static unsigned cores_wanted(struct guest *const *guests, unsigned count,
                             unsigned limit)
{
    unsigned n = platform_core_count(), movable = 0;

    if (limit && limit < n)
        n = limit;
    for (unsigned i = 0; i < count; i++)
        movable += guests[i]->options->icount_shift < 0;
    return n - 1 < movable ? n - 1 : movable;
}

static bool start_core(struct guest_core *c)
{
    int err = platform_core_start(c->core, run_core, c);

    if (!err)
        return true;
    platform_log("core %u cannot run guests: error %d", c->core, -err);
    for (unsigned i = 0; i < c->sched.count; i++)
        c->sched.guest[i]->core = 0;
    c->sched.count = 0;
    return false;
}

void cores_start(struct guest *const *guests, unsigned count, unsigned limit)
{
    unsigned wanted = cores_wanted(guests, count, limit), next = 0;

    for (unsigned i = 0; i < wanted; i++) {
        cores[i].core = i + 1;
        cores[i].sched.count = 0;
        cores[i].sched.slice_ns = CORE_SLICE_NS;
        atomic_store(&cores[i].stop, false);
    }
    for (unsigned i = 0; i < count && wanted; i++) {
        struct sched *s = &cores[next % wanted].sched;

        if (guests[i]->options->icount_shift >= 0)
            continue;
        guests[i]->core = 1 + next++ % wanted;
        s->guest[s->count++] = guests[i];
    }
    for (used = 0; used < wanted && start_core(&cores[used]); used++)
        ;
    for (unsigned i = used + 1; i < wanted; i++)
        for (unsigned k = 0; k < cores[i].sched.count; k++)
            cores[i].sched.guest[k]->core = 0;
    memset(&moving, 0, sizeof moving);
    moving.looked_ns = platform_now_ns();
    for (unsigned i = 0; i < count; i++)
        if (guests[i]->core)
            moving.guest[moving.count++] = guests[i];
}

void cores_stop(void)
{
    for (unsigned i = 0; i < used; i++) {
        atomic_store(&cores[i].stop, true);
        atomic_store(&cores[i].sched.attention, true);
        interrupt(&cores[i]);
    }
    for (unsigned i = 0; i < used; i++) {
        while (platform_core_busy(cores[i].core))
            platform_wait(platform_now_ns() + CALL_LOOK_NS);
        for (unsigned k = 0; k < cores[i].sched.count; k++)
            cores[i].sched.guest[k]->core = 0;
    }
    used = 0;
}
