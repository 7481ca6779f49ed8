/* Inside the translator: its tables. See nat.h. */
#ifndef KERNEL_NET_NAT_NAT_IMPL_H
#define KERNEL_NET_NAT_NAT_IMPL_H

#include "kernel/net/nat/nat.h"
#include "kernel/net/nat/packet.h"

/* Least first: in this order they make room when the table is full. */
enum flow_class {
    FLOW_TCP_CLOSED,            /* reset, or both have sent FIN */
    FLOW_ICMP,
    FLOW_UDP_NEW,               /* one side has not answered yet */
    FLOW_TCP_OPENING,
    FLOW_UDP,
    FLOW_LAST_EVICTABLE = FLOW_UDP,
    FLOW_TCP_HALF_CLOSED,
    FLOW_TCP,
    FLOW_CLASSES
};

/* The two ends of a flow as one side sees them. */
struct tuple {
    uint32_t near, far;         /* the guest (or who stands for it), the peer */
    uint16_t near_port, far_port;
};

/* A guest's address and port, and the outside port that it has. */
struct mapping {
    struct nat_net *net;
    uint32_t addr;
    uint16_t port, outside_port;
    uint8_t protocol;
    unsigned flows;             /* 0: free */
    struct mapping *next;       /* in its hash chain, or free */
};

struct flow {
    struct tuple inner, outer;
    struct nat_net *net;
    struct mapping *mapping;    /* NULL: the port is a forward's */
    struct flow *next_inner, *next_outer;       /* hash chains; free list */
    struct flow *older, *newer; /* in the list of its class */
    uint64_t used_ms;
    uint64_t reset_ms;          /* when TCP's reset was seen */
    /* From inner to outer: RFC 1624's sums of the addresses and the ports. */
    uint16_t addr_delta, port_delta;
    uint8_t protocol, class;
    uint8_t seen;               /* flow_track.c's */
};

struct flow_list {
    struct flow *oldest, *newest;
};

struct nat_net {
    bool used;
    struct nat_net_config config;
    unsigned flows;
    struct flow_list lists[FLOW_CLASSES];
};

struct forward {
    struct nat_net *net;        /* NULL: free */
    struct nat_forward rule;
};

#define PORT_COUNT (NAT_PORT_LAST - NAT_PORT_FIRST + 1)
enum { PORTS_TCP, PORTS_UDP, PORTS_ICMP, PORTS_KINDS };

struct fragments;

struct nat {
    const struct nat_ops *ops;
    void *ctx;
    uint64_t now_ms;
    struct nat_outside outside;
    uint16_t ip_id;
    struct nat_net nets[NAT_NETS];
    unsigned net_count;
    struct forward forwards[NAT_FORWARDS];
    unsigned forward_count;     /* those from here on are free */

    unsigned flow_limit, flow_count;
    struct flow *flows, *free_flows;
    struct mapping *mappings, *free_mappings;
    /* Hash tables of table_mask + 1 chains. */
    struct flow **inner, **outer;
    struct mapping **mapped;
    uint32_t table_mask;
    uint32_t key[4];
    uint64_t ports[PORTS_KINDS][PORT_COUNT / 64];       /* 1: taken */

    struct fragments *fragments;
    uint64_t counters[NAT_COUNTER_END];
};

static inline bool net_has(const struct nat_net *net, uint32_t addr)
{
    return ((addr ^ net->config.addr) & net->config.mask) == 0;
}

/* ---- flow.c -------------------------------------------------------------- */

int flow_tables_create(struct nat *nat, unsigned limit);
void flow_tables_destroy(struct nat *nat);
struct flow *flow_find_inner(const struct nat *nat, const struct nat_net *net,
                             uint8_t protocol, const struct tuple *inner);
struct flow *flow_find_outer(const struct nat *nat, uint8_t protocol,
                             const struct tuple *outer);
/*
 * A new flow with these tuples; `mapping` gets one user more. NULL: *why says
 * for what the packet is dropped.
 */
struct flow *flow_add(struct nat *nat, struct nat_net *net, uint8_t protocol,
                      const struct tuple *inner, const struct tuple *outer,
                      struct mapping *mapping, enum nat_counter *why);
