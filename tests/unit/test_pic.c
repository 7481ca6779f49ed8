/* The 8259A pair against its datasheet. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "emu/dev/pic.h"
#include "tests/unit/fake_machine.h"

struct fixture {
    struct machine *m;
    struct pic *pic;
    bool intr;
};

static void on_intr(void *ctx, bool level)
{
    ((struct fixture *)ctx)->intr = level;
}

/* As a PC BIOS does: bases 08h and 70h, all unmasked. */
static void init_pair(struct fixture *f, uint8_t icw4)
{
    fake_out(f->m, 0x20, 1, 0x11);
    fake_out(f->m, 0x21, 1, 0x08);
    fake_out(f->m, 0x21, 1, 0x04);
    fake_out(f->m, 0x21, 1, icw4);
    fake_out(f->m, 0xa0, 1, 0x11);
    fake_out(f->m, 0xa1, 1, 0x70);
    fake_out(f->m, 0xa1, 1, 0x02);
    fake_out(f->m, 0xa1, 1, 0x01);
    fake_out(f->m, 0x21, 1, 0x00);
    fake_out(f->m, 0xa1, 1, 0x00);
}

static int setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof f);
    f.m = fake_machine_new();
    f.pic = pic_create(f.m, on_intr, &f);
    init_pair(&f, 0x01);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    pic_destroy(f->pic);
    fake_machine_free(f->m);
    return 0;
}

static void pulse(struct fixture *f, unsigned n)
{
    pic_set_irq(f->pic, n, true);
    pic_set_irq(f->pic, n, false);
}

static uint8_t read_isr(struct fixture *f, uint16_t port)
{
    fake_out(f->m, port, 1, 0x0b);
    return fake_in(f->m, port, 1);
}

static uint8_t read_irr(struct fixture *f, uint16_t port)
{
    fake_out(f->m, port, 1, 0x0a);
    return fake_in(f->m, port, 1);
}

static void test_priority_and_eoi(void **state)
{
    struct fixture *f = *state;

    pulse(f, 4);
    pulse(f, 1);
    assert_true(f->intr);
    assert_int_equal(pic_intack(f->pic), 0x09);
    assert_false(f->intr);      /* IR4 waits behind IR1 */
    assert_int_equal(read_isr(f, 0x20), 0x02);
    assert_int_equal(read_irr(f, 0x20), 0x10);
    pulse(f, 0);
    assert_true(f->intr);       /* IR0 nests into IR1 */
    assert_int_equal(pic_intack(f->pic), 0x08);
    fake_out(f->m, 0x20, 1, 0x20);
    assert_int_equal(read_isr(f, 0x20), 0x02);
    assert_false(f->intr);
    fake_out(f->m, 0x20, 1, 0x61);
    assert_true(f->intr);
    assert_int_equal(pic_intack(f->pic), 0x0c);
}

static void test_mask(void **state)
{
    struct fixture *f = *state;

    fake_out(f->m, 0x21, 1, 0x10);
    pulse(f, 4);
    assert_false(f->intr);
    assert_int_equal(fake_in(f->m, 0x21, 1), 0x10);
    fake_out(f->m, 0x21, 1, 0x00);
    assert_true(f->intr);
    assert_int_equal(pic_intack(f->pic), 0x0c);
}

static void test_cascade(void **state)
{
    struct fixture *f = *state;

    pulse(f, 12);
    assert_int_equal(pic_intack(f->pic), 0x74);
    assert_int_equal(read_isr(f, 0x20), 0x04);
    assert_int_equal(read_isr(f, 0xa0), 0x10);
    pulse(f, 8);                /* more urgent on the slave, but no SFNM */
    assert_false(f->intr);
    fake_out(f->m, 0xa0, 1, 0x20);
    fake_out(f->m, 0x20, 1, 0x20);
    assert_true(f->intr);
    assert_int_equal(pic_intack(f->pic), 0x70);
}

static void test_special_fully_nested(void **state)
{
    struct fixture *f = *state;

    init_pair(f, 0x11);
    pulse(f, 12);
    assert_int_equal(pic_intack(f->pic), 0x74);
    pulse(f, 5);                /* below IR2, stays behind it */
    assert_false(f->intr);
    pulse(f, 8);
    assert_true(f->intr);
    assert_int_equal(pic_intack(f->pic), 0x70);
}

static void test_spurious(void **state)
{
    struct fixture *f = *state;

    fake_out(f->m, 0x4d0, 1, 0x20);
    pic_set_irq(f->pic, 5, true);
    assert_true(f->intr);
    pic_set_irq(f->pic, 5, false);
    assert_false(f->intr);
    assert_int_equal(pic_intack(f->pic), 0x0f);
    assert_int_equal(read_isr(f, 0x20), 0x00);
}

static void test_level_and_edge(void **state)
{
    struct fixture *f = *state;

    fake_out(f->m, 0x4d0, 2, 0xffff);
    assert_int_equal(fake_in(f->m, 0x4d0, 1), 0xf8);
    assert_int_equal(fake_in(f->m, 0x4d1, 1), 0xde);
    pic_set_irq(f->pic, 11, true);
    assert_int_equal(pic_intack(f->pic), 0x73);
    fake_out(f->m, 0xa0, 1, 0x20);
    fake_out(f->m, 0x20, 1, 0x20);
    assert_true(f->intr);       /* still high: asked again */
    pic_set_irq(f->pic, 11, false);
    assert_false(f->intr);

    pic_set_irq(f->pic, 1, true);
    assert_int_equal(pic_intack(f->pic), 0x09);
    fake_out(f->m, 0x20, 1, 0x20);
    pic_set_irq(f->pic, 1, true);
    assert_false(f->intr);      /* no new edge */
}

