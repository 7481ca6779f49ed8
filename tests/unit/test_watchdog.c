/* The watchdog devices and pvpanic: what drivers do, and what they must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "emu/dev/i6300esb.h"
#include "emu/dev/ib700.h"
#include "emu/dev/pvpanic.h"
#include "tests/unit/fake_machine.h"

#define SLOT 0x38
#define BAR 0xfebf0010u
#define MS 1000000ull
#define SECOND 1000000000ull
#define TICK 983040ull          /* 2^15 of 30 ns */
#define WATCHDOG (1u << MACHINE_REQ_WATCHDOG)

enum { PRELOAD1 = 0, PRELOAD2 = 4, INTERRUPT = 8, RELOAD = 12 };

struct fixture {
    struct machine *m;
    struct pci_bus *bus;
    struct i6300esb *esb;
};

static int setup(void **state)
{
    static struct fixture f;

    f.m = fake_machine_new();
    f.bus = pci_bus_create(f.m);
    f.esb = i6300esb_create(f.m, f.bus, SLOT);
    pci_config_write(f.bus, SLOT, 0x10, 4, BAR);
    pci_config_write(f.bus, SLOT, 4, 2, 2);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    i6300esb_destroy(f->esb);
    pci_bus_destroy(f->bus);
    fake_machine_free(f->m);
    return 0;
}

static void put(struct fixture *f, unsigned at, unsigned size, uint64_t v)
{
    struct device *dev = (struct device *)f->esb;

    dev->ops->mmio_write(dev, BAR + at, size, v);
}

static uint32_t get(struct fixture *f, unsigned at, unsigned size)
{
    struct device *dev = (struct device *)f->esb;
    uint64_t v = dev->ops->mmio_read(dev, BAR + at, size);

    return (uint32_t)(size < 4 ? v & ((1u << 8 * size) - 1) : v);
}

static void unlock(struct fixture *f)
{
    put(f, RELOAD, 2, 0x80);
    put(f, RELOAD, 2, 0x86);
}

static void set_up(struct fixture *f, unsigned reg, unsigned size, uint32_t v)
{
    unlock(f);
    put(f, reg, size, v);
}

static void config(struct fixture *f, unsigned at, unsigned size, uint32_t v)
{
    pci_config_write(f->bus, SLOT, at, size, v);
}

/* What Linux's driver does for a timeout of so many stages' ticks. */
static void start(struct fixture *f, uint32_t ticks, uint8_t lock)
{
    config(f, 0x60, 2, 0x0003);
    set_up(f, PRELOAD1, 4, ticks);
    set_up(f, PRELOAD2, 4, ticks);
    set_up(f, RELOAD, 2, 0x100);
    config(f, 0x68, 1, lock);
}

static void test_ids(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(pci_config_read(f->bus, SLOT, 0, 4), 0x25ab8086);
    assert_int_equal(pci_config_read(f->bus, SLOT, 8, 4) >> 8, 0x088000);
    config(f, 0x10, 4, 0xffffffff);
    assert_int_equal(pci_config_read(f->bus, SLOT, 0x10, 4), 0xfffffff0);
    config(f, 0x60, 4, 0xffffffff);
    assert_int_equal(pci_config_read(f->bus, SLOT, 0x60, 4), 0x27);
    config(f, 0x68, 4, 0xfffffff8);
    assert_int_equal(pci_config_read(f->bus, SLOT, 0x68, 4), 0);
}

static void test_two_stages(void **state)
{
    struct fixture *f = *state;

    start(f, 1000, 2);
    fake_advance(f->m, 1000 * TICK - 1);
    assert_int_equal(get(f, INTERRUPT, 4), 0);
    fake_advance(f->m, 1);
    assert_int_equal(get(f, INTERRUPT, 4), 1);
    assert_int_equal(get(f, RELOAD, 2), 0);
    put(f, INTERRUPT, 2, 1);
    assert_int_equal(get(f, INTERRUPT, 4), 0);
    fake_advance(f->m, 1000 * TICK - 1);
    assert_false(fake_requests(f->m));
    fake_advance(f->m, 1);
    assert_int_equal(fake_requests(f->m), WATCHDOG);
    assert_int_equal(get(f, RELOAD, 2), 0x200);
    /* Once: it stands until it is reloaded or enabled again. */
    assert_int_equal(fake_timer(f->m, TIMER_I6300ESB), UINT64_MAX);
}

