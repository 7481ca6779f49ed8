/*
 * The parts of the benchmark: portable C and a few inline-assembler lines that
 * 32-bit and 64-bit x86 both take, so that the same source runs in the guest
 * and, where the host runs it, natively.
 */
#ifndef TESTS_BENCH_PART_H
#define TESTS_BENCH_PART_H

#include <stdint.h>

struct bench_part {
    const char *name;
    uint32_t (*run)(void);      /* its result is the same everywhere */
    uint32_t repeats;           /* runs that are timed together */
    uint32_t operations;        /* in one run; 0: the whole run counts */
};

struct bench_group {
    const char *name;
    const struct bench_part *parts;
    unsigned count;
};

#define BENCH_GROUP(name, parts) \
    { name, parts, sizeof(parts) / sizeof((parts)[0]) }

uint32_t bench_sha256(void);
uint32_t bench_crc32(void);

extern const struct bench_group bench_integer, bench_flags, bench_memory,
                                bench_x87, bench_sse2, bench_system;

/* Numbers that look random, 24 bits each. */
static inline uint32_t bench_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* A floating-point result as a number to be compared. */
static inline uint32_t bench_fold(double v)
{
    union { double d; uint32_t w[2]; } u = { v };

    return u.w[0] ^ u.w[1] * 31;
}

/* Runs the parts that are named on the serial line until "quit". */
void bench_serve(const struct bench_group *const *groups, unsigned count);

#endif
