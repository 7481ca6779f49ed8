/*
 * Random guest programs: code that is mostly made of valid instructions, with
 * all the system ones, some of them damaged, and the state to start it in.
 */
#ifndef TESTS_ENGINE_FUZZ_CODE_H
#define TESTS_ENGINE_FUZZ_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/cpu/cpu.h"

struct fuzz_random {
    uint64_t state;
};

void fuzz_seed(struct fuzz_random *r, uint64_t seed);
uint64_t fuzz_next(struct fuzz_random *r);
/* 0..n-1 */
static inline uint32_t fuzz_below(struct fuzz_random *r, uint32_t n)
{
    return (uint32_t)((fuzz_next(r) >> 32) % n);
}
/* True once in n times. */
static inline bool fuzz_one_in(struct fuzz_random *r, uint32_t n)
{
    return fuzz_below(r, n) == 0;
}

/* How code is decoded where it is put. */
enum fuzz_bits { FUZZ_16, FUZZ_32, FUZZ_64 };

/* Fill [code, code+len). */
void fuzz_code(struct fuzz_random *r, enum fuzz_bits bits, uint8_t *code,
               size_t len);

enum fuzz_mode { FUZZ_REAL, FUZZ_PROTECTED, FUZZ_LOOPS, FUZZ_LONG, FUZZ_MODES };
#define FUZZ_RAM (16u << 20)

/*
 * Write a program of `mode` with its tables into `ram` (FUZZ_RAM bytes) and
 * its start into `c`, which has been reset.
 */
void fuzz_program(struct fuzz_random *r, enum fuzz_mode mode, uint8_t *ram,
                  struct cpu *c);
/* fuzz_loops.c: into a program of FUZZ_PROTECTED, in place of its code. */
void fuzz_loops(struct fuzz_random *r, uint8_t *ram, struct cpu *c);

#endif
