/*
 * What the translator takes natively, by opcode: all else is run by the
 * interpreter's handler. An emitter may still decline a form of it.
 */
#include "emu/jit/gen.h"

#define BYTE NATIVE_BYTE
#define SETS NATIVE_SETS
#define KEEPS NATIVE_KEEPS
#define M NATIVE_MODRM
#define LIGHT { NULL, NATIVE_LIGHT }

#define ALU_ROW(x, sets) \
    [x ... x + 3] = { emit_alu, BYTE | M | sets }, \
    [x + 4 ... x + 5] = { emit_alu, BYTE | sets }

static const struct native map0[256] = {
    ALU_ROW(0x00, SETS),                        /* ADD */
    ALU_ROW(0x08, SETS),                        /* OR */
    ALU_ROW(0x10, 0),                           /* ADC */
    ALU_ROW(0x18, 0),                           /* SBB */
    ALU_ROW(0x20, SETS),                        /* AND */
    ALU_ROW(0x28, SETS),                        /* SUB */
    ALU_ROW(0x30, SETS),                        /* XOR */
    ALU_ROW(0x38, SETS),                        /* CMP */
    [0x07] = { emit_pop_seg, NATIVE_LIGHT }, [0x17] = LIGHT,    /* POP SS */
    [0x1f] = { emit_pop_seg, NATIVE_LIGHT },
    [0x06] = { emit_push_seg, 0 }, [0x0e] = { emit_push_seg, 0 },
    [0x16] = { emit_push_seg, 0 }, [0x1e] = { emit_push_seg, 0 },
    [0x40 ... 0x4f] = { emit_inc_dec, 0 },
    [0x50 ... 0x57] = { emit_push, 0 },
    [0x58 ... 0x5f] = { emit_pop, 0 },
    [0x60] = { emit_push_all, 0 }, [0x61] = { emit_pop_all, 0 },
    [0x68] = { emit_push_imm, 0 }, [0x6a] = { emit_push_imm, 0 },
    [0x69] = { emit_imul, M | SETS }, [0x6b] = { emit_imul, M | SETS },
    [0x70 ... 0x7f] = { emit_jcc, 0 },
    [0x80 ... 0x83] = { emit_alu_imm, BYTE | M },
    [0x84 ... 0x85] = { emit_test, BYTE | M | SETS },
    [0x86 ... 0x87] = { emit_xchg, BYTE | M | KEEPS },
    [0x88 ... 0x8b] = { emit_mov, BYTE | M | KEEPS },
    [0x8c] = { emit_mov_from_seg, M | KEEPS },
    [0x8d] = { emit_lea, KEEPS },
    [0x8e] = { emit_mov_to_seg, M | NATIVE_LIGHT },
    [0x8f] = { emit_pop_m, 0 },
    [0x90 ... 0x97] = { emit_xchg_acc, KEEPS },
    [0x98 ... 0x99] = { emit_widen, KEEPS },
    [0x9b] = { emit_fwait, 0 },
    [0x9c] = { emit_pushf, 0 }, [0x9d] = { emit_popf, 0 },
    [0x9e ... 0x9f] = { emit_ah, 0 },           /* SAHF, LAHF */
    [0xa0 ... 0xa3] = { emit_moffs, BYTE },
    [0xa4 ... 0xa7] = { emit_string, BYTE },
    [0xa8 ... 0xa9] = { emit_test_acc, BYTE | SETS },
    [0xaa ... 0xaf] = { emit_string, BYTE },
    [0xb0 ... 0xbf] = { emit_mov_imm, KEEPS },
    [0xc0 ... 0xc1] = { emit_shift, BYTE | M },
    [0xc2 ... 0xc3] = { emit_ret, 0 },
    [0xc4 ... 0xc5] = LIGHT,                    /* LES, LDS */
    [0xc6 ... 0xc7] = { emit_mov_modrm_imm, BYTE | M | KEEPS },
    [0xc9] = { emit_leave, 0 },
    [0xd0 ... 0xd3] = { emit_shift, BYTE | M },
    [0xcd] = { emit_int, 0 }, [0xcf] = { emit_iret, 0 },
    [0xd7] = { emit_xlat, 0 },
    [0xe0 ... 0xe3] = { emit_loop, 0 },
    [0xd8 ... 0xdf] = { emit_x87, M },
    [0xe4 ... 0xe7] = LIGHT, [0xec ... 0xef] = LIGHT,   /* IN, OUT */
    [0xe8] = { emit_call, 0 },
    [0xe9] = { emit_jmp, 0 }, [0xeb] = { emit_jmp, 0 },
    [0xf4] = LIGHT,                             /* HLT */
    [0xf5] = { emit_carry, 0 }, [0xf8 ... 0xf9] = { emit_carry, 0 },
    [0xfa] = { emit_cli, 0 }, [0xfb] = { emit_sti, 0 },
    [0xfc ... 0xfd] = { emit_direction, KEEPS },
    [0xf6 ... 0xf7] = { emit_group3, BYTE | M },
    [0xfe ... 0xff] = { emit_group5, BYTE | M },
};

