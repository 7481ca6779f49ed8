/* Descriptor tables (SDM vol. 3, 3.4.5 and 3.5). */
#include "emu/cpu/exec.h"
#include "emu/cpu/mmu.h"
#include "emu/cpu/seg.h"

void sys_raise(struct cpu *c, enum cpu_vector v, uint32_t error)
{
    error |= c->event_ext;
    c->event_ext = 0;
    cpu_raise(c, v, error);
}

void desc_decode(struct descriptor *d, uint16_t sel, uint32_t addr,
                 uint32_t lo, uint32_t hi)
{
    d->lo = lo;
    d->hi = hi;
    d->addr = addr;
    d->seg = desc_segment(sel, lo, hi);
}

bool desc_read(struct cpu *c, uint16_t sel, struct descriptor *d)
{
    uint32_t limit = sel & SEL_TI ? c->ldtr.limit : c->gdtr.limit;
    uint64_t base = sel & SEL_TI ? c->ldtr.base : c->gdtr.base;
    uint32_t addr = (uint32_t)base + (sel & 0xfff8u);
    uint64_t raw;

    if (SEL_IS_NULL(sel) || (sel | 7u) > limit)
        return false;
    if ((sel & SEL_TI) && !seg_is_present(&c->ldtr))
        return false;
    raw = fast_lin_read64(c, addr, false);
    desc_decode(d, sel, addr, (uint32_t)raw, (uint32_t)(raw >> 32));
    return true;
}

void desc_need(struct cpu *c, uint16_t sel, struct descriptor *d,
               enum cpu_vector v)
{
    if (!desc_read(c, sel, d))
        sys_raise(c, v, SEL_ERROR(sel));
}

void desc_set_accessed(struct cpu *c, struct descriptor *d)
{
    if (d->seg.attr & SEG_TYPE_A)
        return;
    d->seg.attr |= SEG_TYPE_A;
    d->hi |= SEG_TYPE_A << 8;
    fast_lin_write8(c, d->addr + DESC_ACCESS_BYTE, (uint8_t)(d->hi >> 8),
                    false);
}

void desc_set_busy(struct cpu *c, uint32_t addr, bool busy)
{
    uint8_t access = fast_lin_read8(c, addr + DESC_ACCESS_BYTE, false);

    access = (uint8_t)(busy ? access | SYS_TSS_BUSY_BIT
                            : access & ~SYS_TSS_BUSY_BIT);
    fast_lin_write8(c, addr + DESC_ACCESS_BYTE, access, false);
}

uint32_t desc_gdt_address(const struct cpu *c, uint16_t sel)
{
    return (uint32_t)c->gdtr.base + (sel & 0xfff8u);
}
