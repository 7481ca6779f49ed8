/* See nat_uplink.h: lwIP's side of the translator. */
#include "kernel/net/user/nat_uplink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/host_ip.h"
#include "kernel/net/lwip_hooks.h"
#include "kernel/net/net_impl.h"
#include "kernel/net/user/user_net.h"
#include "kernel/platform.h"
#include "lwip/ip.h"
#include "lwip/pbuf.h"

#define NS_PER_MS 1000000u
#define PACKET_MAX 1518u        /* what a frame holds */

static struct nat_uplink *uplinks;

/* ---- Packets --------------------------------------------------------------- */

/* lwIP's fragments it, where it is longer than the MTU, and finds the way. */
static void to_outside(void *ctx, uint8_t *ip, size_t len)
{
    struct nat_uplink *u = ctx;
    struct pbuf *p = pbuf_alloc(PBUF_LINK, len, PBUF_RAM);

    if (!p) {
        u->lost++;
        return;
    }
    pbuf_take(p, ip, len);
    if (ip4_output_if(p, NULL, LWIP_IP_HDRINCL, 0, 0, 0, &u->vlan->bridge) !=
        ERR_OK)
        u->lost++;
    pbuf_free(p);
}

/*
 * A guest on the bridge itself may say that it has the host's addresses: then
 * this comes in again at once, and would be translated as often as it lives.
 */
static void to_inside(void *ctx, void *owner, uint8_t *ip, size_t len)
{
    struct nat_uplink *u = ctx;

    u->passes = true;
    user_net_to_guest(owner, ip, len);
    u->passes = false;
}

static void to_host(void *ctx, uint8_t *ip, size_t len)
{
    struct nat_uplink *u = ctx;
    struct pbuf *p = pbuf_alloc(PBUF_RAW, len, PBUF_RAM);

    if (!p) {
        u->lost++;
        return;
    }
    pbuf_take(p, ip, len);
    u->passes = true;
    ip4_input(p, &u->vlan->bridge);
    u->passes = false;
}

static void icmp_error(void *ctx, void *owner, uint8_t type, uint8_t code,
                       uint32_t rest, const uint8_t *ip, size_t len)
{
    struct nat_uplink *u = ctx;

    u->passes = true;           /* as in to_inside */
    user_net_icmp_error(owner, type, code, rest, ip, len);
    u->passes = false;
}

static const struct nat_ops nat_ops = {
    to_outside, to_inside, to_host, icmp_error, net_random
};

/*
 * It is changed in a copy: the frame may be a broadcast one, which the bridge
 * also sends elsewhere.
 */
int nat_outside_input(struct pbuf *p, struct netif *netif)
{
    struct nat_uplink *u = uplinks;
    uint8_t ip[PACKET_MAX];

    while (u && &u->vlan->bridge != netif)
        u = u->next;
    if (!u || u->passes || p->tot_len > sizeof ip)
        return 0;
    nat_uplink_sync(u);
    pbuf_copy_partial(p, ip, p->tot_len, 0);
    if (!nat_inbound(u->nat, ip, p->tot_len, platform_now_ns() / NS_PER_MS))
        return 0;
    pbuf_free(p);
    return 1;
}

/* ---- The bridge's address --------------------------------------------------- */

void nat_uplink_sync(struct nat_uplink *u)
{
    const struct netif *n = &u->vlan->bridge;
    struct nat_outside now = {
        lwip_ntohl(ip4_addr_get_u32(netif_ip4_addr(n))),
        lwip_ntohl(ip4_addr_get_u32(netif_ip4_netmask(n))),
        lwip_ntohl(ip4_addr_get_u32(netif_ip4_gw(n))), n->mtu
    };

    if (!memcmp(&now, &u->outside, sizeof now))
        return;
    u->outside = now;
    nat_set_outside(u->nat, &now);
}

/* ---- Making ------------------------------------------------------------------ */

static int open_nic(const struct net *net, const struct user_config *c,
                    struct uplink **out, char *why, size_t size)
{
    struct net_option o = {
        .kind = NET_BRIDGE, .option = "its", .nic_index = c->nic_index,
        .has_mac = c->has_mac,
    };

    memcpy(o.mac, c->mac, sizeof o.mac);
    snprintf(o.pci, sizeof o.pci, "%s", c->pci);
    return net_open_nic(net, &o, out, why, size);
}

