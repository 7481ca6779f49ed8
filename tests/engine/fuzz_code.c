/* Instructions of fuzz_code.h. */
#include "tests/engine/fuzz_code.h"

#include <string.h>

#include "tests/engine/fuzz_out.h"

void fuzz_seed(struct fuzz_random *r, uint64_t seed)
{
    r->state = seed * 0x9e3779b97f4a7c15ull + 0x1234567;
    for (unsigned n = 0; n < 4; n++)
        fuzz_next(r);
}

/* xorshift64* */
uint64_t fuzz_next(struct fuzz_random *r)
{
    uint64_t x = r->state ? r->state : 1;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    r->state = x;
    return x * 0x2545f4914f6cdd1dull;
}

/* What follows the opcode's bytes. */
enum tail {
    T_NONE, T_M, T_M8, T_MZ,    /* ModRM; with 8-bit, operand-size immediate */
    T_I8, T_I16, T_IZ, T_FAR, T_ENTER,
    T_R0 = 0x10                 /* T_R0 + n: ModRM with reg n */
};

struct form {
    uint8_t n, b[3], tail;
};
#define F1(a, t) { 1, { a }, t }
#define F2(a, b, t) { 2, { a, b }, t }
#define F3(a, b, c, t) { 3, { a, b, c }, t }

static const struct form system_forms[] = {
    /* SVM: each of these must never reach the host */
    F3(0x0f, 0x01, 0xd8, T_NONE), F3(0x0f, 0x01, 0xd9, T_NONE),
    F3(0x0f, 0x01, 0xda, T_NONE), F3(0x0f, 0x01, 0xdb, T_NONE),
    F3(0x0f, 0x01, 0xdc, T_NONE), F3(0x0f, 0x01, 0xdd, T_NONE),
    F3(0x0f, 0x01, 0xde, T_NONE), F3(0x0f, 0x01, 0xdf, T_NONE),
    /* VMX, MONITOR, XGETBV, SWAPGS, RDTSCP and their row */
    F3(0x0f, 0x01, 0xc1, T_NONE), F3(0x0f, 0x01, 0xc2, T_NONE),
    F3(0x0f, 0x01, 0xc3, T_NONE), F3(0x0f, 0x01, 0xc4, T_NONE),
    F3(0x0f, 0x01, 0xc8, T_NONE), F3(0x0f, 0x01, 0xc9, T_NONE),
    F3(0x0f, 0x01, 0xca, T_NONE), F3(0x0f, 0x01, 0xcb, T_NONE),
    F3(0x0f, 0x01, 0xd0, T_NONE), F3(0x0f, 0x01, 0xd1, T_NONE),
    F3(0x0f, 0x01, 0xd4, T_NONE), F3(0x0f, 0x01, 0xf8, T_NONE),
    F3(0x0f, 0x01, 0xf9, T_NONE), F3(0x0f, 0x01, 0xfa, T_NONE),
    F3(0x0f, 0x01, 0xfb, T_NONE), F3(0x0f, 0x01, 0xfc, T_NONE),
    F2(0x0f, 0x78, T_M), F2(0x0f, 0x79, T_M), F2(0x0f, 0xc7, T_M),
    F3(0x0f, 0x38, 0x80, T_M), F3(0x0f, 0x38, 0x81, T_M),
    F3(0x0f, 0x38, 0x82, T_M), F2(0x0f, 0x37, T_NONE),
    /* tables, control and debug registers, MSRs, caches */
    F2(0x0f, 0x00, T_M), F2(0x0f, 0x01, T_M), F2(0x0f, 0x02, T_M),
    F2(0x0f, 0x03, T_M), F2(0x0f, 0x05, T_NONE), F2(0x0f, 0x06, T_NONE),
    F2(0x0f, 0x07, T_NONE), F2(0x0f, 0x08, T_NONE), F2(0x0f, 0x09, T_NONE),
    F2(0x0f, 0x0b, T_NONE), F2(0x0f, 0x20, T_M), F2(0x0f, 0x21, T_M),
    F2(0x0f, 0x22, T_M), F2(0x0f, 0x23, T_M), F2(0x0f, 0x30, T_NONE),
    F2(0x0f, 0x31, T_NONE), F2(0x0f, 0x32, T_NONE), F2(0x0f, 0x33, T_NONE),
    F2(0x0f, 0x34, T_NONE), F2(0x0f, 0x35, T_NONE), F2(0x0f, 0xa2, T_NONE),
    F2(0x0f, 0xaa, T_NONE), F2(0x0f, 0xae, T_M), F1(0x63, T_M),
    /* ports, interrupts, HLT, flags */
    F1(0xe4, T_I8), F1(0xe5, T_I8), F1(0xe6, T_I8), F1(0xe7, T_I8),
    F1(0xec, T_NONE), F1(0xed, T_NONE), F1(0xee, T_NONE), F1(0xef, T_NONE),
    F1(0x6c, T_NONE), F1(0x6d, T_NONE), F1(0x6e, T_NONE), F1(0x6f, T_NONE),
    F2(0xf3, 0x6c, T_NONE), F2(0xf3, 0x6d, T_NONE), F2(0xf3, 0x6e, T_NONE),
    F2(0xf3, 0x6f, T_NONE), F1(0xf4, T_NONE), F1(0xcc, T_NONE),
    F1(0xcd, T_I8), F1(0xce, T_NONE), F1(0xf1, T_NONE), F1(0xcf, T_NONE),
    F1(0xfa, T_NONE), F1(0xfb, T_NONE), F1(0x9c, T_NONE), F1(0x9d, T_NONE),
    /* far transfers and segment loads */
    F1(0xea, T_FAR), F1(0x9a, T_FAR), F1(0xff, T_R0 + 3), F1(0xff, T_R0 + 5),
    F1(0xca, T_I16), F1(0xcb, T_NONE), F1(0x8e, T_M), F1(0x8c, T_M),
    F1(0xc4, T_M), F1(0xc5, T_M), F2(0x0f, 0xb2, T_M), F2(0x0f, 0xb4, T_M),
    F2(0x0f, 0xb5, T_M), F1(0x07, T_NONE), F1(0x17, T_NONE),
    F1(0x1f, T_NONE), F2(0x0f, 0xa1, T_NONE), F2(0x0f, 0xa9, T_NONE),
};

