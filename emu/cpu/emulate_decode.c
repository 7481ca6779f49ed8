/*
 * Decoding for the one-instruction emulator: prefixes, opcode, ModRM, SIB,
 * displacement, immediate in 16, 32 and 64-bit code (SDM vol. 2, chapter 2 and
 * appendix A).
 */
#include <string.h>

#include "emu/cpu/emulate_internal.h"

#define INSN_MAX 15u

/*
 * What follows each opcode: '.' nothing, M ModRM, B imm8, W imm16, Z imm16/32,
 * V imm16/32/64, E imm16 and imm8, A address, F far pointer, P is a prefix or
 * escape; m, z: ModRM and B or Z; g, G: ModRM, and B or Z when reg is 0 or 1.
 */
static const char one_byte[] =
    "MMMMBZ..MMMMBZ.P" "MMMMBZ..MMMMBZ.." "MMMMBZP.MMMMBZP." "MMMMBZP.MMMMBZP."
    "................" "................" "..MMPPPPZzBm...." "BBBBBBBBBBBBBBBB"
    "mzmmMMMMMMMMMMMM" "..........F....." "AAAA....BZ......" "BBBBBBBBVVVVVVVV"
    "mmW.MMmzE.W..B.." "MMMMBB..MMMMMMMM" "BBBBBBBBZZFB...." "P.PP..gG......MM";
static const char two_byte[] =
    "MMMM.........M.m" "MMMMMMMMMMMMMMMM" "MMMM....MMMMMMMM" "........P.P....."
    "MMMMMMMMMMMMMMMM" "MMMMMMMMMMMMMMMM" "MMMMMMMMMMMMMMMM" "mmmmMMM.MM..MMMM"
    "ZZZZZZZZZZZZZZZZ" "MMMMMMMMMMMMMMMM" "...MmM.....MmMMM" "MMMMMMMMMMmMMMMM"
    "MMmMmmmM........" "MMMMMMMMMMMMMMMM" "MMMMMMMMMMMMMMMM" "MMMMMMMMMMMMMMMM";
_Static_assert(sizeof(one_byte) == 257, "one for each opcode");
_Static_assert(sizeof(two_byte) == 257, "one for each opcode");

struct fetcher {
    struct emul *e;
    uint64_t page_lin, page_phys;       /* of the page fetched from last */
    bool have_page;
};

static bool fetch_byte(struct fetcher *f, uint8_t *out)
{
    struct emul *e = f->e;
    struct cpu *c = e->c;
    uint64_t off = c->rip + e->i.len, lin;
    struct emul_span s = { .n = { 1, 0 } };

    if (e->i.len == INSN_MAX)
        return emul_raise(e, EXC_GP, 0);
    if (cpu_in_64bit_mode(c)) {
        lin = off;
        if (!cpu_canonical(lin))
            return emul_raise(e, EXC_GP, 0);
    } else {
        off = (uint32_t)off;
        lin = (uint32_t)(c->seg[CS].base + off);
        if (off > c->seg[CS].limit)
            return emul_raise(e, EXC_GP, 0);
    }
    if (!f->have_page || (lin & ~0xfffull) != f->page_lin) {
        uint64_t phys;

        if (!emul_translate(e, lin, MMU_FETCH, &phys))
            return false;
        f->page_lin = lin & ~0xfffull;
        f->page_phys = phys & ~0xfffull;
        f->have_page = true;
    }
    s.phys[0] = f->page_phys | (lin & 0xfff);
    emul_load(e, &s, out);
    e->i.len++;
    return true;
}

/* A little-endian number of 0..8 bytes, sign-extended. */
static bool fetch_int(struct fetcher *f, unsigned size, uint64_t *out)
{
    uint64_t v = 0;

    for (unsigned n = 0; n < size; n++) {
        uint8_t b;

        if (!fetch_byte(f, &b))
            return false;
        v |= (uint64_t)b << n * 8;
    }
    *out = size ? (uint64_t)emul_extend(v, size) : 0;
    return true;
}

