/* What the monitor does to a running network: see net.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/textbuf.h"
#include "kernel/net/host_ip.h"
#include "kernel/net/net_impl.h"
#include "kernel/net/user/user_net.h"
#include "kernel/options_net.h"
#include "lwip/timeouts.h"

/* ---- set_link ------------------------------------------------------------ */

struct port *net_find_port(struct net *net, const char *name)
{
    char eth[16];

    for (unsigned i = 0; i < net->port_count; i++) {
        snprintf(eth, sizeof eth, "eth%u", i);
        if (!strcmp(name, net->option[i]->id) || !strcmp(name, eth))
            return &net->ports[i];
    }
    for (unsigned i = 0; i < net->cable_count; i++)
        if (!strcmp(name, net->cables[i].id) && net->cables[i].uplink)
            return &net->cables[i].uplink->port;
    return NULL;
}

bool net_set_link(struct net *net, const char *name, bool on)
{
    struct port *p = net_find_port(net, name);

    if (p)
        port_set_link(p, on);
    return p;
}

const char *net_name(const struct net *net, unsigned i)
{
    if (i < net->port_count)
        return net->option[i]->id;
    i -= net->port_count;
    return i < net->cable_count ? net->cables[i].id : NULL;
}

/* ---- netdev_add, netdev_del ---------------------------------------------- */

static struct net_cable *find_cable(struct net *net, const char *id)
{
    for (unsigned i = 0; i < net->cable_count; i++)
        if (!strcmp(net->cables[i].id, id))
            return &net->cables[i];
    return NULL;
}

bool net_is_netdev(const struct net *net, const char *name)
{
    for (unsigned i = 0; i < net->cable_count; i++)
        if (net->cables[i].uplink && !strcmp(net->cables[i].id, name))
            return true;
    return false;
}

/*
 * Where a new name goes: behind the others, or if there is no room where one
 * was that the monitor made and that is out of use. NULL: they are all in use.
 */
static struct net_cable *free_place(struct net *net)
{
    if (net->cable_count < OPTIONS_NETS)
        return &net->cables[net->cable_count];
    for (unsigned i = net->options_cables; i < net->cable_count; i++)
        if (!net->cables[i].uplink)
            return &net->cables[i];
    return NULL;
}

/* The cable that is to be `o`: one of that id without an end, or a new one. */
static struct net_cable *place_for(struct net *net,
                                   const struct net_option *o, bool has_vlan,
                                   char *why, size_t size)
{
    struct net_cable *c = find_cable(net, o->id);

    snprintf(why, size, "netdev_add: the id %s is in use", o->id);
    if (c ? !!c->uplink : !!net_find_port(net, o->id))
        return NULL;
    snprintf(why, size, "netdev_add: no NIC is at %s; name the vlan= that it "
             "joins", o->id);
    if (!c && !has_vlan)
        return NULL;
    snprintf(why, size, "netdev_add: %s has no VLAN %u", net->machine,
             o->vlan);
    if (has_vlan && !net_vlan_of(net, o->vlan))
        return NULL;
    snprintf(why, size, "netdev_add: at most %u names", OPTIONS_NETS);
    return c ? c : free_place(net);
}

static int add_parsed(struct net *net, const struct net_option *o,
                      bool has_vlan, char *why, size_t size)
{
    struct net_cable *place = place_for(net, o, has_vlan, why, size), c;
    const struct uplink *u = uplink_find(o);
    struct vlan *v;
    int r;

    if (!place)
        return -EINVAL;
    /* Nothing of an older name is changed unless all goes well. */
    c = (struct net_cable){ .vlan = has_vlan ? o->vlan : place->vlan };
    snprintf(c.id, sizeof c.id, "%s", o->id);
    v = net_vlan_of(net, c.vlan);
    snprintf(why, size, "netdev_add: %s is on another bridge",
             u ? u->port.name : "");
    if (u && u->vlan != v)
        return -EBUSY;
    r = net_connect(net, &c, o, v, why, size);
    if (r)
        return r;
    *place = c;
    net->cable_count += place == net->cables + net->cable_count;
    return 0;
}

