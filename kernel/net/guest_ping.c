/* See guest_ping.h. */
#include "kernel/net/guest_ping.h"

#include <string.h>

#include "kernel/net/bytes.h"
#include "kernel/net/host_ip.h"
#include "kernel/net/icmp_types.h"
#include "kernel/net/net_impl.h"
#include "lwip/ip4.h"
#include "lwip/prot/ip.h"

#define IP_BYTES 20u
#define ECHO_BYTES 16u          /* header, and what nobody else knows */
#define TTL 64u

/* Of the last one that was sent. */
static struct {
    bool waits, answered;
    uint32_t addr;
    uint8_t echo[ECHO_BYTES];
} sent;

/* Its address, host byte order, and the LAN where that is; or NULL. */
static struct netif *find_lan(const struct net *net, uint32_t *addr)
{
    for (unsigned i = 0; i < net->port_count; i++) {
        const struct port *p = &net->ports[i];
        struct netif *lan = &p->vlan->bridge;
        const ip4_addr_t a = { lwip_htonl(p->cable->address) };

        if (p->cable->address && host_ip_wanted(lan) &&
            !ip4_addr_isany(netif_ip4_addr(lan)) &&
            ip4_addr_netcmp(&a, netif_ip4_addr(lan), netif_ip4_netmask(lan))) {
            *addr = p->cable->address;
            return lan;
        }
    }
    return NULL;
}

static void make_echo(void)
{
    memset(sent.echo, 0, sizeof sent.echo);
    sent.echo[0] = ICMP_ECHO;
    for (unsigned i = 4; i < ECHO_BYTES; i += 4)
        put32(sent.echo + i, net_random());
    put16(sent.echo + 2, checksum(sent.echo, sizeof sent.echo));
}

bool guest_ping_send(const struct net *net)
{
    struct netif *lan = find_lan(net, &sent.addr);
    ip4_addr_t to = { lwip_htonl(sent.addr) };
    struct pbuf *p;
    err_t e;

    guest_ping_forget();
    if (!lan)
        return false;
    p = pbuf_alloc(PBUF_IP, ECHO_BYTES, PBUF_RAM);
    if (!p)
        return false;
    make_echo();
    memcpy(p->payload, sent.echo, ECHO_BYTES);
    e = ip4_output_if(p, netif_ip4_addr(lan), &to, TTL, 0, IP_PROTO_ICMP, lan);
    pbuf_free(p);
    sent.waits = e == ERR_OK;
    return sent.waits;
}

bool guest_ping_answered(uint32_t *from)
{
    *from = sent.addr;
    return sent.answered;
}

void guest_ping_forget(void) { sent.waits = sent.answered = false; }

/* RFC 792: type 0, and all the rest as it was sent. */
void guest_ping_look(struct pbuf *p)
{
    uint8_t ip[60 + ECHO_BYTES], *echo;
    size_t header, n;

    if (!sent.waits)
        return;
    n = pbuf_copy_partial(p, ip, sizeof ip, 0);
    header = n ? (ip[0] & 15) * 4u : 0;
    if (header < IP_BYTES || n < header + ECHO_BYTES || ip[0] >> 4 != 4 ||
        get16(ip + 2) != header + ECHO_BYTES || get16(ip + 6) & 0x3fff ||
        ip[9] != IP_PROTO_ICMP || get32(ip + 12) != sent.addr)
        return;
    echo = ip + header;
    if (echo[0] != ICMP_ECHO_REPLY || echo[1] ||
        memcmp(echo + 4, sent.echo + 4, ECHO_BYTES - 4) ||
        checksum(echo, ECHO_BYTES))
        return;
    sent.answered = true;
    sent.waits = false;
}
