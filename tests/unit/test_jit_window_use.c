/*
 * When the window is used and when not, and what it is when it comes and goes:
 * engines that are destroyed, several of them, and none to be had.
 */
#include <errno.h>
#include <stdio.h>

#include "emu/cpu/window.h"
#include "emu/jit/jit.h"
#include "emu/jit/window.h"
#include "kernel/platform.h"
#include "tests/unit/sys_harness.h"

#define DIRECTORY 0x80000u
#define DATA 0x20000u
#define PAGE 0x1000u
#define DEVICE 0x40000u
#define ROM 0x48000u
#define PATIENCE 20000u
#define STEP 500u               /* instructions of a run */
#define FOREVER 60000u          /* misses */
#define PTE_USED 0x67u          /* A and D, and all rights */

static struct jit_window *window_of(const struct harness *h)
{
    return ((struct interp *)h->engine)->jit->window;
}

static bool is_active(const struct harness *h)
{
    return window_of(h)->view[0].active;
}

static void start(struct harness *h)
{
    harness_protected(h);
    harness_paging(h, DIRECTORY);
    for (uint32_t page = 0; page < h->ram_bytes; page += PAGE)
        *harness_pte(h, page) |= PTE_USED;
    h->mmio_base = DEVICE;
    h->rom_base = ROM;
    h->mmio_size = h->rom_size = PAGE;
    h->ops->map_changed(h->engine);
}

static struct harness *new_window(uint64_t patience, unsigned misses)
{
    struct harness *h;

    harness_window = HARNESS_WINDOW_ON;
    h = harness_new(&engine_jit, HARNESS_RAM);
    assert_true(jit_set_window(h->engine, patience, misses));
    start(h);
    return h;
}

/* For ever: incl (%esi); mov (%esi),%eax; nop. */
static void start_loop(struct harness *h, uint32_t at)
{
    HARNESS_CODE_BYTES(h, 0xff, 0x06, 0x8b, 0x06, 0x90, 0xeb, 0xf9);
    h->cpu.gpr[RSI] = at;
    h->cpu.rip = HARNESS_CODE;
    h->cpu.halted = false;
}

/* So many instructions, in runs of STEP. */
static void go_on(struct harness *h, uint64_t insns)
{
    for (uint64_t n = 0; n < insns; n += STEP)
        assert_int_equal(harness_step(h, STEP), ENGINE_BUDGET);
}

static void expect_loop(const struct harness *h, uint32_t at)
{
    /* Four instructions a turn, and a few of load_cr3. */
    assert_in_range(h->cpu.icount, 4 * (uint64_t)harness_r32(h, at) - 4,
                    4 * (uint64_t)harness_r32(h, at) + 16);
}

/* ---- When it is used ------------------------------------------------------------- */

/* A CR3 load, and on with the loop at its beginning. */
static void load_cr3(struct harness *h)
{
    uint64_t rip = h->cpu.rip;

    memcpy(h->ram + HARNESS_CODE + 0x100, "\x0f\x20\xd8\x0f\x22\xd8\xf4", 7);
    h->cpu.rip = HARNESS_CODE + 0x100;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    h->cpu.halted = false;
    h->cpu.rip = rip;
}

/* It is not active before so many instructions, and is soon behind them. */
static void expect_patience(struct harness *h, uint64_t patience)
{
    go_on(h, patience - 4 * STEP);
    assert_false(is_active(h));
    go_on(h, 8 * STEP);
    assert_true(is_active(h));
}

static void test_patience(void **state)
{
    struct harness *h = new_window(PATIENCE, FOREVER);
    const struct jit_window *w = window_of(h);

    start_loop(h, DATA);
    expect_patience(h, PATIENCE);
    go_on(h, 8 * STEP);
    assert_int_equal(w->counts.activated, 1);
    assert_int_equal(w->counts.dropped, 0);
    assert_true(w->counts.promoted >= 1 && w->counts.mapped >= 1);
    assert_true(w->counts.faults <= 2 * w->counts.mapped);
    for (unsigned n = 1; n <= 3; n++) {
        load_cr3(h);
        assert_false(is_active(h));
        assert_int_equal(w->counts.dropped, n);
        expect_patience(h, (uint64_t)PATIENCE << n);
    }
    assert_int_equal(w->counts.activated, 4);
    harness_free(h);
}

/* A change while it is not used is not to be paid for. */
static void test_change_while_unused(void **state)
{
    struct harness *h = new_window(PATIENCE, FOREVER);

    start_loop(h, DATA);
    for (unsigned n = 0; n < 5; n++) {
        go_on(h, PATIENCE / 2);
        load_cr3(h);
    }
    assert_int_equal(window_of(h)->counts.activated, 0);
    expect_patience(h, PATIENCE);
    harness_free(h);
}

