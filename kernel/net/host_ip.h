/* The host's own IPv4 address on a bridge, only where -net bridge,ip= asks. */
#ifndef KERNEL_NET_HOST_IP_H
#define KERNEL_NET_HOST_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "lwip/netif.h"

/* `setting` is "dhcp" or "a.b.c.d/n" (checked by the options). 0 or -errno. */
int host_ip_start(struct netif *bridge, const char *setting);
/* A lease is given back, and connections by this address are reset. */
void host_ip_stop(struct netif *bridge);
bool host_ip_wanted(const struct netif *bridge);
/* Of a static address; host byte order. */
void host_ip_set_gateway(struct netif *bridge, uint32_t gateway);
/* The name servers of the DHCP lease, at most `max`; host byte order. */
unsigned host_ip_nameservers(const struct netif *bridge, uint32_t *out,
                             unsigned max);

#endif
