/*
 * What the hardware engines share and needs no hardware: stretches of
 * interpretation (kernel/metal/hv_stretch.c, and interp_resync under them) and
 * nested page tables (hv_nested.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/metal/hv_internal.h"
#include "kernel/metal/memory.h"
#include "kernel/metal/paging.h"
#include "kernel/platform.h"
#include "tests/unit/cpu_harness.h"

#define RAM (4u << 20)
#define DIR 0x200000u
#define READ_NS 100u            /* what a port access takes here */
#define QUIET_LIMIT (HV_QUIET_INSNS + 64u)      /* a trace more at most */

/* ---- In place of the hardware ----------------------------------------------- */

static uint64_t now_ns;

uint64_t platform_now_ns(void) { return now_ns; }
uint64_t hv_tsc_now(const struct hv *h) { return now_ns; }
void hv_modify(struct hv *h) { h->modified = true; }
void hv_fetch(struct hv *h) { h->fetched = true; }

void hv_inject(struct hv *h, uint8_t vector, bool has_error, uint32_t error)
{
    h->event = (struct cpu_event){ .valid = true, .vector = vector,
                                  .kind = CPU_EVENT_EXCEPTION };
}

enum engine_exit hv_long(struct hv *h, const struct hv_exit *x)
{
    abort();                    /* no guest here is in long mode */
}

uint64_t paging_phys(const void *virt) { return (uintptr_t)virt; }

/* ---- A guest in a stretch ---------------------------------------------------- */

struct guest {
    struct harness *harness;
    struct hv hv;
    struct hv_site sites[HV_SITES];
};

static void time_passes(struct harness *h, const struct harness_io *io)
{
    now_ns += READ_NS;
    h->io_count = 0;            /* their list is short */
}

static int setup(void **state)
{
    struct guest *g = calloc(1, sizeof *g);
    struct harness *h = harness_new(&engine_interp, RAM);

    harness_protected(h);
    h->io_hook = time_passes;
    g->harness = h;
    g->hv.cpu = &h->cpu;
    g->hv.interp = h->engine;
    g->hv.sites = g->sites;
    g->hv.ran = true;
    g->hv.deadline = UINT64_MAX;
    hv_bus_init(&g->hv);
    now_ns = 0;
    *state = g;
    return 0;
}

static int teardown(void **state)
{
    struct guest *g = *state;

    harness_free(g->harness);
    free(g);
    return 0;
}

/* The processor executed something, and `eip` is where it was left. */
static void left_at(struct guest *g, uint32_t eip)
{
    g->hv.ran = true;
    g->harness->cpu.rip = eip;
    g->harness->cpu.halted = false;
}

/* in al, dx; jmp to it: a guest that polls a device. */
static void poll_for_ever(struct guest *g)
{
    HARNESS_CODE_BYTES(g->harness, 0xec, 0xeb, 0xfd);
}

static void test_polling_goes_on(void **state)
{
    struct guest *g = *state;

    poll_for_ever(g);
    assert_int_equal(hv_stretch(&g->hv), ENGINE_BUDGET);
    assert_true(g->harness->cpu.icount >= 4096);
    assert_true(g->harness->cpu.icount < 4096 + QUIET_LIMIT);
}

/* The timer that the guest waits for is not late by a whole stretch. */
static void test_polling_ends_with_the_run(void **state)
{
    struct guest *g = *state;

    poll_for_ever(g);
    g->hv.deadline = 50 * READ_NS;
    assert_int_equal(hv_stretch(&g->hv), ENGINE_BUDGET);
    assert_true(now_ns >= 50 * READ_NS);
    assert_true(now_ns < (50 + QUIET_LIMIT / 2) * READ_NS);
}

static void test_quiet_ends_it(void **state)
{
    struct guest *g = *state;

    HARNESS_CODE_BYTES(g->harness, 0xec, 0xeb, 0xfe);
    assert_int_equal(hv_stretch(&g->hv), ENGINE_BUDGET);
    assert_true(g->harness->cpu.icount > 1);
    assert_true(g->harness->cpu.icount < 2 * QUIET_LIMIT);
    assert_int_equal(g->hv.io_count, 1);
}

