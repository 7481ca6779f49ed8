/* See svm_internal.h. AMD APM vol. 2, 15.5 and appendix B. */
#include "kernel/metal/svm_internal.h"

#include <string.h>

#include "emu/cpu/debug.h"
#include "emu/cpu/paging.h"

#define LIMIT_BYTES 0xfffffu    /* above it a limit counts pages */
#define DR_ALL 0xffffu
#define ASID 1u                 /* one for all: see svm_run.c */

enum { IOPM_BYTES = 3 * 4096, MSRPM_BYTES = 2 * 4096 };

/* Two bits for each MSR, in three ranges (15.11). 0: it has none. */
static unsigned msr_bit(uint32_t msr)
{
    if (msr < 0x2000)
        return msr * 2;
    if (msr >= 0xc0000000u && msr < 0xc0002000u)
        return 0x800 * 8 + (msr - 0xc0000000u) * 2;
    return 0;
}

static void permit_msrs(const struct cpu_model *model, uint8_t *msrpm)
{
    uint32_t msr;

    for (unsigned n = 0; (msr = cpu_msr_passthrough(model, n)); n++) {
        unsigned bit = msr_bit(msr);

        if (bit)
            msrpm[bit / 8] &= (uint8_t)~(3u << bit % 8);
    }
}

/*
 * CR3, CR0 and most of the rest are the guest's own. CR4 is not, as the model
 * says which bits exist; nor is what could reach the host or stop it.
 */
static void set_intercepts(struct vmcb *v)
{
    v->cr_read = 1u << 8;
    v->cr_write = 1u << 4 | 1u << 8;
    v->dr_read = v->dr_write = DR_ALL;
    v->intercept1 = SVM1_INTR | SVM1_NMI | SVM1_SMI | SVM1_INIT |
                    SVM1_RDPMC | SVM1_CPUID | SVM1_RSM | SVM1_INVD |
                    SVM1_HLT | SVM1_INVLPGA | SVM1_IOIO | SVM1_MSR |
                    SVM1_TASK | SVM1_FERR | SVM1_SHUTDOWN;
    v->intercept2 = SVM2_VMRUN | SVM2_VMMCALL | SVM2_VMLOAD | SVM2_VMSAVE |
                    SVM2_STGI | SVM2_CLGI | SVM2_SKINIT | SVM2_RDTSCP |
                    SVM2_WBINVD | SVM2_MONITOR | SVM2_MWAIT |
                    SVM2_MWAIT_ARMED | SVM2_XSETBV;
    if (svm_features.rdpru)
        v->intercept2 |= SVM2_RDPRU;
}

void svm_state_init(struct svm *s, uint64_t permissions_phys)
{
    struct vmcb *v = s->vmcb;

    memset(s->permissions, 0xff, IOPM_BYTES + MSRPM_BYTES);
    permit_msrs(s->hv.cpu->model, s->permissions + IOPM_BYTES);
    set_intercepts(v);
    v->iopm_phys = permissions_phys;
    v->msrpm_phys = permissions_phys + IOPM_BYTES;
    v->asid = ASID;
    v->nested_paging = 1;
    v->nested_cr3 = s->hv.nested.root_phys;
    s->entry.fpu64 = cpu_model_is_64bit(s->hv.cpu->model);
}

/* ---- VMCB to struct cpu ---------------------------------------------------- */

/* G is not kept for all segments by all processors; the limit tells it. */
static void store_seg(struct cpu_seg *to, const struct vmcb_seg *from)
{
    *to = (struct cpu_seg){ from->selector, from->attrib & 0xfff, from->limit,
                            from->base };
    if (to->limit > LIMIT_BYTES)
        to->attr |= SEG_G;
}

