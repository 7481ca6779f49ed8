/*
 * FPU state over everything that may come between two instructions of one
 * stretch of code: faults, misses, exceptions, handlers, branches. A translator
 * keeps that state in the host's registers meanwhile. What single instructions
 * do is in test_cpu_fpu.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/cpu_harness.h"

#define DATA 0x00, 0x00, 0x01, 0x00     /* HARNESS_DATA as a displacement */
#define PAGES 0x30000u                  /* nothing has touched them */
#define LOOPS 40u
#define PAGE_TABLES 0x80000u

static void start(struct harness *h)
{
    harness_protected(h);
    h->cpu.cr0 |= CR0_NE;
    h->cpu.cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
    h->cpu.fpu = (struct cpu_fpu){ .fcw = 0x37f, .mxcsr = 0x1f80,
                                   .mxcsr_mask = 0xffff };
    h->ops->map_changed(h->engine);
}

#define FAULT(h, v, ...) do { \
        HARNESS_CODE_BYTES(h, __VA_ARGS__, 0xf4); \
        assert_int_equal(harness_run(h), ENGINE_HALTED); \
        assert_int_equal(harness_vector(h), v); \
    } while (0)
#define RUN(h, ...) FAULT(h, -1, __VA_ARGS__)

static void put_double(struct harness *h, uint32_t at, double v)
{
    memcpy(h->ram + at, &v, sizeof(v));
}

static double get_double(const struct harness *h, uint32_t at)
{
    double v;

    memcpy(&v, h->ram + at, sizeof(v));
    return v;
}

/* STn of what `start` left empty, as a number. */
static double st(const struct harness *h, unsigned n)
{
    long double v;

    memcpy(&v, h->cpu.fpu.st[n], 10);
    return (double)v;
}

/* #PF behind instructions that were done: state and pointers are theirs. */
static void test_page_fault(void **state)
{
    struct harness *h = *state;

    start(h);
    harness_paging(h, PAGE_TABLES);
    *harness_pte(h, PAGES) = 0;
    put_double(h, HARNESS_DATA, 2.5);
    h->cpu.gpr[RSI] = PAGES;
    FAULT(h, EXC_PF,
        0xd9, 0xe8,                     /* fld1 */
        0xdc, 0x05, DATA,               /* faddl DATA */
        0x66, 0x0f, 0x76, 0xd2,         /* pcmpeqd %xmm2,%xmm2 */
        0xdd, 0x06,                     /* fldl (%esi) */
        0xd9, 0xee);                    /* fldz */
    assert_true(st(h, 0) == 3.5);
    assert_int_equal(h->cpu.fpu.ftw, 0x80);
    assert_int_equal(h->cpu.fpu.fip, HARNESS_CODE + 2);
    assert_int_equal(h->cpu.fpu.fcs, HARNESS_CS32);
    assert_int_equal(h->cpu.fpu.fdp, HARNESS_DATA);
    assert_int_equal(h->cpu.fpu.fds, HARNESS_DS32);
    assert_int_equal(h->cpu.fpu.fop, 0x405);
    for (unsigned n = 0; n < 16; n++)
        assert_int_equal(h->cpu.fpu.xmm[2][n], 0xff);
    assert_int_equal(h->cpu.fpu.mxcsr_mask, 0xffff);
}