static const struct form plain_forms[] = {
    F1(0x01, T_M), F1(0x03, T_M), F1(0x05, T_IZ), F1(0x29, T_M),
    F1(0x31, T_M), F1(0x39, T_M), F1(0x50, T_NONE), F1(0x58, T_NONE),
    F1(0x60, T_NONE), F1(0x61, T_NONE), F1(0x62, T_M), F1(0x68, T_IZ),
    F1(0x69, T_MZ), F1(0x6a, T_I8), F1(0x74, T_I8), F1(0x75, T_I8),
    F1(0x80, T_M8), F1(0x81, T_MZ), F1(0x83, T_M8), F1(0x86, T_M),
    F1(0x87, T_M), F1(0x88, T_M), F1(0x89, T_M), F1(0x8a, T_M),
    F1(0x8b, T_M), F1(0x8d, T_M), F1(0x8f, T_R0), F1(0x90, T_NONE),
    F1(0x98, T_NONE), F1(0x99, T_NONE), F1(0x9b, T_NONE), F1(0xa4, T_NONE),
    F1(0xa5, T_NONE), F2(0xf3, 0xa4, T_NONE), F2(0xf3, 0xa5, T_NONE),
    F2(0xf3, 0xaa, T_NONE), F2(0xf3, 0xab, T_NONE), F2(0xf2, 0xae, T_NONE),
    F1(0xb8, T_IZ), F1(0xb9, T_IZ), F1(0xbb, T_IZ), F1(0xbe, T_IZ),
    F1(0xbf, T_IZ), F1(0xc0, T_M8), F1(0xc1, T_M8), F1(0xc2, T_I16),
    F1(0xc3, T_NONE), F1(0xc7, T_MZ), F1(0xc8, T_ENTER), F1(0xc9, T_NONE),
    F1(0xd8, T_M), F1(0xd9, T_M), F1(0xdb, T_M), F1(0xdd, T_M),
    F1(0xdf, T_M), F1(0xe2, T_I8), F1(0xe3, T_I8), F1(0xe8, T_IZ),
    F1(0xe9, T_IZ), F1(0xeb, T_I8), F1(0xf6, T_M), F1(0xf7, T_M),
    F1(0xfc, T_NONE), F1(0xfd, T_NONE), F1(0xfe, T_M), F1(0xff, T_M),
    F2(0x0f, 0x10, T_M), F2(0x0f, 0x11, T_M), F2(0x0f, 0x28, T_M),
    F2(0x0f, 0x29, T_M), F2(0x0f, 0x58, T_M), F2(0x0f, 0x6f, T_M),
    F2(0x0f, 0x7f, T_M), F2(0x0f, 0xab, T_M), F2(0x0f, 0xb1, T_M),
    F2(0x0f, 0xc1, T_M), F2(0x0f, 0xba, T_M8),
};