static void store_segments(struct cpu *c, const struct vmcb *v)
{
    store_seg(&c->seg[ES], &v->es);
    store_seg(&c->seg[CS], &v->cs);
    store_seg(&c->seg[SS], &v->ss);
    store_seg(&c->seg[DS], &v->ds);
    store_seg(&c->seg[FS], &v->fs);
    store_seg(&c->seg[GS], &v->gs);
    store_seg(&c->ldtr, &v->ldtr);
    store_seg(&c->tr, &v->tr);
    c->tr.attr |= TYPE_BUSY;
    c->gdtr = (struct cpu_table){ v->gdtr.base, (uint16_t)v->gdtr.limit };
    c->idtr = (struct cpu_table){ v->idtr.base, (uint16_t)v->idtr.limit };
}

static void store_msrs(struct cpu *c, const struct vmcb *v)
{
    c->star = v->star;
    c->lstar = v->lstar;
    c->cstar = v->cstar;
    c->sfmask = v->sfmask;
    c->kernel_gs_base = v->kernel_gs_base;
    c->sysenter_cs = v->sysenter_cs;
    c->sysenter_esp = v->sysenter_esp;
    c->sysenter_eip = v->sysenter_eip;
}

void svm_store(struct hv *h)
{
    struct cpu *c = h->cpu;
    const struct vmcb *v = ((struct svm *)h)->vmcb;

    store_segments(c, v);
    c->cpl = v->cpl & 3;
    c->cr0 = v->cr0;
    c->cr2 = v->cr2;
    c->cr3 = v->cr3;
    c->cr4 = v->cr4;
    c->efer = v->efer & ~(uint64_t)EFER_SVME;
    store_msrs(c, v);
    /* With nested paging they are read at each walk (15.25.10). */
    if ((c->cr0 & CR0_PG) && (c->cr4 & CR4_PAE) && !cpu_in_long_mode(c))
        paging_load_pdptes(c, (uint32_t)c->cr3);
}

/* ---- struct cpu to VMCB ---------------------------------------------------- */

static void load_seg(struct vmcb_seg *to, const struct cpu_seg *from)
{
    *to = (struct vmcb_seg){ from->sel, from->attr & 0xfff, from->limit,
                             from->base };
}

static void load_segments(struct vmcb *v, const struct cpu *c)
{
    load_seg(&v->es, &c->seg[ES]);
    load_seg(&v->cs, &c->seg[CS]);
    load_seg(&v->ss, &c->seg[SS]);
    load_seg(&v->ds, &c->seg[DS]);
    load_seg(&v->fs, &c->seg[FS]);
    load_seg(&v->gs, &c->seg[GS]);
    load_seg(&v->ldtr, &c->ldtr);
    load_seg(&v->tr, &c->tr);
    if (!svm_features.busy_tss)
        v->tr.attrib &= (uint16_t)~TYPE_BUSY;
    /* The privilege level is also that of SS. */
    v->ss.attrib = (uint16_t)((v->ss.attrib & ~0x60u) | c->cpl << 5);
    v->gdtr.base = c->gdtr.base;
    v->gdtr.limit = c->gdtr.limit;
    v->idtr.base = c->idtr.base;
    v->idtr.limit = c->idtr.limit;
}

static void load_msrs(struct vmcb *v, const struct cpu *c)
{
    v->star = c->star;
    v->lstar = c->lstar;
    v->cstar = c->cstar;
    v->sfmask = c->sfmask;
    v->kernel_gs_base = c->kernel_gs_base;
    v->sysenter_cs = c->sysenter_cs;
    v->sysenter_esp = c->sysenter_esp;
    v->sysenter_eip = c->sysenter_eip;
    v->pat = c->pat;
}

void svm_load(struct hv *h)
{
    struct svm *s = (struct svm *)h;
    const struct cpu *c = h->cpu;
    struct vmcb *v = s->vmcb;

    load_segments(v, c);
    v->cpl = c->cpl;
    v->cr0 = c->cr0;
    v->cr2 = c->cr2;
    v->cr3 = c->cr3;
    v->cr4 = c->cr4;
    v->efer = c->efer | EFER_SVME;
    v->dr6 = DR6_ONES;          /* ours: #DB and MOV DR exit */
    v->dr7 = h->dr7;
    load_msrs(v, c);
    v->clean = 0;
}
