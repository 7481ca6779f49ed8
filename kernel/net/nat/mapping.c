/* Outside ports: who has one, and how a new one is chosen. */
#include "kernel/net/nat/nat_impl.h"

static uint64_t *ports_of(struct nat *nat, uint8_t protocol)
{
    return nat->ports[protocol == PROTO_TCP ? PORTS_TCP
                      : protocol == PROTO_UDP ? PORTS_UDP : PORTS_ICMP];
}

static bool in_range(uint16_t port)
{
    return port >= NAT_PORT_FIRST && port <= NAT_PORT_LAST;
}

bool port_is_taken(const struct nat *nat, uint8_t protocol, uint16_t port)
{
    const uint64_t *ports = ports_of((struct nat *)nat, protocol);
    unsigned i = port - NAT_PORT_FIRST;

    return in_range(port) && (ports[i / 64] >> i % 64 & 1);
}

void port_take(struct nat *nat, uint8_t protocol, uint16_t port)
{
    unsigned i = port - NAT_PORT_FIRST;

    if (in_range(port))
        ports_of(nat, protocol)[i / 64] |= 1ull << i % 64;
}

void port_release(struct nat *nat, uint8_t protocol, uint16_t port)
{
    unsigned i = port - NAT_PORT_FIRST;

    if (in_range(port))
        ports_of(nat, protocol)[i / 64] &= ~(1ull << i % 64);
}

/* A free one among those in `allowed`, from a random place on (RFC 6056). */
static unsigned find_port(struct nat *nat, uint8_t protocol, uint64_t allowed)
{
    const uint64_t *ports = ports_of(nat, protocol);
    uint32_t r = nat->ops->random();
    unsigned words = PORT_COUNT / 64, turn = r >> 16 & 63;

    for (unsigned i = 0; i < words; i++) {
        unsigned w = (r + i) % words;
        uint64_t free = ~ports[w] & allowed, turned;

        if (!free)
            continue;
        turned = free >> turn | free << (64 - turn) % 64;
        return NAT_PORT_FIRST + w * 64 +
               (__builtin_ctzll(turned) + turn) % 64;
    }
    return 0;
}

/*
 * RFC 4787 REQ-3: no port is given to two at once. REQ-4: UDP's stay even or
 * odd, as RTP likes it, as long as there are such.
 */
static unsigned choose_port(struct nat *nat, uint8_t protocol, uint16_t inside)
{
    const uint64_t even = 0x5555555555555555ull;
    unsigned port = 0;

    if (protocol == PROTO_UDP)
        port = find_port(nat, protocol, inside & 1 ? ~even : even);
    return port ? port : find_port(nat, protocol, ~0ull);
}

static struct mapping **chain_of(struct nat *nat, const struct nat_net *net,
                                 uint8_t protocol, uint32_t addr,
                                 uint16_t port)
{
    return &nat->mapped[nat_hash(nat, addr, port, net - nat->nets, protocol)];
}

struct mapping *mapping_get(struct nat *nat, struct nat_net *net,
                            uint8_t protocol, uint32_t addr, uint16_t port)
{
    struct mapping **chain = chain_of(nat, net, protocol, addr, port);
    struct mapping *m = *chain;
    unsigned outside;

    while (m && !(m->net == net && m->protocol == protocol &&
                  m->addr == addr && m->port == port))
        m = m->next;
    if (m)
        return m;
    outside = choose_port(nat, protocol, port);
    if (!outside || !nat->free_mappings)
        return NULL;
    m = nat->free_mappings;
    nat->free_mappings = m->next;
    *m = (struct mapping){ net, addr, port, outside, protocol, 0, *chain };
    *chain = m;
    port_take(nat, protocol, outside);
    return m;
}

void mapping_put(struct nat *nat, struct mapping *m)
{
    struct mapping **at;

    if (m->flows && --m->flows)
        return;
    at = chain_of(nat, m->net, m->protocol, m->addr, m->port);
    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    port_release(nat, m->protocol, m->outside_port);
    m->net = NULL;
    m->next = nat->free_mappings;
    nat->free_mappings = m;
}