/* A state that cannot enter goes on without a device, but not for ever. */
static void test_refused_state(void **state)
{
    struct guest *g = *state;

    HARNESS_CODE_BYTES(g->harness, 0xeb, 0xfe);
    g->hv.ran = false;
    assert_int_equal(hv_stretch(&g->hv), ENGINE_BUDGET);
    assert_true(g->harness->cpu.icount >= 4096);
    g->harness->cpu.icount = 0;
    g->hv.deadline = 0;
    assert_int_equal(hv_stretch(&g->hv), ENGINE_BUDGET);
    assert_true(g->harness->cpu.icount < 1024);
}

/* One access a time does not pay; the next are emulated, without a stretch. */
static void test_lone_access_is_emulated(void **state)
{
    struct guest *g = *state;
    struct hv_exit x = { .kind = HV_EXIT_IO, .insn_len = 1,
                         .io = { .port = 0x80, .size = 1, .in = true } };

    HARNESS_CODE_BYTES(g->harness, 0xec, 0xeb, 0xfe);
    g->harness->io_value = 0x5a;
    hv_interpret(&g->hv, &x);
    assert_int_equal(g->hv.count.stretches, 1);
    left_at(g, HARNESS_CODE);
    g->harness->cpu.gpr[RAX] = 0x11223344;
    hv_interpret(&g->hv, &x);
    assert_int_equal(g->hv.count.stretches, 1);
    assert_int_equal(g->harness->cpu.rip, HARNESS_CODE + 1);
    assert_int_equal(g->harness->cpu.gpr[RAX], 0x1122335a);
}

static void test_event_is_handed_over(void **state)
{
    struct guest *g = *state;

    HARNESS_CODE_BYTES(g->harness, 0xeb, 0xfe);
    g->hv.event = (struct cpu_event){ .valid = true, .vector = EXC_GP,
                                     .kind = CPU_EVENT_EXCEPTION,
                                     .has_error = true, .error = 0x18 };
    assert_int_equal(hv_stretch(&g->hv), ENGINE_HALTED);
    assert_int_equal(harness_vector(g->harness), EXC_GP);
    assert_false(g->hv.event.valid);
    assert_int_equal(harness_r32(g->harness, (uint32_t)
                                 g->harness->cpu.gpr[RSP]), 0x18);
}

/* What a run left in struct cpu, the interpreter delivers by itself, too. */
static void test_event_between_runs(void **state)
{
    static const struct cpu_event events[] = {
        { true, 0x30, CPU_EVENT_INTERRUPT, false, 0 },
        { true, EXC_NMI, CPU_EVENT_NMI, false, 0 },
        { true, EXC_PF, CPU_EVENT_EXCEPTION, true, 6 },
    };
    struct guest *g = *state;
    struct harness *h = g->harness;

    HARNESS_CODE_BYTES(h, 0xeb, 0xfe);
    for (unsigned i = 0; i < 3; i++) {
        left_at(g, HARNESS_CODE);
        h->cpu.event = events[i];
        assert_int_equal(engine_interp.run(h->engine, 100, UINT64_MAX),
                         ENGINE_HALTED);
        assert_int_equal(harness_vector(h), events[i].vector);
        assert_false(h->cpu.event.valid);
        if (events[i].has_error)
            assert_int_equal(harness_r32(h, (uint32_t)h->cpu.gpr[RSP]), 6);
    }
}

/* mov cr0, eax under TF enters long mode: its trap is the processor's. */
static void test_trap_into_long_mode(void **state)
{
    struct guest *g = *state;
    struct cpu *c = &g->harness->cpu;

    HARNESS_CODE_BYTES(g->harness, 0x0f, 0x22, 0xc0, 0xf4);
    c->model = cpu_model_find("trestle64");
    c->efer = EFER_LME;
    c->cr4 = CR4_PAE;
    c->gpr[RAX] = c->cr0 | CR0_PG;
    c->rflags |= FLAG_TF;
    c->dr[7] |= DR7_GD;
    g->hv.ran = false;          /* not refused for ever, either */
    assert_int_equal(hv_stretch(&g->hv), ENGINE_BUDGET);
    assert_true(cpu_in_long_mode(c));
    assert_int_equal(c->rip, HARNESS_CODE + 3);
    assert_true(g->hv.event.valid);
    assert_int_equal(g->hv.event.vector, EXC_DB);
    assert_int_equal(c->dr[6], 0xffff0ff0u | DR6_BS);
    assert_false(c->dr[7] & DR7_GD);
    assert_int_equal(c->run.debug, 0);
}

