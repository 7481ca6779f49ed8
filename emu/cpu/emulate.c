/*
 * The one-instruction emulator: which instruction is whose, and the plain ones
 * (moves, arithmetic, unary). Order within each: map every operand, so that
 * all faults come first; then touch memory; then registers and flags.
 */
#include "emu/cpu/debug.h"
#include "emu/cpu/emulate_internal.h"
#include "emu/cpu/stops.h"

/* ---- Registers ------------------------------------------------------------ */

/* AH, CH, DH and BH instead of SPL.. without REX. */
static bool is_high_byte(const struct emul *e, unsigned n, unsigned size)
{
    return size == 1 && !e->i.rex && n >= 4 && n < 8;
}

uint64_t emul_reg(const struct emul *e, unsigned n, unsigned size)
{
    if (is_high_byte(e, n, size))
        return e->c->gpr[n - 4] >> 8 & 0xff;
    return emul_trim(e->c->gpr[n], size);
}

void emul_set_reg(struct emul *e, unsigned n, unsigned size, uint64_t v)
{
    uint64_t *r = &e->c->gpr[n];

    if (is_high_byte(e, n, size)) {
        r = &e->c->gpr[n - 4];
        *r = (*r & ~0xff00ull) | (v & 0xff) << 8;
    } else if (size >= 4) {
        *r = emul_trim(v, size);
    } else {
        *r = (*r & ~emul_trim(~0ull, size)) | emul_trim(v, size);
    }
}

/* Byte or full operand size, as bit 0 of most opcodes says. */
static unsigned width(const struct emul *e)
{
    return e->i.opcode & 1 ? e->i.opsize : 1;
}

bool emul_read_rm(struct emul *e, unsigned size, uint64_t *v)
{
    struct emul_span s;

    if (!emul_is_memory(&e->i)) {
        *v = emul_reg(e, e->i.rm, size);
        return true;
    }
    if (!emul_map_operand(e, size, false, &s))
        return false;
    *v = emul_load_int(e, &s);
    return true;
}

static bool write_rm(struct emul *e, unsigned size, uint64_t v)
{
    struct emul_span s;

    if (!emul_is_memory(&e->i)) {
        emul_set_reg(e, e->i.rm, size, v);
        return true;
    }
    if (!emul_map_operand(e, size, true, &s))
        return false;
    emul_store(e, &s, &v);
    return true;
}

bool emul_rmw(struct emul *e, unsigned size, emul_rmw_fn *fn, bool store)
{
    uint64_t flags = e->c->rflags, v;
    struct emul_span s;

    if (!emul_is_memory(&e->i)) {
        v = fn(e, size, emul_reg(e, e->i.rm, size), &flags);
        if (store)
            emul_set_reg(e, e->i.rm, size, v);
    } else {
        if (!emul_map_operand(e, size, store, &s))
            return false;
        v = fn(e, size, emul_load_int(e, &s), &flags);
        if (store)
            emul_store(e, &s, &v);
    }
    e->c->rflags = flags;
    return true;
}

/* ---- Moves ---------------------------------------------------------------- */

static bool op_mov(struct emul *e)
{
    unsigned size = width(e);
    uint64_t v;

    if (!(e->i.opcode & 2))
        return write_rm(e, size, emul_reg(e, e->i.reg, size));
    if (!emul_read_rm(e, size, &v))
        return false;
    emul_set_reg(e, e->i.reg, size, v);
    return true;
}

static bool op_mov_imm(struct emul *e)
{
    if (e->i.modrm & 0x38)
        return emul_unknown(e);
    return write_rm(e, width(e), e->i.imm);
}

/* A0-A3: AL or eAX and an absolute address. */
static bool op_mov_moffs(struct emul *e)
{
    unsigned size = width(e);
    struct emul_span s;
    uint64_t v = emul_reg(e, RAX, size);

    if (!emul_map_operand(e, size, e->i.opcode & 2, &s))
        return false;
    if (e->i.opcode & 2)
        emul_store(e, &s, &v);
    else
        emul_set_reg(e, RAX, size, emul_load_int(e, &s));
    return true;
}

