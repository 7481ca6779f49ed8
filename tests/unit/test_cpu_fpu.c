/*
 * x87, MMX and SSE rules that do not depend on the numbers: environments,
 * availability (#NM, #UD), pending exceptions (#MF, FERR#, #XM), alignment.
 * What the instructions compute is compared with the processor by tests/cpu.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/cpu_harness.h"

#define DATA 0x00, 0x00, 0x01, 0x00     /* HARNESS_DATA as a displacement */

/* `start` clears CR4 and sets CR0 anew; then what the test wants. */
static void mode(struct harness *h, uint64_t cr0, uint64_t cr4)
{
    harness_protected(h);
    h->cpu.cr0 |= cr0;
    h->cpu.cr4 = cr4;
    h->cpu.fpu = (struct cpu_fpu){ .fcw = 0x37f, .mxcsr = 0x1f80 };
    h->ops->map_changed(h->engine);
}

/* Run to the code's own HLT. */
#define RUN(h, ...) do { \
        HARNESS_CODE_BYTES(h, __VA_ARGS__, 0xf4); \
        assert_int_equal(harness_run(h), ENGINE_HALTED); \
        assert_int_equal(harness_vector(h), -1); \
    } while (0)

/* Run into exception `v`. */
#define FAULT(h, v, ...) do { \
        HARNESS_CODE_BYTES(h, __VA_ARGS__, 0xf4); \
        assert_int_equal(harness_run(h), ENGINE_HALTED); \
        assert_int_equal(harness_vector(h), v); \
    } while (0)

/* The saved EIP of a fault without an error code. */
static uint32_t fault_ip(const struct harness *h)
{
    return harness_r32(h, (uint32_t)h->cpu.gpr[RSP]) - HARNESS_CODE;
}

/* ---- Environments -------------------------------------------------------- */

/* FLD1, FLDZ, FADD dword [DATA], then the store */
#define PREPARE 0xd9, 0xe8, 0xd9, 0xee, 0xd8, 0x05, DATA

static void test_env_protected32(void **state)
{
    struct harness *h = *state;
    static const uint32_t want[7] = {
        0xffff037f, 0xffff3000, 0xffff1fff, HARNESS_CODE + 4,
        0x00050000 | HARNESS_CS32, HARNESS_DATA, 0xffff0000 | HARNESS_DS32
    };

    mode(h, CR0_NE, 0);
    RUN(h, PREPARE, 0xd9, 0x35, 0x00, 0x01, 0x01, 0x00);
    for (unsigned n = 0; n < 7; n++)
        assert_int_equal(harness_r32(h, HARNESS_DATA + 0x100 + 4 * n),
                         want[n]);
}

static void test_env_protected16(void **state)
{
    struct harness *h = *state;
    static const uint16_t want[7] = {
        0x037f, 0x3000, 0x1fff, HARNESS_CODE + 4, HARNESS_CS32, 0x0000,
        HARNESS_DS32
    };

    mode(h, CR0_NE, 0);
    RUN(h, PREPARE, 0x66, 0xd9, 0x35, 0x00, 0x01, 0x01, 0x00);
    for (unsigned n = 0; n < 7; n++)
        assert_int_equal(harness_r16(h, HARNESS_DATA + 0x100 + 2 * n),
                         want[n]);
}

/* fld1; fadd dword [1234h] with DS=2000h; fnstenv [4000h] */
#define PREPARE_REAL 0xd9, 0xe8, 0xd8, 0x06, 0x34, 0x12

static void real_with_ds(struct harness *h)
{
    harness_real(h);
    h->cpu.fpu = (struct cpu_fpu){ .fcw = 0x37f, .mxcsr = 0x1f80 };
    h->cpu.seg[DS].sel = 0x2000;
    h->cpu.seg[DS].base = 0x20000;
}

