/* See uplink.h. */
#include "kernel/net/uplink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/net_impl.h"
#include "kernel/net/tunnel.h"
#include "kernel/net/user/user_net.h"
#include "kernel/platform.h"

static struct uplink *uplinks;

struct uplink *uplink_next(const struct uplink *u)
{
    struct uplink *next = u ? u->next : uplinks;

    while (next && !next->port.nic)     /* an empty port */
        next = next->next;
    return next;
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

static int open_bridge(const struct net_option *o, const struct net *net,
                       struct nic **nic, char *why, size_t size)
{
    *nic = find_nic(o);
    snprintf(why, size, "no physical NIC with a driver%s",
             o->nic_index > 0 ? " of that number"
             : o->has_mac ? " has that mac=" : *o->pci ? " is at that pci="
             : "");
    return *nic ? 0 : -ENODEV;
}

static int open_tap(const struct net_option *o, const struct net *net,
                    struct nic **nic, char *why, size_t size)
{
    return platform_tap_open(o->params, nic, why, size);
}

static int open_socket(const struct net_option *o, const struct net *net,
                       struct nic **nic, char *why, size_t size)
{
    return tunnel_create(o->params, nic, why, size);
}

static int open_user(const struct net_option *o, const struct net *net,
                     struct nic **nic, char *why, size_t size)
{
    const struct user_site site = { .machine = net->machine, .net = net };

    return user_net_create(o->params, &site, nic, why, size);
}

/*
 * How what hangs on a bridge is made, by kind: all but a guest's NIC. `open`
 * makes a struct nic that is not started yet, for the machine of `net`; 0, or
 * negative errno and in `why` the reason.
 */
static const struct opener {
    const char *word;
    int (*open)(const struct net_option *o, const struct net *net,
                struct nic **nic, char *why, size_t size);
    /* Two options that say the same name one thing, which they share. */
    bool is_shared;
} openers[] = {
    [NET_BRIDGE] = { "bridge", open_bridge, true },
    [NET_TAP] = { "tap", open_tap, true },
    [NET_SOCKET] = { "socket", open_socket, true },
    [NET_USER] = { "user", open_user, false },
};

/*
 * Two options name the same wire if they say the same; the same NIC, whichever
 * words they choose it by. A TAP device without a name is always a new one.
 */
static void make_key(const struct net_option *o, char *key, size_t size)
{
    const struct opener *by = &openers[o->kind];
    const struct nic *nic = o->kind == NET_BRIDGE ? find_nic(o) : NULL;

    key[0] = '\0';
    if (nic)
        snprintf(key, size, "bridge %s", nic->label);
    else if (o->kind != NET_BRIDGE && by->is_shared && *o->params)
        snprintf(key, size, "%s %s", by->word, o->params);
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

static int make_nic(const struct net_option *o, const struct net *net,
                    struct nic **nic, char *why, size_t size)
{
    const struct opener *by = &openers[o->kind];
    char reason[160] = "";
    int r = by->open(o, net, nic, reason, sizeof reason);

    snprintf(why, size, "%s %s: %s", o->option, by->word, reason);
    /* -ENODEV means a physical NIC that may be missing. */
    return r == -ENODEV && o->kind != NET_BRIDGE ? -EIO : r;
}

static bool has_nic(const struct vlan *v)
{
    for (const struct uplink *u = uplinks; u; u = u->next)
        if (u->vlan == v && u->port.nic)
            return true;
    return false;
}

/* An empty port of bridge `v`, else a new one: with `nic` in it. NULL: `why`. */
static struct uplink *plug_in(struct vlan *v, struct nic *nic, char *why,
                              size_t size)
{
    struct uplink *u = uplinks;
    int r;

    while (u && (u->vlan != v || u->port.nic))
        u = u->next;
    if (u) {
        port_attach_nic(&u->port, nic);
        return u;
    }
    u = calloc(1, sizeof *u);
    r = u ? port_add_nic(&u->port, v, nic) : -ENOMEM;
    if (r == -ENOSPC)
        snprintf(why, size, "%s: the bridge has no port left (%u)",
                 nic->label, BRIDGEIF_MAX_PORTS);
    else if (r)
        snprintf(why, size, "%s: out of memory", nic->label);
    if (r) {
        free(u);
        return NULL;
    }
    u->vlan = v;
    u->next = uplinks;
    return uplinks = u;
}

int uplink_open(const struct net_option *o, const struct net *net,
                struct vlan *v, struct uplink **out, char *why,
                size_t why_size)
{
    struct nic *nic;
    struct uplink *u;
    bool lends;
    int r = make_nic(o, net, &nic, why, why_size);

    if (r)
        return r;
    /* A software port's address is made up: a real one goes before it. */
    lends = o->kind == NET_BRIDGE || !has_nic(v);
    u = plug_in(v, nic, why, why_size);
    if (!u) {
        if (nic->ops->destroy) {
            nic->ops->close(nic);
            nic->ops->destroy(nic);
        }
        return -ENOSPC;
    }
    make_key(o, u->key, sizeof u->key);
    u->users = 0;
    r = nic->ops->open(nic);
    if (!r) {
        if (lends)
            vlan_set_hwaddr(v, nic->mac);
        *out = u;
        return 0;
    }
    snprintf(why, why_size, "%s: cannot start it: %s", nic->label,
             strerror(-r));
    uplink_shut(u);
    return r == -ENODEV ? -EIO : r;
}

void uplink_shut(struct uplink *u)
{
    port_detach_nic(&u->port);
    u->key[0] = '\0';
}

/* A user net that goes may close another bridge: begin again after each. */
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
        at = &uplinks;
    }
}
