/* See nic_identity.h. */
#include "drivers/net/nic_identity.h"

#include <stdio.h>
#include <string.h>

void nic_identify(struct nic *nic, const struct nic_ops *ops, void *driver,
                  const struct bus_info *info, const char *kind)
{
    nic->ops = ops;
    nic->driver = driver;
    nic->poll_fd = -1;
    snprintf(nic->label, sizeof nic->label, "%s %04x:%04x at %.8s", kind,
             info->vendor, info->device, info->slot);
}

void nic_label_add(struct nic *nic, const char *what)
{
    size_t n = strlen(nic->label);

    snprintf(nic->label + n, sizeof nic->label - n, "%s", what);
}

bool nic_mac_is_usable(const uint8_t mac[6])
{
    uint8_t any = 0;

    for (unsigned i = 0; i < 6; i++)
        any |= mac[i];
    return any && !(mac[0] & 1);
}

bool nic_mac_from(uint32_t low, uint32_t high, uint8_t mac[6])
{
    mac[0] = low, mac[1] = low >> 8, mac[2] = low >> 16, mac[3] = low >> 24;
    mac[4] = high, mac[5] = high >> 8;
    return nic_mac_is_usable(mac);
}
