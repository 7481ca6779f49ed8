/* Integer arithmetic in translated code. */
#include "emu/jit/gen.h"

enum { ADD, OR, ADC, SBB, AND, SUB, XOR, CMP };

static bool reads_carry(unsigned op)
{
    return op == ADC || op == SBB;
}

/* An operand besides the destination: a register, or imm. */
struct operand {
    unsigned reg;               /* host; CPU_NOREG: imm */
    uint32_t imm;
};

static struct operand operand_reg(unsigned reg)
{
    return (struct operand){ .reg = reg };
}

static struct operand operand_imm(uint32_t imm)
{
    return (struct operand){ CPU_NOREG, imm };
}

/* ---- Flags before and afterwards ---------------------------------------- */

static bool any_high(const struct gen *g, unsigned a, unsigned b)
{
    return g->size == 1 && ((a >= 4 && a < 8) || (b >= 4 && b < 8));
}

/* CF for what adds it, and for doing that again. */
static void carry_in(struct gen *g)
{
    flags_keep_carry(g);
    flags_carry_to_host(g);
}

/* `to` and `from` are host registers; of byte operands 4 to 7 are AH to BH. */
static void flags_after(struct gen *g, unsigned op, unsigned to,
                        struct operand from)
{
    struct flag_source s = { .size = (uint8_t)g->size, .a = (uint8_t)to,
                             .b = (uint8_t)from.reg, .imm = from.imm };

    switch (op) {
    case CMP:
        s.kind = SAVED_CMP;
        break;
    case ADD:
        s.kind = to == from.reg ? 0 : SAVED_ADD;
        break;
    case SUB:
        s.kind = to == from.reg ? SAVED_LOGIC : SAVED_SUB;
        break;
    case ADC:
        s.kind = to == from.reg ? 0 : SAVED_ADC;
        break;
    case SBB:
        s.kind = to == from.reg ? 0 : SAVED_SBB;
        break;
    case AND: case OR: case XOR:
        s.kind = SAVED_LOGIC;
        break;
    }
    if (s.kind == SAVED_LOGIC)
        s.b = CPU_NOREG;
    if (any_high(g, to, from.reg))
        s.kind = 0;
    flags_set(g, s);
}

static void test_after(struct gen *g, unsigned a, struct operand b)
{
    struct flag_source s = { SAVED_TEST, (uint8_t)g->size, (uint8_t)a,
                             (uint8_t)b.reg, b.imm };

    if (a == b.reg) {
        s.kind = SAVED_LOGIC;
        s.b = CPU_NOREG;
    }
    if (any_high(g, a, b.reg))
        s.kind = 0;
    flags_set(g, s);
}

/* ---- Parts ---------------------------------------------------------------- */

static void operate(struct gen *g, unsigned op, unsigned to,
                    struct operand from)
{
    if (from.reg == CPU_NOREG)
        asm_alu_ri(&g->code, op, g->size, to, from.imm);
    else
        asm_alu_rr(&g->code, op, g->size, to, from.reg);
}

/*
 * AH to BH cannot stand beside R8 to R15: swap with the low byte meanwhile,
 * which is the register's number then. The same call swaps back.
 */
static unsigned swap_high(struct gen *g, unsigned reg)
{
    if (!is_high(g, reg))
        return reg;
    asm_rr(&g->code, 0x86, 0, reg, reg - 4);            /* XCHG */
    return reg - 4;
}

static void op_reg(struct gen *g, unsigned op, unsigned to,
                   struct operand from)
{
    if (reads_carry(op))
        carry_in(g);
    operate(g, op, to, from);
    flags_after(g, op, to, from);
}

/*
 * Where the access may fault, what the flags follow from must stay until it is
 * done: CF comes from there, and the flags are then in RFLAGS alone.
 */
static bool late_carry(const struct gen *g, unsigned op)
{
    return reads_carry(op) && g->memory->faults;
}

