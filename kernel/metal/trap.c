/* See trap.h. Gate format: Intel SDM vol. 3 6.14.1. */
#include "kernel/metal/trap.h"

#include "kernel/metal/apic.h"
#include "kernel/metal/arch.h"
#include "kernel/metal/panic.h"
#include "kernel/metal/percpu.h"
#include "kernel/metal/pic8259.h"
#include "kernel/metal/smp.h"

#define STUB_BYTES 16u
#define GATE_INTERRUPT 0x8eu    /* present, ring 0, interrupts off */

struct gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_mid;
    uint32_t offset_high, reserved;
};
_Static_assert(sizeof(struct gate) == 16, "gate");

struct handler {
    void (*fn)(void *ctx);
    void *ctx;
};

extern const uint8_t trap_stubs[];

static struct gate idt[256] __attribute__((aligned(16)));
static struct handler handlers[256];
static unsigned next_msi = VECTOR_MSI;
static volatile uint64_t unexpected;

static const char *const names[32] = {
    "divide error", "debug", "NMI", "breakpoint", "overflow", "BOUND",
    "invalid opcode", "no FPU", "double fault", "FPU segment", "invalid TSS",
    "segment not present", "stack fault", "general protection", "page fault",
    "reserved", "x87 error", "alignment check", "machine check", "SIMD error",
    "virtualization", "control protection", "reserved", "reserved",
    "reserved", "reserved", "reserved", "reserved",
    "hypervisor injection", "VMM communication", "security", "reserved",
};

const char *trap_exception_name(unsigned vector)
{
    return vector < 32 ? names[vector] : "interrupt";
}

static uint8_t ist_of(unsigned vector)
{
    switch (vector) {
    case EXCEPTION_DOUBLE_FAULT: return IST_DOUBLE_FAULT;
    case EXCEPTION_NMI: return IST_NMI;
    case EXCEPTION_MACHINE_CHECK: return IST_MACHINE_CHECK;
    case EXCEPTION_DEBUG: return IST_DEBUG;
    /* A stack overflow is a page fault on the guard page: it cannot be
     * reported on that stack; the double fault it becomes has its own. */
    default: return IST_NONE;
    }
}

void trap_load(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) idtr = {sizeof idt - 1, (uintptr_t)idt};

    __asm__ volatile("lidt %0" : : "m"(idtr));
}

void trap_init(void)
{
    for (unsigned v = 0; v < 256; v++) {
        uint64_t at = (uintptr_t)trap_stubs + v * STUB_BYTES;

        idt[v] = (struct gate){(uint16_t)at, SELECTOR_CODE, ist_of(v),
                               GATE_INTERRUPT, (uint16_t)(at >> 16),
                               (uint32_t)(at >> 32), 0};
    }
    trap_load();
}

void trap_set_handler(unsigned vector, void (*fn)(void *ctx), void *ctx)
{
    handlers[vector].ctx = ctx;
    __atomic_store_n(&handlers[vector].fn, fn, __ATOMIC_RELEASE);
}

bool trap_has_handler(unsigned vector)
{
    return handlers[vector].fn;
}

unsigned trap_alloc_vector(void)
{
    return next_msi < VECTOR_MSI_END ? next_msi++ : 0;
}

uint64_t trap_unexpected(void) { return unexpected; }

static void interrupt(unsigned vector)
{
    const struct handler *h = &handlers[vector];
    bool pic = vector >= VECTOR_PIC && vector < VECTOR_PIC + 16u;

    if (vector == VECTOR_SPURIOUS ||
        (pic && pic8259_spurious(vector - VECTOR_PIC)))
        return;
    if (h->fn)
        h->fn(h->ctx);
    else
        unexpected++;
    if (pic)
        pic8259_eoi(vector - VECTOR_PIC);
    else
        apic_eoi();
}

void trap_dispatch(const struct trap_frame *f);

void trap_dispatch(const struct trap_frame *f)
{
    if (f->vector == EXCEPTION_NMI && panic_elsewhere())
        smp_stop_here(f);
    if (f->vector == EXCEPTION_DEBUG && handlers[EXCEPTION_DEBUG].fn) {
        handlers[EXCEPTION_DEBUG].fn(handlers[EXCEPTION_DEBUG].ctx);
        return;
    }
    if (f->vector < 32)
        panic_exception(f);
    interrupt((unsigned)f->vector);
}
