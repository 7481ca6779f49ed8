/* What a flow's packets say about its state. */
#include "kernel/net/nat/nat_impl.h"

/* struct flow's `seen`. */
enum {
    SEEN_OUT = 0x01, SEEN_IN = 0x02,    /* SYN of TCP, any packet of UDP */
    SEEN_FIN_OUT = 0x04, SEEN_FIN_IN = 0x08,
    SEEN_OPEN = 0x10,                   /* the handshake is complete */
    SEEN_RESET_OUT = 0x20, SEEN_RESET_IN = 0x40,
};
#define SEEN_RESET (SEEN_RESET_OUT | SEEN_RESET_IN)
#define SEEN_BOTH (SEEN_OUT | SEEN_IN)
#define SEEN_FINS (SEEN_FIN_OUT | SEEN_FIN_IN)

/*
 * A reset that its receiver did not believe (RFC 5961 3.2; anybody can send
 * one): RFC 7857 2.1 lets the flow live on. What was under way at the time
 * does not mean that; this is more than a round trip.
 */
#define RESET_REFUSED_MS 10000u

static void see_segment(struct nat *nat, struct flow *f, uint8_t flags,
                        bool outward)
{
    uint8_t by_peer = outward ? SEEN_RESET_IN : SEEN_RESET_OUT;

    /* The same two ports again: the next connection (RFC 9293 3.6.1). */
    if ((flags & (TCP_SYN | TCP_ACK)) == TCP_SYN &&
        f->class == FLOW_TCP_CLOSED)
        f->seen = 0;
    if (flags & TCP_SYN)
        f->seen |= outward ? SEEN_OUT : SEEN_IN;
    else if ((f->seen & SEEN_BOTH) == SEEN_BOTH && (flags & TCP_ACK))
        f->seen |= SEEN_OPEN;
    if (flags & TCP_FIN)
        f->seen |= outward ? SEEN_FIN_OUT : SEEN_FIN_IN;
    if (flags & TCP_RST) {
        f->seen |= outward ? SEEN_RESET_OUT : SEEN_RESET_IN;
        f->reset_ms = nat->now_ms;
    } else if ((f->seen & by_peer) &&
               nat->now_ms - f->reset_ms >= RESET_REFUSED_MS) {
        f->seen &= ~by_peer;
    }
}

/*
 * RFC 5382 REQ-2: any order of SYNs opens a connection, from both sides at
 * once, too. One that has seen a FIN each way waits in FLOW_TCP_CLOSED, where
 * both may still send again what the other did not get.
 */
static enum flow_class tcp_class(uint8_t seen)
{
    if ((seen & SEEN_RESET) || (seen & SEEN_FINS) == SEEN_FINS)
        return FLOW_TCP_CLOSED;
    if (!(seen & SEEN_OPEN))
        return FLOW_TCP_OPENING;
    return seen & SEEN_FINS ? FLOW_TCP_HALF_CLOSED : FLOW_TCP;
}

/*
 * Packets of both directions refresh (RFC 4787 REQ-6 demands it of those that
 * go out, and leaves the others): inward, only the flow's own peer can.
 */
void flow_track(struct nat *nat, struct flow *f, const struct packet *p,
                bool outward)
{
    enum flow_class class = FLOW_ICMP;

    if (p->protocol == PROTO_TCP) {
        see_segment(nat, f, p->l4[13], outward);
        class = tcp_class(f->seen);
    } else if (p->protocol == PROTO_UDP) {
        f->seen |= outward ? SEEN_OUT : SEEN_IN;
        class = f->seen == SEEN_BOTH ? FLOW_UDP : FLOW_UDP_NEW;
    }
    flow_touch(nat, f, class);
}