static bool op_movnti(struct emul *e)
{
    if (!emul_is_memory(&e->i) || e->i.opsize == 2)
        return emul_raise(e, EXC_UD, 0);
    return write_rm(e, e->i.opsize, emul_reg(e, e->i.reg, e->i.opsize));
}

/* MOVZX, MOVSX; MOVSXD (63) in 64-bit mode only. */
static bool op_mov_extend(struct emul *e)
{
    unsigned from = e->i.map == 0 ? 4 : e->i.opcode & 1 ? 2 : 1;
    bool sign = e->i.map == 0 || e->i.opcode >= 0xbe;
    uint64_t v;

    if (e->i.map == 0 && !cpu_in_64bit_mode(e->c))
        return emul_unknown(e);
    if (from > e->i.opsize)     /* MOVSXD of 16 bits */
        from = e->i.opsize;
    if (!emul_read_rm(e, from, &v))
        return false;
    emul_set_reg(e, e->i.reg, e->i.opsize,
                 sign ? (uint64_t)emul_extend(v, from) : v);
    return true;
}

static bool op_movbe(struct emul *e)
{
    unsigned size = e->i.opsize;
    uint64_t v;

    if (!emul_is_memory(&e->i) || e->i.rep || e->i.repne)
        return emul_unknown(e);
    if (e->i.opcode & 1) {
        v = __builtin_bswap64(emul_reg(e, e->i.reg, size)) >> (64 - size * 8);
        return write_rm(e, size, v);
    }
    if (!emul_read_rm(e, size, &v))
        return false;
    emul_set_reg(e, e->i.reg, size,
                 __builtin_bswap64(v) >> (64 - size * 8));
    return true;
}

/* 8C: a selector; a register gets it zero-extended. */
static bool op_mov_from_seg(struct emul *e)
{
    unsigned n = e->i.modrm >> 3 & 7;

    if (n >= SEG_COUNT)
        return emul_raise(e, EXC_UD, 0);
    if (!emul_is_memory(&e->i)) {
        emul_set_reg(e, e->i.rm, e->i.opsize, e->c->seg[n].sel);
        return true;
    }
    return write_rm(e, 2, e->c->seg[n].sel);
}

static uint64_t rmw_swap(struct emul *e, unsigned size, uint64_t v,
                         uint64_t *flags)
{
    uint64_t old = emul_reg(e, e->i.reg, size);

    emul_set_reg(e, e->i.reg, size, v);
    return old;
}

static bool op_xchg(struct emul *e)
{
    return emul_rmw(e, width(e), rmw_swap, true);
}

static bool op_setcc(struct emul *e)
{
    return write_rm(e, 1, emul_condition(e->c->rflags, e->i.opcode & 15));
}

/* The source is read whatever the condition; 32 bits zero the upper half. */
static bool op_cmov(struct emul *e)
{
    unsigned size = e->i.opsize;
    uint64_t v;

    if (!emul_read_rm(e, size, &v))
        return false;
    if (!emul_condition(e->c->rflags, e->i.opcode & 15))
        v = emul_reg(e, e->i.reg, size);
    emul_set_reg(e, e->i.reg, size, v);
    return true;
}

/* CLFLUSH is checked as a read; there is nothing to flush. */
static bool op_clflush(struct emul *e)
{
    struct emul_span s;

    if (!emul_is_memory(&e->i) || (e->i.modrm >> 3 & 7) != 7)
        return emul_unknown(e);
    return emul_map_operand(e, 1, false, &s);
}

/* Prefetches and the long NOPs never fault. */
static bool op_hint(struct emul *e)
{
    return emul_is_memory(&e->i) || emul_unknown(e);
}

