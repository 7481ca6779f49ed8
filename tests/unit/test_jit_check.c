/*
 * -accel jit,check=on: host code that does something else than the interpreter
 * is found, at once and with a report that says what. The wrong translations
 * are made by turning over a bit of a constant in good ones.
 */
#include "tests/unit/sys_harness.h"

#include <stdio.h>

#include "emu/jit/check.h"
#include "kernel/disassemble.h"
#include "kernel/platform.h"

#define DATA 0x30000u
#define LOOPS 40u
#define MARK 0x12345678u
#define TEXT 8192u

static char reported[TEXT];

static void report(void *ctx, const char *line)
{
    size_t used = strlen(reported);

    snprintf(reported + used, sizeof(reported) - used, "%s\n", line);
    assert_true(strlen(line) < 80);
}

static struct jit *jit_of(struct harness *h)
{
    return h->cpu.interp->jit;
}

static int setup(void **state)
{
    struct harness *h = harness_new(&engine_jit, HARNESS_RAM);

    *state = h;
    reported[0] = '\0';
    h->bus.report = report;
    h->bus.disassemble = disassemble;
    assert_int_equal(h->ops->check(h->engine, 1), 0);
    harness_protected(h);
    h->cpu.gpr[RCX] = LOOPS;
    h->cpu.gpr[RSI] = DATA;
    return 0;
}

/* Run once so that all is translated, then once more as it is or spoilt. */
static void run_first(struct harness *h)
{
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(harness_vector(h), -1);
    h->cpu.gpr[RCX] = LOOPS;
    h->cpu.gpr[RSI] = DATA;
    h->cpu.rip = HARNESS_CODE;
    h->cpu.halted = false;
}

/* Turn over a bit of MARK wherever it stands in translated code. */
static void spoil(struct harness *h)
{
    struct jit *j = jit_of(h);
    const uint32_t mark = MARK, wrong = MARK ^ 0x100;
    unsigned found = 0;

    for (uint8_t *p = j->start; p + 4 <= j->next; p++)
        if (!memcmp(p, &mark, 4)) {
            memcpy(p, &wrong, 4);
            found++;
        }
    assert_true(found > 0);
}

static void run_spoilt(struct harness *h, const char *line)
{
    run_first(h);
    spoil(h);
    assert_int_equal(harness_run(h), ENGINE_FAILED);
    if (!strstr(reported, line))
        fail_msg("no '%s' in:\n%s", line, reported);
}

static void test_equal(void **state)
{
    struct harness *h = *state;

    HARNESS_CODE_BYTES(h,
        0xb8, 0x78, 0x56, 0x34, 0x12,           /* mov $0x12345678,%eax */
        0x01, 0x06,                             /* add %eax,(%esi) */
        0xff, 0x44, 0x8e, 0x10,                 /* incl 16(%esi,%ecx,4) */
        0x50, 0xff, 0x34, 0x24,                 /* push %eax; push (%esp) */
        0x8f, 0x46, 0x04, 0x5b,                 /* pop 4(%esi); pop %ebx */
        0x49,                                   /* dec %ecx */
        0x75, 0xea,                             /* jnz back */
        0xf4);
    run_first(h);
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_string_equal(reported, "");
    assert_int_equal(harness_r32(h, DATA), (uint32_t)(MARK * 2 * LOOPS));
    assert_int_equal(harness_r32(h, DATA + 0x14), 2);
    assert_int_equal(harness_r32(h, DATA + 4), MARK);
    assert_true(jit_of(h)->check->compared >= LOOPS);
    assert_int_equal(jit_of(h)->check->unknown, 0);
}

static void test_register(void **state)
{
    struct harness *h = *state;

    HARNESS_CODE_BYTES(h,
        0xb8, 0x78, 0x56, 0x34, 0x12,           /* mov $0x12345678,%eax */
        0x49,                                   /* dec %ecx */
        0x75, 0xf8,                             /* jnz back */
        0xf4);
    run_spoilt(h, "EAX          0000000012345678 | 0000000012345778");
    assert_non_null(strstr(reported, "interp:\n  EAX=12345678"));
    assert_non_null(strstr(reported, "jit:\n  EAX=12345778"));
    assert_non_null(strstr(reported, "mov $0x12345678, %eax"));
    assert_non_null(strstr(reported, "> 00008000: b8 78 56 34 12"));
}

static void test_memory(void **state)
{
    struct harness *h = *state;

    HARNESS_CODE_BYTES(h,
        0xc7, 0x06, 0x78, 0x56, 0x34, 0x12,     /* movl $0x12345678,(%esi) */
        0x49,                                   /* dec %ecx */
        0x75, 0xf7,                             /* jnz back */
        0xf4);
    run_spoilt(h, "    78 56 34 12 | 78 57 34 12");
    assert_non_null(strstr(reported, "at physical 00030000"));
}

