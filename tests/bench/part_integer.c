/* Integer code: sorting, recursion, an interpreter, compression, matrices. */
#include "tests/bench/part.h"

#define SIEVE_N 200000u
#define SORT_N 30000u
#define MATRIX_N 64u
#define LZ_N 65536u

static uint8_t bytes[SIEVE_N];
static uint32_t words[SORT_N];
static uint32_t matrix[3][MATRIX_N][MATRIX_N];
static uint8_t text[LZ_N], packed[2 * LZ_N];
static uint16_t heads[4096];

static uint32_t sieve(void)
{
    uint32_t found = 0;

    for (unsigned round = 0; round < 20; round++) {
        for (uint32_t n = 0; n < SIEVE_N; n++)
            bytes[n] = 1;
        for (uint32_t n = 2; n * n < SIEVE_N; n++)
            if (bytes[n])
                for (uint32_t m = n * n; m < SIEVE_N; m += n)
                    bytes[m] = 0;
        for (uint32_t n = 2; n < SIEVE_N; n++)
            found += bytes[n];
    }
    return found;
}

static void quick_sort(uint32_t *v, int left, int right)
{
    while (left < right) {
        uint32_t pivot = v[(left + right) / 2];
        int i = left, j = right;

        while (i <= j) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i <= j) {
                uint32_t t = v[i];

                v[i++] = v[j];
                v[j--] = t;
            }
        }
        quick_sort(v, left, j);
        left = i;
    }
}

static uint32_t sort(void)
{
    uint32_t seed = 1, sum = 0;

    for (unsigned round = 0; round < 10; round++) {
        for (uint32_t n = 0; n < SORT_N; n++)
            words[n] = bench_random(&seed);
        quick_sort(words, 0, SORT_N - 1);
        for (uint32_t n = 0; n < SORT_N; n++)
            sum = sum * 31 + words[n];
    }
    return sum;
}

__attribute__((noinline, noclone)) static uint32_t fib(uint32_t n)
{
    __asm__ volatile("" : "+r"(n));
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static uint32_t fibonacci(void)
{
    return fib(30);
}

/* A byte-code machine: a loop of eight operations through a switch. */
static uint32_t vm(void)
{
    static const uint8_t code[] = { 0, 3, 1, 5, 2, 4, 6, 1, 0, 2, 5, 7 };
    uint32_t acc = 1, x = 3, count = 0, pc = 0;

    while (count < 8000000) {
        count++;
        switch (code[pc++]) {
        case 0: acc += x; break;
        case 1: x ^= acc >> 3; break;
        case 2: acc = acc << 1 | acc >> 31; break;
        case 3: x += count; break;
        case 4: acc -= x * 5; break;
        case 5: if (acc & 1) x++; break;
        case 6: acc ^= 0x55aa; break;
        default: pc = 0; break;
        }
    }
    return acc ^ x;
}

/* Greedy matches found through a hash of three bytes. */
static uint32_t lz_pack(void)
{
    uint32_t in = 0, out = 0;

    for (uint32_t n = 0; n < 4096; n++)
        heads[n] = 0xffff;
    while (in + 3 < LZ_N) {
        uint32_t h = (text[in] * 33u ^ text[in + 1] * 7u ^ text[in + 2]) & 4095;
        uint32_t at = heads[h], len = 0;

        heads[h] = (uint16_t)in;
        if (at < in)
            while (len < 250 && in + len < LZ_N &&
                   text[at + len] == text[in + len])
                len++;
        if (len >= 4) {
            packed[out++] = (uint8_t)len;
            packed[out++] = (uint8_t)(in - at);
            packed[out++] = (uint8_t)((in - at) >> 8);
            in += len;
        } else {
            packed[out++] = 0;
            packed[out++] = text[in++];
        }
    }
    return out;
}

static uint32_t lz(void)
{
    uint32_t seed = 7, sum = 0;

    for (uint32_t n = 0; n < LZ_N; n++) {
        uint32_t r = bench_random(&seed);

        text[n] = r & 3 && n > 64 ? text[n - 1 - (r >> 4) % 40] : (uint8_t)r;
    }
    for (unsigned round = 0; round < 30; round++) {
        sum += lz_pack();
        for (uint32_t n = 0; n < 1000; n++)
            sum = sum * 17 + packed[n];
    }
    return sum;
}

static uint32_t matmul(void)
{
    uint32_t seed = 3, sum = 0;

    for (unsigned i = 0; i < MATRIX_N; i++)
        for (unsigned j = 0; j < MATRIX_N; j++) {
            matrix[0][i][j] = bench_random(&seed);
            matrix[1][i][j] = bench_random(&seed);
        }
    for (unsigned round = 0; round < 40; round++)
        for (unsigned i = 0; i < MATRIX_N; i++)
            for (unsigned j = 0; j < MATRIX_N; j++) {
                uint32_t s = 0;

                for (unsigned k = 0; k < MATRIX_N; k++)
                    s += matrix[0][i][k] * matrix[1][k][j];
                matrix[2][i][j] = s;
                sum ^= s + round;
            }
    return sum;
}

static const struct bench_part parts[] = {
    { "sieve", sieve, 11, 0 },
    { "qsort", sort, 8, 0 },
    { "fib", fibonacci, 20, 0 },
    { "vm", vm, 6, 0 },
    { "lz", lz, 10, 0 },
    { "matmul", matmul, 11, 0 },
    { "sha256", bench_sha256, 25, 0 },
    { "crc32", bench_crc32, 25, 0 },
};
const struct bench_group bench_integer = BENCH_GROUP("integer", parts);
