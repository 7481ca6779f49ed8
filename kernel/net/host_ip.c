/* See host_ip.h. */
#include "kernel/net/host_ip.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/platform.h"
#include "lwip/dhcp.h"
#include "lwip/ip4_addr.h"

static const char host_name[] = "trestle";      /* for the DHCP server */

static void report_address(struct netif *netif)
{
    char text[IP4ADDR_STRLEN_MAX];

    if (ip4_addr_isany(netif_ip4_addr(netif)))
        return;
    ip4addr_ntoa_r(netif_ip4_addr(netif), text, sizeof text);
    platform_log("Trestle's own address on the LAN: %s", text);
}

int host_ip_start(struct netif *bridge, const char *setting)
{
    unsigned a, b, c, d, bits;
    ip4_addr_t addr, mask, gateway = { 0 };

    netif_set_status_callback(bridge, report_address);
    /* The mark that host_ip_wanted looks for. */
    bridge->hostname = host_name;
    /* What is not on this LAN goes by its gateway, if it has one. */
    if (!netif_default)
        netif_set_default(bridge);
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

void host_ip_stop(struct netif *bridge)
{
    if (netif_dhcp_data(bridge))
        dhcp_cleanup(bridge);
}

bool host_ip_wanted(const struct netif *bridge)
{
    return bridge->hostname == host_name;
}
