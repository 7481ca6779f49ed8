/*
 * Physical ports: the NICs, wires and software ports that -net bridge, tap,
 * socket and user name. Each is opened once and lies on one bridge, which all
 * machines that name it share. I/O core only.
 */
#ifndef KERNEL_NET_UPLINK_H
#define KERNEL_NET_UPLINK_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/net/port.h"
#include "kernel/net/vlan.h"
#include "kernel/options.h"

struct net;

struct uplink {
    struct port port;
    struct vlan *vlan;
    char key[OPTIONS_NET_PARAMS + 16];  /* what names it, "" if nothing can */
    unsigned users;             /* cables of machines that are it */
    struct uplink *next;
};

/* The open uplink that `o` names, or NULL. */
struct uplink *uplink_find(const struct net_option *o);

/*
 * Open what `o`, an option of the machine of `net`, names and plug it into
 * `v`; it has no users yet. 0 or negative errno with a sentence in `why`;
 * -ENODEV: there is no such physical NIC.
 */
int uplink_open(const struct net_option *o, const struct net *net,
                struct vlan *v, struct uplink **out, char *why,
                size_t why_size);

/* Close it; its port stays on the bridge for another (port.h). */
void uplink_shut(struct uplink *u);
/* Close all on bridge `v`, which ends. */
void uplink_close(const struct vlan *v);

/* All that are open: `u` starts at NULL. */
struct uplink *uplink_next(const struct uplink *u);

#endif
