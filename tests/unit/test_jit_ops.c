/*
 * Instructions that the translator does natively beside the same by the
 * interpreter: random registers, flags, segments and privilege, memory that is
 * warm, cold, read-only or absent, at and over the ends of pages.
 */
#include "tests/unit/sys_harness.h"

#include <stdlib.h>

#define DIRECTORY 0x40000u
#define DATA 0x20000u
#define PAGE 0x1000u
#define READ_ONLY (DATA + 4 * PAGE)
#define ABSENT (DATA + 5 * PAGE)
#define DATA_END (DATA + 6 * PAGE)
#define ROUNDS 400

struct snippet {
    const char *name;
    uint8_t len, code[14];
};

static const struct snippet snippets[] = {
    { "mov fs:(esi)", 3, { 0x64, 0x8b, 0x06 } },
    { "mov fs:4(esi,ecx)", 5, { 0x64, 0x89, 0x44, 0x0e, 4 } },
    { "mov fs:0x20", 6, { 0x64, 0xa1, 0x20, 0, 0, 0 } },
    { "mov fs:-2", 6, { 0x64, 0xa1, 0xfe, 0xff, 0xff, 0xff } },
    { "mov fs:-4", 6, { 0x64, 0xa1, 0xfc, 0xff, 0xff, 0xff } },
    { "inc fs:(ebx)", 3, { 0x64, 0xff, 0x03 } },
    { "add fs:(esi); jc", 6, { 0x64, 0x03, 0x06, 0x72, 0x01, 0x40 } },
    { "cmp gs:(edi); adc", 6, { 0x65, 0x3b, 0x07, 0x83, 0xd2, 0 } },
    { "movsb", 1, { 0xa4 } },
    { "movsd fs", 2, { 0x64, 0xa5 } },
    { "movsw", 2, { 0x66, 0xa5 } },
    { "lodsb; scasb; jnz", 5, { 0xac, 0xae, 0x75, 0x01, 0x42 } },
    { "lodsd", 1, { 0xad } },
    { "stosb; stosd", 2, { 0xaa, 0xab } },
    { "cmpsb; setc", 4, { 0xa6, 0x0f, 0x92, 0xc0 } },
    { "cmpsd", 1, { 0xa7 } },
    { "scasw", 2, { 0x66, 0xaf } },
    { "rep movsb", 2, { 0xf3, 0xa4 } },
    { "rep movsd", 2, { 0xf3, 0xa5 } },
    { "rep movsw", 3, { 0x66, 0xf3, 0xa5 } },
    { "rep stosd", 2, { 0xf3, 0xab } },
    { "repe cmpsb", 2, { 0xf3, 0xa6 } },
    { "repne cmpsd", 2, { 0xf2, 0xa7 } },
    { "repne scasb", 2, { 0xf2, 0xae } },
    { "repe scasd", 2, { 0xf3, 0xaf } },
    { "std; movsd; cld", 3, { 0xfd, 0xa5, 0xfc } },
    { "pushf", 1, { 0x9c } },
    { "add; pushf; sbb", 5, { 0x01, 0xd8, 0x9c, 0x19, 0xda } },
    { "cmp; pushf; jb", 6, { 0x3b, 0x06, 0x9c, 0x72, 0x01, 0x40 } },
    { "push ebx; popf", 2, { 0x53, 0x9d } },
    { "pushf; xor; popf; adc", 7, { 0x9c, 0x81, 0x34, 0x24, 0xc5, 0x0e, 0 } },
    { "pushf; cli; popf", 3, { 0x9c, 0xfa, 0x9d } },
    { "cli; sti; nop", 3, { 0xfa, 0xfb, 0x90 } },
    { "sti; add; sti", 4, { 0xfb, 0x01, 0xd8, 0xfb } },
    { "cmpxchg (esi)", 5, { 0xf0, 0x0f, 0xb1, 0x1e, 0x90 } },
    { "cmpxchg bl", 3, { 0x0f, 0xb0, 0x1e } },
    { "cmpxchg ecx, ebx", 3, { 0x0f, 0xb1, 0xd9 } },
    { "xadd (edi)", 3, { 0x0f, 0xc1, 0x17 } },
    { "xadd ah, bl", 3, { 0x0f, 0xc0, 0xdc } },
    { "cmpxchg8b", 4, { 0xf0, 0x0f, 0xc7, 0x0e } },
    { "xchg byte", 2, { 0x86, 0x0e } },
    { "xchg word", 3, { 0x66, 0x87, 0x16 } },
    { "div ebx", 2, { 0xf7, 0xf3 } },
    { "xor edx; div (esi)", 4, { 0x31, 0xd2, 0xf7, 0x36 } },
    { "div cx", 3, { 0x66, 0xf7, 0xf1 } },
    { "div cl", 2, { 0xf6, 0xf1 } },
    { "cdq; idiv ebx", 3, { 0x99, 0xf7, 0xfb } },
    { "cwd; idiv (esi)", 5, { 0x66, 0x99, 0x66, 0xf7, 0x3e } },
    { "cbw; idiv cl; adc", 6, { 0x66, 0x98, 0xf6, 0xf9, 0x11, 0xd3 } },
    { "idiv -1", 8, { 0xb9, 0xff, 0xff, 0xff, 0xff, 0x99, 0xf7, 0xf9 } },
    { "pusha; popa", 2, { 0x60, 0x61 } },
    { "pop (edi)", 2, { 0x8f, 0x07 } },
    { "pop 8(esp)", 4, { 0x8f, 0x44, 0x24, 8 } },
    { "xlat", 1, { 0xd7 } },
    { "bt (esi),eax", 3, { 0x0f, 0xa3, 0x06 } },
    { "bts (esi),cx", 4, { 0x66, 0x0f, 0xab, 0x0e } },
    { "btr 4(esi),ecx; jc", 7, { 0x0f, 0xb3, 0x4e, 4, 0x72, 0x01, 0x40 } },
    { "add; loop", 6, { 0x01, 0xd8, 0x11, 0xda, 0xe2, 0xfa } },
    { "cmp; loope", 4, { 0x39, 0xd8, 0xe1, 0xfc } },
    { "dec; loopne", 3, { 0x48, 0xe0, 0xfd } },
    { "jecxz", 3, { 0xe3, 0x01, 0x40 } },
    { "ecx to 64 KB; loop cx", 9, { 0x81, 0xc9, 0, 0, 1, 0, 0x67, 0xe2, 0xfd } },
    { "ecx 64 KB; jcxz", 9, { 0xb9, 0, 0, 1, 0, 0x67, 0xe3, 0x01, 0x40 } },
    { "shl; lea (bx); add", 8, { 0xc1, 0xe0, 5, 0x67, 0x8d, 0x1f, 0x01, 0xd8 } },
    { "rol; add; pushf", 6, { 0xc1, 0xc0, 7, 0x01, 0xd8, 0x9c } },
    { "dec; adc (esi); pushf", 4, { 0x4b, 0x13, 0x06, 0x9c } },
    { "adc (esi); adc (edi)", 4, { 0x13, 0x06, 0x13, 0x17 } },
    { "sbb (edi),eax; pushf", 3, { 0x19, 0x07, 0x9c } },
    { "sbb dl,(esi); mov (edi)", 4, { 0x1a, 0x16, 0x8b, 0x1f } },
    { "inc byte; setc", 5, { 0xfe, 0x06, 0x0f, 0x92, 0xc2 } },
    { "inc ah; adc", 4, { 0xfe, 0xc4, 0x11, 0xd8 } },
    { "add; inc; mov (esi); jbe", 8, { 0x01, 0xd8, 0x43, 0x8b, 0x06, 0x76, 0x01,
                                       0x40 } },
    { "or; dec; mov (esi); adc", 7, { 0x09, 0xd8, 0x48, 0x8b, 0x1e, 0x11, 0xda } },
    { "inc; lock or ecx (#UD)", 4, { 0x40, 0xf0, 0x0b, 0xc9 } },
    { "inc; lea of ecx (#UD); add", 5, { 0x40, 0x8d, 0xc1, 0x01, 0xd8 } },
    { "dec; fe /2 (#UD); add", 5, { 0x48, 0xfe, 0xd0, 0x01, 0xd8 } },
    { "inc; c7 /1 (#UD); add", 9, { 0x40, 0xc7, 0xc8, 1, 0, 0, 0, 0x01, 0xd8 } },
    { "mov eax,ds; push fs; pop", 5, { 0x8c, 0xd8, 0x0f, 0xa0, 0x58 } },
    { "mov cx,ss; mov (edi),gs", 5, { 0x66, 0x8c, 0xd1, 0x8c, 0x2f } },
};

