/*
 * One instruction at a time, in every mode up to 64-bit: for hardware engines,
 * whose guest touched MMIO or ROM, or left at an instruction whose length the
 * processor does not tell. Not an engine: it knows the instructions that move,
 * test or change memory and those that hardware guests exit at (CPUID, MSRs,
 * ports, CR, DR, HLT ...), and of the others only where they end.
 *
 * Works on struct cpu through cpu_bus; keeps nothing between calls; a hostile
 * guest can make it do a bounded amount of work only. The guest's own data
 * breakpoints are not looked at; a debugger's (stops.h) are.
 */
#ifndef EMU_CPU_EMULATE_H
#define EMU_CPU_EMULATE_H

#include "emu/cpu/cpu.h"

enum emul_status {
    EMUL_DONE,                  /* executed (or decoded) */
    EMUL_RAISE,                 /* deliver struct emul_raise now */
    EMUL_UNKNOWN,               /* an instruction that emul_step lacks */
};

/* An exception. For a fault rip is the instruction's; CR2, DR6 are set. */
struct emul_raise {
    uint8_t vector;
    bool has_error;
    uint32_t error;
};

/* A decoded instruction. */
struct emul_insn {
    uint8_t len;                /* bytes, 1..15 */
    uint8_t map;                /* 0: one byte, 1: 0F, 2: 0F 38, 3: 0F 3A */
    uint8_t opcode;
    uint8_t modrm;              /* mod 3 where there is none */
    uint8_t rex;                /* 40h..4Fh, or 0 */
    uint8_t opsize;             /* 2, 4, 8 */
    uint8_t addrsize;           /* 2, 4, 8 */
    uint8_t seg;                /* of the memory operand; string source */
    bool opsize_prefix, lock, rep, repne;
    bool rip_relative;
    uint8_t reg, rm;            /* numbers with REX; rm only with mod 3 */
    uint8_t base, index, scale; /* of the memory operand, or CPU_NOREG */
    int64_t disp;               /* or the address of A0-A3 */
    uint64_t imm;               /* sign-extended */
};

static inline bool emul_is_memory(const struct emul_insn *i)
{
    return i->modrm < 0xc0;
}

/*
 * Decode the instruction at CS:RIP. EMUL_DONE, or EMUL_RAISE when it cannot be
 * fetched or is too long. Changes nothing but A bits of page tables and CR2.
 */
enum emul_status emul_decode(struct cpu *c, struct emul_insn *i,
                             struct emul_raise *r);

/*
 * Execute the instruction at CS:RIP. c->fpu must be current. A repeated string
 * instruction may stop before its end, with rip on it. EMUL_UNKNOWN: nothing
 * was changed. After a change of a control register or INVLPG the caller has
 * the guest's translations forgotten.
 */
enum emul_status emul_step(struct cpu *c, struct emul_raise *r);

/*
 * In long mode: deliver the event, as the processor would before the
 * instruction at rip. `software`: it is INT n, with rip behind it. False: that
 * would raise an exception; nothing was changed but A and D bits.
 */
bool emul_deliver(struct cpu *c, const struct cpu_event *ev, bool software);

#endif
