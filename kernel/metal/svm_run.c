/*
 * One entry into the guest, and what its exit means (AMD APM vol. 2 15.5 to
 * 15.21).
 *
 * All guests share ASID 1: a core's TLB is flushed when another guest than the
 * last comes to it. A guest has a core of its own where there are enough.
 */
#include "kernel/metal/svm_internal.h"

#include "emu/cpu/debug.h"
#include "kernel/metal/arch.h"
#include "kernel/metal/percpu.h"
#include "kernel/platform.h"

#define SHADOW 1u               /* STI's or MOV SS's, as cpu->inhibit */
/* Those whose delivery could raise them without end; the host's own. */
#define EXCEPTIONS (1u << EXC_DB | 1u << EXC_AC | 1u << EXC_MC)

/* ---- Before ------------------------------------------------------------------ */

static uint64_t event_field(const struct cpu_event *e)
{
    static const uint32_t types[] = {
        [CPU_EVENT_INTERRUPT] = SVM_EVENT_INTR,
        [CPU_EVENT_NMI] = SVM_EVENT_NMI,
        [CPU_EVENT_EXCEPTION] = SVM_EVENT_EXCEPTION,
        [HV_EVENT_SOFTWARE] = SVM_EVENT_SOFTWARE,
    };

    if (!e->valid)
        return 0;
    return e->vector | types[e->kind] | SVM_EVENT_VALID |
           (e->has_error ? SVM_EVENT_ERROR | (uint64_t)e->error << 32 : 0);
}

/*
 * Must the TLB be flushed? Its entries are of another guest, or of nested
 * tables that are gone, or dropped by an instruction that the host executed.
 */
static uint8_t tlb_control(struct svm *s)
{
    struct svm_core *core = svm_core_here();
    bool keep = core->last == s && s->core == core &&
                s->nested_generation == s->hv.nested.generation;

    core->last = s;
    s->core = core;
    s->nested_generation = s->hv.nested.generation;
    s->entry.host_phys = core->host_phys;
    if (keep)
        return 0;
    return svm_features.flush_asid ? SVM_TLB_FLUSH_ASID : SVM_TLB_FLUSH_ALL;
}

static void set_bit(uint32_t *word, uint32_t bit, bool on)
{
    *word = on ? *word | bit : *word & ~bit;
}

/*
 * Deliver h->event, or exit when the guest takes interrupts. QEMU's TCG keeps
 * the vector of an interrupt that EVENTINJ delivered, and may deliver it once
 * more later, whatever IF says: there it goes as a virtual interrupt, which
 * the guest takes at once, too, as IF is set.
 */
static void prepare_event(struct svm *s)
{
    struct hv *h = &s->hv;
    struct vmcb *v = s->vmcb;
    bool window = h->window;

    s->virtual.valid = false;
    if (svm_features.stale_event && h->event.kind == CPU_EVENT_INTERRUPT &&
        h->event.valid) {
        s->virtual = h->event;
        h->event.valid = false;
        window = false;         /* of the next entry */
    }
    v->event = event_field(&h->event);
    h->event.valid = false;
    v->virtual_interrupt = SVM_V_MASKING;
    if (window || s->virtual.valid)
        v->virtual_interrupt |= SVM_V_IRQ | SVM_V_PRIO | SVM_V_IGN_TPR;
    if (s->virtual.valid)
        v->virtual_interrupt |= (uint64_t)s->virtual.vector
                                << SVM_V_VECTOR_SHIFT;
    set_bit(&v->intercept1, SVM1_VINTR, window);
}

/*
 * VMRUN gives the guest its DR7, but for QEMU's TCG, which sets a breakpoint up
 * only at a MOV to DR7: so the host makes one. Its own accesses could meet one
 * until it is taken back, and TCG may be late with the guest's: a #DB here is
 * nobody's. Breakpoints on execution are not armed so: hv.no_breaks.
 */
static bool armed[PERCPU_MAX];

static void arm(const struct hv *h, bool on)
{
    const uint64_t data = 0x3333ull << 16;      /* R/W of each */

    if (!svm_features.entry_arms_none || !h->cpu->stops ||
        !(h->dr7 & DR7_ENABLES) || !(h->dr7 & data))
        return;
    armed[this_cpu()->index] = true;
    write_debug_control(on ? h->dr7 : DR7_ONES);
    armed[this_cpu()->index] = on;
}

void svm_stray_debug(void *ctx)
{
    if (!armed[this_cpu()->index])
        platform_fatal("a debug exception in the host");
}