/* ---- Prefixes ------------------------------------------------------------- */

struct prefixes {
    bool addrsize;
    uint8_t seg;                /* CPU_NOREG: none */
};

static bool take_prefix(struct emul_insn *i, struct prefixes *p, uint8_t b,
                        bool long_code)
{
    static const uint8_t segs[] = { ES, CS, SS, DS };

    switch (b) {
    case 0x26: case 0x2e: case 0x36: case 0x3e:
        if (!long_code)         /* null prefixes there (APM vol. 3, 1.2.4) */
            p->seg = segs[b >> 3 & 3];
        return true;
    case 0x64: case 0x65:
        p->seg = b == 0x64 ? FS : GS;
        return true;
    case 0x66:
        i->opsize_prefix = true;
        return true;
    case 0x67:
        p->addrsize = true;
        return true;
    case 0xf0:
        i->lock = true;
        return true;
    case 0xf2: case 0xf3:
        i->rep = b == 0xf3;
        i->repne = b == 0xf2;
        return true;
    default:
        return false;
    }
}

static void set_sizes(const struct cpu *c, struct emul_insn *i,
                      const struct prefixes *p, bool long_code)
{
    bool big = c->seg[CS].attr & SEG_DB;

    if (long_code) {
        i->addrsize = p->addrsize ? 4 : 8;
        i->opsize = i->rex & 8 ? 8 : i->opsize_prefix ? 2 : 4;
        return;
    }
    i->addrsize = big == p->addrsize ? 2 : 4;
    i->opsize = big == i->opsize_prefix ? 2 : 4;
}

/* ---- ModRM ---------------------------------------------------------------- */

static bool modrm_16(struct fetcher *f, struct emul_insn *i)
{
    static const uint8_t bases[8] = { RBX, RBX, RBP, RBP, RSI, RDI, RBP, RBX };
    static const uint8_t indices[8] = { RSI, RDI, RSI, RDI, CPU_NOREG,
                                        CPU_NOREG, CPU_NOREG, CPU_NOREG };
    unsigned mod = i->modrm >> 6, rm = i->modrm & 7, size = mod;

    i->base = bases[rm];
    i->index = indices[rm];
    if (mod == 0 && rm == 6) {
        i->base = CPU_NOREG;
        size = 2;
    }
    return fetch_int(f, size, (uint64_t *)&i->disp);
}

static bool modrm_32(struct fetcher *f, struct emul_insn *i, bool long_code)
{
    unsigned mod = i->modrm >> 6, rm = i->modrm & 7;
    unsigned size = mod == 1 ? 1 : mod == 2 ? 4 : 0;
    uint8_t sib;

    i->index = CPU_NOREG;
    i->base = (uint8_t)(rm | (i->rex & 1) << 3);
    if (rm == 4) {
        if (!fetch_byte(f, &sib))
            return false;
        i->scale = sib >> 6;
        i->index = (sib >> 3 & 7) | (i->rex & 2) << 2;
        if (i->index == RSP)
            i->index = CPU_NOREG;
        i->base = (uint8_t)((sib & 7) | (i->rex & 1) << 3);
        if (mod == 0 && (sib & 7) == 5) {
            i->base = CPU_NOREG;
            size = 4;
        }
    } else if (mod == 0 && rm == 5) {
        i->base = CPU_NOREG;
        i->rip_relative = long_code;
        size = 4;
    }
    return fetch_int(f, size, (uint64_t *)&i->disp);
}

static bool fetch_modrm(struct fetcher *f, struct emul_insn *i,
                        bool long_code)
{
    if (!fetch_byte(f, &i->modrm))
        return false;
    i->reg = (i->modrm >> 3 & 7) | (i->rex & 4) << 1;
    i->rm = (uint8_t)((i->modrm & 7) | (i->rex & 1) << 3);
    /* MOV CR and DR take a register whatever mod says (SDM vol. 2). */
    if (i->map == 1 && (i->opcode & 0xfc) == 0x20)
        i->modrm |= 0xc0;
    if (!emul_is_memory(i))
        return true;
    return i->addrsize == 2 ? modrm_16(f, i) : modrm_32(f, i, long_code);
}

