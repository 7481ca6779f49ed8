/*
 * INT n and IRET by the translator beside the same by the interpreter: gates,
 * segments, stacks and frames as they should be, but for one or two of them.
 */
#include "tests/unit/sys_harness.h"

#define DIRECTORY 0x40000u
#define PAGE 0x1000u
#define USER_STACK 0x20800u
#define STACK0 0x24000u         /* the end of a page, of which some follow */
#define ABSENT 0x26000u
#define READ_ONLY 0x28000u
#define KERNEL_CODE 0x9000u     /* where the gate leads */
#define VECTOR 0x80u
#define GATE (HARNESS_IDT + VECTOR * 8)
#define ROUNDS 6000

static struct harness *engines[2];

static void put(uint32_t at, uint32_t v)
{
    harness_w32(engines[0], at, v);
    harness_w32(engines[1], at, v);
}

static uint32_t get(uint32_t at)
{
    return harness_r32(engines[0], at);
}

/* Turn over some bit of the 8 bytes at `at`, but mostly do not. */
static void spoil(uint32_t at)
{
    unsigned bit = sys_below(64);

    if (sys_below(12) == 0)
        put(at + bit / 32 * 4, get(at + bit / 32 * 4) ^ 1u << bit % 32);
}

/* ---- What both get ---------------------------------------------------------- */

static void good_tables(void)
{
    for (unsigned e = 0; e < 2; e++) {
        struct harness *h = engines[e];

        harness_descriptor(h, HARNESS_CS32, 0, 0xfffff, 0xc9b);
        harness_descriptor(h, HARNESS_DS32, 0, 0xfffff, 0xc93);
        harness_descriptor(h, HARNESS_UCS32, 0, 0xfffff, 0xcfb);
        harness_descriptor(h, HARNESS_UDS32, 0, 0xfffff, 0xcf3);
    }
    put(GATE, HARNESS_CS32 << 16 | KERNEL_CODE);
    put(GATE + 4, sys_below(2) ? 0x0000ee00 : 0x0000ef00);
    put(HARNESS_TSS + 4, STACK0 - 4 * sys_below(8));
    put(HARNESS_TSS + 8, HARNESS_DS32);
}

/* Faults must find their handlers, so most of it stays as it is. */
static void spoil_tables(void)
{
    spoil(GATE);
    if (sys_below(12) == 0)
        put(GATE + 4, 0x00008e00 | sys_below(4) << 13);
    if (sys_below(12) == 0)
        put(GATE, (HARNESS_CS32 | sys_below(4)) << 16 | KERNEL_CODE);
    if (sys_below(12) == 0)
        put(HARNESS_TSS + 8, HARNESS_DS32 | sys_below(4));
    spoil(HARNESS_GDT + (HARNESS_UCS32 & ~7u));
    spoil(HARNESS_GDT + (HARNESS_UDS32 & ~7u));
    if (sys_below(20) == 0)
        put(HARNESS_TSS + 4, STACK0 + sys_below(2 * PAGE));
}

static uint32_t random_flags(void)
{
    uint32_t f = FLAG_1 | (sys_random32() & (FLAGS_ARITH | FLAG_DF | FLAG_AC |
                                         FLAG_ID | FLAG_IOPL | FLAG_IF));

    if (sys_below(3) == 0)
        f |= FLAG_RF;
    if (sys_below(20) == 0)
        f |= FLAG_NT;
    return f;
}

/* A frame for IRET, to the HLT at HARNESS_CODE + 16 or thereabouts. */
static void put_frame(uint32_t at, bool outer)
{
    put(at, HARNESS_CODE + 16);
    put(at + 4, outer ? HARNESS_UCS32 : HARNESS_CS32);
    put(at + 8, random_flags());
    put(at + 12, USER_STACK - sys_below(8));
    put(at + 16, (HARNESS_UDS32 & ~3u) | (sys_below(8) ? 3 : sys_below(4)));
    if (sys_below(12) == 0)
        put(at + 4, sys_below(0x48));
    if (sys_below(12) == 0)
        put(at + 16, sys_below(0x48));
    if (sys_below(20) == 0)
        put(at + 8, sys_random32() & ~(FLAG_TF | FLAG_VM));
}

/* As kernels have them that leave the user's in place; or not. */
#define FLAT_KINDS 2
#define ALL_KINDS 5
static void random_data_segment(struct cpu_seg *s, unsigned count)
{
    static const struct cpu_seg kinds[] = {
        { .sel = HARNESS_UDS32, .attr = 0xcf3, .limit = 0xffffffff },
        { .sel = HARNESS_DS32, .attr = 0xc93, .limit = 0xffffffff },
        { .attr = 0 }, { .sel = 2, .attr = 0 },
        { .sel = HARNESS_UDS32, .attr = 0xcf3, .limit = 0xffff, .base = 64 },
    };

    _Static_assert(COUNT_OF(kinds) == ALL_KINDS, "all");
    *s = kinds[sys_below(6) ? 0 : sys_below(count)];
}

/* ---- Running ---------------------------------------------------------------------- */

