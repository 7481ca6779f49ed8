/* The local APIC against SDM vol. 3, chapter 10. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "emu/dev/lapic.h"
#include "tests/unit/fake_machine.h"

#define PAGE 0xfee00000ull
enum {
    ID = 0x20, VERSION = 0x30, TPR = 0x80, APR = 0x90, PPR = 0xa0, EOI = 0xb0,
    RRD = 0xc0, LDR = 0xd0, DFR = 0xe0, SVR = 0xf0, ISR = 0x100, TMR = 0x180,
    IRR = 0x200, ESR = 0x280, ICR_LOW = 0x300, ICR_HIGH = 0x310,
    LVT_TIMER = 0x320, LVT_THERMAL = 0x330, LVT_PERF = 0x340,
    LVT_LINT0 = 0x350, LVT_LINT1 = 0x360, LVT_ERROR = 0x370, INITIAL = 0x380,
    CURRENT = 0x390, DIVIDE = 0x3e0
};
#define MASKED 0x10000u
#define PERIODIC 0x20000u
#define DIVIDE_BY_1 0x0bu

struct fixture {
    struct machine *m;
    struct lapic *l;
    struct device *dev;
    bool intr;
    unsigned nmis, inits, readies, eois;
    uint8_t eoi_vector;
};

static void on_intr(void *ctx, bool level)
{
    ((struct fixture *)ctx)->intr = level;
}

static void on_nmi(void *ctx) { ((struct fixture *)ctx)->nmis++; }
static void on_init(void *ctx) { ((struct fixture *)ctx)->inits++; }
static void on_ready(void *ctx) { ((struct fixture *)ctx)->readies++; }

static void on_eoi(void *ctx, uint8_t vector)
{
    struct fixture *f = ctx;

    f->eois++;
    f->eoi_vector = vector;
}

static uint32_t get(struct fixture *f, unsigned reg)
{
    return (uint32_t)f->dev->ops->mmio_read(f->dev, PAGE + reg, 4);
}

static void set(struct fixture *f, unsigned reg, uint32_t v)
{
    f->dev->ops->mmio_write(f->dev, PAGE + reg, 4, v);
}

/* Enabled by IA32_APIC_BASE, as after power-on. */
static int setup_off(void **state)
{
    static struct fixture f;
    struct lapic_wires wires = {
        &f, on_intr, on_nmi, on_init, on_eoi, on_ready
    };

    memset(&f, 0, sizeof f);
    f.m = fake_machine_new();
    f.l = lapic_create(f.m, &wires, true);
    f.dev = (struct device *)f.l;
    lapic_set_enabled(f.l, true);
    *state = &f;
    return 0;
}

/* Enabled by software too. */
static int setup(void **state)
{
    setup_off(state);
    set(*state, SVR, 0x1ff);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    lapic_destroy(f->l);
    fake_machine_free(f->m);
    return 0;
}

static bool send(struct fixture *f, enum apic_mode mode, uint8_t vector,
                 bool level)
{
    struct apic_message msg = { .dest = 0, .mode = mode, .vector = vector,
                                .level = level };

    return lapic_message(f->l, &msg);
}

static bool in_set(struct fixture *f, unsigned reg, unsigned vector)
{
    return get(f, reg + vector / 32 * 16) >> vector % 32 & 1;
}

/* ---- Registers ---------------------------------------------------------- */

static void test_power_on(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(get(f, ID), 0);
    assert_int_equal(get(f, VERSION), 0x50014);
    assert_int_equal(get(f, SVR), 0xff);
    assert_int_equal(get(f, DFR), 0xffffffff);
    assert_int_equal(get(f, LDR), 0);
    assert_int_equal(get(f, TPR) | get(f, APR) | get(f, PPR), 0);
    assert_int_equal(get(f, INITIAL) | get(f, CURRENT) | get(f, DIVIDE), 0);
    for (unsigned reg = LVT_TIMER; reg <= LVT_ERROR; reg += 0x10)
        assert_int_equal(get(f, reg), MASKED);
    for (unsigned reg = ISR; reg < ESR; reg += 0x10)
        assert_int_equal(get(f, reg), 0);
    assert_int_equal(get(f, ESR), 0);
}

