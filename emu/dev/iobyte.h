/*
 * Wide port access to a device with an 8-bit ISA interface: the bus turns it
 * into byte cycles at consecutive ports, lowest first.
 */
#ifndef EMU_DEV_IOBYTE_H
#define EMU_DEV_IOBYTE_H

#include "emu/dev/device.h"

static inline uint32_t io_read_bytes(struct device *dev, uint16_t port,
                                     unsigned size,
                                     uint8_t (*read)(struct device *, uint16_t))
{
    uint32_t value = 0;

    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)read(dev, (uint16_t)(port + i)) << (8 * i);
    return value;
}

static inline void io_write_bytes(struct device *dev, uint16_t port,
                                  unsigned size, uint32_t value,
                                  void (*write)(struct device *, uint16_t,
                                                uint8_t))
{
    for (unsigned i = 0; i < size; i++)
        write(dev, (uint16_t)(port + i), (uint8_t)(value >> (8 * i)));
}

#endif
