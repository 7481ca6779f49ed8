/* See vmx.h. Guest state in a VMCS: Intel SDM vol. 3 24.4. */
#include <string.h>

#include "emu/cpu/cpu.h"
#include "emu/cpu/debug.h"
#include "kernel/metal/arch.h"
#include "kernel/metal/vmx.h"
#include "kernel/metal/vmx_core.h"
#include "kernel/metal/vmx_guest.h"
#include "kernel/metal/vmx_ops.h"

#define RFLAGS_DEFINED 0x3f7fd7u
/* What c->inhibit says of the shadow of STI and of MOV SS. */
#define INHIBIT_STI 1
#define INHIBIT_SS 2

#define SEG_FIELD(first, i) ((first) + 2 * (i))

/* Fields of segments come in the order of enum cpu_segreg. */
_Static_assert(ES == 0 && CS == 1 && SS == 2 && DS == 3 && FS == 4 && GS == 5,
               "as the VMCS has them");

static void load_segment(struct vmx *v, const struct cpu_seg *s, unsigned i,
                         uint32_t rights)
{
    struct vmx_segment now = {s->base, s->limit, rights, s->sel};

    /* A VMWRITE costs more than to look; most segments seldom change. */
    if (v->has_segments && !memcmp(&now, &v->segment[i], sizeof now))
        return;
    v->segment[i] = now;
    vmwrite(SEG_FIELD(VMCS_GUEST_ES_SEL, i), s->sel);
    vmwrite(SEG_FIELD(VMCS_GUEST_ES_LIMIT, i), s->limit);
    vmwrite(SEG_FIELD(VMCS_GUEST_ES_RIGHTS, i), rights);
    vmwrite(SEG_FIELD(VMCS_GUEST_ES_BASE, i), s->base);
}

static void store_segment(struct vmx *v, struct cpu_seg *s, unsigned i)
{
    uint32_t rights = (uint32_t)vmread(SEG_FIELD(VMCS_GUEST_ES_RIGHTS, i));

    s->sel = (uint16_t)vmread(SEG_FIELD(VMCS_GUEST_ES_SEL, i));
    s->limit = (uint32_t)vmread(SEG_FIELD(VMCS_GUEST_ES_LIMIT, i));
    s->attr = vmx_attr(rights);
    s->base = vmread(SEG_FIELD(VMCS_GUEST_ES_BASE, i));
    v->segment[i] = (struct vmx_segment){s->base, s->limit, rights, s->sel};
}

static void load_segments(struct vmx *v)
{
    const struct cpu *c = v->hv.cpu;

    for (unsigned i = 0; i < SEG_COUNT; i++) {
        uint32_t rights = vmx_rights(&c->seg[i]);

        /* CPL is SS.DPL, even of a null selector (24.4.1). */
        if (i == SS)
            rights = (rights & ~(3u << 5)) | (uint32_t)c->cpl << 5;
        load_segment(v, &c->seg[i], i, rights);
    }
    load_segment(v, &c->ldtr, VMX_LDTR, vmx_rights(&c->ldtr));
    load_segment(v, &c->tr, VMX_TR, vmx_rights(&c->tr));
    v->has_segments = true;
    vmwrite(VMCS_GUEST_GDTR_BASE, c->gdtr.base);
    vmwrite(VMCS_GUEST_GDTR_LIMIT, c->gdtr.limit);
    vmwrite(VMCS_GUEST_IDTR_BASE, c->idtr.base);
    vmwrite(VMCS_GUEST_IDTR_LIMIT, c->idtr.limit);
}

static void store_segments(struct vmx *v)
{
    struct cpu *c = v->hv.cpu;

    for (unsigned i = 0; i < SEG_COUNT; i++)
        store_segment(v, &c->seg[i], i);
    store_segment(v, &c->ldtr, VMX_LDTR);
    store_segment(v, &c->tr, VMX_TR);
    c->cpl = SEG_DPL(v->segment[SS].rights);
    c->gdtr.base = vmread(VMCS_GUEST_GDTR_BASE);
    c->gdtr.limit = (uint16_t)vmread(VMCS_GUEST_GDTR_LIMIT);
    c->idtr.base = vmread(VMCS_GUEST_IDTR_BASE);
    c->idtr.limit = (uint16_t)vmread(VMCS_GUEST_IDTR_LIMIT);
}

