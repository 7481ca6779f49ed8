/*
 * Interrupt controllers in a whole machine: who hears which wire, the local
 * APIC's page, NMI and INIT, reset, and time that repeats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/machine_harness.h"

#define LAPIC 0xfee00000ull
#define IOAPIC 0xfec00000ull
enum { TPR = 0x80, EOI = 0xb0, SVR = 0xf0, ICR_LOW = 0x300, LVT_TIMER = 0x320,
       LVT_LINT0 = 0x350, LVT_LINT1 = 0x360, INITIAL = 0x380, CURRENT = 0x390,
       DIVIDE = 0x3e0 };
#define PERIODIC 0x20000u

static uint32_t load(struct guest *g, uint64_t addr)
{
    return (uint32_t)guest_bus(g)->mmio_read(guest_bus(g)->ctx, addr, 4);
}

static void store(struct guest *g, uint64_t addr, uint32_t v)
{
    guest_bus(g)->mmio_write(guest_bus(g)->ctx, addr, 4, v);
}

static void redirect(struct guest *g, unsigned pin, uint32_t v)
{
    store(g, IOAPIC, 0x10 + 2 * pin);
    store(g, IOAPIC + 0x10, v);
}

static unsigned intack(struct guest *g)
{
    return guest_bus(g)->intack(guest_bus(g)->ctx);
}

static void set_apic_base(struct guest *g, uint64_t v)
{
    machine_cpu(g->m)->apic_base = v;
    guest_bus(g)->apic_base_written(guest_bus(g)->ctx, v);
}

/* The timer's wire reaches IR0 and input 2; each can be had alone. */
static void test_timer_wire(void **state)
{
    struct guest *g = guest_new(0);
    struct cpu *c = machine_cpu(g->m);

    guest_start_tick(g, 2000);
    store(g, LAPIC + SVR, 0x1ff);
    store(g, LAPIC + LVT_LINT0, 0x700);
    machine_run(g->m, 20 * MS);
    assert_in_range(g->irqs, 11, 13);   /* by the 8259 */
    store(g, LAPIC + LVT_LINT0, 0x10700);
    guest_out(g, 0x21, 1, 0xff);
    g->irqs = 0;
    machine_run(g->m, 5 * MS);
    assert_int_equal(g->irqs, 0);
    redirect(g, 0, 0x50);
    redirect(g, 2, 0x52);
    machine_run(g->m, 5 * MS);
    assert_int_equal(g->irqs, 1);       /* in service, never ended */
    assert_false(c->intr);
    store(g, LAPIC + EOI, 0);
    assert_true(c->intr);
    assert_int_equal(intack(g), 0x52);
    guest_free(g);
}

/* COM1 has its own number on the I/O APIC. */
static void test_com1_wire(void **state)
{
    struct guest *g = guest_new(-1);
    struct cpu *c = machine_cpu(g->m);

    store(g, LAPIC + SVR, 0x1ff);
    redirect(g, 4, 0x8064);             /* level, to see it again */
    guest_out(g, 0x3fc, 1, 0x0b);
    guest_out(g, 0x3f9, 1, 0x02);       /* transmitter empty */
    assert_true(c->intr);
    assert_int_equal(intack(g), 0x64);
    assert_false(c->intr);
    store(g, LAPIC + EOI, 0);
    assert_int_equal(intack(g), 0x64);
    guest_in(g, 0x3fa, 1);              /* IIR: taken */
    store(g, LAPIC + EOI, 0);
    assert_false(c->intr);
    guest_free(g);
}

/* An NMI that came while the APIC was off is taken when it comes on. */
static void test_off_and_on(void **state)
{
    struct guest *g = guest_new(-1);
    struct cpu *c = machine_cpu(g->m);

    redirect(g, 4, 0x0400);
    set_apic_base(g, LAPIC | 0x100);
    guest_out(g, 0x3fc, 1, 0x0b);
    guest_out(g, 0x3f9, 1, 0x02);       /* transmitter empty */
    assert_false(c->nmi);
    assert_int_equal(guest_counter(
        g, "ioapic: interrupt that no APIC takes now"), 1);
    set_apic_base(g, LAPIC | 0x900);
    assert_true(c->nmi);
    guest_free(g);
}

static void test_page_moves(void **state)
{
    struct guest *g = guest_new(-1);
    const struct cpu_bus *b = guest_bus(g);
    unsigned before = g->map_changes;

    g->ram[0x200080] = 0x77;
    store(g, LAPIC + TPR, 0x33);
    set_apic_base(g, 0x200900);
    assert_true(g->map_changes > before);
    assert_int_equal(load(g, 0x200080), 0x33);
    assert_null(b->ram_page(b->ctx, 0x200000, false));
    assert_null(b->ram_page(b->ctx, 0x200000, true));
    assert_int_equal(load(g, LAPIC + TPR), 0xffffffff);
    store(g, 0x200080, 0x44);
    assert_int_equal(g->ram[0x200080], 0x77);   /* the CPU's alone */
    set_apic_base(g, 0x200100);         /* off: RAM again */
    assert_ptr_equal(b->ram_page(b->ctx, 0x200000, true), g->ram + 0x200000);
    assert_int_equal(load(g, 0x200080), 0x77);
    set_apic_base(g, LAPIC | 0x900);
    assert_int_equal(load(g, LAPIC + TPR), 0);
    guest_free(g);
}

static void test_off_is_an_8259_machine(void **state)
{
    struct guest *g = guest_new(0);

    set_apic_base(g, 0x100);
    redirect(g, 2, 0x52);
    guest_start_tick(g, 2000);
    machine_run(g->m, 20 * MS);
    assert_in_range(g->irqs, 11, 13);
    machine_nmi(g->m);
    assert_true(machine_cpu(g->m)->nmi);
    guest_free(g);
}

