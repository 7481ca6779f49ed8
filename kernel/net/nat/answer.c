/* What the translator itself says to a guest. */
#include "kernel/net/nat/nat_impl.h"

#define TCP_LENGTH 20u

void answer_error(struct nat *nat, struct nat_net *net,
                  const struct packet *p, uint8_t type, uint8_t code,
                  uint32_t rest)
{
    nat->ops->icmp_error(nat->ctx, net->config.owner, type, code, rest, p->ip,
                         p->len);
}

/* As a host where nobody listens answers (RFC 9293 3.10.7.1). */
void answer_reset(struct nat *nat, struct nat_net *net,
                  const struct packet *p)
{
    uint8_t ip[IP_HEADER + TCP_LENGTH] = { 0 }, *tcp = ip + IP_HEADER;
    uint8_t flags = p->l4[13];
    unsigned header = (p->l4[12] >> 4) * 4u;
    uint32_t data = header < p->l4_len ? p->l4_len - header : 0;

    if (flags & TCP_RST)
        return;
    put16(tcp, p->dport);
    put16(tcp + 2, p->sport);
    tcp[12] = 0x50;
    if (flags & TCP_ACK) {
        put32(tcp + 4, get32(p->l4 + 8));
        tcp[13] = TCP_RST;
    } else {
        data += !!(flags & TCP_SYN) + !!(flags & TCP_FIN);
        put32(tcp + 8, get32(p->l4 + 4) + data);
        tcp[13] = TCP_RST | TCP_ACK;
    }
    put16(tcp + 16, checksum_segment(p->dst, p->src, PROTO_TCP, tcp,
                                     TCP_LENGTH));
    ip_header_write(ip, PROTO_TCP, p->dst, p->src, TCP_LENGTH);
    nat->counters[NAT_resets_sent]++;
    nat->ops->to_inside(nat->ctx, net->config.owner, ip, sizeof ip);
}