static void test_env_real(void **state)
{
    struct harness *h = *state;
    static const uint16_t want16[7] = {
        0x037f, 0x3800, 0x3fff, HARNESS_CODE + 2, 0x0006, 0x1234, 0x2000
    };
    static const uint32_t want32[7] = {
        0xffff037f, 0xffff3800, 0xffff3fff, 0xffff0000 | (HARNESS_CODE + 2),
        0x0006, 0xffff1234, 0x2000
    };

    real_with_ds(h);
    RUN(h, PREPARE_REAL, 0xd9, 0x36, 0x00, 0x40);
    for (unsigned n = 0; n < 7; n++)
        assert_int_equal(harness_r16(h, 0x24000 + 2 * n), want16[n]);
    real_with_ds(h);
    RUN(h, PREPARE_REAL, 0x66, 0xd9, 0x36, 0x00, 0x40);
    for (unsigned n = 0; n < 7; n++)
        assert_int_equal(harness_r32(h, 0x24000 + 4 * n), want32[n]);
}

static void test_env_load_keeps_registers(void **state)
{
    struct harness *h = *state;
    const struct cpu_fpu *f = &h->cpu.fpu;

    mode(h, CR0_NE, 0);
    /* TOP=2, register 7 empty, 3 zero; an unmasked pending #Z */
    harness_w32(h, HARNESS_DATA, 0x037b);
    harness_w32(h, HARNESS_DATA + 4, 0x1004);
    harness_w32(h, HARNESS_DATA + 8, 0xc040);
    harness_w32(h, HARNESS_DATA + 12, 0x12345678);
    harness_w32(h, HARNESS_DATA + 16, 0xf91b0055);
    harness_w32(h, HARNESS_DATA + 20, 0x9abcdef0);
    harness_w32(h, HARNESS_DATA + 24, 0x0066);
    RUN(h, 0xd9, 0xe8, 0xd9, 0x25, DATA);       /* fld1 into 7; fldenv */
    assert_int_equal(f->fcw, 0x037b);
    assert_int_equal(f->fsw, 0x9084);           /* with ES and B */
    assert_int_equal(f->ftw, 0x7f);
    assert_int_equal(f->fip, 0x12345678);
    assert_int_equal(f->fcs, 0x55);
    assert_int_equal(f->fop, 0x11b);
    assert_int_equal(f->fdp, 0x9abcdef0);
    assert_int_equal(f->fds, 0x66);
    assert_int_equal(f->st[5][9], 0x3f);        /* register 7 is ST5 now */
}

static void test_fsave_frstor(void **state)
{
    struct harness *h = *state;
    struct cpu_fpu before;

    mode(h, CR0_NE, 0);
    RUN(h, 0xd9, 0xe8, 0xd9, 0xeb, 0xd9, 0xee); /* fld1; fldpi; fldz */
    before = h->cpu.fpu;
    h->cpu.rip = HARNESS_CODE;
    h->cpu.halted = false;
    RUN(h, 0xdd, 0x35, DATA);                   /* fnsave */
    assert_int_equal(h->cpu.fpu.fcw, 0x37f);
    assert_int_equal(h->cpu.fpu.fsw, 0);
    assert_int_equal(h->cpu.fpu.ftw, 0);
    assert_int_equal(h->cpu.fpu.fip, 0);
    assert_int_equal(harness_r32(h, HARNESS_DATA + 4), 0xffff2800);
    assert_int_equal(harness_r32(h, HARNESS_DATA + 8), 0xffff07ff);
    assert_memory_equal(h->ram + HARNESS_DATA + 28, before.st[0], 10);
    assert_memory_equal(h->ram + HARNESS_DATA + 48, before.st[2], 10);
    h->cpu.rip = HARNESS_CODE;
    h->cpu.halted = false;
    RUN(h, 0xdd, 0x25, DATA);                   /* frstor */
    assert_int_equal(h->cpu.fpu.fsw, before.fsw);
    assert_int_equal(h->cpu.fpu.ftw, before.ftw);
    for (unsigned n = 0; n < 3; n++)
        assert_memory_equal(h->cpu.fpu.st[n], before.st[n], 10);
}

