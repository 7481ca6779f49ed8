/*
 * Loads of segment registers by the translator beside the same by the
 * interpreter: descriptors of all kinds, tables that end or are not there, both
 * levels, operands in registers, in memory and on the stack.
 */
#include "tests/unit/sys_harness.h"

#define DIRECTORY 0x40000u
#define DATA 0x20000u
#define PAGE 0x1000u
#define ABSENT (DATA + PAGE)
#define LDT_SEL 0x48u           /* where the table is said to be ... */
#define LDT 0x30000u
#define SELECTORS 24u
#define ROUNDS 12000

struct snippet {
    uint8_t len, code[6];
};
/* What is behind the load runs in the mode that it leaves. */
static const struct snippet snippets[] = {
    { 4, { 0x8e, 0xd8, 0x8b, 0x0f } },          /* mov %eax,%ds */
    { 4, { 0x8e, 0xc3, 0xaa, 0x40 } },          /* mov %ebx,%es; stosb */
    { 6, { 0x8e, 0xe0, 0x64, 0x8b, 0x0f, 0x40 } },      /* mov %eax,%fs */
    { 6, { 0x8e, 0xe8, 0x65, 0x89, 0x0f, 0x40 } },      /* mov %eax,%gs */
    { 3, { 0x8e, 0xd0, 0x40 } },                /* mov %eax,%ss */
    { 4, { 0x8e, 0x1e, 0x89, 0x0f } },          /* mov (%esi),%ds */
    { 3, { 0x8e, 0x26, 0x40 } },                /* mov (%esi),%fs */
    { 3, { 0x50, 0x1f, 0x40 } },                /* push %eax; pop %ds */
    { 3, { 0x50, 0x07, 0x40 } },
    { 4, { 0x50, 0x0f, 0xa1, 0x40 } },          /* ... %fs */
    { 5, { 0x50, 0x0f, 0xa9, 0x11, 0xd8 } },    /* ... %gs; adc */
    { 4, { 0x39, 0xd8, 0x1f, 0x40 } },          /* cmp; pop %ds */
    { 5, { 0x01, 0xd8, 0x8e, 0xe3, 0x9c } },    /* add; mov %ebx,%fs; pushf */
};

static struct harness *engines[2];

/* Mostly flat data of either level, but anything comes. */
static void random_descriptor(uint32_t words[2])
{
    words[0] = 0x0000ffff;
    words[1] = 0x00cf9300 | (sys_below(2) ? 0x6000 : 0);
    switch (sys_below(24)) {
    case 0: words[0] |= 0x01000000; break;              /* a base */
    case 1: words[0] = DATA / PAGE; break;              /* a limit */
    case 2: words[1] &= ~0x00800000u; break;            /* not in pages */
    case 3: words[1] &= ~0x8000u; break;                /* not present */
    case 4: words[1] &= ~0x0100u; break;                /* not accessed */
    case 5: words[1] &= ~0x0200u; break;                /* read-only */
    case 6: words[1] |= 0x0400; break;                  /* expand-down */
    case 7: words[1] |= 0x0800; break;                  /* code */
    case 8: words[1] |= 0x0c00; break;                  /* conforming */
    case 9: words[1] = (words[1] | 0x0800) & ~0x0200u; break;
    case 10: words[1] &= ~0x1000u; break;               /* a system's */
    case 11: words[1] ^= sys_random32() & 0xff00; break;
    }
}

static uint16_t random_selector(void)
{
    uint16_t sel = (uint16_t)(HARNESS_FREE_SEL + sys_below(SELECTORS) * 8);

    switch (sys_below(10)) {
    case 0: return (uint16_t)sys_below(4);                  /* null */
    case 1: return (uint16_t)(sys_random32() & 0x1ff);
    case 2: return (uint16_t)(sys_below(SELECTORS) * 8 | 4 | sys_below(4));
    case 3: return HARNESS_UDS32;
    }
    return sel | (sys_below(3) ? 0 : (uint16_t)sys_below(4));
}

