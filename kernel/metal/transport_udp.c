/*
 * See kernel/net/transport.h: UDP by lwIP. Datagrams wait in copies for
 * transport_poll, some and no more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/metal/transport.h"
#include "kernel/net/host_ip.h"
#include "lwip/igmp.h"
#include "lwip/ip4.h"
#include "lwip/timeouts.h"
#include "lwip/udp.h"

#define WAITING_BYTES (256u * 1024)
#define JOIN_AGAIN_MS 1000u

struct datagram {
    struct datagram *next;
    struct endpoint from;
    size_t len;
    uint8_t data[];
};

struct dgram {
    struct news news;           /* first */
    struct udp_pcb *pcb;
    void (*received)(void *ctx, const uint8_t *data, size_t len,
                     struct endpoint from);
    void *ctx;
    struct datagram *waiting, **waiting_end;
    size_t waiting_bytes;
    uint64_t dropped;
    uint32_t group, iface;      /* joined, or to be */
    uint8_t joined[256 / 8];    /* a bit for each interface, by its index */
    bool join_waits;            /* a timer runs */
};

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p,
                        const ip_addr_t *addr, u16_t port)
{
    struct dgram *d = arg;
    struct datagram *g = NULL;

    (void)pcb;
    if (d->waiting_bytes + sizeof *g + p->tot_len <= WAITING_BYTES)
        g = malloc(sizeof *g + p->tot_len);
    if (g) {
        *g = (struct datagram){
            .from = { lwip_ntohl(ip_2_ip4(addr)->addr), port },
            .len = p->tot_len
        };
        pbuf_copy_partial(p, g->data, p->tot_len, 0);
        *d->waiting_end = g;
        d->waiting_end = &g->next;
        d->waiting_bytes += sizeof *g + g->len;
        news_mark(&d->news);
    } else {
        d->dropped++;
    }
    pbuf_free(p);
}

static struct datagram *next_datagram(struct dgram *d)
{
    struct datagram *g = d->waiting;

    if (!g)
        return NULL;
    d->waiting = g->next;
    if (!d->waiting)
        d->waiting_end = &d->waiting;
    d->waiting_bytes -= sizeof *g + g->len;
    return g;
}

static void dgram_tell(struct news *n)
{
    struct dgram *d = (struct dgram *)n;
    struct datagram *g;

    while (!n->closed && (g = next_datagram(d))) {
        d->received(d->ctx, g->data, g->len, g->from);
        free(g);
    }
}

int dgram_open(struct endpoint local, bool reuse,
               void (*received)(void *ctx, const uint8_t *data, size_t len,
                                struct endpoint from),
               void *ctx, struct dgram **out)
{
    struct dgram *d = calloc(1, sizeof *d);
    ip_addr_t a = transport_address(local.addr);
    err_t e = ERR_MEM;

    if (d)
        d->pcb = udp_new_ip_type(IPADDR_TYPE_V4);
    if (!d || !d->pcb)
        goto fail;
    if (reuse)
        ip_set_option(d->pcb, SOF_REUSEADDR);
    e = udp_bind(d->pcb, &a, local.port);
    if (e != ERR_OK) {
        udp_remove(d->pcb);
        goto fail;
    }
    d->news.tell = dgram_tell;
    d->received = received;
    d->ctx = ctx;
    d->waiting_end = &d->waiting;
    if (received)
        udp_recv(d->pcb, on_datagram, d);
    *out = d;
    return 0;
fail:
    free(d);
    return transport_error(e);
}

int dgram_send(struct dgram *d, struct endpoint to, const void *data,
               size_t len)
{
    ip_addr_t a = transport_address(to.addr);
    struct pbuf *p;
    err_t e;

    if (len > DGRAM_MAX)
        return -EMSGSIZE;
    p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM);
    if (!p)
        return -EAGAIN;
    memcpy(p->payload, data, len);
    e = udp_sendto(d->pcb, p, &a, to.port);
    pbuf_free(p);
    return e == ERR_MEM ? -EAGAIN : transport_error(e);
}

static bool join(struct dgram *d, struct netif *netif)
{
    ip4_addr_t group = { lwip_htonl(d->group) };
    uint8_t i = netif_get_index(netif);

    if (igmp_joingroup_netif(netif, &group) != ERR_OK)
        return false;
    d->joined[i / 8] |= 1u << i % 8;
    return true;
}

/* lwIP counts the users of a group, not who they are. */
static void leave(struct dgram *d)
{
    ip4_addr_t group = { lwip_htonl(d->group) };
    struct netif *netif;

    NETIF_FOREACH(netif) {
        uint8_t i = netif_get_index(netif);

        if (d->joined[i / 8] >> i % 8 & 1)
            igmp_leavegroup_netif(netif, &group);
    }
}

/* On LANs where the host has an address, or will; until there is one, again. */
static void try_join(void *ctx)
{
    struct dgram *d = ctx;
    struct netif *netif;
    bool joined = false;

    NETIF_FOREACH(netif)
        if (host_ip_wanted(netif) &&
            (!d->iface || netif_ip4_addr(netif)->addr == lwip_htonl(d->iface)))
            joined |= join(d, netif);
    d->join_waits = !joined;
    if (!joined)
        sys_timeout(JOIN_AGAIN_MS, try_join, d);
}

/* No other group reaches it: it is bound to this one. */
int dgram_join(struct dgram *d, uint32_t group, uint32_t iface)
{
    ip4_addr_t g = { lwip_htonl(group) };

    if (!ip4_addr_ismulticast(&g))
        return -EINVAL;
    if (d->group)
        return -EBUSY;
    d->group = group;
    d->iface = iface;
    try_join(d);
    return 0;
}

int dgram_multicast_from(struct dgram *d, uint32_t iface)
{
    ip4_addr_t a = { lwip_htonl(iface) };

    udp_set_multicast_netif_addr(d->pcb, &a);
    udp_set_multicast_ttl(d->pcb, 1);
    return 0;
}

uint64_t dgram_dropped(const struct dgram *d) { return d->dropped; }

struct endpoint dgram_local(const struct dgram *d)
{
    return (struct endpoint){ lwip_ntohl(ip_2_ip4(&d->pcb->local_ip)->addr),
                              d->pcb->local_port };
}

struct endpoint dgram_source(const struct dgram *d, struct endpoint to)
{
    struct endpoint own = dgram_local(d);
    ip4_addr_t a = { lwip_htonl(to.addr) };
    struct netif *netif = own.addr ? NULL : ip4_route(&a);

    if (netif)
        own.addr = lwip_ntohl(netif_ip4_addr(netif)->addr);
    return own;
}

void dgram_close(struct dgram *d)
{
    struct datagram *g;

    while ((g = next_datagram(d)))
        free(g);
    if (d->join_waits)
        sys_untimeout(try_join, d);
    leave(d);
    udp_remove(d->pcb);
    news_close(&d->news);
}