/* Infinity, denormal, unnormal and NaN are "special", like no others. */
static void test_full_tags(void **state)
{
    struct harness *h = *state;
    struct cpu_fpu *f = &h->cpu.fpu;

    mode(h, CR0_NE, 0);
    f->ftw = 0x3f;                              /* TOP=0 */
    f->st[0][9] = 0x7f, f->st[0][8] = 0xff, f->st[0][7] = 0x80;
    f->st[1][0] = 1;
    f->st[2][9] = 0x3f, f->st[2][7] = 0x7f;
    f->st[3][9] = 0x3f, f->st[3][7] = 0x80;
    f->st[5][9] = 0x80;                         /* minus zero */
    RUN(h, 0xd9, 0x35, DATA);
    assert_int_equal(harness_r16(h, HARNESS_DATA + 8), 0xf52a);
}

static void test_control_keeps_pointers(void **state)
{
    struct harness *h = *state;

    mode(h, CR0_NE, 0);
    /* fld1; fnstcw [DATA]; fldcw [DATA]; fnstsw ax; fwait; fnclex */
    RUN(h, 0xd9, 0xe8, 0xd9, 0x3d, DATA, 0xd9, 0x2d, DATA, 0xdf, 0xe0, 0x9b,
        0xdb, 0xe2);
    assert_int_equal(h->cpu.fpu.fip, HARNESS_CODE);
    assert_int_equal(h->cpu.fpu.fop, 0x1e8);
    assert_int_equal(h->cpu.fpu.fdp, 0);
}

/* ---- Availability ---------------------------------------------------------- */

static void test_x87_available(void **state)
{
    struct harness *h = *state;

    mode(h, CR0_EM, 0);
    FAULT(h, EXC_NM, 0xd9, 0xe8);
    mode(h, CR0_TS, 0);
    FAULT(h, EXC_NM, 0xdb, 0xe3);               /* fninit too */
    mode(h, CR0_TS, 0);
    RUN(h, 0x9b);
    mode(h, CR0_MP, 0);
    RUN(h, 0x9b);
    mode(h, CR0_MP | CR0_TS, 0);
    FAULT(h, EXC_NM, 0x9b);
    mode(h, CR0_MP | CR0_EM, 0);
    RUN(h, 0x9b);
    mode(h, 0, 0);
    FAULT(h, EXC_UD, 0xdb, 0x0d, DATA);         /* fisttp is SSE3 */
    mode(h, 0, 0);
    FAULT(h, EXC_UD, 0xd9, 0xd1);
    mode(h, 0, 0);
    FAULT(h, EXC_UD, 0xf0, 0xd9, 0x05, DATA);   /* lock fld */
}

static void test_simd_available(void **state)
{
    struct harness *h = *state;

    mode(h, CR0_EM, CR4_OSFXSR);
    FAULT(h, EXC_UD, 0x0f, 0x58, 0xc0);         /* addps */
    mode(h, CR0_TS, CR4_OSFXSR);
    FAULT(h, EXC_NM, 0x0f, 0x58, 0xc0);
    mode(h, CR0_TS, 0);
    FAULT(h, EXC_UD, 0x0f, 0x58, 0xc0);
    mode(h, CR0_EM, 0);
    FAULT(h, EXC_UD, 0x0f, 0xfc, 0xc0);         /* paddb mm */
    mode(h, CR0_TS, 0);
    FAULT(h, EXC_NM, 0x0f, 0xfc, 0xc0);
    mode(h, 0, 0);
    RUN(h, 0x0f, 0xfc, 0xc0);
    mode(h, 0, 0);
    FAULT(h, EXC_UD, 0x66, 0x0f, 0xfc, 0xc0);   /* paddb xmm */
    mode(h, 0, CR4_OSFXSR);
    RUN(h, 0x66, 0x0f, 0xfc, 0xc0);
    mode(h, CR0_TS, CR4_OSFXSR);
    FAULT(h, EXC_NM, 0x0f, 0xae, 0x15, DATA);   /* ldmxcsr */
    mode(h, CR0_EM, CR4_OSFXSR);
    FAULT(h, EXC_NM, 0x0f, 0xae, 0x05, DATA);   /* fxsave */
}

