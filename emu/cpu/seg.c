/* Loading segment registers (SDM vol. 3, 5.6 and 5.7; vol. 2, MOV). */
#include "emu/cpu/seg.h"

#include "emu/cpu/exec.h"

#define ATTR_REAL 0x93u         /* present, data, writable, accessed */
#define ATTR_VM86 0xf3u         /* the same with DPL 3 */

void seg_load_real(struct cpu *c, enum cpu_segreg s, uint16_t sel)
{
    struct cpu_seg *r = &c->seg[s];

    r->sel = sel;
    r->base = (uint32_t)sel << 4;
    if (c->rflags & FLAG_VM) {
        r->limit = 0xffff;
        r->attr = ATTR_VM86;
        return;
    }
    /*
     * Real mode keeps the limit that protected mode left (big real mode, on
     * which firmware relies). A null segment left none.
     */
    if (!seg_is_present(r)) {
        r->limit = 0xffff;
        r->attr = 0;
    }
    r->attr = (uint16_t)((r->attr & 0xf00u) | ATTR_REAL);
}

void seg_set_null(struct cpu *c, enum cpu_segreg s, uint16_t sel)
{
    c->seg[s] = (struct cpu_seg){ .sel = sel };
}

void seg_set_cs(struct cpu *c, struct descriptor *d, unsigned cpl)
{
    desc_set_accessed(c, d);
    c->seg[CS] = d->seg;
    c->seg[CS].sel = (uint16_t)(SEL_ERROR(d->seg.sel) | cpl);
    c->cpl = (uint8_t)cpl;
    code_mode_changed(c);
}

void seg_set_cs_real(struct cpu *c, uint16_t sel)
{
    seg_load_real(c, CS, sel);
    code_mode_changed(c);
}

void seg_check_stack(struct cpu *c, uint16_t sel, const struct descriptor *d,
                     unsigned cpl, enum cpu_vector bad)
{
    if (SEL_RPL(sel) != cpl || !seg_is_stack(&d->seg) || desc_dpl(d) != cpl)
        sys_raise(c, bad, SEL_ERROR(sel));
    if (!seg_is_present(&d->seg))
        sys_raise(c, EXC_SS, SEL_ERROR(sel));
}

void seg_check_data(struct cpu *c, uint16_t sel, const struct descriptor *d,
                    unsigned cpl, enum cpu_vector bad)
{
    if (!seg_may_be_data(&d->seg, sel, cpl))
        sys_raise(c, bad, SEL_ERROR(sel));
    if (!seg_is_present(&d->seg))
        sys_raise(c, EXC_NP, SEL_ERROR(sel));
}

void seg_load(struct cpu *c, enum cpu_segreg s, uint16_t sel)
{
    struct descriptor d;

    if (!cpu_protected(c)) {
        seg_load_real(c, s, sel);
    } else if (s != SS && SEL_IS_NULL(sel)) {
        seg_set_null(c, s, sel);
    } else {
        desc_need(c, sel, &d, EXC_GP);
        if (s == SS)
            seg_check_stack(c, sel, &d, c->cpl, EXC_GP);
        else
            seg_check_data(c, sel, &d, c->cpl, EXC_GP);
        desc_set_accessed(c, &d);
        c->seg[s] = d.seg;
    }
    /* Base, limit and SS.B are part of what decoded code was made for. */
    code_mode_changed(c);
}