/* One that lasts is worth as much patience as the first. */
static void test_lasting(void **state)
{
    struct harness *h = new_window(PATIENCE, FOREVER);

    start_loop(h, DATA);
    for (unsigned n = 0; n < 2; n++) {
        expect_patience(h, (uint64_t)PATIENCE << n);
        load_cr3(h);
    }
    expect_patience(h, PATIENCE * 4);
    assert_int_equal(harness_step(h, 20000000), ENGINE_BUDGET);
    load_cr3(h);
    expect_patience(h, PATIENCE);
    harness_free(h);
}

static int map_nothing(uint8_t *at, const uint8_t *host, size_t size,
                       bool write)
{
    return -EINVAL;
}

static int map_full(uint8_t *at, const uint8_t *host, size_t size, bool write)
{
    return -ENOMEM;
}

/* Used, it has nothing but faults: it is given up, for longer each time. */
static void given_up(int (*map)(uint8_t *, const uint8_t *, size_t, bool))
{
    struct harness *h = new_window(PATIENCE, FOREVER);
    struct jit_window *w = window_of(h);
    struct window_ops ops = *w->ops;

    ops.map = map;
    w->ops = &ops;
    start_loop(h, DATA);
    for (unsigned n = 1; n <= 3; n++) {
        go_on(h, (PATIENCE << (n - 1)) - 2 * STEP);
        assert_int_equal(w->counts.activated, n - 1);
        go_on(h, 12 * STEP);
        assert_int_equal(w->counts.activated, n);
        assert_int_equal(w->counts.dropped, n);
        assert_int_equal(w->view[0].patience, PATIENCE << n);
        load_cr3(h);
    }
    assert_int_equal(w->counts.mapped, 0);
    expect_loop(h, DATA);
    harness_free(h);
}

static void test_given_up(void **state)
{
    given_up(map_nothing);
    given_up(map_full);
}

/* ---- Traces that have no use of it ------------------------------------------------- */

/* %ecx times: `insn` at (%esi). */
static void run_times(struct harness *h, unsigned times, uint32_t at,
                      const uint8_t insn[2])
{
    uint8_t code[] = { insn[0], insn[1], 0x49, 0x75, 0xfb, 0xf4 };

    harness_code(h, code, sizeof(code));
    h->cpu.gpr[RCX] = times;
    h->cpu.gpr[RSI] = at;
    h->cpu.rip = HARNESS_CODE;
    h->cpu.halted = false;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(harness_vector(h), -1);
}

static void expect_refused(struct harness *h, unsigned count)
{
    char info[2048], line[64];

    assert_int_equal(window_of(h)->counts.refused, count);
    snprintf(line, sizeof(line), "  %u had no use of it\n", count);
    jit_info(h->engine, info, sizeof(info));
    assert_non_null(strstr(info, line));
}

/* So many accesses to `at` fault, all the same each is done once. */
static void refuse(uint32_t at, const uint8_t insn[2], unsigned misses)
{
    struct harness *h = new_window(0, misses);
    const struct jit_window *w = window_of(h);
    unsigned total = misses - 1 + misses + 50;
    uint64_t faults;

    run_times(h, misses - 1, at, insn);
    expect_refused(h, 0);
    run_times(h, misses, at, insn);     /* the code is new */
    expect_refused(h, 1);
    faults = w->counts.faults;
    assert_true(faults >= 2 * misses - 1);
    h->cpu.gpr[RCX] = 50;
    h->cpu.rip = HARNESS_CODE;
    h->cpu.halted = false;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(w->counts.faults, faults);
    assert_int_equal(h->mmio_reads, insn[0] == 0x8b ? total : 0);
    assert_int_equal(h->mmio_writes, insn[0] == 0x89 ? total : 0);
    harness_free(h);
}

static void test_refused(void **state)
{
    static const uint8_t load[] = { 0x8b, 0x06 }, store[] = { 0x89, 0x06 };

    refuse(DEVICE, load, 10);
    refuse(DEVICE, store, 10);
    refuse(ROM, store, 10);
}

/* Warming up is no miss, however long that takes. */
static void test_misses_after_warming_up(void **state)
{
    struct harness *h = new_window(0, 30);

    jit_set_threshold(h->engine, 50);
    run_times(h, 50 + 20, DEVICE, (const uint8_t[]){ 0x8b, 0x06 });
    assert_true(window_of(h)->counts.promoted >= 1);
    expect_refused(h, 0);
    assert_int_equal(h->mmio_reads, 70);
    harness_free(h);
}