/* They leave AF undefined, or OF. */
static const struct snippet shifts[] = {
    { "shl; rep bsf; setc", 10, { 0xc1, 0xe0, 5, 0xf3, 0x0f, 0xbc, 0xd2, 0x0f,
                                  0x92, 0xc0 } },
    { "shl; mov (esi); jbe", 8, { 0xc1, 0xe3, 3, 0x8b, 0x06, 0x76, 0x01, 0x40 } },
    { "shl; mov (esi); sets", 7, { 0xd1, 0xe3, 0x8b, 0x06, 0x0f, 0x98, 0xc1 } },
    { "sar; inc (edi); sbb", 6, { 0xd1, 0xfb, 0xff, 0x07, 0x19, 0xda } },
    { "shr; jnc", 6, { 0xc1, 0xeb, 4, 0x73, 0x01, 0x40 } },
    { "shl cl; jc", 5, { 0xd3, 0xe0, 0x72, 0x01, 0x40 } },
    { "ror; mov (esi); jc", 8, { 0xc1, 0xc8, 9, 0x8b, 0x16, 0x72, 0x01, 0x40 } },
};

/* Traces that branch back to their own start (emu/jit/cycle.c). */
static const struct snippet loops[] = {
    { "load: add; dec; jnz", 10, { 0x8b, 0x06, 0x01, 0xc3, 0x83, 0xc6, 4, 0x49,
                                   0x75, 0xf6 } },
    { "store: add; cmp; jb", 9, { 0x89, 0x07, 0x83, 0xc7, 4, 0x39, 0xef, 0x72,
                                  0xf7 } },
    { "adc (esi); lea; dec; jnz", 8, { 0x13, 0x06, 0x8d, 0x76, 4, 0x49, 0x75,
                                       0xf8 } },
    { "dec; jz; add (esi); inc; jmp", 8, { 0x49, 0x74, 5, 0x01, 0x06, 0x46, 0xeb,
                                           0xf8 } },
    { "cmp; jz; inc; inc; dec; jnz", 9, { 0x3a, 0x1e, 0x74, 1, 0x40, 0x46, 0x49,
                                          0x75, 0xf7 } },
    { "inc; adc (esi); dec; jnz", 6, { 0x40, 0x13, 0x1e, 0x49, 0x75, 0xfa } },
    { "adc; sub; mov (edi); jnz", 9, { 0x11, 0xd8, 0x83, 0xe9, 1, 0x8b, 0x17,
                                       0x75, 0xf7 } },
    { "cmp (esi),ah; jae; dec; jnz", 8, { 0x38, 0x26, 0x73, 1, 0x46, 0x49, 0x75,
                                          0xf8 } },
};