void flow_remove(struct nat *nat, struct flow *f);
/* It was used now, and belongs to `class`. */
void flow_touch(struct nat *nat, struct flow *f, enum flow_class class);
/* All of `net`, of everybody if it is NULL. */
void flow_remove_all(struct nat *nat, struct nat_net *net);
uint32_t nat_hash(const struct nat *nat, uint32_t a, uint32_t b, uint32_t c,
                  uint32_t d);
extern const uint32_t flow_timeout_ms[FLOW_CLASSES];

/* ---- mapping.c ----------------------------------------------------------- */

/* That of a guest's port, made if there is none; NULL: no port or no memory. */
struct mapping *mapping_get(struct nat *nat, struct nat_net *net,
                            uint8_t protocol, uint32_t addr, uint16_t port);
void mapping_put(struct nat *nat, struct mapping *m);       /* one user less */
bool port_is_taken(const struct nat *nat, uint8_t protocol, uint16_t port);
void port_take(struct nat *nat, uint8_t protocol, uint16_t port);
void port_release(struct nat *nat, uint8_t protocol, uint16_t port);

/* ---- forward.c ----------------------------------------------------------- */

const struct forward *forward_by_port(const struct nat *nat, uint8_t protocol,
                                      uint32_t addr, uint16_t port);
const struct forward *forward_by_guest(const struct nat *nat,
                                       const struct nat_net *net,
                                       uint8_t protocol, uint32_t addr,
                                       uint16_t port);
void forward_remove_all(struct nat *nat, const struct nat_net *net);

/* ---- flow_track.c -------------------------------------------------------- */

/* A packet of `f` goes by: its state, and when it times out. */
void flow_track(struct nat *nat, struct flow *f, const struct packet *p,
                bool outward);

/* ---- translate.c --------------------------------------------------------- */

/*
 * Write the tuple of the other side into `p`, whose near end is the source if
 * `near_is_src`. *around, unless NULL, grows by what this changes in the
 * checksum of an ICMP error around it.
 */
void translate(struct packet *p, const struct flow *f, bool outward,
               bool near_is_src, uint32_t *around);
/* An address or the IP identification alone; TTL less one. */
void translate_src(struct packet *p, uint32_t addr);
void translate_dst(struct packet *p, uint32_t addr);
void translate_id(struct packet *p, uint16_t id);
void translate_ttl(struct packet *p);

/* ---- icmp_error.c -------------------------------------------------------- */

/* Rewrites an error about a flow's packet; *f is that flow on NAT_PASSED. */
enum nat_counter icmp_error_outbound(struct nat *nat, struct nat_net *net,
                                     struct packet *p, struct flow **f);
/* NAT_in_host: it is about a packet of the host's own. */
enum nat_counter icmp_error_inbound(struct nat *nat, struct packet *p,
                                    struct flow **f);

/* ---- answer.c ------------------------------------------------------------ */

/* To the guest that sent `p`. */
void answer_error(struct nat *nat, struct nat_net *net,
                  const struct packet *p, uint8_t type, uint8_t code,
                  uint32_t rest);
void answer_reset(struct nat *nat, struct nat_net *net,
                  const struct packet *p);

/* ---- fragment.c ---------------------------------------------------------- */

/* What becomes of the later fragments of a datagram. */
struct fragment_fate {
    enum nat_counter what;      /* NAT_PASSED, NAT_in_host, or a drop */
    struct nat_net *net;        /* inbound: where it goes */
    uint32_t src, dst;
    uint16_t id;
};

int fragments_create(struct nat *nat);
void fragments_destroy(struct nat *nat);
/* A later fragment: its datagram's fate; NULL: it is held, or was dropped. */
const struct fragment_fate *fragment_later(struct nat *nat,
                                           const struct nat_net *net,
                                           const struct packet *p);
/*
 * A first fragment, whose addresses and id before translation are `key`'s, had
 * this fate. Held ones follow, by `again`.
 */
void fragment_first(struct nat *nat, struct nat_net *net,
                    const struct packet *key, const struct fragment_fate *fate,
                    void (*again)(struct nat *nat, struct nat_net *net,
                                  uint8_t *ip, size_t len));
/* Forget what is `net`'s, or all. Held ones are dropped. */
void fragment_remove_all(struct nat *nat, const struct nat_net *net);
void fragment_expire(struct nat *nat);
uint64_t fragment_deadline(const struct nat *nat);

#endif
