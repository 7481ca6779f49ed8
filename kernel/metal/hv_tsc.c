/*
 * The guest's time-stamp counter. It reads the processor's own, at the
 * processor's rate, plus an offset; so the machine's TSC (bus->tsc) has that
 * rate too. Virtual time stands still while the machine is stopped, the
 * processor's TSC does not: the difference is taken out when a run begins, but
 * never so that the guest sees time go back.
 *
 * Under -icount the TSC is the machine's, from the count, and RDTSC exits.
 */
#include "kernel/metal/arch.h"
#include "kernel/metal/clock.h"
#include "kernel/metal/hv_internal.h"

/* Virtual time and the TSC may drift apart by this before one follows. */
#define DRIFT_PER_S 20u

static uint64_t machine_tsc(const struct hv *h)
{
    return h->machine_bus->tsc(h->machine_bus->ctx);
}

uint64_t hv_tsc_now(const struct hv *h)
{
    if (h->cpu->exact_count)
        return machine_tsc(h);
    return read_tsc() + h->tsc_base;
}

uint64_t hv_tsc_offset(const struct hv *h)
{
    return h->tsc_base + h->cpu->tsc_offset;
}

void hv_tsc_enter(struct hv *h)
{
    uint64_t want, now, drift = clock_tsc_hz() / DRIFT_PER_S;

    if (h->cpu->exact_count)
        return;
    want = machine_tsc(h);
    now = hv_tsc_now(h);
    if (now < want + drift && want < now + drift && now >= h->tsc_last)
        return;
    if (want < h->tsc_last)
        want = h->tsc_last;
    h->tsc_base += want - now;
}

void hv_tsc_leave(struct hv *h)
{
    if (!h->cpu->exact_count)
        h->tsc_last = hv_tsc_now(h);
}
