/*
 * What whoever debugs a CPU from outside may put into it: as an instruction at
 * the CPU's privilege level would, but that nothing is raised. Between runs;
 * the engine's map_changed follows.
 */
#ifndef EMU_CPU_POKE_H
#define EMU_CPU_POKE_H

#include <stdbool.h>
#include <stdint.h>

#include "emu/cpu/cpu.h"

/*
 * Load a segment register with its hidden part: as MOV does, and CS as a jump
 * within its privilege level (SDM vol. 3, 5.6 to 5.8). Marks the descriptor as
 * accessed. False: the CPU would refuse this selector; nothing changed.
 */
bool cpu_poke_segment(struct cpu *c, enum cpu_segreg s, uint16_t sel);

#endif
