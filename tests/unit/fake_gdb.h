/* A machine for a gdb session: a CPU, some memory, and what was asked of it. */
#ifndef TESTS_UNIT_FAKE_GDB_H
#define TESTS_UNIT_FAKE_GDB_H

#include "emu/cpu/cpu.h"
#include "emu/cpu/stops.h"
#include "kernel/debug/gdb_session.h"

#define FAKE_GDB_BASE 0x1000u   /* its memory's address */
#define FAKE_GDB_BYTES 8192u

struct fake_gdb {
    struct cpu cpu;
    struct cpu_bus bus;         /* the CPU's way to the memory */
    uint8_t memory[FAKE_GDB_BYTES];
    struct cpu_stops stops;
    enum gdb_state state;
    unsigned runs, steps, halts, detaches, kills, changes;
    int refuse;                 /* what all calls return, unless 0 */
    char line[256];             /* the monitor's last command */
    const char *says;           /* its answer */
};

extern const struct gdb_target fake_gdb_target;
/* In its power-on state, of the CPU model of that name. */
void fake_gdb_init(struct fake_gdb *f, const char *model);

#endif
