/*
 * Arithmetic for the one-instruction emulator: the host's own instruction on
 * the same operands, so that results and flags are the processor's.
 */
#include "emu/cpu/emulate_internal.h"

/* CF as the guest has it; then, past any red zone, what came of RFLAGS. */
#define TAKE_CF   "bt $0, %k1\n\t"
#define GIVE_FLAGS "\n\tlea -128(%%rsp), %%rsp\n\tpushfq\n\tpop %1\n\t" \
                   "lea 128(%%rsp), %%rsp"
#define RUN(text, b_in) \
    __asm__ volatile(TAKE_CF text GIVE_FLAGS \
                     : "+&q"(a), "+&r"(f) : b_in(b) : "cc")

#define BY_SIZE(op, src, b_in) \
    switch (size) { \
    case 1: \
        RUN(op "b " src("b") "%b0", b_in); \
        break; \
    case 2: \
        RUN(op "w " src("w") "%w0", b_in); \
        break; \
    case 4: \
        RUN(op "l " src("k") "%k0", b_in); \
        break; \
    default: \
        RUN(op "q " src("q") "%q0", b_in); \
        break; \
    }
#define FROM_REG(letter) "%" letter "2, "
#define BY_CL(letter) "%%cl, "

static uint64_t merge_flags(uint64_t old, uint64_t host)
{
    return (old & ~(uint64_t)FLAGS_ARITH) | (host & FLAGS_ARITH);
}

uint64_t emul_alu(enum emul_alu op, unsigned size, uint64_t a, uint64_t b,
                  uint64_t *flags)
{
    uint64_t f = *flags;

    switch (op) {
    case ALU_ADD:
        BY_SIZE("add", FROM_REG, "q");
        break;
    case ALU_OR:
        BY_SIZE("or", FROM_REG, "q");
        break;
    case ALU_ADC:
        BY_SIZE("adc", FROM_REG, "q");
        break;
    case ALU_SBB:
        BY_SIZE("sbb", FROM_REG, "q");
        break;
    case ALU_AND:
        BY_SIZE("and", FROM_REG, "q");
        break;
    case ALU_XOR:
        BY_SIZE("xor", FROM_REG, "q");
        break;
    default:
        BY_SIZE("sub", FROM_REG, "q");
        break;
    }
    *flags = merge_flags(*flags, f);
    return emul_trim(a, size);
}

uint64_t emul_shift(unsigned op, unsigned size, uint64_t a, unsigned count,
                    uint64_t *flags)
{
    uint64_t f = *flags, b = count;
    unsigned keep = 0;

    /* A masked count of zero leaves the flags alone. */
    if (!(count & (size == 8 ? 63 : 31)))
        return a;
    switch (op) {
    case 0:
        BY_SIZE("rol", BY_CL, "c");
        break;
    case 1:
        BY_SIZE("ror", BY_CL, "c");
        break;
    case 2:
        BY_SIZE("rcl", BY_CL, "c");
        break;
    case 3:
        BY_SIZE("rcr", BY_CL, "c");
        break;
    case 5:
        BY_SIZE("shr", BY_CL, "c");
        break;
    case 7:
        BY_SIZE("sar", BY_CL, "c");
        break;
    default:
        BY_SIZE("shl", BY_CL, "c");
        break;
    }
    /* Rotates change CF and OF only. */
    if (op < 4)
        keep = FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF;
    *flags = (merge_flags(*flags, f) & ~(uint64_t)keep) | (*flags & keep);
    return emul_trim(a, size);
}

uint64_t emul_imul(unsigned size, uint64_t a, uint64_t b, uint64_t *flags)
{
    uint64_t f = *flags;

    switch (size) {
    case 2:
        RUN("imul %w2, %w0", "r");
        break;
    case 4:
        RUN("imul %k2, %k0", "r");
        break;
    default:
        RUN("imul %q2, %q0", "r");
        break;
    }
    /* The others are undefined: left alone. */
    *flags = (*flags & ~(uint64_t)(FLAG_CF | FLAG_OF)) |
             (f & (FLAG_CF | FLAG_OF));
    return emul_trim(a, size);
}

/* Condition codes 0..15 (SDM vol. 2, appendix B.1.4.7). */
bool emul_condition(uint64_t flags, unsigned code)
{
    bool cf = flags & FLAG_CF, zf = flags & FLAG_ZF, sf = flags & FLAG_SF;
    bool of = flags & FLAG_OF, pf = flags & FLAG_PF, r;

    switch (code >> 1) {
    case 0:
        r = of;
        break;
    case 1:
        r = cf;
        break;
    case 2:
        r = zf;
        break;
    case 3:
        r = cf || zf;
        break;
    case 4:
        r = sf;
        break;
    case 5:
        r = pf;
        break;
    case 6:
        r = sf != of;
        break;
    default:
        r = zf || sf != of;
        break;
    }
    return r != (code & 1);
}
