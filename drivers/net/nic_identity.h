/* What every driver tells of its NIC when it makes one: operations, label, MAC. */
#ifndef DRIVERS_NET_NIC_IDENTITY_H
#define DRIVERS_NET_NIC_IDENTITY_H

#include "drivers/bus.h"
#include "drivers/net/nic.h"

/* Fill in `nic` (zeroed); `kind` is what the label calls it, `driver` is the
 * driver's own. */
void nic_identify(struct nic *nic, const struct nic_ops *ops, void *driver,
                  const struct bus_info *info, const char *kind);

/* More that its label says; cut if there is no room. */
void nic_label_add(struct nic *nic, const char *what);

/* A station's address, and not the one that an empty memory has. */
bool nic_mac_is_usable(const uint8_t mac[6]);
/* From two registers, the first byte the lowest; false: it is not usable. */
bool nic_mac_from(uint32_t low, uint32_t high, uint8_t mac[6]);

#endif