/* Each access is the first to its page, x87 and SSE state in use all along. */
static void test_misses(void **state)
{
    struct harness *h = *state;

    start(h);
    for (unsigned n = 0; n < LOOPS; n++)
        put_double(h, PAGES + n * 0x1000, n);
    put_double(h, HARNESS_DATA, 7.25);
    h->cpu.gpr[RSI] = PAGES;
    h->cpu.gpr[RCX] = LOOPS;
    RUN(h,
        0xf2, 0x0f, 0x10, 0x05, DATA,           /* movsd DATA,%xmm0 */
        0xd9, 0xe8,                             /* fld1 */
        0xdd, 0x06,                             /* fldl (%esi) */
        0xd8, 0xc1,                             /* fadd %st(1) */
        0xdd, 0x5e, 0x08,                       /* fstpl 8(%esi) */
        0x66, 0x0f, 0x11, 0x46, 0x10,           /* movupd %xmm0,16(%esi) */
        0x81, 0xc6, 0x00, 0x10, 0x00, 0x00,     /* add $4096,%esi */
        0x49,                                   /* dec %ecx */
        0x75, 0xeb);                            /* jnz fldl */
    for (unsigned n = 0; n < LOOPS; n++) {
        assert_true(get_double(h, PAGES + n * 0x1000 + 8) == n + 1.0);
        assert_true(get_double(h, PAGES + n * 0x1000 + 16) == 7.25);
    }
    assert_true(st(h, 0) == 1.0);
    assert_int_equal(h->cpu.fpu.fdp, PAGES + (LOOPS - 1) * 0x1000 + 8);
}

/* Runs of few instructions: state goes and comes back between them. */
static void test_short_runs(void **state)
{
    struct harness *h = *state;

    start(h);
    put_double(h, HARNESS_DATA, 0.5);
    h->cpu.gpr[RCX] = 1000;
    HARNESS_CODE_BYTES(h,
        0xd9, 0xee,                             /* fldz */
        0xf2, 0x0f, 0x10, 0x0d, DATA,           /* movsd DATA,%xmm1 */
        0xdc, 0x05, DATA,                       /* faddl DATA */
        0xf2, 0x0f, 0x58, 0xc1,                 /* addsd %xmm1,%xmm0 */
        0x49,                                   /* dec %ecx */
        0x75, 0xf3,                             /* jnz faddl */
        0xf4);
    while (harness_step(h, 7) == ENGINE_BUDGET)
        assert_int_equal(h->cpu.fpu.mxcsr & 0x1f80, 0x1f80);
    assert_true(st(h, 0) == 500.0);
    memcpy(h->ram + HARNESS_DATA, h->cpu.fpu.xmm[0], 8);
    assert_true(get_double(h, HARNESS_DATA) == 500.0);
}

/* TS set behind instructions that were done: #NM at the next, not before. */
static void test_ts(void **state)
{
    struct harness *h = *state;

    start(h);
    FAULT(h, EXC_NM,
        0xd9, 0xe8,                     /* fld1 */
        0x0f, 0x20, 0xc0,               /* mov %cr0,%eax */
        0x83, 0xc8, 0x08,               /* or $TS,%eax */
        0x0f, 0x22, 0xc0,               /* mov %eax,%cr0 */
        0x90,
        0xd8, 0xc0);                    /* fadd %st */
    assert_true(st(h, 0) == 1.0);
    assert_int_equal(h->cpu.fpu.fip, HARNESS_CODE);
}

/* An exception that is unmasked in the middle; it waits for FLD1. */
static void test_unmasked(void **state)
{
    struct harness *h = *state;

    start(h);
    harness_w16(h, HARNESS_DATA, 0xc7f);        /* all masked, to zero */
    harness_w16(h, HARNESS_DATA + 2, 0x37b);    /* but division by zero */
    FAULT(h, EXC_MF,
        0xd9, 0xe8,                             /* fld1 */
        0xd9, 0x2d, DATA,                       /* fldcw DATA */
        0xd9, 0xee,                             /* fldz */
        0xd9, 0x2d, 0x02, 0x00, 0x01, 0x00,     /* fldcw DATA+2 */
        0xdc, 0xf9,                             /* fdivr %st,%st(1) */
        0x89, 0xe6,                             /* mov %esp,%esi */
        0xd9, 0xe8);                            /* fld1 */
    assert_int_equal(h->cpu.fpu.fsw, 0xb084);
    assert_int_equal(h->cpu.fpu.fcw, 0x37b);
    assert_int_equal(h->cpu.fpu.fip, HARNESS_CODE + 16);
    assert_true(st(h, 1) == 1.0);
    assert_int_equal((uint32_t)h->cpu.gpr[RSI], HARNESS_STACK);
    harness_w32(h, HARNESS_DATA, 0x1d80);
    start(h);
    FAULT(h, EXC_XM,
        0x0f, 0x57, 0xc0,                       /* xorps %xmm0,%xmm0 */
        0xf3, 0x0f, 0x5e, 0xc0,                 /* divss %xmm0,%xmm0: 0/0 */
        0x0f, 0xae, 0x15, DATA,                 /* ldmxcsr DATA */
        0x0f, 0x57, 0xc9,                       /* xorps %xmm1,%xmm1 */
        0xb8, 0x01, 0x00, 0x00, 0x00,           /* mov $1,%eax */
        0xf3, 0x0f, 0x2a, 0xc0,                 /* cvtsi2ss %eax,%xmm0 */
        0xf3, 0x0f, 0x5e, 0xc1);                /* divss %xmm1,%xmm0 */
    assert_int_equal(h->cpu.fpu.mxcsr, 0x1d84);
    assert_int_equal(h->cpu.fpu.xmm[0][3], 0x3f);
}

