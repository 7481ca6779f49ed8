/*
 * The end by accident: registers, backtrace, build id and the last log lines
 * on the UART (polled) and the screen, then a restart after a delay, or a halt
 * with -no-reboot. A panic inside a panic says so and skips to the end; one
 * more resets at once. The core that panics first stops the others and reports
 * where they were; one that panics at the same time stops, too.
 */
#ifndef KERNEL_METAL_PANIC_H
#define KERNEL_METAL_PANIC_H

#include <stdbool.h>
#include <stdint.h>

struct trap_frame;

#define PANIC_RESTART_SECONDS 10u

/* -no-reboot was given: halt instead of restarting. */
void panic_set_halt(bool halt);

/* Another core is in a panic, so that an NMI means to stop. */
bool panic_elsewhere(void);

/* An exception that nothing handles. */
_Noreturn void panic_exception(const struct trap_frame *f);

/*
 * For tests (-selftest NAME): do on purpose what must not happen, in functions
 * with known names. "panic": platform_fatal. "fault": a write to read-only
 * data. "stack": recursion into the guard page. "nested": a panic whose report
 * faults. "core", "cores", "corestack": a panic on core 1, on all of them at
 * once, an overflow of core 1's stack. False: no such name, or no such core.
 */
bool panic_selftest(const char *name);

#endif
