/* Code that lives by the flags: carries through sums of many words. */
#include "tests/bench/part.h"

#define SUM_WORDS 4096u
#define BIG_WORDS 64u
#define FIBONACCI 4000u

static uint32_t words[SUM_WORDS];

/* Ones'-complement sum with ADC, as IP checksums are made. */
static uint32_t checksum(void)
{
    uint32_t seed = 9, sum = 0;

    for (uint32_t n = 0; n < SUM_WORDS; n++)
        words[n] = bench_random(&seed) * 257;
    for (unsigned round = 0; round < 2000; round++) {
        const uint32_t *p = words;
        uint32_t n = SUM_WORDS / 4;

        __asm__ volatile("clc\n"
                         "1: adcl (%1), %0\n"
                         "adcl 4(%1), %0\n"
                         "adcl 8(%1), %0\n"
                         "adcl 12(%1), %0\n"
                         "lea 16(%1), %1\n"
                         "dec %2\n"
                         "jnz 1b\n"
                         "adcl $0, %0\n"
                         : "+r"(sum), "+r"(p), "+r"(n) : : "cc", "memory");
    }
    return sum;
}


/* Fibonacci's numbers, modulo 2^2048: ADC with memory on either side. */
static uint32_t big_add(void)
{
    static uint32_t a[BIG_WORDS], b[BIG_WORDS];
    uint32_t sum = 0;

    for (uint32_t n = 0; n < BIG_WORDS; n++)
        a[n] = b[n] = 0;
    b[0] = 1;
    for (unsigned round = 0; round < FIBONACCI; round++) {
        uint32_t *from = round & 1 ? a : b, *to = round & 1 ? b : a;
        uint32_t n = BIG_WORDS, t;

        __asm__ volatile("clc\n"
                         "1: movl (%1), %3\n"
                         "lea 4(%1), %1\n"
                         "adcl %3, (%0)\n"
                         "lea 4(%0), %0\n"
                         "dec %2\n"
                         "jnz 1b\n"
                         : "+r"(to), "+r"(from), "+r"(n), "=&r"(t)
                         : : "cc", "memory");
    }
    for (uint32_t n = 0; n < BIG_WORDS; n++)
        sum = sum * 31 + a[n];
    return sum;
}

/* product += a word times a number: MUL, ADD and ADC, as in RSA. */
static uint32_t multiply_row(uint32_t *product, const uint32_t *v, uint32_t by)
{
    uint32_t carry = 0;

    for (uint32_t n = 0; n < BIG_WORDS; n++) {
        uint32_t low, high;

        __asm__("mull %3\n"
                "addl %4, %0\n"
                "adcl $0, %1\n"
                "addl %0, %2\n"
                "adcl $0, %1\n"
                : "=&a"(low), "=&d"(high), "+m"(product[n])
                : "rm"(v[n]), "r"(carry), "0"(by) : "cc");
        carry = high;
    }
    return carry;
}

static uint32_t big_multiply(void)
{
    static uint32_t a[BIG_WORDS], b[BIG_WORDS], product[2 * BIG_WORDS];
    uint32_t seed = 11, sum = 0;

    for (uint32_t n = 0; n < BIG_WORDS; n++) {
        a[n] = bench_random(&seed) * 257;
        b[n] = bench_random(&seed) * 257;
    }
    for (unsigned round = 0; round < 100; round++) {
        for (uint32_t n = 0; n < 2 * BIG_WORDS; n++)
            product[n] = 0;
        for (uint32_t n = 0; n < BIG_WORDS; n++)
            product[n + BIG_WORDS] = multiply_row(product + n, a, b[n]);
        for (uint32_t n = 0; n < BIG_WORDS; n++)
            sum = sum * 31 + (a[n] ^= product[n + BIG_WORDS]);
    }
    return sum;
}

static const struct bench_part parts[] = {
    { "checksum", checksum, 11, 0 },
    { "bigadd", big_add, 168, 0 },
    { "bigmul", big_multiply, 182, 0 },
};
const struct bench_group bench_flags = BENCH_GROUP("flags", parts);