/* Fences, prefetches, MOVNTI and CLFLUSH need nothing. */
static void test_no_fpu_needed(void **state)
{
    struct harness *h = *state;

    mode(h, CR0_TS | CR0_EM, 0);
    RUN(h, 0x0f, 0xae, 0xf8, 0x0f, 0xae, 0xe8, 0x0f, 0xae, 0xf0, 0x0f, 0x18,
        0x0d, DATA, 0x0f, 0xae, 0x3d, DATA, 0xb8, 1, 2, 3, 4, 0x0f, 0xc3,
        0x05, DATA);
    assert_int_equal(harness_r32(h, HARNESS_DATA), 0x04030201);
}

static void test_newer_is_undefined(void **state)
{
    struct harness *h = *state;

    mode(h, 0, CR4_OSFXSR);
    FAULT(h, EXC_UD, 0xf2, 0x0f, 0x12, 0xc0);   /* movddup */
    mode(h, 0, CR4_OSFXSR);
    FAULT(h, EXC_UD, 0x66, 0x0f, 0x7c, 0xc0);   /* haddpd */
    mode(h, 0, CR4_OSFXSR);
    FAULT(h, EXC_UD, 0xf2, 0x0f, 0xf0, 0x05, DATA);     /* lddqu */
    mode(h, 0, CR4_OSFXSR);
    FAULT(h, EXC_UD, 0xf0, 0x0f, 0x58, 0xc0);   /* lock addps */
    mode(h, 0, CR4_OSFXSR);
    FAULT(h, EXC_UD, 0x0f, 0xae, 0x25, DATA);   /* xsave */
}

/* ---- Pending x87 exceptions ------------------------------------------------- */

/* fldcw [DATA] with #Z unmasked; fldz; fld1; fdivrp: 1/0 */
#define DIVIDE 0xd9, 0x2d, DATA, 0xd9, 0xee, 0xd9, 0xe8, 0xde, 0xf1
#define DIVIDE_LEN 12

static void test_mf(void **state)
{
    struct harness *h = *state;

    mode(h, CR0_NE, CR4_OSFXSR);
    harness_w16(h, HARNESS_DATA, 0x37b);
    /* not by fnstsw, fnstcw, fxsave; by fld1 */
    FAULT(h, EXC_MF, DIVIDE, 0xdf, 0xe0, 0xd9, 0x3d, 0x00, 0x01, 0x01, 0x00,
          0x0f, 0xae, 0x05, 0x00, 0x02, 0x01, 0x00, 0xd9, 0xe8);
    assert_int_equal(fault_ip(h), DIVIDE_LEN + 2 + 6 + 7);
    assert_int_equal(h->cpu.gpr[RAX] & 0xffff, 0xb084);
    assert_int_equal(h->cpu.fpu.fip, HARNESS_CODE + 10);
    mode(h, CR0_NE, 0);
    FAULT(h, EXC_MF, DIVIDE, 0x9b);
    mode(h, CR0_NE, 0);
    FAULT(h, EXC_MF, DIVIDE, 0x0f, 0xfc, 0xc0); /* MMX waits too */
    mode(h, CR0_NE, 0);
    FAULT(h, EXC_MF, DIVIDE, 0xd9, 0x2d, DATA); /* and fldcw */
    mode(h, CR0_NE, 0);
    RUN(h, DIVIDE, 0xdb, 0xe2, 0x9b);           /* not after fnclex */
    assert_int_equal(h->cpu.fpu.fsw & 0x80ff, 0);
    mode(h, CR0_NE, 0);
    RUN(h, DIVIDE, 0xd9, 0x35, 0x00, 0x01, 0x01, 0x00, 0x9b);
    assert_int_equal(h->cpu.fpu.fcw, 0x37f);    /* fnstenv masks */
}

/* Unmasking a flag that is set makes it pending. */
static void test_fldcw_unmasks(void **state)
{
    struct harness *h = *state;

    mode(h, CR0_NE, 0);
    harness_w16(h, HARNESS_DATA, 0x37b);
    h->cpu.fpu.fsw = 0x0004;
    FAULT(h, EXC_MF, 0xd9, 0x2d, DATA, 0x9b);
    assert_int_equal(h->cpu.fpu.fsw, 0x8084);
    assert_int_equal(fault_ip(h), 6);
}

