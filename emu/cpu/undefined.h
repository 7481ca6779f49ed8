/* Which flags an instruction leaves undefined (Intel SDM vol. 2). */
#ifndef EMU_CPU_UNDEFINED_H
#define EMU_CPU_UNDEFINED_H

#include "emu/cpu/cpu.h"

struct undefined_insn {
    uint8_t map, opcode;
    uint8_t ext;                /* ModRM.reg, of groups */
    int bits;                   /* operand size */
    int count;                  /* shift count modulo 32; -1: not a shift */
};

/* FLAG_* that are undefined after it. */
uint32_t undefined_flags(const struct undefined_insn *i);
/* The same of the instruction in `code`, were it executed in state `before`. */
uint32_t undefined_after(const uint8_t *code, unsigned len,
                         const struct cpu *before);
/*
 * The same when `undefined` were so before it. *used: what it does depends on
 * one of them.
 */
uint32_t undefined_carry(uint32_t undefined, const uint8_t *code,
                         unsigned len, const struct cpu *before, bool *used);

#endif
