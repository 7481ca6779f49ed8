/* PIIX3's router, reset ports and wires; PIIX4's power management. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "emu/dev/piix3.h"
#include "emu/dev/piix4pm.h"
#include "tests/unit/fake_machine.h"

#define PM_BASE 0xb000
#define MS 1000000ull

struct card {
    struct pci_dev pci;
};

struct fixture {
    struct machine *m;
    struct pci_bus *bus;
    struct piix3 *isa;
    struct piix4pm *pm;
    struct card card[2];        /* slots 3 (PIRQC) and 4 (PIRQD) */
    bool irq[16];
    unsigned changes[16];
};

static void on_irq(void *ctx, unsigned n, bool level)
{
    struct fixture *f = ctx;

    assert_int_not_equal(f->irq[n], level);
    f->irq[n] = level;
    f->changes[n]++;
}

static const struct device_ops card_ops = { .name = "card" };

static void pm_cfg(struct fixture *f, unsigned reg, unsigned size,
                   uint32_t value)
{
    pci_config_write(f->bus, 1 << 3 | 3, reg, size, value);
}

static int setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof f);
    f.m = fake_machine_new();
    f.bus = pci_bus_create(f.m);
    f.isa = piix3_create(f.m, f.bus, on_irq, &f);
    f.pm = piix4pm_create(f.m, f.bus, 1 << 3 | 3, piix3_isa_line(f.isa, 9),
                          true, false);
    for (unsigned i = 0; i < 2; i++) {
        f.card[i].pci.dev.ops = &card_ops;
        pci_init(&f.card[i].pci, 1, 2, 0x020000, 0, 1);
        pci_add(f.bus, &f.card[i].pci, (uint8_t)((3 + i) << 3));
    }
    pm_cfg(&f, 0x40, 4, PM_BASE | 1);
    pm_cfg(&f, 0x80, 1, 1);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    piix4pm_destroy(f->pm);
    piix3_destroy(f->isa);
    pci_bus_destroy(f->bus);
    fake_machine_free(f->m);
    return 0;
}

static void pirqrc(struct fixture *f, unsigned n, uint8_t v)
{
    pci_config_write(f->bus, 1 << 3, 0x60 + n, 1, v);
}

static void test_ids(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(pci_config_read(f->bus, 8, 0, 4), 0x70008086);
    assert_int_equal(pci_config_read(f->bus, 8, 8, 4) >> 8, 0x060100);
    assert_int_equal(pci_config_read(f->bus, 8, 0x0e, 1), 0x80);
    assert_int_equal(pci_config_read(f->bus, 8, 0x60, 4), 0x80808080);
    assert_int_equal(pci_config_read(f->bus, 11, 0, 4), 0x71138086);
    assert_int_equal(pci_config_read(f->bus, 11, 0x5b, 1) & 2, 2);
    assert_int_equal(pci_config_read(f->bus, 11, 0x67, 1), 0x08);
}

static void test_pirq_routing(void **state)
{
    struct fixture *f = *state;

    pci_set_intx(&f->card[0].pci, true);
    for (unsigned i = 0; i < 16; i++)
        assert_false(f->irq[i]);        /* routing is off at power-on */
    pirqrc(f, 2, 11);
    assert_true(f->irq[11]);
    pirqrc(f, 2, 10);                   /* moves while asserted */
    assert_false(f->irq[11]);
    assert_true(f->irq[10]);
    pirqrc(f, 2, 0x8a);
    assert_false(f->irq[10]);
    pirqrc(f, 2, 13);                   /* reserved: goes nowhere */
    assert_false(f->irq[13]);
    pirqrc(f, 2, 0);
    assert_false(f->irq[0]);
    pirqrc(f, 2, 11);
    ((struct device *)f->isa)->ops->reset((struct device *)f->isa);
    assert_false(f->irq[11]);
}

