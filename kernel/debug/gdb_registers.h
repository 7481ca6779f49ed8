/*
 * The CPU's registers as gdb knows them (GDB manual, appendix "Target
 * Descriptions"): i386, or x86-64 for a CPU model with long mode, in features
 * org.gnu.gdb.i386.core, .sse and .segments, and control registers behind.
 */
#ifndef KERNEL_DEBUG_GDB_REGISTERS_H
#define KERNEL_DEBUG_GDB_REGISTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu;

#define GDB_REGISTER 16u        /* bytes of the longest */

/* Bytes of register `n`, 0: there is none. `wide`: of x86-64. */
unsigned gdb_register_bytes(bool wide, unsigned n);
/* Its value, in the guest's byte order. */
void gdb_register_get(const struct cpu *c, bool wide, unsigned n,
                      uint8_t *out);
/*
 * False: it has not that value already, and the CPU would not take it in its
 * mode and at its privilege level, or it is one of the x87's last instruction.
 */
bool gdb_register_set(struct cpu *c, bool wide, unsigned n, const uint8_t *in);

/* The description, XML with a 0 at its end; the length wanted. */
size_t gdb_registers_xml(bool wide, char *out, size_t size);

#endif