/* PAUSE is NOP's opcode with F3, whatever REX says but for B. */
static bool op_pause(struct emul *e)
{
    return (e->i.rep && !(e->i.rex & 1)) || emul_unknown(e);
}

/* ---- Arithmetic ----------------------------------------------------------- */

static uint64_t rmw_alu_reg(struct emul *e, unsigned size, uint64_t v,
                            uint64_t *flags)
{
    return emul_alu(e->i.opcode >> 3 & 7, size, v,
                    emul_reg(e, e->i.reg, size), flags);
}

/* 00-3F: r/m with register, register with r/m, accumulator with immediate. */
static bool op_alu(struct emul *e)
{
    enum emul_alu op = e->i.opcode >> 3 & 7;
    unsigned size = width(e), to = e->i.reg;
    uint64_t flags = e->c->rflags, v = e->i.imm, a;

    switch (e->i.opcode & 7) {
    case 0: case 1:
        return emul_rmw(e, size, rmw_alu_reg, op != ALU_CMP);
    case 2: case 3:
        if (!emul_read_rm(e, size, &v))
            return false;
        break;
    case 4: case 5:
        to = RAX;
        break;
    default:
        return emul_unknown(e);
    }
    a = emul_alu(op, size, emul_reg(e, to, size), v, &flags);
    if (op != ALU_CMP)
        emul_set_reg(e, to, size, a);
    e->c->rflags = flags;
    return true;
}

static uint64_t rmw_alu_imm(struct emul *e, unsigned size, uint64_t v,
                            uint64_t *flags)
{
    return emul_alu(e->i.modrm >> 3 & 7, size, v, e->i.imm, flags);
}

static bool op_group1(struct emul *e)
{
    if (e->i.opcode == 0x82 && cpu_in_64bit_mode(e->c))
        return emul_raise(e, EXC_UD, 0);
    return emul_rmw(e, width(e), rmw_alu_imm,
                    (e->i.modrm >> 3 & 7) != ALU_CMP);
}

static uint64_t rmw_test(struct emul *e, unsigned size, uint64_t v,
                         uint64_t *flags)
{
    bool reg = e->i.opcode < 0xf6;

    emul_alu(ALU_AND, size, v, reg ? emul_reg(e, e->i.reg, size) : e->i.imm,
             flags);
    return v;
}

static bool op_test(struct emul *e)
{
    return emul_rmw(e, width(e), rmw_test, false);
}

static uint64_t rmw_not(struct emul *e, unsigned size, uint64_t v,
                        uint64_t *flags)
{
    return emul_trim(~v, size);
}

static uint64_t rmw_neg(struct emul *e, unsigned size, uint64_t v,
                        uint64_t *flags)
{
    return emul_alu(ALU_SUB, size, 0, v, flags);
}

/* F6, F7: TEST, NOT, NEG here. */
static bool op_group3(struct emul *e)
{
    unsigned op = e->i.modrm >> 3 & 7;

    if (op < 2)
        return op_test(e);
    if (op > 3)
        return emul_op_mul_div(e);
    return emul_rmw(e, width(e), op == 2 ? rmw_not : rmw_neg, true);
}

/* INC and DEC leave CF alone. */
static uint64_t rmw_inc_dec(struct emul *e, unsigned size, uint64_t v,
                            uint64_t *flags)
{
    uint64_t cf = *flags & FLAG_CF;
    enum emul_alu op = e->i.modrm & 0x08 ? ALU_SUB : ALU_ADD;

    v = emul_alu(op, size, v, 1, flags);
    *flags = (*flags & ~(uint64_t)FLAG_CF) | cf;
    return v;
}

/* FE, FF: INC and DEC here; the rest of FF uses the stack. */
static bool op_group45(struct emul *e)
{
    if ((e->i.modrm >> 3 & 7) < 2)
        return emul_rmw(e, width(e), rmw_inc_dec, true);
    return e->i.opcode == 0xff ? emul_op_group5(e) : emul_unknown(e);
}

