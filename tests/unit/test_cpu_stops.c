/*
 * A debugger's places to stop at and steps (emu/cpu/stops.h), in code that has
 * run often enough to be decoded, linked and translated.
 */
#include "tests/unit/sys_harness.h"

#include <errno.h>

#include "emu/cpu/peek.h"
#include "emu/cpu/stops.h"
#include "tests/unit/fault_harness.h"

#define RAM (1u << 20)
#define DIRECTORY 0x40000u
#define LOOP (HARNESS_CODE + 5)         /* of count_code */
#define ADD (LOOP + 1)
#define STORE (ADD + 2)
#define WARM 1000u

/* ECX rounds of: INC EBX; ADD EAX, EBX; MOV [DATA], EAX; DEC ECX; JNZ. */
static const uint8_t count_code[] = {
    0xb9, 0x00, 0x00, 0x10, 0x00,       /* MOV ECX, 100000h */
    0x43, 0x01, 0xd8, 0xa3, 0x00, 0x00, 0x01, 0x00, 0x49, 0x75, 0xf5, 0xf4,
};

static struct cpu_stops stops;

static int setup(void **state)
{
    struct harness *h = harness_new(NULL, RAM);

    stops = (struct cpu_stops){ .count = 0 };
    harness_protected(h);
    harness_code(h, count_code, sizeof count_code);
    *state = h;
    return 0;
}

static void changed(struct harness *h)
{
    h->cpu.stops = &stops;
    h->ops->map_changed(h->engine);
}

static void add(struct harness *h, enum cpu_stop_kind kind, uint32_t addr,
                unsigned len)
{
    assert_int_equal(cpu_stops_add(&stops, kind, addr, len), 0);
    changed(h);
}

static enum engine_exit run(struct harness *h, uint64_t insns)
{
    enum engine_exit why;

    if (h->window != HARNESS_WINDOW_OFF)
        fault_harness_take();
    why = h->ops->run(h->engine, insns, UINT64_MAX);
    if (h->window != HARNESS_WINDOW_OFF)
        fault_harness_give_back();
    return why;
}

static enum engine_exit step(struct harness *h)
{
    enum engine_exit why;

    stops.step = true;
    stops.went_on = false;
    h->cpu.stops = &stops;
    why = run(h, 1000);
    stops.step = false;
    return why;
}

static enum engine_exit go_on(struct harness *h)
{
    return run(h, 100000);
}

/* As debuggers do: over the breakpoint by a step. */
static void next_stop(struct harness *h, uint32_t rip)
{
    step(h);
    assert_int_equal(go_on(h), ENGINE_DEBUG);
    assert_int_equal(stops.reason, CPU_BROKE);
    assert_int_equal(h->cpu.rip, rip);
}

static void test_breakpoint(void **state)
{
    struct harness *h = *state;
    uint32_t ebx;

    harness_step(h, WARM);
    add(h, CPU_STOP_BREAK, ADD, 1);
    next_stop(h, ADD);
    ebx = (uint32_t)h->cpu.gpr[RBX];
    for (unsigned i = 1; i < 50; i++) {
        next_stop(h, ADD);
        assert_int_equal(h->cpu.gpr[RBX], ebx + i);
        assert_int_equal(harness_r32(h, 0x10000), (uint32_t)h->cpu.gpr[RAX]);
    }
    /* In front of a branch that would be one with the DEC before it. */
    add(h, CPU_STOP_BREAK, STORE + 6, 1);
    next_stop(h, STORE + 6);
    next_stop(h, ADD);
    assert_int_equal(cpu_stops_remove(&stops, CPU_STOP_BREAK, ADD, 9), 0);
    changed(h);
    next_stop(h, STORE + 6);
    next_stop(h, STORE + 6);
    assert_int_equal(cpu_stops_remove(&stops, CPU_STOP_BREAK, STORE + 6, 1), 0);
    h->ops->map_changed(h->engine);
    h->cpu.stops = NULL;
    while (go_on(h) == ENGINE_BUDGET)
        ;
    assert_int_equal(h->cpu.gpr[RBX], 0x100000);
    assert_int_equal(harness_vector(h), -1);
}

