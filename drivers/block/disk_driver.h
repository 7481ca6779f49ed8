/*
 * What a driver of a disk controller gives to be bound: the PCI functions that
 * it drives and how to make disks of one. Listed in
 * kernel/metal/devices_disk.c.
 */
#ifndef DRIVERS_BLOCK_DISK_DRIVER_H
#define DRIVERS_BLOCK_DISK_DRIVER_H

#include "drivers/block/disk.h"
#include "drivers/bus.h"

/* By vendor and device, or, with vendor 0, by class code. */
struct disk_match {
    uint16_t vendor, device;
    uint32_t class_code;        /* class, subclass, interface: 24 bits */
    uint32_t class_mask;        /* of class_code, what is looked at */
};

/* Where disks go when they are found: the platform's. */
struct input;
struct disk_sink {
    /* `disk` can be opened from now on. Called from poll, or from within
     * create. */
    void (*add)(struct disk_sink *sink, struct disk *disk);
    /* Something that was found cannot be used: what, and why, for the log.
     * Called as `add` is. */
    void (*left_out)(struct disk_sink *sink, const char *what);
    /* Where keyboards and mice go, that USB has as well. */
    struct input *input;
    void *ctx;
};

/*
 * A controller that was bound: looks for disks, at the start and later. Lives
 * for ever.
 */
struct disk_controller {
    /* Called every millisecond or so until is_settled, then about every second.
     * NULL: no disk comes later. */
    void (*poll)(struct disk_controller *controller);
    /* Take what keyboards and mice at it say, in each round of the I/O loop.
     * When (bus_now's nanoseconds) it wants to be called again at the latest.
     * NULL: it never has any. */
    uint64_t (*poll_input)(struct disk_controller *controller);
    /* Of what is plugged in now each disk was added or given up. A driver may
     * take it back when something is plugged in. */
    bool is_settled;
    void *driver;               /* the driver's own */
};

struct disk_driver {
    const char *name;           /* "ahci" */
    const struct disk_match *match;
    size_t match_count;
    /*
     * Start with the controller: reset it, and look for disks as far as that
     * goes without waiting. `bus`, `info` and `sink` outlive it; bus mastering
     * and decoding are on already. The bus may have no window of its own (all
     * registers read ones) where the function has no BAR. 0 and *out, or -errno
     * (-ENOMEM; -EIO: the chip does not answer as it should; -ENOTSUP).
     * NULL: nobody drives it, and `unsupported` says why.
     */
    int (*create)(const struct bus *bus, const struct bus_info *info,
                  struct disk_sink *sink, struct disk_controller **out);
    /* What a controller is that create answers with -ENOTSUP, and what can be
     * done about it; else NULL. */
    const char *unsupported;
};

#endif