static uint64_t rmw_shift(struct emul *e, unsigned size, uint64_t v,
                          uint64_t *flags)
{
    unsigned count = e->i.opcode < 0xd0 ? (uint8_t)e->i.imm
                   : e->i.opcode < 0xd2 ? 1 : (uint8_t)e->c->gpr[RCX];

    return emul_shift(e->i.modrm >> 3 & 7, size, v, count, flags);
}

static bool op_shift(struct emul *e)
{
    return emul_rmw(e, width(e), rmw_shift, true);
}

/* 0F AF, 69, 6B. */
static bool op_imul(struct emul *e)
{
    uint64_t flags = e->c->rflags, v;
    unsigned size = e->i.opsize;

    if (!emul_read_rm(e, size, &v))
        return false;
    v = emul_imul(size, v,
                  e->i.map ? emul_reg(e, e->i.reg, size) : e->i.imm, &flags);
    emul_set_reg(e, e->i.reg, size, v);
    e->c->rflags = flags;
    return true;
}

/* ---- Which is whose ------------------------------------------------------- */

static const struct {
    uint8_t map, first, last;
    bool lock;                  /* may be locked, with a memory operand */
    bool (*run)(struct emul *e);
} table[] = {
    { 0, 0x00, 0x3f, true, op_alu },
    { 0, 0x50, 0x5f, false, emul_op_push_pop },
    { 0, 0x63, 0x63, false, op_mov_extend },
    { 0, 0x68, 0x68, false, emul_op_push_pop },
    { 0, 0x69, 0x69, false, op_imul },
    { 0, 0x6a, 0x6a, false, emul_op_push_pop },
    { 0, 0x6b, 0x6b, false, op_imul },
    { 0, 0x6c, 0x6f, false, emul_op_ins_outs },
    { 0, 0x80, 0x83, true, op_group1 },
    { 0, 0x84, 0x85, false, op_test },
    { 0, 0x86, 0x87, true, op_xchg },
    { 0, 0x88, 0x8b, false, op_mov },
    { 0, 0x8c, 0x8c, false, op_mov_from_seg },
    { 0, 0x8f, 0x8f, false, emul_op_push_pop },
    { 0, 0x90, 0x90, false, op_pause },
    { 0, 0x9c, 0x9c, false, emul_op_push_pop },
    { 0, 0xa0, 0xa3, false, op_mov_moffs },
    { 0, 0xa4, 0xa7, false, emul_op_string },
    { 0, 0xaa, 0xaf, false, emul_op_string },
    { 0, 0xc0, 0xc1, false, op_shift },
    { 0, 0xc6, 0xc7, false, op_mov_imm },
    { 0, 0xd0, 0xd3, false, op_shift },
    { 0, 0xe4, 0xe7, false, emul_op_in_out },
    { 0, 0xec, 0xef, false, emul_op_in_out },
    { 0, 0xf4, 0xf4, false, emul_op_halt_cache },
    { 0, 0xf6, 0xf7, true, op_group3 },
    { 0, 0xfe, 0xff, true, op_group45 },
    { 1, 0x01, 0x01, false, emul_op_group7 },
    { 1, 0x05, 0x05, false, emul_op_syscall },
    { 1, 0x06, 0x06, false, emul_op_mov_cr },
    { 1, 0x07, 0x07, false, emul_op_syscall },
    { 1, 0x08, 0x09, false, emul_op_halt_cache },
    { 1, 0x0d, 0x0d, false, op_hint },
    { 1, 0x10, 0x17, false, emul_op_sse_move },
    { 1, 0x18, 0x1f, false, op_hint },
    { 1, 0x20, 0x20, false, emul_op_mov_cr },
    { 1, 0x21, 0x21, false, emul_op_mov_dr },
    { 1, 0x22, 0x22, false, emul_op_mov_cr },
    { 1, 0x23, 0x23, false, emul_op_mov_dr },
    { 1, 0x28, 0x29, false, emul_op_sse_move },
    { 1, 0x2b, 0x2b, false, emul_op_sse_move },
    { 1, 0x30, 0x33, false, emul_op_msr },
    { 1, 0x40, 0x4f, false, op_cmov },
    { 1, 0x6e, 0x6f, false, emul_op_sse_move },
    { 1, 0x7e, 0x7f, false, emul_op_sse_move },
    { 1, 0x90, 0x9f, false, op_setcc },
    { 1, 0xa2, 0xa2, false, emul_op_cpuid },
    { 1, 0xa3, 0xa3, false, emul_op_bit },
    { 1, 0xab, 0xab, true, emul_op_bit },
    { 1, 0xae, 0xae, false, op_clflush },
    { 1, 0xaf, 0xaf, false, op_imul },
    { 1, 0xb0, 0xb1, true, emul_op_cmpxchg },
    { 1, 0xb3, 0xb3, true, emul_op_bit },
    { 1, 0xb6, 0xb7, false, op_mov_extend },
    { 1, 0xba, 0xbb, true, emul_op_bit },
    { 1, 0xbe, 0xbf, false, op_mov_extend },
    { 1, 0xc0, 0xc1, true, emul_op_xadd },
    { 1, 0xc3, 0xc3, false, op_movnti },
    { 1, 0xc4, 0xc4, false, emul_op_sse_move },
    { 1, 0xc7, 0xc7, true, emul_op_cmpxchg_wide },
    { 1, 0xd6, 0xd6, false, emul_op_sse_move },
    { 1, 0xe7, 0xe7, false, emul_op_sse_move },
    { 1, 0xf0, 0xf0, false, emul_op_sse_move },
    { 1, 0xf7, 0xf7, false, emul_op_maskmov },
    { 2, 0x2a, 0x2a, false, emul_op_sse_move },
    { 2, 0xf0, 0xf1, false, op_movbe },
};

