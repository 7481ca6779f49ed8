/* PCI configuration space, BARs and INTx# wires; the 440FX in front of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "emu/dev/i440fx.h"
#include "emu/dev/pci.h"
#include "tests/unit/fake_machine.h"

#define SEGMENTS I440FX_PAM_SEGMENTS

struct card {
    struct pci_dev pci;
    uint16_t last_port;
    unsigned writes;
    unsigned config_writes;
};

struct fixture {
    struct machine *m;
    struct pci_bus *bus;
    struct i440fx *host;
    struct card card[3];        /* at slots 3, 4 and 7 */
    unsigned pam[SEGMENTS];
    bool smram;
    bool pirq[PCI_PIRQS];
    unsigned pirq_changes;
};

static uint32_t card_read(struct device *dev, uint16_t port, unsigned size)
{
    struct card *c = (struct card *)dev;

    c->last_port = port;
    return 0x11223344;
}

static void card_write(struct device *dev, uint16_t port, unsigned size,
                       uint32_t value)
{
    ((struct card *)dev)->writes++;
}

static void card_config(struct pci_dev *pci, unsigned offset, unsigned size)
{
    ((struct card *)pci)->config_writes++;
}

static const struct device_ops card_ops = {
    .name = "card", .io_read = card_read, .io_write = card_write
};

static void on_pam(void *ctx, unsigned segment, unsigned rights)
{
    ((struct fixture *)ctx)->pam[segment] = rights;
}

static void on_smram(void *ctx, bool open)
{
    ((struct fixture *)ctx)->smram = open;
}

static void on_pirq(void *ctx, unsigned n, bool level)
{
    struct fixture *f = ctx;

    assert_int_not_equal(f->pirq[n], level);
    f->pirq[n] = level;
    f->pirq_changes++;
}

static int setup(void **state)
{
    static struct fixture f;
    static const uint8_t slot[3] = { 3, 4, 7 };
    struct i440fx_memory memory = { &f, on_pam, on_smram };

    memset(&f, 0, sizeof f);
    f.m = fake_machine_new();
    f.bus = pci_bus_create(f.m);
    pci_bus_set_router(f.bus, on_pirq, &f);
    f.host = i440fx_create(f.m, f.bus, &memory);
    for (unsigned i = 0; i < 3; i++) {
        struct pci_dev *pci = &f.card[i].pci;

        pci->dev.ops = &card_ops;
        pci_init(pci, 0x10ec, (uint16_t)(0x8029 + i), 0x020000, 0x01, 1);
        pci_bar_init(pci, 0, 32, true);
        pci_bar_init(pci, 1, 0x1000, false);
        pci->config_written = card_config;
        assert_int_equal(pci_add(f.bus, pci, (uint8_t)(slot[i] << 3)), 0);
    }
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    i440fx_destroy(f->host);
    pci_bus_destroy(f->bus);
    fake_machine_free(f->m);
    return 0;
}

static uint32_t cfg_read(struct fixture *f, unsigned slot, unsigned reg,
                         unsigned size)
{
    fake_out(f->m, 0xcf8, 4, 0x80000000u | slot << 11 | (reg & 0xfc));
    return fake_in(f->m, (uint16_t)(0xcfc + (reg & 3)), size);
}

static void cfg_write(struct fixture *f, unsigned slot, unsigned reg,
                      unsigned size, uint32_t value)
{
    fake_out(f->m, 0xcf8, 4, 0x80000000u | slot << 11 | (reg & 0xfc));
    fake_out(f->m, (uint16_t)(0xcfc + (reg & 3)), size, value);
}

static void test_mechanism(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cfg_read(f, 0, 0, 4), 0x12378086);
    assert_int_equal(cfg_read(f, 0, 0x2c, 4), 0x11001af4);
    assert_int_equal(cfg_read(f, 3, 2, 2), 0x8029);
    assert_int_equal(cfg_read(f, 3, 0x0b, 1), 0x02);
    assert_int_equal(cfg_read(f, 5, 0, 4), 0xffffffff);
    /* Past the doubleword's end nothing answers. */
    assert_int_equal(cfg_read(f, 3, 3, 4) & 0xff, 0x80);
    fake_out(f->m, 0xcf8, 4, 0x00001800);       /* not enabled */
    assert_int_equal(fake_in(f->m, 0xcfc, 4), 0xffffffff);
    fake_out(f->m, 0xcf8, 4, 0x80011800);       /* bus 1 */
    assert_int_equal(fake_in(f->m, 0xcfc, 4), 0xffffffff);
    fake_out(f->m, 0xcf8, 4, 0x80001801);       /* reserved bits read zero */
    fake_out(f->m, 0xcf8, 1, 0xff);             /* bytes do not reach it */
    fake_out(f->m, 0xcfa, 2, 0xffff);
    assert_int_equal(fake_in(f->m, 0xcf8, 4), 0x80001800);
    assert_int_equal(pci_add(f->bus, &f->card[0].pci, 3 << 3), -EBUSY);
}