static void test_shared_lines(void **state)
{
    struct fixture *f = *state;
    struct irq_line com1 = piix3_isa_line(f->isa, 4);
    struct irq_line com3 = piix3_isa_line(f->isa, 4);

    pirqrc(f, 2, 11);
    pirqrc(f, 3, 11);
    pci_set_intx(&f->card[0].pci, true);
    pci_set_intx(&f->card[1].pci, true);
    pci_set_intx(&f->card[0].pci, false);
    assert_true(f->irq[11]);
    pci_set_intx(&f->card[1].pci, false);
    assert_false(f->irq[11]);
    assert_int_equal(f->changes[11], 2);
    irq_set(&com1, true);
    irq_set(&com3, true);
    irq_set(&com1, false);
    assert_true(f->irq[4]);
    pirqrc(f, 2, 4);                    /* a PIRQ joins the ISA wires */
    pci_set_intx(&f->card[0].pci, true);
    irq_set(&com3, false);
    assert_true(f->irq[4]);
    pci_set_intx(&f->card[0].pci, false);
    assert_false(f->irq[4]);
    assert_int_equal(f->changes[4], 2);
}

static void test_cf9(void **state)
{
    struct fixture *f = *state;

    fake_out(f->m, 0xcf9, 1, 0x02);
    assert_int_equal(fake_requests(f->m), 0);
    assert_int_equal(fake_in(f->m, 0xcf9, 1), 0x02);
    fake_out(f->m, 0xcf9, 1, 0x06);
    assert_int_equal(fake_requests(f->m), 1u << MACHINE_REQ_RESET);
}

static void test_port92(void **state)
{
    struct fixture *f = *state;

    fake_out(f->m, 0x92, 1, 0x02);
    assert_true(fake_a20(f->m));
    assert_int_equal(fake_in(f->m, 0x92, 1), 0x02);
    fake_out(f->m, 0x92, 1, 0x00);
    assert_false(fake_a20(f->m));
    assert_int_equal(fake_requests(f->m), 0);
    fake_out(f->m, 0x92, 1, 0x01);
    assert_int_equal(fake_requests(f->m), 1u << MACHINE_REQ_RESET);
}

static void test_latches_and_ferr(void **state)
{
    struct fixture *f = *state;

    fake_out(f->m, 0x80, 1, 0x5a);
    fake_out(f->m, 0x8f, 1, 0xa5);
    assert_int_equal(fake_in(f->m, 0x80, 1), 0x5a);
    assert_int_equal(fake_in(f->m, 0x8f, 1), 0xa5);
    piix3_ferr(f->isa, true);
    assert_true(f->irq[13]);
    fake_out(f->m, 0xf0, 1, 0);
    assert_false(f->irq[13]);
    piix3_ferr(f->isa, true);
    piix3_ferr(f->isa, false);
    assert_false(f->irq[13]);
}

/* ---- PIIX4 ---------------------------------------------------------------- */

static void test_pm_timer(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fake_in(f->m, PM_BASE + 8, 4), 0);
    fake_advance(f->m, 1000 * MS);
    assert_int_equal(fake_in(f->m, PM_BASE + 8, 4), 3579545);
    fake_advance(f->m, 9000 * MS);
    assert_int_equal(fake_in(f->m, PM_BASE + 8, 4), 35795450 & 0xffffff);
}

static void test_pm_overflow(void **state)
{
    struct fixture *f = *state;

    fake_out(f->m, PM_BASE + 4, 2, 1);          /* SCI_EN */
    fake_out(f->m, PM_BASE + 2, 2, 1);          /* TMROF_EN */
    fake_advance(f->m, 2343 * MS);      /* 2^23 ticks are 2343.48 ms */
    assert_false(f->irq[9]);
    fake_advance(f->m, 1 * MS);
    assert_true(f->irq[9]);
    assert_int_equal(fake_in(f->m, PM_BASE, 2), 1);
    fake_out(f->m, PM_BASE, 2, 1);
    assert_false(f->irq[9]);
    assert_int_equal(fake_in(f->m, PM_BASE, 2), 0);
    fake_advance(f->m, 2344 * MS);              /* the next one comes, too */
    assert_true(f->irq[9]);
    fake_out(f->m, PM_BASE + 2, 2, 0);
    assert_false(f->irq[9]);
    assert_int_equal(fake_timer(f->m, TIMER_PM), UINT64_MAX);
}

static void test_sci_enable(void **state)
{
    struct fixture *f = *state;

    fake_out(f->m, PM_BASE + 2, 2, 1);
    fake_advance(f->m, 2400 * MS);
    assert_false(f->irq[9]);                    /* SCI_EN is off */
    fake_out(f->m, 0xb2, 1, 0xf1);
    assert_int_equal(fake_in(f->m, PM_BASE + 4, 2), 1);
    assert_true(f->irq[9]);
    fake_out(f->m, 0xb2, 1, 0xf0);
    assert_int_equal(fake_in(f->m, PM_BASE + 4, 2), 0);
    assert_false(f->irq[9]);
    fake_out(f->m, 0xb3, 1, 0x77);
    assert_int_equal(fake_in(f->m, 0xb3, 1), 0x77);
    assert_int_equal(fake_in(f->m, 0xb2, 1), 0xf0);
}

