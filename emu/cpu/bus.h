/*
 * Guest-physical memory through a cpu_bus, RAM or not. Slow paths only: the
 * interpreter's own accesses go by its TLB.
 */
#ifndef EMU_CPU_BUS_H
#define EMU_CPU_BUS_H

#include <stdint.h>

struct cpu_bus;

/*
 * [addr, addr + n) lies in one page. What is not plain memory is accessed in
 * naturally aligned pieces of 1, 2, 4 or 8 bytes.
 */
void bus_load(const struct cpu_bus *bus, uint64_t addr, void *buf, unsigned n);
void bus_store(const struct cpu_bus *bus, uint64_t addr, const void *buf,
               unsigned n);

#endif