/* ---- What the processor changed, the interpreter sees ------------------------ */

/* mov eax, imm32 at its immediate's second byte; hlt. */
static void test_code_changed(void **state)
{
    struct guest *g = *state;
    struct harness *h = g->harness;

    HARNESS_CODE_BYTES(h, 0xb8, 1, 0, 0, 0, 0xf4);
    for (unsigned n = 1; n < 4; n++) {
        left_at(g, HARNESS_CODE);
        h->ram[HARNESS_CODE + 2] = (uint8_t)n;
        assert_int_equal(hv_stretch(&g->hv), ENGINE_HALTED);
        assert_int_equal(h->cpu.gpr[RAX], n << 8 | 1);
    }
}

/* Behind a branch that was linked to it. */
static void test_linked_code_changed(void **state)
{
    struct guest *g = *state;
    struct harness *h = g->harness;

    /* mov ecx, 3; L: jmp M; M: mov al, 1; dec ecx; jnz L; hlt */
    HARNESS_CODE_BYTES(h, 0xb9, 3, 0, 0, 0, 0xeb, 0, 0xb0, 1, 0x49, 0x75, 0xf9,
                       0xf4);
    for (unsigned n = 1; n < 4; n++) {
        left_at(g, HARNESS_CODE);
        h->ram[HARNESS_CODE + 8] = (uint8_t)n;
        assert_int_equal(hv_stretch(&g->hv), ENGINE_HALTED);
        assert_int_equal(h->cpu.gpr[RAX] & 0xff, n);
    }
}

/* Page tables changed and INVLPG or MOV CR3 went by unseen. */
static void test_mapping_changed(void **state)
{
    struct guest *g = *state;
    struct harness *h = g->harness;

    harness_paging(h, DIR);
    /* mov eax, [30000h]; hlt */
    HARNESS_CODE_BYTES(h, 0xa1, 0, 0, 3, 0, 0xf4);
    for (uint32_t page = 0x30000; page < 0x33000; page += 0x1000) {
        left_at(g, HARNESS_CODE);
        harness_w32(h, page, page ^ 0x5555);
        *harness_pte(h, 0x30000) = page | 3;
        assert_int_equal(hv_stretch(&g->hv), ENGINE_HALTED);
        assert_int_equal(h->cpu.gpr[RAX], page ^ 0x5555);
    }
}

#define FAR_PAGE 0x30000u

/*
 * mov ecx, 2; mov edx, FAR_PAGE; L: call `call` (to FAR_PAGE, 5 bytes); dec ecx;
 * jnz L; hlt. In the pages from FAR_PAGE on: mov al, n; ret.
 */
static void call_far_page(struct harness *h, const uint8_t call[5])
{
    HARNESS_CODE_BYTES(h, 0xb9, 2, 0, 0, 0, 0xba, 0, 0, 3, 0, 0x90, 0x90, 0x90,
                       0x90, 0x90, 0x49, 0x75, 0xf8, 0xf4);
    memcpy(h->ram + HARNESS_CODE + 10, call, 5);
    for (uint8_t n = 0; n < 3; n++)
        memcpy(h->ram + FAR_PAGE + n * 0x1000, (uint8_t[]){ 0xb0, n, 0xc3 }, 3);
}

static void check_far_branch(struct guest *g, const uint8_t call[5])
{
    struct harness *h = g->harness;

    harness_paging(h, DIR);
    call_far_page(h, call);
    for (uint32_t n = 0; n < 3; n++) {
        left_at(g, HARNESS_CODE);
        *harness_pte(h, FAR_PAGE) = (FAR_PAGE + n * 0x1000) | 3;
        assert_int_equal(hv_stretch(&g->hv), ENGINE_HALTED);
        assert_int_equal(h->cpu.gpr[RAX] & 0xff, n);
        assert_int_equal(h->cpu.gpr[RCX], 0);
    }
    /* Gone: the fault is the target's, after the branch. */
    left_at(g, HARNESS_CODE);
    *harness_pte(h, FAR_PAGE) = 0;
    assert_int_equal(hv_stretch(&g->hv), ENGINE_HALTED);
    assert_int_equal(harness_vector(h), EXC_PF);
    assert_int_equal(h->cpu.cr2, FAR_PAGE);
    assert_int_equal(harness_r32(h, (uint32_t)h->cpu.gpr[RSP] + 4), FAR_PAGE);
    assert_int_equal(harness_r32(h, (uint32_t)h->cpu.gpr[RSP] + 16),
                     HARNESS_CODE + 15);
}

