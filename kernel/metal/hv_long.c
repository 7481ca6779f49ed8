/*
 * See hv.h. A guest in long mode, which the interpreter does not run: the one
 * instruction that left it is done by the emulator (emu/cpu/emulate.h).
 */
#include "emu/cpu/emulate.h"
#include "kernel/metal/hv_internal.h"

/*
 * Something went wrong while an event was being delivered: its stack or table
 * is no memory, or an exception came of it that would come again for ever. A
 * double fault, then the end, as for a processor (APM vol. 2 8.2.9).
 */
static enum engine_exit event_failed(struct hv *h)
{
    const struct cpu_event *e = &h->event;

    if (e->kind == CPU_EVENT_EXCEPTION && e->vector == EXC_DF)
        return ENGINE_SHUTDOWN;
    hv_inject(h, EXC_DF, true, 0);
    return ENGINE_BUDGET;
}

/*
 * An NMI's handler is at its IRET (svm's intercept; vmx has a window after it),
 * which the guest executes itself. If another NMI waits, as a single step, so
 * that it can be delivered next. A trap or breakpoint of the guest's own could
 * not be told from that, and TF exits by itself: then a shadow keeps the NMI
 * away until the IRET is done, and it comes at the next exit.
 */
static enum engine_exit nmi_ends(struct hv *h)
{
    struct cpu *c = h->cpu;

    if (c->nmi && !(c->rflags & FLAG_TF) && !(h->dr7 & DR7_ENABLES)) {
        h->iret = true;
        return ENGINE_BUDGET;
    }
    c->nmi_blocked = false;
    c->inhibit = 1;
    return ENGINE_BUDGET;
}

/* Another exit than these came before the IRET, which exits again. */
void hv_long_stepped(struct hv *h, const struct hv_exit *x)
{
    struct cpu *c = h->cpu;
    uint64_t dr6 = c->dr[6];    /* as it was before the entry */

    h->iret = h->step = h->own_tf = false;
    if (x->kind == HV_EXIT_STEP) {
        c->nmi_blocked = false;
        hv_modify(h);
        c->dr[6] = dr6;
    } else if (x->kind == HV_EXIT_EXCEPTION) {
        c->nmi_blocked = false; /* by one that faults, too (SDM vol. 3, 6.7.1) */
        if (x->exception.vector == EXC_PF) {
            hv_modify(h);
            c->cr2 = x->exception.cr2;
        }
    }
}

void hv_emulate(struct hv *h)
{
    struct cpu *c = h->cpu;
    struct emul_raise raise;

    h->count.emulated++;
    switch (emul_step(c, &raise)) {
    case EMUL_DONE:
        c->icount++;
        break;
    case EMUL_RAISE:
        hv_inject(h, raise.vector, raise.has_error, raise.error);
        break;
    case EMUL_UNKNOWN:
        h->count.unknown++;
        hv_inject(h, EXC_UD, false, 0);
        break;
    }
}

enum engine_exit hv_long(struct hv *h, const struct hv_exit *x)
{
    if (h->event.valid)
        return event_failed(h);
    if (x->kind == HV_EXIT_NMI_WINDOW)
        return nmi_ends(h);
    /* There are no task switches, and no state that we know and it does not. */
    if (x->kind == HV_EXIT_TASK || x->kind == HV_EXIT_INVALID)
        return ENGINE_SHUTDOWN;
    if (x->kind == HV_EXIT_IO && hv_emulate_io(h, x))
        return ENGINE_BUDGET;
    hv_modify(h);
    hv_emulate(h);
    if (x->kind == HV_EXIT_CR || x->kind == HV_EXIT_INSN)
        h->nested.generation++;         /* translations are void */
    return ENGINE_BUDGET;
}
