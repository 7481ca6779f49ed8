/* struct net, for net.c (its life) and net_info.c (its text). */
#ifndef KERNEL_NET_NET_IMPL_H
#define KERNEL_NET_NET_IMPL_H

#include "kernel/net/net.h"
#include "kernel/net/port.h"
#include "kernel/net/vlan.h"

/* A VLAN number of the machine's options and the bridge that it is. */
struct net_vlan {
    unsigned number;
    struct vlan *vlan;
};

struct net {
    const char *machine;        /* its name */
    unsigned index;             /* of the machine, from 0 */
    struct net_vlan vlans[OPTIONS_NETS];
    unsigned vlan_count;
    struct port ports[MACHINE_NICS];    /* the guest's NICs */
    const struct net_option *option[MACHINE_NICS];
    unsigned port_count;
    struct net *next;           /* of all machines' */
};

/* The first machine's, for walking along `next`. */
const struct net *net_all(void);

#endif
