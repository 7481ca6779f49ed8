#include "tests/cpu/traits.h"

#include <stdio.h>
#include <string.h>

#include "tests/cpu/state.h"

#define ABSENT (DATA_BASE + DATA_SIZE)
#define READ_ONLY (DATA_BASE + DATA_RW)

bool traits[TRAIT_COUNT];

/* ---- Runs ------------------------------------------------------------- */

static struct run_state start(void)
{
    struct run_state s = { .eip = CODE_START, .eflags = FLAG_1 | FLAG_IF };

    s.gpr[RSP] = STACK_BASE + PAGE;
    s.seg[CS] = SEL_CODE;
    s.seg[SS] = s.seg[DS] = s.seg[ES] = s.seg[GS] = SEL_DATA;
    s.fpu.fcw = 0x37f;
    s.fpu.mxcsr = 0x1f80;
    s.fpu.mxcsr_mask = 0xffff;
    return s;
}

/* In the IA-32 helper. */
static struct run_state run32(const struct run_state *in, const char *code,
                              unsigned n)
{
    struct run_state out;

    ia32_run(in, CODE_START - CODE_BASE, (const uint8_t *)code, n, &out);
    return out;
}

/* In 64-bit mode: memory operands need an address-size prefix. */
static struct run_state run64(const struct run_state *in, const char *code,
                              unsigned n)
{
    struct run_state out;

    memset(&out, 0, sizeof(out));
    native_code(CODE_START - CODE_BASE, (const uint8_t *)code, n);
    native_run(in, &out);
    return out;
}

static uint32_t native32(uint32_t linear)
{
    uint8_t *native, *emulated;
    uint32_t v = 0;

    if (area_at(linear, &native, &emulated))
        memcpy(&v, native, sizeof(v));
    return v;
}

static void put32(uint32_t linear, uint32_t v)
{
    area_write(linear, &v, sizeof(v));
}

/* ---- Probes ----------------------------------------------------------- */

static bool push_seg16(void)
{
    struct run_state in = start();

    put32(in.gpr[RSP] - 4, 0xa5a5a5a5);
    run32(&in, "\x1e", 1);              /* PUSH DS */
    return native32(in.gpr[RSP] - 4) == (0xa5a50000 | SEL_DATA);
}

static bool lar_limit(void)
{
    struct run_state in = start(), out;

    in.gpr[RAX] = SEL_DATA;
    out = run32(&in, "\x0f\x02\xc8", 3);        /* LAR ECX, EAX */
    return (out.gpr[RCX] & 0xf0000) == 0xf0000;
}

static bool arpl_keeps(void)
{
    struct run_state in = start();

    put32(READ_ONLY, 3);
    in.gpr[RAX] = READ_ONLY;
    return run32(&in, "\x63\x08", 2).vector == EXC_BP;  /* ARPL [EAX], CX */
}

static bool bound_lower(void)
{
    struct run_state in = start();

    put32(ABSENT - 4, 1);
    in.gpr[RAX] = ABSENT - 4;
    return run32(&in, "\x62\x08", 2).vector == EXC_GP;  /* BOUND ECX, [EAX] */
}

static bool flat_end(void)
{
    struct run_state in = start();

    in.gpr[RAX] = 0xffffffff;
    return run32(&in, "\x8b\x08", 2).vector == EXC_PF;  /* MOV ECX, [EAX] */
}

/* The last byte there is, 0, is compared with AL; then none is there. */
static bool scas_restores(const char *code, uint32_t al, uint32_t flags)
{
    struct run_state in = start(), out;

    put32(ABSENT - 4, 0);
    in.eflags |= flags;
    in.gpr[RAX] = al;
    in.gpr[RCX] = 4;
    in.gpr[RDI] = ABSENT - 1;
    out = run64(&in, code, 3);
    return out.gpr[RDI] == ABSENT && (out.eflags & FLAG_ZF) == flags;
}

static bool repe_flags(void)
{
    return scas_restores("\x67\xf3\xae", 0, 0);
}

static bool repne_flags(void)
{
    return scas_restores("\x67\xf2\xae", 1, FLAG_ZF);
}

static bool cmps_order(void)
{
    struct run_state in = start();

    in.gpr[RSI] = ABSENT;
    in.gpr[RDI] = ABSENT + 16;
    return run64(&in, "\x67\xa6", 2).cr2 == ABSENT + 16;        /* CMPSB */
}

static bool movu_no_ac(void)
{
    struct run_state in = start();

    in.eflags |= FLAG_AC;
    in.gpr[RAX] = DATA_BASE + 1;
    /* MOVUPS XMM0, [EAX] */
    return run64(&in, "\x67\x0f\x10\x00", 4).vector == EXC_BP;
}

static bool maskmov_order(void)
{
    struct run_state in = start();

    in.gpr[RDI] = ABSENT;
    /* MASKMOVDQU XMM0, XMM1 */
    return run64(&in, "\x67\x66\x0f\xf7\xc1", 5).cr2 == ABSENT + 8;
}

