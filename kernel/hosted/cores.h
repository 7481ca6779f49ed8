/* What the cores of the Linux program need of its console. */
#ifndef KERNEL_HOSTED_CORES_H
#define KERNEL_HOSTED_CORES_H

#include <stdint.h>

/* console.c: the main thread's share of platform_wait, on poll(2). */
void cores_poll(uint64_t deadline_ns);

#endif
