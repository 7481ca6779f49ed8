/*
 * Time: the TSC, calibrated on the ACPI PM timer or, without one, on the PIT.
 * Where the TSC is not invariant, each core corrects it by the PM timer; else a
 * core whose TSC differs from core 0's has the difference taken off. Cores
 * agree to a few microseconds.
 */
#ifndef KERNEL_METAL_CLOCK_H
#define KERNEL_METAL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Calibrate; takes 50 ms. Needs acpi_init (the PM timer's place). */
void clock_init(void);
/*
 * A later core's share: on that core clock_init_cpu, while core 0 runs
 * clock_compare for it. False: it did not answer within `us`.
 */
void clock_init_cpu(void);
struct percpu;
bool clock_compare(struct percpu *other, unsigned us);
/*
 * Busy-wait. Works before clock_init too (then by I/O port reads of about a
 * microsecond each, at least the time asked for on real hardware).
 */
void clock_delay_us(unsigned us);
/* TSC ticks a second, and the TSC value when platform_now_ns will read `ns`. */
uint64_t clock_tsc_hz(void);
uint64_t clock_tsc_at(uint64_t ns);
/* Longest sleep that keeps time exact and timer values in range, in ns. */
uint64_t clock_max_sleep_ns(void);

/* Channel 2 of the PIT counts down `ticks` (1..65535) of 1193182 Hz. */
void clock_pit_wait(uint16_t ticks);
/* Channel 0 raises ISA IRQ 0 once, in `ticks` (1..65535) of 1193182 Hz. */
void clock_pit_interrupt(uint16_t ticks);

#endif