/* The x87 pointers behind each way out of the code that set them. */
static void test_pointers(void **state)
{
    struct harness *h = *state;

    for (uint32_t loops = 1; loops < 4; loops++) {
        start(h);
        h->cpu.gpr[RCX] = loops;
        RUN(h,
            0xd9, 0xee,                         /* fldz */
            0xd8, 0x05, DATA,                   /* fadds DATA */
            0xd9, 0xe1,                         /* fabs */
            0x49,                               /* dec %ecx */
            0x75, 0xfb,                         /* jnz fabs */
            0xd9, 0x35, 0x00, 0x01, 0x01, 0x00, /* fnstenv DATA+256 */
            0x31, 0xc0,                         /* xor %eax,%eax */
            0xd9, 0xe0,                         /* fchs */
            0x74, 0x01,                         /* jz over */
            0xf4,
            0xb8, 0x2a, 0x80, 0x00, 0x00,       /* mov $there,%eax */
            0xd9, 0x35, 0x20, 0x01, 0x01, 0x00, /* fnstenv DATA+288 */
            0xd9, 0xe1,                         /* fabs */
            0xff, 0xe0,                         /* jmp *%eax */
            0xf4,
            0xd9, 0x35, 0x40, 0x01, 0x01, 0x00);        /* fnstenv DATA+320 */
        assert_int_equal(harness_r32(h, HARNESS_DATA + 256 + 12),
                         HARNESS_CODE + 8);
        assert_int_equal(harness_r32(h, HARNESS_DATA + 288 + 12),
                         HARNESS_CODE + 0x15);
        assert_int_equal(harness_r32(h, HARNESS_DATA + 320 + 12),
                         HARNESS_CODE + 0x25);
        assert_int_equal(harness_r32(h, HARNESS_DATA + 320 + 20),
                         HARNESS_DATA);
    }
}

/* Comparisons leave flags that are asked for behind a missing access. */
static void test_compare_flags(void **state)
{
    struct harness *h = *state;

    start(h);
    h->cpu.gpr[RSI] = PAGES;
    h->cpu.gpr[RCX] = LOOPS;
    h->cpu.gpr[RBX] = h->cpu.gpr[RDX] = 0;
    RUN(h,
        0xd9, 0xe8, 0xd9, 0xee,                 /* fld1; fldz */
        0x66, 0x0f, 0x57, 0xc0,                 /* xorpd %xmm0,%xmm0 */
        0xf2, 0x0f, 0x2a, 0xc9,                 /* cvtsi2sd %ecx,%xmm1 */
        0x66, 0x0f, 0x2f, 0xc1,                 /* comisd %xmm1,%xmm0 */
        0x8b, 0x06,                             /* mov (%esi),%eax */
        0x83, 0xd3, 0x00,                       /* adc $0,%ebx */
        0xdb, 0xf1,                             /* fcomi %st(1),%st */
        0x8b, 0x86, 0x00, 0x00, 0x02, 0x00,     /* mov 0x20000(%esi),%eax */
        0x83, 0xd2, 0x00,                       /* adc $0,%edx */
        0x81, 0xc6, 0x00, 0x10, 0x00, 0x00,     /* add $4096,%esi */
        0x49,                                   /* dec %ecx */
        0x75, 0xe3);                            /* jnz comisd */
    assert_int_equal(h->cpu.gpr[RBX], LOOPS);
    assert_int_equal(h->cpu.gpr[RDX], LOOPS);
}

