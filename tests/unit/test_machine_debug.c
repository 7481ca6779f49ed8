/* A machine and its debugger (emu/machine_debug.h), by the interpreter. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "emu/dev/device.h"
#include "emu/machine_debug.h"
#include "emu/machine_peek.h"
#include "tests/unit/machine_harness.h"

#define CODE 0x1000u
#define DATA 0x2000u
#define SLICE (10 * MS)

/* INC AX; MOV [DATA], AX; JMP back. */
static const uint8_t code[] = { 0x40, 0xa3, 0x00, 0x20, 0xeb, 0xfa };

static struct guest guest;
static uint8_t ram[RAM_BYTES] __attribute__((aligned(4096)));
static struct machine *m;

static int can_not(const struct engine *e) { return -ENOTSUP; }

static void make(const struct engine_ops *ops)
{
    struct machine_config c;
    struct cpu *cpu;
    const char *error;

    guest = (struct guest){ .ram = ram };
    memset(ram, 0, sizeof ram);
    memcpy(ram + CODE, code, sizeof code);
    c = guest_config(&guest, 0);
    c.engine = ops;
    m = machine_create(&c, &error);
    assert_non_null(m);
    guest.m = m;
    cpu = machine_cpu(m);
    cpu->seg[CS].sel = 0;
    cpu->seg[CS].base = 0;
    cpu->rip = CODE;
}

static int setup(void **state)
{
    make(&engine_interp);
    return 0;
}

static int teardown(void **state)
{
    machine_destroy(m);
    return 0;
}

static void test_break(void **state)
{
    struct cpu *c = machine_cpu(m);
    uint64_t now;

    assert_int_equal(machine_run(m, 1000), MACHINE_BUDGET);
    assert_int_equal(machine_debug_insert(m, CPU_STOP_BREAK, CODE + 4, 1), 0);
    assert_int_equal(machine_run(m, SLICE), MACHINE_DEBUG);
    assert_int_equal(machine_debug_stops(m)->reason, CPU_BROKE);
    assert_int_equal(c->rip, CODE + 4);
    assert_true(machine_is_stopped(m));
    assert_int_equal(machine_run(m, SLICE), MACHINE_HALTED);
    now = machine_now(m);
    assert_int_equal(machine_debug_step(m, true), 0);
    machine_cont(m);
    assert_int_equal(machine_run(m, SLICE), MACHINE_DEBUG);
    assert_int_equal(machine_debug_stops(m)->reason, CPU_STEPPED);
    assert_int_equal(c->rip, CODE);
    assert_int_equal(machine_now(m), now + 1);          /* -icount shift=0 */
    machine_cont(m);
    assert_int_equal(machine_run(m, SLICE), MACHINE_DEBUG);
    assert_int_equal(machine_debug_stops(m)->reason, CPU_BROKE);
    assert_int_equal(c->rip, CODE + 4);
    machine_debug_clear(m);
    assert_null(c->stops);
    machine_cont(m);
    assert_int_equal(machine_run(m, SLICE), MACHINE_BUDGET);
}

static void test_watch(void **state)
{
    assert_int_equal(machine_debug_insert(m, CPU_STOP_WRITE, DATA, 2), 0);
    assert_int_equal(machine_run(m, SLICE), MACHINE_DEBUG);
    assert_int_equal(machine_debug_stops(m)->reason, CPU_WATCHED);
    assert_int_equal(machine_debug_stops(m)->hit.addr, DATA);
    assert_int_equal(ram[DATA], 1);
    assert_int_equal(machine_debug_remove(m, CPU_STOP_WRITE, DATA, 4), -ENOENT);
    assert_int_equal(machine_debug_remove(m, CPU_STOP_WRITE, DATA, 2), 0);
    machine_cont(m);
    assert_int_equal(machine_run(m, SLICE), MACHINE_BUDGET);
}

/* Code that runs already, written by the debugger. */
static void test_memory(void **state)
{
    static const uint8_t nop[2] = { 0x90, 0xf4 };
    uint8_t buf[8];

    assert_int_equal(machine_run(m, 1000), MACHINE_BUDGET);
    assert_int_equal(machine_peek(m, CODE, false, buf, 6), 0);
    assert_memory_equal(buf, code, 6);
    assert_int_equal(machine_debug_write(m, CODE + 4, nop, 2), 0);
    assert_int_equal(machine_run(m, 1000), MACHINE_BUDGET);
    assert_true(machine_cpu(m)->halted);
    /* Over a page's end; the ROM can be read; the VGA's memory cannot. */
    memset(ram + 0x3ffe, 0xab, 4);
    assert_int_equal(machine_peek(m, 0x3ffe, false, buf, 4), 0);
    assert_memory_equal(buf, "\xab\xab\xab\xab", 4);
    assert_int_equal(machine_peek(m, 0xfffffff0u, false, buf, 8), 0);
    assert_memory_equal(buf, guest_bios + BIOS_BYTES - 16, 8);
    assert_int_equal(machine_debug_write(m, 0xfffffff0u, buf, 1), -EFAULT);
    assert_int_equal(machine_peek(m, 0xa0000, false, buf, 1), -EFAULT);
    assert_int_equal(machine_debug_write(m, 0x9fffe, "abcd", 4), -EFAULT);
    assert_memory_equal(ram + 0x9fffe, "ab", 2);
}

static void test_refused(void **state)
{
    static struct engine_ops ops;

    machine_destroy(m);
    ops = engine_interp;
    ops.can_debug = can_not;
    make(&ops);
    assert_int_equal(machine_debug_insert(m, CPU_STOP_BREAK, CODE, 1),
                     -ENOTSUP);
    assert_int_equal(machine_debug_step(m, true), -ENOTSUP);
    assert_int_equal(machine_debug_step(m, false), 0);
    assert_null(machine_cpu(m)->stops);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_break), T(test_watch), T(test_memory), T(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
