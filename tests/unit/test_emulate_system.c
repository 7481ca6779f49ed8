/*
 * The one-instruction emulator: what leaves a hardware guest in long mode,
 * other than memory.
 */
#include "tests/unit/emul_steps.h"

#include "emu/cpu/debug.h"

#define TSS 0x2000u

static void test_cpuid_and_msrs(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;

    c->cpl = 3;
    emul_harness_map(h, CODE, CODE, PTE_US);
    c->gpr[RAX] = 0xffffffff80000008ull;
    EXPECT_DONE(h, 0x0f, 0xa2);
    assert_int_equal(c->gpr[RAX], 0x3028);
    EXPECT_RAISE(h, EXC_GP, 0, 0x0f, 0x32);
    c->cpl = 0;
    c->gpr[RCX] = 0xc0000082;
    c->gpr[RAX] = 0x81000000;
    c->gpr[RDX] = 0xffffffff;
    EXPECT_DONE(h, 0x0f, 0x30);
    assert_int_equal(c->lstar, 0xffffffff81000000ull);
    c->gpr[RDX] = 0x80000000;                   /* not canonical */
    EXPECT_RAISE(h, EXC_GP, 0, 0x0f, 0x30);
    EXPECT_DONE(h, 0x0f, 0x32);
    assert_int_equal(c->gpr[RDX], 0xffffffff);
    EXPECT_DONE(h, 0x0f, 0x31);
    assert_int_equal(c->gpr[RAX], 0x22334455);
    assert_int_equal(c->gpr[RDX], 0x11);
    c->cr4 |= CR4_TSD;
    c->cpl = 3;
    EXPECT_RAISE(h, EXC_GP, 0, 0x0f, 0x31);
    EXPECT_RAISE(h, EXC_GP, 0, 0x0f, 0x33);
}

static void test_halt_and_caches(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;

    EXPECT_DONE(h, 0x0f, 0x09);
    assert_false(c->halted);
    EXPECT_DONE(h, 0xf4);
    assert_true(c->halted);
    /* The trap of TF follows at once, and ends it. */
    c->halted = false;
    c->rflags |= FLAG_TF;
    assert_int_equal(STEP(h, 0xf4).raise.vector, EXC_DB);
    assert_int_equal(c->rip, CODE + 1);
    assert_false(c->halted);
    c->rflags &= ~(uint64_t)FLAG_TF;
    emul_harness_map(h, CODE, CODE, PTE_US);
    c->cpl = 3;
    EXPECT_RAISE(h, EXC_GP, 0, 0xf4);
    EXPECT_RAISE(h, EXC_GP, 0, 0x0f, 0x08);
}

static void test_control_registers(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;

    EXPECT_DONE(h, 0x41, 0x0f, 0x20, 0xe7);             /* mov r15, cr4 */
    assert_int_equal(c->gpr[R15], c->cr4);
    c->gpr[RAX] = c->cr4 | 1ull << 18;                  /* OSXSAVE */
    EXPECT_RAISE(h, EXC_GP, 0, 0x0f, 0x22, 0xe0);
    c->gpr[RAX] = c->cr4 & ~(uint64_t)CR4_PGE;
    EXPECT_DONE(h, 0x0f, 0x22, 0xe0);
    assert_false(c->cr4 & CR4_PGE);
    c->gpr[RBX] = 7;
    EXPECT_DONE(h, 0x44, 0x0f, 0x22, 0xc3);             /* mov cr8, rbx */
    assert_int_equal(c->cr8, 7);
    EXPECT_DONE(h, 0x44, 0x0f, 0x20, 0xc1);
    assert_int_equal(c->gpr[RCX], 7);
    EXPECT_RAISE(h, EXC_UD, 0, 0x0f, 0x22, 0xc8);       /* CR1 */
    c->cr0 |= CR0_TS;
    EXPECT_DONE(h, 0x0f, 0x06);
    assert_false(c->cr0 & CR0_TS);
    c->gpr[RAX] = CR0_TS;                               /* LMSW keeps PE */
    EXPECT_DONE(h, 0x0f, 0x01, 0xf0);
    assert_int_equal(c->cr0 & (CR0_TS | CR0_PE), CR0_TS | CR0_PE);
    EXPECT_DONE(h, 0x0f, 0x01, 0x3b);                   /* INVLPG */
    emul_harness_map(h, CODE, CODE, PTE_US);
    c->cpl = 3;
    EXPECT_RAISE(h, EXC_GP, 0, 0x0f, 0x20, 0xc0);
    EXPECT_RAISE(h, EXC_GP, 0, 0x0f, 0x01, 0x3b);
}