static bool mmx_top(void)
{
    struct run_state in = start();

    in.fpu.fsw = 0x3800;
    in.gpr[RAX] = ABSENT;
    return !run64(&in, "\x67\x0f\x7f\x00", 4).fpu.fsw;  /* MOVQ [EAX], MM0 */
}

static bool x87_no_store(void)
{
    struct run_state in = start();

    in.fpu.fcw &= ~1u;                  /* its stack is empty: invalid */
    in.gpr[RAX] = ABSENT;
    return run64(&in, "\x67\xdb\x10", 3).vector == EXC_BP;      /* FIST [EAX] */
}

static bool x87_parts(void)
{
    struct run_state in = start();

    put32(READ_ONLY - 4, 0xa5a5a5a5);
    in.fpu.ftw = 0xff;
    in.gpr[RAX] = READ_ONLY - 8;
    run64(&in, "\x67\xdb\x38", 3);      /* FSTP m80 [EAX] */
    return native32(READ_ONLY - 4) == 0;
}

/* Until GS is no longer what it was, or it has been read 50 million times. */
static bool null_cleared(void)
{
    struct run_state in = start();

    in.gpr[RAX] = 1;
    in.gpr[RCX] = 50000000;
    return !run32(&in, "\x8e\xe8"      /* MOV GS, EAX */
                  "\x8c\xea\x85\xd2"  /* MOV EDX, GS; TEST EDX, EDX */
                  "\x74\x03\x49\x75\xf7",   /* JZ; DEC ECX; JNZ */
                  11).seg[GS];
}

/* Each time: once in many runs is something else (main.c). */
static bool int1_fault(void)
{
    struct run_state in = start();

    for (unsigned n = 0; n < 4; n++)
        if (run64(&in, "\xf1", 1).eip != in.eip)
            return false;
    return true;
}

/* ---- Table ------------------------------------------------------------ */

static const struct {
    bool (*probe)(void);
    const char *text;
} table[TRAIT_COUNT] = {
    /* SDM vol. 2, PUSH */
    [TRAIT_PUSH_SEG16] = { push_seg16,
        "PUSH of a segment register writes 16 bits of its 32-bit slot" },
    /* SDM vol. 2, LAR: 00FxFF00h */
    [TRAIT_LAR_LIMIT] = { lar_limit,
        "LAR's bits 16 to 19, undefined, are those of the limit" },
    /* SDM vol. 2, ARPL: the pseudocode writes then only */
    [TRAIT_ARPL_KEEPS] = { arpl_keeps,
        "ARPL writes memory only where RPL grows" },
    /* not told: which of two operands, or of their faults, is first */
    [TRAIT_BOUND_LOWER] = { bound_lower,
        "BOUND compares with the lower bound before it reads the upper" },
    /* SDM vol. 3, 5.3, limit checking: may or may not */
    [TRAIT_FLAT_END] = { flat_end,
        "an access across the end of a flat segment is no #GP or #SS" },
    /* SDM vol. 2, REP: it is, and in newer issues it may be (REPNE) */
    [TRAIT_REPE_FLAGS] = { repe_flags,
        "a page fault in REPE CMPS or SCAS restores the flags" },
    [TRAIT_REPNE_FLAGS] = { repne_flags,
        "a page fault in REPNE CMPS or SCAS restores the flags" },
    /* not told either */
    [TRAIT_CMPS_ORDER] = { cmps_order,
        "CMPS reads the operand at EDI first" },
    /* SDM vol. 3, interrupt 17: may or may not */
    [TRAIT_MOVU_NO_AC] = { movu_no_ac,
        "MOVUPS, MOVUPD and MOVDQU need no alignment" },
    /* SDM vol. 3, 8.1.1: it may be several accesses */
    [TRAIT_MASKMOV_ORDER] = { maskmov_order,
        "MASKMOVDQU checks its upper 8 bytes first" },
    /* against SDM vol. 3, 6.5 (a fault restores the state): as an erratum */
    [TRAIT_MMX_TOP] = { mmx_top,
        "an MMX store that faults has cleared TOP" },
    /* SDM vol. 1, 8.5: then no result; a fault of its address is not told */
    [TRAIT_X87_NO_STORE] = { x87_no_store,
        "an x87 store that an unmasked exception stops touches no memory" },
    /* SDM vol. 3, 8.1.1: some of its accesses may complete */
    [TRAIT_X87_PARTS] = { x87_parts,
        "a 10-byte x87 store that faults may have written its first 8" },
    /* SDM vol. 2, IRET to an outer level: of what it may not keep */
    [TRAIT_NULL_CLEARED] = { null_cleared,
        "an interrupt makes null selectors 1 to 3 in data segments 0" },
    /* against SDM vol. 3, 6.5.1 (it is a trap): a hypervisor's doing */
    [TRAIT_INT1_FAULT] = { int1_fault,
        "INT1's #DB has the address of INT1 itself" },
};

void traits_find(void)
{
    printf("traits of this processor:\n");
    for (unsigned n = 0; n < TRAIT_COUNT; n++) {
        traits[n] = table[n].probe();
        if (traits[n])
            printf("  %s\n", table[n].text);
    }
    areas_equal();
}
