/* The I/O APIC against the 82093AA datasheet. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "emu/dev/ioapic.h"
#include "tests/unit/fake_machine.h"

#define PAGE 0xfec00000ull
enum { IOREGSEL = 0x00, IOWIN = 0x10 };
#define LEVEL 0x8000u
#define LOW 0x2000u
#define MASKED 0x10000u
#define REMOTE_IRR 0x4000u
#define PENDING 0x1000u

struct fixture {
    struct machine *m;
    struct ioapic *io;
    struct device *dev;
    bool refuse;
    unsigned sent;
    struct apic_message last;
};

static bool on_send(void *ctx, const struct apic_message *msg)
{
    struct fixture *f = ctx;

    if (f->refuse)
        return false;
    f->sent++;
    f->last = *msg;
    return true;
}

static void store(struct fixture *f, unsigned at, unsigned size, uint64_t v)
{
    f->dev->ops->mmio_write(f->dev, PAGE + at, size, v);
}

static uint32_t get(struct fixture *f, unsigned reg)
{
    store(f, IOREGSEL, 4, reg);
    return (uint32_t)f->dev->ops->mmio_read(f->dev, PAGE + IOWIN, 4);
}

static void set(struct fixture *f, unsigned reg, uint32_t v)
{
    store(f, IOREGSEL, 4, reg);
    store(f, IOWIN, 4, v);
}

static uint32_t entry(struct fixture *f, unsigned pin)
{
    return get(f, 0x10 + 2 * pin);
}

static void set_entry(struct fixture *f, unsigned pin, uint32_t v)
{
    set(f, 0x10 + 2 * pin, v);
}

static int setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof f);
    f.m = fake_machine_new();
    f.io = ioapic_create(f.m, on_send, &f);
    f.dev = (struct device *)f.io;
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    ioapic_destroy(f->io);
    fake_machine_free(f->m);
    return 0;
}

static void test_registers(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(get(f, 0), 0);
    assert_int_equal(get(f, 1), 0x170011);
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        assert_int_equal(entry(f, pin), MASKED);
        assert_int_equal(get(f, 0x11 + 2 * pin), 0);
    }
    set(f, 0, 0xffffffff);
    assert_int_equal(get(f, 0), 0x0f000000);
    assert_int_equal(get(f, 2), 0x0f000000);    /* arbitration takes the id */
    set(f, 1, 0);
    set(f, 2, 0);
    assert_int_equal(get(f, 1), 0x170011);
    assert_int_equal(get(f, 2), 0x0f000000);
    set_entry(f, 5, 0xffffffff);
    assert_int_equal(entry(f, 5), 0x1afff);
    set(f, 0x1b, 0xffffffff);
    assert_int_equal(get(f, 0x1b), 0xff000000);
    f->dev->ops->reset(f->dev);
    assert_int_equal(entry(f, 5), MASKED);
    assert_int_equal(get(f, 0) | get(f, 0x1b), 0);
}

static void test_hostile_access(void **state)
{
    struct fixture *f = *state;
    const struct device_ops *ops = f->dev->ops;

    assert_int_equal(get(f, 0x0f) | get(f, 0x40) | get(f, 0xff), 0);
    set(f, 0x40, ~0u);
    set(f, 0x03, ~0u);
    assert_int_equal(fake_count(f->m, "ioapic: register that is not there"), 5);
    store(f, IOREGSEL, 1, 0x1e);
    assert_int_equal(ops->mmio_read(f->dev, PAGE + IOREGSEL, 1), 0x1e);
    store(f, IOWIN, 1, 0);
    store(f, IOWIN, 8, 0);
    store(f, IOWIN + 2, 2, 0);
    store(f, 0x20, 4, 0);
    store(f, 0x1, 1, 0);
    ops->mmio_read(f->dev, PAGE + IOWIN, 2);
    ops->mmio_read(f->dev, PAGE + 0xffc, 4);
    assert_int_equal(fake_count(f->m, "ioapic: access to nothing"), 7);
    assert_int_equal(entry(f, 7), MASKED);
}

