/*
 * A network address and port translator for IPv4: several inside networks, one
 * outside address. It changes packets in place and hands them on; it knows no
 * lwIP, no clock and no Ethernet. Not reentrant: I/O core only.
 *
 * Mapping is endpoint-independent (RFC 4787 REQ-1, RFC 5382 REQ-1): a guest's
 * address and port keep one outside port. Filtering is address and port
 * dependent: what comes in belongs to a flow or to a forward. All memory is
 * allocated by nat_create.
 *
 * Addresses and ports are in host byte order everywhere.
 */
#ifndef KERNEL_NET_NAT_NAT_H
#define KERNEL_NET_NAT_NAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAT_FLOWS 10000u        /* what a nat on a real outside is made with */
#define NAT_NETS 16u
#define NAT_FORWARDS 256u

/*
 * Outside ports and echo identifiers that are the translator's. The ports of
 * services lie below, those which lwIP takes for connections of the host's own
 * from 49152 on (RFC 6335 6), so that neither needs to ask the other. The
 * numbers below 1024 are never given out for a guest's (RFC 4787 REQ-3a only
 * recommends it): they are the host's, or a forward's.
 */
#define NAT_PORT_FIRST 32768u
#define NAT_PORT_LAST 49151u

/*
 * Counters. out_packets + in_packets is the sum of what went on (forwarded, to
 * the host), of what is held, and of all drop_ counters. A packet that is
 * turned round (hairpin) counts twice: once out, once in.
 */
#define NAT_COUNTERS(X)                                                       \
    X(out_packets)          /* from a guest */                                \
    X(in_packets)           /* from the outside */                            \
    X(out_forwarded) X(in_forwarded)                                          \
    X(in_host)              /* not the translator's: the host's own */        \
    X(drop_header)          /* version, lengths, checksum of the header */    \
    X(drop_source_route)    /* RFC 7126 4.3, 4.4 */                           \
    X(drop_source)          /* a guest's, with an address not of its net */   \
    X(drop_destination)     /* broadcast, multicast, loopback, own net */     \
    X(drop_protocol)        /* neither TCP, UDP nor ICMP */                   \
    X(drop_short)           /* transport header cut, port 0 */                \
    X(drop_ttl)             /* of what came in */                             \
    X(drop_too_big)         /* answered: fragmentation needed */              \
    X(drop_no_address)      /* the outside has none: net unreachable */       \
    X(drop_no_route)        /* nor a gateway: net unreachable */              \
    X(drop_no_flow)         /* TCP from a guest is answered with a reset */   \
    X(drop_restricted)      /* restrict=on */                                 \
    X(drop_table_full) X(drop_no_port)                                        \
    X(drop_icmp_type) X(drop_icmp_error)                                      \
    X(drop_fragment)        /* the first of its datagram was dropped */       \
    X(drop_fragment_tiny)   /* RFC 1858 */                                    \
    X(drop_fragment_lost)   /* no first one came in time, or no room */       \
    /* Not packets of somebody's: */                                          \
    X(flows_opened) X(flows_expired) X(flows_evicted) X(flows_ended)          \
    X(resets_sent)

#define NAT_COUNTER_ENUM(name) NAT_##name,
enum nat_counter { NAT_PASSED, NAT_COUNTERS(NAT_COUNTER_ENUM) NAT_COUNTER_END };

struct nat;
struct nat_net;                 /* one inside network */

/* Where packets go. `ip` is whole, and the callee's for the call only. */
struct nat_ops {
    void (*to_outside)(void *ctx, uint8_t *ip, size_t len);
    void (*to_inside)(void *ctx, void *owner, uint8_t *ip, size_t len);
    /* A fragment that was held, and turned out to be the host's. */
    void (*to_host)(void *ctx, uint8_t *ip, size_t len);
    /*
     * An ICMP error is due to the guest about its packet `ip`; the gateway
     * knows whether there may be one. `rest` is the header's second word.
     */
    void (*icmp_error)(void *ctx, void *owner, uint8_t type, uint8_t code,
                       uint32_t rest, const uint8_t *ip, size_t len);
    uint32_t (*random)(void);   /* hard to guess from outside */
};

struct nat_net_config {
    uint32_t addr, mask;        /* of the inside */
    /*
     * The translator's address there. For guests it stands for the outside's
     * gateway, and for outside hosts whose address is also one of the inside.
     */
    uint32_t gateway;
    bool restricted;            /* no flow but by a forward */
    void *owner;                /* for to_inside */
};

struct nat_forward {
    uint8_t protocol;           /* 6 or 17 */
    uint32_t host_addr;         /* 0: whatever the outside's address is */
    uint16_t host_port;
    uint32_t guest_addr;
    uint16_t guest_port;
};

/* NULL: out of memory. `flows` is the most there can be at once. */
struct nat *nat_create(const struct nat_ops *ops, void *ctx, unsigned flows);
void nat_destroy(struct nat *nat);

/*
 * The outside's address and default gateway (0: none), mask and MTU. Another
 * address ends all flows, in silence to the outside, where the old address is
 * no longer ours; a guest's next segment is answered with a reset.
 */
struct nat_outside {
    uint32_t addr, mask, gateway;
    unsigned mtu;
};
void nat_set_outside(struct nat *nat, const struct nat_outside *outside);

/* NULL: there are NAT_NETS already. The config is copied. */
struct nat_net *nat_net_add(struct nat *nat, const struct nat_net_config *c);
/* With its flows and forwards. */
void nat_net_remove(struct nat *nat, struct nat_net *net);

/*
 * 0; -EINVAL (a protocol that has no ports, port 0, or a guest outside of the
 * net); -EADDRINUSE: the port has a forward or a flow; -ENOSPC.
 */
int nat_forward_add(struct nat *nat, struct nat_net *net,
                    const struct nat_forward *f);
/* By protocol, host address and port; its flows end. 0 or -ENOENT. */
int nat_forward_remove(struct nat *nat, struct nat_net *net,
                       const struct nat_forward *f);

/*
 * A packet from a guest of `net`, whose gateway has counted down its TTL. It is
 * translated and sent, answered, held or dropped. `len` may be more than its
 * total length (Ethernet's padding).
 */
void nat_outbound(struct nat *nat, struct nat_net *net, uint8_t *ip,
                  size_t len, uint64_t now_ms);
/*
 * A packet from the outside to the outside's address. False: it is untouched
 * and the host's own.
 */
bool nat_inbound(struct nat *nat, uint8_t *ip, size_t len, uint64_t now_ms);

/* End what has timed out. */
void nat_expire(struct nat *nat, uint64_t now_ms);
/* When nat_expire has something to do, in ms; UINT64_MAX: never. */
uint64_t nat_deadline(const struct nat *nat);

unsigned nat_flow_count(const struct nat *nat);
uint64_t nat_counter(const struct nat *nat, enum nat_counter c);
/* Fragments that wait for the first of their datagram. */
unsigned nat_held(const struct nat *nat);

/*
 * The forwards and the first flows of `net`, a line each in the columns of
 * qemu's info usernet; the counters that are not 0. The length wanted, as
 * snprintf.
 */
int nat_format_flows(const struct nat *nat, const struct nat_net *net,
                     char *buf, size_t size);
int nat_format_counters(const struct nat *nat, char *buf, size_t size);

#endif
