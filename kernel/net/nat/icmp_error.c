/*
 * ICMP errors: what is quoted in them is translated, too (RFC 5508 4.2). The
 * flow is neither refreshed nor ended by one (RFC 5508 REQ-6, RFC 4787 REQ-12,
 * RFC 5382 REQ-10).
 */
#include "kernel/net/nat/checksum.h"
#include "kernel/net/nat/nat_impl.h"

/* RFC 5508 REQ-3: whole, both checksums right. */
static enum nat_counter read_quoted(const struct packet *p,
                                    struct packet *quoted)
{
    if (p->more || checksum(p->l4, p->l4_len))
        return NAT_drop_icmp_error;
    return packet_embedded(quoted, p->l4 + ICMP_HEADER,
                           p->l4_len - ICMP_HEADER);
}

/* Quoted is what the guest received: it is the destination there. */
enum nat_counter icmp_error_outbound(struct nat *nat, struct nat_net *net,
                                     struct packet *p, struct flow **f)
{
    struct packet q;
    struct tuple t;
    uint32_t around = 0;
    enum nat_counter r = read_quoted(p, &q);

    if (r)
        return r;
    t = (struct tuple){ q.dst, q.src, q.dport, q.sport };
    *f = flow_find_inner(nat, net, q.protocol, &t);
    if (!*f)
        return NAT_drop_icmp_error;
    translate(&q, *f, true, false, &around);
    checksum_apply(p->l4 + 2, around);
    translate_src(p, nat->outside.addr);
    if (p->dst == (*f)->inner.far)
        translate_dst(p, (*f)->outer.far);
    else if (p->dst == net->config.gateway)
        return NAT_drop_destination;
    return NAT_PASSED;
}

/* Quoted is what we sent. */
enum nat_counter icmp_error_inbound(struct nat *nat, struct packet *p,
                                    struct flow **f)
{
    const struct nat_net *net;
    struct packet q;
    struct tuple t;
    uint32_t around = 0;

    if (read_quoted(p, &q) || q.src != nat->outside.addr)
        return NAT_in_host;
    t = (struct tuple){ q.src, q.dst, q.sport, q.dport };
    *f = flow_find_outer(nat, q.protocol, &t);
    if (!*f)
        return NAT_in_host;
    net = (*f)->net;
    translate(&q, *f, false, true, &around);
    checksum_apply(p->l4 + 2, around);
    translate_dst(p, (*f)->inner.near);
    /* From the peer itself, or from a router on the way. */
    if (p->src == (*f)->outer.far)
        translate_src(p, (*f)->inner.far);
    else if (net_has(net, p->src))
        translate_src(p, net->config.gateway);
    return NAT_PASSED;
}