/* Every register keeps what it can keep and nothing else. */
static void test_writable_bits(void **state)
{
    static const struct { uint16_t reg; uint32_t zeros, ones; } t[] = {
        { ID, 0, 0xff000000 },          { VERSION, 0x50014, 0x50014 },
        { TPR, 0, 0xff },               { RRD, 0, 0 },
        { LDR, 0, 0xff000000 },         { DFR, 0x0fffffff, 0xffffffff },
        { LVT_TIMER, 0, 0x300ff },      { LVT_THERMAL, 0, 0x107ff },
        { LVT_PERF, 0, 0x107ff },       { LVT_LINT0, 0, 0x1a7ff },
        { LVT_LINT1, 0, 0x1a7ff },      { LVT_ERROR, 0, 0x100ff },
        { ICR_HIGH, 0, 0xff000000 },    { DIVIDE, 0, 0x0b },
        { CURRENT, 0, 0 },              { EOI, 0, 0 },
        { ISR, 0, 0 }, { TMR + 0x70, 0, 0 }, { IRR, 0, 0 },
        { SVR, 0, 0x3ff },
    };
    struct fixture *f = *state;

    for (unsigned i = 0; i < sizeof t / sizeof t[0]; i++) {
        set(f, t[i].reg, 0xffffffff);
        assert_int_equal(get(f, t[i].reg), t[i].ones);
        set(f, t[i].reg, 0);
        assert_int_equal(get(f, t[i].reg), t[i].zeros);
    }
    set(f, ESR, 0);
    assert_int_equal(get(f, ESR), 0);   /* no error among them */
    /* VERSION, RRD, CURRENT, ISR, TMR, IRR */
    assert_int_equal(fake_count(f->m, "lapic: write to a read-only register"),
                     12);
}

static void test_access_sizes(void **state)
{
    static const char *const wrong_read = "lapic: read that is not 32 bits";
    static const char *const wrong_write = "lapic: write that is not 32 bits";
    struct fixture *f = *state;
    const struct device_ops *ops = f->dev->ops;

    assert_int_equal(ops->mmio_read(f->dev, PAGE + VERSION, 1) & 0xff, 0x14);
    assert_int_equal(ops->mmio_read(f->dev, PAGE + VERSION + 2, 2), 5);
    assert_int_equal(ops->mmio_read(f->dev, PAGE + VERSION, 8), 0x50014);
    assert_int_equal(ops->mmio_read(f->dev, PAGE + VERSION + 4, 4), 0);
    assert_int_equal(fake_count(f->m, wrong_read), 4);
    ops->mmio_write(f->dev, PAGE + TPR, 1, 0x70);
    ops->mmio_write(f->dev, PAGE + TPR, 2, 0x70);
    ops->mmio_write(f->dev, PAGE + TPR, 8, 0x70);
    ops->mmio_write(f->dev, PAGE + TPR + 4, 4, 0x70);
    assert_int_equal(get(f, TPR), 0);
    assert_int_equal(fake_count(f->m, wrong_write), 4);
}