static void start(struct harness *h, bool user)
{
    static const uint8_t kernel[] = {
        0x83, 0xd2, 0x00,                       /* adc $0,%edx */
        0x9c,                                   /* pushf */
        0xf4
    }, code[] = {
        0x01, 0xd8,                             /* add %ebx,%eax */
        0xcd, VECTOR,
        0xf4, 0xf4, 0xf4, 0xf4,
        0x01, 0xd8,                             /* 8: add %ebx,%eax */
        0xcf,                                   /* iret */
        0xf4, 0xf4, 0xf4, 0xf4, 0xf4,
        0x83, 0xd2, 0x00,                       /* 16: adc $0,%edx */
        0x9c,                                   /* pushf */
        0xf4
    };

    if (user)
        harness_user(h);
    else
        harness_protected(h);
    harness_paging(h, DIRECTORY);
    *harness_pte(h, ABSENT) = 0;
    *harness_pte(h, READ_ONLY) &= ~2u;
    h->cpu.cr0 |= CR0_WP;
    memcpy(h->ram + KERNEL_CODE, kernel, sizeof(kernel));
    harness_code(h, code, sizeof(code));
}

static void set(struct harness *h, const struct cpu *first,
                const struct cpu *next)
{
    struct cpu *c = &h->cpu;

    memcpy(c->gpr, next->gpr, sizeof(c->gpr));
    memcpy(c->seg, next->seg, sizeof(c->seg));
    c->tr = next->tr;
    c->cpl = first->cpl;
    c->rip = next->rip;
    c->rflags = next->rflags;
    c->cr0 = next->cr0;
    c->dr[0] = HARNESS_CODE + 16;
    c->dr[6] = 0;
    c->dr[7] = next->dr[7];
    c->halted = c->shutdown = false;
    c->nmi_blocked = true;
    mmu_mode_changed(c);
}

static void compare(unsigned round)
{
    const struct cpu *a = &engines[0]->cpu, *b = &engines[1]->cpu;

    for (unsigned s = 0; s < SEG_COUNT; s++)
        if (memcmp(&a->seg[s], &b->seg[s], sizeof(a->seg[s])))
            fail_msg("round %u: segment %u is %04x %03x, %04x %03x", round, s,
                     a->seg[s].sel, a->seg[s].attr, b->seg[s].sel,
                     b->seg[s].attr);
    for (uint32_t at = 0; memcmp(engines[0]->ram, engines[1]->ram, HARNESS_RAM);
         at += 4)
        if (harness_r32(engines[0], at) != harness_r32(engines[1], at))
            fail_msg("round %u: at %x %08x, %08x", round, at,
                     harness_r32(engines[0], at), harness_r32(engines[1], at));
    if (memcmp(a->gpr, b->gpr, sizeof(a->gpr)) || a->rip != b->rip ||
        a->rflags != b->rflags || a->cr2 != b->cr2 || a->cpl != b->cpl ||
        a->icount != b->icount || a->nmi_blocked != b->nmi_blocked)
        fail_msg("round %u: rip %lx %lx, flags %lx %lx, esp %lx %lx, count %lu "
                 "%lu", round, (long)a->rip, (long)b->rip, (long)a->rflags,
                 (long)b->rflags, (long)a->gpr[RSP], (long)b->gpr[RSP],
                 (long)a->icount, (long)b->icount);
}

static void make_next(struct cpu *next, bool user)
{
    static const uint32_t stacks[] = { USER_STACK, STACK0 - 12, STACK0 - 16,
                                       STACK0 - 21, ABSENT - 12, ABSENT - 10,
                                       READ_ONLY + 64 };

    for (unsigned r = 0; r < 8; r++)
        next->gpr[r] = sys_random32();
    next->gpr[RSP] = sys_below(2) ? USER_STACK : stacks[sys_below(COUNT_OF(stacks))];
    next->rip = HARNESS_CODE + (user ? 0 : 8);
    next->rflags = FLAG_1 | (sys_random32() & (FLAGS_ARITH | FLAG_IF | FLAG_DF));
    if (sys_below(10) == 0)
        next->rflags |= sys_below(2) ? FLAG_NT : FLAG_AC;
    next->cr0 = (next->cr0 & ~(uint64_t)CR0_AM) | (sys_below(6) ? 0 : CR0_AM);
    next->dr[7] = sys_below(8) ? 0x400 : 0x402;
    if (sys_below(10) == 0)
        next->tr.limit = 8 + sys_below(5);
    random_data_segment(&next->seg[DS], FLAT_KINDS);
    random_data_segment(&next->seg[ES], FLAT_KINDS);
    random_data_segment(&next->seg[FS], ALL_KINDS);
    random_data_segment(&next->seg[GS], ALL_KINDS);
}

/* Mostly by the limit, so that it falls anywhere. */
static void run(unsigned round, const struct cpu *first,
                const struct cpu *next)
{
    unsigned most = sys_below(3) ? 100000 : 1 + sys_below(6);

    for (unsigned e = 0; e < 2; e++) {
        struct harness *h = engines[e];

        set(h, first, next);
        if (round % 40 == 0)
            mmu_flush(&h->cpu, false);
        if (most < 100)
            harness_step(h, most);
        else
            harness_run(h);
    }
    compare(round);
}

static void run_level(bool user)
{
    struct cpu first, next;

    for (unsigned e = 0; e < 2; e++)
        start(engines[e], user);
    first = engines[0]->cpu;
    for (unsigned round = 0; round < ROUNDS; round++) {
        next = first;
        make_next(&next, user);
        good_tables();
        if (round % 3)
            spoil_tables();
        if (!user && (next.gpr[RSP] & ~0xfffu) != ABSENT)
            put_frame((uint32_t)next.gpr[RSP], sys_below(3));
        run(round, &first, &next);
    }
}

static void test_random(void **state)
{
    srand(1);
    for (unsigned e = 0; e < 2; e++)
        engines[e] = harness_new(e ? &engine_jit : &engine_interp, HARNESS_RAM);
    run_level(true);
    run_level(false);
    harness_free(engines[0]);
    harness_free(engines[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
