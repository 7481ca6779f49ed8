/* See vmx_guest.h. Section numbers are the Intel SDM vol. 3's. */
#include "kernel/metal/vmx_guest.h"

#include "kernel/metal/vmx_regs.h"

#define RIGHTS_VM86 0xf3u
#define TYPE_ACCESSED 1u
#define TYPE_WRITE_READ 2u      /* data: writable, code: readable */
#define TYPE_CONFORMING 4u
#define TYPE_CODE 8u
#define TYPE_LDT 2u
#define TYPE_TSS16_BUSY 3u
#define TYPE_TSS_BUSY 11u
#define RPL(sel) ((sel) & 3u)
#define SELECTOR_TI 4u

uint32_t vmx_rights(const struct cpu_seg *s)
{
    uint32_t rights = (s->attr & 0xffu) | (s->attr & 0xf00u) << 4;

    return s->attr & SEG_P ? rights : rights | RIGHTS_UNUSABLE;
}

uint16_t vmx_attr(uint32_t rights)
{
    uint32_t attr = (rights & 0xff) | (rights >> 4 & 0xf00);

    if (rights & RIGHTS_UNUSABLE)
        attr &= ~SEG_P;
    return (uint16_t)attr;
}

static bool canonical(uint64_t addr)
{
    return addr + (1ull << 47) < 1ull << 48;
}

/* The granularity bit must be able to have made this limit. */
static bool limit_fits(const struct cpu_seg *s)
{
    if (s->attr & SEG_G)
        return (s->limit & 0xfff) == 0xfff;
    return s->limit <= 0xfffff;
}

static const char *unfit_vm86(const struct cpu *c)
{
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        const struct cpu_seg *s = &c->seg[i];

        if (s->base != (uint64_t)s->sel << 4 || s->limit != 0xffff ||
            vmx_rights(s) != RIGHTS_VM86)
            return "virtual-8086 segment";
    }
    return NULL;
}

static const char *unfit_code(const struct cpu *c, bool unrestricted)
{
    const struct cpu_seg *s = &c->seg[CS];
    unsigned type = SEG_TYPE(s->attr), dpl = SEG_DPL(s->attr);

    if (!(s->attr & SEG_P) || !(s->attr & SEG_S) || !limit_fits(s) ||
        s->base >> 32)
        return "code segment";
    if (!(type & TYPE_CODE))
        return unrestricted && type == 3 && dpl == 0 ? NULL : "data in CS";
    if (!(type & TYPE_ACCESSED) ||
        (type & TYPE_CONFORMING ? dpl > c->cpl : dpl != c->cpl))
        return "code segment";
    if ((c->efer & EFER_LMA) && (s->attr & SEG_L) && (s->attr & SEG_DB))
        return "code segment";
    return NULL;
}

static const char *unfit_stack(const struct cpu *c, bool unrestricted)
{
    const struct cpu_seg *s = &c->seg[SS];
    unsigned type = SEG_TYPE(s->attr), dpl = SEG_DPL(s->attr);

    if (!unrestricted && (RPL(s->sel) != RPL(c->seg[CS].sel) ||
                          RPL(s->sel) != c->cpl))
        return "stack segment";
    if (!(s->attr & SEG_P))
        return NULL;
    if (!(s->attr & SEG_S) || (type != 3 && type != 7) || dpl != c->cpl ||
        s->base >> 32 || !limit_fits(s))
        return "stack segment";
    return NULL;
}

static const char *unfit_data(const struct cpu_seg *s, bool flat_base,
                              bool unrestricted)
{
    unsigned type = SEG_TYPE(s->attr);

    if (!canonical(s->base))
        return "segment base";
    if (!(s->attr & SEG_P))
        return NULL;
    if ((flat_base && s->base >> 32) || !(s->attr & SEG_S) ||
        !(type & TYPE_ACCESSED) || !limit_fits(s))
        return "data segment";
    if ((type & TYPE_CODE) && !(type & TYPE_WRITE_READ))
        return "data segment";
    if (!unrestricted && type < 12 && SEG_DPL(s->attr) < RPL(s->sel))
        return "data segment";
    return NULL;
}

static const char *unfit_system(const struct cpu *c)
{
    const struct cpu_seg *tr = &c->tr, *ldt = &c->ldtr;
    unsigned type = SEG_TYPE(tr->attr);

    if (!(tr->attr & SEG_P) || (tr->attr & SEG_S) || !limit_fits(tr) ||
        (tr->sel & SELECTOR_TI) || !canonical(tr->base) ||
        (type != TYPE_TSS_BUSY &&
         (type != TYPE_TSS16_BUSY || (c->efer & EFER_LMA))))
        return "task register";
    if ((ldt->attr & SEG_P) &&
        ((ldt->attr & SEG_S) || SEG_TYPE(ldt->attr) != TYPE_LDT ||
         !limit_fits(ldt) || (ldt->sel & SELECTOR_TI) ||
         !canonical(ldt->base)))
        return "LDT register";
    if (!canonical(c->gdtr.base) || !canonical(c->idtr.base))
        return "descriptor table";
    return NULL;
}

static const char *unfit_segments(const struct cpu *c, bool unrestricted)
{
    static const enum cpu_segreg data[] = {ES, DS, FS, GS};
    const char *why = unfit_code(c, unrestricted);

    if (!why)
        why = unfit_stack(c, unrestricted);
    for (unsigned i = 0; !why && i < sizeof data / sizeof data[0]; i++)
        why = unfit_data(&c->seg[data[i]], data[i] == ES || data[i] == DS,
                         unrestricted);
    return why;
}

const char *vmx_guest_unfit(const struct cpu *c, bool unrestricted)
{
    const char *why;

    if (!unrestricted && !(c->cr0 & CR0_PE))
        return "real mode";
    if (!unrestricted && !(c->cr0 & CR0_PG))
        return "no paging";
    if (!(c->efer & EFER_LMA) && c->rip >> 32)
        return "instruction pointer";
    if (c->rflags & FLAG_VM)
        why = c->cr0 & CR0_PE ? unfit_vm86(c) : "VM flag in real mode";
    else
        why = unfit_segments(c, unrestricted);
    return why ? why : unfit_system(c);
}
