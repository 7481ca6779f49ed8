/*
 * String instructions in translated code, upwards only: with DF set the
 * handler runs. A repeated one is the host's own, as long as its memory ends in
 * the page where it begins and is no more than the handler does in one go, so
 * that both count it as one instruction; longer ones of MOVS and STOS are
 * blocks.c's.
 */
#include "emu/jit/gen.h"

/* Which operands it has, by opcode, and what is done to [EDI]. */
struct string_op {
    bool source, dest;
    enum access how;
    bool compares;
};

static struct string_op string_op(unsigned opcode)
{
    switch (opcode & ~1u) {
    case 0xa4:                                          /* MOVS */
        return (struct string_op){ true, true, ACCESS_WRITE, false };
    case 0xa6:                                          /* CMPS */
        return (struct string_op){ true, true, ACCESS_READ, true };
    case 0xaa:                                          /* STOS */
        return (struct string_op){ false, true, ACCESS_WRITE, false };
    case 0xac:                                          /* LODS */
        return (struct string_op){ true, false, ACCESS_READ, false };
    }                                                   /* SCAS */
    return (struct string_op){ false, true, ACCESS_READ, true };
}

static void need_upwards(struct gen *g)
{
    struct code *a = &g->code;

    flags_lose_host(g);
    asm_rm(a, 0xf6, 0, 0, cpu_at(offsetof(struct cpu, rflags) + 1)); /* TEST */
    asm_8(a, FLAG_DF >> 8);
    stub_new(g, STUB_SLOW, asm_jcc(a, COND_NZ));
}

/* ---- One element --------------------------------------------------------------- */

static void step(struct gen *g, unsigned reg)
{
    flags_will_write(g, reg);
    asm_lea(&g->code, reg, asm_at(reg, (int32_t)g->size));
}

/* `op` for byte operands: 88 stores, 8A loads, 3A compares. */
static void operate(struct gen *g, unsigned op, unsigned reg, struct mem m)
{
    asm_rm(&g->code, op | (g->size > 1), asm_size(g->size), reg, m);
}

static void element(struct gen *g, const struct insn *i, struct string_op op)
{
    unsigned reg = op.source && op.dest ? R11 : RAX;
    struct mem m = { 0 };

    need_upwards(g);
    if (op.source) {
        m = mem_at(g, asm_at(RSI, 0), i->seg, g->size, ACCESS_READ);
        flags_will_write(g, reg);
    }
    if (op.source && op.dest)
        operate(g, 0x8a, R11, m);
    if (op.dest)
        m = mem_at(g, asm_at(RDI, 0), ES, g->size, op.how);
    operate(g, op.compares ? 0x3a : op.dest ? 0x88 : 0x8a, reg, m);
    if (op.compares)
        flags_set_plain(g);
    if (op.source)
        step(g, RSI);
    if (op.dest)
        step(g, RDI);
}

/* ---- Repeated ---------------------------------------------------------------------- */

/* The most elements that are done here: no more than the handler in one go. */
static unsigned most(const struct gen *g, const struct insn *i,
                     struct string_op op)
{
    bool look = g->op == 0xae && (i->flags & INSN_REPNE);

    return op.compares && !look ? STRING_CHUNK_ELEMENTS :
                                  MMU_PAGE_SIZE / g->size;
}

/* `to` is a host address from here on; `by` will lead back. */
static void to_host(struct gen *g, unsigned to, unsigned by)
{
    asm_rr(&g->code, 0x01, ASM_W, by, to);              /* ADD */
    asm_rr(&g->code, 0xf7, ASM_W, 3, by);               /* NEG */
}

static void to_guest(struct gen *g, unsigned to, unsigned by)
{
    asm_lea(&g->code, to, (struct mem){ (uint8_t)to, (uint8_t)by, 0, 0 });
}

static void host_string(struct gen *g, const struct insn *i,
                        struct string_op op)
{
    struct code *a = &g->code;

    if (op.source)
        to_host(g, RSI, R11);
    to_host(g, RDI, R10);
    asm_8(a, i->flags & INSN_REPNE ? 0xf2 : 0xf3);
    if (g->size == 2)
        asm_8(a, 0x66);
    asm_8(a, g->op);
    if (op.source)
        to_guest(g, RSI, R11);
    to_guest(g, RDI, R10);
}

static void will_write(struct gen *g, struct string_op op)
{
    flags_will_write(g, RCX);
    flags_will_write(g, RDI);
    if (!op.source)
        return;
    flags_will_write(g, RSI);
    flags_will_write(g, R11);
}

/* MOVS and STOS try another way before they give up. */
static void set_leaf(struct gen *g, unsigned first, struct string_op op)
{
    for (unsigned n = first; n < g->stub_count; n++) {
        g->stubs[n].leaf = op.source ? jit_rep_movs : jit_rep_stos;
        g->stubs[n].what = g->size;
    }
}

static void repeated(struct gen *g, const struct insn *i, struct string_op op)
{
    unsigned first = g->stub_count;
    struct code *a = &g->code;
    struct stub *s;
    uint8_t *none;

    need_upwards(g);
    will_write(g, op);
    asm_alu_ri(a, 7, 4, RCX, most(g, i, op));           /* CMP */
    s = stub_new(g, STUB_SLOW, asm_jcc(a, COND_NBE));
    asm_rr(a, 0x85, 0, RCX, RCX);                       /* TEST */
    none = asm_jcc(a, COND_Z);
    if (op.source) {
        g->memory->block(g, RSI, g->size, ACCESS_READ);
        asm_rr(a, 0x89, ASM_W, R10, R11);               /* MOV */
    }
    g->memory->block(g, RDI, g->size, op.how);
    host_string(g, i, op);
    if (!op.compares) {
        asm_patch(none, a->p);
        set_leaf(g, first, op);
        return;
    }
    s->from[1] = none;          /* it has the flags to be kept */
    flags_set_plain(g);
}

/* A4 to A7, AA to AF. */
bool emit_string(struct gen *g, const struct insn *i)
{
    struct string_op op = string_op(g->op);
    bool rep = i->flags & (INSN_REP | INSN_REPNE);

    if (op.source && !mem_native(g, i, ACCESS_READ))
        return false;
    if (i->flags & INSN_ADDR16)
        return false;
    if (!rep) {
        element(g, i, op);
        return true;
    }
    if (!op.dest || (op.source && i->seg >= FS) || !g->memory->block)
        return false;
    repeated(g, i, op);
    return true;
}
