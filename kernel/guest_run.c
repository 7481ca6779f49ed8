/* See guest.h: a guest's slices, and what others ask of its machine. */
#include "kernel/guest.h"

#include <errno.h>
#include <stdio.h>

#include "kernel/cores.h"
#include "kernel/net/net.h"
#include "kernel/platform.h"
#include "kernel/watch/crash.h"

/* How long a start waits for the physical link (facts: 2 to 30 s are usual). */
#define LINK_WAIT_NS 10000000000u
#define ICOUNT_SLICE 65536u
/* Input that a guest does not take is offered at least so often. */
#define LOOK_MAX_NS 16000000u

/* What waits at its serial ports and NICs: it only grows meanwhile. */
static uint64_t input_pending(const struct guest *g)
{
    uint64_t n = g->net ? net_guest_pending(g->net) : 0;

    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        if (g->serial[i])
            n += byte_ring_used(&g->serial[i]->to_guest);
    return n;
}

/* A disk's answers wait, which a run takes at its start, always. */
static bool disks_pending(const struct guest *g)
{
    for (unsigned i = 0; i < MACHINE_IDE_UNITS; i++)
        if (disk_image_pending(&g->disk[i]))
            return true;
    return false;
}

bool guest_wants_core(const struct guest *g, uint64_t now)
{
    const struct guest_run *run = &g->run;

    if (g->state != GUEST_ON || !run->started ||
        machine_is_stopped(g->machine))
        return false;
    return !run->halted || run->poked || atomic_load(&g->kicked) ||
           guest_deadline(g, now) <= now;
}

uint64_t guest_deadline(const struct guest *g, uint64_t now)
{
    const struct guest_run *run = &g->run;
    uint64_t pending, at;

    if (g->state != GUEST_ON)
        return UINT64_MAX;
    if (run->held)
        return UINT64_MAX;
    if (!run->started)
        return now + 20 * GUEST_SLICE_NS;
    if (machine_is_stopped(g->machine))
        return UINT64_MAX;
    pending = input_pending(g);
    if (pending > run->seen || disks_pending(g))
        return now;
    at = machine_deadline(g->machine);
    /* It did not take it (a full FIFO, a stopped NIC): again, but not at once. */
    return pending && run->look_again_ns < at ? run->look_again_ns : at;
}

/*
 * Under -icount virtual time is not host time, and a run depends on where its
 * slices end: so many instructions, always.
 */
static uint64_t budget_of(const struct guest *g, uint64_t left)
{
    int shift = g->options->icount_shift;

    if (shift < 0)
        return left;
    if ((uint64_t)ICOUNT_SLICE << shift > GUEST_SLICE_NS)
        return GUEST_SLICE_NS;
    return (uint64_t)ICOUNT_SLICE << shift;
}

static void take_status(struct guest *g, enum machine_status status)
{
    switch (status) {
    case MACHINE_BUDGET:
        break;
    case MACHINE_HALTED:
        g->run.halted = true;
        break;
    case MACHINE_RESET:
        if (g->options->no_reboot)
            g->state = GUEST_REBOOTED;
        break;
    case MACHINE_POWEROFF:
        /* -no-shutdown is about what the guest does. */
        if (g->options->no_shutdown && !g->off_why) {
            machine_stop(g->machine);
            g->stopped_itself = true;
        } else {
            g->state = GUEST_OFF;
        }
        break;
    case MACHINE_ERROR:
        g->state = GUEST_FAILED;
        break;
    case MACHINE_DEBUG:
        atomic_store(&g->debug_stop, true);
        if (g->core)
            platform_wake();
        break;
    }
}

/* Bytes of console output, ever. Frames wake the I/O core by themselves. */
static uint32_t output_total(const struct guest *g)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        if (g->serial[i])
            n += byte_ring_total(&g->serial[i]->from_guest);
    return n;
}

