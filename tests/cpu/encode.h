/*
 * Puts an instruction together in two encodings: IA-32, for the interpreter
 * and for a processor in 32-bit mode, and the same instruction in 64-bit mode.
 * There an address-size prefix makes addresses 32 bits wide, INC and DEC have
 * no short form, an absolute address takes a SIB byte (Intel SDM vol. 1,
 * 3.3.7; vol. 2, 2.2.1).
 */
#ifndef TESTS_CPU_ENCODE_H
#define TESTS_CPU_ENCODE_H

#include "tests/cpu/generate.h"

struct build {
    struct test *t;
    const struct form *f;
    bool addr16;
    bool sequence;              /* leave all registers as they are */
    bool absolute;              /* address memory without registers */
    uint8_t override;           /* segment prefix, 0: none */
};

/* Does the form exist in 64-bit mode and do the same there? */
bool encode_long_mode(const struct form *f);
/* Does it address memory (other than by ESP)? */
bool encode_has_address(const struct form *f);

/* In this order. encode_bytes: a whole instruction, the same in both. */
void encode_prefixes(struct build *b);
void encode_opcode(struct build *b);
/* `value` in `bytes` bytes, to both. */
void encode_value(struct build *b, uint32_t value, unsigned bytes);
/* ModRM and what follows, for a memory operand at t->target. */
void encode_memory(struct build *b, unsigned reg);
/* The displacement of a branch to the absolute address `to`. */
void encode_relative(struct build *b, uint32_t to);
void encode_end(struct build *b);
void encode_bytes(struct test *t, const char *bytes, unsigned n);

#endif
