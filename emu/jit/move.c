/* Data moves in translated code; CMOVcc, SETcc and single flags. */
#include "emu/jit/gen.h"

/* Host register whose part a byte operand (by ModRM number) is. */
static unsigned whole(const struct gen *g, unsigned r)
{
    return g->size == 1 ? r & 3 : host_reg(r);
}

static void swap_bytes(struct gen *g, unsigned reg)
{
    asm_rr(&g->code, 0x86, 0, reg, reg - 4);            /* XCHG AL, AH */
}

/* AH to BH, between R11's low byte and the register. */
static void move_high(struct gen *g, unsigned op, unsigned r)
{
    swap_bytes(g, r);
    asm_rr(&g->code, op, 0, r - 4, R11);
    swap_bytes(g, r);
}

static bool load(struct gen *g, const struct insn *i, unsigned r)
{
    struct mem m;

    if (!mem_native(g, i, ACCESS_READ))
        return false;
    m = mem_operand(g, i, g->size, ACCESS_READ);
    if (is_high(g, r)) {
        flags_will_write(g, R11);
        asm_rm(&g->code, 0x8a, 0, R11, m);
        flags_will_write(g, whole(g, r));
        move_high(g, 0x8a, r);
        return true;
    }
    flags_will_write(g, whole(g, r));
    asm_rm(&g->code, 0x8a | (g->size > 1), asm_size(g->size),
           host_operand(g, r), m);
    return true;
}

static bool store(struct gen *g, const struct insn *i, unsigned r)
{
    unsigned from = is_high(g, r) ? R11 : host_operand(g, r);

    if (!mem_native(g, i, ACCESS_WRITE))
        return false;
    if (is_high(g, r)) {
        flags_will_write(g, R11);
        move_high(g, 0x88, r);
    }
    asm_rm(&g->code, 0x88 | (g->size > 1), asm_size(g->size), from,
           mem_operand(g, i, g->size, ACCESS_WRITE));
    return true;
}

/* 88 to 8B. */
bool emit_mov(struct gen *g, const struct insn *i)
{
    unsigned reg = insn_reg(i), rm = insn_rm(i);
    bool to_reg = g->op & 2;

    if (insn_mod(i) != 3)
        return to_reg ? load(g, i, reg) : store(g, i, reg);
    flags_will_write(g, whole(g, to_reg ? reg : rm));
    asm_rr(&g->code, (g->op & 2) | 0x88 | (g->size > 1), asm_size(g->size),
           host_operand(g, reg), host_operand(g, rm));
    return true;
}

/* A0 to A3. */
bool emit_moffs(struct gen *g, const struct insn *i)
{
    return g->op & 2 ? store(g, i, RAX) : load(g, i, RAX);
}

/* B0 to BF. */
bool emit_mov_imm(struct gen *g, const struct insn *i)
{
    unsigned r = g->op & 7;

    g->size = g->op < 0xb8 ? 1 : i->flags & INSN_OP16 ? 2 : 4;
    flags_will_write(g, whole(g, r));
    asm_r(&g->code, g->op & ~7u, asm_size(g->size), host_operand(g, r));
    asm_imm(&g->code, g->size, i->imm);
    return true;
}

/* C6, C7. */
bool emit_mov_modrm_imm(struct gen *g, const struct insn *i)
{
    unsigned op = 0xc6 | (g->size > 1), how = asm_size(g->size);

    if (insn_reg(i) != 0)
        return false;
    if (insn_mod(i) == 3) {
        flags_will_write(g, whole(g, insn_rm(i)));
        asm_rr(&g->code, op, how, 0, host_operand(g, insn_rm(i)));
    } else {
        if (!mem_native(g, i, ACCESS_WRITE))
            return false;
        asm_rm(&g->code, op, how, 0,
               mem_operand(g, i, g->size, ACCESS_WRITE));
    }
    asm_imm(&g->code, g->size, i->imm);
    return true;
}

bool emit_lea(struct gen *g, const struct insn *i)
{
    unsigned to = host_reg(insn_reg(i));

    if (insn_mod(i) == 3 || (i->flags & (INSN_OP16 | INSN_ADDR16)))
        return false;
    flags_will_write(g, to);
    mem_linear(g, to, mem_address(i));
    return true;
}

/* MOVZX and MOVSX, to 32 bits. */
bool emit_extend(struct gen *g, const struct insn *i)
{
    unsigned to = host_reg(insn_reg(i)), from = insn_rm(i);
    struct mem m;

    if (i->flags & INSN_OP16)
        return false;
    g->size = g->op & 1 ? 2 : 1;
    if (insn_mod(i) != 3) {
        if (!mem_native(g, i, ACCESS_READ))
            return false;
        m = mem_operand(g, i, g->size, ACCESS_READ);
        flags_will_write(g, to);
        asm_rm(&g->code, g->op, ASM_0F, to, m);
        return true;
    }
    flags_will_write(g, to);
    if (is_high(g, from) && to >= R8) {
        swap_bytes(g, from);
        asm_rr(&g->code, g->op, ASM_0F, to, from - 4);
        swap_bytes(g, from);
        return true;
    }
    asm_rr(&g->code, g->op, ASM_0F, to, host_operand(g, from));
    return true;
}