/* CR0.NE=0: FERR# is raised, the CPU waits in front of the instruction. */
static void test_ferr(void **state)
{
    struct harness *h = *state;

    mode(h, 0, 0);
    harness_w16(h, HARNESS_DATA, 0x37b);
    HARNESS_CODE_BYTES(h, DIVIDE, 0x90, 0xd9, 0xe8, 0xf4);
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_true(h->ferr);
    assert_int_equal(h->cpu.rip, HARNESS_CODE + DIVIDE_LEN + 1);
    assert_int_equal(h->cpu.fpu.fsw & 0x3800, 0x3000); /* nothing popped */
    h->cpu.rflags |= FLAG_IF;
    h->cpu.intr = true;
    h->vector = 0x75;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(harness_vector(h), 0x75);
    assert_int_equal(fault_ip(h), DIVIDE_LEN + 1);
    h->cpu.rip = HARNESS_CODE;
    h->cpu.halted = false;
    RUN(h, 0xdb, 0xe2);
    assert_false(h->ferr);
}

/* An unmasked #IA leaves the destination of a store as it was. */
static void test_store_suppressed(void **state)
{
    struct harness *h = *state;

    mode(h, CR0_NE, 0);
    harness_w16(h, HARNESS_DATA, 0x37e);
    harness_w32(h, HARNESS_DATA + 4, 0x11223344);
    /* fldcw; fld 2^40; fistp m32 */
    harness_w32(h, HARNESS_DATA + 8, 0x53800000);
    RUN(h, 0xd9, 0x2d, DATA, 0xd9, 0x05, 0x08, 0x00, 0x01, 0x00, 0xdb, 0x1d,
        0x04, 0x00, 0x01, 0x00);
    assert_int_equal(harness_r32(h, HARNESS_DATA + 4), 0x11223344);
    assert_int_equal(h->cpu.fpu.fsw, 0xb881);   /* and nothing popped */
}

/* A page fault in a store leaves stack and pointers alone. */
static void test_store_page_fault(void **state)
{
    struct harness *h = *state;

    mode(h, CR0_NE, 0);
    harness_paging(h, 0x80000);
    *harness_pte(h, HARNESS_DATA) &= ~1u;
    FAULT(h, EXC_PF, 0xd9, 0xe8, 0xdb, 0x3d, DATA);     /* fstp m80 */
    assert_int_equal(h->cpu.fpu.fsw, 0x3800);
    assert_int_equal(h->cpu.fpu.ftw, 0x80);
    assert_int_equal(h->cpu.fpu.fip, HARNESS_CODE);
}

/*
 * Nor does one that an unmasked #IS would suppress escape what the operand's
 * address raises: alignment, and before it the page.
 */
static void test_store_operand_first(void **state)
{
    static const uint8_t forms[][2] = {
        { 0xd9, 2 }, { 0xd9, 3 }, { 0xdb, 2 }, { 0xdb, 3 }, { 0xdb, 7 },
        { 0xdd, 2 }, { 0xdd, 3 }, { 0xdf, 2 }, { 0xdf, 3 }, { 0xdf, 6 },
        { 0xdf, 7 },
    };
    struct harness *h = *state;

    for (unsigned n = 0; n < 2 * sizeof(forms) / sizeof(forms[0]); n++) {
        const uint8_t *form = forms[n / 2];
        uint8_t code[7] = { form[0], form[1] << 3 | 5, 1, 0, 1, 0, 0xf4 };

        harness_user(h);
        h->cpu.cr0 |= CR0_AM | CR0_NE;
        h->cpu.rflags |= FLAG_AC;
        harness_paging(h, 0x80000);
        if (n & 1)
            *harness_pte(h, HARNESS_DATA) &= ~2u;
        h->ops->map_changed(h->engine);
        h->cpu.fpu.fcw = 0x37e;
        harness_code(h, code, sizeof(code));
        harness_run(h);
        assert_int_equal(harness_vector(h), n & 1 ? EXC_PF : EXC_AC);
        assert_int_equal(h->cpu.fpu.fsw, 0);
    }
}

/* ---- SSE exceptions --------------------------------------------------------- */

