/*
 * What the monitor asks of a machine between two runs of it: memory, which is
 * read so that neither the guest nor a device notices, and ports, where
 * whatever a device does at an access is done.
 */
#ifndef EMU_MACHINE_PEEK_H
#define EMU_MACHINE_PEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;

/*
 * From a linear address, by the CPU's page tables as they are, or from a
 * physical one. 0, or -EFAULT: not all of it is plain memory, and what lies
 * before that was read.
 */
int machine_peek(struct machine *m, uint64_t addr, bool is_physical, void *buf,
                 size_t len);

/* As the CPU's IN and OUT; `size` 1, 2 or 4. */
uint32_t machine_port_read(struct machine *m, uint16_t port, unsigned size);
void machine_port_write(struct machine *m, uint16_t port, unsigned size,
                        uint32_t value);

#endif