/* Register `to` (by ModRM number) with memory. */
static bool op_reg_mem(struct gen *g, const struct insn *i, unsigned op)
{
    unsigned to = host_operand(g, insn_reg(i)), reg;
    struct mem m;

    if (!mem_native(g, i, ACCESS_READ))
        return false;
    m = mem_operand(g, i, g->size, ACCESS_READ);
    if (late_carry(g, op))
        flags_carry_to_host(g);
    else if (reads_carry(op))
        carry_in(g);
    load_operand(g, m);
    reg = swap_high(g, to);
    operate(g, op, reg, operand_reg(R11));
    swap_high(g, to);
    if (late_carry(g, op))
        flags_set_plain(g);
    else
        flags_after(g, op, to, operand_reg(R11));
    return true;
}

/*
 * A memory operand by one host instruction, which may fault: nothing has
 * happened then. The flags are in RFLAGS alone.
 */
static bool at_once(struct gen *g, const struct insn *i, enum access how,
                    struct mem *m)
{
    if (!g->memory->faults || !mem_native(g, i, how))
        return false;
    *m = mem_operand(g, i, g->size, how);
    return true;
}

/* AH to BH cannot stand beside R15: a copy in R11. */
static unsigned copy_high(struct gen *g, unsigned reg)
{
    unsigned low;

    if (reg == CPU_NOREG || !is_high(g, reg))
        return reg;
    flags_will_write(g, R11);
    low = swap_high(g, reg);
    asm_rr(&g->code, 0x88, 0, low, R11);                /* MOV */
    swap_high(g, reg);
    return R11;
}

static bool op_mem_at_once(struct gen *g, const struct insn *i, unsigned op,
                           struct operand from)
{
    unsigned reg = copy_high(g, from.reg);
    struct mem m;

    if (!at_once(g, i, ACCESS_UPDATE, &m))
        return false;
    if (reads_carry(op))
        flags_carry_to_host(g);
    if (reg == CPU_NOREG)
        asm_alu_mi(&g->code, op, g->size, m, from.imm);
    else
        asm_rm(&g->code, op << 3 | (g->size > 1), asm_size(g->size), reg, m);
    flags_set_plain(g);
    return true;
}

static bool op_mem(struct gen *g, const struct insn *i, unsigned op,
                   struct operand from)
{
    enum access how = op == CMP ? ACCESS_READ : ACCESS_RMW;
    struct operand now = from;
    struct mem m;

    if (g->memory->faults && op != CMP)
        return op_mem_at_once(g, i, op, from);
    if (!mem_native(g, i, how))
        return false;
    m = mem_operand(g, i, g->size, how);
    if (reads_carry(op))
        carry_in(g);
    load_operand(g, m);
    if (from.reg != CPU_NOREG)
        now.reg = swap_high(g, from.reg);
    operate(g, op, R11, now);
    if (from.reg != CPU_NOREG)
        swap_high(g, from.reg);
    if (op != CMP)
        store_operand(g, m);
    flags_after(g, op, R11, from);
    return true;
}

/* ---- ADD to CMP, TEST -------------------------------------------------------- */

bool emit_alu(struct gen *g, const struct insn *i)
{
    unsigned op = g->op >> 3, reg = host_operand(g, insn_reg(i));
    unsigned rm = host_operand(g, insn_rm(i));

    switch (g->op & 7) {
    case 0: case 1:
        if (insn_mod(i) != 3)
            return op_mem(g, i, op, operand_reg(reg));
        op_reg(g, op, rm, operand_reg(reg));
        return true;
    case 2: case 3:
        if (insn_mod(i) != 3)
            return op_reg_mem(g, i, op);
        op_reg(g, op, reg, operand_reg(rm));
        return true;
    }
    op_reg(g, op, RAX, operand_imm(i->imm));
    return true;
}

bool emit_alu_imm(struct gen *g, const struct insn *i)
{
    if (insn_mod(i) != 3)
        return op_mem(g, i, insn_reg(i), operand_imm(i->imm));
    op_reg(g, insn_reg(i), host_operand(g, insn_rm(i)), operand_imm(i->imm));
    return true;
}

