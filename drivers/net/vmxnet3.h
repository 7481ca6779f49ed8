/* VMware's vmxnet3, revision 1, with one queue each way and no offloads. */
#ifndef DRIVERS_NET_VMXNET3_H
#define DRIVERS_NET_VMXNET3_H

#include "drivers/net/nic_driver.h"

extern const struct nic_driver vmxnet3_driver;

#endif