/* Where the store faults, AF is SHL's, which leaves it undefined (SDM vol. 2,
 * SAL/SAR/SHL/SHR): an AMD EPYC sets it, others clear it. */
static const struct snippet shift_loops[] = {
    { "shl; sbb (esi),ebx; dec; jnz", 7, { 0xd1, 0xe0, 0x19, 0x1e, 0x49, 0x75,
                                           0xf9 } },
};

static struct harness *engines[2];
static uint32_t undefined;      /* flags that may differ */

/* An address in the data, often near the end of a page. */
static uint32_t random_address(void)
{
    uint32_t at = DATA + sys_random32() % (DATA_END - DATA - 64);

    if (rand() % 3 == 0)
        at = (at | 0xfff) - sys_random32() % 40;
    return at;
}

static uint32_t random_flags(bool user)
{
    uint32_t f = FLAG_1 | (sys_random32() & FLAGS_ARITH);

    if (rand() % 6 == 0)
        f |= FLAG_DF;
    if (rand() % 2)
        f |= FLAG_IF;
    if (user && rand() % 4 == 0)
        f |= FLAG_IOPL;
    return f;
}

/* FS and GS: open with a base, limited, expand-down, read-only or null. */
static void random_segment(struct cpu_seg *s)
{
    static const struct cpu_seg kinds[] = {
        { .limit = 0xffffffff, .attr = 0xcf3, .base = 0x100 },
        { .limit = 0xffffffff, .attr = 0xcf3 },
        { .limit = DATA + 0x1fff, .attr = 0x4f3, .base = 8 },
        { .limit = DATA + 0xfff, .attr = 0xcf7 },
        { .limit = 0xffffffff, .attr = 0xcf1, .base = 0x10 },
        { .limit = 0, .attr = 0 },
    };
    unsigned n = (unsigned)rand() % 12;

    *s = kinds[n < COUNT_OF(kinds) ? n : 0];
    s->sel = s->attr ? HARNESS_UDS32 : 0;
}