/* ESR: written, then read; the error interrupt once for each write. */
static void test_error_status(void **state)
{
    static const uint16_t none[] = {
        0x000, 0x010, 0x040, 0x070, 0x290, 0x2f0, 0x3a0, 0x3f0
    };
    struct fixture *f = *state;

    set(f, LVT_ERROR, 0xfe);
    for (unsigned i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_int_equal(get(f, none[i]), 0);
        set(f, none[i], 0xffffffff);
    }
    assert_int_equal(get(f, ESR), 0);
    assert_true(f->intr);
    assert_int_equal(lapic_intack(f->l), 0xfe);
    set(f, EOI, 0);
    assert_false(f->intr);
    get(f, 0x3f0);
    assert_false(f->intr);
    set(f, ESR, 0xffffffff);
    assert_int_equal(get(f, ESR), 0x80);
    get(f, 0x3f0);
    assert_true(f->intr);
    assert_true(send(f, APIC_FIXED, 15, false));
    set(f, ESR, 0);
    assert_int_equal(get(f, ESR), 0x80 | 0x40);
    set(f, ICR_LOW, 0x00040000 | 14);
    assert_false(in_set(f, IRR, 14));
    set(f, ESR, 0);
    assert_int_equal(get(f, ESR), 0x20);
    set(f, ESR, 0);
    assert_int_equal(get(f, ESR), 0);
    /* An error in the error's own vector ends there. */
    set(f, LVT_ERROR, 0x03);
    get(f, 0x3f0);
    set(f, ESR, 0);
    assert_int_equal(get(f, ESR), 0x80 | 0x40);
}

/* ---- Priorities --------------------------------------------------------- */

static void test_priority(void **state)
{
    struct fixture *f = *state;

    assert_true(send(f, APIC_FIXED, 0x51, false));
    assert_true(f->intr);
    set(f, TPR, 0x50);
    assert_false(f->intr);      /* same class */
    set(f, TPR, 0x4f);
    assert_true(f->intr);
    assert_int_equal(lapic_intack(f->l), 0x51);
    assert_false(f->intr);
    assert_int_equal(get(f, PPR), 0x50);
    assert_true(in_set(f, ISR, 0x51) && !in_set(f, IRR, 0x51));
    send(f, APIC_FIXED, 0x5f, false);
    send(f, APIC_LOWEST, 0x51, false);
    assert_false(f->intr);
    send(f, APIC_FIXED, 0x60, false);
    assert_true(f->intr);       /* nests */
    assert_int_equal(lapic_intack(f->l), 0x60);
    assert_int_equal(get(f, PPR), 0x60);
    set(f, EOI, 0);
    assert_int_equal(get(f, PPR), 0x50);
    set(f, EOI, 0);
    assert_int_equal(get(f, PPR), 0x4f);
    assert_int_equal(lapic_intack(f->l), 0x5f);
    set(f, EOI, 0);
    assert_int_equal(lapic_intack(f->l), 0x51);
    set(f, EOI, 0);
    set(f, EOI, 0);             /* one too many */
    assert_false(f->intr);
    assert_int_equal(f->eois, 0);
}

static void test_all_vectors(void **state)
{
    struct fixture *f = *state;

    for (unsigned v = 16; v < 256; v++) {
        send(f, APIC_FIXED, (uint8_t)v, v & 1);
        assert_true(in_set(f, IRR, v));
        assert_int_equal(in_set(f, TMR, v), v & 1);
    }
    for (int v = 255; v >= 16; v--) {
        assert_int_equal(lapic_intack(f->l), v);
        set(f, EOI, 0);
        assert_int_equal(f->eois, (255 - (v | 1)) / 2 + 1);
    }
    assert_false(f->intr);
}

static void test_apr(void **state)
{
    struct fixture *f = *state;

    set(f, TPR, 0x35);
    assert_int_equal(get(f, APR), 0x35);
    send(f, APIC_FIXED, 0x71, false);
    assert_int_equal(get(f, APR), 0x70);
    lapic_intack(f->l);
    assert_int_equal(get(f, APR), 0x30);
}

static void test_cr8(void **state)
{
    struct fixture *f = *state;

    set(f, TPR, 0x4c);
    assert_int_equal(lapic_cr8(f->l), 4);
    send(f, APIC_FIXED, 0x62, false);
    lapic_set_cr8(f->l, 6);
    assert_int_equal(get(f, TPR), 0x60);
    assert_false(f->intr);
    lapic_set_cr8(f->l, 5);
    assert_true(f->intr);
}

/* INTR was seen, but TPR rose before the acknowledge (10.9). */
static void test_spurious(void **state)
{
    struct fixture *f = *state;

    set(f, SVR, 0x1ef);
    send(f, APIC_FIXED, 0x40, false);
    set(f, TPR, 0xf0);
    assert_int_equal(lapic_intack(f->l), 0xef);
    assert_false(in_set(f, ISR, 0xef));
    assert_true(in_set(f, IRR, 0x40));
}