static const uint32_t msrs[] = {
    0x10, 0x1b, 0xfe, 0x174, 0x175, 0x176, 0x179, 0x1a0, 0x1d9, 0x200, 0x201,
    0x250, 0x277, 0x2ff, 0x3a, 0x480, 0x802, 0x830, 0xc0000080, 0xc0000081,
    0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102,
    0xc0000103, 0xc0010010, 0xc0010015, 0xc0010111, 0xc0010112, 0xc0010113,
    0xc0010114, 0xc0010117, 0xc0010020,
};

static const uint16_t ports[] = {
    0x20, 0x21, 0x40, 0x43, 0x60, 0x61, 0x64, 0x70, 0x71, 0x80, 0x92, 0xa0,
    0xa1, 0xb2, 0xcf8, 0xcf9, 0xcfc, 0x1f0, 0x1f2, 0x1f7, 0x3f6, 0x170, 0x3c4,
    0x3c5, 0x3ce, 0x3cf, 0x3d4, 0x3d5, 0x1ce, 0x1d0, 0x3f8, 0x3f9, 0x3fd,
    0x402, 0x510, 0x511, 0x514, 0xc000, 0xc010, 0xb000, 0xb004, 0xf4,
};

static const uint32_t addresses[] = {
    0, 0x1000, 0x8000, 0x9ff00, 0xa0000, 0xb8000, 0xc0000, 0xe0000, 0xfffff,
    0x100000, FUZZ_RAM - 4, FUZZ_RAM, 0x80000000, 0xfec00000, 0xfec00010,
    0xfee00020, 0xfee00080, 0xfee000b0, 0xfee00300, 0xfee00320, 0xfee00380,
    0xfffc0000, 0xffffffff, 0xfffffffe,
};

static uint32_t interesting(struct fuzz_random *r)
{
    switch (fuzz_below(r, 4)) {
    case 0:
        return PICK(r, addresses);
    case 1:
        return fuzz_below(r, FUZZ_RAM);
    case 2:
        return fuzz_below(r, 256);
    }
    return (uint32_t)fuzz_next(r);
}

/* mov reg, imm of 32 bits in every mode */
static void put_mov(struct out *o, enum fuzz_bits bits, unsigned reg,
                    uint32_t v)
{
    if (bits == FUZZ_16)
        put(o, 0x66, 1);
    put(o, 0xb8 + reg, 1);
    put(o, v, 4);
}

static void put_modrm(struct fuzz_random *r, struct out *o,
                      enum fuzz_bits bits, int reg)
{
    uint8_t modrm = (uint8_t)fuzz_next(r);
    unsigned mod, rm;

    if (reg >= 0)
        modrm = (uint8_t)((modrm & 0xc7) | reg << 3);
    mod = modrm >> 6;
    rm = modrm & 7;
    put(o, modrm, 1);
    if (mod == 3)
        return;
    if (bits == FUZZ_16) {
        if (mod == 1 || mod == 2 || rm == 6)
            put(o, fuzz_next(r), mod == 1 ? 1 : 2);
        return;
    }
    if (rm == 4)
        put(o, fuzz_next(r), 1);
    if (mod == 1)
        put(o, fuzz_next(r), 1);
    else if (mod == 2 || rm == 5)
        put(o, interesting(r), 4);
}

static void put_prefixes(struct fuzz_random *r, struct out *o,
                         enum fuzz_bits bits)
{
    static const uint8_t prefixes[] = { 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26,
                                        0x2e, 0x36, 0x3e, 0x64, 0x65 };

