/*
 * REP MOVS and REP STOS of many pages by the translator beside the same by the
 * interpreter: pages that lie anywhere in memory, twice, read-only, a device's,
 * absent, watched or with code; overlaps, both directions, and where an
 * instruction is cut.
 */
#include "tests/unit/sys_harness.h"

#define PAGE 0x1000u
#define WINDOW 0x400000u        /* linear; its frames are somewhere in ... */
#define WINDOW_PAGES 28u
#define FRAMES 0x20000u
#define FRAME_COUNT 40u
#define DIRECTORY 0xa0000u
#define WINDOW_TABLE 0xb0000u
#define ROM_FRAME (FRAMES + 7 * PAGE)
#define MMIO_FRAME (FRAMES + 11 * PAGE)
#define ROUNDS 1500

static struct harness *engines[2];

/* The same code at HARNESS_CODE for a kind: CLD or STD, the string, HLT. */
static void set_code(struct harness *h, bool stos, unsigned size, bool down)
{
    uint8_t code[8] = { 0x90, 0x90, 0xf3, 0, 0xf4, 0xf4 };

    code[0] = down ? 0xfd : 0xfc;
    if (size == 2)
        code[1] = 0x66;
    code[3] = (uint8_t)((stos ? 0xaa : 0xa4) | (size > 1));
    harness_code(h, code, sizeof(code));
    h->ops->memory_changed(h->engine, HARNESS_CODE, sizeof(code));
}

/* Most pages follow each other, as in a kernel. */
static uint32_t random_entry(uint32_t before)
{
    uint32_t frame = sys_below(4) ? before + PAGE :
                                FRAMES + sys_below(FRAME_COUNT) * PAGE;

    if (frame < FRAMES || frame >= FRAMES + FRAME_COUNT * PAGE)
        frame = FRAMES;
    if (sys_below(40) == 0)
        return 0;
    if (sys_below(40) == 0)
        frame = HARNESS_CODE;
    return frame | (sys_below(40) ? 7 : sys_below(2) ? 5 : 3);
}

static void set_window(struct harness *h, const uint32_t *entries)
{
    harness_w32(h, DIRECTORY + (WINDOW >> 22) * 4, WINDOW_TABLE | 7);
    memset(h->ram + WINDOW_TABLE, 0, PAGE);
    for (unsigned n = 0; n < WINDOW_PAGES; n++)
        harness_w32(h, WINDOW_TABLE + n * 4, entries[n]);
    h->ops->map_changed(h->engine);
}

/* HLTs all over, and INC and DEC among them: it may come to be executed. */
static uint32_t harmless(uint32_t v)
{
    return (v & 0x0f0f0f0fu) | 0x40404040u;
}

static void set_memory(struct harness *h, uint32_t seed)
{
    memset(h->ram + HARNESS_CODE, 0xf4, PAGE);
    memset(h->ram + FRAMES, 0xf4, FRAME_COUNT * PAGE);
    for (uint32_t at = FRAMES; at < FRAMES + FRAME_COUNT * PAGE; at += 3)
        h->ram[at] = (uint8_t)harmless(seed += at);
}

static void set_watch(struct harness *h, uint32_t at)
{
    h->cpu.dr[0] = at;
    h->cpu.dr[7] = at ? 0x000d0402 : 0x400;     /* 4 bytes, written; G0 */
    mmu_mode_changed(&h->cpu);
}

static void random_registers(struct cpu *c, unsigned size, bool down)
{
    uint32_t most = WINDOW_PAGES * PAGE, near = sys_below(sys_below(2) ? 6 : 70);

    c->gpr[RAX] = sys_below(2) ? 0xf4f4f4f4u : harmless(sys_random32());
    c->gpr[RCX] = (sys_below(3) ? sys_below(most) : sys_below(400)) / size;
    c->gpr[RSI] = WINDOW + sys_below(most / 2) + (down ? most / 2 : 0);
    c->gpr[RDI] = WINDOW + sys_below(most / 2) + (down ? most / 2 : 0);
    if (sys_below(2)) {
        c->gpr[RSI] &= ~3u;
        c->gpr[RDI] &= ~3u;
    }
    if (sys_below(4) == 0)
        c->gpr[RDI] = c->gpr[RSI] + (sys_below(2) ? near : -near);
    if (sys_below(20) == 0)
        c->gpr[RCX] = 0;
}

static void start(struct harness *h, const struct cpu *regs, bool user)
{
    uint64_t dr0 = h->cpu.dr[0], dr7 = h->cpu.dr[7];

    if (user)
        harness_user(h);
    else
        harness_protected(h);
    h->cpu.cr3 = DIRECTORY;
    h->cpu.cr0 |= CR0_PG | CR0_WP;
    memcpy(h->cpu.gpr, regs->gpr, sizeof(h->cpu.gpr));
    h->cpu.gpr[RSP] = HARNESS_STACK;
    h->cpu.dr[0] = dr0;
    h->cpu.dr[7] = dr7;
    h->cpu.dr[6] = 0;
}