/* ldmxcsr [DATA]; divps xmm1, xmm0 with 1.0 / 0 in one element */
#define DIVPS 0x0f, 0xae, 0x15, DATA, 0x0f, 0x5e, 0xc8

static void test_xm(void **state)
{
    struct harness *h = *state;
    static const float ones[4] = { 1.0f, 1.0f, 1.0f, 1.0f };
    static const float zeros[4] = { 3.0f, 0.0f, 1.0f, 1.0f };
    static const uint64_t cr4[2] = { CR4_OSFXSR | CR4_OSXMMEXCPT, CR4_OSFXSR };

    for (unsigned n = 0; n < 2; n++) {
        mode(h, CR0_NE, cr4[n]);
        harness_w32(h, HARNESS_DATA, 0x1d80);   /* #Z unmasked */
        memcpy(h->cpu.fpu.xmm[0], zeros, 16);
        memcpy(h->cpu.fpu.xmm[1], ones, 16);
        FAULT(h, n ? EXC_UD : EXC_XM, DIVPS);
        assert_int_equal(fault_ip(h), 7);
        assert_memory_equal(h->cpu.fpu.xmm[1], ones, 16);
        /* ZE alone: the inexact 1/3 was not computed */
        assert_int_equal(h->cpu.fpu.mxcsr, 0x1d84);
    }
    mode(h, CR0_NE, CR4_OSFXSR);
    harness_w32(h, HARNESS_DATA, 0x1f80);
    memcpy(h->cpu.fpu.xmm[0], zeros, 16);
    memcpy(h->cpu.fpu.xmm[1], ones, 16);
    RUN(h, DIVPS);
    assert_int_equal(h->cpu.fpu.mxcsr, 0x1fa4);
}

/* ---- Alignment, reserved bits ------------------------------------------------ */

static void test_sse_alignment(void **state)
{
    struct harness *h = *state;

    mode(h, 0, CR4_OSFXSR);
    FAULT(h, EXC_GP, 0x0f, 0x28, 0x05, 0x08, 0x00, 0x01, 0x00); /* movaps */
    assert_int_equal(harness_r32(h, (uint32_t)h->cpu.gpr[RSP]), 0);
    mode(h, 0, CR4_OSFXSR);
    RUN(h, 0x0f, 0x10, 0x05, 0x08, 0x00, 0x01, 0x00);           /* movups */
    mode(h, 0, CR4_OSFXSR);
    FAULT(h, EXC_GP, 0x0f, 0x58, 0x05, 0x04, 0x00, 0x01, 0x00); /* addps */
    mode(h, 0, CR4_OSFXSR);
    RUN(h, 0xf3, 0x0f, 0x58, 0x05, 0x05, 0x00, 0x01, 0x00);     /* addss */
    mode(h, 0, CR4_OSFXSR);
    FAULT(h, EXC_GP, 0x0f, 0xae, 0x05, 0x08, 0x00, 0x01, 0x00); /* fxsave */
    mode(h, 0, CR4_OSFXSR);
    FAULT(h, EXC_GP, 0x0f, 0xae, 0x0d, 0x08, 0x00, 0x01, 0x00); /* fxrstor */
    /* it is the linear address that counts */
    mode(h, 0, CR4_OSFXSR);
    h->cpu.seg[DS].base = 8;
    RUN(h, 0x0f, 0x28, 0x05, 0x08, 0x00, 0x01, 0x00);
}

static void test_mxcsr_reserved(void **state)
{
    struct harness *h = *state;

    mode(h, 0, CR4_OSFXSR);
    harness_w32(h, HARNESS_DATA, 0x10000);
    FAULT(h, EXC_GP, 0x0f, 0xae, 0x15, DATA);
    assert_int_equal(h->cpu.fpu.mxcsr, 0x1f80);
    mode(h, 0, CR4_OSFXSR);
    harness_w32(h, HARNESS_DATA + 24, 0x80001f80);
    FAULT(h, EXC_GP, 0x0f, 0xae, 0x0d, DATA);
    assert_int_equal(h->cpu.fpu.mxcsr, 0x1f80);
    mode(h, 0, CR4_OSFXSR);
    harness_w32(h, HARNESS_DATA, 0xffff);
    RUN(h, 0x0f, 0xae, 0x15, DATA, 0x0f, 0xae, 0x1d, 0x10, 0x00, 0x01, 0x00);
    assert_int_equal(harness_r32(h, HARNESS_DATA + 16), 0xffff);
}