static void tell_io_core(struct guest *g)
{
    uint32_t total = output_total(g);
    enum guest_state state = g->state;

    if (!g->core || (total == g->run.told && state == g->run.told_state &&
                     !g->stopped_itself && !g->wants_rollback))
        return;
    g->run.told = total;
    g->run.told_state = state;
    platform_wake();
}

/* What it leaves lying is offered again, ever more rarely. */
static void note_input_left(struct guest *g, uint64_t now)
{
    struct guest_run *run = &g->run;
    uint64_t left = input_pending(g);

    if (!left || left != run->seen)
        run->look_step_ns = GUEST_SLICE_NS;
    else if (now >= run->look_again_ns && run->look_step_ns < LOOK_MAX_NS)
        run->look_step_ns *= 2;
    run->seen = left;
    run->look_again_ns = now + run->look_step_ns;
}

/* The machine stopped in its slice, but not for good. */
static bool goes_on(const struct guest *g, enum machine_status status)
{
    return status == MACHINE_BUDGET ? atomic_load(&g->kicked)
                                    : status == MACHINE_RESET &&
                                      !g->options->no_reboot;
}

void guest_run(struct guest *g, uint64_t slice_ns,
               const atomic_bool *attention)
{
    struct guest_run *run = &g->run;
    uint64_t start = platform_now_ns(), end = start + slice_ns, now = start;
    enum machine_status status;

    run->poked = run->halted = false;
    do {
        atomic_exchange(&g->kicked, false);
        status = machine_run(g->machine, budget_of(g, end - now));
        if (status == MACHINE_RESET) {
            g->off_why = NULL;  /* whoever wanted it off: the reset came first */
            crash_take_reset(g);
            g->boots++;
        }
        now = platform_now_ns();
    } while (now < end && goes_on(g, status) && !atomic_load(attention));
    take_status(g, status);
    note_input_left(g, now);
    tell_io_core(g);
    run->used_ns += now - start;
    run->credit_ns -= now - start;
}

void guest_offer_input(struct guest *g)
{
    uint32_t total = g->net ? net_guest_total(g->net) : 0;

    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        if (g->serial[i])
            total += byte_ring_total(&g->serial[i]->to_guest);
    for (unsigned i = 0; i < MACHINE_IDE_UNITS; i++)
        total += disk_image_total(&g->disk[i]);
    if (total == g->offered)
        return;
    g->offered = total;
    cores_kick(g);
}

bool guest_start(struct guest *g, uint64_t now)
{
    struct guest_run *run = &g->run;

    if (run->started || run->held)
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
    if (run->started) {
        g->boots++;
        cores_kick(g);
    }
    return run->started;
}

void guest_release(struct guest *g)
{
    g->run.held = false;
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
                 ? machine_error(g->machine)
                 : g->off_why ? g->off_why : why[g->state]);
}

/* ---- What others ask ------------------------------------------------------- */

bool guest_ask(struct guest *g, void (*fn)(struct guest *g, void *arg),
               void *arg)
{
    return !g->is_lent && cores_call(g, fn, arg);
}

static void do_stop(struct guest *g, void *arg) { machine_stop(g->machine); }
static void do_cont(struct guest *g, void *arg) { machine_cont(g->machine); }

static void do_reset(struct guest *g, void *arg)
{
    crash_begin_boot(g);
    machine_reset(g->machine);
    g->boots++;
    g->off_why = NULL;
    if (g->state != GUEST_FAILED)
        g->state = GUEST_ON;
}

