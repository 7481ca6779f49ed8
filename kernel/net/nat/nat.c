/* See nat.h: the way of a packet. */
#include "kernel/net/nat/nat.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/net/nat/checksum.h"
#include "kernel/net/nat/nat_impl.h"

/* How many ports are tried for a peer that is seen as the gateway. */
#define SEEN_PORT_TRIES 16u

static void count(struct nat *nat, enum nat_counter c)
{
    nat->counters[c]++;
}

static bool ttl_is_used_up(const struct packet *p) { return p->ip[8] <= 1; }

/* ---- Out ----------------------------------------------------------------- */

static bool inbound(struct nat *nat, uint8_t *ip, size_t len, bool turned);

/* RFC 1812 5.3.5: a guest cannot broadcast on the outside. */
static bool is_broadcast(const struct nat_outside *o, uint32_t dst)
{
    return ((dst ^ o->addr) & o->mask) == 0 && (dst | o->mask) == UINT32_MAX;
}

/* As a guest's network and its router see it, before any flow. */
static enum nat_counter check_outbound(struct nat *nat, struct nat_net *net,
                                       const struct packet *p)
{
    const struct nat_net_config *c = &net->config;
    const struct nat_outside *o = &nat->outside;

    if (!net_has(net, p->src) || p->src == c->gateway ||
        (p->src & ~c->mask) == 0 || (p->src | c->mask) == UINT32_MAX)
        return NAT_drop_source;
    if (address_is_odd(p->dst) || is_broadcast(o, p->dst) ||
        (net_has(net, p->dst) && p->dst != c->gateway))
        return NAT_drop_destination;
    if (!o->addr) {
        answer_error(nat, net, p, ICMP_UNREACHABLE, 0, 0);
        return NAT_drop_no_address;
    }
    if (!o->gateway && p->dst != c->gateway &&
        ((p->dst ^ o->addr) & o->mask)) {
        answer_error(nat, net, p, ICMP_UNREACHABLE, 0, 0);
        return NAT_drop_no_route;
    }
    if (p->len > o->mtu && p->dont_fragment) {
        answer_error(nat, net, p, ICMP_UNREACHABLE, 4, o->mtu);
        return NAT_drop_too_big;
    }
    return NAT_PASSED;
}