    while (fuzz_one_in(r, 6))
        put(o, PICK(r, prefixes), 1);
    if (bits == FUZZ_64 && fuzz_one_in(r, 3))
        put(o, 0x40 + fuzz_below(r, 16), 1);
}

static void put_form(struct fuzz_random *r, struct out *o,
                     enum fuzz_bits bits, const struct form *f)
{
    unsigned z = bits == FUZZ_16 ? 2 : 4;

    put_prefixes(r, o, bits);
    for (unsigned i = 0; i < f->n; i++)
        put(o, f->b[i], 1);
    switch (f->tail) {
    case T_NONE:
        return;
    case T_M:
    case T_M8:
    case T_MZ:
        put_modrm(r, o, bits, -1);
        if (f->tail != T_M)
            put(o, interesting(r), f->tail == T_M8 ? 1 : z);
        return;
    case T_I8:
    case T_I16:
    case T_IZ:
        put(o, interesting(r), f->tail == T_I8 ? 1 : f->tail == T_I16 ? 2 : z);
        return;
    case T_FAR:
        put(o, interesting(r), z);
        put(o, fuzz_below(r, 32) * 8 + fuzz_below(r, 8), 2);
        return;
    case T_ENTER:
        put(o, fuzz_next(r), 3);
        return;
    }
    put_modrm(r, o, bits, f->tail - T_R0);
}

/* Instructions that want something certain in registers. */
static void put_prepared(struct fuzz_random *r, struct out *o,
                         enum fuzz_bits bits)
{
    switch (fuzz_below(r, 4)) {
    case 0:                     /* an MSR that exists somewhere */
        put_mov(o, bits, RCX, fuzz_one_in(r, 8) ? (uint32_t)fuzz_next(r)
                                                 : PICK(r, msrs));
        put_mov(o, bits, RAX, interesting(r));
        put_mov(o, bits, RDX, fuzz_one_in(r, 2) ? 0 : interesting(r));
        put(o, fuzz_one_in(r, 3) ? 0x320f : 0x300f, 2);
        return;
    case 1:                     /* a device's port */
        put_mov(o, bits, RDX, fuzz_one_in(r, 4) ? (uint16_t)fuzz_next(r)
                               : PICK(r, ports) + fuzz_below(r, 4));
        put_mov(o, bits, RAX, interesting(r));
        put(o, 0xec + fuzz_below(r, 4), 1);
        return;
    case 2:                     /* a control register, few bits changed */
        put(o, 0xc0200f | fuzz_below(r, 5) << 19, 3);
        if (bits == FUZZ_16)
            put(o, 0x66, 1);
        put(o, 0x35, 1);        /* xor eax, one bit */
        put(o, 1u << fuzz_below(r, 32), 4);
        put(o, 0xc0220f | fuzz_below(r, 5) << 19, 3);
        return;
    }
    /* an address that is no RAM, or its end */
    put_mov(o, bits, RBX, PICK(r, addresses) + fuzz_below(r, 4));
    if (bits == FUZZ_16)
        put(o, 0x67, 1);
    put(o, fuzz_one_in(r, 2) ? 0x0389 : 0x038b, 2);
}

static void put_step(struct fuzz_random *r, struct out *o,
                     enum fuzz_bits bits)
{
    o->n = 0;
    switch (fuzz_below(r, 16)) {
    case 0:
        put(o, fuzz_next(r), 1 + fuzz_below(r, 8));
        return;
    case 1 ... 3:
        put_prepared(r, o, bits);
        break;
    case 4 ... 9:
        put_form(r, o, bits, &PICK(r, system_forms));
        break;
    default:
        put_form(r, o, bits, &PICK(r, plain_forms));
        break;
    }
    if (fuzz_one_in(r, 10))     /* damaged */
        o->b[fuzz_below(r, o->n)] ^= (uint8_t)(1u << fuzz_below(r, 8));
}

void fuzz_code(struct fuzz_random *r, enum fuzz_bits bits, uint8_t *code,
               size_t len)
{
    struct out o;

    for (size_t at = 0; at < len; at += o.n) {
        put_step(r, &o, bits);
        if (o.n > len - at)
            o.n = (unsigned)(len - at);
        memcpy(code + at, o.b, o.n);
    }
}
