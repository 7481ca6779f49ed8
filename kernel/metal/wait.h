/* Sleeping until an event; see platform_wait. */
#ifndef KERNEL_METAL_WAIT_H
#define KERNEL_METAL_WAIT_H

#include <stdint.h>

/*
 * No sleep lasts longer than `ns` from now on: some device has to be looked at
 * because its interrupt is missing or not to be relied on. The least counts.
 */
void wait_limit(uint64_t ns);

/* End this core's wait; for interrupt handlers. */
void wait_end(void *unused);

#endif