/* ---- FXSAVE, MMX ------------------------------------------------------------ */

static void test_fxsave(void **state)
{
    struct harness *h = *state;
    struct cpu_fpu image, before;

    mode(h, CR0_NE, CR4_OSFXSR);
    memset(h->ram + HARNESS_DATA + 0x100, 0xa5, 512);
    memset(h->cpu.fpu.xmm[7], 0x77, 16);
    RUN(h, PREPARE, 0x0f, 0xae, 0x05, 0x00, 0x01, 0x01, 0x00);
    memcpy(&image, h->ram + HARNESS_DATA + 0x100, sizeof(image));
    assert_int_equal(image.fcw, 0x37f);
    assert_int_equal(image.fsw, 0x3000);
    assert_int_equal(image.ftw, 0xc0);
    assert_int_equal(image.fop, 0x005);
    assert_int_equal(image.fip, HARNESS_CODE + 4);
    assert_int_equal(image.fcs, HARNESS_CS32);
    assert_int_equal(image.fdp, HARNESS_DATA);
    assert_int_equal(image.fds, HARNESS_DS32);
    assert_int_equal(image.mxcsr, 0x1f80);
    assert_int_equal(image.mxcsr_mask, 0xffff);
    assert_int_equal(image.xmm[7][15], 0x77);
    assert_int_equal(image.xmm[8][0], 0xa5);    /* not of this processor */
    assert_int_equal(image.reserved3[95], 0xa5);
    before = h->cpu.fpu;
    mode(h, CR0_NE, CR4_OSFXSR);
    RUN(h, 0x0f, 0xae, 0x0d, 0x00, 0x01, 0x01, 0x00);
    assert_memory_equal(&h->cpu.fpu, &before, 24);
    assert_memory_equal(h->cpu.fpu.st, before.st, sizeof(before.st));
    assert_memory_equal(h->cpu.fpu.xmm[7], before.xmm[7], 16);
}

static void test_mmx_transition(void **state)
{
    struct harness *h = *state;
    const struct cpu_fpu *f = &h->cpu.fpu;

    mode(h, CR0_NE, 0);
    h->cpu.gpr[RAX] = 0x12345678;
    RUN(h, 0xd9, 0xe8, 0x0f, 0x6e, 0xd0);       /* fld1; movd mm2, eax */
    assert_int_equal(f->fsw & 0x3800, 0);
    assert_int_equal(f->ftw, 0xff);
    assert_int_equal(f->st[2][0], 0x78);
    assert_int_equal(f->st[2][4], 0);
    assert_int_equal(f->st[2][9], 0xff);
    assert_int_equal(f->st[7][9], 0x3f);        /* FLD1 went to register 7 */
    h->cpu.rip = HARNESS_CODE;
    h->cpu.halted = false;
    RUN(h, 0x0f, 0x77);                         /* emms */
    assert_int_equal(f->ftw, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_env_protected32, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(test_env_protected16, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(test_env_real, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(test_env_load_keeps_registers, harness_setup,
                                        harness_teardown),
        cmocka_unit_test_setup_teardown(test_fsave_frstor, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(test_full_tags, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(test_control_keeps_pointers, harness_setup,
                                        harness_teardown),
        cmocka_unit_test_setup_teardown(test_x87_available, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(test_simd_available, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(test_no_fpu_needed, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(test_newer_is_undefined, harness_setup,
                                        harness_teardown),
        cmocka_unit_test_setup_teardown(test_mf, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(test_fldcw_unmasks, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(test_ferr, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(test_store_suppressed, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(test_store_page_fault, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(test_store_operand_first, harness_setup,
                                        harness_teardown),
        cmocka_unit_test_setup_teardown(test_xm, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(test_sse_alignment, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(test_mxcsr_reserved, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(test_fxsave, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(test_mmx_transition, harness_setup, harness_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