static void test(struct gen *g, unsigned a, struct operand b)
{
    unsigned how = asm_size(g->size), wide = g->size > 1;

    if (b.reg == CPU_NOREG) {
        asm_rr(&g->code, 0xf6 | wide, how, 0, a);
        asm_imm(&g->code, g->size, b.imm);
    } else {
        asm_rr(&g->code, 0x84 | wide, how, b.reg, a);
    }
}

static bool test_rm(struct gen *g, const struct insn *i, struct operand b)
{
    struct operand now = b;
    struct mem m;

    if (insn_mod(i) == 3) {
        test(g, host_operand(g, insn_rm(i)), b);
        test_after(g, host_operand(g, insn_rm(i)), b);
        return true;
    }
    if (!mem_native(g, i, ACCESS_READ))
        return false;
    m = mem_operand(g, i, g->size, ACCESS_READ);
    load_operand(g, m);
    if (b.reg != CPU_NOREG)
        now.reg = swap_high(g, b.reg);
    test(g, R11, now);
    if (b.reg != CPU_NOREG)
        swap_high(g, b.reg);
    test_after(g, R11, b);
    return true;
}

bool emit_test(struct gen *g, const struct insn *i)
{
    return test_rm(g, i, operand_reg(host_operand(g, insn_reg(i))));
}

bool emit_test_acc(struct gen *g, const struct insn *i)
{
    test(g, RAX, operand_imm(i->imm));
    test_after(g, RAX, operand_imm(i->imm));
    return true;
}

/* ---- One operand ---------------------------------------------------------------- */

/* F6, F7, FE and FF on R11 or a register: `op` is the extension. */
static void unary(struct gen *g, unsigned opcode, unsigned op, unsigned rm)
{
    asm_rr(&g->code, opcode | (g->size > 1), asm_size(g->size), op, rm);
}

static void inc_dec_after(struct gen *g, unsigned op, unsigned rm)
{
    flags_set(g, (struct flag_source){
        .kind = any_high(g, rm, CPU_NOREG) ? 0 : op ? SAVED_DEC : SAVED_INC,
        .size = (uint8_t)g->size, .a = (uint8_t)rm, .b = CPU_NOREG });
}

/* INC and DEC, which keep CF, and NOT, which keeps all. */
static bool inc_dec_not(struct gen *g, const struct insn *i, unsigned opcode,
                        unsigned op, bool keeps)
{
    struct mem m;

    if (at_once(g, i, ACCESS_UPDATE, &m)) {
        if (!keeps)
            flags_carry_to_host(g);
        asm_rm(&g->code, opcode | (g->size > 1), asm_size(g->size), op, m);
        if (!keeps)
            flags_set_plain(g);
        return true;
    }
    if (!mem_native(g, i, ACCESS_RMW))
        return false;
    m = mem_operand(g, i, g->size, ACCESS_RMW);
    if (keeps)
        flags_will_write(g, R11);
    else
        carry_in(g);
    load_operand(g, m);
    unary(g, opcode, op, R11);
    store_operand(g, m);
    if (!keeps)
        inc_dec_after(g, op, R11);
    return true;
}

static void inc_dec_reg(struct gen *g, unsigned op, unsigned rm)
{
    if (g->size == 4 && flags_are_dead(g)) {
        flags_forget(g);
        asm_lea(&g->code, rm, asm_at(rm, op ? -1 : 1));
        return;
    }
    carry_in(g);
    unary(g, 0xfe, op, rm);
    inc_dec_after(g, op, rm);
}

/* 40 to 4F. */
bool emit_inc_dec(struct gen *g, const struct insn *i)
{
    g->size = i->flags & INSN_OP16 ? 2 : 4;
    inc_dec_reg(g, g->op >> 3 & 1, host_reg(g->op & 7));
    return true;
}

