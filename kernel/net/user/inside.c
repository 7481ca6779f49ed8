/* See inside.h. */
/* First, as lwIP has macros of the same names. */
#include "kernel/net/packet.h"

#include "kernel/net/user/inside.h"

#include <errno.h>
#include <string.h>

#include "kernel/net/user/user_net.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"

/* Class E: no host of any net has such an address. */
#define SELF 0xf0000001u
#define PEER 0xf0000002u
#define MASK 0xffffff00u
#define OUTBOUND_PORT 1u        /* lwIP's end of what guests begin */
#define TCP_SUM 16u

static struct netif inside;
static struct tcp_pcb *listener;
static bool (*told)(struct inside_flow *f, struct tcp_pcb *pcb);
static bool held;               /* a segment found no room at its guest */

/* By slot; the port of PEER is one more. Freed slots wait in a queue, so that
 * one is used again as late as can be. */
static struct inside_flow *flows[INSIDE_SLOTS];
static uint16_t queue[INSIDE_SLOTS];
static unsigned queue_head, queue_count;

static ip_addr_t address(uint32_t addr)
{
    ip_addr_t a = IPADDR4_INIT(lwip_htonl(addr));

    return a;
}

static struct inside_flow *flow_of_port(uint16_t port)
{
    return port && port <= INSIDE_SLOTS ? flows[port - 1] : NULL;
}

/*
 * Put other endpoints into a packet. The checksum is updated, not made anew
 * (RFC 1624), so that damage to the segment is still seen.
 */
static void rewrite(uint8_t *ip, uint32_t source, uint16_t source_port,
                    uint32_t to, uint16_t to_port)
{
    size_t header = ip_header_length(ip);
    uint8_t *tcp = ip + header, before[12], after[12];

    memcpy(before, ip + IP_SOURCE, 8);
    memcpy(before + 8, tcp, 4);
    put32(after, source);
    put32(after + 4, to);
    put16(after + 8, source_port);
    put16(after + 10, to_port);
    sum_update(tcp + TCP_SUM, before, after, sizeof before);
    memcpy(ip + IP_SOURCE, after, 8);
    memcpy(tcp, after + 8, 4);
    put16(ip + IP_SUM, 0);
    put16(ip + IP_SUM, checksum(ip, header));
}

/* From lwIP to the guest. */
static err_t output(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    uint8_t ip[USER_MTU];
    struct inside_flow *f;

    if (p->tot_len > sizeof ip ||
        pbuf_copy_partial(p, ip, p->tot_len, 0) < IP_HEADER + TCP_HLEN)
        return ERR_VAL;
    f = flow_of_port(get16(ip + ip_header_length(ip) + 2));
    if (!f)
        return ERR_RTE;
    if (!user_net_has_room(f->un)) {
        held = true;            /* lwIP keeps what has data */
        return ERR_MEM;
    }
    rewrite(ip, f->peer, f->peer_port, f->guest, f->guest_port);
    user_net_to_guest(f->un, ip, p->tot_len);
    return ERR_OK;
}

static err_t init(struct netif *netif)
{
    netif->name[0] = 'u';
    netif->name[1] = 's';
    netif->mtu = USER_MTU;
    netif->output = output;
    return ERR_OK;
}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct inside_flow *f = pcb ? flow_of_port(pcb->remote_port) : NULL;

    if (err != ERR_OK || !f)
        return ERR_VAL;         /* lwIP ends it with a reset */
    return told(f, pcb) ? ERR_OK : ERR_CONN;
}

static int start_listener(void)
{
    ip_addr_t self = address(SELF);
    struct tcp_pcb *pcb = tcp_new();

    if (!pcb)
        return -ENOMEM;
    tcp_bind_netif(pcb, &inside);       /* and what it accepts */
    if (tcp_bind(pcb, &self, OUTBOUND_PORT) != ERR_OK ||
        !(listener = tcp_listen(pcb))) {
        tcp_abort(pcb);
        return -ENOMEM;
    }
    tcp_accept(listener, accepted);
    return 0;
}

