/*
 * How a physical device's driver reaches its chip. The bare machine fills this
 * in over a PCI function or an I/O port range; a test fills it in over a
 * register model. Everything belongs to the I/O core unless said otherwise.
 */
#ifndef DRIVERS_BUS_H
#define DRIVERS_BUS_H

#include <stddef.h>
#include <stdint.h>

struct bus {
    void *ctx;
    /*
     * Registers of the device's first window (BAR or port range). `reg` is a
     * byte offset, naturally aligned. Any core, interrupt handlers too. A
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
    /*
     * Let the device's interrupt end the platform's sleep once. Call before
     * the chip's interrupt is enabled; level-triggered lines are masked again
     * by the interrupt itself. NULL: the device has no usable interrupt.
     */
    void (*arm_irq)(void *ctx);
};

/* Which PCI function a driver was given. */
struct bus_info {
    uint16_t vendor, device;
    uint16_t subsystem_vendor, subsystem_device;
    uint8_t revision;
    char slot[16];              /* "00:03.0" */
};

#endif