static bool opens_tcp(const struct packet *p)
{
    return (p->l4[13] & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

static enum nat_counter may_open(struct nat *nat, struct nat_net *net,
                                 const struct packet *p)
{
    if (net->config.restricted)
        return NAT_drop_restricted;
    if (p->protocol == PROTO_TCP && !opens_tcp(p)) {
        answer_reset(nat, net, p);
        return NAT_drop_no_flow;
    }
    /* A guest is never asked for an echo from outside. */
    if (p->protocol == PROTO_ICMP && p->l4[0] != ICMP_ECHO)
        return NAT_drop_no_flow;
    if (p->dst == net->config.gateway && !nat->outside.gateway)
        return NAT_drop_no_route;
    return NAT_PASSED;
}

static struct flow *open_outbound(struct nat *nat, struct nat_net *net,
                                  const struct packet *p,
                                  const struct tuple *inner,
                                  enum nat_counter *why)
{
    const struct forward *forward = NULL;
    struct mapping *m = NULL;
    struct tuple outer = *inner;
    struct flow *f;

    if ((*why = may_open(nat, net, p)))
        return NULL;
    if (p->protocol != PROTO_ICMP)
        forward = forward_by_guest(nat, net, p->protocol, inner->near,
                                   inner->near_port);
    *why = NAT_drop_no_port;
    if (!forward && !(m = mapping_get(nat, net, p->protocol, inner->near,
                                      inner->near_port)))
        return NULL;
    outer.near = nat->outside.addr;
    outer.near_port = m ? m->outside_port : forward->rule.host_port;
    if (inner->far == net->config.gateway)
        outer.far = nat->outside.gateway;
    f = flow_add(nat, net, p->protocol, inner, &outer, m, why);
    if (!f && m && !m->flows)
        mapping_put(nat, m);
    return f;
}

/*
 * Guests that share the outside's address must not share identifications of
 * datagrams that are, or may yet be, fragmented (RFC 6864 5.3.1).
 */
static void send_out(struct nat *nat, struct packet *p, bool new_id)
{
    if (new_id && (!p->dont_fragment || p->more))
        translate_id(p, nat->ip_id++);
    count(nat, NAT_out_forwarded);
    if (p->dst != nat->outside.addr) {
        nat->ops->to_outside(nat->ctx, p->ip, p->len);
        return;
    }
    /* Hairpin (RFC 4787 REQ-9, RFC 5382 REQ-8): from the outside's address. */
    count(nat, NAT_in_packets);
    if (!inbound(nat, p->ip, p->len, true))
        nat->ops->to_host(nat->ctx, p->ip, p->len);
}

static enum nat_counter outbound_first(struct nat *nat, struct nat_net *net,
                                       struct packet *p)
{
    struct tuple t;
    struct flow *f;
    enum nat_counter r = packet_ports(p);

    if (r)
        return r;
    if (p->is_error)
        return icmp_error_outbound(nat, net, p, &f);
    t = (struct tuple){ p->src, p->dst, p->sport, p->dport };
    f = flow_find_inner(nat, net, p->protocol, &t);
    if (!f && !(f = open_outbound(nat, net, p, &t, &r)))
        return r;
    flow_track(nat, f, p, true);
    translate(p, f, true, true, NULL);
    return NAT_PASSED;
}

static enum nat_counter outbound_later(struct nat *nat, struct nat_net *net,
                                       struct packet *p)
{
    const struct fragment_fate *fate;

    if (packet_overwrites_flags(p))
        return NAT_drop_fragment_tiny;
    fate = fragment_later(nat, net, p);
    if (!fate)
        return NAT_PASSED;
    if (fate->what)
        return fate->what;
    translate_src(p, fate->src);
    translate_dst(p, fate->dst);
    translate_id(p, fate->id);
    send_out(nat, p, false);
    return NAT_PASSED;
}

/* A fragment that was held; its header was checked then. */
static void outbound_again(struct nat *nat, struct nat_net *net, uint8_t *ip,
                           size_t len)
{
    struct packet p;
    enum nat_counter r = packet_parse(&p, ip, len);

    if (!r)
        r = outbound_later(nat, net, &p);
    if (r)
        count(nat, r);
}

void nat_outbound(struct nat *nat, struct nat_net *net, uint8_t *ip,
                  size_t len, uint64_t now_ms)
{
    struct fragment_fate fate = { NAT_drop_fragment, NULL, 0, 0, 0 };
    struct packet p, key;
    enum nat_counter r;

    nat->now_ms = now_ms;
    count(nat, NAT_out_packets);
    r = packet_parse(&p, ip, len);
    if (!r)
        r = check_outbound(nat, net, &p);
    if (!r && packet_is_later_fragment(&p)) {
        r = outbound_later(nat, net, &p);
    } else if (!r) {
        key = p;
        r = outbound_first(nat, net, &p);
        if (!r) {
            send_out(nat, &p, true);
            fate = (struct fragment_fate){ NAT_PASSED, NULL, p.src, p.dst,
                                           p.id };
        }
        if (key.more)
            fragment_first(nat, net, &key, &fate, outbound_again);
    }
    if (r)
        count(nat, r);
}

/* ---- In ------------------------------------------------------------------ */

/*
 * How a guest sees a peer whose address is one of its own network's (RFC 4787
 * REQ-7), or whose port it is talking to already: another port, and in the
 * first case the gateway's address. False: there is none.
 */
static bool choose_seen(struct nat *nat, const struct nat_net *net,
                        uint8_t protocol, struct tuple *inner)
{
    bool as_gateway = net_has(net, inner->far);

    if (as_gateway)
        inner->far = net->config.gateway;
    /* The gateway's well-known ports are services of its own. */
    if (as_gateway && inner->far_port < 1024)
        inner->far_port = 1024 + nat->ops->random() % 64512;
    for (unsigned i = 0; i < SEEN_PORT_TRIES; i++) {
        if (!flow_find_inner(nat, net, protocol, inner))
            return true;
        inner->far_port = 1024 + nat->ops->random() % 64512;
    }
    return false;
}

static bool is_ours(uint16_t port)
{
    return port >= NAT_PORT_FIRST && port <= NAT_PORT_LAST;
}

/*
 * RFC 5382 REQ-4: a SYN to a port of ours that nobody waits for is not
 * answered; it may be the second half of two that open at once.
 */
static struct flow *open_inbound(struct nat *nat, const struct packet *p,
                                 const struct tuple *outer,
                                 enum nat_counter *why)
{
    const struct forward *f = NULL;
    struct tuple inner = *outer;

    if (p->protocol != PROTO_ICMP)
        f = forward_by_port(nat, p->protocol, outer->near, outer->near_port);
    *why = f || is_ours(outer->near_port) ? NAT_drop_no_flow : NAT_in_host;
    if (!f || (p->protocol == PROTO_TCP && !opens_tcp(p)))
        return NULL;
    inner.near = f->rule.guest_addr;
    inner.near_port = f->rule.guest_port;
    *why = NAT_drop_no_port;
    if (!choose_seen(nat, f->net, p->protocol, &inner))
        return NULL;
    return flow_add(nat, f->net, p->protocol, &inner, outer, NULL, why);
}

static void send_in(struct nat *nat, struct nat_net *net, struct packet *p)
{
    translate_ttl(p);
    count(nat, NAT_in_forwarded);
    nat->ops->to_inside(nat->ctx, net->config.owner, p->ip, p->len);
}

static enum nat_counter inbound_first(struct nat *nat, struct packet *p,
                                      struct nat_net **net)
{
    struct tuple t;
    struct flow *f;
    enum nat_counter r;

    /* What cannot be a flow's is for the host to judge. */
    if ((r = packet_ports(p)))
        return r == NAT_drop_fragment_tiny ? r : NAT_in_host;
    if (p->is_error) {
        r = icmp_error_inbound(nat, p, &f);
        if (r)
            return r;
        *net = f->net;
        return ttl_is_used_up(p) ? NAT_drop_ttl : NAT_PASSED;
    }
    t = (struct tuple){ p->dst, p->src, p->dport, p->sport };
    f = flow_find_outer(nat, p->protocol, &t);
    if (!f && !(f = open_inbound(nat, p, &t, &r)))
        return r;
    if (ttl_is_used_up(p))
        return NAT_drop_ttl;
    flow_track(nat, f, p, false);
    translate(p, f, false, false, NULL);
    *net = f->net;
    return NAT_PASSED;
}

static enum nat_counter inbound_later(struct nat *nat, struct packet *p)
{
    const struct fragment_fate *fate;

    if (packet_overwrites_flags(p))
        return NAT_drop_fragment_tiny;
    fate = fragment_later(nat, NULL, p);
    if (!fate)
        return NAT_PASSED;
    if (fate->what)
        return fate->what;
    if (ttl_is_used_up(p))
        return NAT_drop_ttl;
    translate_src(p, fate->src);
    translate_dst(p, fate->dst);
    send_in(nat, fate->net, p);
    return NAT_PASSED;
}

static void inbound_again(struct nat *nat, struct nat_net *none, uint8_t *ip,
                          size_t len)
{
    struct packet p;
    enum nat_counter r = packet_parse(&p, ip, len);

    if (!r)
        r = inbound_later(nat, &p);
    if (r)
        count(nat, r);
    if (r == NAT_in_host)
        nat->ops->to_host(nat->ctx, ip, len);
}

/* Nobody outside has our own address, or one that no host has. */
static bool is_for_us(const struct nat *nat, const struct packet *p,
                      bool turned)
{
    return nat->outside.addr && p->dst == nat->outside.addr &&
           (turned || (p->src != p->dst && !address_is_odd(p->src)));
}

/* `turned`: a guest's, for another one by the outside's address. */
static bool inbound(struct nat *nat, uint8_t *ip, size_t len, bool turned)
{
    struct fragment_fate fate = { 0 };
    struct packet p, key;
    enum nat_counter r = NAT_in_host;

    if (packet_parse(&p, ip, len) || !is_for_us(nat, &p, turned)) {
        r = NAT_in_host;
    } else if (packet_is_later_fragment(&p)) {
        r = inbound_later(nat, &p);
    } else {
        key = p;
        fate.what = r = inbound_first(nat, &p, &fate.net);
        if (!r)
            send_in(nat, fate.net, &p);
        else if (r != NAT_in_host)
            fate.what = NAT_drop_fragment;
        fate.src = p.src;
        fate.dst = p.dst;
        if (key.more)
            fragment_first(nat, NULL, &key, &fate, inbound_again);
    }
    if (r)
        count(nat, r);
    return r != NAT_in_host;
}

bool nat_inbound(struct nat *nat, uint8_t *ip, size_t len, uint64_t now_ms)
{
    nat->now_ms = now_ms;
    count(nat, NAT_in_packets);
    return inbound(nat, ip, len, false);
}
