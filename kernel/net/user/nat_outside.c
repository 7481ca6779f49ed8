/*
 * See nat_outside.h. The way out is looked for at the first poll: the VLAN of
 * via=, or another option that names the same NIC, may come later in the
 * machine's options than the user net.
 */
#include "kernel/net/user/nat_outside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/textbuf.h"
#include "kernel/net/host_ip.h"
#include "kernel/net/packet.h"
#include "kernel/net/uplink.h"
#include "kernel/net/user/icmp.h"
#include "kernel/net/user/nat_uplink.h"
#include "kernel/net/user/sockets.h"
#include "kernel/net/user/user_net.h"
#include "kernel/platform.h"

#define NS_PER_MS 1000000u
/* A NIC that could not be opened, or memory, may be there later. */
#define TRY_AGAIN_MS 2000u
/* A hostile guest can make each take some 200 KB on the bare machine. */
#define OWN_CONNECTIONS 128u

struct way {
    struct user_net *un;
    const struct user_config *config;
    const struct net *machine;
    uint64_t next_try_ms;       /* while there is none */
    bool told;                  /* the log knows why */
    struct nat_uplink *uplink;  /* NULL: there is none */
    bool holds;                 /* its bridge is kept for us */
    struct nat_net *net;
    struct user_forward forward[USER_FORWARDS];     /* until it is found */
    unsigned forward_count;
    void *own;                  /* user_sockets: see is_own */
    uint64_t no_way;            /* packets that came while there was none */
};

static uint64_t now_ms(void) { return platform_now_ns() / NS_PER_MS; }

/* ---- Finding it --------------------------------------------------------------- */

/* The bridge on which the user net itself lies. */
static const struct vlan *own_vlan(const struct user_net *un)
{
    for (struct uplink *u = uplink_next(NULL); u; u = uplink_next(u))
        if (u->port.nic && user_net_of(u->port.nic) == un)
            return u->vlan;
    return NULL;
}

static int add_forward(struct way *w, const struct user_forward *f, char *why,
                       size_t size)
{
    int r = nat_forward_add(w->uplink->nat, w->net, &(struct nat_forward){
        f->udp ? PROTO_UDP : PROTO_TCP, f->host_addr, f->host_port,
        f->guest_addr, f->guest_port });

    snprintf(why, size, "%s port %u: %s", f->udp ? "UDP" : "TCP",
             f->host_port,
             r == -EADDRINUSE ? "it is in use"
             : r == -ENOSPC ? "there are too many forwards"
             : "the guest's address is not of its net");
    return r;
}

/* Of many tries that fail the log has the first. */
static void no_way(struct way *w, const char *why)
{
    if (!w->told)
        platform_log("-net user: %s: no way out; trying on", why);
    w->told = true;
}

static void find(struct way *w)
{
    const struct user_config *c = w->config;
    char why[160];

    w->next_try_ms = now_ms() + TRY_AGAIN_MS;
    if (nat_uplink_get(w->machine, c, own_vlan(w->un), &w->uplink, &w->holds,
                       why, sizeof why)) {
        no_way(w, why);
        return;
    }
    w->net = nat_net_add(w->uplink->nat, &(struct nat_net_config){
        c->net, c->mask, c->host, c->restricted, w->un });
    if (!w->net) {
        nat_uplink_put(w->uplink, w->holds);
        w->uplink = NULL;
        snprintf(why, sizeof why, "there are %u on it already", NAT_NETS);
        no_way(w, why);
        return;
    }
    for (unsigned i = 0; i < w->forward_count; i++)
        if (add_forward(w, &w->forward[i], why, sizeof why))
            platform_log("-net user: forward of %s", why);
}

/* ---- The backend's functions ------------------------------------------------ */

static int create(struct user_net *un, const struct user_config *config,
                  const struct user_site *site, void **out, char *why,
                  size_t size)
{
    struct way *w = calloc(1, sizeof *w);
    struct user_site own = *site;
    int r;

    snprintf(why, size, "out of memory");
    if (!w)
        return -ENOMEM;
    w->un = un;
    w->config = config;
    w->machine = site->net;
    own.tcp_limit = OWN_CONNECTIONS;
    r = user_sockets.create(un, config, &own, &w->own, why, size);
    if (r)
        free(w);
    else
        *out = w;
    return r;
}

static void destroy(void *outside)
{
    struct way *w = outside;

    /* While it has the address that its connections are by. */
    user_sockets.destroy(w->own);
    if (w->uplink) {
        nat_net_remove(w->uplink->nat, w->net);
        nat_uplink_put(w->uplink, w->holds);
    }
    free(w);
}

/*
 * TCP to an address of the inside's that is not the gateway: DNS, or
 * guestfwd=. There is nobody of that address to translate for, so it ends here
 * and goes on as a connection of Trestle's own.
 */
