/*
 * A CPU's memory by linear address, as it sees it now, for whoever looks from
 * outside: nothing is marked in page tables, no device notices, no rights are
 * asked for. Between runs.
 */
#ifndef EMU_CPU_PEEK_H
#define EMU_CPU_PEEK_H

#include <stdbool.h>
#include <stdint.h>

#include "emu/cpu/cpu.h"

/*
 * The guest-physical address of `lin`, in whatever paging mode the CPU is
 * (SDM vol. 3, 4.3 to 4.5). False: it is not mapped, or a table is not in plain
 * memory.
 */
bool cpu_peek_translate(const struct cpu *c, uint64_t lin, uint64_t *phys);
/* The plain memory at `phys` for this use, to its page's end; NULL: none. */
uint8_t *cpu_peek_memory(const struct cpu *c, uint64_t phys, bool write);

#endif