static void test_message(void **state)
{
    struct fixture *f = *state;

    set(f, 0x17, 0x5a000000);
    set_entry(f, 3, 0x0941);
    ioapic_set_pin(f->io, 3, true);
    assert_int_equal(f->sent, 1);
    assert_int_equal(f->last.dest, 0x5a);
    assert_true(f->last.logical);
    assert_false(f->last.level);
    assert_int_equal(f->last.mode, APIC_LOWEST);
    assert_int_equal(f->last.vector, 0x41);
    for (unsigned mode = 0; mode < 8; mode++) {
        if (mode == APIC_REMOTE_READ || mode == APIC_STARTUP)
            continue;           /* reserved here */
        set_entry(f, 3, mode << 8 | 0x41);
        ioapic_set_pin(f->io, 3, false);
        ioapic_set_pin(f->io, 3, true);
        assert_int_equal(f->last.mode, mode);
    }
    ioapic_set_pin(f->io, 24, true);
    ioapic_set_pin(f->io, ~0u, true);
    assert_int_equal(f->sent, 7);
}

static void test_edge(void **state)
{
    struct fixture *f = *state;

    set_entry(f, 1, 0x31);
    ioapic_set_pin(f->io, 1, true);
    ioapic_set_pin(f->io, 1, true);
    assert_int_equal(f->sent, 1);
    ioapic_set_pin(f->io, 1, false);
    ioapic_set_pin(f->io, 1, true);
    assert_int_equal(f->sent, 2);
    assert_int_equal(entry(f, 1), 0x31);
    set_entry(f, 1, MASKED | 0x31);
    ioapic_set_pin(f->io, 1, false);
    ioapic_set_pin(f->io, 1, true);
    set_entry(f, 1, 0x31);
    assert_int_equal(f->sent, 2);       /* a masked edge is gone */
    set_entry(f, 1, LOW | 0x31);
    ioapic_set_pin(f->io, 1, false);
    assert_int_equal(f->sent, 3);
    /* NMI and its like are edges, whatever the entry says. */
    set_entry(f, 4, LEVEL | 0x400);
    ioapic_set_pin(f->io, 4, true);
    ioapic_retry(f->io);
    assert_int_equal(f->sent, 4);
    assert_false(f->last.level);
    assert_int_equal(entry(f, 4), LEVEL | 0x400);
}

static void test_level(void **state)
{
    struct fixture *f = *state;

    set_entry(f, 10, LEVEL | 0x60);
    ioapic_set_pin(f->io, 10, true);
    assert_int_equal(f->sent, 1);
    assert_true(f->last.level);
    assert_int_equal(entry(f, 10), REMOTE_IRR | LEVEL | 0x60);
    ioapic_set_pin(f->io, 10, false);
    ioapic_set_pin(f->io, 10, true);
    assert_int_equal(f->sent, 1);       /* one at a time */
    ioapic_eoi(f->io, 0x61);
    assert_int_equal(f->sent, 1);
    ioapic_eoi(f->io, 0x60);
    assert_int_equal(f->sent, 2);       /* still high: again */
    ioapic_set_pin(f->io, 10, false);
    ioapic_eoi(f->io, 0x60);
    assert_int_equal(f->sent, 2);
    assert_int_equal(entry(f, 10), LEVEL | 0x60);
    /* Masked: remembered by the wire itself. */
    set_entry(f, 10, MASKED | LEVEL | 0x60);
    ioapic_set_pin(f->io, 10, true);
    assert_int_equal(f->sent, 2);
    set_entry(f, 10, LEVEL | 0x60);
    assert_int_equal(f->sent, 3);
    /* Masked while served; its end comes; unmasked: again. */
    set_entry(f, 10, MASKED | LEVEL | 0x60);
    assert_true(entry(f, 10) & REMOTE_IRR);
    ioapic_eoi(f->io, 0x60);
    assert_int_equal(f->sent, 3);
    set_entry(f, 10, LEVEL | 0x60);
    assert_int_equal(f->sent, 4);
    /* An edge and level again forgets who serves it, as Linux wants it. */
    set_entry(f, 10, MASKED | 0x60);
    set_entry(f, 10, MASKED | LEVEL | 0x60);
    assert_int_equal(entry(f, 10), MASKED | LEVEL | 0x60);
    ioapic_set_pin(f->io, 10, false);
    set_entry(f, 10, LOW | LEVEL | 0x62);
    assert_int_equal(f->sent, 5);
}