static void test_debug_registers(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;

    c->gpr[RAX] = 0xffff800012345678ull;
    EXPECT_DONE(h, 0x0f, 0x23, 0xd8);                   /* mov dr3, rax */
    assert_int_equal(c->dr[3], 0xffff800012345678ull);
    EXPECT_RAISE(h, EXC_GP, 0, 0x0f, 0x23, 0xf8);
    c->gpr[RAX] = 0xffffffff;
    EXPECT_DONE(h, 0x0f, 0x23, 0xf0);
    assert_int_equal(c->dr[6], 0xffffefff);
    c->gpr[RAX] = 0x2000;
    EXPECT_DONE(h, 0x0f, 0x23, 0xe8);                   /* DR5 is DR7 */
    EXPECT_RAISE(h, EXC_DB, 0, 0x0f, 0x21, 0xd8);       /* GD */
    assert_false(c->dr[7] & DR7_GD);
    EXPECT_DONE(h, 0x0f, 0x21, 0xd9);
    assert_int_equal(c->gpr[RCX], 0xffff800012345678ull);
    c->cr4 |= CR4_DE;
    EXPECT_RAISE(h, EXC_UD, 0, 0x0f, 0x23, 0xe8);
    EXPECT_RAISE(h, EXC_UD, 0, 0x44, 0x0f, 0x23, 0xc0); /* DR8 */
}

/* Entering and leaving compatibility mode's neighbour: paging goes off. */
static void test_leaving_long_mode(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;

    c->gpr[RAX] = c->cr0 & ~(uint64_t)CR0_PG;
    EXPECT_RAISE(h, EXC_GP, 0, 0x0f, 0x22, 0xc0);
    c->seg[CS].attr = 0xc9b;                            /* compatibility */
    EXPECT_DONE(h, 0x0f, 0x22, 0xc0);
    assert_false(cpu_in_long_mode(c));
}