static void test_timeout_bit_outlives_reset(void **state)
{
    struct fixture *f = *state;
    struct device *dev = (struct device *)f->esb;

    start(f, 1, 3);
    fake_advance(f->m, 2 * TICK);
    dev->ops->reset(dev);
    config(f, 0x10, 4, BAR);
    config(f, 4, 2, 2);
    assert_int_equal(get(f, RELOAD, 2), 0x200);
    assert_int_equal(pci_config_read(f->bus, SLOT, 0x68, 1), 0);
    assert_int_equal(get(f, PRELOAD1, 4), 0xfffff);
    put(f, RELOAD, 2, 0x200);           /* locked */
    assert_int_equal(get(f, RELOAD, 2), 0x200);
    set_up(f, RELOAD, 2, 0x200);
    assert_int_equal(get(f, RELOAD, 2), 0);
    config(f, 0x68, 1, 2);              /* and its lock has gone */
    assert_int_equal(pci_config_read(f->bus, SLOT, 0x68, 1), 2);
}

static void test_fed(void **state)
{
    struct fixture *f = *state;

    start(f, 1000, 2);
    for (unsigned i = 0; i < 20; i++) {
        fake_advance(f->m, 1900 * TICK);
        set_up(f, RELOAD, 2, 0x100);
    }
    assert_false(fake_requests(f->m));
    config(f, 0x68, 1, 0);              /* stopped */
    fake_advance(f->m, 100 * SECOND);
    assert_false(fake_requests(f->m));
    set_up(f, RELOAD, 2, 0x100);        /* a reload starts nothing */
    fake_advance(f->m, 100 * SECOND);
    assert_false(fake_requests(f->m));
}

static void test_unlock(void **state)
{
    struct fixture *f = *state;

    put(f, PRELOAD1, 4, 5);
    put(f, RELOAD, 2, 0x86);
    put(f, RELOAD, 2, 0x80);
    put(f, PRELOAD1, 4, 6);
    assert_int_equal(get(f, PRELOAD1, 4), 0xfffff);
    assert_int_equal(fake_count(f->m, "i6300esb: write without the unlock "
                                "sequence"), 3);
    set_up(f, PRELOAD1, 4, 7);
    put(f, PRELOAD1, 4, 8);             /* one write is let through */
    assert_int_equal(get(f, PRELOAD1, 4), 7);
    set_up(f, PRELOAD1, 4, 0xffffffff);
    assert_int_equal(get(f, PRELOAD1, 4), 0xfffff);
    set_up(f, PRELOAD1 + 1, 1, 0x12);   /* by bytes, too */
    assert_int_equal(get(f, PRELOAD1, 4), 0xf12ff);
    assert_int_equal(get(f, PRELOAD1 + 1, 1), 0x12);
}

static void test_locked(void **state)
{
    struct fixture *f = *state;

    start(f, 1000, 3);
    config(f, 0x68, 1, 0);
    config(f, 0x68, 4, 0);
    config(f, 0x66, 4, 0);
    assert_int_equal(pci_config_read(f->bus, SLOT, 0x68, 1), 3);
    fake_advance(f->m, 2000 * TICK);
    assert_int_equal(fake_requests(f->m), WATCHDOG);
}

/* It expired, and nobody reset the machine: who feeds it is watched again. */
static void test_fed_after_its_end(void **state)
{
    struct fixture *f = *state;
    struct watchdog_status s;

    start(f, 1000, 3);                  /* locked: it cannot be enabled anew */
    fake_advance(f->m, 2000 * TICK);
    assert_int_equal(fake_requests(f->m), WATCHDOG);
    fake_advance(f->m, 9000 * TICK);
    i6300esb_status(f->esb, &s);
    assert_false(s.running);
    assert_int_equal(s.expired, 1);
    set_up(f, RELOAD, 2, 0x100);
    i6300esb_status(f->esb, &s);
    assert_true(s.running);
    assert_int_equal(s.stage, 1);
    fake_advance(f->m, 2000 * TICK);
    i6300esb_status(f->esb, &s);
    assert_int_equal(s.expired, 2);
}

static void test_fast_and_disabled(void **state)
{
    struct fixture *f = *state;

    config(f, 0x60, 1, 0x24);           /* 2^5 clocks, output disabled */
    set_up(f, PRELOAD1, 4, 1000);
    set_up(f, PRELOAD2, 4, 1000);
    config(f, 0x68, 1, 2);
    fake_advance(f->m, 2000 * 960 - 1);
    assert_int_equal(get(f, RELOAD, 2), 0);
    fake_advance(f->m, 1);
    assert_int_equal(get(f, RELOAD, 2), 0x200);
    assert_false(fake_requests(f->m));
    assert_int_equal(fake_count(f->m,
                                "i6300esb: expired with its output disabled"),
                     1);
}

