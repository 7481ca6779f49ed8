/* See bus.h. */
#include "emu/cpu/bus.h"

#include <string.h>

#include "emu/cpu/cpu.h"

/* The largest naturally aligned piece of [addr, addr+n), at most 8 bytes. */
static unsigned piece_size(uint64_t addr, unsigned n)
{
    unsigned size = 8;

    while (size > n || (addr & (size - 1)))
        size >>= 1;
    return size;
}

void bus_load(const struct cpu_bus *bus, uint64_t addr, void *buf, unsigned n)
{
    const uint8_t *p = bus->ram_page(bus->ctx, addr & ~0xfffull, false);
    uint8_t *out = buf;

    if (p) {
        memcpy(buf, p + (addr & 0xfff), n);
        return;
    }
    while (n) {
        unsigned size = piece_size(addr, n);
        uint64_t v = bus->mmio_read(bus->ctx, addr, size);

        memcpy(out, &v, size);
        out += size;
        addr += size;
        n -= size;
    }
}

void bus_store(const struct cpu_bus *bus, uint64_t addr, const void *buf,
               unsigned n)
{
    const uint8_t *in = buf;
    uint8_t *p = bus->ram_page(bus->ctx, addr & ~0xfffull, true);

    if (p) {
        memcpy(p + (addr & 0xfff), buf, n);
        return;
    }
    while (n) {
        unsigned size = piece_size(addr, n);
        uint64_t v = 0;

        memcpy(&v, in, size);
        bus->mmio_write(bus->ctx, addr, size, v);
        in += size;
        addr += size;
        n -= size;
    }
}
