/*
 * What a debugger asks of a machine, between two runs of it: to write memory by
 * linear address, places to stop at, single steps. Registers are machine_cpu's,
 * and memory is read by machine_peek. See emu/cpu/stops.h for what the guest
 * notices of it: nothing but time.
 */
#ifndef EMU_MACHINE_DEBUG_H
#define EMU_MACHINE_DEBUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/cpu/stops.h"

struct machine;

/*
 * 0, or -EFAULT: not all of it is mapped to memory that can be written, and what
 * lies before that was done.
 */
int machine_debug_write(struct machine *m, uint64_t lin, const void *buf,
                        size_t len);

/*
 * As cpu_stops_add and cpu_stops_remove; -ENOTSUP: what engine_ops.can_debug
 * says.
 */
int machine_debug_insert(struct machine *m, enum cpu_stop_kind kind,
                         uint64_t lin, uint64_t len);
int machine_debug_remove(struct machine *m, enum cpu_stop_kind kind,
                         uint64_t lin, uint64_t len);
/* No places, no steps: the machine runs as if nobody had been there. */
void machine_debug_clear(struct machine *m);

/*
 * The next machine_run, and no other, is to be one instruction, or is not; then
 * it stops virtual time, as it does at a place to stop at, and says
 * MACHINE_DEBUG. 0 or -ENOTSUP.
 */
int machine_debug_step(struct machine *m, bool step);
/* Registers of machine_cpu were written that say how memory is reached. */
void machine_debug_changed(struct machine *m);
/* Why it last said so. */
const struct cpu_stops *machine_debug_stops(const struct machine *m);

#endif
