/* What a machine does when its watchdog expires or its guest panics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "emu/dev/device.h"
#include "emu/machine_watchdog.h"
#include "tests/unit/machine_harness.h"

static struct {
    enum machine_event event;
    char text[80];
    uint64_t rip;
    unsigned count;
} told;

static void on_event(void *ctx, enum machine_event event, const char *text)
{
    struct guest *g = ctx;

    told.event = event;
    snprintf(told.text, sizeof told.text, "%s", text);
    told.rip = machine_cpu(g->m)->rip;
    told.count++;
}

static void with_all(struct machine_config *c)
{
    struct guest *g = c->host->ctx;

    g->host.event = on_event;
    c->i6300esb = c->ib700 = c->pvpanic = true;
}

static struct guest *begin(void)
{
    memset(&told, 0, sizeof told);
    return guest_new_as(-1, with_all);
}

/* It feeds its watchdog for 0 s, once. */
static bool insn_expire(struct guest *g, struct cpu *c)
{
    if (c->icount == 100) {
        c->rip = 0x4321;
        guest_out(g, 0x443, 1, 15);
    }
    return false;
}

static struct guest *expire(enum machine_reaction what,
                            enum machine_status *status)
{
    struct guest *g = begin();

    g->insn = insn_expire;
    machine_on_watchdog(g->m, what);
    *status = machine_run(g->m, MS);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.event, MACHINE_EVENT_WATCHDOG);
    assert_string_equal(told.text, "the guest's watchdog expired");
    /* The registers are those at that moment, not after a reset. */
    assert_int_equal(told.rip, 0x4321);
    assert_int_equal(guest_counter(g, "watchdog: expired"), 1);
    return g;
}

static void test_reactions(void **state)
{
    enum machine_status status;
    struct guest *g = expire(MACHINE_REACT_RESET, &status);

    assert_int_equal(status, MACHINE_RESET);
    assert_int_equal(machine_cpu(g->m)->rip, 0xfff0);
    guest_free(g);
    guest_free(expire(MACHINE_REACT_POWEROFF, &status));
    assert_int_equal(status, MACHINE_POWEROFF);
    g = expire(MACHINE_REACT_PAUSE, &status);
    assert_int_equal(status, MACHINE_BUDGET);
    assert_true(machine_is_stopped(g->m));
    machine_cont(g->m);
    assert_int_equal(machine_run(g->m, MS), MACHINE_BUDGET);
    guest_free(g);
    g = expire(MACHINE_REACT_NONE, &status);
    assert_int_equal(status, MACHINE_BUDGET);
    assert_false(machine_is_stopped(g->m));
    guest_free(g);
}

/* The power button's status bit, and LINT1, which SeaBIOS makes NMI. */
static void test_button_and_nmi(void **state)
{
    enum machine_status status;
    struct guest *g = expire(MACHINE_REACT_SHUTDOWN, &status);

    assert_int_equal(status, MACHINE_BUDGET);
    guest_free(g);
    g = begin();
    guest_bus(g)->mmio_write(g->m, 0xfee000f0, 4, 0x1ff);
    guest_bus(g)->mmio_write(g->m, 0xfee00360, 4, 0x400);
    g->insn = insn_expire;
    machine_on_watchdog(g->m, MACHINE_REACT_NMI);
    assert_int_equal(machine_run(g->m, MS), MACHINE_BUDGET);
    assert_true(machine_cpu(g->m)->nmi);
    guest_free(g);
}

static bool insn_panic(struct guest *g, struct cpu *c)
{
    if (c->icount == 100)
        guest_out(g, 0x505, 1, 1);
    return false;
}

static void test_panic(void **state)
{
    struct guest *g = begin();

    g->insn = insn_panic;
    assert_int_equal(guest_in(g, 0x505, 1), 3);
    assert_int_equal(machine_run(g->m, MS), MACHINE_BUDGET);
    assert_int_equal(told.event, MACHINE_EVENT_PANIC);
    assert_int_equal(guest_counter(g, "pvpanic: the guest panicked"), 1);
    guest_free(g);
    g = begin();
    g->insn = insn_panic;
    machine_on_panic(g->m, MACHINE_REACT_POWEROFF);
    assert_int_equal(machine_run(g->m, MS), MACHINE_POWEROFF);
    guest_free(g);
}

static void test_triple_fault(void **state)
{
    struct guest *g = begin();

    g->shutdowns = 1;
    machine_cpu(g->m)->rip = 0x1234;
    assert_int_equal(machine_run(g->m, MS), MACHINE_RESET);
    assert_int_equal(told.event, MACHINE_EVENT_TRIPLE_FAULT);
    assert_int_equal(told.rip, 0x1234);
    guest_free(g);
}

static void test_info(void **state)
{
    struct guest *g = begin();
    char text[300];

    machine_info(g->m, "watchdog", text, sizeof text);
    assert_string_equal(text, "i6300esb: the guest does not use it; expired 0 "
                        "times\nib700: the guest does not use it; expired 0 "
                        "times\n");
    guest_out(g, 0x443, 1, 14);
    guest_out(g, 0xcf8, 4, 0x80003868);
    guest_out(g, 0xcfc, 1, 3);
    machine_info(g->m, "watchdog", text, sizeof text);
    assert_string_equal(text, "i6300esb: stage 1, 1030.7 s left, locked; "
                        "expired 0 times\nib700: 2.0 s left; expired 0 "
                        "times\n");
    guest_free(g);
    g = guest_new(-1);
    assert_int_equal(machine_info(g->m, "watchdog", text, sizeof text), 0);
    assert_string_equal(text, "");
    guest_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reactions),
        cmocka_unit_test(test_button_and_nmi),
        cmocka_unit_test(test_panic),
        cmocka_unit_test(test_triple_fault),
        cmocka_unit_test(test_info),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
