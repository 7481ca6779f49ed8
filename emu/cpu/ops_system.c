/*
 * The ways out to the handlers of system, FPU and SIMD instructions
 * (exec.h). Those which may change the mode or the mapping end their trace.
 */
#include "emu/cpu/interp.h"

#define GO_ON(op)                                                           \
static void run_##op(struct cpu *c, const struct insn *i)                   \
{                                                                           \
    sync(c, i);                                                             \
    op(c, i);                                                               \
    NEXT_POLLED(c, i);                                                      \
}
#define GO_LEAVE(op)                                                        \
static void run_##op(struct cpu *c, const struct insn *i)                   \
{                                                                           \
    sync(c, i);                                                             \
    op(c, i);                                                               \
    leave(c, i);                                                            \
}
/* FERR# stops the CPU with rip on the instruction (x87_wait). */
#define GO_FPU(op)                                                          \
static void run_##op(struct cpu *c, const struct insn *i)                   \
{                                                                           \
    sync(c, i);                                                             \
    op(c, i);                                                               \
    if (unlikely(c->halted)) {                                              \
        leave(c, i);                                                        \
        return;                                                             \
    }                                                                       \
    NEXT_POLLED(c, i);                                                      \
}

GO_LEAVE(op_group6)
GO_LEAVE(op_group7)
GO_ON(op_lar_lsl)
GO_ON(op_arpl)
GO_LEAVE(op_mov_cr)
GO_LEAVE(op_mov_dr)
GO_LEAVE(op_sysenter)
GO_ON(op_cpuid)
GO_LEAVE(op_cache)
GO_FPU(op_x87)
GO_FPU(op_fwait)
GO_FPU(op_simd)

/* WRMSR may change the mode; the others are just read. */
static void run_op_msr(struct cpu *c, const struct insn *i)
{
    sync(c, i);
    op_msr(c, i);
    if (i->opcode == 0x30) {
        leave(c, i);
        return;
    }
    NEXT_POLLED(c, i);
}

static handler select_system1(const struct insn *i)
{
    bool imm8;

    switch (i->opcode) {
    case 0x00:
        return run_op_group6;
    case 0x01:
        return run_op_group7;
    case 0x02: case 0x03:
        return run_op_lar_lsl;
    case 0x06: case 0x20: case 0x22:
        return run_op_mov_cr;
    case 0x08: case 0x09:
        return run_op_cache;
    case 0x21: case 0x23:
        return run_op_mov_dr;
    case 0x30 ... 0x33:
        return run_op_msr;
    case 0x34: case 0x35:
        return run_op_sysenter;
    case 0xa2:
        return run_op_cpuid;
    }
    return simd_has_opcode(i->opcode, &imm8) ? run_op_simd : NULL;
}

handler select_system(struct insn *i, uint32_t mode)
{
    if (i->map)
        return select_system1(i);
    if (i->opcode == 0x63)
        return run_op_arpl;
    return i->opcode == 0x9b ? run_op_fwait : run_op_x87;
}
