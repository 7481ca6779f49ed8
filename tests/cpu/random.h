/* Deterministic random numbers with a taste for the interesting ones. */
#ifndef TESTS_CPU_RANDOM_H
#define TESTS_CPU_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

void random_seed(uint64_t seed);
uint64_t random64(void);
/* 0..n-1 */
static inline uint32_t random_below(uint32_t n)
{
    return (uint32_t)((random64() >> 32) * n >> 32);
}
static inline bool one_in(uint32_t n)
{
    return random_below(n) == 0;
}

/* Boundary values, small numbers, bit patterns, and plain random ones. */
uint32_t random_int(void);
void random_real80(uint8_t *p);
/* Integers and reals of 32 and 64 bits, mixed; `reals`: mostly those. */
void random_bytes(uint8_t *p, unsigned n, bool reals);

#endif