int inside_start(bool (*on_accepted)(struct inside_flow *f,
                                     struct tcp_pcb *pcb))
{
    ip4_addr_t self = { lwip_htonl(SELF) }, mask = { lwip_htonl(MASK) };
    ip4_addr_t none = { 0 };

    told = on_accepted;
    if (listener)
        return 0;
    if (!netif_is_up(&inside)) {
        if (!netif_add(&inside, &self, &mask, &none, NULL, init, ip_input))
            return -ENOMEM;
        netif_set_up(&inside);
        netif_set_link_up(&inside);
        for (; queue_count < INSIDE_SLOTS; queue_count++)
            queue[queue_count] = queue_count;
    }
    return start_listener();
}

int inside_claim(struct inside_flow *f, unsigned own)
{
    if (queue_count <= own)
        return -ENOSPC;
    f->slot = queue[queue_head];
    f->local_port = OUTBOUND_PORT;
    queue_head = (queue_head + 1) % INSIDE_SLOTS;
    queue_count--;
    flows[f->slot] = f;
    return 0;
}

/* A pcb of lwIP's at the slot's endpoint, in the list `pcbs`. */
static struct tcp_pcb *find_pcb(struct tcp_pcb *pcbs, unsigned slot)
{
    for (; pcbs; pcbs = pcbs->next)
        if (pcbs->remote_port == slot + 1 &&
            ip4_addr_get_u32(ip_2_ip4(&pcbs->remote_ip)) == lwip_htonl(PEER))
            return pcbs;
    return NULL;
}

bool inside_is_under_way(const struct inside_flow *f)
{
    return find_pcb(tcp_active_pcbs, f->slot) != NULL;
}

void inside_release(struct inside_flow *f)
{
    struct tcp_pcb *pcb;

    /* First the slot, so that the reset that lwIP may send leads nowhere. */
    flows[f->slot] = NULL;
    while ((pcb = find_pcb(tcp_active_pcbs, f->slot)) ||
           (pcb = find_pcb(tcp_tw_pcbs, f->slot))) {
        tcp_err(pcb, NULL);
        tcp_abort(pcb);
    }
    queue[(queue_head + queue_count++) % INSIDE_SLOTS] = f->slot;
}

void inside_input(struct inside_flow *f, const uint8_t *ip, size_t len)
{
    /* With a byte behind it: that is where lwIP looks for the length of an
     * option that is cut off. The longest of all, which leaves none, is longer
     * than a window. */
    struct pbuf *p = len < 65535 ? pbuf_alloc(PBUF_RAW, len + 1, PBUF_RAM)
                                 : NULL;

    if (!p)
        return;                 /* lost, as on a wire; it comes again */
    memcpy(p->payload, ip, len);
    ((uint8_t *)p->payload)[len] = 0;
    pbuf_realloc(p, len);
    rewrite(p->payload, PEER, f->slot + 1, SELF, f->local_port);
    if (inside.input(p, &inside) != ERR_OK)
        pbuf_free(p);
}

void inside_go_on(void)
{
    if (!held)
        return;
    held = false;
    tcp_txnow();
}

struct tcp_pcb *inside_connect(struct inside_flow *f, void *arg,
                               tcp_connected_fn connected, tcp_err_fn failed)
{
    ip_addr_t self = address(SELF), peer = address(PEER);
    struct tcp_pcb *pcb = tcp_new();

    if (!pcb)
        return NULL;
    tcp_arg(pcb, arg);
    tcp_bind_netif(pcb, &inside);
    /* A port is chosen here, as the first segment leaves in tcp_connect. */
    if (tcp_bind(pcb, &self, 0) == ERR_OK) {
        f->local_port = pcb->local_port;
        tcp_err(pcb, failed);
        if (tcp_connect(pcb, &peer, f->slot + 1, connected) == ERR_OK)
            return pcb;
    }
    tcp_err(pcb, NULL);
    tcp_abort(pcb);
    return NULL;
}