/* Once more from the start, with what the TLB has learned. */
static void again(struct harness *h, const struct cpu *regs, bool user)
{
    memcpy(h->cpu.gpr, regs->gpr, sizeof(h->cpu.gpr));
    h->cpu.gpr[RSP] = HARNESS_STACK;
    for (unsigned s = 0; s < SEG_COUNT; s++) {
        bool code = s == CS;

        h->cpu.seg[s] = (struct cpu_seg){
            .limit = 0xffffffff,
            .sel = code ? (user ? HARNESS_UCS32 : HARNESS_CS32)
                        : (user ? HARNESS_UDS32 : HARNESS_DS32),
            .attr = (uint16_t)(0xc93 | (code ? 8 : 0) | (user ? 0x60 : 0)),
        };
    }
    h->cpu.cpl = user ? 3 : 0;
    h->cpu.rip = HARNESS_CODE;
    h->cpu.rflags = FLAG_1;
    h->cpu.halted = false;
    h->cpu.dr[6] = 0;
}

static void compare(unsigned round, const struct cpu *first)
{
    const struct harness *a = engines[0], *b = engines[1];

    if (!memcmp(a->cpu.gpr, b->cpu.gpr, sizeof(a->cpu.gpr)) &&
        a->cpu.rip == b->cpu.rip && a->cpu.rflags == b->cpu.rflags &&
        a->cpu.cr2 == b->cpu.cr2 && a->cpu.icount == b->cpu.icount &&
        a->cpu.dr[6] == b->cpu.dr[6] && a->mmio_reads == b->mmio_reads &&
        a->mmio_writes == b->mmio_writes &&
        !memcmp(a->ram, b->ram, a->ram_bytes))
        return;
    for (uint32_t n = 0; n < a->ram_bytes; n++)
        if (a->ram[n] != b->ram[n]) {
            print_message("at %x: %02x %02x\n", n, a->ram[n], b->ram[n]);
            break;
        }
    fail_msg("round %u, ECX %lx ESI %lx EDI %lx: ECX %lx %lx, EDI %lx %lx, rip "
             "%lx %lx, count %lu %lu", round, (long)first->gpr[RCX],
             (long)first->gpr[RSI], (long)first->gpr[RDI],
             (long)a->cpu.gpr[RCX], (long)b->cpu.gpr[RCX],
             (long)a->cpu.gpr[RDI], (long)b->cpu.gpr[RDI], (long)a->cpu.rip,
             (long)b->cpu.rip, (long)a->cpu.icount, (long)b->cpu.icount);
}

static void run_round(unsigned round)
{
    bool stos = sys_below(3) == 0, down = sys_below(8) == 0, user = sys_below(2);
    unsigned size = 1u << sys_below(3);
    uint32_t entries[WINDOW_PAGES], seed = sys_random32(), watch = 0;
    struct cpu regs = engines[0]->cpu;

    for (unsigned n = 0; n < WINDOW_PAGES; n++)
        entries[n] = random_entry(n ? entries[n - 1] & ~0xfffu : FRAMES);
    if (sys_below(10) == 0)
        watch = (WINDOW + sys_below(WINDOW_PAGES * PAGE)) & ~3u;
    random_registers(&regs, size, down);
    for (unsigned e = 0; e < 2; e++) {
        set_memory(engines[e], seed);
        start(engines[e], &regs, user);
        set_code(engines[e], stos, size, down);
        set_window(engines[e], entries);
        set_watch(engines[e], watch);
    }
    for (unsigned time = 0; time < 3; time++) {
        for (unsigned e = 0; e < 2; e++) {
            again(engines[e], &regs, user);
            if (harness_run(engines[e]) != ENGINE_HALTED)
                fail_msg("round %u: does not halt", round);
        }
        compare(round, &regs);
    }
}

static void test_random(void **state)
{
    srand(1);
    for (unsigned e = 0; e < 2; e++) {
        engines[e] = harness_new(e ? &engine_jit : &engine_interp, HARNESS_RAM);
        harness_paging(engines[e], DIRECTORY);
        engines[e]->rom_base = ROM_FRAME;
        engines[e]->mmio_base = MMIO_FRAME;
        engines[e]->rom_size = engines[e]->mmio_size = PAGE;
        for (unsigned v = 0; v < 16; v++)       /* kernel code, for all */
            *harness_pte(engines[e], v * PAGE) |= 7;
    }
    for (unsigned round = 0; round < ROUNDS; round++)
        run_round(round);
    harness_free(engines[0]);
    harness_free(engines[1]);
}

