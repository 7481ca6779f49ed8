/*
 * One lwIP bridge: qemu's "vlan N", a hub of guests' NICs and cables. What
 * hangs on a physical NIC shares one, whichever machine it belongs to.
 */
#ifndef KERNEL_NET_VLAN_H
#define KERNEL_NET_VLAN_H

#include <stdint.h>

#include "kernel/net/fdb.h"
#include "lwip/netif.h"

struct port;

struct vlan {
    struct netif bridge;
    struct fdb *fdb;
    netif_linkoutput_fn send;   /* bridgeif's, for the host's own frames */
    unsigned port_count;        /* ever: lwIP's bridges forget none */
    struct port *guests;        /* guests' ports, by next_guest */
    unsigned nic_count;         /* physical ports that have their NIC */
    unsigned users;             /* machines' VLANs that are this bridge */
};

/*
 * An empty bridge without an address. `number` tells its own MAC from those
 * of other bridges until a NIC lends its address. 0 or -ENOMEM.
 */
int vlan_init(struct vlan *v, unsigned number);
void vlan_fini(struct vlan *v);
/*
 * Its ports go, which lwIP's bridges do not forget: the host sends nothing
 * there any more, as it would where it ends its connections or gives a lease
 * back.
 */
void vlan_silence(struct vlan *v);
/* The host's own address on this bridge is that of its physical NIC. */
void vlan_set_hwaddr(struct vlan *v, const uint8_t mac[6]);

#endif