/* The place is wrong: what should have been written there was not. */
static void test_address(void **state)
{
    struct harness *h = *state;

    h->cpu.gpr[RBX] = DATA - MARK;
    HARNESS_CODE_BYTES(h,
        0x89, 0x8b, 0x78, 0x56, 0x34, 0x12,     /* mov %ecx,MARK(%ebx) */
        0x49,                                   /* dec %ecx */
        0x75, 0xf7,                             /* jnz back */
        0xf4);
    run_spoilt(h, "at physical 00030000");
}

static void test_flags(void **state)
{
    struct harness *h = *state;

    h->cpu.gpr[RAX] = MARK;
    HARNESS_CODE_BYTES(h,
        0x49, 0x74, 0x07,                       /* dec %ecx; jz over */
        0x3d, 0x78, 0x56, 0x34, 0x12,           /* cmp $0x12345678,%eax */
        0x74, 0xf6,                             /* jz back */
        0xf4);
    run_first(h);
    h->cpu.gpr[RAX] = MARK;
    spoil(h);
    assert_int_equal(harness_run(h), ENGINE_FAILED);
    assert_non_null(strstr(reported, "EFLAGS"));
    assert_non_null(strstr(reported, "EIP "));
}

/* One stretch in four is compared. */
static void test_sampling(void **state)
{
    struct harness *h = *state;
    struct jit_check *ch = jit_of(h)->check;
    uint64_t all;

    HARNESS_CODE_BYTES(h, 0x40, 0xe6, 0x80, 0x49, 0x75, 0xfa, 0xf4);
    run_first(h);               /* inc %eax; out %al,$0x80; dec %ecx; jnz */
    all = ch->compared;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    all = ch->compared - all;
    assert_true(all >= 2 * LOOPS - 2);
    ch->every = 4;
    ch->compared = 0;
    h->cpu.gpr[RCX] = LOOPS;
    h->cpu.rip = HARNESS_CODE;
    h->cpu.halted = false;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_in_range(ch->compared, LOOPS / 4, all / 4 + 1);
}

/*
 * Devices and faults are met once: the instructions are not run twice, nor is
 * what stands before them.
 */
static void test_devices_once(void **state)
{
    struct harness *h = *state;

    h->mmio_base = 0x40000;
    h->mmio_size = 0x1000;
    h->cpu.gpr[RDI] = 0x40000;
    HARNESS_CODE_BYTES(h,
        0xff, 0x06,                             /* incl (%esi) */
        0x89, 0x07,                             /* mov %eax,(%edi) */
        0x03, 0x17,                             /* add (%edi),%edx */
        0xe6, 0x80,                             /* out %al,$0x80 */
        0x49,                                   /* dec %ecx */
        0x75, 0xf5,                             /* jnz back */
        0xf4);
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(harness_r32(h, DATA), LOOPS);
    assert_int_equal(h->mmio_writes, LOOPS);
    assert_int_equal(h->mmio_reads, LOOPS);
    assert_int_equal(h->io_count, LOOPS);
}

/* The flags of an addition to ROM, whose result can be read nowhere. */
static void test_rom(void **state)
{
    struct harness *h = *state;

    h->rom_base = 0x40000;
    h->rom_size = 0x1000;
    h->ram[0x40000] = 0xff;
    h->cpu.gpr[RDI] = 0x40000;
    h->cpu.gpr[RAX] = 1;
    HARNESS_CODE_BYTES(h,
        0x8a, 0x1f,                             /* mov (%edi),%bl */
        0x00, 0x07,                             /* add %al,(%edi) */
        0x89, 0x1e,                             /* mov %ebx,(%esi) */
        0x83, 0xd2, 0x00,                       /* adc $0,%edx */
        0x49,                                   /* dec %ecx */
        0x75, 0xf4,                             /* jnz back */
        0xf4);
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_string_equal(reported, "");
    assert_int_equal(h->cpu.gpr[RDX], LOOPS);
}

/*
 * FPU state that is at the end of a stretch what it was at its start, and
 * another where it is looked at.
 */
static void test_fpu_there_and_back(void **state)
{
    struct harness *h = *state;

    h->cpu.gpr[RSI] = HARNESS_CODE + 0x800;     /* a page with code: slow */
    HARNESS_CODE_BYTES(h,
        0xd9, 0xe8,                             /* fld1 */
        0x89, 0x06,                             /* mov %eax,(%esi) */
        0xdd, 0xd8,                             /* fstp %st */
        0x49,                                   /* dec %ecx */
        0x75, 0xf7,                             /* jnz back */
        0xf4);
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_string_equal(reported, "");
    assert_true(jit_of(h)->check->compared > LOOPS);
    assert_int_equal(jit_of(h)->check->unknown, 0);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, setup, harness_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_equal), TEST(test_register), TEST(test_memory),
        TEST(test_address), TEST(test_flags), TEST(test_sampling),
        TEST(test_devices_once), TEST(test_rom),
        TEST(test_fpu_there_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