/* ---- Immediates ----------------------------------------------------------- */

static bool fetch_immediate(struct fetcher *f, struct emul_insn *i, char what)
{
    unsigned z = i->opsize == 2 ? 2 : 4;
    uint64_t rest;

    switch (what) {
    case 'g': case 'G':
        if (i->modrm & 0x30)
            return true;
        return fetch_int(f, what == 'g' ? 1 : z, &i->imm);
    case 'B': case 'm':
        return fetch_int(f, 1, &i->imm);
    case 'W':
        return fetch_int(f, 2, &i->imm);
    case 'Z': case 'z':
        return fetch_int(f, z, &i->imm);
    case 'V':
        return fetch_int(f, i->opsize, &i->imm);
    case 'E':
        return fetch_int(f, 2, &i->imm) && fetch_int(f, 1, &rest);
    case 'F':
        return fetch_int(f, z, &i->imm) && fetch_int(f, 2, &rest);
    case 'A':
        if (!fetch_int(f, i->addrsize, &rest))
            return false;
        i->disp = (int64_t)rest;
        i->modrm = 0;           /* a memory operand, without registers */
        return true;
    default:
        return true;
    }
}

/* ---- All of it ------------------------------------------------------------ */

/* Prefixes, REX, escapes: up to and with the last opcode byte. */
static bool fetch_opcode(struct fetcher *f, struct prefixes *p, bool long_code)
{
    struct emul_insn *i = &f->e->i;
    uint8_t b;

    do {
        if (!fetch_byte(f, &b))
            return false;
    } while (take_prefix(i, p, b, long_code));
    if (long_code && (b & 0xf0) == 0x40) {
        i->rex = b;
        if (!fetch_byte(f, &b))
            return false;
        if (take_prefix(i, p, b, long_code) || (b & 0xf0) == 0x40) {
            /* REX not next to the opcode does nothing: start over from b. */
            i->rex = 0;
            i->len--;
            return fetch_opcode(f, p, long_code);
        }
    }
    if (b == 0x0f) {
        i->map = 1;
        if (!fetch_byte(f, &b))
            return false;
        if (b == 0x38 || b == 0x3a) {
            i->map = b == 0x38 ? 2 : 3;
            if (!fetch_byte(f, &b))
                return false;
        }
    }
    i->opcode = b;
    return true;
}

/* SS where the base is the stack's, else DS, unless a prefix says. */
static uint8_t operand_segment(const struct emul_insn *i,
                               const struct prefixes *p)
{
    if (p->seg != CPU_NOREG)
        return p->seg;
    return emul_is_memory(i) && (i->base == RSP || i->base == RBP) ? SS : DS;
}

bool emul_fetch_insn(struct emul *e)
{
    bool long_code = cpu_in_64bit_mode(e->c);
    struct prefixes p = { .seg = CPU_NOREG };
    struct fetcher f = { .e = e };
    struct emul_insn *i = &e->i;
    char what;

    memset(i, 0, sizeof(*i));
    i->modrm = 0xc0;
    i->base = i->index = CPU_NOREG;
    if (!fetch_opcode(&f, &p, long_code))
        return false;
    set_sizes(e->c, i, &p, long_code);
    what = i->map == 0 ? one_byte[i->opcode]
         : i->map == 1 ? two_byte[i->opcode] : i->map == 2 ? 'M' : 'm';
    if (strchr("MmzgG", what) && !fetch_modrm(&f, i, long_code))
        return false;
    if (!fetch_immediate(&f, i, what))
        return false;
    i->seg = operand_segment(i, &p);
    return true;
}

enum emul_status emul_decode(struct cpu *c, struct emul_insn *i,
                             struct emul_raise *r)
{
    struct emul e = { .c = c, .raise = r };

    if (!emul_fetch_insn(&e))
        return EMUL_RAISE;
    *i = e.i;
    return EMUL_DONE;
}
