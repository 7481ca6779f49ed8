/* The bridges that user-mode networks go out through: see nat_outside.h. */
#ifndef KERNEL_NET_USER_NAT_UPLINK_H
#define KERNEL_NET_USER_NAT_UPLINK_H

#include "kernel/net/nat/nat.h"
#include "kernel/net/user/config.h"
#include "kernel/net/vlan.h"

struct net;
struct uplink;

/* One bridge with an address of the host's, and the translator behind it. */
struct nat_uplink {
    struct vlan *vlan;
    unsigned holders;           /* users for whom the bridge is kept ... */
    struct uplink *nic;         /* ... with its NIC, unless this is NULL */
    bool has_address;           /* that of the bridge is ours to end */
    struct nat *nat;
    unsigned users;
    bool passes;                /* what lwIP is given now is the host's own */
    uint64_t lost;              /* packets that lwIP had no memory for */
    struct nat_outside outside; /* as the translator was told */
    struct nat_uplink *next;
};

/*
 * That of `config`: made, and its bridge with it, if there is none; it has one
 * user more. `own` is the bridge on which the user net lies: it outlives the
 * net, and so it is not kept for it (*holds). 0, or negative errno with a
 * sentence in `why`.
 */
int nat_uplink_get(const struct net *net, const struct user_config *config,
                   const struct vlan *own, struct nat_uplink **out,
                   bool *holds, char *why, size_t size);
void nat_uplink_put(struct nat_uplink *u, bool holds);
/* Tell the translator what the bridge's address is now. */
void nat_uplink_sync(struct nat_uplink *u);

#endif
