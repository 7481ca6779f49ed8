/*
 * See guest.h: a guest's slices, and what others ask of its machine. On one
 * core with everything else, so that a call is a call.
 */
#include "kernel/guest.h"

#include "kernel/net/net.h"
#include "kernel/platform.h"

/* How long a start waits for the physical link (facts: 2 to 30 s are usual). */
#define LINK_WAIT_NS 10000000000u
#define ICOUNT_SLICE 65536u
/* Overrun that counts: more is a host that was busy elsewhere, no guest's. */
#define DEBT_NS ((int64_t)GUEST_SLICE_NS * 4)

/* What waits at the guest's serial ports and NICs: it only grows meanwhile. */
static uint64_t input_pending(const struct guest *g)
{
    uint64_t n = g->net ? net_guest_pending(g->net) : 0;

    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        if (g->serial[i])
            n += byte_ring_used(&g->serial[i]->to_guest);
    return n;
}

bool guest_wants_core(const struct guest *g, uint64_t now)
{
    const struct guest_run *run = &g->run;

    if (g->state != GUEST_ON || !run->started ||
        machine_is_stopped(g->machine))
        return false;
    return !run->halted || run->poked || guest_deadline(g, now) <= now;
}

uint64_t guest_deadline(const struct guest *g, uint64_t now)
{
    const struct guest_run *run = &g->run;
    uint64_t pending, at;

    if (g->state != GUEST_ON)
        return UINT64_MAX;
    if (!run->started)
        return now + 20 * GUEST_SLICE_NS;
    if (machine_is_stopped(g->machine))
        return UINT64_MAX;
    pending = input_pending(g);
    if (pending > run->seen)
        return now;
    at = machine_deadline(g->machine);
    /* It did not take it (a full FIFO, a stopped NIC): again, but not at once. */
    return pending && run->look_again_ns < at ? run->look_again_ns : at;
}

/*
 * Under -icount virtual time is not host time, and a run depends on where its
 * slices end: so many instructions, always.
 */
static uint64_t slice_of(const struct guest *g)
{
    int shift = g->options->icount_shift;

    if (shift < 0 || (uint64_t)ICOUNT_SLICE << shift > GUEST_SLICE_NS)
        return GUEST_SLICE_NS;
    return (uint64_t)ICOUNT_SLICE << shift;
}

void guest_run(struct guest *g)
{
    struct guest_run *run = &g->run;
    uint64_t start = platform_now_ns(), now;

    run->poked = run->halted = false;
    switch (machine_run(g->machine, slice_of(g))) {
    case MACHINE_BUDGET:
        break;
    case MACHINE_HALTED:
        run->halted = true;
        break;
    case MACHINE_RESET:
        if (g->options->no_reboot)
            g->state = GUEST_REBOOTED;
        break;
    case MACHINE_POWEROFF:
        g->state = GUEST_OFF;
        break;
    case MACHINE_ERROR:
        g->state = GUEST_FAILED;
        break;
    }
    now = platform_now_ns();
    run->seen = input_pending(g);
    run->look_again_ns = now + GUEST_SLICE_NS;
    run->used_ns += now - start;
    run->credit_ns -= now - start;
    if (run->credit_ns < -DEBT_NS)
        run->credit_ns = -DEBT_NS;
}

bool guest_start(struct guest *g, uint64_t now)
{
    struct guest_run *run = &g->run;

    if (run->started)
        return true;
    if (!g->net || net_link_up(g->net)) {
        run->started = true;
    } else if (!run->link_wait_end) {
        run->link_wait_end = now + LINK_WAIT_NS;
        platform_log("%s: waiting for the network link, 10 s at most",
                     g->options->name);
    } else if (now >= run->link_wait_end) {
        run->started = true;
        platform_log("%s: no link: starting without it", g->options->name);
    }
    return run->started;
}

void guest_tell_end(struct guest *g)
{
    static const char *const why[] = {
        [GUEST_OFF] = "the guest switched itself off",
        [GUEST_REBOOTED] = "the guest rebooted (-no-reboot)",
    };

    if (g->end_told)
        return;
    g->end_told = true;
    if (g->net)
        net_plug(g->net, false);
    platform_log("%s: %s", g->options->name, g->state == GUEST_FAILED
                 ? machine_error(g->machine) : why[g->state]);
}

/* ---- What others ask ------------------------------------------------------- */

void guest_call(struct guest *g, void (*fn)(struct guest *g, void *arg),
                void *arg)
{
    fn(g, arg);
    g->run.poked = true;
}

static void do_stop(struct guest *g, void *arg) { machine_stop(g->machine); }
static void do_cont(struct guest *g, void *arg) { machine_cont(g->machine); }

static void do_reset(struct guest *g, void *arg)
{
    machine_reset(g->machine);
    if (g->state != GUEST_FAILED)
        g->state = GUEST_ON;
}

static void do_break(struct guest *g, void *arg)
{
    machine_serial_break(g->machine, *(const unsigned *)arg);
}

struct info_call {
    const char *what;
    char *buf;
    size_t size;
    int result;
};

static void do_info(struct guest *g, void *arg)
{
    struct info_call *c = arg;

    c->result = machine_info(g->machine, c->what, c->buf, c->size);
}

void guest_stop(struct guest *g) { guest_call(g, do_stop, NULL); }
void guest_cont(struct guest *g) { guest_call(g, do_cont, NULL); }

void guest_reset(struct guest *g)
{
    guest_call(g, do_reset, NULL);
    if (g->end_told && g->state == GUEST_ON) {
        g->end_told = false;
        if (g->net)
            net_plug(g->net, true);
    }
}

void guest_break(struct guest *g, unsigned serial)
{
    guest_call(g, do_break, &serial);
}

int guest_info(struct guest *g, const char *what, char *buf, size_t size)
{
    struct info_call c = { what, buf, size, 0 };

    guest_call(g, do_info, &c);
    return c.result;
}

bool guest_is_stopped(const struct guest *g)
{
    return machine_is_stopped(g->machine);
}

bool guest_serial_armed(const struct guest *g, unsigned serial)
{
    return machine_serial_armed(g->machine, serial);
}

const char *guest_state_text(const struct guest *g)
{
    static const char *const texts[] = {
        [GUEST_OFF] = "off", [GUEST_REBOOTED] = "ended (-no-reboot)",
        [GUEST_FAILED] = "failed",
    };

    if (g->state != GUEST_ON)
        return texts[g->state];
    if (guest_is_stopped(g))
        return "paused";
    return g->run.started || !g->run.link_wait_end ? "running"
                                                   : "waiting for a link";
}