/* WDT_TOUT# changes at each end of the second stage: low at every other. */
static void test_free_running(void **state)
{
    struct fixture *f = *state;
    struct watchdog_status s;

    set_up(f, PRELOAD2, 4, 10);
    config(f, 0x68, 1, 6);
    fake_advance(f->m, 10 * TICK);
    assert_int_equal(fake_requests(f->m), WATCHDOG);
    assert_int_equal(get(f, INTERRUPT, 4), 0);
    fake_advance(f->m, 30 * TICK);
    i6300esb_status(f->esb, &s);
    assert_true(s.running);
    assert_int_equal(s.expired, 4);
    assert_int_equal(s.stage, 2);
}

/* Any access, any value: it stays what it is, and a reset puts it right. */
static void test_i6300esb_hostile(void **state)
{
    struct fixture *f = *state;
    struct device *dev = (struct device *)f->esb;
    static const unsigned sizes[] = { 1, 2, 4, 8 };
    uint32_t seed = 1;

    for (unsigned i = 0; i < 200000; i++) {
        unsigned at, size;

        seed = seed * 1664525 + 1013904223;
        at = seed >> 20 & 31;
        size = sizes[seed >> 18 & 3];
        if (seed & 1 << 17)
            get(f, at, size);
        else if (seed & 1 << 16)
            put(f, at, size, seed & 1 << 15 ? 0x80 + (seed >> 8 & 6) : seed);
        else
            config(f, 0x60 + 4 * (at % 3), 4, seed * 7);
        if (!(i % 64))
            fake_advance(f->m, seed % (10 * MS));
        if (!(i % 5000)) {
            dev->ops->reset(dev);
            config(f, 0x10, 4, BAR);
            config(f, 4, 2, 2);
        }
        assert_true(get(f, PRELOAD1, 4) <= 0xfffff);
    }
    assert_true(fake_count(f->m, "i6300esb: access across registers") > 0);
    dev->ops->reset(dev);
    assert_int_equal(fake_timer(f->m, TIMER_I6300ESB), UINT64_MAX);
}

static void test_ib700(void **state)
{
    struct machine *m = fake_machine_new();
    struct ib700 *w = ib700_create(m);
    struct watchdog_status s;

    for (unsigned v = 0; v < 16; v++) {
        fake_out(m, 0x443, 1, v | 0xf0);
        assert_int_equal(fake_timer(m, TIMER_IB700),
                         machine_now(m) + (30 - 2 * v) * SECOND);
    }
    fake_out(m, 0x443, 1, 0);
    fake_advance(m, 29 * SECOND);
    fake_out(m, 0x443, 2, 0);           /* fed */
    fake_advance(m, 29 * SECOND);
    assert_false(fake_requests(m));
    fake_out(m, 0x441, 1, 0);
    fake_advance(m, 100 * SECOND);
    assert_false(fake_requests(m));
    assert_int_equal(fake_in(m, 0x443, 1), 0xff);
    fake_out(m, 0x443, 1, 15);          /* 0 s */
    fake_advance(m, 0);
    assert_int_equal(fake_requests(m), WATCHDOG);
    ib700_status(w, &s);
    assert_false(s.running);
    assert_int_equal(s.expired, 1);
    ib700_destroy(w);
    fake_machine_free(m);
}

static void test_pvpanic(void **state)
{
    struct machine *m = fake_machine_new();
    struct pvpanic *p = pvpanic_create(m);

    assert_int_equal(fake_in(m, PVPANIC_PORT, 1), 3);
    fake_out(m, PVPANIC_PORT, 1, 0xfc);
    assert_false(fake_requests(m));
    assert_int_equal(fake_count(m, "pvpanic: an event that is none"), 1);
    fake_out(m, PVPANIC_PORT, 1, 2);
    assert_int_equal(fake_requests(m), 1u << MACHINE_REQ_CRASH_LOADED);
    fake_out(m, PVPANIC_PORT, 1, 1);
    assert_int_equal(fake_requests(m), 1u << MACHINE_REQ_CRASH_LOADED |
                                       1u << MACHINE_REQ_PANIC);
    pvpanic_destroy(p);
    fake_machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_stages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timeout_bit_outlives_reset,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_fed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unlock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_locked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fed_after_its_end, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_fast_and_disabled, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_free_running, setup, teardown),
        cmocka_unit_test_setup_teardown(test_i6300esb_hostile, setup,
                                        teardown),
        cmocka_unit_test(test_ib700),
        cmocka_unit_test(test_pvpanic),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
