/*
 * Entering a trace and leaving it: as may_enter, go_direct and go_indirect
 * (interp.h) do it.
 */
#include "emu/jit/gen.h"

void branch_entry(struct gen *g)
{
    struct code *a = &g->code;

    asm_load64(a, R8, AT(run.count));
    asm_rm(a, 0x8d, ASM_W, R8, asm_at(R8, g->trace->n));
    asm_rm(a, 0x3b, ASM_W, R8, AT(run.limit));
    stub_new(g, STUB_LIMIT, asm_jcc(a, COND_NBE));
    asm_cmp_mi(a, AT(exact_count), 0xff);       /* attention(): any but it */
    stub_new(g, STUB_ATTENTION, asm_jcc(a, COND_NBE));
}

static void count(struct gen *g, unsigned n)
{
    asm_rm(&g->code, 0x83, ASM_W, 0, AT(run.count));    /* ADD */
    asm_8(&g->code, (uint8_t)n);
}
_Static_assert(TRACE_INSNS < 128, "added as a signed byte");

static void jump_to_trace(struct gen *g)
{
    asm_rm(&g->code, 0xff, 0, 4, asm_at(R8, offsetof(struct trace, entry)));
}

/*
 * By instruction k's link. Of the kind that it has now: link_trace leaves
 * translated branches as they are.
 */
void branch_direct(struct gen *g, unsigned k)
{
    const struct insn *i = &g->trace->insn[k];
    struct code *a = &g->code;
    struct stub *s;

    asm_load(a, R8, insn_at(g, k, offsetof(struct insn, link_gen)));
    asm_rm(a, 0x3b, 0, R8, AT(run.gen[i->imm2]));
    s = stub_new(g, STUB_UNLINKED, asm_jcc(a, COND_NZ));
    s->k = k;
    asm_load64(a, R8, insn_at(g, k, offsetof(struct insn, link)));
    count(g, i->count);
    jump_to_trace(g);
}

/* To R11, by way of the jump cache. */
void branch_indirect(struct gen *g)
{
    struct code *a = &g->code;

    _Static_assert(sizeof(struct jump_cache) == 16, "shift by 4");
    asm_mov_rr(a, R9, R11);
    asm_rr(a, 0xc1, 0, 5, R9);                          /* SHR */
    asm_8(a, 12);
    asm_alu_rr(a, 6, 4, R9, R11);                       /* XOR */
    asm_alu_ri(a, 4, 4, R9, JUMP_CACHE - 1);
    asm_rr(a, 0xc1, 0, 4, R9);                          /* SHL */
    asm_8(a, 4);
    asm_mov_ri64(a, R10, (uintptr_t)g->jit->interp->jumps);
    asm_rr(a, 0x01, ASM_W, R10, R9);                    /* ADD R9, R10 */
    asm_rm(a, 0x3b, 0, R11, asm_at(R9, offsetof(struct jump_cache, rip)));
    stub_new(g, STUB_INDIRECT, asm_jcc(a, COND_NZ));
    asm_load(a, R10, asm_at(R9, offsetof(struct jump_cache, gen)));
    asm_rm(a, 0x3b, 0, R10, AT(run.gen[LINK_FAR]));
    stub_new(g, STUB_INDIRECT, asm_jcc(a, COND_NZ));
    asm_load64(a, R8, asm_at(R9, offsetof(struct jump_cache, trace)));
    asm_cmp_mi(a, asm_at(R8, offsetof(struct trace, mode)), g->trace->mode);
    stub_new(g, STUB_INDIRECT, asm_jcc(a, COND_NZ));
    count(g, g->k + 1);
    jump_to_trace(g);
}

/* ---- Instructions ------------------------------------------------------------ */

bool emit_jcc(struct gen *g, const struct insn *i)
{
    if ((g->op & 14) == COND_B)
        flags_carry_to_host(g);
    else
        flags_to_host(g);
    stub_new(g, STUB_TAKEN, asm_jcc(&g->code, g->op & 15));
    return true;
}

bool emit_jmp(struct gen *g, const struct insn *i)
{
    flags_to_saved(g);
    branch_direct(g, g->k);
    g->ended = true;
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