static void do_nmi(struct guest *g, void *arg)
{
    machine_nmi(g->machine);
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

bool guest_stop(struct guest *g)
{
    if (!guest_ask(g, do_stop, NULL))
        return false;
    return g->paused = true;
}

bool guest_cont(struct guest *g)
{
    if (!guest_ask(g, do_cont, NULL))
        return false;
    g->paused = false;
    g->pause_why = NULL;
    return true;
}

/* It may have been off until now. */
static bool is_on_again(struct guest *g)
{
    if (g->end_told && g->state == GUEST_ON) {
        g->end_told = false;
        if (g->net)
            net_plug(g->net, true);
    }
    return true;
}

bool guest_reset(struct guest *g)
{
    guest_release(g);
    return guest_ask(g, do_reset, NULL) && is_on_again(g);
}

static void do_power_off(struct guest *g, void *arg)
{
    if (g->state != GUEST_ON)
        return;
    g->off_why = arg;
    g->state = GUEST_OFF;
}

bool guest_power_off(struct guest *g, const char *why)
{
    return guest_ask(g, do_power_off, (void *)why);
}

bool guest_lend(struct guest *g)
{
    if (!guest_stop(g))
        return false;
    return g->is_lent = true;
}

static void do_loaded(struct guest *g, void *arg)
{
    crash_begin_boot(g);
    g->off_why = NULL;
    if (g->state != GUEST_FAILED)
        g->state = GUEST_ON;
}

bool guest_take_back(struct guest *g, bool loaded, bool cont)
{
    g->is_lent = false;
    if (loaded && !(guest_ask(g, do_loaded, NULL) && is_on_again(g)))
        return false;
    if (loaded && cont)
        guest_release(g);
    return !cont || guest_cont(g);
}

bool guest_break(struct guest *g, unsigned serial)
{
    return guest_ask(g, do_break, &serial);
}

bool guest_nmi(struct guest *g)
{
    return guest_ask(g, do_nmi, NULL);
}

int guest_info(struct guest *g, const char *what, char *buf, size_t size)
{
    struct info_call c = { what, buf, size, 0 };

    return guest_ask(g, do_info, &c) ? c.result : -ETIMEDOUT;
}

struct draw_call {
    struct display_view *view;
    const struct display_target *target;
    unsigned shown;
    int result;
};

static void do_draw(struct guest *g, void *arg)
{
    struct draw_call *c = arg;

    c->result = machine_display_draw(g->machine, c->view, c->target, c->shown);
}

int guest_draw(struct guest *g, struct display_view *view,
               const struct display_target *target, unsigned shown)
{
    struct draw_call c = { view, target, shown, 0 };

    return guest_ask(g, do_draw, &c) ? c.result : -ETIMEDOUT;
}

bool guest_display_changed(const struct guest *g,
                           const struct display_view *view)
{
    return !g->is_lent && machine_display_changed(g->machine, view);
}

static void do_icount(struct guest *g, void *arg)
{
    *(uint64_t *)arg = machine_icount(g->machine);
}

uint64_t guest_icount(struct guest *g)
{
    uint64_t n = 0;

    return guest_ask(g, do_icount, &n) ? n : 0;
}

bool guest_is_stopped(const struct guest *g)
{
    return g->paused;
}

bool guest_serial_armed(const struct guest *g, unsigned serial)
{
    return machine_serial_armed(g->machine, serial);
}

/* I/O core; valid till the next call. */
static const char *held_text(const struct guest *g)
{
    static char text[40];
    uint64_t now = platform_now_ns(), at = g->run.start_ns;

    if (g->options->no_autostart)
        return "not started";
    if (at == UINT64_MAX)
        snprintf(text, sizeof text, "after %s", g->options->start_after
                 ? g->options->start_after : "those before");
    else
        snprintf(text, sizeof text, "starts in %u s",
                 at > now ? (unsigned)((at - now) / 1000000000u) + 1 : 0);
    return text;
}

const char *guest_state_text(const struct guest *g)
{
    static const char *const texts[] = {
        [GUEST_OFF] = "off", [GUEST_REBOOTED] = "ended (-no-reboot)",
        [GUEST_FAILED] = "failed",
    };

    if (g->is_lent)
        return "in a snapshot";
    if (g->state != GUEST_ON)
        return texts[g->state];
    if (guest_is_stopped(g))
        return g->pause_why ? g->pause_why : "paused";
    if (g->run.held)
        return held_text(g);
    return g->run.started || !g->run.link_wait_end ? "running"
                                                   : "waiting for a link";
}