static void random_state(struct cpu *c, bool user)
{
    for (unsigned r = 0; r < 8; r++)
        c->gpr[r] = rand() % 3 ? sys_random32() : sys_random32() % 512;
    c->gpr[RCX] = 1 + (rand() % 4 ? sys_random32() % 80 : sys_random32() % 6000);
    c->gpr[RSI] = random_address();
    c->gpr[RDI] = rand() % 4 ? random_address() : c->gpr[RSI] + 3;
    if (rand() % 2)
        c->gpr[RBX] = random_address();
    c->gpr[RBP] = random_address();
    /* A kernel stack that faults shuts the CPU down. */
    c->gpr[RSP] = rand() % 4 || !user ? DATA + 0x400 : random_address();
    c->rip = HARNESS_CODE;
    c->rflags = random_flags(user);
    c->halted = false;
    random_segment(&c->seg[FS]);
    random_segment(&c->seg[GS]);
}

static void start(struct harness *h, const struct snippet *s, bool user)
{
    sys_start(h, user, DIRECTORY, s->code, s->len);
    *harness_pte(h, READ_ONLY) &= ~2u;
    *harness_pte(h, ABSENT) = 0;
    for (uint32_t at = DATA; at < DATA_END; at += 4)
        harness_w32(h, at, at * 0x9e3779b1u >> (at >> 2 & 15));
}

/* Back from a fault's handler to where the snippets run. */
static void back(struct harness *h, const struct cpu *first,
                 const struct cpu *next)
{
    struct cpu *c = &h->cpu;

    memcpy(c->seg, first->seg, sizeof(c->seg));
    c->seg[FS] = next->seg[FS];
    c->seg[GS] = next->seg[GS];
    memcpy(c->gpr, next->gpr, sizeof(c->gpr));
    c->cpl = first->cpl;
    c->rip = next->rip;
    c->rflags = next->rflags;
    c->halted = false;
}

