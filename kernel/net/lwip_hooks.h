/* What lwIP calls on a packet's way: see LWIP_HOOK_FILENAME in lwipopts.h. */
#ifndef KERNEL_NET_LWIP_HOOKS_H
#define KERNEL_NET_LWIP_HOOKS_H

#include <stdint.h>

struct netif;
struct pbuf;

/*
 * An IPv4 packet for the host, before lwIP looks at more than its version.
 * Not 0: it is dealt with, and `p` freed. kernel/net/host_ip.c.
 */
int host_ip_input(struct pbuf *p, struct netif *netif);
/* What the address translator takes of that; not 0: it did, `p` included. */
int nat_outside_input(struct pbuf *p, struct netif *netif);

/* The first sequence number of a connection; kernel/net/random.c. */
uint32_t net_tcp_isn(uint32_t local, uint16_t local_port, uint32_t remote,
                     uint16_t remote_port);

#endif
