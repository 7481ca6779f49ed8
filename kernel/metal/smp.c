/* See smp.h. Start-up sequence: Intel SDM vol. 3 8.4.4.1. */
#include "kernel/metal/smp.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernel/metal/acpi.h"
#include "kernel/metal/apic.h"
#include "kernel/metal/arch.h"
#include "kernel/metal/clock.h"
#include "kernel/metal/memory.h"
#include "kernel/metal/paging.h"
#include "kernel/metal/percpu.h"
#include "kernel/metal/stacks.h"
#include "kernel/metal/trap.h"
#include "kernel/metal/vmx_core.h"
#include "kernel/platform.h"

#define INIT_DELAY_US 10000u
#define STARTUP_DELAY_US 200u
#define ANSWER_US 500000u
#define STOP_US 200000u
#define POLL_US 50u

#define CR4_VMXE (1ul << 13)
#define EFER_LME (1ul << 8)
#define EFER_NXE (1ul << 11)

/* What the trampoline finds behind its code, in boot/ap_entry.S's order. */
struct ap_words {
    uint64_t ticket;            /* the new stack's top; 0 once taken */
    uint64_t cr3;
    uint32_t cr4, cr0, efer;
};
_Static_assert(offsetof(struct ap_words, efer) == 24, "ap_entry.S");

extern const uint8_t ap_trampoline[], ap_trampoline_end[], ap_words[];

static unsigned count = 1;      /* cores online; they have indices 0.. */
static uint8_t *trampoline;     /* in the page below 1 MiB */
static uint64_t trampoline_phys;

_Noreturn void smp_core_main(unsigned index);

bool smp_online(unsigned index)
{
    return index < PERCPU_MAX &&
           (!index || __atomic_load_n(&percpu_get(index)->online,
                                      __ATOMIC_ACQUIRE));
}

unsigned platform_core_count(void) { return count; }

unsigned platform_core_index(void) { return this_cpu()->index; }

/* ---- A new core ------------------------------------------------------- */

static void run_thread(struct percpu *cpu)
{
    void (*fn)(void *) = __atomic_load_n(&cpu->thread, __ATOMIC_ACQUIRE);

    if (!fn)
        return;
    fn(cpu->thread_ctx);
    __atomic_store_n(&cpu->thread, NULL, __ATOMIC_RELEASE);
    platform_wake();
}

/* From boot/ap_entry.S, on a stack of its own and the final page tables. */
void smp_core_main(unsigned index)
{
    struct percpu *cpu;

    percpu_init(index);
    trap_load();
    paging_init_cpu();
    apic_init_cpu();
    cpu = this_cpu();
    clock_init_cpu();
    apic_timer_init_cpu();
    interrupts_on();
    __atomic_store_n(&cpu->online, true, __ATOMIC_RELEASE);
    for (;;) {
        run_thread(cpu);
        platform_wait(UINT64_MAX);
    }
}

/* ---- Starting it ------------------------------------------------------ */

static bool make_trampoline(void)
{
    struct ap_words *w;

    trampoline_phys = memory_low_page();
    if (trampoline_phys == MEMORY_NONE)
        return false;
    trampoline = paging_direct(trampoline_phys);
    memcpy(trampoline, ap_trampoline,
           (size_t)(ap_trampoline_end - ap_trampoline));
    w = (struct ap_words *)(trampoline + (ap_words - ap_trampoline));
    w->cr3 = read_cr3();
    w->cr4 = (uint32_t)(read_cr4() & ~CR4_VMXE);
    w->cr0 = (uint32_t)read_cr0();
    w->efer = (uint32_t)(read_msr(MSR_EFER) & (EFER_LME | EFER_NXE));
    return true;
}

static uint64_t *ticket(void)
{
    return &((struct ap_words *)(trampoline + (ap_words - ap_trampoline)))
                ->ticket;
}

/* Stack number `index`, its top word the number; 0: no memory. */
static uint64_t make_stack(unsigned index)
{
    uint64_t *top = stacks_core(index);

    if (!top)
        return 0;
    *--top = index;
    return (uintptr_t)top;
}

static bool ticket_taken(unsigned index)
{
    return !__atomic_load_n(ticket(), __ATOMIC_ACQUIRE);
}

/* `done` comes true within `us` microseconds. */
static bool comes_true(bool (*done)(unsigned index), unsigned index,
                       unsigned us)
{
    for (unsigned waited = 0; !done(index); waited += POLL_US) {
        if (waited >= us)
            return false;
        clock_delay_us(POLL_US);
    }
    return true;
}