static bool is_own(const struct user_config *c, const uint8_t *ip)
{
    uint32_t to = get32(ip + IP_DESTINATION);

    return ip[IP_PROTOCOL] == PROTO_TCP && user_in_net(c, to) &&
           to != c->host;
}

static void from_guest(void *outside, uint8_t *ip, size_t len)
{
    struct way *w = outside;

    if (is_own(w->config, ip)) {
        user_sockets.from_guest(w->own, ip, len);
        return;
    }
    if (!w->uplink) {
        w->no_way++;
        user_net_icmp_error(w->un, ICMP_UNREACHABLE, ICMP_NET, 0, ip, len);
        return;
    }
    nat_uplink_sync(w->uplink);
    nat_outbound(w->uplink->nat, w->net, ip, len, now_ms());
}

static bool same_port(const struct user_forward *a,
                      const struct user_forward *b)
{
    return a->udp == b->udp && a->host_port == b->host_port &&
           (!a->host_addr || !b->host_addr || a->host_addr == b->host_addr);
}

static int forward_add(void *outside, const struct user_forward *f, char *why,
                       size_t size)
{
    struct way *w = outside;

    if (w->uplink)
        return add_forward(w, f, why, size);
    snprintf(why, size, "there are too many forwards");
    if (w->forward_count == USER_FORWARDS)
        return -ENOSPC;
    for (unsigned i = 0; i < w->forward_count; i++)
        if (same_port(&w->forward[i], f)) {
            snprintf(why, size, "%s port %u: it is in use",
                     f->udp ? "UDP" : "TCP", f->host_port);
            return -EADDRINUSE;
        }
    w->forward[w->forward_count++] = *f;
    return 0;
}

static int forward_remove(void *outside, const struct user_forward *f)
{
    struct way *w = outside;

    if (w->uplink)
        return nat_forward_remove(w->uplink->nat, w->net,
                                  &(struct nat_forward){
            f->udp ? PROTO_UDP : PROTO_TCP, f->host_addr, f->host_port, 0, 0
        });
    for (unsigned i = 0; i < w->forward_count; i++)
        if (same_port(&w->forward[i], f) &&
            w->forward[i].host_addr == f->host_addr) {
            w->forward[i] = w->forward[--w->forward_count];
            return 0;
        }
    return -ENOENT;
}

static bool poll(void *outside)
{
    struct way *w = outside;
    bool any = user_sockets.poll(w->own);

    if (!w->uplink && w->next_try_ms <= now_ms())
        find(w);
    if (!w->uplink)
        return any;
    nat_uplink_sync(w->uplink);
    if (nat_deadline(w->uplink->nat) <= now_ms())
        nat_expire(w->uplink->nat, now_ms());
    return any;
}

static uint64_t deadline(void *outside)
{
    struct way *w = outside;
    uint64_t ms = w->uplink ? nat_deadline(w->uplink->nat) : w->next_try_ms;
    uint64_t own = user_sockets.deadline(w->own);

    return ms < own / NS_PER_MS ? ms * NS_PER_MS : own;
}

static void add_translated(struct textbuf *t, const struct way *w)
{
    uint32_t a = w->uplink->outside.addr;
    size_t room;
    char *at;

    text_add(t, "  outside %u.%u.%u.%u, %u user networks\n", a >> 24,
             a >> 16 & 255, a >> 8 & 255, a & 255, w->uplink->users);
    at = text_rest(t, &room);
    t->wanted += nat_format_counters(w->uplink->nat, at, room);
    if (w->uplink->lost)
        text_add(t, "    outside_lost=%llu\n",
                 (unsigned long long)w->uplink->lost);
}

static int format(void *outside, char *buf, size_t size)
{
    struct way *w = outside;
    struct textbuf t = { buf, size, 0 };
    size_t room;
    char *at;

    if (w->uplink)
        t.wanted += nat_format_flows(w->uplink->nat, w->net, buf, size);
    at = text_rest(&t, &room);
    t.wanted += user_sockets.format(w->own, at, room);
    if (w->uplink)
        add_translated(&t, w);
    else
        text_add(&t, "    no_way_out=%llu\n", (unsigned long long)w->no_way);
    return t.wanted;
}

static unsigned nameservers(void *outside, uint32_t *out, unsigned max)
{
    struct way *w = outside;

    return w->uplink ? host_ip_nameservers(&w->uplink->vlan->bridge, out, max)
                     : 0;
}

const struct user_outside_ops user_outside_nat = {
    .name = "nat", .create = create, .destroy = destroy,
    .from_guest = from_guest, .forward_add = forward_add,
    .forward_remove = forward_remove, .poll = poll, .deadline = deadline,
    .format = format, .nameservers = nameservers,
};
