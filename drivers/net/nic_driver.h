/*
 * What a NIC driver gives to be bound: the functions it drives and how to make
 * a struct nic of one. Listed in kernel/metal/devices.c.
 */
#ifndef DRIVERS_NET_NIC_DRIVER_H
#define DRIVERS_NET_NIC_DRIVER_H

#include "drivers/bus.h"
#include "drivers/net/nic.h"

struct nic_id {
    uint16_t vendor, device;
};

struct nic_driver {
    const char *name;           /* "e1000" */
    const struct nic_id *ids;
    size_t id_count;
    /*
     * Make a NIC: allocate, read the MAC, fill label, ops, poll_fd = -1. Does
     * not start it (nic_ops.open does). `bus` and `info` outlive the NIC; bus
     * mastering and memory decoding are on already. 0 and *out, or -errno
     * (-ENOMEM, -EIO: the chip does not answer as it should, -ENOTSUP).
     */
    int (*create)(const struct bus *bus, const struct bus_info *info,
                  struct nic **out);
    /* What a card is that create answers with -ENOTSUP; else NULL. */
    const char *unsupported;
};

#endif
