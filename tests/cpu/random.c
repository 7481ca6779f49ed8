#include "tests/cpu/random.h"

#include <string.h>

static uint64_t state;

/* splitmix64 (Steele, Lea, Flood 2014) */
uint64_t random64(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

void random_seed(uint64_t seed)
{
    state = seed;
}

uint32_t random_int(void)
{
    static const uint32_t edges[] = {
        0, 1, 2, 0xffffffff, 0xfffffffe, 0x7fffffff, 0x80000000, 0x80000001,
        0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0xffffff80,
        0xffff8000, 0x55555555, 0xaaaaaaaa, 0x0f0f0f0f, 0x99999999,
    };

    switch (random_below(4)) {
    case 0:
        return edges[random_below(sizeof(edges) / sizeof(edges[0]))];
    case 1:
        return random_below(64);
    case 2:
        return 1u << random_below(32);
    default:
        return (uint32_t)random64();
    }
}

static uint32_t random_real32(void)
{
    static const uint32_t edges[] = {
        0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000,
        0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001, 0xffbfffff,
        0x00000001, 0x807fffff, 0x00800000, 0x7f7fffff, 0x4effffff,
        0x4f000000, 0xcf000000, 0x3f000000, 0x40200000, 0x3effffff,
    };
    uint32_t v = (uint32_t)random64();

    if (one_in(3))
        return edges[random_below(sizeof(edges) / sizeof(edges[0]))];
    if (one_in(2))              /* of ordinary size, often exact */
        v = (v & 0x807f0000) | (0x78 + random_below(24)) << 23;
    return v;
}

static uint64_t random_real64(void)
{
    static const uint64_t edges[] = {
        0x0000000000000000, 0x8000000000000000, 0x3ff0000000000000,
        0xbff0000000000000, 0x7ff0000000000000, 0xfff0000000000000,
        0x7ff8000000000000, 0xfff8000000000000, 0x7ff0000000000001,
        0xfff7ffffffffffff, 0x0000000000000001, 0x800fffffffffffff,
        0x0010000000000000, 0x7fefffffffffffff, 0x41dfffffffc00000,
        0x41e0000000000000, 0xc1e0000000000000, 0x3fe0000000000000,
        0x4004000000000000, 0x43e0000000000000, 0x36a0000000000000,
        0x380fffffffffffff, 0x47efffffffffffff,
    };
    uint64_t v = random64();

    if (one_in(3))
        return edges[random_below(sizeof(edges) / sizeof(edges[0]))];
    if (one_in(2))
        v = (v & 0x800fff0000000000) |
            (uint64_t)(0x3f0 + random_below(60)) << 52;
    return v;
}

void random_real80(uint8_t *p)
{
    static const struct { uint16_t exp; uint64_t mant; } edges[] = {
        { 0, 0 }, { 0x8000, 0 }, { 0x3fff, 1ull << 63 },
        { 0xbfff, 1ull << 63 },
        { 0x7fff, 1ull << 63 }, { 0xffff, 1ull << 63 }, { 0x7fff, 3ull << 62 },
        { 0xffff, 3ull << 62 }, { 0x7fff, 1ull << 63 | 1 }, { 0, 1 },
        { 0x8000, 1ull << 62 }, { 0, 1ull << 63 }, { 1, 1ull << 63 },
        { 0x7ffe, ~0ull }, { 0x3fff, 1 }, { 0x7fff, 0 }, { 0x403e, ~0ull },
        { 0xc03e, 1ull << 63 }, { 0x401e, 1ull << 63 }, { 0x3ffe, 1ull << 63 },
        { 0x4000, 0xc90fdaa22168c235 }, { 0x3fff, 0xb504f333f9de6484 },
    };
    unsigned n = random_below(sizeof(edges) / sizeof(edges[0]));
    uint16_t exp = edges[n].exp;
    uint64_t mant = edges[n].mant;

    if (!one_in(3)) {
        mant = random64() | 1ull << 63;
        exp = (uint16_t)random64();
        if (one_in(2))
            mant &= 0xffffff0000000000;
        if (one_in(2))
            exp = (uint16_t)((exp & 0x8000) | (0x3ff0 + random_below(0x50)));
        else if (one_in(16))
            mant &= ~(1ull << 63);
    }
    memcpy(p, &mant, 8);
    memcpy(p + 8, &exp, 2);
}

static void random_word64(uint8_t *p, bool reals)
{
    uint32_t v32[2] = { random_int(), random_int() };
    uint64_t v64 = random_real64();
    unsigned kind = random_below(4);

    if (reals ? kind == 0 : kind > 1) {
        memcpy(p, v32, 8);
    } else if (kind & 1) {
        memcpy(p, &v64, 8);
    } else {
        v32[0] = random_real32();
        v32[1] = random_real32();
        memcpy(p, v32, 8);
    }
}

void random_bytes(uint8_t *p, unsigned n, bool reals)
{
    uint8_t word[10];

    while (n) {
        unsigned part = n < 8 ? n : 8;

        if (reals && n >= 10 && one_in(4)) {
            part = 10;
            random_real80(word);
        } else {
            random_word64(word, reals);
        }
        memcpy(p, word, part);
        p += part;
        n -= part;
    }
}
