/* See apic.h. */
#include "kernel/metal/apic.h"

#include "kernel/metal/acpi.h"
#include "kernel/metal/arch.h"
#include "kernel/metal/clock.h"
#include "kernel/metal/paging.h"
#include "kernel/metal/percpu.h"
#include "kernel/metal/pic8259.h"
#include "kernel/metal/trap.h"
#include "kernel/metal/wait.h"
#include "kernel/platform.h"

/* Local APIC registers, as byte offsets of the xAPIC page (SDM table 11-1). */
enum { LAPIC_ID = 0x20, LAPIC_TPR = 0x80, LAPIC_EOI = 0xb0, LAPIC_SVR = 0xf0,
       LAPIC_ICR = 0x300, LAPIC_ICR_HIGH = 0x310, LAPIC_LVT_TIMER = 0x320,
       LAPIC_LVT_LINT0 = 0x350, LAPIC_LVT_LINT1 = 0x360,
       LAPIC_LVT_ERROR = 0x370, LAPIC_INITIAL = 0x380, LAPIC_CURRENT = 0x390,
       LAPIC_DIVIDE = 0x3e0 };
enum { LVT_MASKED = 1u << 16, LVT_NMI = 4u << 8, LVT_EXTINT = 7u << 8,
       TIMER_TSC_DEADLINE = 2u << 17, SVR_ENABLE = 1u << 8,
       DIVIDE_BY_16 = 3 };
#define APIC_BASE_ENABLE (1u << 11)
#define APIC_BASE_X2 (1u << 10)
#define MSR_X2APIC 0x800u
#define MSR_X2APIC_ICR 0x830u

/* Interrupt command register, SDM 11.6.1. */
enum { ICR_NMI = 4u << 8, ICR_INIT = 5u << 8, ICR_STARTUP = 6u << 8,
       ICR_PENDING = 1u << 12, ICR_ASSERT = 1u << 14 };
/* An xAPIC's sending takes microseconds; one that never ends is ignored. */
#define ICR_TRIES 100000u

enum { IOAPIC_SELECT = 0x00, IOAPIC_WINDOW = 0x10, IOAPIC_VERSION = 1,
       IOAPIC_REDIRECTION = 0x10 };
enum { REDIRECT_ACTIVE_LOW = 1u << 13, REDIRECT_LEVEL = 1u << 15,
       REDIRECT_MASKED = 1u << 16 };

#define PIT_HZ 1193182ull
#define NS 1000000000ull
#define TIMER_CALIBRATE_US 10000u

struct ioapic {
    volatile uint8_t *regs;
    uint32_t gsi_base, inputs;
};

static bool present, x2;
static volatile uint8_t *lapic;
static struct ioapic ioapics[ACPI_MAX_IOAPICS];
static unsigned ioapic_count, next_gsi_vector = VECTOR_GSI;
static bool tsc_deadline;
static uint64_t timer_hz;       /* local APIC timer ticks a second */

static uint32_t lapic_read(unsigned reg)
{
    return x2 ? (uint32_t)read_msr(MSR_X2APIC + reg / 16)
              : mmio_read32(lapic + reg);
}

static void lapic_write(unsigned reg, uint32_t v)
{
    if (x2)
        write_msr(MSR_X2APIC + reg / 16, v);
    else
        mmio_write32(lapic + reg, v);
}

bool apic_present(void) { return present; }

void apic_eoi(void)
{
    if (present)
        lapic_write(LAPIC_EOI, 0);
}

static uint32_t ioapic_read(const struct ioapic *io, uint32_t reg)
{
    mmio_write32(io->regs + IOAPIC_SELECT, reg);
    return mmio_read32(io->regs + IOAPIC_WINDOW);
}

static void ioapic_write(const struct ioapic *io, uint32_t reg, uint32_t v)
{
    mmio_write32(io->regs + IOAPIC_SELECT, reg);
    mmio_write32(io->regs + IOAPIC_WINDOW, v);
}

static void add_ioapic(const struct acpi_ioapic *found)
{
    struct ioapic *io = &ioapics[ioapic_count];

    io->regs = paging_map_device(found->address, 32,
                                 PAGING_WRITE | PAGING_UNCACHED);
    if (!io->regs)
        return;
    io->gsi_base = found->gsi_base;
    io->inputs = (ioapic_read(io, IOAPIC_VERSION) >> 16 & 0xff) + 1;
    for (uint32_t i = 0; i < io->inputs; i++)
        ioapic_write(io, IOAPIC_REDIRECTION + 2 * i, REDIRECT_MASKED);
    ioapic_count++;
}

