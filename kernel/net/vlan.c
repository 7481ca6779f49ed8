/* See vlan.h. */
#include "kernel/net/vlan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/capture.h"
#include "kernel/net/host_ip.h"
#include "lwip/pbuf.h"
#include "netif/bridgeif.h"
#include "netif/ethernet.h"

#define FDB_ENTRIES 4096u

/*
 * Frames for the host. Without an address of its own (-net bridge,ip=) it
 * takes part in nothing.
 */
static err_t bridge_input(struct pbuf *p, struct netif *netif)
{
    if (host_ip_wanted(netif))
        return ethernet_input(p, netif);
    pbuf_free(p);
    return ERR_OK;
}

/* The host's own frames, which come in at no port, are captured here. */
static err_t host_output(struct netif *netif, struct pbuf *p)
{
    struct vlan *v = (struct vlan *)((char *)netif -
                                     offsetof(struct vlan, bridge));

    if (capture_count)
        capture_at_vlan(v, p);
    return v->send(netif, p);
}

static err_t no_output(struct netif *netif, struct pbuf *p)
{
    return ERR_IF;
}

void vlan_silence(struct vlan *v)
{
    v->bridge.linkoutput = no_output;
}

int vlan_init(struct vlan *v, unsigned number)
{
    /* Until a NIC lends its address: locally administered, by VLAN number. */
    bridgeif_initdata_t init = BRIDGEIF_INITDATA1(
        BRIDGEIF_MAX_PORTS, FDB_ENTRIES, 0,
        ETH_ADDR(0x02, 0x54, 0x52, 0x53, 0x00, 0x00));

    init.ethaddr.addr[4] = number >> 8;
    init.ethaddr.addr[5] = number;
    memset(v, 0, sizeof *v);
    if (!netif_add_noaddr(&v->bridge, &init, bridgeif_init, bridge_input))
        return -ENOMEM;
    v->fdb = fdb_last_made();
    v->send = v->bridge.linkoutput;
    v->bridge.linkoutput = host_output;
    netif_set_up(&v->bridge);
    return 0;
}

void vlan_fini(struct vlan *v)
{
    /* bridgeif keeps its own record in netif->state, made by mem_calloc. */
    void *own = v->bridge.state;

    capture_forget_vlan(v);
    host_ip_stop(&v->bridge);
    netif_remove(&v->bridge);
    free(own);
    free(v->fdb);
}

void vlan_set_hwaddr(struct vlan *v, const uint8_t mac[6])
{
    memcpy(v->bridge.hwaddr, mac, 6);
}
