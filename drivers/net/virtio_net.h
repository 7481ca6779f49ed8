/*
 * virtio network device: legacy and transitional (1af4:1000), modern
 * (1af4:1041). No offloads: frames are as they lie on a wire.
 */
#ifndef DRIVERS_NET_VIRTIO_NET_H
#define DRIVERS_NET_VIRTIO_NET_H

#include "drivers/net/nic_driver.h"

extern const struct nic_driver virtio_net_driver;

#endif
