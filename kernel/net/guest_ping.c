/* See guest_ping.h. */
#include "kernel/net/guest_ping.h"

#include <errno.h>
#include <string.h>

#include "kernel/net/bytes.h"
#include "kernel/net/host_ip.h"
#include "kernel/net/icmp_types.h"
#include "kernel/net/net_impl.h"
#include "kernel/net/user/user_net.h"
#include "lwip/ip4.h"
#include "lwip/prot/ip.h"

#define IP_BYTES 20u
#define TTL 64u

static struct guest_ping *all;

void guest_ping_open(struct guest_ping *p)
{
    *p = (struct guest_ping){ .next = all };
    all = p;
}

void guest_ping_close(struct guest_ping *p)
{
    struct guest_ping **at = &all;

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
}

void guest_ping_forget(struct guest_ping *p)
{
    p->waits = p->answered = false;
}

bool guest_ping_answered(const struct guest_ping *p, uint32_t *from)
{
    *from = p->addr;
    return p->answered;
}

/* ---- Where it goes ------------------------------------------------------- */

/* Trestle's address on that LAN; false: it has none there. */
static bool has_address(struct netif *lan)
{
    return host_ip_wanted(lan) && !ip4_addr_isany(netif_ip4_addr(lan));
}

bool guest_ping_can(const struct net *net)
{
    for (unsigned i = 0; i < net->port_count; i++)
        if (has_address(&net->ports[i].vlan->bridge))
            return true;
    return false;
}

/* A LAN of the machine's with Trestle's own address in `addr`'s network. */
static struct netif *find_lan(const struct net *net, uint32_t addr)
{
    const ip4_addr_t a = { lwip_htonl(addr) };

    for (unsigned i = 0; i < net->port_count; i++) {
        struct netif *lan = &net->ports[i].vlan->bridge;

        if (has_address(lan) &&
            ip4_addr_netcmp(&a, netif_ip4_addr(lan), netif_ip4_netmask(lan)))
            return lan;
    }
    return NULL;
}

static void make_echo(uint8_t echo[GUEST_PING_BYTES])
{
    memset(echo, 0, GUEST_PING_BYTES);
    echo[0] = ICMP_ECHO;
    for (unsigned i = 4; i < GUEST_PING_BYTES; i += 4)
        put32(echo + i, net_random());
    put16(echo + 2, checksum(echo, GUEST_PING_BYTES));
}

static int send_on_lan(const struct guest_ping *ping, struct netif *lan)
{
    ip4_addr_t to = { lwip_htonl(ping->addr) };
    struct pbuf *p = pbuf_alloc(PBUF_IP, GUEST_PING_BYTES, PBUF_RAM);
    err_t e;

    if (!p)
        return -ENOMEM;
    memcpy(p->payload, ping->echo, GUEST_PING_BYTES);
    e = ip4_output_if(p, netif_ip4_addr(lan), &to, TTL, 0, IP_PROTO_ICMP, lan);
    pbuf_free(p);
    return e == ERR_OK ? 0 : -EIO;
}

/* 0, or -ENETUNREACH: `addr` is on none of them. */
static int send_to(struct guest_ping *p, const struct net *net, uint32_t addr)
{
    struct netif *lan = find_lan(net, addr);
    struct user_net *un = net_user(net, NULL);
    int r = -ENETUNREACH;

    p->addr = addr;
    make_echo(p->echo);
    if (lan)
        r = send_on_lan(p, lan);
    else if (un && user_net_has(un, addr))
        r = user_net_ping(un, addr, p->echo, GUEST_PING_BYTES);
    p->waits = !r;
    return r;
}

int guest_ping_send(struct guest_ping *p, const struct net *net, uint32_t addr)
{
    struct user_net *un = net_user(net, NULL);
    int r = -EADDRNOTAVAIL;

    guest_ping_forget(p);
    /* A client of DHCP may say nothing else for long. */
    if (!addr && un)
        addr = user_net_first_lease(un);
    if (addr)
        return send_to(p, net, addr);
    for (unsigned i = 0; i < net->port_count && r; i++)
        if (net->ports[i].cable->address)
            r = send_to(p, net, net->ports[i].cable->address);
    return r;
}

/* ---- Answers ------------------------------------------------------------- */

/* RFC 792: type 0, and all the rest as it was sent. */
static bool is_answer(const struct guest_ping *p, uint32_t from,
                      const uint8_t *echo)
{
    return p->waits && from == p->addr && echo[0] == ICMP_ECHO_REPLY &&
           !echo[1] && !memcmp(echo + 4, p->echo + 4, GUEST_PING_BYTES - 4) &&
           !checksum(echo, GUEST_PING_BYTES);
}

bool guest_ping_take(const uint8_t *ip, size_t n)
{
    size_t header = n ? (ip[0] & 15) * 4u : 0;

    if (header < IP_BYTES || n < header + GUEST_PING_BYTES || ip[0] >> 4 != 4 ||
        get16(ip + 2) != header + GUEST_PING_BYTES ||
        get16(ip + 6) & 0x3fff || ip[9] != IP_PROTO_ICMP)
        return false;
    for (struct guest_ping *p = all; p; p = p->next)
        if (is_answer(p, get32(ip + 12), ip + header)) {
            p->answered = true;
            p->waits = false;
            return true;
        }
    return false;
}

void guest_ping_look(struct pbuf *p)
{
    uint8_t ip[60 + GUEST_PING_BYTES];

    if (all)
        guest_ping_take(ip, pbuf_copy_partial(p, ip, sizeof ip, 0));
}