static void send_startup(uint32_t apic_id, unsigned index)
{
    unsigned page = (unsigned)(trampoline_phys / PAGE_BYTES);

    apic_send_init(apic_id);
    clock_delay_us(INIT_DELAY_US);
    apic_send_startup(apic_id, page);
    if (comes_true(ticket_taken, index, STARTUP_DELAY_US))
        return;
    apic_send_startup(apic_id, page);
    comes_true(ticket_taken, index, ANSWER_US);
}

/* The core with this APIC ID becomes number `index`. */
static bool start_core(uint32_t apic_id, unsigned index)
{
    struct percpu *cpu = percpu_get(index);
    uint64_t stack = make_stack(index);

    if (!stack) {
        platform_log("core %u: no memory for its stack", index);
        return false;
    }
    /* A core that failed may have left its own here. */
    cpu->sync_asked = cpu->sync_answered = 0;
    cpu->tsc_ahead = 0;
    cpu->online = false;
    cpu->apic_id = apic_id;
    __atomic_store_n(ticket(), stack, __ATOMIC_RELEASE);
    send_startup(apic_id, index);
    /* From here on a latecomer finds no ticket. */
    if (!__atomic_exchange_n(ticket(), 0, __ATOMIC_ACQ_REL) &&
        clock_compare(cpu, ANSWER_US) &&
        comes_true(smp_online, index, ANSWER_US))
        return true;
    /* Whatever it does: back to waiting for a start-up. */
    apic_send_init(apic_id);
    platform_log("the processor with APIC ID %u does not answer: left out",
                 apic_id);
    return false;
}

void smp_init(void)
{
    unsigned surplus = 0;

    if (!apic_present() || acpi.madt.cpu_count < 2)
        return;
    if (!make_trampoline()) {
        platform_log("no free page below 1 MiB: one core only");
        return;
    }
    for (unsigned i = 0; i < acpi.madt.cpu_count; i++) {
        uint32_t id = acpi.madt.cpu[i];

        if (id == this_cpu()->apic_id)
            continue;
        if (count == PERCPU_MAX)
            surplus++;
        else if (!apic_reaches(id))
            platform_log("the processor with APIC ID %u is out of reach", id);
        else if (start_core(id, count))
            count++;
    }
    platform_log("cores: %u of %u", count, acpi.madt.cpu_count);
    if (surplus)
        platform_log("%u cores left out: %u are in use", surplus, PERCPU_MAX);
}

/* ---- Threads ---------------------------------------------------------- */

int platform_core_start(unsigned core, void (*fn)(void *ctx), void *ctx)
{
    struct percpu *cpu;

    if (!core || core >= count)
        return -ENODEV;
    cpu = percpu_get(core);
    if (platform_core_busy(core))
        return -EBUSY;
    cpu->thread_ctx = ctx;
    __atomic_store_n(&cpu->thread, fn, __ATOMIC_RELEASE);
    platform_core_wake(core);
    return 0;
}

bool platform_core_busy(unsigned core)
{
    return core < count &&
           (!core || __atomic_load_n(&percpu_get(core)->thread,
                                     __ATOMIC_ACQUIRE));
}

/* ---- The stop --------------------------------------------------------- */

void smp_stop_here(const struct trap_frame *f)
{
    struct percpu *cpu = this_cpu();

    interrupts_off();
    vmx_core_off();             /* the restart may begin with an INIT */
    if (f)
        cpu->stopped_rip = f->rip;
    __atomic_store_n(&cpu->stopped, true, __ATOMIC_RELEASE);
    for (;;)
        __asm__ volatile("hlt");
}

static bool all_stopped(void)
{
    for (unsigned i = 0; i < PERCPU_MAX; i++)
        if (i != this_cpu()->index && smp_online(i) &&
            !__atomic_load_n(&percpu_get(i)->stopped, __ATOMIC_ACQUIRE))
            return false;
    return true;
}

void smp_stop_others(void)
{
    for (unsigned i = 0; i < PERCPU_MAX; i++)
        if (i != this_cpu()->index && smp_online(i))
            apic_send_nmi(percpu_get(i)->apic_id);
    for (unsigned us = 0; us < STOP_US && !all_stopped(); us += POLL_US)
        clock_delay_us(POLL_US);
}