static void test_cr8(void **state)
{
    struct guest *g = guest_new(-1);
    const struct cpu_bus *b = guest_bus(g);

    b->cr8_write(b->ctx, 0x0a);
    assert_int_equal(load(g, LAPIC + TPR), 0xa0);
    store(g, LAPIC + TPR, 0x5f);
    assert_int_equal(b->cr8_read(b->ctx), 5);
    guest_free(g);
}

static void test_nmi(void **state)
{
    struct guest *g = guest_new(-1);
    struct cpu *c = machine_cpu(g->m);

    store(g, LAPIC + SVR, 0x1ff);
    machine_nmi(g->m);
    assert_false(c->nmi);               /* LINT1 is masked */
    store(g, LAPIC + LVT_LINT1, 0x400);
    machine_nmi(g->m);
    assert_true(c->nmi);
    guest_free(g);
}

/* INIT to oneself: the CPU starts anew, memory and devices stay. */
static void test_init(void **state)
{
    struct guest *g = guest_new(0);
    struct cpu *c = machine_cpu(g->m);

    store(g, LAPIC + SVR, 0x1ff);
    g->ram[0x1234] = 0x56;
    guest_out(g, 0x80, 1, 0x9a);
    c->rip = 0x7c00;
    c->pat = 0;
    c->event = (struct cpu_event){ .valid = true, .vector = 0x20 };
    store(g, LAPIC + ICR_LOW, 0x4500);
    assert_int_equal(c->rip, 0x7c00);
    assert_int_equal(machine_run(g->m, 1000), MACHINE_BUDGET);
    assert_int_equal(c->rip, 0xfff0);
    assert_false(c->event.valid);       /* none is under way any more */
    assert_int_equal(c->seg[CS].sel, 0xf000);
    assert_int_equal(c->pat, 0);
    assert_int_equal(load(g, LAPIC + SVR), 0xff);
    assert_int_equal(g->ram[0x1234], 0x56);
    assert_int_equal(guest_in(g, 0x80, 1), 0x9a);
    /* Together with a reset it is a reset. */
    store(g, LAPIC + ICR_LOW, 0x4500);
    guest_out(g, 0xcf9, 1, 6);
    assert_int_equal(machine_run(g->m, 1000), MACHINE_RESET);
    assert_int_equal(guest_in(g, 0x80, 1), 0);
    guest_free(g);
}

static void test_reset(void **state)
{
    struct guest *g = guest_new(0);
    struct cpu *c = machine_cpu(g->m);

    store(g, LAPIC + SVR, 0x1ff);
    store(g, LAPIC + LVT_TIMER, PERIODIC | 0x40);
    store(g, LAPIC + INITIAL, 1000);
    redirect(g, 2, 0x52);
    set_apic_base(g, 0x300900);
    machine_run(g->m, MS);
    machine_reset(g->m);
    assert_int_equal(c->apic_base, LAPIC | 0x900);
    assert_int_equal(load(g, LAPIC + SVR), 0xff);
    assert_int_equal(load(g, LAPIC + INITIAL), 0);
    store(g, IOAPIC, 0x14);
    assert_int_equal(load(g, IOAPIC + 0x10), 0x10000);
    g->irqs = 0;
    machine_run(g->m, MS);
    assert_int_equal(g->irqs, 0);
    guest_free(g);
}

static bool insn_read_count(struct guest *g, struct cpu *c)
{
    if (c->icount % 64 == 0) {
        store(g, LAPIC + EOI, 0);
        load(g, LAPIC + CURRENT);
    }
    return false;
}

/* Under icount the timer's interrupts come at the same instructions. */
static void test_repeats(void **state)
{
    uint64_t at[2][GUEST_IRQS];
    unsigned irqs[2];

    for (unsigned run = 0; run < 2; run++) {
        struct guest *g = guest_new(3);

        g->insn = insn_read_count;
        store(g, LAPIC + SVR, 0x1ff);
        store(g, LAPIC + DIVIDE, 3);
        store(g, LAPIC + LVT_TIMER, PERIODIC | 0x40);
        store(g, LAPIC + INITIAL, 777);
        for (unsigned i = 0; i < 10; i++) {
            g->clock += run * 12345;    /* the host's time is no matter */
            machine_run(g->m, MS / 10);
        }
        irqs[run] = g->irqs;
        memcpy(at[run], g->irq_at, sizeof at[run]);
        guest_free(g);
    }
    assert_in_range(irqs[0], 79, 81);   /* 1 ms of 12.432 us each */
    assert_int_equal(irqs[0], irqs[1]);
    assert_memory_equal(at[0], at[1], irqs[0] * sizeof at[0][0]);
}

static void test_texts(void **state)
{
    struct guest *g = guest_new(-1);
    char buf[8192];

    assert_true(machine_info(g->m, "lapic", buf, sizeof buf) > 0);
    assert_non_null(strstr(buf, "software-disabled"));
    assert_true(machine_info(g->m, "ioapic", buf, sizeof buf) > 0);
    assert_non_null(strstr(buf, "pin 23"));
    assert_true(machine_info(g->m, "mtree", buf, sizeof buf) > 0);
    assert_non_null(strstr(buf, "00000000fee00000-00000000fee00fff: lapic"));
    assert_non_null(strstr(buf, "00000000fec00000-00000000fec00fff: ioapic"));
    guest_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timer_wire),
        cmocka_unit_test(test_com1_wire),
        cmocka_unit_test(test_off_and_on),
        cmocka_unit_test(test_page_moves),
        cmocka_unit_test(test_off_is_an_8259_machine),
        cmocka_unit_test(test_cr8),
        cmocka_unit_test(test_nmi),
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