static void test_edge_latch_outlives_line(void **state)
{
    struct fixture *f = *state;

    pulse(f, 0);
    assert_true(f->intr);
    assert_int_equal(pic_intack(f->pic), 0x08);
}

static void test_rotation(void **state)
{
    struct fixture *f = *state;

    pulse(f, 3);
    assert_int_equal(pic_intack(f->pic), 0x0b);
    fake_out(f->m, 0x20, 1, 0xa0);      /* rotate on nonspecific EOI */
    pulse(f, 3);
    pulse(f, 5);
    assert_int_equal(pic_intack(f->pic), 0x0d);
    fake_out(f->m, 0x20, 1, 0xe5);      /* rotate on specific EOI */
    assert_int_equal(pic_intack(f->pic), 0x0b);
    fake_out(f->m, 0x20, 1, 0x20);
    fake_out(f->m, 0x20, 1, 0xc1);      /* set priority: 1 lowest */
    pulse(f, 0);
    pulse(f, 7);
    pulse(f, 1);
    assert_int_equal(pic_intack(f->pic), 0x0f);
    fake_out(f->m, 0x20, 1, 0x20);
    assert_int_equal(pic_intack(f->pic), 0x08);
    fake_out(f->m, 0x20, 1, 0x20);
    assert_int_equal(pic_intack(f->pic), 0x09);
}

static void test_auto_eoi(void **state)
{
    struct fixture *f = *state;

    init_pair(f, 0x03);
    pulse(f, 0);
    pulse(f, 1);
    assert_int_equal(pic_intack(f->pic), 0x08);
    assert_int_equal(read_isr(f, 0x20), 0);
    assert_int_equal(pic_intack(f->pic), 0x09);
    fake_out(f->m, 0x20, 1, 0x80);      /* rotate in automatic EOI */
    pulse(f, 0);
    assert_int_equal(pic_intack(f->pic), 0x08);
    pulse(f, 0);
    pulse(f, 1);
    assert_int_equal(pic_intack(f->pic), 0x09);
}

static void test_special_mask(void **state)
{
    struct fixture *f = *state;

    pulse(f, 1);
    assert_int_equal(pic_intack(f->pic), 0x09);
    pulse(f, 6);
    assert_false(f->intr);
    fake_out(f->m, 0x21, 1, 0x02);
    fake_out(f->m, 0x20, 1, 0x68);
    assert_true(f->intr);
    assert_int_equal(pic_intack(f->pic), 0x0e);
    fake_out(f->m, 0x20, 1, 0x20);      /* spares the masked IR1 */
    assert_int_equal(read_isr(f, 0x20), 0x02);
    fake_out(f->m, 0x20, 1, 0x48);
    pulse(f, 6);
    assert_false(f->intr);
}

static void test_poll(void **state)
{
    struct fixture *f = *state;

    fake_out(f->m, 0x20, 1, 0x0c);
    assert_int_equal(fake_in(f->m, 0x20, 1), 0x00);
    pulse(f, 6);
    fake_out(f->m, 0x20, 1, 0x0c);
    assert_int_equal(fake_in(f->m, 0x20, 1), 0x86);
    assert_false(f->intr);
    assert_int_equal(read_isr(f, 0x20), 0x40);
}

static void test_icw1_clears(void **state)
{
    struct fixture *f = *state;

    fake_out(f->m, 0x21, 1, 0xff);
    pic_set_irq(f->pic, 4, true);
    init_pair(f, 0x01);
    assert_int_equal(fake_in(f->m, 0x21, 1), 0);
    assert_false(f->intr);      /* needs a new edge */
    pic_set_irq(f->pic, 4, false);
    pic_set_irq(f->pic, 4, true);
    assert_true(f->intr);
    /* Single chip without ICW4: two words only, the third is OCW1. */
    fake_out(f->m, 0x20, 1, 0x12);
    fake_out(f->m, 0x21, 1, 0x40);
    fake_out(f->m, 0x21, 1, 0xa5);
    assert_int_equal(fake_in(f->m, 0x21, 1), 0xa5);
}

static void test_format(void **state)
{
    struct fixture *f = *state;
    char buf[256], small[10];
    int len;

    fake_out(f->m, 0x21, 1, 0xb8);
    pulse(f, 4);
    len = pic_format(f->pic, buf, sizeof buf);
    assert_string_equal(buf,
        "pic0: irr=10 imr=b8 isr=00 hprio=0 irq_base=08 rr_sel=0 elcr=00 fnm=0\n"
        "pic1: irr=00 imr=00 isr=00 hprio=0 irq_base=70 rr_sel=0 elcr=00 fnm=0\n");
    assert_int_equal(len, strlen(buf));
    assert_int_equal(pic_format(f->pic, small, sizeof small), len);
    assert_string_equal(small, "pic0: irr");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_priority_and_eoi, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mask, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cascade, setup, teardown),
        cmocka_unit_test_setup_teardown(test_special_fully_nested, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_spurious, setup, teardown),
        cmocka_unit_test_setup_teardown(test_level_and_edge, setup, teardown),
        cmocka_unit_test_setup_teardown(test_edge_latch_outlives_line, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_auto_eoi, setup, teardown),
        cmocka_unit_test_setup_teardown(test_special_mask, setup, teardown),
        cmocka_unit_test_setup_teardown(test_poll, setup, teardown),
        cmocka_unit_test_setup_teardown(test_icw1_clears, setup, teardown),
        cmocka_unit_test_setup_teardown(test_format, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
