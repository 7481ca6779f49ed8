/*
 * The common x87 instructions without loading and saving all of the state:
 * only the registers that take part go through the host's x87. For this all
 * exceptions must be masked and no stack fault possible; whatever is not done
 * here takes the way of x87.c.
 */
#include "emu/cpu/x87_fast.h"

#include <string.h>

#include "emu/cpu/host_fpu.h"
#include "emu/cpu/x87.h"

#define CONDITIONS (FSW_C0 | FSW_C1 | FSW_C2 | FSW_C3)

static const uint16_t host_fcw = FCW_INIT;

#define X87_CLOBBERS \
    "rdx", "memory", "cc", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", \
    "st(6)", "st(7)", "mm0", "mm1", "mm2", "mm3", "mm4", "mm5", "mm6", "mm7"

/*
 * LOAD what `op` needs, run it, then SAVE. The host's stack is empty before
 * and after. Result: FSW, and EFLAGS (FCOMI) as LAHF has them in bits 16-23.
 */
#define RUN(load, save, st0, sti, mem, op, fcw, out) ({ \
    uint32_t ax_; \
    uint16_t fsw_; \
    __asm__ volatile( \
        "fnclex\n\tfldcw %[cw]\n\t" load "lea 1f(%%rip), %%rdx\n\t" \
        "jmp *%[op_]\n1:\n\tlahf\n\tfnstsw %[sw]\n\t" save "fldcw %[host]" \
        : "=&a"(ax_), [sw] "=m"(fsw_) \
        : [cw] "m"(fcw), [host] "m"(host_fcw), [a] "r"(st0), [b] "r"(sti), \
          "S"(mem), [op_] "r"(op), [o] "r"(out) \
        : X87_CLOBBERS); \
    (ax_ >> 8 & 0xff) << 16 | fsw_; })

#define LOAD_ST0 "fldt (%[a])\n\t"
#define LOAD_BOTH "fldt (%[b])\n\tfldt (%[a])\n\t"
#define SAVE_ST0 "fstpt (%[o])\n\t"
#define SAVE_ST0_OF_2 "fstpt (%[o])\n\tfstp %%st(0)\n\t"
#define SAVE_ST1_OF_2 "fstp %%st(0)\n\tfstpt (%[o])\n\t"
#define DROP_1 "fstp %%st(0)\n\t"
#define DROP_2 "fstp %%st(0)\n\tfstp %%st(0)\n\t"

/* ---- State ------------------------------------------------------------ */

static bool all_masked(const struct cpu_fpu *f)
{
    return (f->fcw & FSW_EXC) == FSW_EXC;
}

static bool is_valid(const struct cpu_fpu *f, unsigned n)
{
    return f->ftw >> ((x87_top(f) + n) & 7) & 1;
}

/* Sticky exception flags, and those condition bits that the op sets. */
static uint16_t merge(uint16_t guest, uint32_t host, uint16_t conditions)
{
    return (uint16_t)((guest & ~conditions) |
                      (host & (FSW_EXC | conditions)));
}

static void set_top_bits(struct cpu_fpu *f, unsigned top)
{
    f->fsw = (uint16_t)((f->fsw & ~FSW_TOP) | (top & 7) << 11);
}

static void pop(struct cpu_fpu *f)
{
    unsigned top = x87_top(f);
    uint8_t first[16];

    memcpy(first, f->st[0], 16);
    memmove(f->st[0], f->st[1], 7 * 16);
    memcpy(f->st[7], first, 16);
    f->ftw &= (uint8_t)~(1u << top);
    set_top_bits(f, top + 1);
}

/* ST7 is empty. */
static void push(struct cpu_fpu *f, const uint8_t *value)
{
    unsigned top = (x87_top(f) - 1) & 7;

    memmove(f->st[1], f->st[0], 7 * 16);
    memcpy(f->st[0], value, 10);
    f->ftw |= (uint8_t)(1u << top);
    set_top_bits(f, top);
}

/* ---- Memory operands -------------------------------------------------- */

static void arith_mem(struct cpu_fpu *f, const struct insn *i, void *buf)
{
    const void *op = host_x87_mem_op(i->opcode, insn_reg(i));
    uint32_t r = RUN(LOAD_ST0, SAVE_ST0, f->st[0], f->st[0], buf, op, f->fcw,
                     f->st[0]);

    f->fsw = merge(f->fsw, r, FSW_C1);
}