/* No local APIC takes it: pending, and offered again. */
static void test_refused(void **state)
{
    static const char *const refusal =
        "ioapic: interrupt that no APIC takes now";
    struct fixture *f = *state;

    set_entry(f, 1, 0x31);
    set_entry(f, 9, LEVEL | 0x39);
    set_entry(f, 11, LEVEL | 0x3b);
    f->refuse = true;
    for (unsigned pin = 1; pin < 12; pin++)
        ioapic_set_pin(f->io, pin, true);
    assert_int_equal(entry(f, 1), PENDING | 0x31);
    assert_int_equal(entry(f, 9), PENDING | LEVEL | 0x39);
    ioapic_retry(f->io);                /* each is counted once */
    assert_int_equal(fake_count(f->m, refusal), 3);
    ioapic_set_pin(f->io, 1, false);
    ioapic_set_pin(f->io, 9, false);
    set_entry(f, 11, MASKED | LEVEL | 0x3b);
    assert_int_equal(entry(f, 9), LEVEL | 0x39);
    f->refuse = false;
    ioapic_retry(f->io);
    assert_int_equal(f->sent, 1);       /* the edge; the levels are gone */
    assert_int_equal(f->last.vector, 0x31);
    assert_int_equal(entry(f, 1), 0x31);
    set_entry(f, 11, LEVEL | 0x3b);
    assert_int_equal(f->sent, 2);
    /* A pending edge does not survive the mask, nor becomes a level. */
    f->refuse = true;
    ioapic_set_pin(f->io, 1, true);
    set_entry(f, 1, MASKED | 0x31);
    set_entry(f, 1, 0x31);
    assert_int_equal(entry(f, 1), 0x31);
    assert_int_equal(fake_count(f->m, refusal), 4);
}

static void test_reserved_modes(void **state)
{
    struct fixture *f = *state;

    set_entry(f, 3, 0x0333);
    set_entry(f, 4, 0x0634);
    ioapic_set_pin(f->io, 3, true);
    ioapic_set_pin(f->io, 4, true);
    assert_int_equal(f->sent, 0);
    assert_int_equal(entry(f, 3), 0x0333);
    assert_int_equal(fake_count(f->m, "ioapic: reserved delivery mode"), 2);
}

static void test_format(void **state)
{
    struct fixture *f = *state;
    char buf[4096];
    int n;

    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        set_entry(f, pin, 0x1ffff);
        ioapic_set_pin(f->io, pin, true);
    }
    set_entry(f, 11, LEVEL | 0x28);
    n = ioapic_format(f->io, buf, sizeof buf);
    assert_true(n > 0 && (size_t)n == strlen(buf));
    assert_non_null(strstr(buf, "pin 11 1 vec=28 dest=00 physical fixed level "
                           "active-hi remote-irr\n"));
    for (const char *p = buf, *end; *p; p = end + 1) {
        end = strchr(p, '\n');
        assert_true(end - p <= 80);
    }
    assert_int_equal(ioapic_format(f->io, buf, 10), n);
}

static uint32_t dice(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void test_random(void **state)
{
    struct fixture *f = *state;
    uint32_t seed = 2463534242u;

    for (unsigned i = 0; i < 300000; i++) {
        unsigned at = dice(&seed) % 3 ? dice(&seed) % 2 * IOWIN
                                      : dice(&seed) & 0xfff;

        f->refuse = dice(&seed) & 1;
        switch (dice(&seed) % 5) {
        case 0: ioapic_set_pin(f->io, dice(&seed) % 26, dice(&seed) & 1); break;
        case 1: ioapic_eoi(f->io, (uint8_t)dice(&seed)); break;
        case 2:
            f->dev->ops->mmio_read(f->dev, PAGE + at, 1u << dice(&seed) % 4);
            break;
        default:
            store(f, at, 1u << dice(&seed) % 4, dice(&seed) >> dice(&seed) % 32);
        }
    }
    f->refuse = false;
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
        ioapic_set_pin(f->io, pin, false);
    f->dev->ops->reset(f->dev);
    f->sent = 0;
    test_registers(state);
    test_level(state);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_registers), T(test_hostile_access), T(test_message),
        T(test_edge), T(test_level), T(test_refused),
        T(test_reserved_modes), T(test_format),
        T(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