static void test_write_masks(void **state)
{
    struct fixture *f = *state;

    cfg_write(f, 3, 0, 4, 0);
    assert_int_equal(cfg_read(f, 3, 0, 4), 0x802910ec);
    cfg_write(f, 3, 4, 2, 0xffff);
    assert_int_equal(cfg_read(f, 3, 4, 2), 0x0547);
    cfg_write(f, 3, 0x3c, 4, 0xffffffff);
    assert_int_equal(cfg_read(f, 3, 0x3c, 4), 0x000001ff);
    f->card[0].pci.config[7] = 0x10;            /* target abort seen */
    cfg_write(f, 3, 6, 2, 0);
    assert_int_equal(cfg_read(f, 3, 6, 2), 0x1000);
    cfg_write(f, 3, 6, 2, 0xffff);
    assert_int_equal(cfg_read(f, 3, 6, 2), 0);
    assert_int_equal(f->card[0].config_writes, 5);
    assert_int_equal(f->card[1].config_writes, 0);
}

static void test_bars(void **state)
{
    struct fixture *f = *state;
    struct pci_dev *pci = &f->card[0].pci;

    cfg_write(f, 3, 0x10, 4, 0xffffffff);
    assert_int_equal(cfg_read(f, 3, 0x10, 4), 0xffffffe1);
    cfg_write(f, 3, 0x14, 4, 0xffffffff);
    assert_int_equal(cfg_read(f, 3, 0x14, 4), 0xfffff000);
    cfg_write(f, 3, 4, 2, 0x0003);
    assert_false(pci->bar[0].mapped);           /* sizing maps nothing */
    assert_false(pci->bar[1].mapped);
    cfg_write(f, 3, 0x10, 4, 0xc100);
    assert_int_equal(fake_in(f->m, 0xc11f, 1), 0x44);
    assert_int_equal(f->card[0].last_port, 0xc11f);
    assert_int_equal(fake_in(f->m, 0xc120, 1), 0xff);
    cfg_write(f, 3, 0x11, 1, 0xc2);             /* moves by one byte */
    assert_int_equal(fake_in(f->m, 0xc100, 1), 0xff);
    assert_int_equal(fake_in(f->m, 0xc200, 1), 0x44);
    cfg_write(f, 3, 0x14, 4, 0xfeb00000);
    assert_true(pci->bar[1].mapped);
    assert_int_equal(pci->bar[1].base, 0xfeb00000);
    cfg_write(f, 3, 4, 2, 0x0002);
    assert_int_equal(fake_in(f->m, 0xc200, 1), 0xff);
    assert_true(pci->bar[1].mapped);
    pci_reset_config(pci);
    assert_false(pci->bar[1].mapped);
    assert_int_equal(cfg_read(f, 3, 0x10, 4), 1);
    assert_int_equal(cfg_read(f, 3, 0x14, 4), 0);
}

static void test_hostile_bars(void **state)
{
    struct fixture *f = *state;

    cfg_write(f, 3, 4, 2, 0x0003);
    cfg_write(f, 3, 0x10, 4, 0x0001ffe0);       /* above the port space */
    cfg_write(f, 3, 0x10, 4, 0x0000ffe0);       /* its very end */
    assert_false(f->card[0].pci.bar[0].mapped);
    cfg_write(f, 3, 0x10, 4, 0xc000);
    cfg_write(f, 4, 4, 2, 0x0001);
    cfg_write(f, 4, 0x10, 4, 0xc000);           /* over the first: newest wins */
    fake_out(f->m, 0xc000, 1, 0);
    assert_int_equal(f->card[0].writes, 0);
    assert_int_equal(f->card[1].writes, 1);
}

