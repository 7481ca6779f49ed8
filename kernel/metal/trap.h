/*
 * Exceptions and interrupts: 256 gates, one frame, one dispatcher. Handlers
 * run with interrupts off and without FPU or SSE (the folder is compiled
 * -mgeneral-regs-only), so that the interrupted code's state stays whole.
 */
#ifndef KERNEL_METAL_TRAP_H
#define KERNEL_METAL_TRAP_H

#include <stdbool.h>
#include <stdint.h>

enum {
    VECTOR_PIC = 0x20,          /* 8259 pair: 16 vectors */
    VECTOR_ISA = 0x30,          /* IOAPIC, ISA IRQ n: 16 vectors */
    VECTOR_TIMER = 0x40,
    VECTOR_WAKE = 0x41,         /* from another core */
    VECTOR_GSI = 0x50,          /* IOAPIC inputs that are no ISA IRQ */
    VECTOR_MSI = 0x70,
    VECTOR_MSI_END = 0xf0,
    VECTOR_SPURIOUS = 0xff,
};

enum { EXCEPTION_DEBUG = 1, EXCEPTION_NMI = 2, EXCEPTION_DOUBLE_FAULT = 8,
       EXCEPTION_GP = 13, EXCEPTION_PAGE_FAULT = 14,
       EXCEPTION_MACHINE_CHECK = 18 };

/* What trap_entry.S pushes, lowest address first. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

/* Fill and load the interrupt descriptor table; later cores only load it. */
void trap_init(void);
void trap_load(void);

/*
 * Call `fn(ctx)` on `vector`. The end-of-interrupt follows by itself. Of
 * exceptions, which are a panic without, EXCEPTION_DEBUG may have one.
 */
void trap_set_handler(unsigned vector, void (*fn)(void *ctx), void *ctx);
bool trap_has_handler(unsigned vector);
/* A vector of VECTOR_MSI .. that nobody has yet, or 0. */
unsigned trap_alloc_vector(void);

/* Interrupts nobody asked for, by `info`-like reports and panics. */
uint64_t trap_unexpected(void);

const char *trap_exception_name(unsigned vector);

#endif