int net_netdev_add(struct net *net, const char *value, char *why,
                   size_t why_size)
{
    struct options *o = malloc(sizeof *o);
    char reason[200];
    bool has_vlan;
    int r;

    snprintf(why, why_size, "netdev_add: out of memory");
    if (!o)
        return -ENOMEM;
    options_defaults(o);
    if (!options_parse_netdev_add(o, value, &has_vlan, reason,
                                  sizeof reason)) {
        snprintf(why, why_size, "netdev_add: %s", reason);
        r = -EINVAL;
    } else if (*o->net[0].ip) {
        snprintf(why, why_size, "netdev_add: ip= is for the start");
        r = -EINVAL;
    } else {
        r = add_parsed(net, &o->net[0], has_vlan, why, why_size);
    }
    free(o);
    return r;
}

/*
 * Would Trestle's own address be cut off without it? That is at the cable with
 * ip=; a user network's way out (via=) may be by any of its bridge.
 */
static bool carries_ip(const struct uplink *u)
{
    if (!host_ip_wanted(&u->vlan->bridge))
        return false;
    for (const struct net *n = net_all(); n; n = n->next)
        for (unsigned i = 0; i < n->cable_count; i++) {
            const struct net_cable *c = &n->cables[i];

            if (c->has_ip && c->uplink && c->uplink->vlan == u->vlan)
                return c->uplink == u;
        }
    return true;
}

int net_netdev_del(struct net *net, const char *id, char *why, size_t why_size)
{
    struct net_cable *c = find_cable(net, id);
    struct uplink *u = c ? c->uplink : NULL;

    snprintf(why, why_size, "netdev_del: there is no netdev '%.40s'", id);
    if (!u)
        return -ENOENT;
    snprintf(why, why_size, "netdev_del: Trestle's own address is at %s: for "
             "ip=, or a user network goes out there", id);
    if (carries_ip(u))
        return -EBUSY;
    c->uplink = NULL;
    if (!--u->users)
        uplink_shut(u);
    return 0;
}

/* ---- User-mode networks --------------------------------------------------- */

struct user_net *net_user(const struct net *net, const char *id)
{
    for (unsigned i = 0; i < net->cable_count; i++) {
        const struct net_cable *c = &net->cables[i];
        struct user_net *un = c->uplink ? user_net_of(c->uplink->port.nic)
                                        : NULL;

        if (un && (!id || !strcmp(c->id, id)))
            return un;
    }
    return NULL;
}

int net_format_users(const struct net *net, char *buf, size_t size)
{
    struct textbuf t = { buf, size, 0 };

    for (unsigned i = 0; i < net->cable_count; i++) {
        const struct user_net *un = net_user(net, net->cables[i].id);
        size_t room;
        char *at;

        if (!un)
            continue;
        text_add(&t, "%s:\n", net->cables[i].id);
        at = text_rest(&t, &room);
        t.wanted += user_net_format(un, at, room);
    }
    if (!t.wanted)
        text_add(&t, "no user-mode network\n");
    return t.wanted;
}

/* ---- announce_self ------------------------------------------------------- */

#define ANNOUNCEMENTS 5u        /* qemu's defaults: 50 ms later, then 150 ... */
#define ANNOUNCE_FIRST_MS 50u
#define ANNOUNCE_STEP_MS 100u

/* RFC 903: a reverse request about oneself, which nobody needs to answer. */
static void send_rarp(struct port *p)
{
    static const uint8_t head[] = {
        0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3
    };
    const uint8_t *mac = p->cable->port.mac;
    uint8_t frame[60] = { 0 };

    memset(frame, 0xff, 6);
    memcpy(frame + 6, mac, 6);
    memcpy(frame + 12, head, sizeof head);
    memcpy(frame + 22, mac, 6);         /* sender's hardware address */
    memcpy(frame + 32, mac, 6);         /* and target's */
    port_inject(p, frame, sizeof frame);
}

static void announce(void *ctx)
{
    struct net *net = ctx;
    unsigned done = ANNOUNCEMENTS - net->announcements;

    for (unsigned i = 0; i < net->port_count; i++)
        send_rarp(&net->ports[i]);
    if (--net->announcements)
        sys_timeout(ANNOUNCE_FIRST_MS + done * ANNOUNCE_STEP_MS, announce,
                    net);
}

void net_announce_stop(struct net *net)
{
    if (net->announcements)
        sys_untimeout(announce, net);
    net->announcements = 0;
}

void net_announce(struct net *net)
{
    net_announce_stop(net);
    net->announcements = ANNOUNCEMENTS;
    announce(net);
}