/* Flags may lie there, on a fault's stack. */
static bool same_memory(const struct harness *a, const struct harness *b)
{
    uint32_t differs = 0;

    if (!undefined)
        return !memcmp(a->ram, b->ram, DIRECTORY);
    for (uint32_t at = 0; at < DIRECTORY; at += 4)
        differs |= harness_r32(a, at) ^ harness_r32(b, at);
    return !(differs & ~undefined);
}

static void compare(const struct snippet *s, unsigned round)
{
    const struct harness *a = engines[0], *b = engines[1];
    bool same = !memcmp(a->cpu.gpr, b->cpu.gpr, sizeof(a->cpu.gpr)) &&
                a->cpu.rip == b->cpu.rip &&
                !((a->cpu.rflags ^ b->cpu.rflags) & ~undefined) &&
                a->cpu.cr2 == b->cpu.cr2 && a->cpu.icount == b->cpu.icount &&
                a->cpu.cpl == b->cpu.cpl;

    if (same && same_memory(a, b))
        return;
    for (unsigned r = 0; r < 8; r++)
        print_message("r%u %08lx %08lx\n", r, (long)a->cpu.gpr[r],
                      (long)b->cpu.gpr[r]);
    for (uint32_t n = 0; n < DIRECTORY; n += 4)
        if (harness_r32(a, n) != harness_r32(b, n))
            print_message("at %x %08x %08x\n", n, harness_r32(a, n),
                          harness_r32(b, n));
    fail_msg("%s, round %u: rip %lx %lx, flags %lx %lx, count %lu %lu", s->name,
             round, (long)a->cpu.rip, (long)b->cpu.rip, (long)a->cpu.rflags,
             (long)b->cpu.rflags, (long)a->cpu.icount, (long)b->cpu.icount);
}

static void run_snippet(const struct snippet *s, bool user, unsigned rounds)
{
    struct cpu first, next;

    for (unsigned e = 0; e < 2; e++)
        start(engines[e], s, user);
    first = engines[0]->cpu;
    for (unsigned round = 0; round < rounds; round++) {
        next = first;
        random_state(&next, user);
        for (unsigned e = 0; e < 2; e++) {
            back(engines[e], &first, &next);
            if (harness_run(engines[e]) != ENGINE_HALTED)
                fail_msg("%s, round %u: does not halt", s->name, round);
        }
        compare(s, round);
    }
}

static void run_with(const struct snippet *s, size_t count, unsigned rounds,
                     enum harness_window window)
{
    srand(1);
    harness_window = HARNESS_WINDOW_OFF;
    engines[0] = harness_new(&engine_interp, HARNESS_RAM);
    harness_window = window;
    engines[1] = harness_new(&engine_jit, HARNESS_RAM);
    for (size_t n = 0; n < count; n++)
        for (int user = 0; user < 2; user++)
            run_snippet(&s[n], user, rounds);
    harness_free(engines[0]);
    harness_free(engines[1]);
}

static void run_all(const struct snippet *s, size_t count, unsigned rounds,
                    uint32_t may_differ)
{
    undefined = may_differ;
    for (unsigned w = HARNESS_WINDOW_OFF; w <= HARNESS_WINDOW_NONE; w++) {
        print_message("window %u\n", w);
        /* Faults take their time. */
        run_with(s, count, w > HARNESS_WINDOW_ON ? rounds / 4 : rounds,
                 (enum harness_window)w);
    }
}

static void test_snippets(void **state)
{
    run_all(snippets, COUNT_OF(snippets), ROUNDS, 0);
}

static void test_shifts(void **state)
{
    run_all(shifts, COUNT_OF(shifts), ROUNDS, FLAG_AF | FLAG_OF);
}

static void test_loops(void **state)
{
    run_all(loops, COUNT_OF(loops), ROUNDS / 4, 0);
    run_all(shift_loops, COUNT_OF(shift_loops), ROUNDS / 4, FLAG_AF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snippets),
        cmocka_unit_test(test_shifts),
        cmocka_unit_test(test_loops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