static void set_lapic(bool boot_core)
{
    lapic_write(LAPIC_TPR, 0);
    lapic_write(LAPIC_LVT_TIMER, LVT_MASKED);
    lapic_write(LAPIC_LVT_ERROR, LVT_MASKED);
    /* The 8259 pair and the NMI line come in as before, on one core: "virtual
     * wire", SDM 11.5.1. */
    lapic_write(LAPIC_LVT_LINT0, boot_core ? LVT_EXTINT : LVT_MASKED);
    lapic_write(LAPIC_LVT_LINT1, LVT_NMI | (boot_core ? 0 : LVT_MASKED));
    lapic_write(LAPIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
    this_cpu()->apic_id = x2 ? lapic_read(LAPIC_ID)
                             : lapic_read(LAPIC_ID) >> 24;
}

static bool start_lapic(void)
{
    uint64_t base = read_msr(MSR_APIC_BASE);

    if (!(base & APIC_BASE_ENABLE))
        write_msr(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
    x2 = base & APIC_BASE_ENABLE && base & APIC_BASE_X2;
    if (!x2) {
        lapic = paging_map_device(base & 0xffffff000ull, 4096,
                                  PAGING_WRITE | PAGING_UNCACHED);
        if (!lapic)
            return false;
    }
    set_lapic(true);
    return true;
}

void apic_init_cpu(void)
{
    uint64_t base = read_msr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

    write_msr(MSR_APIC_BASE, base);
    if (x2)                     /* off - xAPIC - x2APIC, SDM 11.12.5 */
        write_msr(MSR_APIC_BASE, base | APIC_BASE_X2);
    set_lapic(false);
}

static void wake_handler(void *ctx) { wait_end(NULL); }

void apic_init(void)
{
    pic8259_init();
    if (cpuid(1, 0).edx & 1u << 9)
        present = start_lapic();
    for (unsigned i = 0; present && i < acpi.madt.ioapic_count; i++)
        add_ioapic(&acpi.madt.ioapic[i]);
    trap_set_handler(VECTOR_WAKE, wake_handler, NULL);
    platform_log("interrupts: %s, %u IOAPIC%s%s",
                 !present ? "8259" : x2 ? "x2APIC" : "xAPIC", ioapic_count,
                 ioapic_count == 1 ? "" : "s",
                 ioapic_count ? "" : ", ISA lines by the 8259");
}

static bool route(uint32_t gsi, bool low, bool level, unsigned vector)
{
    for (unsigned i = 0; i < ioapic_count; i++) {
        const struct ioapic *io = &ioapics[i];
        uint32_t input = gsi - io->gsi_base;

        if (gsi < io->gsi_base || input >= io->inputs)
            continue;
        /* Physical destination: 8 bits, our core's number. */
        ioapic_write(io, IOAPIC_REDIRECTION + 2 * input + 1,
                     this_cpu()->apic_id << 24);
        ioapic_write(io, IOAPIC_REDIRECTION + 2 * input,
                     vector | (low ? REDIRECT_ACTIVE_LOW : 0) |
                         (level ? REDIRECT_LEVEL : 0));
        return true;
    }
    return false;
}

bool apic_connect_isa(unsigned irq, void (*fn)(void *ctx), void *ctx)
{
    const struct acpi_override *o = &acpi.madt.isa[irq & 15];
    bool routed;

    if (irq > 15)
        return false;
    trap_set_handler(VECTOR_ISA + irq, fn, ctx);
    routed = o->present ? route(o->gsi, o->active_low, o->level,
                                VECTOR_ISA + irq)
                        : route(irq, false, false, VECTOR_ISA + irq);
    if (!routed) {
        trap_set_handler(VECTOR_PIC + irq, fn, ctx);
        pic8259_unmask(irq);
    }
    return true;
}

bool apic_connect_gsi(unsigned gsi, bool active_low, bool level,
                      void (*fn)(void *ctx), void *ctx)
{
    if (next_gsi_vector == VECTOR_MSI)
        return false;
    trap_set_handler(next_gsi_vector, fn, ctx);
    if (!route(gsi, active_low, level, next_gsi_vector))
        return false;
    next_gsi_vector++;
    return true;
}

/* SDM vol. 3 11.11: physical destination, edge, fixed. */
uint64_t apic_msi_address(void)
{
    return 0xfee00000u | this_cpu()->apic_id << 12;
}

uint32_t apic_msi_data(unsigned vector) { return vector; }

static void send(uint32_t apic_id, uint32_t command)
{
    uint64_t flags;

    if (!present)
        return;
    if (x2) {
        /* This write waits for nothing: what was stored before goes first. */
        __asm__ volatile("mfence" : : : "memory");
        write_msr(MSR_X2APIC_ICR, (uint64_t)apic_id << 32 | command);
        return;
    }
    flags = interrupts_save_off();      /* a handler may send, too */
    for (unsigned i = 0; i < ICR_TRIES; i++)
        if (!(lapic_read(LAPIC_ICR) & ICR_PENDING))
            break;
    lapic_write(LAPIC_ICR_HIGH, apic_id << 24);
    lapic_write(LAPIC_ICR, command);
    interrupts_restore(flags);
}

void apic_send_wake(uint32_t apic_id) { send(apic_id, VECTOR_WAKE); }

void apic_send_nmi(uint32_t apic_id) { send(apic_id, ICR_NMI); }

bool apic_reaches(uint32_t apic_id) { return x2 || apic_id < 255; }

void apic_send_init(uint32_t apic_id) { send(apic_id, ICR_INIT | ICR_ASSERT); }

void apic_send_startup(uint32_t apic_id, unsigned page)
{
    send(apic_id, ICR_STARTUP | ICR_ASSERT | page);
}

/* ---- One-shot timer --------------------------------------------------- */

static void timer_handler(void *ctx) {}

void apic_timer_init_cpu(void)
{
    if (tsc_deadline) {
        lapic_write(LAPIC_LVT_TIMER, TIMER_TSC_DEADLINE | VECTOR_TIMER);
        __asm__ volatile("mfence" : : : "memory");      /* SDM 11.5.4.1 */
    } else {
        lapic_write(LAPIC_DIVIDE, DIVIDE_BY_16);
        lapic_write(LAPIC_INITIAL, 0);
        lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER);
    }
}

void apic_timer_init(void)
{
    uint64_t tsc;
    uint32_t ticks;

    if (!present) {
        apic_connect_isa(0, timer_handler, NULL);
        platform_log("timer: PIT");
        return;
    }
    trap_set_handler(VECTOR_TIMER, timer_handler, NULL);
    tsc_deadline = cpuid(1, 0).ecx & 1u << 24;
    if (tsc_deadline) {
        apic_timer_init_cpu();
        platform_log("timer: TSC deadline");
        return;
    }
    lapic_write(LAPIC_DIVIDE, DIVIDE_BY_16);
    lapic_write(LAPIC_INITIAL, ~0u);
    ticks = lapic_read(LAPIC_CURRENT);
    tsc = read_tsc();
    clock_delay_us(TIMER_CALIBRATE_US);
    ticks -= lapic_read(LAPIC_CURRENT);
    timer_hz = mul_div(ticks, clock_tsc_hz(), read_tsc() - tsc);
    apic_timer_init_cpu();
    if (!timer_hz)
        platform_fatal("timer: the local APIC's does not count");
    platform_log("timer: local APIC, %lu kHz", timer_hz / 1000);
}

static uint64_t ticks_until(uint64_t deadline_ns, uint64_t hz, uint64_t max)
{
    uint64_t now = platform_now_ns(), ticks;

    if (deadline_ns <= now)
        return 1;
    ticks = mul_div(deadline_ns - now, hz, NS) + 1;
    return ticks < max ? ticks : max;
}

void apic_timer_start(uint64_t deadline_ns)
{
    uint64_t ticks, longest = platform_now_ns() + clock_max_sleep_ns();

    if (deadline_ns > longest)
        deadline_ns = longest;
    if (tsc_deadline) {
        write_msr(MSR_TSC_DEADLINE, clock_tsc_at(deadline_ns));
    } else if (present) {
        lapic_write(LAPIC_INITIAL,
                    (uint32_t)ticks_until(deadline_ns, timer_hz, 0xffffffff));
    } else {
        ticks = ticks_until(deadline_ns, PIT_HZ, 0xffff);
        clock_pit_interrupt((uint16_t)ticks);
    }
}

void apic_timer_stop(void)
{
    if (tsc_deadline)
        write_msr(MSR_TSC_DEADLINE, 0);
    else if (present)
        lapic_write(LAPIC_INITIAL, 0);
}
