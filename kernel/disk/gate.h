/*
 * One caller at a time for a disk's stack of layers, while the guest's core, the
 * disk's worker and a job want it: in the order in which they came.
 */
#ifndef KERNEL_DISK_GATE_H
#define KERNEL_DISK_GATE_H

#include <stdatomic.h>
#include <stdbool.h>

/* Tickets; all zeros is open. */
struct gate {
    atomic_uint next, serving;
};

/* True: in, at once. False: somebody is, or waits. Anywhere. */
bool gate_try(struct gate *g);
/* Wait for the turn: in a task; elsewhere, on any core. */
void gate_enter_in_task(struct gate *g);
void gate_enter_on_core(struct gate *g);
/* By whoever is in. */
void gate_leave(struct gate *g);

#endif
