/*
 * The wires between the CPU, its local APIC, the I/O APIC and the 8259 pair.
 *
 * ISA interrupts, the PIRQs routed onto them and SCI reach both kinds of
 * controller. On the I/O APIC they have their own number, but for the timer,
 * which is on input 2; so SeaBIOS's MADT and MP table say (fw_cfg's "IRQ 0
 * override"). Both leave it to the guest which one it uses.
 */
#include "emu/machine_internal.h"

#include "emu/dev/ioapic.h"
#include "emu/dev/lapic.h"
#include "emu/dev/pic.h"

#define TIMER_PIN 2u
#define PAGE_OFFSET 0xfffull

/* ---- Interrupts towards the CPU ------------------------------------------- */

static void cpu_intr(void *ctx, bool level)
{
    struct machine *m = ctx;

    m->cpu.intr = level;
}

static void cpu_nmi(void *ctx)
{
    struct machine *m = ctx;

    m->cpu.nmi = true;
}

static void cpu_init_request(void *ctx)
{
    machine_request(ctx, MACHINE_REQ_INIT);
}

static void pic_intr(void *ctx, bool level)
{
    struct machine *m = ctx;

    lapic_set_lint0(m->d.lapic, level);
}

void machine_nmi(struct machine *m)
{
    lapic_set_lint1(m->d.lapic, true);
    lapic_set_lint1(m->d.lapic, false);
}

unsigned machine_intack(void *ctx)
{
    struct machine *m = ctx;
    int vector = lapic_intack(m->d.lapic);

    if (vector < 0)
        vector = (int)pic_intack(m->d.pic);
    if (m->watched)
        machine_timers_taken(m);
    return (unsigned)vector;
}

uint8_t machine_cr8_read(void *ctx)
{
    struct machine *m = ctx;

    return lapic_cr8(m->d.lapic);
}

void machine_cr8_write(void *ctx, uint8_t v)
{
    struct machine *m = ctx;

    lapic_set_cr8(m->d.lapic, v);
}

void machine_init_cpu(struct machine *m)
{
    cpu_init(&m->cpu);
    lapic_init(m->d.lapic);
    m->config.engine->map_changed(m->engine);
}

/* ---- Between the APICs ---------------------------------------------------- */

static void lapic_ended(void *ctx, uint8_t vector)
{
    struct machine *m = ctx;

    ioapic_eoi(m->d.ioapic, vector);
}

static void lapic_ready(void *ctx)
{
    struct machine *m = ctx;

    ioapic_retry(m->d.ioapic);
}

static bool ioapic_send(void *ctx, const struct apic_message *msg)
{
    struct machine *m = ctx;

    return lapic_message(m->d.lapic, msg);
}

void machine_apic_base_written(void *ctx, uint64_t v)
{
    struct machine *m = ctx;
    bool enabled = v & APIC_BASE_ENABLE;

    lapic_set_enabled(m->d.lapic, enabled);
    machine_memory_apic(m, enabled ? v & ~PAGE_OFFSET : MACHINE_NO_PAGE);
}

/* ---- Interrupts from the devices ------------------------------------------ */

void machine_isa_irq(void *machine, unsigned n, bool level)
{
    struct machine *m = machine;
    uint16_t bit = (uint16_t)(1u << n);

    m->irq_count[n] += level && !(m->irq_level & bit);
    m->irq_level = level ? m->irq_level | bit : m->irq_level & ~bit;
    pic_set_irq(m->d.pic, n, level);
    ioapic_set_pin(m->d.ioapic, n ? n : TIMER_PIN, level);
}

/* A guest uses one of the two kinds; where both are open, the I/O APIC. */
enum irq_state machine_irq_state(struct machine *m, unsigned n)
{
    unsigned pin = n ? n : TIMER_PIN;
    int vector = ioapic_vector(m->d.ioapic, pin);

    if (vector >= 0)
        return ioapic_waits(m->d.ioapic, pin) ||
               lapic_requested(m->d.lapic, (uint8_t)vector) ? IRQ_WAITS
                                                            : IRQ_TAKEN;
    return lapic_lint0_open(m->d.lapic) ? pic_irq_state(m->d.pic, n)
                                        : IRQ_MASKED;
}

bool machine_apic_create(struct machine *m)
{
    const struct lapic_wires wires = {
        m, cpu_intr, cpu_nmi, cpu_init_request, lapic_ended, lapic_ready
    };

    return (m->d.lapic = lapic_create(m, &wires, machine_ticks_again(m))) &&
           (m->d.ioapic = ioapic_create(m, ioapic_send, m)) &&
           (m->d.pic = pic_create(m, pic_intr, m));
}

void machine_apic_destroy(struct machine *m)
{
    if (m->d.pic)
        pic_destroy(m->d.pic);
    ioapic_destroy(m->d.ioapic);
    lapic_destroy(m->d.lapic);
}
