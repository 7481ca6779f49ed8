/*
 * Every instruction form that is tested: one row of the opcode map with its
 * prefixes and with a register or a memory operand.
 */
#ifndef TESTS_CPU_FORMS_H
#define TESTS_CPU_FORMS_H

#include <stdbool.h>
#include <stdint.h>

enum form_rm { RM_NONE, RM_REG, RM_MEM, RM_FIXED };

/* What the generator has to prepare so that a run can succeed. */
enum form_hint {
    H_NONE, H_REL8, H_RELZ, H_JMP_RM, H_RETN, H_RETF, H_IRET, H_FAR_IMM,
    H_FAR_MEM, H_SREG, H_POP_SREG, H_LXS, H_ENTER, H_LEAVE, H_MOFFS, H_STRING,
    H_BT, H_BOUND, H_DIV, H_DIV_AL, H_XLAT, H_POPA, H_POPF, H_CMPXCHG,
    H_MASKMOV, H_FLOAT, H_ENV, H_FXRSTOR, H_FXSAVE, H_LDMXCSR, H_SELECTOR,
    H_INT
};

struct form {
    uint8_t map, opcode;
    int8_t ext;                 /* ModRM.reg, -1: any */
    uint8_t modrm;              /* of RM_FIXED */
    uint8_t prefix[2];          /* 0: none; the last one is next to 0F */
    uint8_t imm;                /* bytes, a far pointer's 4 or 6 included */
    enum form_rm rm;
    enum form_hint hint;
    bool op16;
    unsigned good, faults;      /* runs so far */
    int last_fault;             /* vector */
};

#define FORMS_MAX 4096
extern struct form forms[FORMS_MAX];
extern unsigned forms_count;

/* Fill `forms`. */
void forms_build(void);
/* Bytes that an x87 store which can raise exceptions writes; others: 0. */
unsigned form_x87_store(const struct form *f);
/* "0FC7/1 66 LOCK m" in at most `size` bytes. */
void form_name(const struct form *f, char *buf, unsigned size);

#endif