/* FE, FF. */
bool emit_group5(struct gen *g, const struct insn *i)
{
    switch (insn_reg(i)) {
    case 0: case 1:
        if (insn_mod(i) != 3)
            return inc_dec_not(g, i, 0xfe, insn_reg(i), false);
        inc_dec_reg(g, insn_reg(i), host_operand(g, insn_rm(i)));
        return true;
    case 2: case 4:
        return g->op == 0xff && emit_indirect(g, i, insn_reg(i) == 2);
    case 6:
        return g->op == 0xff && emit_push_m(g, i);
    }
    return false;
}

/* F6, F7. */
bool emit_group3(struct gen *g, const struct insn *i)
{
    unsigned op = insn_reg(i), rm = host_operand(g, insn_rm(i));
    struct mem m;

    if (op <= 1)
        return test_rm(g, i, operand_imm(i->imm));
    if (op >= 6)
        return emit_divide(g, i);
    if (op == 2 && insn_mod(i) != 3)
        return inc_dec_not(g, i, 0xf6, op, true);
    if (op == 2) {
        flags_will_write(g, g->size == 1 ? rm & 3 : rm);
        unary(g, 0xf6, op, rm);
        return true;
    }
    if (insn_mod(i) == 3) {
        unary(g, 0xf6, op, rm);
        flags_set_plain(g);
        return true;
    }
    if (op == 3 && at_once(g, i, ACCESS_UPDATE, &m)) {
        asm_rm(&g->code, 0xf6 | (g->size > 1), asm_size(g->size), op, m);
        flags_set_plain(g);
        return true;
    }
    if (!mem_native(g, i, op == 3 ? ACCESS_RMW : ACCESS_READ))
        return false;
    m = mem_operand(g, i, g->size, op == 3 ? ACCESS_RMW : ACCESS_READ);
    load_operand(g, m);
    unary(g, 0xf6, op, R11);
    if (op == 3)
        store_operand(g, m);
    flags_set_plain(g);
    return true;
}

/* 69, 6B and 0F AF. */
bool emit_imul(struct gen *g, const struct insn *i)
{
    unsigned to, from, how;
    bool imm = i->map == 0;

    g->size = i->flags & INSN_OP16 ? 2 : 4;
    how = asm_size(g->size);
    to = host_reg(insn_reg(i));
    from = host_reg(insn_rm(i));
    if (insn_mod(i) != 3) {
        if (!mem_native(g, i, ACCESS_READ))
            return false;
        load_operand(g, mem_operand(g, i, g->size, ACCESS_READ));
        from = R11;
    }
    if (imm) {
        asm_rr(&g->code, 0x69, how, to, from);
        asm_imm(&g->code, g->size, i->imm);
    } else {
        asm_rr(&g->code, 0xaf, how | ASM_0F, to, from);
    }
    flags_set_plain(g);
    return true;
}

/* ---- Shifts --------------------------------------------------------------------- */

/* In memory by one host instruction; a `count` of NO_COUNT is CL's. */
#define NO_COUNT 32u
static bool shift_at_once(struct gen *g, const struct insn *i, unsigned op,
                          unsigned count)
{
    unsigned opcode = (count == NO_COUNT ? 0xd2 : 0xc0) | (g->size > 1);
    struct mem m;

    if (!at_once(g, i, ACCESS_UPDATE, &m))
        return false;
    if (count == NO_COUNT || op < 4)
        flags_to_host(g);
    asm_rm(&g->code, opcode, asm_size(g->size), op, m);
    if (count != NO_COUNT)
        asm_8(&g->code, (uint8_t)count);
    flags_set_plain(g);
    return true;
}