/* FCOM, FCOMP, FICOM, FICOMP */
static void compare_mem(struct cpu_fpu *f, const struct insn *i, void *buf)
{
    const void *op = host_x87_mem_op(i->opcode, 2);
    uint32_t r = RUN(LOAD_ST0, DROP_1, f->st[0], f->st[0], buf, op, f->fcw,
                     f->st[0]);

    f->fsw = merge(f->fsw, r, CONDITIONS);
    if (insn_reg(i) == 3)
        pop(f);
}

static void push_mem(struct cpu_fpu *f, const struct insn *i, void *buf)
{
    const void *op = host_x87_mem_op(i->opcode, insn_reg(i));
    uint8_t value[16];
    uint32_t r = RUN("", SAVE_ST0, f->st[0], f->st[0], buf, op, f->fcw, value);

    f->fsw = merge(f->fsw, r, FSW_C1);
    push(f, value);
}

bool x87_fast_load(struct cpu_fpu *f, const struct insn *i, void *buf)
{
    if (!all_masked(f))
        return false;
    if (i->opcode & 1) {        /* FLD, FILD, FBLD */
        if (is_valid(f, 7))
            return false;
        push_mem(f, i, buf);
        return true;
    }
    if (!is_valid(f, 0))
        return false;
    if (insn_reg(i) == 2 || insn_reg(i) == 3)
        compare_mem(f, i, buf);
    else
        arith_mem(f, i, buf);
    return true;
}

bool x87_fast_store(struct cpu_fpu *f, const struct insn *i, void *buf,
                    struct x87_store *s)
{
    unsigned reg = insn_reg(i);
    const void *op;
    uint32_t r;

    if (!all_masked(f) || !is_valid(f, 0))
        return false;
    /* Without the pop, /2 does as /3 does. */
    s->pops = reg != 2;
    op = host_x87_mem_op(i->opcode, reg == 2 ? 3 : reg);
    r = RUN(LOAD_ST0, "", f->st[0], f->st[0], buf, op, f->fcw, f->st[0]);
    s->fsw = merge(f->fsw, r, FSW_C1);
    return true;
}

void x87_fast_stored(struct cpu_fpu *f, const struct x87_store *s)
{
    f->fsw = s->fsw;
    if (s->pops)
        pop(f);
}

/* ---- Register operands ------------------------------------------------ */

/* D8: to ST0. DC, DE: to STi, and DE pops. ST0 with itself goes elsewhere. */
static void arith_reg(struct cpu_fpu *f, const struct insn *i)
{
    uint8_t *sti = f->st[insn_rm(i)];
    unsigned reg = insn_reg(i);
    const void *op = host_x87_reg_op(i->opcode == 0xd8 ? 0xd8 : 0xdc,
                                     (uint8_t)(0xc1 | reg << 3));
    uint32_t r;

    if (i->opcode == 0xd8)
        r = RUN(LOAD_BOTH, SAVE_ST0_OF_2, f->st[0], sti, NULL, op, f->fcw,
                f->st[0]);
    else
        r = RUN(LOAD_BOTH, SAVE_ST1_OF_2, f->st[0], sti, NULL, op, f->fcw,
                sti);
    f->fsw = merge(f->fsw, r, FSW_C1);
    if (i->opcode == 0xde)
        pop(f);
}

/* FCOM, FCOMP, FCOMPP, FUCOM, FUCOMP, FUCOMPP; `op`: to ST1, without pop. */
static void compare_reg(struct cpu_fpu *f, const uint8_t *sti, const void *op,
                        unsigned pops)
{
    uint32_t r = RUN(LOAD_BOTH, DROP_2, f->st[0], sti, NULL, op, f->fcw,
                     f->st[0]);

    f->fsw = merge(f->fsw, r, CONDITIONS);
    while (pops--)
        pop(f);
}

/*
 * Processors differ in whether FCOMI clears C1: asked of the host, once. Two
 * threads that ask at the same time get the same answer.
 */
static bool fcomi_keeps_c1(void)
{
    static enum { UNKNOWN, CLEARS, KEEPS } answer;
    uint16_t fsw;

    if (answer == UNKNOWN) {
        /* FXAM of a negative number sets C1 */
        __asm__ volatile("fninit\n\tfldz\n\tfldz\n\tfchs\n\tfxam\n\t"
                         "fcomi %%st(1), %%st\n\tfnstsw %0\n\tfninit"
                         : "=m"(fsw) : : X87_CLOBBERS);
        answer = fsw & FSW_C1 ? KEEPS : CLEARS;
    }
    return answer == KEEPS;
}