static void random_state(struct cpu *c)
{
    static const uint32_t addresses[] = { DATA, DATA + 0x80, ABSENT - 1,
                                          ABSENT - 2, ABSENT };

    for (unsigned r = 0; r < 8; r++)
        c->gpr[r] = sys_random32();
    c->gpr[RAX] = (sys_random32() & 0xffff0000) | random_selector();
    c->gpr[RBX] = (sys_random32() & 0xffff0000) | random_selector();
    c->gpr[RSI] = addresses[sys_below(COUNT_OF(addresses))];
    c->gpr[RDI] = DATA + sys_below(2 * PAGE);
    c->gpr[RSP] = sys_below(8) || !c->cpl ? DATA + 0x400 : ABSENT - 3;
    c->gdtr.limit = sys_below(8) ? 32 * 8 - 1 : (uint16_t)(HARNESS_FREE_SEL + 0x47);
    c->ldtr = (struct cpu_seg){ .attr = sys_below(4) ? 0x082 : 0x002, .base = LDT,
                                .sel = LDT_SEL, .limit = sys_below(4) ? 0x7f : 0 };
    c->rflags = FLAG_1 | (sys_random32() & FLAGS_ARITH);
    c->rip = HARNESS_CODE;
    c->halted = false;
    c->inhibit = 0;
}

static void start(struct harness *h, const struct snippet *s, bool user)
{
    sys_start(h, user, DIRECTORY, s->code, s->len);
    *harness_pte(h, ABSENT) = 0;
}

static void compare(size_t n, unsigned round)
{
    const struct cpu *a = &engines[0]->cpu, *b = &engines[1]->cpu;

    for (unsigned s = 0; s < SEG_COUNT; s++) {
        const struct cpu_seg *x = &a->seg[s], *y = &b->seg[s];

        if (x->sel != y->sel || x->attr != y->attr || x->base != y->base ||
            x->limit != y->limit)
            fail_msg("snippet %zu, round %u: segment %u is %04x %03x, "
                     "%04x %03x", n, round, s, x->sel, x->attr, y->sel,
                     y->attr);
    }
    if (memcmp(a->gpr, b->gpr, sizeof(a->gpr)) || a->rip != b->rip ||
        a->rflags != b->rflags || a->cr2 != b->cr2 || a->cpl != b->cpl ||
        a->icount != b->icount ||
        memcmp(engines[0]->ram, engines[1]->ram, HARNESS_RAM))
        fail_msg("snippet %zu, round %u: rip %lx %lx, count %lu %lu", n, round,
                 (long)a->rip, (long)b->rip, (long)a->icount, (long)b->icount);
}

static void put_random(uint32_t table, unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        uint32_t words[2];

        random_descriptor(words);
        for (unsigned e = 0; e < 2; e++) {
            harness_w32(engines[e], table + n * 8, words[0]);
            harness_w32(engines[e], table + n * 8 + 4, words[1]);
        }
    }
}

static void run_rounds(size_t n, bool user)
{
    struct cpu first, next;

    for (unsigned e = 0; e < 2; e++)
        start(engines[e], &snippets[n], user);
    first = engines[0]->cpu;
    for (unsigned round = 0; round < ROUNDS / COUNT_OF(snippets); round++) {
        uint16_t sel = random_selector();

        if (round % 32 == 0) {
            put_random(HARNESS_GDT + HARNESS_FREE_SEL, SELECTORS);
            put_random(LDT, 16);
        }
        next = first;
        random_state(&next);
        for (unsigned e = 0; e < 2; e++) {
            struct harness *h = engines[e];

            memcpy(&h->cpu.gpr, next.gpr, sizeof(next.gpr));
            memcpy(&h->cpu.seg, first.seg, sizeof(first.seg));
            h->cpu.gdtr = next.gdtr;
            h->cpu.ldtr = next.ldtr;
            h->cpu.cpl = first.cpl;
            h->cpu.rip = next.rip;
            h->cpu.rflags = next.rflags;
            h->cpu.halted = false;
            h->cpu.inhibit = 0;
            harness_w16(h, DATA, sel);
            harness_w16(h, DATA + 0x400, sel);
            if (round % 50 == 0)
                mmu_flush(&h->cpu, false);
            if (harness_run(h) != ENGINE_HALTED)
                fail_msg("snippet %zu, round %u: does not halt", n, round);
        }
        compare(n, round);
    }
}

static void test_random(void **state)
{
    srand(1);
    for (unsigned e = 0; e < 2; e++)
        engines[e] = harness_new(e ? &engine_jit : &engine_interp, HARNESS_RAM);
    for (size_t n = 0; n < COUNT_OF(snippets); n++)
        for (int user = 0; user < 2; user++)
            run_rounds(n, user);
    harness_free(engines[0]);
    harness_free(engines[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
