/* See poke.h. */
#include "emu/cpu/poke.h"

#include <string.h>

#include "emu/cpu/exec.h"
#include "emu/cpu/peek.h"
#include "emu/cpu/seg.h"

#define ENTRY_BYTES 8u

/*
 * The plain memory of a table's entry. Tables may lie anywhere: an entry that
 * crosses a page is none of those that systems make, and is refused.
 */
static uint8_t *entry_at(const struct cpu *c, uint64_t lin, bool write)
{
    uint64_t phys;

    if (!cpu_in_long_mode(c))
        lin = (uint32_t)lin;
    if ((lin & 0xfff) > 0x1000 - ENTRY_BYTES ||
        !cpu_peek_translate(c, lin, &phys))
        return NULL;
    return cpu_peek_memory(c, phys, write);
}

/* The descriptor of `sel` and where it is. False: null, or there is none. */
static bool read_descriptor(const struct cpu *c, uint16_t sel, uint64_t *lin,
                            struct cpu_seg *seg)
{
    uint32_t limit = sel & SEL_TI ? c->ldtr.limit : c->gdtr.limit, word[2];
    const uint8_t *entry;

    if (SEL_IS_NULL(sel) || (sel | 7u) > limit ||
        ((sel & SEL_TI) && !seg_is_present(&c->ldtr)))
        return false;
    *lin = (sel & SEL_TI ? c->ldtr.base : c->gdtr.base) + (sel & 0xfff8u);
    entry = entry_at(c, *lin, false);
    if (!entry)
        return false;
    memcpy(word, entry, sizeof word);
    *seg = desc_segment(sel, word[0], word[1]);
    return true;
}

static bool may_be_code(const struct cpu *c, const struct cpu_seg *s)
{
    unsigned dpl = SEG_DPL(s->attr);

    if (!seg_is_code(s) ||
        (cpu_in_long_mode(c) && (s->attr & SEG_L) && (s->attr & SEG_DB)))
        return false;
    return seg_is_conforming(s) ? dpl <= c->cpl
                                : dpl == c->cpl && SEL_RPL(s->sel) <= c->cpl;
}

static bool may_be_stack(const struct cpu *c, const struct cpu_seg *s)
{
    return seg_is_stack(s) && SEL_RPL(s->sel) == c->cpl &&
           SEG_DPL(s->attr) == c->cpl;
}

/* SS may be null below CPL 3 in 64-bit mode only (SDM vol. 3, 5.7). */
static bool may_be_null(const struct cpu *c, enum cpu_segreg s, uint16_t sel)
{
    if (s == SS)
        return cpu_in_64bit_mode(c) && c->cpl < 3 && SEL_RPL(sel) == c->cpl;
    return s != CS;
}

static bool mark_accessed(const struct cpu *c, uint64_t lin,
                          struct cpu_seg *seg)
{
    uint8_t *entry;

    if (seg->attr & SEG_TYPE_A)
        return true;
    entry = entry_at(c, lin, true);
    if (!entry)
        return false;
    entry[DESC_ACCESS_BYTE] |= SEG_TYPE_A;
    seg->attr |= SEG_TYPE_A;
    return true;
}

bool cpu_poke_segment(struct cpu *c, enum cpu_segreg s, uint16_t sel)
{
    struct cpu_seg seg;
    uint64_t lin;
    bool fits;

    if (!cpu_protected(c)) {
        seg_load_real(c, s, sel);
        return true;
    }
    if (SEL_IS_NULL(sel)) {
        if (!may_be_null(c, s, sel))
            return false;
        seg_set_null(c, s, sel);
        return true;
    }
    if (!read_descriptor(c, sel, &lin, &seg))
        return false;
    fits = s == CS ? may_be_code(c, &seg)
         : s == SS ? may_be_stack(c, &seg)
                   : seg_may_be_data(&seg, sel, c->cpl);
    if (!fits || !seg_is_present(&seg) || !mark_accessed(c, lin, &seg))
        return false;
    if (s == CS)
        seg.sel = (uint16_t)(SEL_ERROR(sel) | c->cpl);
    c->seg[s] = seg;
    return true;
}