/* RAM is of use, to read and to write, once D is set. */
static void test_ram_is_of_use(void **state)
{
    struct harness *h = new_window(0, 2);

    *harness_pte(h, DATA) &= ~0x60u;
    run_times(h, 100, DATA, (const uint8_t[]){ 0xff, 0x06 });
    expect_refused(h, 0);
    assert_int_equal(harness_r32(h, DATA), 100);
    assert_int_equal(*harness_pte(h, DATA), DATA | PTE_USED);
    assert_true(window_of(h)->counts.faults < 20);
    harness_free(h);
}

/* Pieces of RAM that cannot be mapped in one go are mapped each. */
static const uint8_t *border;

static int map_pieces(uint8_t *at, const uint8_t *host, size_t size, bool write)
{
    if (host < border && host + size > border)
        return -EINVAL;
    return platform_windows->map(at, host, size, write);
}

static void test_pieces(void **state)
{
    struct harness *h = new_window(0, 5);
    struct jit_window *w = window_of(h);
    struct window_ops ops = *w->ops;

    border = h->ram + DATA + PAGE;
    ops.map = map_pieces;
    w->ops = &ops;
    run_times(h, 100, DATA, (const uint8_t[]){ 0xff, 0x06 });
    run_times(h, 100, DATA + PAGE, (const uint8_t[]){ 0xff, 0x06 });
    expect_refused(h, 0);
    assert_true(w->counts.mapped >= 2 && w->counts.faults < 20);
    harness_free(h);
}

/* More pieces than a view has room for: all page tables lead to one page. */
static void test_too_many_pieces(void **state)
{
    struct harness *h = new_window(0, FOREVER);
    struct jit_window *w = window_of(h);
    const uint32_t pages = WINDOW_RUNS + 100, first = 0x10000000, table = DATA;

    for (uint32_t n = 0; n < 1024; n++)
        harness_w32(h, table + 4 * n, (table + PAGE) | PTE_USED);
    for (uint32_t n = 0; n <= pages / 1024; n++)
        harness_w32(h, DIRECTORY + (first >> 20) + 4 * n, table | PTE_USED);
    HARNESS_CODE_BYTES(h,
        0xff, 0x06,                             /* incl (%esi) */
        0x81, 0xc6, 0x00, 0x10, 0x00, 0x00,     /* add $0x1000,%esi */
        0x49, 0x75, 0xf5, 0xf4);                /* dec %ecx; jnz; hlt */
    for (uint32_t n = 1; n <= 3; n++) {
        h->cpu.gpr[RSI] = first;
        h->cpu.gpr[RCX] = pages;
        h->cpu.rip = HARNESS_CODE;
        h->cpu.halted = false;
        assert_int_equal(harness_run(h), ENGINE_HALTED);
        assert_int_equal(harness_vector(h), -1);
        assert_int_equal(harness_r32(h, table + PAGE), n * pages);
        assert_true(w->view[0].full);
        assert_int_equal(w->view[0].run_count, WINDOW_RUNS);
        assert_int_equal(w->counts.dropped, n - 1);
    }
    harness_free(h);
}

static size_t unmap_min;        /* what is smaller cannot be */

static int unmap_large(uint8_t *at, size_t size)
{
    return size < unmap_min ? -ENOMEM : platform_windows->unmap(at, size);
}

/* `from` leads to that page from now on; INVLPG says so. */
static void redirect(struct harness *h, uint32_t from, uint32_t to)
{
    *harness_pte(h, from) = to | PTE_USED;
    memcpy(h->ram + HARNESS_CODE + 0x100, "\x0f\x01\x3e\x8b\x06\xf4", 6);
    h->cpu.gpr[RSI] = from;
    h->cpu.rip = HARNESS_CODE + 0x100;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(h->cpu.gpr[RAX], harness_r32(h, to));
    h->cpu.halted = false;
}

/* The host is out of pieces: the window ends rather than keep an old page. */
static void test_cannot_unmap(void **state)
{
    static const size_t least[] = { 0x100000, (size_t)-1 };

    for (unsigned n = 0; n < COUNT_OF(least); n++) {
        struct harness *h = new_window(PATIENCE, FOREVER);
        struct jit_window *w = window_of(h);
        struct window_ops ops = *w->ops;

        ops.unmap = unmap_large;
        w->ops = &ops;
        unmap_min = least[n];
        harness_w32(h, DATA + PAGE, 0x12345678);
        start_loop(h, DATA);
        go_on(h, 2 * PATIENCE);
        assert_true(is_active(h));
        redirect(h, DATA, DATA + PAGE);
        assert_false(is_active(h));
        start_loop(h, DATA + 2 * PAGE);
        go_on(h, 4 * PATIENCE);
        assert_true(is_active(h) == (n == 0));
        unmap_min = 0;
        harness_free(h);
    }
}

/* ---- It comes and goes --------------------------------------------------------------- */

