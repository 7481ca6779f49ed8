/*
 * The shape of an emulated device, and the services that its machine gives it.
 *
 * A device is a struct of its own (no globals: two machines live in one
 * process) which embeds `struct device` as its first member. It reaches the
 * rest of its machine only through the functions below. Unit tests link one
 * device against tests/unit/fake_machine.c, which records these calls.
 *
 * All of this runs on the guest's core; no locks.
 */
#ifndef EMU_DEV_DEVICE_H
#define EMU_DEV_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;
struct device;
struct state;

struct device_ops {
    const char *name;
    /* Power-on and system reset; must leave no timer armed by accident. */
    void (*reset)(struct device *dev);
    /*
     * Port access. `port` is the absolute port, `size` 1, 2 or 4 bytes. Wider
     * than the device decodes: the device splits or ignores as the hardware
     * does. Upper bits of a read result beyond `size` are ignored.
     */
    uint32_t (*io_read)(struct device *dev, uint16_t port, unsigned size);
    void (*io_write)(struct device *dev, uint16_t port, unsigned size,
                     uint32_t value);
    /*
     * String port I/O (REP INS/OUTS) moved as a block; NULL: the machine loops
     * over io_read/io_write. Returns the elements done (1..count).
     */
    unsigned (*io_read_block)(struct device *dev, uint16_t port, unsigned size,
                              void *buf, unsigned count);
    unsigned (*io_write_block)(struct device *dev, uint16_t port,
                               unsigned size, const void *buf, unsigned count);
    /* Memory-mapped access, `addr` guest-physical, `size` 1, 2, 4 or 8. */
    uint64_t (*mmio_read)(struct device *dev, uint64_t addr, unsigned size);
    void (*mmio_write)(struct device *dev, uint64_t addr, unsigned size,
                       uint64_t value);
    /*
     * A snapshot's section of this device: name its fields (emu/state.h). A
     * checker gives a copy of the device's struct, of `state_size` bytes, to
     * be filled: nothing else may change, and pointers in it are the device's.
     * NULL: it has no state.
     */
    void (*state)(struct device *dev, struct state *s);
    uint32_t state_version;
    size_t state_size;
    /*
     * All devices have been loaded: bring what follows from the fields, such
     * as mappings, into line; drive no wire. NULL: nothing does.
     */
    void (*loaded)(struct device *dev);
};

struct device {
    const struct device_ops *ops;
    struct machine *machine;
};

/* A wire from a device's interrupt output to a controller's input. */
struct irq_line {
    void (*set)(void *ctx, unsigned n, bool level);
    void *ctx;
    unsigned n;
};

static inline void irq_set(const struct irq_line *line, bool level)
{
    if (line->set)
        line->set(line->ctx, line->n, level);
}

/* ---- Address ranges --------------------------------------------------- */

/*
 * Route ports [base, base+count) to `dev`; a later call wins, so that a
 * device may be mapped over a default. Unmapped ports read all ones.
 */
void machine_io_map(struct machine *m, uint16_t base, unsigned count,
                    struct device *dev);
void machine_io_unmap(struct machine *m, uint16_t base, unsigned count,
                      struct device *dev);
/* Route guest-physical [base, base+size) to `dev`; page-aligned both. */
void machine_mmio_map(struct machine *m, uint64_t base, uint64_t size,
                      struct device *dev);
void machine_mmio_unmap(struct machine *m, uint64_t base, uint64_t size,
                        struct device *dev);

/* ---- Virtual time ------------------------------------------------------ */

/* Nanoseconds of virtual time since the machine was made. */
uint64_t machine_now(struct machine *m);

/* Timers have fixed ids, so that their state can be saved. */
enum timer_id {
    TIMER_PIT0,
    TIMER_PIT2,
    TIMER_RTC_PERIODIC,
    TIMER_RTC_UPDATE,
    TIMER_PM,
    TIMER_UART0,
    TIMER_UART1,
    TIMER_UART2,
    TIMER_UART3,
    TIMER_KBD,
    TIMER_NE2000_0,
    TIMER_NE2000_1,
    TIMER_NE2000_2,
    TIMER_NE2000_3,
    TIMER_LAPIC,
    TIMER_I6300ESB,
    TIMER_IB700,
    TIMER_COUNT
};

/* Say who is called, once, when the device is made. */
void machine_timer_register(struct machine *m, enum timer_id id,
                            void (*fire)(void *ctx), void *ctx);
/* Fire at virtual time `when_ns` (replaces an earlier setting). */
void machine_timer_arm(struct machine *m, enum timer_id id, uint64_t when_ns);
void machine_timer_cancel(struct machine *m, enum timer_id id);

/*
 * A tick was raised and the next is due: as long as `watch`, call the timer's
 * function after each interrupt that the CPU takes, too. It may be called for
 * nothing, and may raise an interrupt. Off after loading.
 */
void machine_timer_watch(struct machine *m, enum timer_id id, bool watch);

/* What became of ISA interrupt n's last edge. */
enum irq_state {
    IRQ_TAKEN,                  /* nothing waits: another edge would be seen */
    IRQ_WAITS,                  /* another edge would be lost in this one */
    IRQ_MASKED                  /* nobody wants to know */
};
enum irq_state machine_irq_state(struct machine *m, unsigned n);

/* ---- Memory, log, requests -------------------------------------------- */

/*
 * Device DMA to guest-physical memory, bounds-checked; translated or decoded
 * code there is invalidated. 0, or -EFAULT if any byte is not RAM (bytes
 * before it may have been moved, as on a real bus; reads give all ones there).
 */
int machine_dma_read(struct machine *m, uint64_t addr, void *buf, size_t len);
int machine_dma_write(struct machine *m, uint64_t addr, const void *buf,
                      size_t len);

/* A rate-limited line about this guest in the host's log. */
void machine_log(struct machine *m, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Count something the guest or the wire did that was refused, under a name
 * (a string constant, compared by content, "device: what").
 */
void machine_count(struct machine *m, const char *name);
/* The same of `n` of them. */
void machine_count_many(struct machine *m, const char *name, uint64_t n);

/* The A20 gate: false masks address bit 20 of every CPU access. */
void machine_set_a20(struct machine *m, bool enabled);

enum machine_request {
    MACHINE_REQ_RESET,
    MACHINE_REQ_POWEROFF,
    MACHINE_REQ_INIT,           /* of the CPU alone */
    MACHINE_REQ_WATCHDOG,       /* its watchdog expired (machine_watchdog.h) */
    MACHINE_REQ_PANIC,          /* the guest says that it panicked, */
    MACHINE_REQ_CRASH_LOADED,   /* or that it did and boots to look why */
    MACHINE_REQ_COUNT
};

/* Ask for one of these; takes effect before the next instruction. */
void machine_request(struct machine *m, enum machine_request what);

#endif