/* ---- Messages ----------------------------------------------------------- */

static bool address(struct fixture *f, uint8_t dest, bool logical)
{
    struct apic_message msg = { .dest = dest, .logical = logical,
                                .vector = 0x33 };

    return lapic_message(f->l, &msg);
}

static void test_destinations(void **state)
{
    struct fixture *f = *state;

    f->readies = 0;
    set(f, ID, 0x05000000);
    assert_true(address(f, 5, false) && address(f, 0xff, false));
    assert_false(address(f, 0, false) || address(f, 0x15, false));
    assert_false(address(f, 5, true));
    set(f, LDR, 0x42000000);
    assert_true(address(f, 0x02, true) && address(f, 0x40, true));
    assert_true(address(f, 0xff, true));
    assert_false(address(f, 0xbd, true));
    set(f, DFR, 0);             /* clusters */
    assert_true(address(f, 0x42, true) && address(f, 0xf2, true));
    assert_false(address(f, 0x41, true) || address(f, 0x52, true));
    assert_false(address(f, 0xf1, true));
    assert_int_equal(f->readies, 3);
}

static void test_modes(void **state)
{
    struct fixture *f = *state;

    assert_true(send(f, APIC_NMI, 0, false));
    assert_int_equal(f->nmis, 1);
    assert_true(send(f, APIC_INIT, 0, false));
    assert_int_equal(f->inits, 1);
    assert_true(send(f, APIC_STARTUP, 0x10, false));
    assert_true(send(f, APIC_SMI, 0, false));
    assert_int_equal(fake_count(f->m, "lapic: SMI, there is no SMM"), 1);
    assert_true(send(f, APIC_REMOTE_READ, 0, false));
    assert_int_equal(fake_count(f->m, "lapic: reserved delivery mode"), 1);
    assert_false(f->intr);
    assert_true(send(f, APIC_EXTINT, 0, false));
    assert_true(f->intr);
    assert_int_equal(lapic_intack(f->l), -1);
    assert_false(f->intr);
}

/* Software-disabled it takes no more than NMI, INIT and SMI (10.4.7.2). */
static void test_software_disabled(void **state)
{
    struct fixture *f = *state;

    set(f, LVT_ERROR, 0xfe);
    send(f, APIC_FIXED, 0x44, false);
    set(f, SVR, 0xff);
    assert_int_equal(get(f, LVT_ERROR), MASKED | 0xfe);
    set(f, LVT_ERROR, 0xfe);
    assert_int_equal(get(f, LVT_ERROR), MASKED | 0xfe);
    assert_false(send(f, APIC_FIXED, 0x55, false));
    assert_false(send(f, APIC_EXTINT, 0, false));
    assert_true(send(f, APIC_NMI, 0, false));
    assert_int_equal(lapic_intack(f->l), 0x44);         /* was held */
    set(f, EOI, 0);
    f->readies = 0;
    set(f, SVR, 0x1ff);
    assert_int_equal(f->readies, 1);
}

