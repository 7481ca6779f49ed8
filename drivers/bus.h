/*
 * How a physical device's driver reaches its chip. The bare machine fills this
 * in over a PCI function or an I/O port range; a test fills it in over a
 * register model. Everything belongs to the I/O core unless said otherwise.
 */
#ifndef DRIVERS_BUS_H
#define DRIVERS_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bus {
    void *ctx;
    /*
     * Registers of a window: the port range, or the first memory BAR (else the
     * first I/O BAR) of a PCI function. `reg` is a byte offset, naturally
     * aligned. Any core, interrupt handlers too. A
     * register outside the window reads all ones; writes there do nothing.
     */
    uint8_t (*read8)(void *ctx, uint32_t reg);
    void (*write8)(void *ctx, uint32_t reg, uint8_t value);
    uint16_t (*read16)(void *ctx, uint32_t reg);
    void (*write16)(void *ctx, uint32_t reg, uint16_t value);
    uint32_t (*read32)(void *ctx, uint32_t reg);
    void (*write32)(void *ctx, uint32_t reg, uint32_t value);
    /*
     * Zeroed, page-aligned, physically contiguous memory below `max_address`,
     * its bus address in *phys. NULL: none left. Never freed.
     */
    void *(*dma_alloc)(void *ctx, size_t bytes, uint64_t max_address,
                       uint64_t *phys);
    /* Busy-wait at least `us` microseconds (resets, at most a few ms). */
    void (*delay_us)(void *ctx, unsigned us);
    /* Nanoseconds since an arbitrary start: what takes longer than delay_us may
     * is timed by this. */
    uint64_t (*now_ns)(void *ctx);
    /*
     * Let the device's interrupt end the platform's sleep once. Call before
     * the chip's interrupt is enabled; level-triggered lines are masked again
     * by the interrupt itself. NULL: the device has no usable interrupt.
     */
    void (*arm_irq)(void *ctx);
    /* As if that interrupt had come: the sleep that is about to begin, or the
     * one that goes on, ends at once. May be NULL as arm_irq may. */
    void (*wake)(void *ctx);
    /* A PCI function only, else 0: bytes of the window. */
    uint32_t size;
    /*
     * A PCI function only, else NULL. The bus whose registers are those of BAR
     * `bar` and which shares all the rest; it lives as long as this one. NULL:
     * there is no such BAR, or it cannot be reached.
     */
    const struct bus *(*window)(void *ctx, unsigned bar);
    /*
     * A PCI function only: the bus whose registers are the `count` I/O ports at
     * `port`, for functions that decode ports which no BAR names; shares all
     * the rest, and lives as long. NULL: there are too many such.
     */
    const struct bus *(*ports)(void *ctx, uint16_t port, unsigned count);
    /* A PCI function only: configuration space, `reg` below 256, a multiple of
     * 4. */
    uint32_t (*config_read32)(void *ctx, unsigned reg);
    void (*config_write32)(void *ctx, unsigned reg, uint32_t value);
    /*
     * A PCI function only: whether it may master the bus. False: it is not as
     * asked. Turned off, no DMA of its is under way any more; of one that is
     * gone, neither.
     */
    bool (*set_master)(void *ctx, bool on);
};

static inline uint8_t bus_read8(const struct bus *bus, uint32_t reg)
{
    return bus->read8(bus->ctx, reg);
}

static inline void bus_write8(const struct bus *bus, uint32_t reg, uint8_t v)
{
    bus->write8(bus->ctx, reg, v);
}

static inline uint16_t bus_read16(const struct bus *bus, uint32_t reg)
{
    return bus->read16(bus->ctx, reg);
}

static inline void bus_write16(const struct bus *bus, uint32_t reg, uint16_t v)
{
    bus->write16(bus->ctx, reg, v);
}

static inline uint32_t bus_read32(const struct bus *bus, uint32_t reg)
{
    return bus->read32(bus->ctx, reg);
}

static inline void bus_write32(const struct bus *bus, uint32_t reg, uint32_t v)
{
    bus->write32(bus->ctx, reg, v);
}

static inline void bus_delay(const struct bus *bus, unsigned us)
{
    bus->delay_us(bus->ctx, us);
}

static inline uint64_t bus_now(const struct bus *bus)
{
    return bus->now_ns(bus->ctx);
}

static inline uint8_t bus_config_read8(const struct bus *bus, unsigned reg)
{
    return (uint8_t)(bus->config_read32(bus->ctx, reg & ~3u) >> (reg & 3) * 8);
}

static inline uint16_t bus_config_read16(const struct bus *bus, unsigned reg)
{
    return (uint16_t)(bus->config_read32(bus->ctx, reg & ~3u) >>
                      (reg & 2) * 8);
}

/* Which PCI function a driver was given. */
struct bus_info {
    uint16_t vendor, device;
    uint16_t subsystem_vendor, subsystem_device;
    uint8_t revision;
    char slot[16];              /* "00:03.0" */
    uint32_t class_code;        /* class, subclass, interface: 24 bits */
};

#endif
