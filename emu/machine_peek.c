/* See machine_peek.h. */
#include "emu/machine_peek.h"

#include <errno.h>
#include <string.h>

#include "emu/cpu/peek.h"
#include "emu/machine_internal.h"

#define PAGE 4096u

int machine_peek(struct machine *m, uint64_t addr, bool is_physical, void *buf,
                 size_t len)
{
    uint8_t *out = buf;

    while (len) {
        size_t n = PAGE - (addr & (PAGE - 1));
        uint64_t phys = addr;
        const uint8_t *p;

        if (n > len)
            n = len;
        if (!is_physical && !cpu_peek_translate(&m->cpu, addr, &phys))
            return -EFAULT;
        p = cpu_peek_memory(&m->cpu, phys, false);
        if (!p)
            return -EFAULT;
        memcpy(out, p, n);
        addr += n;
        out += n;
        len -= n;
    }
    return 0;
}

uint32_t machine_port_read(struct machine *m, uint16_t port, unsigned size)
{
    uint32_t v = machine_io_read(m, port, size);

    return size == 4 ? v : v & ((1u << 8 * size) - 1);
}

void machine_port_write(struct machine *m, uint16_t port, unsigned size,
                        uint32_t value)
{
    machine_io_write(m, port, size, value);
}