static void test_power_button(void **state)
{
    struct fixture *f = *state;

    fake_out(f->m, PM_BASE + 4, 2, 1);
    piix4pm_power_button(f->pm);
    assert_int_equal(fake_in(f->m, PM_BASE, 2), 0x100);
    assert_false(f->irq[9]);                    /* nobody asked for it */
    fake_out(f->m, PM_BASE, 2, 0x100);
    fake_out(f->m, PM_BASE + 2, 2, 0x100);      /* PWRBTN_EN */
    assert_false(f->irq[9]);
    piix4pm_power_button(f->pm);
    assert_true(f->irq[9]);
    fake_out(f->m, PM_BASE, 2, 0x100);
    assert_false(f->irq[9]);
}

static void test_s5(void **state)
{
    struct fixture *f = *state;

    fake_out(f->m, PM_BASE + 4, 2, 0x2401);     /* SUS_TYP 1: not there */
    assert_int_equal(fake_requests(f->m), 0);
    assert_int_equal(fake_count(f->m, "pm: sleep state that is not there"), 1);
    assert_int_equal(fake_in(f->m, PM_BASE + 4, 2), 0x0401);
    fake_out(f->m, PM_BASE + 4, 2, 0x2001);
    assert_int_equal(fake_requests(f->m), 1u << MACHINE_REQ_POWEROFF);
}

static void test_pm_base_moves(void **state)
{
    struct fixture *f = *state;

    pm_cfg(f, 0x40, 4, 0x0601);
    assert_int_equal(fake_in(f->m, PM_BASE + 4, 2), 0xffff);
    assert_int_equal(fake_in(f->m, 0x604, 2), 0);
    pm_cfg(f, 0x80, 1, 0);
    assert_int_equal(fake_in(f->m, 0x604, 2), 0xffff);
    pm_cfg(f, 0x80, 1, 1);
    fake_out(f->m, 0x604, 2, 0x2000);
    assert_int_equal(fake_requests(f->m), 1u << MACHINE_REQ_POWEROFF);
    ((struct device *)f->pm)->ops->reset((struct device *)f->pm);
    assert_int_equal(fake_in(f->m, 0x604, 2), 0xffff);
}

static void test_smbus_is_empty(void **state)
{
    struct fixture *f = *state;

    pm_cfg(f, 0x90, 4, 0xb101);
    pm_cfg(f, 0xd2, 1, 0x09);
    assert_int_equal(fake_in(f->m, 0xb100, 1), 0);
    fake_out(f->m, 0xb104, 1, 0xa1);
    fake_out(f->m, 0xb102, 1, 0x48);            /* start a byte read */
    assert_int_equal(fake_in(f->m, 0xb100, 1), 0x04);
    assert_int_equal(fake_in(f->m, 0xb102, 1), 0x08);
    fake_out(f->m, 0xb100, 1, 0xff);
    assert_int_equal(fake_in(f->m, 0xb100, 1), 0);
}

static void test_gpe_is_quiet(void **state)
{
    struct fixture *f = *state;

    fake_out(f->m, 0xafe0, 4, 0xffffffff);
    assert_int_equal(fake_in(f->m, 0xafe0, 4), 0xffff0000);
    assert_int_equal(fake_in(f->m, 0xafe2, 1), 0xff);
    assert_int_equal(fake_in(f->m, 0xae00, 4), 0);
    assert_int_equal(fake_in(f->m, 0xaf00, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pirq_routing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shared_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cf9, setup, teardown),
        cmocka_unit_test_setup_teardown(test_port92, setup, teardown),
        cmocka_unit_test_setup_teardown(test_latches_and_ferr, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pm_timer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pm_overflow, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sci_enable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_power_button, setup, teardown),
        cmocka_unit_test_setup_teardown(test_s5, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pm_base_moves, setup, teardown),
        cmocka_unit_test_setup_teardown(test_smbus_is_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gpe_is_quiet, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
