/* struct net, for net.c (its life) and net_info.c (its text). */
#ifndef KERNEL_NET_NET_IMPL_H
#define KERNEL_NET_NET_IMPL_H

#include "kernel/net/net.h"
#include "kernel/net/port.h"
#include "kernel/net/uplink.h"
#include "kernel/net/vlan.h"

/* A VLAN number of the machine's options and the bridge that it is. */
struct net_vlan {
    unsigned number;
    struct vlan *vlan;
};

/*
 * What is at a cable's other end, by its name. A missing NIC's, and one that
 * netdev_del took away, has no uplink.
 */
struct net_cable {
    char id[OPTIONS_ID_MAX + 1];
    unsigned vlan;              /* its number */
    struct uplink *uplink;
    bool has_ip;                /* Trestle's own address is for its LAN */
};

struct net {
    const char *machine;        /* its name */
    unsigned index;             /* of the machine, from 0 */
    struct net_vlan vlans[OPTIONS_NETS];
    unsigned vlan_count;
    struct port ports[MACHINE_NICS];    /* the guest's NICs */
    const struct net_option *option[MACHINE_NICS];
    unsigned port_count;
    struct net_cable cables[OPTIONS_NETS];
    unsigned cable_count;
    unsigned options_cables;    /* of them from the options */
    unsigned announcements;     /* that are still to be sent */
    struct net *next;           /* of all machines' */
};

/* The machine's bridge of that number, or NULL. */
struct vlan *net_vlan_of(const struct net *net, unsigned number);

/*
 * The cable `c` of `net` becomes what `o` names, which is on bridge `v` from
 * now on. As uplink_open; -EBUSY: it is in use.
 */
int net_connect(struct net *net, struct net_cable *c,
                const struct net_option *o, struct vlan *v, char *why,
                size_t why_size);
/* net_control.c: a port by name: a NIC's id, "eth0", a cable's id; or NULL. */
struct port *net_find_port(struct net *net, const char *name);
/*
 * The uplink of the physical NIC that `o` names, kept open with its bridge
 * (which is its own, if no machine has one there) until net_close_nic. As
 * uplink_open.
 */
int net_open_nic(const struct net *net, const struct net_option *o,
                 struct uplink **out, char *why, size_t size);
void net_close_nic(struct uplink *u);
/* One user of the bridge less; the last one ends it. */
void net_release_vlan(struct vlan *v);
/* net_control.c: no more announcements. */
void net_announce_stop(struct net *net);

/* The first machine's, for walking along `next`. */
const struct net *net_all(void);

#endif