static bool execute(struct emul *e)
{
    const struct emul_insn *i = &e->i;

    for (unsigned n = 0; n < sizeof(table) / sizeof(table[0]); n++) {
        if (table[n].map != i->map || i->opcode < table[n].first ||
            i->opcode > table[n].last)
            continue;
        if (i->lock && (!table[n].lock || !emul_is_memory(i)))
            return emul_raise(e, EXC_UD, 0);
        return table[n].run(e);
    }
    return emul_unknown(e);
}

/* What every instruction does at its end; a trap if TF asks for one. */
static enum emul_status finish(struct emul *e, bool single_step)
{
    struct cpu *c = e->c;

    if (!e->repeat)
        c->rip = cpu_in_64bit_mode(c) ? e->next_rip : (uint32_t)e->next_rip;
    c->rflags &= ~(uint64_t)FLAG_RF;
    c->inhibit = 0;
    if (!single_step)
        return EMUL_DONE;
    c->halted = false;          /* the trap ends a HLT at once */
    c->dr[6] |= DR6_BS;
    c->dr[7] &= ~(uint64_t)DR7_GD;      /* as the delivery of #DB does */
    emul_raise(e, EXC_DB, 0);
    return EMUL_RAISE;
}

enum emul_status emul_step(struct cpu *c, struct emul_raise *r)
{
    bool single_step = c->rflags & FLAG_TF;
    struct emul e = { .c = c, .raise = r };

    if (!emul_fetch_insn(&e))
        return EMUL_RAISE;
    e.next_rip = c->rip + e.i.len;
    if (!execute(&e)) {
        if (c->stops)           /* it did not happen */
            c->stops->watch_hit = false;
        return e.unknown ? EMUL_UNKNOWN : EMUL_RAISE;
    }
    return finish(&e, e.late_trap ? c->rflags & FLAG_TF : single_step);
}