/* Another page's code at the same offset does not stop. */
static void test_other_page(void **state)
{
    struct harness *h = *state;

    add(h, CPU_STOP_BREAK, ADD + 0x1000, 1);
    add(h, CPU_STOP_BREAK, ADD + 0x80000000u, 1);
    while (go_on(h) == ENGINE_BUDGET)
        ;
    assert_int_equal(h->cpu.gpr[RBX], 0x100000);
}

static void test_step(void **state)
{
    static const uint8_t at[] = { 5, 6, 8, 13, 14, 5, 6, 8, 13, 14, 5 };
    struct harness *h = *state;

    for (unsigned round = 0; round < 20; round++)
        for (unsigned i = round ? 1 : 0; i < sizeof at; i++) {
            assert_int_equal(step(h), ENGINE_DEBUG);
            assert_int_equal(stops.reason, CPU_STEPPED);
            assert_int_equal(h->cpu.rip, HARNESS_CODE + at[i]);
        }
    h->cpu.stops = NULL;
    harness_step(h, 5 * WARM);
    assert_int_equal(h->cpu.rip, HARNESS_CODE + 5);
    assert_int_equal(step(h), ENGINE_DEBUG);
    assert_int_equal(h->cpu.rip, HARNESS_CODE + 6);
}

/* An interrupt waits meanwhile; an exception's handler is where a step ends. */
static void test_step_events(void **state)
{
    struct harness *h = *state;

    HARNESS_CODE_BYTES(h, 0x43, 0x0f, 0x0b);    /* INC EBX; UD2 */
    h->cpu.rflags |= FLAG_IF;
    h->cpu.intr = true;
    h->vector = 0x40;
    assert_int_equal(step(h), ENGINE_DEBUG);
    assert_int_equal(h->cpu.rip, HARNESS_CODE + 1);
    assert_int_equal(step(h), ENGINE_DEBUG);
    assert_int_equal(h->cpu.rip, HARNESS_STUBS + 16 * EXC_UD);
    assert_true(h->cpu.intr);
    /* HLT there. With interrupts on, a step then waits for one. */
    assert_int_equal(step(h), ENGINE_DEBUG);
    assert_true(h->cpu.halted);
    h->cpu.rflags |= FLAG_IF;
    assert_int_equal(step(h), ENGINE_DEBUG);
    assert_int_equal(h->cpu.rip, HARNESS_STUBS + 16 * 0x40);
}

static void watch(struct harness *h, enum cpu_stop_kind kind, uint32_t addr,
                  unsigned len, uint32_t stops_at)
{
    harness_step(h, WARM);
    add(h, kind, addr, len);
    for (unsigned i = 0; i < 30; i++) {
        assert_int_equal(go_on(h), ENGINE_DEBUG);
        assert_int_equal(stops.reason, CPU_WATCHED);
        assert_int_equal(stops.hit.addr, addr);
        assert_int_equal(stops.hit.kind, kind);
        assert_int_equal(h->cpu.rip, stops_at);
    }
    assert_int_equal(h->cpu.dr[6], 0xffff0ff0);
}

static void test_watch_write(void **state)
{
    watch(*state, CPU_STOP_WRITE, 0x10002, 1, STORE + 5);
}

static void test_watch_access(void **state)
{
    watch(*state, CPU_STOP_ACCESS, 0x0fff0, 0x11, STORE + 5);
}

static void test_watch_paged(void **state)
{
    harness_paging(*state, DIRECTORY);
    watch(*state, CPU_STOP_WRITE, 0x10003, 100, STORE + 5);
}

/* It reads nothing there, and the rest of the page is free. */
static void test_watch_nothing(void **state)
{
    struct harness *h = *state;

    harness_step(h, WARM);
    add(h, CPU_STOP_READ, 0x10000, 4);
    add(h, CPU_STOP_WRITE, 0x10004, 4);
    while (go_on(h) == ENGINE_BUDGET)
        ;
    assert_int_equal(h->cpu.gpr[RBX], 0x100000);
}

