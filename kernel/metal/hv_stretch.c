/* See hv.h: the interpreter in place of the processor for a while. */
#include "kernel/metal/hv_internal.h"

/* However busy its devices: the guest's clock and the host want to go on. */
#define STRETCH_INSNS 4096u

/* The event that waited for the next entry is the interpreter's now. */
static void hand_over_event(struct hv *h)
{
    const struct hv_event *e = &h->event;

    if (!e->valid)
        return;
    interp_raise(h->interp, e->vector, e->kind != HV_EVENT_EXCEPTION,
                 e->has_error, e->error);
    h->event.valid = false;
}

enum engine_exit hv_stretch(struct hv *h)
{
    struct cpu *c = h->cpu;
    uint64_t start = c->icount, seen, n = HV_QUIET_INSNS;
    enum engine_exit why;

    hv_modify(h);
    if (h->ran)
        interp_resync(h->interp);
    else                        /* the state cannot enter: it soon may not */
        n = STRETCH_INSNS;
    h->ran = false;
    hand_over_event(h);
    h->count.stretches++;
    do {
        seen = h->io_count;
        why = engine_interp.run(h->interp, n, UINT64_MAX);
        n = HV_QUIET_INSNS;
    } while (why == ENGINE_BUDGET && h->io_count != seen &&
             c->icount - start < STRETCH_INSNS);
    /* A #DB that waits for the end of a MOV SS shadow is not in struct cpu. */
    while (why == ENGINE_BUDGET && c->run.debug)
        why = engine_interp.run(h->interp, 1, UINT64_MAX);
    h->count.stretch_insns += c->icount - start;
    return why;
}