/* The bridge that `c` means; the NIC there, if it is told by that, is open. */
static int find_vlan(const struct net *net, const struct user_config *c,
                     struct uplink **nic, struct vlan **out, char *why,
                     size_t size)
{
    int r;

    *nic = NULL;
    if (!c->has_via) {
        r = open_nic(net, c, nic, why, size);
        if (!r)
            *out = (*nic)->vlan;
        return r;
    }
    *out = net_vlan_of(net, c->via);
    snprintf(why, size, "via=%u: %s has no VLAN of that number", c->via,
             net->machine);
    return *out ? 0 : -ENOENT;
}

/* Whose address it is already, it keeps. */
static int start_address(struct nat_uplink *u, struct vlan *v,
                         const struct user_config *c, char *why, size_t size)
{
    const char *setting = *c->ip ? c->ip : "dhcp";
    int r;

    if (host_ip_wanted(&v->bridge)) {
        snprintf(why, size, "ip=%s: that LAN has an ip= already", c->ip);
        return *c->ip ? -EEXIST : 0;
    }
    r = host_ip_start(&v->bridge, setting);
    u->has_address = !r;
    if (!r && c->gateway)
        host_ip_set_gateway(&v->bridge, c->gateway);
    snprintf(why, size, "ip=%s: out of memory", setting);
    return r;
}

static int make(struct vlan *v, const struct user_config *c, char *why,
                size_t size, struct nat_uplink **out)
{
    struct nat_uplink *u = calloc(1, sizeof *u);
    int r;

    snprintf(why, size, "out of memory");
    if (!u || !(u->nat = nat_create(&nat_ops, u, NAT_FLOWS))) {
        free(u);
        return -ENOMEM;
    }
    r = start_address(u, v, c, why, size);
    if (r) {
        nat_destroy(u->nat);
        free(u);
        return r;
    }
    u->vlan = v;
    u->next = uplinks;
    uplinks = u;
    *out = u;
    return 0;
}

/* An existing one, whose address is as it is; else a new one. */
static int find_or_make(struct vlan *v, const struct user_config *c,
                        struct nat_uplink **out, char *why, size_t size)
{
    struct nat_uplink *u = uplinks;

    while (u && u->vlan != v)
        u = u->next;
    if (!u)
        return make(v, c, why, size, out);
    *out = u;
    snprintf(why, size, "ip=%s: that LAN has an ip= already", c->ip);
    return *c->ip ? -EEXIST : 0;
}

/* A user that keeps the bridge: the first does, with `nic` (or NULL). */
static void hold(struct nat_uplink *u, struct uplink *nic)
{
    if (u->holders++) {
        if (nic)
            net_close_nic(nic);
        return;
    }
    u->nic = nic;
    if (!nic)
        u->vlan->users++;
}

/* The last of them lets it go, and what lies on it may go with it: `u`, too. */
static void release(struct nat_uplink *u)
{
    if (--u->holders)
        return;
    if (u->nic)
        net_close_nic(u->nic);
    else
        net_release_vlan(u->vlan);
}

int nat_uplink_get(const struct net *net, const struct user_config *config,
                   const struct vlan *own, struct nat_uplink **out,
                   bool *holds, char *why, size_t size)
{
    struct nat_uplink *u = NULL;
    struct uplink *nic;
    struct vlan *v;
    int r = find_vlan(net, config, &nic, &v, why, size);

    if (r)
        return r;
    r = find_or_make(v, config, &u, why, size);
    *holds = !r && v != own;
    if (*holds)
        hold(u, nic);
    else if (nic)
        net_close_nic(nic);
    if (r)
        return r;
    u->users++;
    nat_uplink_sync(u);
    *out = u;
    return 0;
}

static void end(struct nat_uplink *u)
{
    struct nat_uplink **at = &uplinks;

    while (*at != u)
        at = &(*at)->next;
    *at = u->next;
    nat_destroy(u->nat);
    if (u->has_address)
        host_ip_stop(&u->vlan->bridge);
}

void nat_uplink_put(struct nat_uplink *u, bool holds)
{
    bool is_last = !--u->users;

    if (is_last)
        end(u);
    if (holds)
        release(u);
    if (is_last)
        free(u);
}
