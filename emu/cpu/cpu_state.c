/*
 * The CPU in a snapshot. Engines keep no state of their own between runs
 * (engine.h), so this is all. What the guest could never have brought about is
 * refused: engines rely on it.
 */
#include "emu/cpu/cpu.h"
#include "emu/cpu/debug.h"
#include "emu/cpu/features.h"
#include "emu/cpu/interp.h"
#include "emu/state.h"

/* Bits that exist (SDM vol. 3, 2.5; vol. 1, 3.4.3, 10.2.3). */
#define CR0_BITS (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | \
                  CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)
#define EFER_BITS (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)
#define RFLAGS_BITS 0x003f7fd7u
#define MXCSR_BITS 0xffffu
#define SEG_ATTR_BITS 0x0fffu
/* Instructions of 100 years and more: what is added does not overflow. */
#define ICOUNT_MAX (1ull << 62)

/* ---- Registers ----------------------------------------------------------- */

/* Zero above 32 bits where the model has no more. */
static void word_state(const struct cpu *c, struct state *s, uint64_t *v)
{
    state_u64(s, v);
    state_check(s, cpu_model_is_64bit(c->model) || *v <= UINT32_MAX,
                "a register is wider than the CPU");
}

static void general_state(struct cpu *c, struct state *s)
{
    for (unsigned n = 0; n < CPU_NOREG; n++)
        word_state(c, s, &c->gpr[n]);
    word_state(c, s, &c->rip);
    state_u64(s, &c->rflags);
    state_check(s, !(c->rflags & ~(uint64_t)RFLAGS_BITS) &&
                c->rflags & FLAG_1, "flags that do not exist");
}

static void segment_state(struct cpu *c, struct state *s, struct cpu_seg *seg)
{
    state_u16(s, &seg->sel);
    state_u16(s, &seg->attr);
    state_u32(s, &seg->limit);
    word_state(c, s, &seg->base);
    state_check(s, !(seg->attr & ~SEG_ATTR_BITS), "a segment's attributes");
}

static void table_state(struct cpu *c, struct state *s, struct cpu_table *t)
{
    word_state(c, s, &t->base);
    state_u16(s, &t->limit);
}

static bool mode_is_possible(const struct cpu *c)
{
    bool protected = c->cr0 & CR0_PE, v86 = c->rflags & FLAG_VM;
    bool active = c->efer & EFER_LMA;

    if ((c->cr0 & CR0_PG && !protected) || (v86 && !protected))
        return false;
    if ((!protected && c->cpl) || (v86 && c->cpl != 3))
        return false;
    if (active && (v86 || !(c->cr4 & CR4_PAE)))
        return false;
    return active == (c->efer & EFER_LME && c->cr0 & CR0_PG);
}

static void control_state(struct cpu *c, struct state *s)
{
    uint64_t efer = EFER_BITS;

    state_u64(s, &c->cr0);
    word_state(c, s, &c->cr2);
    word_state(c, s, &c->cr3);
    state_u64(s, &c->cr4);
    state_u64(s, &c->efer);
    for (unsigned n = 0; n < 4; n++)
        state_u64(s, &c->pdpte[n]);
    for (unsigned n = 0; n < 8; n++)
        word_state(c, s, &c->dr[n]);
    state_check(s, c->dr[6] <= UINT32_MAX && c->dr[7] <= UINT32_MAX,
                "bits of DR6 or DR7");
    c->cpl = (uint8_t)state_choice(s, c->cpl, 3, "the privilege level");
    if (!cpu_model_is_64bit(c->model))
        efer &= ~(uint64_t)(EFER_LME | EFER_LMA);
    state_check(s, !(c->cr0 & ~(uint64_t)CR0_BITS), "bits of CR0");
    state_check(s, !(c->cr4 & ~(uint64_t)cpu_cr4_allowed(c)), "bits of CR4");
    state_check(s, !(c->efer & ~efer), "bits of EFER");
    state_check(s, mode_is_possible(c), "a mode that no CPU is in");
}

static void msr_state(struct cpu *c, struct state *s)
{
    uint64_t *const msrs[] = {
        &c->star, &c->lstar, &c->cstar, &c->sfmask, &c->kernel_gs_base,
        &c->sysenter_cs, &c->sysenter_esp, &c->sysenter_eip, &c->apic_base,
        &c->pat, &c->misc_enable, &c->mtrr_def_type, &c->tsc_offset,
    };

    for (unsigned i = 0; i < sizeof msrs / sizeof msrs[0]; i++)
        state_u64(s, msrs[i]);
    for (unsigned i = 0; i < 11; i++)
        state_u64(s, &c->mtrr_fixed[i]);
    for (unsigned i = 0; i < 16; i++)
        state_u64(s, &c->mtrr_var[i]);
    c->cr8 = (uint8_t)state_choice(s, c->cr8, 15, "CR8");
}

