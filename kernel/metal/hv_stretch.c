/*
 * See hv.h: the interpreter in place of the processor for a while, after an
 * exit that an access to a device made. Whether that pays is remembered by
 * the instruction's address: where nothing followed lately, the one
 * instruction is emulated.
 */
#include "kernel/metal/hv_internal.h"

#include "kernel/platform.h"

/* However busy its devices: the guest's clock and the host want to go on. */
#define STRETCH_INSNS 4096u
/* So many at once while the processor does not take the guest's state. */
#define REFUSED_INSNS 512u
/* So many exits at a site that did not pay are emulated before another try. */
#define SITE_REST 31u
/* So many more until a #DB that is due is delivered. */
#define SETTLE_INSNS 16u
/* Accesses in a stretch from which on it is cheaper than an exit for each. */
#define PAYS 3u

static struct hv_site *site_of(struct hv *h)
{
    uint64_t rip = h->cpu->rip;
    struct hv_site *s = &h->sites[(rip ^ rip >> 8 ^ rip >> 16) % HV_SITES];

    if (s->rip != rip)
        *s = (struct hv_site){ .rip = rip };
    return s;
}

/* The event that waited for the next entry is the interpreter's now. */
static void hand_over_event(struct hv *h)
{
    const struct cpu_event *e = &h->event;

    if (!e->valid)
        return;
    interp_raise(h->interp, e->vector, e->kind != CPU_EVENT_EXCEPTION,
                 e->has_error, e->error);
    h->event.valid = false;
}

/*
 * Does what was done since io_count was `seen` speak for going on? Not beyond
 * the run's end, which may be the timer that the guest polls for, and not in
 * long mode, where the interpreter stops.
 */
static bool goes_on(const struct hv *h, bool refused, uint64_t seen,
                    uint64_t start)
{
    return (refused || h->io_count != seen) && !cpu_in_long_mode(h->cpu) &&
           h->cpu->icount - start < STRETCH_INSNS &&
           platform_now_ns() < h->deadline;
}

/*
 * A #DB that is due after the stretch's last instruction is not in struct cpu:
 * the interpreter goes on until the end of a MOV SS shadow. Where long mode was
 * entered it cannot deliver it, and a breakpoint at the vector of #DB itself
 * makes another one due each time: the processor's business then.
 */
static enum engine_exit settle_debug(struct hv *h, enum engine_exit why)
{
    struct cpu *c = h->cpu;

    for (unsigned n = 0; n < SETTLE_INSNS && why == ENGINE_BUDGET &&
                         c->run.debug && !cpu_in_long_mode(c); n++)
        why = engine_interp.run(h->interp, 1, UINT64_MAX);
    if (c->run.debug && (why == ENGINE_BUDGET || cpu_in_long_mode(c))) {
        hv_inject_debug(h, c->run.debug);
        c->run.debug = 0;
    }
    return why;
}

enum engine_exit hv_stretch(struct hv *h)
{
    struct cpu *c = h->cpu;
    uint64_t start = c->icount, seen;
    /* The next entry might be refused, too, or there is none. */
    bool refused = !h->ran || c->stops;
    enum engine_exit why;
    uint32_t mapping;

    hv_modify(h);
    if (h->ran)
        interp_resync(h->interp);
    h->ran = false;
    mapping = interp_mapping(h->interp);
    hand_over_event(h);
    h->count.stretches++;
    do {
        seen = h->io_count;
        why = engine_interp.run(
            h->interp, refused ? REFUSED_INSNS : HV_QUIET_INSNS, UINT64_MAX);
    } while (why == ENGINE_BUDGET && goes_on(h, refused, seen, start));
    why = settle_debug(h, why);
    h->count.stretch_insns += c->icount - start;
    if (mapping != interp_mapping(h->interp))
        h->nested.generation++;
    return why;
}

bool hv_emulate_io(struct hv *h, const struct hv_exit *x)
{
    struct cpu *c = h->cpu;
    const struct cpu_bus *bus = &h->bus;
    unsigned size = x->io.size;
    uint32_t mask = size == 4 ? ~0u : (1u << 8 * size) - 1, v;

    if (x->io.string || !x->insn_len || (c->rflags & FLAG_TF))
        return false;
    if (!x->io.in) {
        bus->io_write(bus->ctx, x->io.port, size,
                      (uint32_t)c->gpr[RAX] & mask);
    } else {
        v = bus->io_read(bus->ctx, x->io.port, size) & mask;
        /* A 32-bit result clears the upper half, smaller ones keep it. */
        c->gpr[RAX] = size == 4 ? v : (c->gpr[RAX] & ~(uint64_t)mask) | v;
    }
    c->rip += x->insn_len;      /* in CS: the processor has fetched it there */
    c->rflags &= ~(uint64_t)FLAG_RF;
    c->inhibit = 0;
    c->icount++;
    return true;
}

enum engine_exit hv_interpret(struct hv *h, const struct hv_exit *x)
{
    bool device = x->kind == HV_EXIT_IO || x->kind == HV_EXIT_MEMORY;
    uint64_t seen = h->io_count;
    enum engine_exit why;
    struct hv_site *site;

    if (cpu_model_is_64bit(h->cpu->model)) {
        hv_fetch(h);
        if (cpu_in_long_mode(h->cpu))
            return hv_long(h, x);
    }
    if (!device || h->event.valid)
        return hv_stretch(h);
    site = site_of(h);
    if (site->rest && x->kind == HV_EXIT_IO && hv_emulate_io(h, x)) {
        site->rest--;
        return ENGINE_BUDGET;
    }
    why = hv_stretch(h);
    site->rest = h->io_count - seen >= PAYS ? 0 : SITE_REST;
    return why;
}
