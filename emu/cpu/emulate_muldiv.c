/*
 * MUL, IMUL, DIV and IDIV of an operand with the accumulator for the
 * one-instruction emulator (F6, F7 /4 to /7; SDM vol. 2).
 */
#include "emu/cpu/emulate_internal.h"

typedef unsigned __int128 wide;

/* AX of bytes, else rDX:rAX. */
static void set_pair(struct emul *e, unsigned size, uint64_t low,
                     uint64_t high)
{
    if (size == 1) {
        emul_set_reg(e, RAX, 2, (low & 0xff) | high << 8);
        return;
    }
    emul_set_reg(e, RAX, size, low);
    emul_set_reg(e, RDX, size, high);
}

/* CF and OF: the upper half says something. The others are left alone. */
static void multiply(struct emul *e, unsigned size, uint64_t v, bool is_signed)
{
    uint64_t a = emul_reg(e, RAX, size), low;
    struct cpu *c = e->c;
    bool carry;
    wide r;

    if (is_signed) {
        r = (wide)((__int128)emul_extend(a, size) * emul_extend(v, size));
        low = emul_trim((uint64_t)r, size);
        carry = r != (wide)emul_extend(low, size);
    } else {
        r = (wide)a * v;
        low = emul_trim((uint64_t)r, size);
        carry = r != low;
    }
    set_pair(e, size, low, (uint64_t)(r >> size * 8));
    c->rflags &= ~(uint64_t)(FLAG_CF | FLAG_OF);
    if (carry)
        c->rflags |= FLAG_CF | FLAG_OF;
}

static wide dividend(const struct emul *e, unsigned size, bool is_signed)
{
    const uint64_t *gpr = e->c->gpr;
    uint64_t v;

    if (size == 8)
        return (wide)gpr[RDX] << 64 | gpr[RAX];
    v = size == 1 ? emul_trim(gpr[RAX], 2)
                  : emul_trim(gpr[RDX], size) << size * 8 |
                    emul_trim(gpr[RAX], size);
    return is_signed ? (wide)emul_extend(v, 2 * size) : v;
}

static uint64_t negate_if(bool yes, uint64_t v)
{
    return yes ? -v : v;
}

/* False: the divisor is zero, or the quotient does not fit. */
static bool divide(struct emul *e, unsigned size, uint64_t v, bool is_signed)
{
    wide n = dividend(e, size, is_signed);
    uint64_t d = is_signed ? (uint64_t)emul_extend(v, size) : v, q, r;
    bool n_negative = is_signed && n >> 127, d_negative = is_signed && d >> 63;
    uint64_t most = emul_trim(~0ull, size);

    if (n_negative)
        n = -n;
    d = negate_if(d_negative, d);
    if (d <= n >> 64)           /* also a divisor of zero */
        return false;
    __asm__("divq %[d]" : "=a"(q), "=d"(r)
            : "a"((uint64_t)n), "d"((uint64_t)(n >> 64)), [d] "r"(d) : "cc");
    if (is_signed)
        most = (most >> 1) + (n_negative != d_negative);
    if (q > most)
        return false;
    /* The remainder has the dividend's sign. */
    set_pair(e, size, negate_if(n_negative != d_negative, q),
             negate_if(n_negative, r));
    return true;
}

bool emul_op_mul_div(struct emul *e)
{
    unsigned op = e->i.modrm >> 3 & 7;
    unsigned size = e->i.opcode & 1 ? e->i.opsize : 1;
    uint64_t v;

    if (!emul_read_rm(e, size, &v))
        return false;
    if (op >= 6)
        return divide(e, size, v, op == 7) || emul_raise(e, EXC_DE, 0);
    multiply(e, size, v, op == 5);
    return true;
}
