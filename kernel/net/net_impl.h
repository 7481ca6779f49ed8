/* struct net, for net.c (its life) and net_info.c (its text). */
#ifndef KERNEL_NET_NET_IMPL_H
#define KERNEL_NET_NET_IMPL_H

#include "kernel/net/net.h"
#include "kernel/net/port.h"
#include "kernel/net/vlan.h"

struct net {
    struct vlan vlans[OPTIONS_NETS];
    unsigned vlan_count;
    struct port ports[OPTIONS_NETS];
    unsigned port_count;
    struct port *guest[MACHINE_NICS];
    const struct net_option *guest_option[MACHINE_NICS];
    unsigned guest_count;
};

#endif
