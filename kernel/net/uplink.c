/* See uplink.h. */
#include "kernel/net/uplink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/platform.h"

static struct uplink *uplinks;

static const char *const kind_names[] = {
    [NET_BRIDGE] = "bridge", [NET_TAP] = "tap", [NET_SOCKET] = "socket",
};

struct uplink *uplink_next(const struct uplink *u)
{
    return u ? u->next : uplinks;
}

static struct nic *find_nic(const struct net_option *o)
{
    struct nic *nic;

    if (!o->has_mac && !*o->pci)
        return platform_nic(o->nic_index < 0 ? 0 : o->nic_index);
    for (unsigned i = 0; (nic = platform_nic(i)); i++)
        if (o->has_mac ? !memcmp(nic->mac, o->mac, 6)
                       : !strcmp(nic->slot, o->pci))
            return nic;
    return NULL;
}

/*
 * Two options name the same wire if they say the same; the same NIC, whichever
 * words they choose it by. A TAP device without a name is always a new one.
 */
static void make_key(const struct net_option *o, char *key, size_t size)
{
    const struct nic *nic = o->kind == NET_BRIDGE ? find_nic(o) : NULL;

    key[0] = '\0';
    if (nic)
        snprintf(key, size, "bridge %s", nic->label);
    else if (o->kind != NET_BRIDGE && *o->params)
        snprintf(key, size, "%s %s", kind_names[o->kind], o->params);
}

struct uplink *uplink_find(const struct net_option *o)
{
    char key[sizeof uplinks->key];

    make_key(o, key, sizeof key);
    for (struct uplink *u = uplinks; u && *key; u = u->next)
        if (!strcmp(u->key, key))
            return u;
    return NULL;
}

static int open_nic(const struct net_option *o, struct nic **nic, char *why,
                    size_t size)
{
    char reason[128] = "";
    int r;

    if (o->kind == NET_BRIDGE) {
        *nic = find_nic(o);
        snprintf(why, size, "-net bridge: no physical NIC with a driver%s",
                 o->nic_index > 0 ? " of that number"
                 : o->has_mac ? " has that mac="
                 : *o->pci ? " is at that pci=" : "");
        return *nic ? 0 : -ENODEV;
    }
    r = platform_wire_open(kind_names[o->kind], o->params, nic, reason,
                           sizeof reason);
    snprintf(why, size, "-net %s: %s", kind_names[o->kind], reason);
    /* -ENODEV would mean a NIC that may be missing. */
    return r == -ENODEV ? -EIO : r;
}

int uplink_open(const struct net_option *o, struct vlan *v, char *why,
                size_t why_size)
{
    struct nic *nic;
    struct uplink *u;
    int r = open_nic(o, &nic, why, why_size);

    if (r)
        return r;
    snprintf(why, why_size, "%s: out of memory", nic->label);
    u = calloc(1, sizeof *u);
    if (!u)
        return -ENOMEM;
    make_key(o, u->key, sizeof u->key);
    r = port_add_nic(&u->port, v, nic);
    if (r) {
        if (r == -ENOSPC)
            snprintf(why, why_size, "%s: the bridge has no port left (%u)",
                     nic->label, BRIDGEIF_MAX_PORTS);
        free(u);
        return r;
    }
    u->vlan = v;
    u->next = uplinks;
    uplinks = u;
    vlan_set_hwaddr(v, nic->mac);
    r = nic->ops->open(nic);
    snprintf(why, why_size, "%s: cannot start it: %s", nic->label,
             strerror(-r));
    return r == -ENODEV ? -EIO : r;
}

void uplink_close(const struct vlan *v)
{
    struct uplink **at = &uplinks;

    while (*at) {
        struct uplink *u = *at;

        if (u->vlan != v) {
            at = &u->next;
            continue;
        }
        *at = u->next;
        port_remove(&u->port);
        free(u);
    }
}