static void test_intx(void **state)
{
    struct fixture *f = *state;

    pci_set_intx(&f->card[0].pci, true);        /* slot 3 INTA#: PIRQC */
    assert_true(f->pirq[2]);
    assert_int_equal(cfg_read(f, 3, 6, 2) & 8, 8);
    pci_set_intx(&f->card[1].pci, true);        /* slot 4: PIRQD */
    assert_true(f->pirq[3]);
    pci_set_intx(&f->card[2].pci, true);        /* slot 7: PIRQC too */
    pci_set_intx(&f->card[0].pci, false);
    assert_true(f->pirq[2]);
    pci_set_intx(&f->card[2].pci, false);
    assert_false(f->pirq[2]);
    assert_int_equal(f->pirq_changes, 3);
    pci_set_intx(&f->card[1].pci, true);        /* no change, no call */
    assert_int_equal(f->pirq_changes, 3);
    cfg_write(f, 4, 4, 2, 0x0400);
    assert_false(f->pirq[3]);
    assert_int_equal(cfg_read(f, 4, 6, 2) & 8, 8);
    cfg_write(f, 4, 4, 2, 0);
    assert_true(f->pirq[3]);
    pci_reset_config(&f->card[1].pci);
    assert_false(f->pirq[3]);
}

static void test_pam(void **state)
{
    struct fixture *f = *state;

    for (unsigned i = 0; i < SEGMENTS; i++)
        assert_int_equal(f->pam[i], 0);
    cfg_write(f, 0, 0x59, 1, 0x30);
    for (unsigned i = 0; i < SEGMENTS; i++)
        assert_int_equal(f->pam[i], i >= 12 ? 3 : 0);
    cfg_write(f, 0, 0x5a, 1, 0x21);     /* C0000 read only, C4000 write only */
    assert_int_equal(f->pam[0], I440FX_PAM_READ);
    assert_int_equal(f->pam[1], I440FX_PAM_WRITE);
    cfg_write(f, 0, 0x5c, 4, 0x33333333);
    for (unsigned i = 4; i < 12; i++)
        assert_int_equal(f->pam[i], 3);
    cfg_write(f, 0, 0x59, 1, 0xff);
    assert_int_equal(cfg_read(f, 0, 0x59, 1), 0x30);
    ((struct device *)f->host)->ops->reset((struct device *)f->host);
    for (unsigned i = 0; i < SEGMENTS; i++)
        assert_int_equal(f->pam[i], 0);
}

static void test_smram(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cfg_read(f, 0, 0x72, 1), 0x02);
    cfg_write(f, 0, 0x72, 1, 0x40);     /* not without G_SMRAME */
    assert_false(f->smram);
    cfg_write(f, 0, 0x72, 1, 0x48);
    assert_true(f->smram);
    cfg_write(f, 0, 0x72, 1, 0x68);     /* D_CLS */
    assert_false(f->smram);
    cfg_write(f, 0, 0x72, 1, 0x58);     /* lock */
    assert_false(f->smram);
    assert_int_equal(cfg_read(f, 0, 0x72, 1), 0x1a);
    cfg_write(f, 0, 0x72, 1, 0x48);
    assert_false(f->smram);
    ((struct device *)f->host)->ops->reset((struct device *)f->host);
    cfg_write(f, 0, 0x72, 1, 0x48);
    assert_true(f->smram);
}

static void test_format(void **state)
{
    struct fixture *f = *state;
    char buf[2048], small[8];
    int n;

    cfg_write(f, 3, 0x10, 4, 0xc000);
    cfg_write(f, 3, 0x3c, 1, 11);
    n = pci_format(f->bus, buf, sizeof buf);
    assert_int_equal(n, strlen(buf));
    assert_non_null(strstr(buf,
        "  Bus  0, device   3, function 0:\n"
        "    Ethernet controller: PCI device 10ec:8029\n"
        "      PCI subsystem 1af4:1100\n"
        "      IRQ 11, pin A\n"
        "      BAR0: I/O at 0xc000 [0xc01f].\n"));
    assert_int_equal(pci_format(f->bus, small, sizeof small), n);
    assert_string_equal(small, "  Bus  ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mechanism, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write_masks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bars, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile_bars, setup, teardown),
        cmocka_unit_test_setup_teardown(test_intx, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pam, setup, teardown),
        cmocka_unit_test_setup_teardown(test_smram, setup, teardown),
        cmocka_unit_test_setup_teardown(test_format, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