static void test_ipi(void **state)
{
    struct fixture *f = *state;

    set(f, ICR_LOW, 0x00040041);        /* self */
    assert_true(in_set(f, IRR, 0x41) && !in_set(f, TMR, 0x41));
    set(f, ICR_LOW, 0x00080042);        /* all */
    assert_true(in_set(f, IRR, 0x42));
    set(f, ICR_LOW, 0x000c0043);        /* all others */
    assert_false(in_set(f, IRR, 0x43));
    set(f, ICR_LOW, 0x00000044);        /* physical 0 */
    assert_true(in_set(f, IRR, 0x44));
    set(f, ICR_HIGH, 0x01000000);
    assert_int_equal(fake_count(f->m, "lapic: IPI that no APIC takes"), 0);
    set(f, ICR_LOW, 0x00000045);
    assert_false(in_set(f, IRR, 0x45));
    assert_int_equal(fake_count(f->m, "lapic: IPI that no APIC takes"), 1);
    set(f, LDR, 0x01000000);
    set(f, ICR_LOW, 0x00000946);        /* logical, lowest */
    assert_true(in_set(f, IRR, 0x46));
    set(f, ICR_HIGH, 0);
    set(f, ICR_LOW, 0x00000400);
    assert_int_equal(f->nmis, 1);
    set(f, ICR_LOW, 0x000c4500);        /* INIT to others, as SeaBIOS does */
    set(f, ICR_LOW, 0x000c4610);
    set(f, ICR_LOW, 0x00088500);        /* INIT de-assert to all */
    assert_int_equal(f->inits, 0);
    set(f, ICR_LOW, 0x00004500);
    assert_int_equal(f->inits, 1);
    set(f, ICR_LOW, 0x00044400);        /* NMI to self: not by shorthand */
    set(f, ICR_LOW, 0x00080500);
    assert_int_equal(f->nmis + f->inits, 2);
    assert_int_equal(fake_count(f->m, "lapic: IPI that is not allowed"), 2);
    set(f, ICR_LOW, 0xffffffff & ~0xc0000u);
    assert_int_equal(get(f, ICR_LOW), 0xcfff & ~0x1000u);
}

/* ---- LINT0 and LINT1 ---------------------------------------------------- */

/* Virtual wire: with the APIC off the pins are INTR and NMI. */
static void test_pins_while_off(void **state)
{
    struct fixture *f = *state;

    for (unsigned enabled = 0; enabled < 2; enabled++) {
        lapic_set_enabled(f->l, enabled);
        lapic_set_lint0(f->l, true);
        assert_true(f->intr);
        assert_int_equal(lapic_intack(f->l), -1);
        lapic_set_lint0(f->l, false);
        assert_false(f->intr);
        assert_int_equal(lapic_intack(f->l), -1);
        lapic_set_lint1(f->l, true);
        lapic_set_lint1(f->l, true);
        lapic_set_lint1(f->l, false);
        assert_int_equal(f->nmis, enabled + 1);
    }
}

static void test_virtual_wire(void **state)
{
    struct fixture *f = *state;

    lapic_set_lint0(f->l, true);
    lapic_set_lint1(f->l, true);
    assert_false(f->intr);              /* masked */
    assert_int_equal(f->nmis, 0);
    set(f, LVT_LINT0, 0x8700);          /* SeaBIOS's words */
    set(f, LVT_LINT1, 0x8400);
    assert_true(f->intr);
    set(f, TPR, 0xff);                  /* ExtINT knows no priority */
    assert_true(f->intr);
    assert_int_equal(lapic_intack(f->l), -1);
    assert_true(f->intr);               /* the pin is what counts */
    lapic_set_lint0(f->l, false);
    assert_false(f->intr);
    lapic_set_lint1(f->l, false);
    lapic_set_lint1(f->l, true);
    assert_int_equal(f->nmis, 1);
    set(f, LVT_LINT0, 0x2700);          /* active low */
    assert_true(f->intr);
    set(f, LVT_LINT0, MASKED | 0x2700);
    assert_false(f->intr);
}