static bool pae_paging(const struct cpu *c)
{
    return (c->cr0 & CR0_PG) && (c->cr4 & CR4_PAE) && !cpu_in_long_mode(c);
}

/*
 * CD and NW stay 0: a guest without a cache would be slow, and no device of
 * its can tell. NE is 1 in VMX operation; vmx_load minds that.
 */
static void load_control(const struct cpu *c)
{
    const struct vmx_caps *caps = vmx_capabilities();
    uint64_t cr0 = c->cr0 & ~(uint64_t)(CR0_CD | CR0_NW);

    vmwrite(VMCS_GUEST_CR0, vmx_fixed(cr0, caps->cr0_must, caps->cr0_may));
    vmwrite(VMCS_CR0_SHADOW, c->cr0);
    vmwrite(VMCS_GUEST_CR4,
            vmx_fixed(c->cr4, caps->cr4_must, caps->cr4_may));
    vmwrite(VMCS_CR4_SHADOW, c->cr4);
    vmwrite(VMCS_GUEST_CR3, c->cr3);
    vmwrite(VMCS_GUEST_EFER, c->efer);
    vmwrite(VMCS_ENTRY,
            caps->entry | (cpu_in_long_mode(c) ? ENTRY_IA32E : 0));
    for (unsigned i = 0; pae_paging(c) && i < 4; i++)
        vmwrite(VMCS_GUEST_PDPTE0 + 2 * i, c->pdpte[i]);
    write_cr2(c->cr2);
}

static void store_control(struct cpu *c)
{
    uint64_t mask0 = vmread(VMCS_CR0_MASK), mask4 = vmread(VMCS_CR4_MASK);

    c->cr0 = (c->cr0 & mask0) | (vmread(VMCS_GUEST_CR0) & ~mask0);
    c->cr4 = (c->cr4 & mask4) | (vmread(VMCS_GUEST_CR4) & ~mask4);
    c->cr3 = vmread(VMCS_GUEST_CR3);
    for (unsigned i = 0; pae_paging(c) && i < 4; i++)
        c->pdpte[i] = vmread(VMCS_GUEST_PDPTE0 + 2 * i);
    c->cr2 = read_cr2();
}

/* DR6 is ours alone: #DB and MOV DR exit. */
static void load_debug(struct vmx *v)
{
    struct cpu *c = v->hv.cpu;
    uint64_t pending = c->run.debug & (PENDING_DEBUG_HIT | PENDING_DEBUG_BS);

    vmwrite(VMCS_GUEST_DR7, (uint32_t)v->hv.dr7);
    if (v->hv.dr7 & DR7_ENABLES)
        write_debug_addresses(v->hv.dr);
    if (pending & PENDING_DEBUG_HIT)
        pending |= PENDING_DEBUG_ENABLED;
    c->run.debug = 0;
    v->pending_debug = pending;
    vmwrite(VMCS_GUEST_PENDING_DEBUG, pending);
}

static void load_msrs(struct vmx *v)
{
    const struct cpu *c = v->hv.cpu;

    for (unsigned i = 0; i < v->msr_count; i++)
        cpu_msr_read(c, v->msr[i].index, &v->msr[i].value);
    vmwrite(VMCS_GUEST_SYSENTER_CS, c->sysenter_cs);
    vmwrite(VMCS_GUEST_SYSENTER_ESP, c->sysenter_esp);
    vmwrite(VMCS_GUEST_SYSENTER_EIP, c->sysenter_eip);
}

static void store_msrs(struct vmx *v)
{
    struct cpu *c = v->hv.cpu;

    for (unsigned i = 0; i < v->msr_count; i++)
        cpu_msr_write(c, v->msr[i].index, v->msr[i].value);
    c->sysenter_cs = vmread(VMCS_GUEST_SYSENTER_CS);
    c->sysenter_esp = vmread(VMCS_GUEST_SYSENTER_ESP);
    c->sysenter_eip = vmread(VMCS_GUEST_SYSENTER_EIP);
}

