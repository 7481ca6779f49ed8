/*
 * See hv.h. The run loop of the hardware engines and what follows an exit.
 *
 * Outside long mode instructions that exit are executed by the interpreter,
 * which goes on for a while, as one access to a device is seldom alone. In long
 * mode the emulator takes its place (hv_long.c).
 */
#include "kernel/metal/hv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/stops.h"
#include "kernel/metal/apic.h"
#include "kernel/metal/arch.h"
#include "kernel/metal/hv_internal.h"
#include "kernel/metal/percpu.h"
#include "kernel/platform.h"

#define NO_CORE UINT32_MAX

/* ---- State ---------------------------------------------------------------- */

void hv_fetch(struct hv *h)
{
    if (h->fetched)
        return;
    h->ops->store(h);
    h->fetched = true;
}

void hv_modify(struct hv *h)
{
    hv_fetch(h);
    h->modified = true;
}

/* ---- Events ---------------------------------------------------------------- */

/*
 * What was being delivered when the guest was left comes again, but for
 * software interrupts: their instruction is executed again (APM vol. 2 15.7.2).
 */
static void keep_interrupted_event(struct hv *h)
{
    if (h->event.valid && h->event.kind == HV_EVENT_SOFTWARE)
        h->event.valid = false;
}

void hv_inject(struct hv *h, uint8_t vector, bool has_error, uint32_t error)
{
    h->event = (struct cpu_event){ .valid = true, .vector = vector,
                                  .kind = CPU_EVENT_EXCEPTION,
                                  .has_error = has_error, .error = error };
}

/* Choose what the next entry delivers, or which window it waits for. */
static void prepare_events(struct hv *h)
{
    struct cpu *c = h->cpu;

    h->window = h->nmi_window = h->nmi_due = false;
    h->step = h->own_tf = h->iret;
    if (h->iret)                /* nothing comes before it is done */
        return;
    /* A debugger's step goes by interrupts, but where HLT waits for one. */
    if (c->stops && c->stops->step && !c->halted)
        return;
    if (c->nmi && !h->event.valid && !c->inhibit && !c->nmi_blocked) {
        c->nmi = false;
        c->nmi_blocked = true;
        c->halted = false;
        h->event = (struct cpu_event){ .valid = true, .vector = EXC_NMI,
                                      .kind = CPU_EVENT_NMI };
    }
    h->nmi_window = c->nmi_blocked;
    h->nmi_due = c->nmi && !c->nmi_blocked && h->event.valid;
    if (!c->intr)
        return;
    if (h->event.valid || c->inhibit || !(c->rflags & FLAG_IF)) {
        h->window = true;
        return;
    }
    c->halted = false;
    h->event = (struct cpu_event){ .valid = true, .kind = CPU_EVENT_INTERRUPT };
    h->event.vector = (uint8_t)h->bus.intack(h->bus.ctx);
    h->window = c->intr;
}

/* ---- Exits ------------------------------------------------------------------ */

enum verdict { GO_ON, STOP };

/* As hv_interpret, for the switch below. */
static enum verdict interpret(struct hv *h, const struct hv_exit *x,
                              enum engine_exit *why)
{
    *why = hv_interpret(h, x);
    return *why == ENGINE_BUDGET ? GO_ON : STOP;
}

static enum verdict on_memory(struct hv *h, const struct hv_exit *x,
                              enum engine_exit *why)
{
    if (hv_nested_fill(&h->nested, h->machine_bus, x->memory.addr,
                       x->memory.write)) {
        h->count.fills++;
        return GO_ON;
    }
    return interpret(h, x, why);
}

/*
 * #DB and #AC are intercepted lest their delivery raises them again without
 * end (CVE-2015-8104, CVE-2015-5307); the guest gets them here.
 */