/* C0, C1, D0 to D3. */
bool emit_shift(struct gen *g, const struct insn *i)
{
    bool by_cl = g->op >= 0xd2;
    unsigned op = insn_reg(i), count = i->imm & 31, rm;
    unsigned opcode = (by_cl ? 0xd2 : 0xc0) | (g->size > 1);
    struct mem m = { 0 };
    bool dead, replayed;

    if (g->op == 0xd0 || g->op == 0xd1)
        count = 1;
    if (!by_cl && count == 0)
        return false;
    if (op == 6)
        op = 4;
    rm = host_operand(g, insn_rm(i));
    if (insn_mod(i) != 3 && g->memory->faults)
        return shift_at_once(g, i, op, by_cl ? NO_COUNT : count);
    if (insn_mod(i) != 3) {
        if (!mem_native(g, i, ACCESS_RMW))
            return false;
        m = mem_operand(g, i, g->size, ACCESS_RMW);
        rm = R11;
    }
    dead = rm != R11 && flags_are_dead(g);
    /* Where flags are seldom lost, what it shifted need not be kept. */
    replayed = rm != R11 && !dead && g->size == 4 && !by_cl && op >= 4 &&
               !g->memory->faults;
    /* A count in CL may be zero, and rotates change CF and OF only. */
    if (by_cl || op == 2 || op == 3 || (op < 4 && !dead))
        flags_to_host(g);
    if (rm == R11)
        load_operand(g, m);
    else if (replayed)
        asm_store(&g->code, AT(run.shifted), rm);
    asm_rr(&g->code, opcode, asm_size(g->size), op, rm);
    if (!by_cl)
        asm_8(&g->code, (uint8_t)count);
    if (rm == R11)
        store_operand(g, m);
    if (dead)
        flags_forget(g);
    else if (replayed)
        flags_set(g, (struct flag_source){ SOURCE_SHIFT, 4, CPU_NOREG,
                                           CPU_NOREG, op << 8 | count });
    else
        flags_set_plain(g);
    return true;
}

/* SHLD and SHRD of registers of 32 bits; by 16 bits processors differ. */
bool emit_double_shift(struct gen *g, const struct insn *i)
{
    bool by_cl = g->op & 1;

    if (insn_mod(i) != 3 || (i->flags & INSN_OP16) ||
        (!by_cl && (i->imm & 31) == 0))
        return false;
    if (by_cl)
        flags_to_host(g);
    asm_rr(&g->code, g->op, ASM_0F, host_reg(insn_reg(i)),
           host_reg(insn_rm(i)));
    if (!by_cl)
        asm_8(&g->code, (uint8_t)i->imm);
    flags_set_plain(g);
    return true;
}

/* ---- Bits ---------------------------------------------------------------------- */

/* BT and its like, of registers, or of memory with an immediate. */
bool emit_bit(struct gen *g, const struct insn *i)
{
    unsigned how, rm = host_reg(insn_rm(i)), op;
    struct mem m = { 0 };
    bool imm = g->op == 0xba;

    g->size = i->flags & INSN_OP16 ? 2 : 4;
    how = asm_size(g->size) | ASM_0F;
    op = imm ? insn_reg(i) : g->op >> 3 & 7;
    if (insn_mod(i) != 3 && !imm)
        return emit_bit_memory(g, i);
    if (insn_mod(i) != 3) {
        enum access access = op == 4 ? ACCESS_READ : ACCESS_RMW;

        if (!mem_native(g, i, access))
            return false;
        m = mem_operand(g, i, g->size, access);
        rm = R11;
    }
    flags_to_host(g);
    if (rm == R11)
        load_operand(g, m);
    if (imm) {
        asm_rr(&g->code, 0xba, how, op, rm);
        asm_8(&g->code, (uint8_t)i->imm);
    } else {
        asm_rr(&g->code, g->op, how, host_reg(insn_reg(i)), rm);
    }
    if (rm == R11 && op != 4)
        store_operand(g, m);
    flags_set_plain(g);
    return true;
}

/* BSF, BSR: with a source of zero the destination stays, on the host too. */
bool emit_scan(struct gen *g, const struct insn *i)
{
    unsigned from = host_reg(insn_rm(i));

    if (i->flags & (INSN_OP16 | INSN_REP | INSN_REPNE))
        return false;
    g->size = 4;
    if (insn_mod(i) != 3) {
        if (!mem_native(g, i, ACCESS_READ))
            return false;
        load_operand(g, mem_operand(g, i, 4, ACCESS_READ));
        from = R11;
    }
    asm_rr(&g->code, g->op, ASM_0F, host_reg(insn_reg(i)), from);
    flags_set_plain(g);
    return true;
}