/* So much is done before an interrupt may come, by either engine. */
static void test_chunks(void **state)
{
    for (unsigned e = 0; e < 2; e++) {
        struct harness *h = harness_new(e ? &engine_jit : &engine_interp,
                                        HARNESS_RAM);

        harness_protected(h);
        set_code(h, false, 4, false);
        for (unsigned time = 0; time < 3; time++) {
            h->cpu.gpr[RSI] = 0x20001;
            h->cpu.gpr[RDI] = 0x60002;
            h->cpu.gpr[RCX] = (STRING_CHUNK_BYTES * 2 + 0x5000) / 4;
            h->cpu.rip = HARNESS_CODE;
            h->cpu.halted = false;
            harness_step(h, 3);
            assert_int_equal(h->cpu.gpr[RCX],
                             (STRING_CHUNK_BYTES + 0x5000) / 4);
            harness_step(h, 1);
            assert_int_equal(h->cpu.gpr[RCX], 0x5000 / 4);
            assert_int_equal(h->cpu.gpr[RSI], 0x20001 + STRING_CHUNK_BYTES * 2);
            h->cpu.icount = 0;
            assert_int_equal(harness_run(h), ENGINE_HALTED);
            assert_int_equal(h->cpu.gpr[RCX], 0);
            assert_int_equal(h->cpu.icount, 2);
        }
        harness_free(h);
    }
}

/* The first element may lie in two pages: that makes no difference. */
static void test_first_in_two_pages(void **state)
{
    for (unsigned n = 0; n < 4; n++) {
        struct harness *h = harness_new(n & 1 ? &engine_jit : &engine_interp,
                                        HARNESS_RAM);

        harness_protected(h);
        set_code(h, n & 2, 4, false);
        for (unsigned time = 0; time < 3; time++) {
            h->cpu.gpr[RSI] = 0x20ffd;
            h->cpu.gpr[RDI] = 0x60ffe;
            h->cpu.gpr[RCX] = 0x3000 / 4;
            h->cpu.rip = HARNESS_CODE;
            h->cpu.halted = false;
            harness_step(h, 3);
            assert_int_equal(h->cpu.gpr[RCX], 0);
            assert_int_equal(h->cpu.gpr[RDI], 0x63ffe);
        }
        harness_free(h);
    }
}

/* MOVS into its own code: what follows is what has been written. */
static void test_own_code(void **state)
{
    for (unsigned e = 0; e < 2; e++) {
        struct harness *h = harness_new(e ? &engine_jit : &engine_interp,
                                        HARNESS_RAM);

        harness_protected(h);
        for (unsigned time = 0; time < 20; time++) {
            set_code(h, false, 4, false);
            memset(h->ram + 0x20000, 0x42, 0x6000);     /* inc %edx */
            memcpy(h->ram + 0x20000 + 0x1500, h->ram + HARNESS_CODE, 4);
            h->ram[0x20000 + 0x1500 + 9] = 0xf4;
            h->cpu.gpr[RSI] = 0x20000;
            h->cpu.gpr[RDI] = HARNESS_CODE - 0x1500;
            h->cpu.gpr[RCX] = 0x6000 / 4;
            h->cpu.gpr[RDX] = 0;
            h->cpu.rip = HARNESS_CODE;
            h->cpu.halted = false;
            h->cpu.icount = 0;
            assert_int_equal(harness_run(h), ENGINE_HALTED);
            assert_int_equal(h->cpu.gpr[RCX], 0);
            assert_int_equal(h->cpu.gpr[RDX], 5);
            assert_int_equal(h->cpu.rip, HARNESS_CODE + 10);
        }
        harness_free(h);
    }
}

/* A run whose length is a time is not a thousand times longer with blocks. */
static void test_shorter_runs(void **state)
{
    static const uint8_t code[] = {
        0xbe, 0x00, 0x00, 0x02, 0x00,           /* mov $0x20000,%esi */
        0xbf, 0x00, 0x00, 0x06, 0x00,           /* mov $0x60000,%edi */
        0xb9, 0x00, 0x40, 0x00, 0x00,           /* mov $0x4000,%ecx */
        0xf3, 0xa5,                             /* rep movsl */
        0xeb, 0xed,                             /* jmp back */
    };
    const uint64_t most = 100000;

    for (unsigned e = 0; e < 4; e++) {
        struct harness *h = harness_new(e & 1 ? &engine_jit : &engine_interp,
                                        HARNESS_RAM);
        uint64_t loops;

        harness_protected(h);
        harness_code(h, code, sizeof(code));
        h->cpu.exact_count = e & 2;
        assert_int_equal(h->ops->run(h->engine, e & 2 ? 1000 : most, 0),
                         ENGINE_BUDGET);
        loops = h->cpu.icount / 5;
        if (e & 2)
            assert_int_equal(loops, 200);
        else
            assert_in_range(loops, most * STRING_INSN_BYTES / 0x10000 - 2,
                            most * STRING_INSN_BYTES / 0x10000 + 2);
        harness_free(h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_first_in_two_pages),
        cmocka_unit_test(test_own_code),
        cmocka_unit_test(test_shorter_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