/* FCOMI, FUCOMI, FCOMIP, FUCOMIP */
static void compare_eflags(struct cpu *c, const struct insn *i)
{
    struct cpu_fpu *f = &c->fpu;
    const void *op = host_x87_reg_op(0xdb, insn_reg(i) == 5 ? 0xe9 : 0xf1);
    uint32_t r = RUN(LOAD_BOTH, DROP_2, f->st[0], f->st[insn_rm(i)], NULL, op,
                     f->fcw, f->st[0]);

    f->fsw = merge(f->fsw, r, fcomi_keeps_c1() ? 0 : FSW_C1);
    cpu_flags_set(c, r >> 16 & (FLAG_ZF | FLAG_PF | FLAG_CF), FLAGS_ARITH);
    if (i->opcode == 0xdf)
        pop(f);
}

static void exchange(struct cpu_fpu *f, unsigned n)
{
    uint8_t t[10];

    memcpy(t, f->st[0], 10);
    memmove(f->st[0], f->st[n], 10);
    memcpy(f->st[n], t, 10);
    f->fsw &= (uint16_t)~FSW_C1;
}

static void store_reg(struct cpu_fpu *f, unsigned n, bool pops)
{
    memmove(f->st[n], f->st[0], 10);
    f->ftw |= (uint8_t)(1u << ((x87_top(f) + n) & 7));
    f->fsw &= (uint16_t)~FSW_C1;
    if (pops)
        pop(f);
}

/* FLD STi; FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ */
static bool push_reg(struct cpu_fpu *f, const struct insn *i)
{
    uint8_t value[16];

    if (is_valid(f, 7))
        return false;
    if (insn_reg(i) == 0) {
        if (!is_valid(f, insn_rm(i)))
            return false;
        memcpy(value, f->st[insn_rm(i)], 10);
    } else {
        RUN("", SAVE_ST0, f->st[0], f->st[0], NULL,
            host_x87_reg_op(0xd9, i->modrm), f->fcw, value);
    }
    push(f, value);
    f->fsw &= (uint16_t)~FSW_C1;
    return true;
}

/* D9 forms with ST0: FXCH, FCHS, FABS. */
static bool fast_d9(struct cpu_fpu *f, const struct insn *i)
{
    unsigned reg = insn_reg(i);

    if (reg == 0 || (reg == 5 && i->modrm != 0xef))
        return push_reg(f, i);
    if (!is_valid(f, 0))
        return false;
    if (reg == 1 && is_valid(f, insn_rm(i))) {
        exchange(f, insn_rm(i));
        return true;
    }
    if (i->modrm != 0xe0 && i->modrm != 0xe1)
        return false;
    f->st[0][9] = i->modrm == 0xe0 ? f->st[0][9] ^ 0x80 : f->st[0][9] & 0x7f;
    f->fsw &= (uint16_t)~FSW_C1;
    return true;
}

/* Both operands are there, and they are two. */
static bool fast_two(struct cpu *c, const struct insn *i)
{
    struct cpu_fpu *f = &c->fpu;
    unsigned reg = insn_reg(i), op = i->opcode;
    bool fucompp = op == 0xda && i->modrm == 0xe9;
    const uint8_t *sti = f->st[insn_rm(i)];

    if ((op == 0xdb || op == 0xdf) && (reg == 5 || reg == 6))
        compare_eflags(c, i);
    else if ((op == 0xd8 && (reg == 2 || reg == 3)) ||
             (op == 0xde && i->modrm == 0xd9))
        compare_reg(f, sti, host_x87_reg_op(0xd8, 0xd1),
                    op == 0xde ? 2 : reg == 3);
    else if (fucompp || (op == 0xdd && (reg == 4 || reg == 5)))
        compare_reg(f, sti, host_x87_reg_op(0xdd, 0xe1),
                    fucompp ? 2 : reg == 5);
    else if ((op == 0xd8 || op == 0xdc || op == 0xde) && (reg < 2 || reg > 3))
        arith_reg(f, i);
    else
        return false;
    return true;
}

bool x87_fast_reg(struct cpu *c, const struct insn *i)
{
    struct cpu_fpu *f = &c->fpu;
    unsigned reg = insn_reg(i);

    if (!all_masked(f))
        return false;
    if (i->opcode == 0xd9)
        return fast_d9(f, i);
    if (!is_valid(f, 0))
        return false;
    if (i->opcode == 0xdd && (reg == 2 || reg == 3)) {
        store_reg(f, insn_rm(i), reg == 3);
        return true;
    }
    return insn_rm(i) && is_valid(f, insn_rm(i)) && fast_two(c, i);
}