/* Branches to another page whose mapping changed, direct and indirect. */
static void test_far_branch(void **state)
{
    uint32_t rel = FAR_PAGE - (HARNESS_CODE + 15);
    uint8_t call[5] = { 0xe8 };

    memcpy(call + 1, &rel, 4);
    check_far_branch(*state, call);
}

static void test_far_indirect_branch(void **state)
{
    check_far_branch(*state, (uint8_t[]){ 0x90, 0x90, 0x90, 0xff, 0xd2 });
}

/* The state of segments is part of what a link depends on. */
static void test_linked_limit_changed(void **state)
{
    struct guest *g = *state;
    struct harness *h = g->harness;

    /* mov ecx, 3; L: jmp M; M: inc eax; dec ecx; jnz L; hlt */
    HARNESS_CODE_BYTES(h, 0xb9, 3, 0, 0, 0, 0xeb, 0, 0x40, 0x49, 0x75, 0xfa,
                       0xf4);
    left_at(g, HARNESS_CODE);
    assert_int_equal(hv_stretch(&g->hv), ENGINE_HALTED);
    left_at(g, HARNESS_CODE);
    h->cpu.seg[CS].limit = HARNESS_CODE + 7;
    h->cpu.gpr[RAX] = 0;
    assert_int_equal(hv_stretch(&g->hv), ENGINE_HALTED);
    assert_int_equal(harness_vector(h), EXC_GP);
    assert_int_equal(h->cpu.gpr[RAX], 1);
}

/* ... and the other way round: what it drops, the processor must drop. */
static void test_dropped_translation_is_told(void **state)
{
    struct guest *g = *state;
    struct harness *h = g->harness;
    uint32_t before = g->hv.nested.generation;

    harness_paging(h, DIR);
    HARNESS_CODE_BYTES(h, 0x90, 0xf4);
    hv_stretch(&g->hv);
    assert_int_equal(g->hv.nested.generation, before);
    /* mov eax, cr3; mov cr3, eax; hlt */
    HARNESS_CODE_BYTES(h, 0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8, 0xf4);
    left_at(g, HARNESS_CODE);
    hv_stretch(&g->hv);
    assert_int_not_equal(g->hv.nested.generation, before);
}

/* ---- Nested page tables ------------------------------------------------------ */

#define TABLE 0x7ull
#define PAGE 0x5ull
#define WRITE 0x2ull
#define LARGE 0x80ull
#define ADDRESS 0x000ffffffffff000ull
#define NESTED_RAM (4ull << 20)
#define HOLE 0xa0000ull         /* to C0000h: not memory */
#define ROM 0xf0000ull          /* to 100000h */

static const struct hv_pte_format format = { TABLE, PAGE, WRITE, LARGE };
static uint8_t *nested_ram;
static unsigned map_of_all;     /* every 2 MiB is memory, as for the pool */

static uint8_t *nested_page(void *ctx, uint64_t addr, bool write)
{
    if (map_of_all)
        return nested_ram;
    if (addr >= NESTED_RAM || (addr >= HOLE && addr < 0xc0000))
        return NULL;
    return write && addr >= ROM && addr < 0x100000 ? NULL : nested_ram + addr;
}

static const struct cpu_bus nested_bus = { .ram_page = nested_page };

static int nested_setup(void **state)
{
    struct hv_nested *n = calloc(1, sizeof *n);

    nested_ram = aligned_alloc(LARGE_PAGE_BYTES, NESTED_RAM);
    map_of_all = 0;
    *state = n;
    return hv_nested_create(n, &format);
}

static int nested_teardown(void **state)
{
    hv_nested_destroy(*state);
    free(*state);
    free(nested_ram);
    return 0;
}

