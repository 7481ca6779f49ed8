/*
 * Lazy arithmetic flags. An instruction leaves its result and the vector of
 * carries; a condition takes from them what it needs.
 *
 *   lf_res  low half: the result, sign-extended to 32 bits; high half: zero,
 *           except after POPF and the like, where it holds what makes SF and
 *           PF differ from the result's.
 *   lf_aux  bit 31: CF. Bit 30: CF xor OF, which is the carry into the
 *           top bit after an addition. Bit 3: AF.
 */
#ifndef EMU_CPU_FLAGS_H
#define EMU_CPU_FLAGS_H

#include "emu/cpu/cpu.h"

#define AUX_CF 0x80000000u
#define AUX_PO 0x40000000u
#define AUX_AF 0x00000008u

enum cond { COND_O, COND_NO, COND_B, COND_NB, COND_Z, COND_NZ, COND_BE,
            COND_NBE, COND_S, COND_NS, COND_P, COND_NP, COND_L, COND_NL,
            COND_LE, COND_NLE };

static inline bool flag_cf(const struct cpu *c)
{
    return c->run.lf_aux >> 31;
}

static inline bool flag_of(const struct cpu *c)
{
    return (c->run.lf_aux ^ c->run.lf_aux << 1) >> 31;
}

static inline bool flag_zf(const struct cpu *c)
{
    return (uint32_t)c->run.lf_res == 0;
}

static inline bool flag_sf(const struct cpu *c)
{
    return ((uint32_t)c->run.lf_res ^ (uint32_t)(c->run.lf_res >> 32)) >> 31;
}

static inline bool flag_pf(const struct cpu *c)
{
    return !__builtin_parity((uint8_t)(c->run.lf_res ^ c->run.lf_res >> 32));
}

static inline bool flag_af(const struct cpu *c)
{
    return c->run.lf_aux & AUX_AF;
}

/* The condition of Jcc, SETcc and CMOVcc (SDM vol. 2, appendix B.1.4.7). */
static inline bool flags_cond(const struct cpu *c, enum cond cc)
{
    bool v;

    switch (cc >> 1) {
    case 0: v = flag_of(c); break;
    case 1: v = flag_cf(c); break;
    case 2: v = flag_zf(c); break;
    case 3: v = flag_cf(c) | flag_zf(c); break;
    case 4: v = flag_sf(c); break;
    case 5: v = flag_pf(c); break;
    case 6: v = flag_sf(c) ^ flag_of(c); break;
    default: v = flag_zf(c) | (flag_sf(c) ^ flag_of(c)); break;
    }
    return v ^ (cc & 1);
}

/* The vector of carries out of each bit of a + b = r, and of a - b = r. */
static inline uint32_t carries(uint32_t a, uint32_t b, uint32_t r)
{
    return (a & b) | ((a | b) & ~r);
}

static inline uint32_t borrows(uint32_t a, uint32_t b, uint32_t r)
{
    return (~a & b) | ((~a | b) & r);
}

/* Sign-extended result of `bits` bits. */
static inline uint32_t flags_extend(uint32_t r, unsigned bits)
{
    return bits == 8 ? (uint32_t)(int8_t)r :
           bits == 16 ? (uint32_t)(int16_t)r : r;
}

/* After an operation on `bits` bits with that vector of carries. */
static inline void flags_carries(struct cpu *c, uint32_t r, uint32_t vec,
                                 unsigned bits)
{
    c->run.lf_res = flags_extend(r, bits);
    c->run.lf_aux = bits == 32 ? vec : vec << (32 - bits) | (vec & AUX_AF);
}

static inline void flags_logic(struct cpu *c, uint32_t r, unsigned bits)
{
    c->run.lf_res = flags_extend(r, bits);
    c->run.lf_aux = 0;
}

/* Set CF and OF, clear AF; the result's flags are separate. */
static inline void flags_cf_of(struct cpu *c, bool cf, bool of)
{
    c->run.lf_aux = (uint32_t)cf << 31 | (uint32_t)(cf ^ of) << 30;
}

/* INC and DEC leave CF alone. */
static inline void flags_inc_dec(struct cpu *c, uint32_t r, unsigned bits,
                                 bool of, bool af)
{
    flags_cf_of(c, flag_cf(c), of);
    c->run.lf_aux |= af ? AUX_AF : 0;
    c->run.lf_res = flags_extend(r, bits);
}

static inline void flags_set_cf(struct cpu *c, bool cf)
{
    uint32_t po = cf ^ flag_of(c);

    c->run.lf_aux = (c->run.lf_aux & ~(AUX_CF | AUX_PO)) |
                    (uint32_t)cf << 31 | po << 30;
}

/* The six arithmetic flags, as RFLAGS has them. */
static inline uint32_t flags_arith(const struct cpu *c)
{
    return (flag_cf(c) ? FLAG_CF : 0) | (flag_pf(c) ? FLAG_PF : 0) |
           (flag_af(c) ? FLAG_AF : 0) | (flag_zf(c) ? FLAG_ZF : 0) |
           (flag_sf(c) ? FLAG_SF : 0) | (flag_of(c) ? FLAG_OF : 0);
}

/* Replace all six arithmetic flags. */
static inline void flags_set_arith(struct cpu *c, uint32_t f)
{
    uint32_t low = f & FLAG_ZF ? 0 : 1;
    uint32_t high = (f & FLAG_SF ? 0x80000000u : 0) |
                    (low ^ (f & FLAG_PF ? 0 : 1));

    c->run.lf_res = (uint64_t)high << 32 | low;
    flags_cf_of(c, f & FLAG_CF, f & FLAG_OF);
    c->run.lf_aux |= f & FLAG_AF ? AUX_AF : 0;
}

#endif
