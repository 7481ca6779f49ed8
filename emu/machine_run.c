/*
 * The run loop: the CPU runs in slices that end at the next timer, the
 * budget's end, or a stop request; between slices timers fire and requests are
 * served.
 *
 * stop_request is cleared here, before `kicked` and the requests are looked
 * at: whoever sets either sets stop_request after it, so none is missed.
 */
#include "emu/machine_internal.h"

#include "emu/dev/ide.h"
#include "emu/dev/ne2000.h"
#include "emu/dev/uart.h"
#include "emu/machine_debug.h"

/*
 * Real time, an engine that counts: a slice is as many instructions as the CPU
 * did lately in this time. It bounds the delay of timers.
 */
#define SLICE_NS 100000ull
#define SLICE_MIN_INSNS 128u
#define SPEED_MIN 1000ull               /* instructions a ms: 1 MIPS */
#define SPEED_MAX 20000000ull           /* 20 GIPS */
#define SPEED_SAMPLE_NS 20000ull        /* less time says little */

void machine_kick(struct machine *m)
{
    __atomic_store_n(&m->kicked, true, __ATOMIC_SEQ_CST);
    m->config.engine->kick(m->engine);
}

void machine_request(struct machine *m, enum machine_request what)
{
    m->requests |= 1u << what;
    cpu_ask_stop(&m->cpu, true);
}

static void poll_inputs(struct machine *m)
{
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        if (m->d.uart[i])
            uart_poll(m->d.uart[i]);
    for (unsigned i = 0; i < MACHINE_NICS; i++)
        if (m->d.nic[i])
            ne2000_poll(m->d.nic[i]);
    if (m->d.ide)
        ide_poll(m->d.ide);
}

static bool requested(const struct machine *m, enum machine_request what)
{
    return m->requests & (1u << what);
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Instructions from `now` to `until`, rounded up: the timer is due then. */
static uint64_t icount_insns(const struct machine *m, uint64_t now,
                             uint64_t until)
{
    unsigned shift = (unsigned)m->config.icount_shift;
    uint64_t ns = until > now ? until - now : 0;
    uint64_t n = (ns >> shift) + ((ns & ((1ull << shift) - 1)) != 0);

    return n ? n : 1;
}

static uint64_t realtime_insns(const struct machine *m, uint64_t now,
                               uint64_t until)
{
    uint64_t ns = min_u64(until > now ? until - now : 0, SLICE_NS);
    uint64_t n = ns * m->insns_per_ms / 1000000;

    return n > SLICE_MIN_INSNS ? n : SLICE_MIN_INSNS;
}

/*
 * Follow the CPU's speed: a quarter of the way to what the last slices showed,
 * as many of them as make a fair sample. `insns` were asked for: the engine may
 * take one that lasts for several.
 */
static void learn_speed(struct machine *m, uint64_t insns, uint64_t ns)
{
    uint64_t speed;

    m->sample_insns += insns;
    m->sample_ns += ns;
    if (m->sample_ns < SPEED_SAMPLE_NS)
        return;
    speed = (m->insns_per_ms * 3 + m->sample_insns * 1000000 / m->sample_ns) / 4;
    m->sample_insns = m->sample_ns = 0;
    if (speed < SPEED_MIN)
        speed = SPEED_MIN;
    m->insns_per_ms = min_u64(speed, SPEED_MAX);
}

static enum engine_exit run_slice(struct machine *m, uint64_t now,
                                  uint64_t end)
{
    const struct engine_ops *ops = m->config.engine;
    enum engine_exit exit;
    uint64_t insns;

    machine_tsc_begin(m);
    m->slice_end = min_u64(end, m->next_timer);
    if (machine_uses_icount(m)) {
        exit = ops->run(m->engine, icount_insns(m, now, m->slice_end),
                        UINT64_MAX);
    } else if (!ops->counts_insns) {
        exit = ops->run(m->engine, UINT64_MAX,
                        m->slice_end > now ? m->slice_end - now : 0);
    } else {
        insns = realtime_insns(m, now, m->slice_end);
        exit = ops->run(m->engine, insns, UINT64_MAX);
        if (exit == ENGINE_BUDGET)
            learn_speed(m, insns, machine_now(m) - now);
    }
    m->slice_end = 0;
    return exit;
}

/* HLT: false when the caller should wait for a timer or an input. */
static bool skip_halt(struct machine *m, uint64_t end)
{
    uint64_t now, next;

    if (machine_timers_fire(m) || m->requests)
        return true;
    if (!machine_uses_icount(m))
        return false;
    now = machine_now(m);
    next = m->config.icount_jumps && m->next_timer != UINT64_MAX
               ? m->next_timer : min_u64(m->next_timer, end);
    if (next > now && next != UINT64_MAX)
        m->warp_ns += next - now;
    return next != UINT64_MAX;
}

/* All but INIT, after which the CPU just goes on. */
static enum machine_status serve_request(struct machine *m)
{
    bool reset = requested(m, MACHINE_REQ_RESET);

    m->requests = 0;
    if (!reset) {
        /* The guest's last words leave the UARTs. */
        poll_inputs(m);
        return MACHINE_POWEROFF;
    }
    machine_log_reset(m);
    machine_reset_now(m);
    return MACHINE_RESET;
}

static enum machine_status fail(struct machine *m, const char *error)
{
    m->error = error;
    machine_tell(m, MACHINE_EVENT_ERROR, error);
    return MACHINE_ERROR;
}

enum machine_status machine_run(struct machine *m, uint64_t budget_ns)
{
    uint64_t now, end;

    if (m->error)
        return MACHINE_ERROR;
    if (m->stopped)
        return MACHINE_HALTED;
    poll_inputs(m);
    now = machine_now(m);
    end = budget_ns < UINT64_MAX - now ? now + budget_ns : UINT64_MAX;
    for (;;) {
        cpu_ask_stop(&m->cpu, false);
        if (m->requests & MACHINE_REQ_EVENTS)
            machine_serve_events(m);
        if (m->requests == 1u << MACHINE_REQ_INIT) {
            m->requests = 0;
            machine_init_cpu(m);
        }
        if (m->requests)
            return serve_request(m);
        machine_timers_fire(m);
        if (__atomic_exchange_n(&m->kicked, false, __ATOMIC_SEQ_CST) ||
            m->stopped)
            return MACHINE_BUDGET;
        now = machine_now(m);
        if (now >= end)
            return MACHINE_BUDGET;
        switch (run_slice(m, now, end)) {
        case ENGINE_BUDGET:
        case ENGINE_KICKED:
            break;
        case ENGINE_HALTED:
            if (!skip_halt(m, end))
                return MACHINE_HALTED;
            break;
        case ENGINE_SHUTDOWN:
            machine_count(m, "cpu: triple fault");
            machine_log(m, "triple fault at %04x:%08x, reset",
                        m->cpu.seg[CS].sel, (unsigned)m->cpu.rip);
            machine_tell(m, MACHINE_EVENT_TRIPLE_FAULT, "triple fault");
            machine_request(m, MACHINE_REQ_RESET);
            break;
        case ENGINE_DEBUG:
            machine_debug_step(m, false);       /* it was one */
            machine_stop(m);
            return MACHINE_DEBUG;
        case ENGINE_FAILED:
            return fail(m, "the CPU engine cannot go on, as reported");
        default:
            return fail(m, "the CPU engine gave an unknown answer");
        }
    }
}
