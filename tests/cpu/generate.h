/* Makes one test: an instruction's bytes and the state to run it in. */
#ifndef TESTS_CPU_GENERATE_H
#define TESTS_CPU_GENERATE_H

#include "tests/cpu/forms.h"
#include "tests/cpu/state.h"

#define CODE_MAX 256
#define INSNS_MAX 24

struct code {
    uint8_t bytes[CODE_MAX];
    unsigned len;
    unsigned start[INSNS_MAX + 1];      /* offset of each, and the end */
};

struct test {
    struct run_state in;
    struct code code;           /* IA-32 */
    struct code code64;         /* the same in 64-bit mode, if long_mode */
    unsigned insns;
    bool long_mode;
    uint32_t insn;              /* linear address of the first byte */
    uint32_t target;            /* memory operand, or 0 */
    const struct form *form;    /* of the last instruction */
    uint32_t undefined;         /* flags that the SDM leaves undefined */
    bool result_undefined;      /* and the destination with them */
};

/*
 * One instruction of form `f`. Memory contents are written to both sides.
 * `long_mode`: only what has an encoding in 64-bit mode too.
 */
void generate_one(struct test *t, const struct form *f, bool long_mode);
/*
 * `n` instructions picked from all forms that can be in the middle of a
 * program, all flags defined after each.
 */
void generate_sequence(struct test *t, unsigned n, bool long_mode);

/*
 * undefined.c: what is undefined after the form's instruction, given the
 * state before it (Intel SDM vol. 2, the instruction's page).
 */
void undefined_find(struct test *t);

#endif