static void prepare(struct svm *s)
{
    struct hv *h = &s->hv;
    struct cpu *c = h->cpu;
    struct vmcb *v = s->vmcb;

    v->rax = c->gpr[RAX];
    v->rsp = c->gpr[RSP];
    v->rip = c->rip;
    v->rflags = c->rflags | (h->step ? FLAG_TF : 0);
    v->shadow = c->inhibit ? SHADOW : 0;
    prepare_event(s);
    set_bit(&v->intercept1, SVM1_IRET, h->nmi_window);
    v->tsc_offset = hv_tsc_offset(h);
    v->tlb_control = tlb_control(s);
    v->exceptions = h->step ? ~0u : EXCEPTIONS;
    set_bit(&v->intercept1, SVM1_RDTSC, c->exact_count);
    if (h->dr7 & DR7_ENABLES)
        write_debug_addresses(h->dr);
}

/* ---- After ------------------------------------------------------------------- */

static void take_event(struct cpu_event *e, uint64_t field)
{
    *e = (struct cpu_event){
        .valid = field & SVM_EVENT_VALID, .vector = (uint8_t)field,
        .has_error = field & SVM_EVENT_ERROR, .error = (uint32_t)(field >> 32),
    };
    switch (field & SVM_EVENT_TYPE) {
    case SVM_EVENT_INTR:
        e->kind = CPU_EVENT_INTERRUPT;
        break;
    case SVM_EVENT_NMI:
        e->kind = CPU_EVENT_NMI;
        break;
    case SVM_EVENT_EXCEPTION:
        /* INT3 and INTO look like this; #BP and #OF have no other cause. */
        e->kind = e->vector == EXC_BP || e->vector == EXC_OF
                      ? HV_EVENT_SOFTWARE
                      : CPU_EVENT_EXCEPTION;
        break;
    default:
        e->kind = HV_EVENT_SOFTWARE;
        break;
    }
}

/*
 * The virtual interrupt was not taken yet, or its delivery was cut short by an
 * exit, of which QEMU speaks as of an exception's. With IF clear it is gone:
 * its delivery faulted in the guest, and a processor loses it then, too.
 */
static bool virtual_waits(const struct svm *s)
{
    const struct cpu_event *e = &s->hv.event;
    const struct cpu *c = s->hv.cpu;

    return s->virtual.valid && (s->vmcb->virtual_interrupt & SVM_V_IRQ) &&
           (!e->valid || e->vector == s->virtual.vector) &&
           (c->rflags & FLAG_IF) && !c->inhibit;
}

/* By exit code from INTR on; HV_EXIT_NONE where it cannot happen. */
static const uint8_t kinds[] = {
    [SVM_EXIT_INTR - SVM_EXIT_INTR] = HV_EXIT_INTERRUPT,
    [SVM_EXIT_NMI - SVM_EXIT_INTR] = HV_EXIT_INTERRUPT,
    [SVM_EXIT_SMI - SVM_EXIT_INTR] = HV_EXIT_INTERRUPT,
    [SVM_EXIT_INIT - SVM_EXIT_INTR] = HV_EXIT_INTERRUPT,
    [SVM_EXIT_VINTR - SVM_EXIT_INTR] = HV_EXIT_WINDOW,
    [SVM_EXIT_RDTSC - SVM_EXIT_INTR] = HV_EXIT_TSC,
    [SVM_EXIT_RDPMC - SVM_EXIT_INTR] = HV_EXIT_INSN,
    [SVM_EXIT_CPUID - SVM_EXIT_INTR] = HV_EXIT_CPUID,
    [SVM_EXIT_RSM - SVM_EXIT_INTR] = HV_EXIT_REFUSED,
    [SVM_EXIT_IRET - SVM_EXIT_INTR] = HV_EXIT_NMI_WINDOW,
    [SVM_EXIT_INVD - SVM_EXIT_INTR] = HV_EXIT_INSN,
    [SVM_EXIT_HLT - SVM_EXIT_INTR] = HV_EXIT_HLT,
    [SVM_EXIT_INVLPGA - SVM_EXIT_INTR] = HV_EXIT_REFUSED,
    [SVM_EXIT_IOIO - SVM_EXIT_INTR] = HV_EXIT_IO,
    [SVM_EXIT_MSR - SVM_EXIT_INTR] = HV_EXIT_RDMSR,
    [SVM_EXIT_TASK - SVM_EXIT_INTR] = HV_EXIT_TASK,
    [SVM_EXIT_FERR - SVM_EXIT_INTR] = HV_EXIT_INSN,
    [SVM_EXIT_SHUTDOWN - SVM_EXIT_INTR] = HV_EXIT_SHUTDOWN,
    [SVM_EXIT_VMRUN - SVM_EXIT_INTR] = HV_EXIT_REFUSED,
    [SVM_EXIT_VMMCALL - SVM_EXIT_INTR] = HV_EXIT_REFUSED,
    [SVM_EXIT_VMLOAD - SVM_EXIT_INTR] = HV_EXIT_REFUSED,
    [SVM_EXIT_VMSAVE - SVM_EXIT_INTR] = HV_EXIT_REFUSED,
    [SVM_EXIT_STGI - SVM_EXIT_INTR] = HV_EXIT_REFUSED,
    [SVM_EXIT_CLGI - SVM_EXIT_INTR] = HV_EXIT_REFUSED,
    [SVM_EXIT_SKINIT - SVM_EXIT_INTR] = HV_EXIT_REFUSED,
    [SVM_EXIT_RDTSCP - SVM_EXIT_INTR] = HV_EXIT_REFUSED,
    [SVM_EXIT_WBINVD - SVM_EXIT_INTR] = HV_EXIT_INSN,
    [SVM_EXIT_MONITOR - SVM_EXIT_INTR] = HV_EXIT_REFUSED,
    [SVM_EXIT_MWAIT - SVM_EXIT_INTR] = HV_EXIT_REFUSED,
    [SVM_EXIT_MWAIT_ARMED - SVM_EXIT_INTR] = HV_EXIT_REFUSED,
    [SVM_EXIT_XSETBV - SVM_EXIT_INTR] = HV_EXIT_REFUSED,
    [SVM_EXIT_RDPRU - SVM_EXIT_INTR] = HV_EXIT_REFUSED,
};

