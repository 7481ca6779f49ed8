/*
 * More than one core: start, what each runs (platform.h, "Cores"), and the
 * stop of the others in a panic.
 */
#ifndef KERNEL_METAL_SMP_H
#define KERNEL_METAL_SMP_H

#include <stdbool.h>

struct trap_frame;

/*
 * Start the processors that the MADT names, up to PERCPU_MAX with this one.
 * One that does not answer is named in the log and left out. Interrupts are
 * on; clock and timer run.
 */
void smp_init(void);

/* Core `index` answers. */
bool smp_online(unsigned index);

/* A panic: the other cores stop by NMI, wherever they are; bounded. */
void smp_stop_others(void);
/* The NMI's end of that: this core stops here. */
_Noreturn void smp_stop_here(const struct trap_frame *f);

#endif
