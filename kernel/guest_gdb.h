/*
 * What a guest's debugger asks of its machine, as in guest.h: the guest's core
 * does it between two slices. I/O core. 0 or negative errno: -EBUSY while a
 * task has the machine, or its core does not answer; and what machine_debug.h
 * says.
 */
#ifndef KERNEL_GUEST_GDB_H
#define KERNEL_GUEST_GDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/cpu/stops.h"

struct cpu;
struct guest;

/* `change`: fn writes registers. */
int guest_gdb_cpu(struct guest *g, bool change,
                    void (*fn)(struct cpu *c, void *arg), void *arg);
int guest_gdb_memory(struct guest *g, uint64_t lin, void *buf, size_t len,
                       bool write);
int guest_gdb_place(struct guest *g, enum cpu_stop_kind kind, uint64_t lin,
                      uint64_t len, bool insert);
/* Forget all places to stop at. */
int guest_gdb_clear(struct guest *g);
/*
 * As guest_cont, for one instruction with `step`; one that is held starts.
 * -ESRCH: it is off.
 */
int guest_gdb_run(struct guest *g, bool step);
/*
 * Has it stopped for its debugger, since the last time that this was asked? It
 * is paused then, and *stops say why.
 */
bool guest_gdb_has_stopped(struct guest *g, struct cpu_stops *stops);
/* Switch it off. */
int guest_gdb_kill(struct guest *g);

#endif
