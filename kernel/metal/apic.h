/*
 * Interrupt controllers: local APIC (xAPIC or x2APIC) with IOAPICs, or the
 * 8259 pair alone. Intel SDM vol. 3 chapter 11; 82093AA data sheet.
 */
#ifndef KERNEL_METAL_APIC_H
#define KERNEL_METAL_APIC_H

#include <stdbool.h>
#include <stdint.h>

/* Find and start what there is; all inputs masked. Needs acpi_init. */
void apic_init(void);
/* A later core's local APIC and timer, as core 0's; on that core. */
void apic_init_cpu(void);
void apic_timer_init_cpu(void);
/* A local APIC is in use (else: 8259 alone, timer on the PIT). */
bool apic_present(void);
/* End of interrupt; nothing without a local APIC. Handlers. */
void apic_eoi(void);

/*
 * Let ISA IRQ 0..15, or global interrupt `gsi`, call `fn(ctx)` on this core
 * from now on. False: no controller has such an input.
 */
bool apic_connect_isa(unsigned irq, void (*fn)(void *ctx), void *ctx);
bool apic_connect_gsi(unsigned gsi, bool active_low, bool level,
                      void (*fn)(void *ctx), void *ctx);

/* What a PCI function's MSI capability must be told for `vector`. */
uint64_t apic_msi_address(void);
uint32_t apic_msi_data(unsigned vector);

/* Interrupt this core once at `deadline_ns` (platform_now_ns), or earlier. */
void apic_timer_start(uint64_t deadline_ns);
void apic_timer_stop(void);
/* Measure the timer's rate; needs clock_init. */
void apic_timer_init(void);

/* Wake another core out of its HLT or its guest. Any core, any context. */
void apic_send_wake(uint32_t apic_id);
/* NMI to another core: it stops (smp.h). */
void apic_send_nmi(uint32_t apic_id);
/* Interrupts can be sent to that core: 8 bits of ID without x2APIC. */
bool apic_reaches(uint32_t apic_id);
/* INIT (assert), and start-up at physical `page` * 4096 (1..FFh). */
void apic_send_init(uint32_t apic_id);
void apic_send_startup(uint32_t apic_id, unsigned page);

#endif
