/*
 * -selftest uart: does this PC, under the load it has, ever leave a UART alone
 * for too long? A second instance of the UART driver serves a register model
 * (uart_model.h) on which characters arrive without pause at 115200 baud by
 * the time-stamp counter. The model's interrupt is the PIT's, so it waits for
 * the same windows with interrupts off as a real UART's. The guest runs
 * meanwhile; figures are logged at its end.
 */
#ifndef KERNEL_METAL_UART_SELFTEST_H
#define KERNEL_METAL_UART_SELFTEST_H

#include <stdbool.h>

/*
 * Start, on the I/O core. "uart"; or "uart-deaf", where interrupts stay off for
 * 3 ms 20 times a second, which must be seen. False: no such name.
 */
bool uart_selftest_start(const char *name);
/* The upper side's part; from the I/O loop. Nothing unless started. */
void uart_selftest_poll(void);
/* Stop and log the figures. Nothing unless started. */
void uart_selftest_end(void);

#endif