static enum verdict on_exception(struct hv *h, const struct hv_exit *x,
                                 enum engine_exit *why)
{
    if (h->event.valid)         /* while another one was being delivered */
        return interpret(h, x, why);
    if (x->exception.vector == EXC_DB) {
        uint64_t dr6 = hv_debug_note(h, x->exception.dr6);

        hv_modify(h);
        if (dr6 || !x->exception.dr6)   /* INT1 leaves no bits */
            hv_inject_debug(h, dr6);
    } else {
        hv_inject(h, x->exception.vector, x->exception.has_error,
                  x->exception.error);
    }
    return GO_ON;
}

static enum verdict handle(struct hv *h, const struct hv_exit *x,
                           enum engine_exit *why)
{
    switch (x->kind) {
    case HV_EXIT_NONE:
    case HV_EXIT_WINDOW:
    case HV_EXIT_STEP:
        return GO_ON;
    case HV_EXIT_INTERRUPT:     /* perhaps the timer, a little early */
        apic_timer_start(h->deadline);
        return GO_ON;
    case HV_EXIT_MEMORY:
        return on_memory(h, x, why);
    case HV_EXIT_EXCEPTION:
        return on_exception(h, x, why);
    case HV_EXIT_REFUSED:
        hv_inject(h, EXC_UD, false, 0);
        return GO_ON;
    case HV_EXIT_SHUTDOWN:
        h->cpu->shutdown = true;
        *why = ENGINE_SHUTDOWN;
        return STOP;
    default:
        return interpret(h, x, why);
    }
}

/* ---- The run loop ------------------------------------------------------------ */

/*
 * Before an entry: must the run end instead? An event that is being delivered
 * waits in struct cpu for the next run.
 */
static bool run_over(struct hv *h, enum engine_exit *why)
{
    struct cpu *c = h->cpu;

    if (c->stop_request) {
        *why = ENGINE_KICKED;
        return true;
    }
    if (platform_now_ns() >= h->deadline) {
        *why = ENGINE_BUDGET;
        return true;
    }
    return false;
}

void hv_enter(struct hv *h, struct hv_exit *x)
{
    if (h->modified) {
        h->count.displaced += hv_debug_registers(h);
        h->ops->load(h);
    }
    h->modified = h->fetched = false;
    h->count.entries++;
    h->ops->enter(h, x);
    h->count.exits[x->kind]++;
    h->ran |= x->kind != HV_EXIT_INVALID;
    if (x->kind == HV_EXIT_IO)
        h->count.ports[x->io.port]++;
    keep_interrupted_event(h);
}

void hv_catch_up(const struct hv *h)
{
    if (h->step)                /* ends by itself, and must not be lost */
        return;
    if (h->cpu->stop_request || h->nmi_due ||
        platform_now_ns() >= h->deadline)
        apic_send_wake(this_cpu()->apic_id);
}

/*
 * A debugger's places to stop at and its steps are the interpreter's business
 * but in long mode, which it does not run: hv_debug.c. True: `why` says whether
 * to go on, before an entry.
 */
static bool debugged(struct hv *h, enum engine_exit *why)
{
    *why = ENGINE_BUDGET;
    hv_fetch(h);
    if (!cpu_in_long_mode(h->cpu)) {
        *why = hv_stretch(h);
        return true;
    }
    if (hv_debug_is_over(h)) {
        *why = ENGINE_DEBUG;
        return true;
    }
    prepare_events(h);
    if (h->cpu->halted && !h->event.valid)
        return false;
    if (hv_debug_breaks(h)) {
        *why = ENGINE_DEBUG;
        return true;
    }
    return hv_debug_alone(h);
}

/* For a debugger's step, which the end of a run must not lose. */
static void note_progress(struct hv *h, uint64_t *insns)
{
    if (h->cpu->stops && h->cpu->icount != *insns)
        h->cpu->stops->went_on = true;
    *insns = h->cpu->icount;
}

static enum engine_exit run_loop(struct hv *h)
{
    enum engine_exit why;
    struct hv_exit x;