/*
 * With CR0.NE=0 an x87 error is FERR#'s and so the interpreter's business; the
 * processor would raise #MF, as NE is 1 for it.
 */
static void load_exceptions(struct vmx *v)
{
    v->guest_exceptions = 1u << EXC_DB | 1u << EXC_AC | 1u << EXC_MC |
                          (v->hv.cpu->cr0 & CR0_NE ? 0 : 1u << EXC_MF);
}

void vmx_load(struct hv *h)
{
    struct vmx *v = (struct vmx *)h;
    struct cpu *c = h->cpu;

    v->unfit = vmx_guest_unfit(c, vmx_capabilities()->unrestricted);
    if (v->unfit)
        return;
    load_segments(v);
    load_control(c);
    load_debug(v);
    load_msrs(v);
    load_exceptions(v);
}

void vmx_store(struct hv *h)
{
    struct vmx *v = (struct vmx *)h;
    uint64_t pending;

    if (v->unfit)               /* it never left struct cpu */
        return;
    store_segments(v);
    store_control(h->cpu);
    store_msrs(v);
    pending = vmread(VMCS_GUEST_PENDING_DEBUG);
    h->cpu->run.debug = pending & (PENDING_DEBUG_HIT | PENDING_DEBUG_BS);
}

/*
 * A guest that single-steps into the shadow of STI or MOV SS has a trap
 * pending, else it has none (26.3.1.5).
 */
static void load_shadow(struct vmx *v, uint32_t blocked)
{
    bool trap = v->hv.cpu->rflags & FLAG_TF;
    uint64_t pending = vmread(VMCS_GUEST_PENDING_DEBUG);
    uint64_t want = trap ? pending | PENDING_DEBUG_BS
                         : pending & ~(uint64_t)PENDING_DEBUG_BS;

    if ((blocked & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)) && want != pending)
        vmwrite(VMCS_GUEST_PENDING_DEBUG, want);
}

void vmx_load_short(struct vmx *v)
{
    const struct cpu *c = v->hv.cpu;
    uint32_t blocked = 0;

    vmwrite(VMCS_GUEST_RIP, c->rip);
    vmwrite(VMCS_GUEST_RSP, c->gpr[RSP]);
    vmwrite(VMCS_GUEST_RFLAGS, (c->rflags & RFLAGS_DEFINED) | FLAG_1 |
                               (v->hv.step ? FLAG_TF : 0));
    /* STI cannot be what blocks while IF is 0 (26.3.1.5). */
    if (c->inhibit)
        blocked = c->inhibit == INHIBIT_STI && (c->rflags & FLAG_IF)
                      ? BLOCKED_BY_STI : BLOCKED_BY_MOV_SS;
    if (c->nmi_blocked &&
        !(v->hv.event.valid && v->hv.event.kind == CPU_EVENT_NMI))
        blocked |= BLOCKED_BY_NMI;
    if (blocked)
        load_shadow(v, blocked);
    if (blocked != v->interruptibility)
        vmwrite(VMCS_GUEST_INTERRUPTIBILITY, v->interruptibility = blocked);
}

void vmx_store_short(struct vmx *v)
{
    struct cpu *c = v->hv.cpu;
    uint32_t blocked = (uint32_t)vmread(VMCS_GUEST_INTERRUPTIBILITY);

    c->rip = vmread(VMCS_GUEST_RIP);
    c->gpr[RSP] = vmread(VMCS_GUEST_RSP);
    c->rflags = vmread(VMCS_GUEST_RFLAGS);
    /* No trap is pending of an instruction that an exit cut short (27.3.4);
     * Bochs leaves it there, and the next entry would deliver it. */
    if ((c->rflags & FLAG_TF) && !(blocked & BLOCKED_BY_MOV_SS))
        vmwrite(VMCS_GUEST_PENDING_DEBUG, 0);
    c->inhibit = blocked & BLOCKED_BY_STI      ? INHIBIT_STI
                 : blocked & BLOCKED_BY_MOV_SS ? INHIBIT_SS
                                               : 0;
    c->nmi_blocked = blocked & BLOCKED_BY_NMI;
    v->interruptibility = blocked;
}