static void fpu_state(struct cpu_fpu *f, struct state *s)
{
    uint32_t mask = f->mxcsr_mask;

    state_u16(s, &f->fcw);
    state_u16(s, &f->fsw);
    state_u8(s, &f->ftw);
    state_u16(s, &f->fop);
    state_u64(s, &f->fip64);
    state_u64(s, &f->fdp64);
    state_u32(s, &f->mxcsr);
    state_check(s, !(f->mxcsr & ~MXCSR_BITS), "bits of MXCSR");
    for (unsigned n = 0; n < 8; n++)
        state_bytes(s, f->st[n], 10);
    state_bytes(s, f->xmm, sizeof f->xmm);
    f->mxcsr_mask = mask;
}

/* Vectors whose delivery pushes an error code (SDM vol. 3, table 6-1). */
#define ERROR_VECTORS 0x27d00u

/* Hardware takes an event in no other form (SDM vol. 3, 26.2.1.3). */
static bool event_is_possible(const struct cpu *c)
{
    const struct cpu_event *e = &c->event;
    bool exception = e->kind == CPU_EVENT_EXCEPTION;
    bool pushes = exception && e->vector < 32 && c->cr0 & CR0_PE &&
                  ERROR_VECTORS >> e->vector & 1;

    if (exception ? e->vector >= 32 || e->vector == EXC_NMI
                  : e->kind == CPU_EVENT_NMI && e->vector != EXC_NMI)
        return false;
    return e->has_error == pushes && e->error <= 0x7fff;
}

static void event_state(struct cpu *c, struct state *s)
{
    struct cpu_event *e = &c->event;

    state_bool(s, &e->valid);
    if (!e->valid)
        return;
    state_u8(s, &e->vector);
    e->kind = (uint8_t)state_choice(s, e->kind, CPU_EVENT_EXCEPTION,
                                    "the event's kind");
    state_bool(s, &e->has_error);
    if (!e->has_error)
        e->error = 0;
    state_u32(s, &e->error);
    state_check(s, event_is_possible(c), "an event that no CPU delivers");
}

/* What the CPU is in the middle of between two instructions. */
static void execution_state(struct cpu *c, struct state *s)
{
    bool intr = c->intr, nmi = c->nmi;

    state_bool(s, &c->halted);
    state_bool(s, &c->shutdown);
    state_bool(s, &c->nmi_blocked);
    c->inhibit = (uint8_t)state_choice(s, c->inhibit, INHIBIT_SS,
                                       "the interrupt shadow");
    event_state(c, s);
    c->event_ext = (uint8_t)state_choice(s, c->event_ext, 1, "EXT");
    state_u32(s, &c->run.debug);
    state_check(s, !(c->run.debug & ~DR6_WRITABLE),
                "a debug trap that is none");
    state_u64(s, &c->icount);
    state_check(s, c->icount <= ICOUNT_MAX,
                "the instruction count is out of range");
    state_bool(s, &intr);
    state_bool(s, &nmi);
    c->intr = intr;
    c->nmi = nmi;
}

/* ---- All ----------------------------------------------------------------- */

/* The guest uses what CPUID told it: that must be there. */
static void features_state(const struct cpu *c, struct state *s)
{
    const struct cpu_model *m = c->model;
    const uint32_t here[4] = {
        m->features_edx, m->features_ecx, m->ext_edx, m->ext_ecx
    };

    for (unsigned i = 0; i < 4; i++) {
        uint32_t there = here[i];

        state_u32(s, &there);
        state_check(s, !(there & ~here[i]),
                    "the guest knows CPU features that this host lacks");
    }
}

void cpu_state(struct cpu *c, struct state *s)
{
    features_state(c, s);
    general_state(c, s);
    for (unsigned n = 0; n < SEG_COUNT; n++)
        segment_state(c, s, &c->seg[n]);
    segment_state(c, s, &c->ldtr);
    segment_state(c, s, &c->tr);
    table_state(c, s, &c->gdtr);
    table_state(c, s, &c->idtr);
    control_state(c, s);
    msr_state(c, s);
    fpu_state(&c->fpu, s);
    execution_state(c, s);
    state_u64(s, &c->tsc.last);
}