    for (uint64_t insns = h->cpu->icount;; note_progress(h, &insns)) {
        if (run_over(h, &why))
            return why;
        if (!h->cpu->stops) {
            prepare_events(h);
        } else if (debugged(h, &why)) {
            if (why != ENGINE_BUDGET)
                return why;
            continue;
        }
        if (h->cpu->halted && !h->event.valid)
            return ENGINE_HALTED;
        memset(&x, 0, sizeof x);
        hv_enter(h, &x);
        if (h->iret)
            hv_long_stepped(h, &x);
        else if (h->step)
            hv_debug_stepped(h, &x);
        if (handle(h, &x, &why) == STOP)
            return why;
    }
}

enum engine_exit hv_run(struct engine *e, uint64_t max_insns, uint64_t max_ns)
{
    struct hv *h = (struct hv *)e;
    enum engine_exit why;
    uint64_t now = platform_now_ns(), start = read_tsc();

    h->iret = false;            /* it exits again */
    h->event = h->cpu->event;
    h->cpu->event.valid = false;
    h->deadline = max_ns < UINT64_MAX - now ? now + max_ns : UINT64_MAX;
    hv_tsc_enter(h);
    /* Between runs anyone may have changed struct cpu. */
    h->fetched = h->modified = h->ran = true;
    __atomic_store_n(&h->core, this_cpu()->index, __ATOMIC_SEQ_CST);
    /* It may fire after the run: whoever sleeps then sets it anew. */
    apic_timer_start(h->deadline);
    why = hv_is_exact(h) ? hv_run_exact(h, max_insns) : run_loop(h);
    __atomic_store_n(&h->core, NO_CORE, __ATOMIC_SEQ_CST);
    hv_fetch(h);
    h->cpu->event = h->event;   /* whoever goes on delivers it */
    hv_tsc_leave(h);
    h->count.run_ticks += read_tsc() - start;
    if (why == ENGINE_KICKED)
        cpu_ask_stop(h->cpu, false);
    return why;
}

void hv_kick(struct engine *e)
{
    struct hv *h = (struct hv *)e;
    uint32_t core;

    __atomic_store_n(&h->cpu->stop_request, true, __ATOMIC_SEQ_CST);
    core = __atomic_load_n(&h->core, __ATOMIC_SEQ_CST);
    if (core != NO_CORE && core != this_cpu()->index)
        apic_send_wake(percpu_get(core)->apic_id);
}

/* ---- Changes from outside ------------------------------------------------------ */

void hv_memory_changed(struct engine *e, uint64_t addr, uint64_t len)
{
    struct hv *h = (struct hv *)e;

    engine_interp.memory_changed(h->interp, addr, len);
}

void hv_map_changed(struct engine *e)
{
    struct hv *h = (struct hv *)e;

    engine_interp.map_changed(h->interp);
    hv_nested_clear(&h->nested);
    h->count.clears++;
}

/* ---- Creation -------------------------------------------------------------------- */

int hv_init(struct hv *h, const struct hv_ops *ops, struct cpu *cpu,
            const struct hv_pte_format *format)
{
    int err = hv_nested_create(&h->nested, format);

    if (err)
        return err;
    h->ops = ops;
    h->cpu = cpu;
    h->core = NO_CORE;
    hv_bus_init(h);
    h->sites = calloc(HV_SITES, sizeof *h->sites);
    h->count.ports = calloc(HV_PORTS, sizeof *h->count.ports);
    h->interp = engine_interp.create(cpu);
    if (h->interp && h->sites && h->count.ports)
        return 0;
    hv_exit(h);
    return -ENOMEM;
}

void hv_exit(struct hv *h)
{
    if (h->interp)
        engine_interp.destroy(h->interp);
    free(h->sites);
    free(h->count.ports);
    hv_nested_destroy(&h->nested);
    h->cpu->bus = h->machine_bus;
}
