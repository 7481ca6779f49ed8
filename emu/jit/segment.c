/*
 * Loads of DS, ES, FS and GS in translated code: what neither faults nor
 * changes a descriptor or the mode that code is made for. The rest, and SS with
 * its shadow, is the handler's.
 *
 * Called as jit_leaf is, so nothing here may use the FPU's registers.
 */
#pragma GCC target("general-regs-only")

#include "emu/jit/gen.h"

#include "emu/cpu/seg.h"

/* ---- At run time --------------------------------------------------------------- */

bool jit_find_segment(const struct cpu *c, uint16_t sel, struct cpu_seg *seg)
{
    uint64_t limit = sel & SEL_TI ? c->ldtr.limit : c->gdtr.limit;
    uint64_t base = sel & SEL_TI ? c->ldtr.base : c->gdtr.base;
    uint32_t at = (uint32_t)base + (sel & 0xfff8u);
    const struct tlb_entry *e = tlb_slot(c, at, false);
    uint64_t raw;

    if ((sel | 7u) > limit || ((sel & SEL_TI) && !seg_is_present(&c->ldtr)) ||
        ((at + 7) & MMU_PAGE_MASK) != e->read)
        return false;
    memcpy(&raw, tlb_host(e, at), sizeof(raw));
    *seg = desc_segment(sel, (uint32_t)raw, (uint32_t)(raw >> 32));
    return true;
}

bool jit_load_segment(struct cpu *c, uint32_t s)
{
    uint16_t sel = (uint16_t)c->run.operand;
    struct cpu_seg seg = { .sel = sel };

    if (!cpu_protected(c))
        return false;
    if (!SEL_IS_NULL(sel) &&
        (!jit_find_segment(c, sel, &seg) || !seg_may_be_data(&seg, sel, c->cpl) ||
         !seg_is_present(&seg) || !(seg.attr & SEG_TYPE_A)))
        return false;
    if (s < FS && !seg_is_flat(&seg))
        return false;
    c->seg[s] = seg;
    if (s >= FS)
        c->run.open[s - FS] = seg_is_open(&seg);
    return true;
}

/* ---- In traces -------------------------------------------------------------------- */

/* With the selector in R11. */
static void load_segment(struct gen *g, unsigned s)
{
    flags_lose_host(g);
    call_leaf(g, jit_load_segment, s);
    stub_new(g, STUB_SLOW, asm_jcc(&g->code, COND_Z));
}

/* 8E. */
bool emit_mov_to_seg(struct gen *g, const struct insn *i)
{
    struct code *a = &g->code;

    if (insn_reg(i) == SS ||
        (insn_mod(i) != 3 && !mem_native(g, i, ACCESS_READ)))
        return false;
    if (insn_mod(i) == 3) {
        flags_will_write(g, R11);
        asm_rr(a, 0xb7, ASM_0F, R11, host_reg(insn_rm(i)));     /* MOVZX */
    } else {
        struct mem m = mem_operand(g, i, 2, ACCESS_READ);

        flags_will_write(g, R11);
        asm_rm(a, 0xb7, ASM_0F, R11, m);
    }
    load_segment(g, insn_reg(i));
    return true;
}

/* 07, 1F, 0F A1, 0F A9. */
bool emit_pop_seg(struct gen *g, const struct insn *i)
{
    unsigned s = g->op < 0xa0 ? g->op >> 3 : g->op < 0xa8 ? FS : GS;
    struct mem m;

    if (i->flags & INSN_OP16)
        return false;
    m = mem_stack(g, 0, ACCESS_READ);
    flags_will_write(g, R11);
    asm_load(&g->code, R11, m);
    load_segment(g, s);
    flags_will_write(g, R12);
    asm_lea(&g->code, R12, asm_at(R12, 4));
    return true;
}
