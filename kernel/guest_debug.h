/*
 * What an administrator looks up in a guest's machine: its CPU's registers,
 * memory, ports. The machine goes on between two of these calls. I/O core; false
 * and -ETIMEDOUT as in guest.h, "Asking something of a machine".
 */
#ifndef KERNEL_GUEST_DEBUG_H
#define KERNEL_GUEST_DEBUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guest;

enum { GUEST_SEGMENTS = 6 };    /* es cs ss ds fs gs, as their numbers are */

struct guest_registers {
    uint64_t gpr[16], rip, rflags, cr0, cr2, cr3, cr4, efer;
    struct { uint64_t base; uint32_t limit; uint16_t sel; } seg[GUEST_SEGMENTS];
    unsigned bits;              /* of its code: 16, 32 or 64 */
    bool is_64bit;              /* long mode: addresses have 64 bits */
};

bool guest_registers(struct guest *g, struct guest_registers *r);
/* See machine_peek. */
int guest_peek(struct guest *g, uint64_t addr, bool is_physical, void *buf,
               size_t len);
/* See machine_port_read and machine_port_write. */
bool guest_port_read(struct guest *g, uint16_t port, unsigned size,
                     uint32_t *value);
bool guest_port_write(struct guest *g, uint16_t port, unsigned size,
                      uint32_t value);

#endif