static void test_watch_read(void **state)
{
    struct harness *h = *state;

    HARNESS_CODE_BYTES(h, 0xb9, 0x00, 0x10, 0x00, 0x00,         /* ECX */
                       0x03, 0x05, 0x00, 0x00, 0x01, 0x00,      /* ADD EAX */
                       0xff, 0x05, 0x00, 0x10, 0x01, 0x00,      /* INC [] */
                       0x49, 0x75, 0xf1, 0xf4);
    watch(h, CPU_STOP_READ, 0x10001, 2, HARNESS_CODE + 11);
    assert_int_equal(cpu_stops_remove(&stops, CPU_STOP_READ, 0x10001, 2), 0);
    watch(h, CPU_STOP_READ, 0x11003, 1, HARNESS_CODE + 17);
}

/* Many bytes at once: it stops where it is, and the rest follows. */
static void test_watch_string(void **state)
{
    struct harness *h = *state;

    HARNESS_CODE_BYTES(h, 0xf3, 0xab, 0xf4);            /* REP STOSD */
    h->cpu.gpr[RDI] = 0x20000;
    h->cpu.gpr[RCX] = 0x1000;
    h->cpu.gpr[RAX] = 0x55aa55aa;
    add(h, CPU_STOP_WRITE, 0x21802, 1);
    assert_int_equal(go_on(h), ENGINE_DEBUG);
    assert_int_equal(stops.reason, CPU_WATCHED);
    assert_int_equal(harness_r32(h, 0x21800), 0x55aa55aa);
    while (go_on(h) != ENGINE_HALTED)
        ;
    assert_int_equal(h->cpu.gpr[RCX], 0);
    assert_int_equal(harness_r32(h, 0x23ffc), 0x55aa55aa);
}

/* What faults has not happened, whatever it touched before. */
static void test_watch_fault(void **state)
{
    struct harness *h = *state;

    HARNESS_CODE_BYTES(h, 0xff, 0x35, 0x00, 0x00, 0x03, 0x00);  /* PUSH [] */
    harness_paging(h, DIRECTORY);
    *harness_pte(h, 0x50000) = 0;
    h->cpu.gpr[RSP] = 0x50004;
    add(h, CPU_STOP_READ, 0x30000, 4);
    assert_int_equal(go_on(h), ENGINE_SHUTDOWN);        /* no stack at all */
    assert_int_equal(h->cpu.cr2, 0x50000);
}

static void test_list(void **state)
{
    struct cpu_stops s = { .count = 0 };

    assert_int_equal(cpu_stops_add(&s, CPU_STOP_WRITE, 0, 0), -EINVAL);
    assert_int_equal(cpu_stops_add(&s, CPU_STOP_WRITE, 0, CPU_WATCH_MAX + 1),
                     -EINVAL);
    assert_int_equal(cpu_stops_add(&s, CPU_STOP_READ, UINT64_MAX, 2), -EINVAL);
    for (unsigned i = 0; i < CPU_STOPS; i++)
        assert_int_equal(cpu_stops_add(&s, CPU_STOP_BREAK, i, 1), 0);
    assert_int_equal(cpu_stops_add(&s, CPU_STOP_BREAK, 7, 4), 0);
    assert_int_equal(s.count, CPU_STOPS);
    assert_int_equal(cpu_stops_add(&s, CPU_STOP_BREAK, 1000, 1), -ENOSPC);
    assert_int_equal(cpu_stops_remove(&s, CPU_STOP_WRITE, 7, 1), -ENOENT);
    for (unsigned i = CPU_STOPS; i-- > 0;)
        assert_int_equal(cpu_stops_remove(&s, CPU_STOP_BREAK, i, 4), 0);
    assert_false(s.breaks);
    assert_int_equal(cpu_stops_remove(&s, CPU_STOP_BREAK, 0, 1), -ENOENT);
}

/* ---- Looking at memory --------------------------------------------------- */