bool emit_cmov(struct gen *g, const struct insn *i)
{
    unsigned to = host_reg(insn_reg(i)), how;
    struct mem m;

    g->size = i->flags & INSN_OP16 ? 2 : 4;
    how = asm_size(g->size) | ASM_0F;
    if (insn_mod(i) == 3) {
        flags_to_host(g);
        flags_will_write(g, to);
        asm_rr(&g->code, g->op, how, to, host_reg(insn_rm(i)));
        return true;
    }
    if (!mem_native(g, i, ACCESS_READ))
        return false;
    m = mem_operand(g, i, g->size, ACCESS_READ);
    flags_to_host(g);
    flags_will_write(g, to);
    asm_rm(&g->code, g->op, how, to, m);
    return true;
}

bool emit_set(struct gen *g, const struct insn *i)
{
    struct mem m;

    g->size = 1;
    if (insn_mod(i) == 3) {
        flags_to_host(g);
        flags_will_write(g, whole(g, insn_rm(i)));
        asm_rr(&g->code, g->op, ASM_0F, 0, insn_rm(i));
        return true;
    }
    if (!mem_native(g, i, ACCESS_WRITE))
        return false;
    m = mem_operand(g, i, 1, ACCESS_WRITE);
    flags_to_host(g);
    asm_rm(&g->code, g->op, ASM_0F, 0, m);
    return true;
}

/* 86, 87. */
bool emit_xchg(struct gen *g, const struct insn *i)
{
    unsigned reg = insn_reg(i), rm = insn_rm(i), how = asm_size(g->size);
    struct mem m;

    if (insn_mod(i) == 3) {
        flags_will_write(g, whole(g, reg));
        flags_will_write(g, whole(g, rm));
        asm_rr(&g->code, 0x86 | (g->size > 1), how, host_operand(g, reg),
               host_operand(g, rm));
        return true;
    }
    /* Not the host's XCHG, which locks the bus. */
    if (is_high(g, reg) || !mem_native(g, i, ACCESS_RMW))
        return false;
    flags_will_write(g, R11);
    flags_will_write(g, whole(g, reg));
    m = mem_operand(g, i, g->size, ACCESS_RMW);
    load_operand(g, m);
    asm_rm(&g->code, 0x88 | (g->size > 1), how, host_operand(g, reg), m);
    asm_rr(&g->code, 0x88 | (g->size > 1), how, R11, host_operand(g, reg));
    return true;
}

/* 90 to 97. */
bool emit_xchg_acc(struct gen *g, const struct insn *i)
{
    unsigned r = host_reg(g->op & 7);

    if (g->op == 0x90)
        return true;            /* with F3: PAUSE */
    flags_will_write(g, RAX);
    flags_will_write(g, r);
    asm_rr(&g->code, 0x87, i->flags & INSN_OP16 ? ASM_16 : 0, RAX, r);
    return true;
}

/* 98, 99. */
bool emit_widen(struct gen *g, const struct insn *i)
{
    flags_will_write(g, g->op == 0x98 ? RAX : RDX);
    if (i->flags & INSN_OP16)
        asm_8(&g->code, 0x66);
    asm_8(&g->code, g->op);
    return true;
}

bool emit_bswap(struct gen *g, const struct insn *i)
{
    unsigned r = host_reg(g->op & 7);

    if (i->flags & INSN_OP16)
        return false;
    flags_will_write(g, r);
    asm_r(&g->code, 0xc8, ASM_0F, r);
    return true;
}

bool emit_nop(struct gen *g, const struct insn *i)
{
    return true;
}

/* CMC, CLC, STC. */
bool emit_carry(struct gen *g, const struct insn *i)
{
    flags_to_host(g);
    asm_8(&g->code, g->op);
    flags_set_plain(g);
    return true;
}

/* SAHF, LAHF. */
bool emit_ah(struct gen *g, const struct insn *i)
{
    flags_to_host(g);
    if (g->op == 0x9f)
        flags_will_write(g, RAX);
    asm_8(&g->code, g->op);
    if (g->op == 0x9e)
        flags_set_plain(g);
    return true;
}

/* D7. */
bool emit_xlat(struct gen *g, const struct insn *i)
{
    if (!mem_native(g, i, ACCESS_READ))
        return false;
    flags_will_write(g, R11);
    flags_will_write(g, RAX);
    asm_rr(&g->code, 0xb6, ASM_0F, R11, RAX);           /* MOVZX */
    asm_rm(&g->code, 0x8a, 0, RAX,
           mem_at(g, (struct mem){ RBX, R11, 0, 0 }, i->seg, 1, ACCESS_READ));
    return true;
}