/* #GP comes from the address alone, whatever is known of its page. */
static void test_alignment(void **state)
{
    struct harness *h = *state;
    static const uint32_t at[] = { 0x1, 0x8, PAGES + 4, PAGES + 0xff8 };

    for (unsigned n = 0; n < sizeof(at) / sizeof(at[0]); n++) {
        harness_user(h);
        h->cpu.cr4 = CR4_OSFXSR;
        h->ops->map_changed(h->engine);
        h->cpu.gpr[RSI] = at[n];
        memset(h->cpu.fpu.xmm[3], 0x5a, 16);
        FAULT(h, EXC_GP, 0x0f, 0x57, 0xc0, 0x0f, 0x28, 0x1e);
        assert_int_equal(h->cpu.fpu.xmm[3][0], 0x5a);
        h->cpu.fpu.xmm[3][0] = 0;
    }
}

/* MMX takes the x87 registers, EMMS gives them back. */
static void test_mmx_between(void **state)
{
    struct harness *h = *state;

    start(h);
    harness_w32(h, HARNESS_DATA, 0x01020304);
    RUN(h,
        0xd9, 0xe8,                             /* fld1 */
        0x0f, 0x6e, 0x1d, DATA,                 /* movd DATA,%mm3 */
        0x0f, 0xfc, 0xdb,                       /* paddb %mm3,%mm3 */
        0x0f, 0x7e, 0xd8,                       /* movd %mm3,%eax */
        0x0f, 0x77,                             /* emms */
        0xd9, 0xeb);                            /* fldpi */
    assert_int_equal((uint32_t)h->cpu.gpr[RAX], 0x02040608);
    assert_int_equal(h->cpu.fpu.ftw, 0x80);
    assert_true(st(h, 0) > 3.14 && st(h, 0) < 3.15);
    assert_int_equal(h->cpu.fpu.fip, HARNESS_CODE + 17);
}

/* Strings over pages and loads of segments leave it where it is. */
static void test_calls_between(void **state)
{
    struct harness *h = *state;

    start(h);
    put_double(h, HARNESS_DATA, 1.5);
    h->cpu.gpr[RDX] = HARNESS_DS32;
    h->cpu.gpr[RBX] = LOOPS;
    RUN(h,
        0xd9, 0xe8,                             /* fld1 */
        0xf2, 0x0f, 0x10, 0x05, DATA,           /* movsd DATA,%xmm0 */
        0xbe, 0x00, 0x10, 0x02, 0x00,           /* mov $0x21000,%esi */
        0xbf, 0x04, 0x00, 0x03, 0x00,           /* mov $0x30004,%edi */
        0xb9, 0x00, 0x08, 0x00, 0x00,           /* mov $0x800,%ecx */
        0xf3, 0xa5,                             /* rep movsl */
        0x8e, 0xea,                             /* mov %edx,%gs */
        0xd8, 0xc0,                             /* fadd %st */
        0xf2, 0x0f, 0x58, 0xc0,                 /* addsd %xmm0,%xmm0 */
        0x4b,                                   /* dec %ebx */
        0x75, 0xe4,                             /* jnz mov */
        0xf4);
    assert_true(st(h, 0) == (double)(1ull << LOOPS));
    memcpy(h->ram + HARNESS_DATA, h->cpu.fpu.xmm[0], 8);
    assert_true(get_double(h, HARNESS_DATA) == 1.5 * (double)(1ull << LOOPS));
    assert_int_equal(h->cpu.gpr[RSI], 0x23000);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_page_fault), TEST(test_misses), TEST(test_short_runs),
        TEST(test_ts), TEST(test_unmasked), TEST(test_pointers),
        TEST(test_compare_flags), TEST(test_alignment),
        TEST(test_mmx_between), TEST(test_calls_between),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
