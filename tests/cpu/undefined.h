/* Which flags an instruction leaves undefined (Intel SDM vol. 2). */
#ifndef TESTS_CPU_UNDEFINED_H
#define TESTS_CPU_UNDEFINED_H

#include <stdint.h>

struct undefined_insn {
    uint8_t map, opcode;
    uint8_t ext;                /* ModRM.reg, of groups */
    int bits;                   /* operand size */
    int count;                  /* shift count modulo 32; -1: not a shift */
};

/* FLAG_* that are undefined after it. */
uint32_t undefined_flags(const struct undefined_insn *i);

#endif
