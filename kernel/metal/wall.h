/* The wall clock: the RTC once, then the monotonic clock. */
#ifndef KERNEL_METAL_WALL_H
#define KERNEL_METAL_WALL_H

/* Read the RTC; needs clock_init. */
void wall_init(void);

#endif