/* A device appears in place of RAM that is mapped, and goes again. */
static void test_map_changed(void **state)
{
    static const uint8_t load[] = { 0x8b, 0x06 };
    struct harness *h = new_window(0, FOREVER);

    for (unsigned n = 0; n < 3; n++) {
        run_times(h, 10, DATA, load);
        assert_true(is_active(h));
        assert_int_equal(h->mmio_reads, 5 * n);
        h->mmio_base = DATA;
        h->ops->map_changed(h->engine);
        assert_false(is_active(h));
        run_times(h, 5, DATA, load);
        h->mmio_base = DEVICE;
        h->ops->map_changed(h->engine);
    }
    harness_free(h);
}

static void test_two_engines(void **state)
{
    struct harness *a = new_window(0, FOREVER), *b = new_window(0, FOREVER), *d;

    start_loop(a, DATA);
    start_loop(b, DATA);
    for (unsigned n = 0; n < 10; n++) {
        go_on(a, STEP);
        go_on(b, 2 * STEP);
    }
    assert_true(is_active(a) && is_active(b));
    expect_loop(a, DATA);
    expect_loop(b, DATA);
    harness_free(a);            /* active */
    d = new_window(0, FOREVER);
    start_loop(d, DATA);
    go_on(d, STEP);
    go_on(b, 2 * STEP);
    assert_true(is_active(b) && is_active(d));
    expect_loop(b, DATA);
    expect_loop(d, DATA);
    harness_free(b);
    go_on(d, STEP);
    expect_loop(d, DATA);
    harness_free(d);
}

static void test_without(void **state)
{
    struct harness *h;

    harness_window = HARNESS_WINDOW_OFF;
    h = harness_new(&engine_jit, HARNESS_RAM);
    assert_null(window_of(h));
    assert_false(jit_set_window(h->engine, 0, 1));
    assert_int_equal(h->ops->window(h->engine, ENGINE_WINDOW_OFF), 0);
    assert_int_equal(h->ops->window(h->engine, ENGINE_WINDOW_ON), -ENOTSUP);
    start(h);
    start_loop(h, DATA);
    go_on(h, 10 * STEP);
    expect_loop(h, DATA);
    harness_free(h);
}

/* Switched off before it is used. */
static void test_switched_off(void **state)
{
    struct harness *h = new_window(0, FOREVER);

    assert_int_equal(h->ops->window(h->engine, ENGINE_WINDOW_ON), 0);
    assert_int_equal(h->ops->window(h->engine, ENGINE_WINDOW_OFF), 0);
    assert_null(window_of(h));
    start_loop(h, DATA);
    go_on(h, 10 * STEP);
    expect_loop(h, DATA);
    harness_free(h);
}

/* ---- It cannot be had ------------------------------------------------------------------ */

static unsigned room;           /* reservations that succeed */
static int held;
static int watch_result;

static uint8_t *reserve_some(size_t size, size_t head)
{
    uint8_t *p = room ? platform_windows->reserve(size, head) : NULL;

    room -= p != NULL;
    held += p != NULL;
    return p;
}

static void release_some(uint8_t *base, size_t size)
{
    held--;
    platform_windows->release(base, size);
}

static int watch_some(const struct window_code *code)
{
    return watch_result ? watch_result : platform_windows->watch(code);
}

static void no_window(unsigned reservations, int result)
{
    struct window_ops ops = *platform_windows;
    struct harness *h = new_window(0, FOREVER);

    ops.reserve = reserve_some;
    ops.release = release_some;
    ops.watch = watch_some;
    room = reservations;
    watch_result = result;
    h->ops->destroy(h->engine);
    h->bus.windows = &ops;
    h->engine = h->ops->create(&h->cpu);
    assert_non_null(h->engine);
    assert_true(!window_of(h) == (reservations < 2 || result));
    assert_int_equal(held, window_of(h) ? 2 : 0);
    start(h);
    start_loop(h, DATA);
    go_on(h, 40 * STEP);
    expect_loop(h, DATA);
    harness_free(h);
    assert_int_equal(held, 0);
}

static void test_none_to_be_had(void **state)
{
    no_window(0, 0);
    no_window(1, 0);
    no_window(2, -ENOSPC);
    no_window(2, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patience),
        cmocka_unit_test(test_change_while_unused),
        cmocka_unit_test(test_lasting),
        cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_misses_after_warming_up),
        cmocka_unit_test(test_ram_is_of_use),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_too_many_pieces),
        cmocka_unit_test(test_cannot_unmap),
        cmocka_unit_test(test_map_changed),
        cmocka_unit_test(test_two_engines),
        cmocka_unit_test(test_without),
        cmocka_unit_test(test_switched_off),
        cmocka_unit_test(test_none_to_be_had),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
