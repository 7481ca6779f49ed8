/* See host_ip.h. */
#include "kernel/net/host_ip.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/bytes.h"
#include "kernel/net/guest_ping.h"
#include "kernel/net/lwip_hooks.h"
#include "kernel/platform.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/ip.h"
#include "lwip/ip4_addr.h"

static const char host_name[] = "trestle";      /* for the DHCP server */

/* What the DHCP server told; a netif's client data. */
struct nameservers {
    uint32_t addr[DNS_MAX_SERVERS];
};

static u8_t client_data_id(void)
{
    static bool made;
    static u8_t id;

    if (!made)
        id = netif_alloc_client_data_id();
    made = true;
    return id;
}

/*
 * lwIP's DHCP client asks for name servers only for lwIP's own resolver
 * (LWIP_DNS). That is not linked; these three functions stand for it.
 */
void dns_init(void) { }
void dns_tmr(void) { }

/* From the acknowledgement of a lease, from the first one on. */
void dns_setserver(u8_t i, const ip_addr_t *addr)
{
    struct nameservers *n = netif_get_client_data(ip_current_input_netif(),
                                                  client_data_id());

    if (!n || i >= DNS_MAX_SERVERS)
        return;
    if (i == 0)
        memset(n, 0, sizeof *n);
    n->addr[i] = lwip_ntohl(ip4_addr_get_u32(ip_2_ip4(addr)));
}

unsigned host_ip_nameservers(const struct netif *bridge, uint32_t *out,
                             unsigned max)
{
    const struct nameservers *n = netif_get_client_data(bridge,
                                                        client_data_id());
    unsigned count = 0;

    for (unsigned i = 0; n && i < DNS_MAX_SERVERS && count < max; i++)
        if (n->addr[i])
            out[count++] = n->addr[i];
    return count;
}

/* The name servers of a lease go with it: the next one may tell of none. */
static void forget_nameservers(struct netif *netif)
{
    struct nameservers *n = netif_get_client_data(netif, client_data_id());

    if (n)
        memset(n, 0, sizeof *n);
}

static void report_address(struct netif *netif)
{
    char text[IP4ADDR_STRLEN_MAX];

    if (ip4_addr_isany(netif_ip4_addr(netif))) {
        forget_nameservers(netif);
        return;
    }
    ip4addr_ntoa_r(netif_ip4_addr(netif), text, sizeof text);
    platform_log("Trestle's own address on the LAN: %s", text);
}

static int set_address(struct netif *bridge, const char *setting)
{
    unsigned a, b, c, d, bits;
    ip4_addr_t addr, mask, gateway = { 0 };

    if (!strcmp(setting, "dhcp"))
        return dhcp_start(bridge) == ERR_OK ? 0 : -ENOMEM;
    if (sscanf(setting, "%3u.%3u.%3u.%3u/%2u", &a, &b, &c, &d, &bits) != 5 ||
        bits < 1 || bits > 30)
        return -EINVAL;
    IP4_ADDR(&addr, a, b, c, d);
    mask.addr = lwip_htonl(~0u << (32 - bits));
    netif_set_addr(bridge, &addr, &mask, &gateway);
    return 0;
}

int host_ip_start(struct netif *bridge, const char *setting)
{
    int r;

    if (!netif_get_client_data(bridge, client_data_id()))
        netif_set_client_data(bridge, client_data_id(),
                              calloc(1, sizeof(struct nameservers)));
    netif_set_status_callback(bridge, report_address);
    /* The mark that host_ip_wanted looks for. */
    bridge->hostname = host_name;
    /* What is not on this LAN goes by its gateway, if it has one. */
    if (!netif_default)
        netif_set_default(bridge);
    r = set_address(bridge, setting);
    if (r)
        host_ip_stop(bridge);
    return r;
}

/* In the place of one without an address: the oldest LAN that has one. */
static void replace_default(const struct netif *old)
{
    struct netif *netif, *found = NULL;

    if (netif_default != old)
        return;
    NETIF_FOREACH(netif)
        if (host_ip_wanted(netif))
            found = netif;
    netif_set_default(found);
}

void host_ip_stop(struct netif *bridge)
{
    ip4_addr_t none = { 0 };

    netif_set_status_callback(bridge, NULL);
    if (netif_dhcp_data(bridge)) {
        dhcp_release_and_stop(bridge);
        dhcp_cleanup(bridge);
    }
    netif_set_addr(bridge, &none, &none, &none);
    bridge->hostname = NULL;
    replace_default(bridge);
    free(netif_get_client_data(bridge, client_data_id()));
    netif_set_client_data(bridge, client_data_id(), NULL);
}

void host_ip_set_gateway(struct netif *bridge, uint32_t gateway)
{
    ip4_addr_t addr = { .addr = lwip_htonl(gateway) };

    netif_set_gw(bridge, &addr);
}

bool host_ip_wanted(const struct netif *bridge)
{
    return bridge->hostname == host_name;
}

/*
 * 240.0.0.0/4 but for the limited broadcast: no host has such an address (RFC
 * 1112 4), and inside.c has some for itself.
 */
static bool is_reserved(uint32_t addr)
{
    return addr >= 0xf0000000u && addr != 0xffffffffu;
}

static bool has_reserved(struct pbuf *p)
{
    uint8_t ip[IP_HLEN];

    return pbuf_copy_partial(p, ip, sizeof ip, 0) == sizeof ip &&
           (is_reserved(get32(ip + 12)) || is_reserved(get32(ip + 16)));
}

/*
 * A frame lies in a NIC's receive buffer or a guest's slot, and may be on its
 * way to others. lwIP writes into what it is given, and keeps some of it for
 * long (fragments, TCP's segments out of order): so it gets a copy.
 */
int host_ip_input(struct pbuf *p, struct netif *netif)
{
    static const struct pbuf *copy;     /* has been here as a frame */
    struct pbuf *own;

    if (p == copy)
        return 0;
    /* A bridge's, as inside.c's own has no Ethernet. */
    if (netif->flags & NETIF_FLAG_ETHERNET && has_reserved(p)) {
        pbuf_free(p);
        return 1;
    }
    guest_ping_look(p);
    if (nat_outside_input(p, netif))
        return 1;
    if (!(p->flags & PBUF_FLAG_IS_CUSTOM))
        return 0;
    own = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
    copy = own;
    if (own)
        ip4_input(own, netif);
    copy = NULL;
    pbuf_free(p);
    return 1;
}