static void test_lint_fixed(void **state)
{
    struct fixture *f = *state;

    set(f, LVT_LINT0, 0x31);            /* edge */
    lapic_set_lint0(f->l, true);
    assert_int_equal(lapic_intack(f->l), 0x31);
    set(f, EOI, 0);
    assert_false(f->intr);
    lapic_set_lint0(f->l, false);
    set(f, LVT_LINT0, 0x8032);          /* level */
    lapic_set_lint0(f->l, true);
    assert_int_equal(get(f, LVT_LINT0), 0xc032);
    assert_int_equal(lapic_intack(f->l), 0x32);
    assert_false(f->intr);
    set(f, EOI, 0);
    assert_int_equal(lapic_intack(f->l), 0x32);         /* still high */
    lapic_set_lint0(f->l, false);
    set(f, EOI, 0);
    assert_int_equal(get(f, LVT_LINT0), 0x8032);
    assert_false(f->intr);
    set(f, LVT_LINT0, 0x2033);          /* active low edge */
    lapic_set_lint0(f->l, true);
    assert_false(f->intr);
    lapic_set_lint0(f->l, false);
    assert_int_equal(lapic_intack(f->l), 0x33);
    /* Lowest priority and STARTUP are for messages. */
    set(f, LVT_LINT0, 0x134);
    lapic_set_lint0(f->l, true);
    lapic_set_lint0(f->l, false);
    set(f, LVT_LINT0, 0x634);
    lapic_set_lint0(f->l, true);
    assert_false(f->intr);
    assert_int_equal(fake_count(f->m, "lapic: reserved delivery mode"), 2);
}

/* ---- Timer -------------------------------------------------------------- */

static void test_one_shot(void **state)
{
    struct fixture *f = *state;

    set(f, DIVIDE, DIVIDE_BY_1);
    set(f, LVT_TIMER, 0x50);
    set(f, INITIAL, 1000);
    assert_int_equal(fake_timer(f->m, TIMER_LAPIC), 1000);
    fake_advance(f->m, 400);
    assert_int_equal(get(f, CURRENT), 600);
    assert_int_equal(get(f, INITIAL), 1000);
    fake_advance(f->m, 599);
    assert_false(f->intr);
    fake_advance(f->m, 1);
    assert_int_equal(lapic_intack(f->l), 0x50);
    set(f, EOI, 0);
    assert_int_equal(get(f, CURRENT), 0);
    fake_advance(f->m, 5000);
    assert_false(f->intr);
    set(f, INITIAL, 1000);
    set(f, INITIAL, 0);                 /* stops it */
    assert_int_equal(get(f, CURRENT), 0);
    fake_advance(f->m, 5000);
    assert_false(f->intr);
}

static void test_dividers(void **state)
{
    static const struct { uint8_t v; unsigned by; } t[] = {
        { 0, 2 }, { 1, 4 }, { 2, 8 }, { 3, 16 }, { 8, 32 }, { 9, 64 },
        { 10, 128 }, { 11, 1 },
    };
    struct fixture *f = *state;

    set(f, LVT_TIMER, 0x50);
    for (unsigned i = 0; i < sizeof t / sizeof t[0]; i++) {
        set(f, DIVIDE, t[i].v);
        set(f, INITIAL, 0xffffffff);
        fake_advance(f->m, 128000);
        assert_int_equal(get(f, CURRENT), 0xffffffff - 128000 / t[i].by);
    }
    set(f, DIVIDE, 11);
    set(f, INITIAL, 1000);
    fake_advance(f->m, 600);
    set(f, DIVIDE, 0);                  /* 400 left, at half the rate */
    fake_advance(f->m, 400);
    assert_int_equal(get(f, CURRENT), 200);
    fake_advance(f->m, 399);
    assert_false(f->intr);
    fake_advance(f->m, 1);
    assert_true(f->intr);
}

static void test_periodic(void **state)
{
    struct fixture *f = *state;

    set(f, DIVIDE, DIVIDE_BY_1);
    set(f, LVT_TIMER, PERIODIC | 0x51);
    set(f, INITIAL, 10000);
    for (unsigned i = 0; i < 5; i++) {
        fake_advance(f->m, 10000);
        assert_int_equal(lapic_intack(f->l), 0x51);
        set(f, EOI, 0);
        assert_false(f->intr);
        assert_int_equal(get(f, CURRENT), 10000);
    }
    fake_advance(f->m, 2500);
    assert_int_equal(get(f, CURRENT), 7500);
    set(f, LVT_TIMER, MASKED | PERIODIC | 0x51);
    assert_int_equal(fake_timer(f->m, TIMER_LAPIC), UINT64_MAX);
    fake_advance(f->m, 10000);
    assert_int_equal(get(f, CURRENT), 7500);    /* counts on */
    set(f, LVT_TIMER, PERIODIC | 0x51);
    assert_false(f->intr);                      /* what was masked is gone */
    fake_advance(f->m, 7500);
    assert_int_equal(lapic_intack(f->l), 0x51);
    set(f, EOI, 0);
    set(f, LVT_TIMER, 0x51);                    /* the last round */
    fake_advance(f->m, 10000);
    assert_int_equal(lapic_intack(f->l), 0x51);
    set(f, EOI, 0);
    fake_advance(f->m, 20000);
    assert_false(f->intr);
    set(f, LVT_TIMER, PERIODIC | 0x51);         /* does not start it */
    fake_advance(f->m, 20000);
    assert_false(f->intr);
}