static void test_peek(void **state)
{
    struct harness *h = *state;
    uint64_t phys;

    assert_true(cpu_peek_translate(&h->cpu, 0x12345, &phys));
    assert_int_equal(phys, 0x12345);
    harness_paging(h, DIRECTORY);
    *harness_pte(h, 0x30000) = 0x50001;
    *harness_pte(h, 0x31000) = 0x51000;
    assert_true(cpu_peek_translate(&h->cpu, 0x30123, &phys));
    assert_int_equal(phys, 0x50123);
    assert_false(cpu_peek_translate(&h->cpu, 0x31000, &phys));
    assert_int_equal(*harness_pte(h, 0x30000), 0x50001);        /* not A */
    /* A 4 MiB page, and a table outside of memory. */
    h->cpu.cr4 |= CR4_PSE;
    harness_w32(h, DIRECTORY + 4, 0x00800081);
    harness_w32(h, DIRECTORY + 8, 0x7ffff001);
    assert_true(cpu_peek_translate(&h->cpu, 0x400010, &phys));
    assert_int_equal(phys, 0x800010);
    assert_false(cpu_peek_translate(&h->cpu, 0x800000, &phys));
    assert_null(cpu_peek_memory(&h->cpu, 0x800010, false));
    assert_ptr_equal(cpu_peek_memory(&h->cpu, 0x50123, true), h->ram + 0x50123);
}

static void put64(struct harness *h, uint32_t at, uint64_t v)
{
    memcpy(h->ram + at, &v, 8);
}

static void test_peek_pae(void **state)
{
    struct harness *h = *state;
    struct cpu c = h->cpu;
    uint64_t phys;

    c.cr0 |= CR0_PG;
    c.cr4 |= CR4_PAE;
    c.pdpte[3] = 0x60001;
    put64(h, 0x60000 + 8 * 1, 0x61001);
    put64(h, 0x60000 + 8 * 2, 0x200083);
    put64(h, 0x61000 + 8 * 5, 0x8000000000070001ull);
    assert_true(cpu_peek_translate(&c, 0xc0205678, &phys));
    assert_int_equal(phys, 0x70678);
    assert_true(cpu_peek_translate(&c, 0xc0401234, &phys));
    assert_int_equal(phys, 0x201234);
    assert_false(cpu_peek_translate(&c, 0xc0206000, &phys));
    assert_false(cpu_peek_translate(&c, 0x1000, &phys));
}

static void test_peek_long(void **state)
{
    struct harness *h = *state;
    struct cpu c = h->cpu;
    uint64_t phys;

    c.model = cpu_model_find("trestle64");
    c.cr0 |= CR0_PG;
    c.cr4 |= CR4_PAE;
    c.efer |= EFER_LMA | EFER_LME;
    c.cr3 = 0x60000;
    put64(h, 0x60000 + 8 * 511, 0x61001);
    put64(h, 0x61000 + 8 * 510, 0x62001);
    put64(h, 0x61000 + 8 * 509, 0x40000081);            /* 1 GiB */
    put64(h, 0x62000 + 8 * 8, 0x1000081);               /* 2 MiB */
    assert_true(cpu_peek_translate(&c, 0xffffffff81000123ull, &phys));
    assert_int_equal(phys, 0x1000123);
    assert_true(cpu_peek_translate(&c, 0xffffffff40000001ull, &phys));
    assert_int_equal(phys, 0x40000001);
    assert_false(cpu_peek_translate(&c, 0xffffffff81200000ull, &phys));
    assert_false(cpu_peek_translate(&c, 0x0000ffff81000000ull, &phys));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, harness_teardown)
    const struct CMUnitTest tests[] = {
        T(test_breakpoint), T(test_other_page), T(test_step),
        T(test_step_events), T(test_watch_write), T(test_watch_access),
        T(test_watch_paged), T(test_watch_nothing), T(test_watch_read),
        T(test_watch_string), T(test_watch_fault), T(test_list), T(test_peek),
        T(test_peek_pae), T(test_peek_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