/* The entry that the hardware would find, as it would: 0 is none. */
static uint64_t walk(const struct hv_nested *n, uint64_t addr, bool *large)
{
    const uint64_t *table = (const uint64_t *)(uintptr_t)n->root_phys;

    for (unsigned shift = 39;; shift -= 9) {
        uint64_t e = table[addr >> shift & 511];

        *large = e & LARGE;
        if (!e || *large || shift == 12)
            return e;
        assert_int_equal(e & ~ADDRESS, TABLE);
        table = (const uint64_t *)(uintptr_t)(e & ADDRESS);
    }
}

static void test_nested_large(void **state)
{
    struct hv_nested *n = *state;
    uint64_t want = (uintptr_t)nested_ram + 0x200000;
    bool large;

    assert_true(hv_nested_fill(n, &nested_bus, 0x345678, true));
    assert_true(walk(n, 0x200000, &large) ==
                (want | PAGE | WRITE | LARGE));
    assert_true(walk(n, 0x1ff000, &large) == 0);
    assert_true(walk(n, 0x400000, &large) == 0);
}

static void test_nested_small(void **state)
{
    struct hv_nested *n = *state;
    uint64_t base = (uintptr_t)nested_ram;
    bool large;

    assert_true(hv_nested_fill(n, &nested_bus, 0x1234, false));
    assert_true(walk(n, 0, &large) == (base | PAGE | WRITE));
    assert_false(large);
    assert_true(walk(n, 0x9f000, &large) == ((base + 0x9f000) | PAGE | WRITE));
    assert_true(walk(n, HOLE, &large) == 0);
    assert_true(walk(n, 0xbf000, &large) == 0);
    assert_true(walk(n, ROM, &large) == ((base + ROM) | PAGE));
    assert_true(walk(n, 0x1ff000, &large) == ((base + 0x1ff000) | PAGE | WRITE));
}

static void test_nested_refused(void **state)
{
    struct hv_nested *n = *state;

    assert_false(hv_nested_fill(n, &nested_bus, HOLE, false));
    assert_false(hv_nested_fill(n, &nested_bus, ROM, true));
    assert_true(hv_nested_fill(n, &nested_bus, ROM, false));
    assert_false(hv_nested_fill(n, &nested_bus, NESTED_RAM, false));
    map_of_all = 1;
    assert_false(hv_nested_fill(n, &nested_bus, 1ull << 48, false));
    assert_false(hv_nested_fill(n, &nested_bus, UINT64_MAX, true));
}

static void test_nested_clear(void **state)
{
    struct hv_nested *n = *state;
    uint32_t generation = n->generation;
    bool large;

    hv_nested_fill(n, &nested_bus, 0, false);
    assert_int_equal(n->generation, generation);
    hv_nested_clear(n);
    assert_int_not_equal(n->generation, generation);
    assert_true(walk(n, 0, &large) == 0);
}

/* A guest that touches all addresses uses up the tables, not memory. */
static void test_nested_pool_is_bounded(void **state)
{
    struct hv_nested *n = *state;
    uint32_t generation = n->generation;
    bool large;

    map_of_all = 1;
    for (uint64_t at = 0; at < 1ull << 48; at += 1ull << 40) {
        assert_true(hv_nested_fill(n, &nested_bus, at, true));
        assert_true(walk(n, at, &large) ==
                    ((uintptr_t)nested_ram | PAGE | WRITE));
    }
    assert_int_not_equal(n->generation, generation);
}

#define STRETCH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define NESTED(f) \
    cmocka_unit_test_setup_teardown(f, nested_setup, nested_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STRETCH(test_polling_goes_on),
        STRETCH(test_polling_ends_with_the_run),
        STRETCH(test_quiet_ends_it),
        STRETCH(test_refused_state),
        STRETCH(test_lone_access_is_emulated),
        STRETCH(test_event_is_handed_over),
        STRETCH(test_event_between_runs),
        STRETCH(test_trap_into_long_mode),
        STRETCH(test_code_changed),
        STRETCH(test_linked_code_changed),
        STRETCH(test_mapping_changed),
        STRETCH(test_far_branch),
        STRETCH(test_far_indirect_branch),
        STRETCH(test_linked_limit_changed),
        STRETCH(test_dropped_translation_is_told),
        NESTED(test_nested_large),
        NESTED(test_nested_small),
        NESTED(test_nested_refused),
        NESTED(test_nested_clear),
        NESTED(test_nested_pool_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