/* While the core takes none, periods are owed; then they come, one by one. */
static void test_periods_come_later(void **state)
{
    struct fixture *f = *state;
    unsigned got = 0;

    set(f, DIVIDE, DIVIDE_BY_1);
    set(f, LVT_TIMER, PERIODIC | 0x51);
    set(f, INITIAL, 10000);
    fake_advance(f->m, 35000);
    assert_true(fake_watched(f->m, TIMER_LAPIC));
    assert_int_equal(get(f, CURRENT), 5000);    /* the count is the clock's */
    while (f->intr) {
        assert_int_equal(lapic_intack(f->l), 0x51);
        fake_intack(f->m);
        set(f, EOI, 0);
        got++;
    }
    assert_int_equal(got, 3);
    assert_false(fake_watched(f->m, TIMER_LAPIC));
    assert_int_equal(fake_count(f->m, "lapic: timer ticks given again"), 1);
    fake_advance(f->m, 25000);                  /* two, and then another count */
    set(f, INITIAL, 20000);
    assert_int_equal(lapic_intack(f->l), 0x51);
    fake_intack(f->m);
    set(f, EOI, 0);
    assert_false(f->intr);
    fake_advance(f->m, 20000);
    assert_true(f->intr);
}

/* A period of 1 ns is a line always asserted, not a million events. */
static void test_hostile_period(void **state)
{
    struct fixture *f = *state;

    set(f, DIVIDE, DIVIDE_BY_1);
    set(f, LVT_TIMER, PERIODIC | 0x51);
    set(f, INITIAL, 1);
    fake_advance(f->m, 10);
    assert_true(fake_timer(f->m, TIMER_LAPIC) >= 1000);
    fake_advance(f->m, 100000);
    assert_int_equal(lapic_intack(f->l), 0x51);
    set(f, EOI, 0);
    fake_advance(f->m, 1000);
    assert_int_equal(lapic_intack(f->l), 0x51);
}

/* ---- Reset, INIT, off --------------------------------------------------- */

static void fill(struct fixture *f)
{
    set(f, ID, 0x07000000);
    set(f, LDR, 0x01000000);
    set(f, DFR, 0);
    set(f, TPR, 0x20);
    set(f, LVT_LINT0, 0x700);
    set(f, LVT_TIMER, PERIODIC | 0x40);
    set(f, INITIAL, 5000);
    set(f, ICR_LOW, 0x00040060);
    set(f, ICR_HIGH, 0x33000000);
    lapic_intack(f->l);
    set(f, ICR_LOW, 0x00040070);
    get(f, 0x3f0);
}

static void test_back_to_power_on(void **state)
{
    struct fixture *f = *state;

    for (unsigned how = 0; how < 3; how++) {
        set(f, SVR, 0x1ff);
        fill(f);
        switch (how) {
        case 0:
            lapic_init(f->l);
            assert_int_equal(get(f, ID), 0x07000000);
            set(f, ID, 0);
            break;
        case 1:
            f->dev->ops->reset(f->dev);
            break;
        case 2:
            lapic_set_enabled(f->l, false);
            assert_false(address(f, 0xff, false));
            f->readies = 0;
            lapic_set_enabled(f->l, true);
            assert_int_equal(f->readies, 1);
            break;
        }
        assert_false(f->intr);
        assert_int_equal(fake_timer(f->m, TIMER_LAPIC), UINT64_MAX);
        assert_int_equal(get(f, ICR_LOW) | get(f, ICR_HIGH), 0);
        set(f, ESR, 0);
        test_power_on(state);
    }
}

