/*
 * Entering a trace and leaving it: as may_enter, go_direct and go_indirect
 * (interp.h) do it.
 */
#include "emu/jit/gen.h"

void branch_entry(struct gen *g, unsigned n)
{
    struct code *a = &g->code;
    struct stub *s;

    asm_rr(a, 0x83, ASM_W, 5, R13);                     /* SUB */
    asm_8(a, (uint8_t)n);
    stub_new(g, STUB_LIMIT, asm_jcc(a, COND_L));
    asm_cmp_mi(a, AT(exact_count), 0xff);       /* attention(): any but it */
    s = stub_new(g, STUB_ATTENTION, asm_jcc(a, COND_NBE));
    s->back = a->p;
}

_Static_assert(TRACE_INSNS < 128, "subtracted as a signed byte");

/* Of the trace's instructions only the first n were executed. */
static void give_back(struct gen *g, unsigned n)
{
    asm_lea_add(&g->code, R13, (int32_t)(g->trace->n - n));
}

/*
 * By instruction k's link. Of the kind that it has now: link_trace leaves
 * translated branches as they are.
 */
void branch_direct(struct gen *g, unsigned k)
{
    const struct insn *i = &g->trace->insn[k];
    struct code *a = &g->code;
    struct jit_branch *b = jit_branch(g->jit, i);
    struct fpu_state fpu = g->fpu;
    struct jit_cell *cell;
    struct stub *s;

    fpu_settle(g, &fpu);
    if (g->branch_at[k]) {
        asm_jmp_to(a, g->branch_at[k]);
        return;
    }
    g->branch_at[k] = a->p;
    give_back(g, i->count);
    if (i->imm2 == LINK_PAGE) {
        s = stub_new(g, STUB_UNLINKED, asm_jmp(a));
        b->at = jit_offset(g->jit, s->from[0]);
    } else {
        cell = jit_new_cell(g->jit);
        b->at = jit_offset(g->jit, cell);
        asm_rip(a, 0x8b, 0, R8, &cell->gen);
        asm_rm(a, 0x3b, 0, R8, AT(run.gen[i->imm2]));
        s = stub_new(g, STUB_UNLINKED, asm_jcc(a, COND_NZ));
        asm_rip(a, 0xff, 0, 4, &cell->target);
    }
    s->k = k;
}

void branch_unlinked(struct gen *g, unsigned k)
{
    const struct insn *i = &g->trace->insn[k];

    jit_branch(g->jit, i)->away = jit_offset(g->jit, g->code.p);
    give_back(g, 2 * g->trace->n - i->count);           /* take it again */
}

/* To R11, by way of the jump cache. */
void branch_indirect(struct gen *g)
{
    struct code *a = &g->code;

    _Static_assert(sizeof(struct jump_cache) == 16, "shift by 4");
    fpu_settle(g, &g->fpu);
    asm_mov_rr(a, R9, R11);
    asm_alu_ri(a, 4, 4, R9, JUMP_CACHE - 1);            /* AND */
    asm_rr(a, 0xc1, 0, 4, R9);                          /* SHL */
    asm_8(a, 4);
    asm_rm(a, 0x03, ASM_W, R9, AT(run.jumps));          /* ADD */
    asm_load64(a, R10, AT(run.jump_key));
    asm_rr(a, 0x09, ASM_W, R11, R10);                   /* OR R10, R11 */
    asm_rm(a, 0x3b, ASM_W, R10, asm_at(R9, offsetof(struct jump_cache, key)));
    stub_new(g, STUB_INDIRECT, asm_jcc(a, COND_NZ));
    asm_load64(a, R8, asm_at(R9, offsetof(struct jump_cache, trace)));
    give_back(g, g->k + 1);
    asm_rm(a, 0xff, 0, 4, asm_at(R8, offsetof(struct trace, entry)));
}

/* ---- Instructions ------------------------------------------------------------ */

void flags_for(struct gen *g, unsigned cc)
{
    if ((cc & 14) == COND_B)
        flags_carry_to_host(g);
    else
        flags_to_host(g);
}

bool emit_jcc(struct gen *g, const struct insn *i)
{
    struct flag_state before;
    uint8_t *over;

    flags_for(g, g->op & 15);
    if (i->imm == g->trace->rip && cycle_emit(g, g->op & 15))
        return true;
    if (i->imm > i->rip) {
        stub_new(g, STUB_TAKEN, asm_jcc(&g->code, g->op & 15));
        return true;
    }
    /* Backwards: a loop, and likely taken. */
    before = g->flags;
    over = asm_jcc(&g->code, (g->op & 15) ^ 1);
    flags_to_saved(g);
    branch_direct(g, g->k);
    asm_patch(over, g->code.p);
    g->flags = before;
    return true;
}

bool emit_jmp(struct gen *g, const struct insn *i)
{
    g->ended = true;
    if (i->imm == g->trace->rip && cycle_emit(g, -1))
        return true;
    flags_to_saved(g);
    branch_direct(g, g->k);
    return true;
}

bool emit_call(struct gen *g, const struct insn *i)
{
    if (g->op16[g->k])
        return false;
    flags_to_saved(g);
    asm_store_i(&g->code, mem_stack(g, -4, ACCESS_WRITE), insn_next(i));
    asm_lea(&g->code, R12, asm_at(R12, -4));
    branch_direct(g, g->k);
    g->ended = true;
    return true;
}

/* C2, C3. */
bool emit_ret(struct gen *g, const struct insn *i)
{
    if (i->flags & INSN_OP16)
        return false;
    flags_to_saved(g);
    asm_load(&g->code, R11, mem_stack(g, 0, ACCESS_READ));
    asm_lea(&g->code, R12, asm_at(R12, 4 + (int32_t)i->imm));
    branch_indirect(g);
    g->ended = true;
    return true;
}

/* FF /2 and /4. */
bool emit_indirect(struct gen *g, const struct insn *i, bool call)
{
    struct code *a = &g->code;

    if ((i->flags & INSN_OP16) ||
        (insn_mod(i) != 3 && !mem_native(g, i, ACCESS_READ)))
        return false;
    flags_to_saved(g);
    if (insn_mod(i) == 3)
        asm_mov_rr(a, R11, host_reg(insn_rm(i)));
    else
        asm_load(a, R11, mem_operand(g, i, 4, ACCESS_READ));
    if (call) {
        asm_store_i(a, mem_stack(g, -4, ACCESS_WRITE), insn_next(i));
        asm_lea(a, R12, asm_at(R12, -4));
    }
    branch_indirect(g);
    g->ended = true;
    return true;
}