static void decode_io(struct hv_exit *x, const struct vmcb *v)
{
    uint64_t info = v->exit_info1;

    x->io.port = (uint16_t)(info >> 16);
    x->io.size = info >> 4 & 7;
    x->io.in = info & SVM_IO_IN;
    x->io.string = info & SVM_IO_STRING;
    x->insn_len = (uint8_t)(v->exit_info2 - v->rip);
}

static void decode_exception(struct hv_exit *x, const struct vmcb *v,
                             uint8_t vector)
{
    x->kind = HV_EXIT_EXCEPTION;
    x->exception.vector = vector;
    x->exception.has_error = vector == EXC_DF || vector == EXC_AC ||
                             (vector >= EXC_TS && vector <= EXC_PF);
    x->exception.error = (uint32_t)v->exit_info1;
    if (vector == EXC_PF)
        x->exception.cr2 = v->exit_info2;
    if (vector == EXC_DB)
        x->exception.dr6 = v->dr6 & DR6_WRITABLE;
}

static void decode(struct hv_exit *x, const struct vmcb *v)
{
    uint64_t code = v->exit_code;

    x->code = (uint32_t)code;
    if (svm_features.next_rip && v->next_rip)
        x->insn_len = (uint8_t)(v->next_rip - v->rip);
    if (code == SVM_EXIT_NPF) {
        x->kind = HV_EXIT_MEMORY;
        x->memory.addr = v->exit_info2;
        x->memory.write = v->exit_info1 & SVM_NPF_WRITE;
    } else if (code < SVM_EXIT_DR_READ) {
        x->kind = HV_EXIT_CR;
    } else if (code <= SVM_EXIT_DR_LAST) {
        x->kind = HV_EXIT_DR;
    } else if (code <= SVM_EXIT_EXCEPTION_LAST) {
        decode_exception(x, v, (uint8_t)(code - SVM_EXIT_EXCEPTION));
    } else if (code - SVM_EXIT_INTR < sizeof kinds) {
        x->kind = (enum hv_exit_kind)kinds[code - SVM_EXIT_INTR];
    } else {
        x->kind = HV_EXIT_INVALID;
    }
    if (x->kind == HV_EXIT_IO)
        decode_io(x, v);
    else if (x->kind == HV_EXIT_RDMSR && v->exit_info1)
        x->kind = HV_EXIT_WRMSR;
}

void svm_run(struct hv *h, struct hv_exit *x)
{
    struct svm *s = (struct svm *)h;
    struct cpu *c = h->cpu;
    struct vmcb *v = s->vmcb;
    struct cpu_event asked = h->event;
    uint64_t start;

    interrupts_off();           /* until svm_enter has them held by GIF */
    prepare(s);
    hv_catch_up(h);
    arm(h, true);
    start = read_tsc();
    svm_enter(&s->entry);
    arm(h, false);
    h->count.guest_ticks += read_tsc() - start;
    c->gpr[RAX] = v->rax;
    c->gpr[RSP] = v->rsp;
    c->rip = v->rip;
    c->rflags = v->rflags;
    c->inhibit = v->shadow & SHADOW;
    take_event(&h->event, v->exit_event);
    if (v->exit_code == SVM_EXIT_INVALID)
        h->event = asked;       /* nothing happened */
    else if (virtual_waits(s))
        h->event = s->virtual;
    decode(x, v);
    if (x->kind == HV_EXIT_EXCEPTION && x->exception.vector == EXC_DB) {
        v->dr6 = DR6_ONES;
        if (h->step && hv_debug_is_trap(h, x->exception.dr6))
            x->kind = HV_EXIT_STEP;
    }
    hv_clear_step(h, x);
    /* The machine check is the host's: it has a handler for it. */
    if (x->kind == HV_EXIT_EXCEPTION && x->exception.vector == EXC_MC)
        __asm__ volatile("int $18");
}