static const struct native map1[256] = {
    [0x10 ... 0x17] = { emit_simd, M }, [0x28 ... 0x2f] = { emit_simd, M },
    [0x50 ... 0x7f] = { emit_simd, M }, [0xae] = { emit_simd, M },
    [0xc2 ... 0xc6] = { emit_simd, M }, [0xd0 ... 0xff] = { emit_simd, M },
    [0x01] = LIGHT,                             /* LGDT, INVLPG ... */
    [0x06] = LIGHT, [0x08 ... 0x09] = LIGHT,    /* CLTS, INVD, WBINVD */
    [0x18 ... 0x1f] = { emit_nop, KEEPS },
    [0x20 ... 0x23] = LIGHT,                    /* MOV CRn, DRn */
    [0x31] = { emit_rdtsc, NATIVE_LIGHT },
    [0x30] = LIGHT, [0x32 ... 0x33] = LIGHT,    /* MSRs, RDPMC */
    [0x34 ... 0x35] = { emit_sysenter, NATIVE_LIGHT },
    [0x40 ... 0x4f] = { emit_cmov, M },
    [0x80 ... 0x8f] = { emit_jcc, 0 },
    [0x90 ... 0x9f] = { emit_set, M },
    [0xa0] = { emit_push_seg, 0 }, [0xa8] = { emit_push_seg, 0 },
    [0xa1] = { emit_pop_seg, NATIVE_LIGHT }, [0xa2] = LIGHT,    /* CPUID */
    [0xa9] = { emit_pop_seg, NATIVE_LIGHT },
    [0xb2] = LIGHT, [0xb4 ... 0xb5] = LIGHT,    /* LSS, LFS, LGS */
    [0xa3] = { emit_bit, M }, [0xab] = { emit_bit, M },
    [0xb3] = { emit_bit, M }, [0xbb] = { emit_bit, M },
    [0xba] = { emit_bit, M },
    [0xa4 ... 0xa5] = { emit_double_shift, M },
    [0xac ... 0xad] = { emit_double_shift, M },
    [0xaf] = { emit_imul, M | SETS },
    [0xb0 ... 0xb1] = { emit_exchange, BYTE | M | SETS },
    [0xc0 ... 0xc1] = { emit_exchange, BYTE | M | SETS },
    [0xc7] = { emit_cmpxchg8b, M },
    [0xb6 ... 0xb7] = { emit_extend, M | KEEPS },
    [0xbe ... 0xbf] = { emit_extend, M | KEEPS },
    [0xbc ... 0xbd] = { emit_scan, M },         /* with REP, the handler's */
    [0xc8 ... 0xcf] = { emit_bswap, KEEPS },
};

const struct native *native_find(unsigned map, uint8_t opcode)
{
    return &(map ? map1 : map0)[opcode];
}

/* What an instruction of registers does to the flags. */
enum effect { READS, PASSES, SETS_ALL };        /* PASSES: or sets some */

/* By an immediate of not zero: rotates, but through CF, keep most flags. */
static enum effect effect_of_shift(const struct insn *i, uint8_t op)
{
    unsigned count = op >= 0xd0 ? 1 : i->imm & 31;

    if (op >= 0xd2 || count == 0 || insn_reg(i) == 2 || insn_reg(i) == 3)
        return READS;
    return insn_reg(i) < 2 ? PASSES : SETS_ALL;
}

static enum effect effect_of(const struct native *e, const struct insn *i,
                             uint8_t op)
{
    if (e->attr & SETS)
        return SETS_ALL;
    if (e->emit == emit_alu_imm)
        return insn_reg(i) == 2 || insn_reg(i) == 3 ? READS : SETS_ALL;
    if (e->emit == emit_shift)
        return effect_of_shift(i, op);
    if (e->emit == emit_inc_dec || (e->attr & KEEPS))
        return PASSES;
    return READS;
}

/* Behind the first one; a trace may have been translated before. */
static bool raises(const struct gen *g, const struct insn *i)
{
    handler fn = i->fn == jit_enter ? g->jit->plain[jit_number(g->jit, i)]
                                    : i->fn;

    return fn == op_invalid || fn == op_too_long;
}

/*
 * Until all flags are set anew, nothing reads them, may fault or leaves the
 * trace: registers only.
 */
bool flags_are_dead(const struct gen *g)
{
    for (unsigned k = g->k + 1; k < g->trace->n; k++) {
        const struct native *e = native_find(g->maps[k], g->ops[k]);
        const struct insn *i = &g->trace->insn[k];
        enum effect effect = effect_of(e, i, g->ops[k]);

        if ((e->attr & M) && insn_mod(i) != 3)
            return false;
        if (raises(g, i))
            return false;
        if (effect == READS || (i->flags & (INSN_OP16 | INSN_ADDR16)))
            return false;
        if (effect == SETS_ALL)
            return true;
    }
    return false;
}