static void test_format(void **state)
{
    struct fixture *f = *state;
    char buf[2048];
    int n;

    fill(f);
    n = lapic_format(f->l, buf, sizeof buf);
    assert_true(n > 0 && (size_t)n == strlen(buf));
    assert_non_null(strstr(buf, "lint0    00000700"));
    assert_non_null(strstr(buf, "isr      60\n"));
    assert_non_null(strstr(buf, "irr      70\n"));
    for (const char *p = buf, *end; *p; p = end + 1) {
        end = strchr(p, '\n');
        assert_true(end - p <= 80);
    }
    assert_int_equal(lapic_format(f->l, buf, 10), n);
    assert_int_equal(strlen(buf), 9);
}

/* ---- A hostile guest ---------------------------------------------------- */

static uint32_t dice(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void random_step(struct fixture *f, uint32_t *seed)
{
    uint64_t addr = PAGE + (dice(seed) & 0xfff);
    unsigned size = 1u << dice(seed) % 4;
    struct apic_message msg = {
        .dest = (uint8_t)dice(seed), .logical = dice(seed) & 1,
        .level = dice(seed) & 1, .mode = (enum apic_mode)(dice(seed) % 8),
        .vector = (uint8_t)dice(seed)
    };

    switch (dice(seed) % 12) {
    case 0: fake_advance(f->m, dice(seed) % 3000); break;
    case 1: lapic_set_lint0(f->l, dice(seed) & 1); break;
    case 2: lapic_set_lint1(f->l, dice(seed) & 1); break;
    case 3: lapic_message(f->l, &msg); break;
    case 4:
        if (f->intr)
            assert_in_range(lapic_intack(f->l) + 1, 0, 256);
        break;
    case 5: lapic_set_cr8(f->l, dice(seed) & 15); break;
    case 6: f->dev->ops->mmio_read(f->dev, addr, size); break;
    case 7: f->dev->ops->mmio_write(f->dev, addr, size, dice(seed)); break;
    default: set(f, addr & 0xff0, dice(seed) >> dice(seed) % 32); break;
    }
}

static void test_random(void **state)
{
    struct fixture *f = *state;
    uint32_t seed = 2463534242u;

    for (unsigned i = 0; i < 300000; i++) {
        random_step(f, &seed);
        if (dice(&seed) % 20000 == 0)
            lapic_set_enabled(f->l, dice(&seed) & 1);
    }
    lapic_set_enabled(f->l, true);
    lapic_set_lint0(f->l, false);
    lapic_set_lint1(f->l, false);
    f->dev->ops->reset(f->dev);
    test_power_on(state);
    set(f, SVR, 0x1ff);
    set(f, LVT_TIMER, 0x50);
    set(f, INITIAL, 500);
    fake_advance(f->m, 999);
    assert_false(f->intr);
    fake_advance(f->m, 1);
    assert_int_equal(lapic_intack(f->l), 0x50);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define OFF(f) cmocka_unit_test_setup_teardown(f, setup_off, teardown)
    const struct CMUnitTest tests[] = {
        OFF(test_power_on), T(test_writable_bits), T(test_access_sizes),
        T(test_error_status), T(test_priority), T(test_all_vectors),
        T(test_apr), T(test_cr8), T(test_spurious), T(test_destinations),
        T(test_modes), T(test_software_disabled), T(test_ipi),
        OFF(test_pins_while_off), T(test_virtual_wire), T(test_lint_fixed),
        T(test_one_shot), T(test_dividers), T(test_periodic),
        T(test_periods_come_later), T(test_back_to_power_on), T(test_format),
        T(test_hostile_period), T(test_back_to_power_on), T(test_format),
        T(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