static void test_in_out(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;

    memcpy(h->io, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
    c->gpr[RAX] = UINT64_MAX;
    EXPECT_DONE(h, 0xe4, 0x80);
    assert_int_equal(h->io_port, 0x80);
    assert_int_equal(c->gpr[RAX], 0xffffffffffffff11ull);
    c->gpr[RDX] = 0xffff1234;
    EXPECT_DONE(h, 0x66, 0xed);
    assert_int_equal(h->io_port, 0x1234);
    assert_int_equal(c->gpr[RAX], 0xffffffffffff3322ull);
    EXPECT_DONE(h, 0x48, 0xed);                         /* 32 bits at most */
    assert_int_equal(c->gpr[RAX], 0x77665544);
    h->io_bytes = 0;
    EXPECT_DONE(h, 0xef);
    assert_memory_equal(h->io, "\x44\x55\x66\x77", 4);
}

static void test_io_permission(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;

    emul_harness_map(h, CODE, CODE, PTE_US);
    emul_harness_map(h, TSS, TSS, 0);
    c->tr.base = TSS;
    c->tr.limit = 0x68 + 0x20;
    h->ram[TSS + 0x66] = 0x68;
    h->ram[TSS + 0x68 + 0x70 / 8] = 0x02;               /* not port 71h */
    c->cpl = 3;
    c->gpr[RDX] = 0x70;
    EXPECT_DONE(h, 0xec);
    EXPECT_RAISE(h, EXC_GP, 0, 0x66, 0xed);
    c->gpr[RDX] = 0x71;
    EXPECT_RAISE(h, EXC_GP, 0, 0xec);
    c->gpr[RDX] = 0x100;                                /* past the limit */
    EXPECT_RAISE(h, EXC_GP, 0, 0xec);
    c->rflags |= FLAG_IOPL;
    EXPECT_DONE(h, 0xec);
}

static void test_string_io(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;

    for (unsigned n = 0; n < sizeof(h->io); n++)
        h->io[n] = (uint8_t)(n + 1);
    c->gpr[RDX] = 0x310;
    c->gpr[RDI] = DATA + 0x10;
    c->gpr[RCX] = 8;
    EXPECT_DONE(h, 0xf3, 0x66, 0x6d);                   /* rep insw */
    assert_int_equal(h->io_calls, 1);
    assert_memory_equal(h->ram + DATA + 0x10, h->io, 16);
    assert_int_equal(c->gpr[RCX], 0);
    assert_int_equal(c->gpr[RDI], DATA + 0x20);
    /* A device that stops early is asked again. */
    h->io_limit = 3;
    c->gpr[RCX] = 4;
    c->gpr[RSI] = DATA + 0x10;
    h->io_bytes = 32;
    assert_int_equal(STEP(h, 0xf3, 0x6f).status, EMUL_DONE);
    assert_int_equal(c->rip, CODE);
    assert_int_equal(c->gpr[RCX], 1);
    EXPECT_DONE(h, 0xf3, 0x6f);
    assert_memory_equal(h->io + 32, h->ram + DATA + 0x10, 16);
    /* To the page's end, then a fault, with the device untouched. */
    h->io_limit = 100;
    h->io_calls = 0;
    c->gpr[RCX] = 4;
    c->gpr[RDI] = DATA + 0xffc;
    assert_int_equal(STEP(h, 0xf3, 0x66, 0x6d).status, EMUL_DONE);
    assert_int_equal(c->gpr[RCX], 2);
    EXPECT_RAISE(h, EXC_PF, 2, 0xf3, 0x66, 0x6d);
    assert_int_equal(h->io_calls, 1);
    c->gpr[RCX] = 0;
    EXPECT_DONE(h, 0xf3, 0x66, 0x6d);
    /* Down, an element at a time. */
    c->rflags |= FLAG_DF;
    c->gpr[RCX] = 2;
    c->gpr[RDI] = DATA + 0x20;
    assert_int_equal(STEP(h, 0xf3, 0x6c).status, EMUL_DONE);
    assert_int_equal(c->gpr[RDI], DATA + 0x1f);
    EXPECT_DONE(h, 0xf3, 0x6c);
    assert_int_equal(c->gpr[RDI], DATA + 0x1e);
}

/* Every line fits a terminal, in either width. */
static void test_registers_as_text(void **state)
{
    struct emul_harness *h = *state;
    char text[4096];

    for (unsigned n = 0; n < 16; n++)
        h->cpu.gpr[n] = 0x1000000000000000ull + n;
    assert_true(cpu_format_registers(&h->cpu, text, sizeof(text)) <
                (int)sizeof(text));
    assert_non_null(strstr(text, "RAX=1000000000000000 RBX=1000000000000003"));
    assert_non_null(strstr(text, "R15=100000000000000f\n"));
    assert_non_null(strstr(text, "XMM15="));
    for (const char *line = text; *line; line = strchr(line, '\n') + 1)
        assert_in_range(strcspn(line, "\n"), 1, 80);
    emul_harness_protected(h);
    cpu_format_registers(&h->cpu, text, sizeof(text));
    assert_non_null(strstr(text, "EIP=00001000 EFL=00000002 [-------] CPL=0"));
    assert_null(strstr(text, "XMM08"));
    assert_non_null(strstr(text, "\nCS ="));
    assert_non_null(strstr(strstr(text, "\nCS ="), " DPL=0 CS32 [-R"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_cpuid_and_msrs), T(test_halt_and_caches),
        T(test_control_registers), T(test_debug_registers),
        T(test_leaving_long_mode), T(test_in_out), T(test_io_permission),
        T(test_string_io), T(test_registers_as_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
