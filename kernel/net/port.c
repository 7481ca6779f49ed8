/* See port.h, and port_nic.c for a physical NIC's side. */
#include "kernel/net/port_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/bytes.h"
#include "kernel/net/capture.h"
#include "kernel/net/vlan.h"
#include "kernel/platform.h"
#include "lwip/prot/ethernet.h"
#include "netif/bridgeif.h"

#define ETH_HEADER 14u
enum { TX_RUNT, TX_OVERSIZE };

/* I/O core only. Kept for reuse: as many as were ever in flight at once. */
static struct frame *free_frames;

/* A NIC may still be sending a guest's frame when the guest's port goes. */
static void cable_free_unused(struct guest_cable *c)
{
    if (c->unplugged && !c->under_way)
        free(c);
}

static void frame_free(struct pbuf *p)
{
    struct frame *f = (struct frame *)p;

    if (f->rx)
        f->rx->free(f->rx);
    if (f->cable) {
        frame_ring_free(&f->cable->from_guest, f->slot);
        f->cable->under_way--;
        cable_free_unused(f->cable);
    }
    f->next_free = free_frames;
    free_frames = f;
}

struct frame *port_frame_new(void *data, size_t len, uint64_t phys)
{
    struct frame *f = free_frames;

    if (f)
        free_frames = f->next_free;
    else if (!(f = malloc(sizeof *f)))
        return NULL;
    memset(f, 0, sizeof *f);
    f->phys = phys;
    f->pbuf.custom_free_function = frame_free;
    /* PBUF_REF: the bridge answers pings to itself only with this type. */
    pbuf_alloced_custom(PBUF_RAW, len, PBUF_REF, &f->pbuf, data, len);
    return f;
}

bool port_frame_phys(struct pbuf *p, uint64_t *phys)
{
    struct frame *f = (struct frame *)p;

    if (p->next || !(p->flags & PBUF_FLAG_IS_CUSTOM) ||
        f->pbuf.custom_free_function != frame_free)
        return false;
    *phys = f->phys + ((uint8_t *)p->payload -
                       (f->rx ? f->rx->data
                        : frame_slot(&f->cable->from_guest, f->slot)));
    return true;
}

/* 802.1D-2004 7.12.6: these group addresses are never forwarded. */
static bool is_link_local(const uint8_t *frame)
{
    static const uint8_t prefix[5] = { 0x01, 0x80, 0xc2, 0x00, 0x00 };

    return !memcmp(frame, prefix, 5) && frame[5] < 0x10;
}

void port_into_bridge(struct port *p, struct frame *f)
{
    const uint8_t *data = f->pbuf.pbuf.payload;
    size_t len = f->pbuf.pbuf.tot_len;

    p->counters.in_total++;
    if (p->link_off) {
        p->counters.in_link_off++;
    } else if (len < ETH_HEADER) {
        p->counters.in_runt++;
    } else if (len > NETPORT_MAX_FRAME) {
        p->counters.in_oversize++;
    } else if (is_link_local(data)) {
        p->counters.in_link_local++;
    } else {
        p->counters.in_frames++;
        p->counters.in_bytes += len;
        capture_in(p, p->vlan, &f->pbuf.pbuf);
        if (p->netif.input(&f->pbuf.pbuf, &p->netif) == ERR_OK)
            return;
    }
    pbuf_free(&f->pbuf.pbuf);
}

err_t port_refuse_out(struct port *p, const struct pbuf *pb, size_t max)
{
    p->counters.out_total++;
    if (p->link_off) {
        p->counters.out_link_off++;
        return ERR_IF;
    }
    if (pb->tot_len > max) {
        p->counters.out_oversize++;
        return ERR_VAL;
    }
    capture_out(p, pb);
    return ERR_OK;
}

/* ---- A guest's cable -------------------------------------------------------- */

/* Guest's core. */
static bool cable_tx(void *ctx, const uint8_t *frame, size_t len)
{
    struct guest_cable *c = ctx;
    int slot;

    if (len < ETH_HEADER || len > NETPORT_MAX_FRAME) {
        atomic_fetch_add(&c->tx_refused[len < ETH_HEADER ? TX_RUNT
                                        : TX_OVERSIZE], 1);
        return true;
    }
    slot = frame_ring_alloc(&c->from_guest);
    if (slot < 0)
        return false;
    memcpy(frame_slot(&c->from_guest, slot), frame, len);
    frame_ring_push(&c->from_guest, slot, len);
    if (platform_core_index())
        platform_wake();
    return true;
}

/* Guest's core. */
static size_t cable_rx_peek(void *ctx, const uint8_t **frame)
{
    struct guest_cable *c = ctx;
    int slot = frame_ring_peek(&c->to_guest);

    if (slot < 0)
        return 0;
    *frame = frame_slot(&c->to_guest, slot);
    return c->to_guest.len[slot];
}

/* Guest's core. */
static void cable_rx_done(void *ctx)
{
    struct guest_cable *c = ctx;
    int slot = frame_ring_pop(&c->to_guest);

    if (slot >= 0)
        frame_ring_free(&c->to_guest, slot);
}

/* Guest's core. */
static unsigned cable_rx_lost(void *ctx)
{
    struct guest_cable *c = ctx;
    uint32_t now = atomic_load(&c->rx_lost), n = now - c->rx_lost_told;

    c->rx_lost_told = now;
    return n;
}

static err_t guest_linkoutput(struct netif *netif, struct pbuf *pb)
{
    struct port *p = netif->state;
    struct guest_cable *c = p->cable;
    err_t refused = port_refuse_out(p, pb, NETPORT_MAX_FRAME);
    int slot;

    if (refused != ERR_OK)
        return refused;
    slot = frame_ring_alloc(&c->to_guest);
    if (slot < 0) {
        p->counters.out_guest_full++;
        atomic_fetch_add(&c->rx_lost, 1);
        return ERR_MEM;
    }
    pbuf_copy_partial(pb, frame_slot(&c->to_guest, slot), pb->tot_len, 0);
    frame_ring_push(&c->to_guest, slot, pb->tot_len);
    p->counters.out_frames++;
    p->counters.out_bytes += pb->tot_len;
    return ERR_OK;
}

/*
 * A stock router image bridged onto a live LAN is a second DHCP server there:
 * an IPv4 UDP frame from port 67 to 68 with BOOTP op 2 (RFC 2131). Say so once.
 */
static void watch_dhcp(struct port *p, const uint8_t *f, size_t len)
{
    size_t udp;

    if (p->cable->warned_dhcp || len < ETH_HEADER + 20 + 8 + 1 ||
        f[12] != 0x08 || f[13] != 0x00 || f[14] >> 4 != 4 || f[23] != 17)
        return;
    udp = ETH_HEADER + (f[14] & 15) * 4u;
    if (len < udp + 9 || f[udp] != 0 || f[udp + 1] != 67 || f[udp + 2] != 0 ||
        f[udp + 3] != 68 || f[udp + 8] != 2)
        return;
    p->cable->warned_dhcp = true;
    platform_log("%s answers DHCP on the LAN as %u.%u.%u.%u: a second DHCP "
                 "server there?", p->name, f[26], f[27], f[28], f[29]);
}

/* RFC 826: a sender of ARP tells its own address, or 0.0.0.0 (RFC 5227). */
static void watch_arp(struct port *p, const uint8_t *f, size_t len)
{
    static const uint8_t arp[] = { 8, 6, 0, 1, 8, 0, 6, 4 };
    uint32_t sender;

    if (len < ETH_HEADER + 28 || memcmp(f + 12, arp, sizeof arp))
        return;
    sender = get32(f + ETH_HEADER + 14);
    if (sender)
        p->cable->address = sender;
}

static bool poll_cable(struct port *p)
{
    struct guest_cable *c = p->cable;
    unsigned n = 0;
    int slot;

    while (n < POLL_BUDGET && (slot = frame_ring_pop(&c->from_guest)) >= 0) {
        uint8_t *data = frame_slot(&c->from_guest, slot);
        size_t len = c->from_guest.len[slot];
        struct frame *f = port_frame_new(data, len, c->from_guest.phys +
                                         slot * FRAME_SLOT_BYTES);

        n++;
        if (!f) {
            p->counters.in_total++;
            p->counters.in_no_memory++;
            frame_ring_free(&c->from_guest, slot);
            continue;
        }
        f->cable = c;
        f->slot = slot;
        c->under_way++;
        watch_dhcp(p, data, len);
        watch_arp(p, data, len);
        port_into_bridge(p, f);
    }
    p->counters.in_runt = atomic_load(&c->tx_refused[TX_RUNT]);
    p->counters.in_oversize = atomic_load(&c->tx_refused[TX_OVERSIZE]);
    return n > 0;
}

bool port_poll(struct port *p)
{
    if (p->cable)
        return poll_cable(p);
    return p->nic && port_nic_poll(p);
}

/* ---- Making and removing ----------------------------------------------------- */

/* netif_add's callback; bridgeif wants exactly these flags on a port. */
static err_t port_netif_init(struct netif *netif)
{
    struct port *p = netif->state;

    netif->name[0] = p->nic ? 'n' : 'g';
    netif->name[1] = p->nic ? 'i' : 'u';
    netif->mtu = 1500;
    netif->hwaddr_len = 6;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP |
                   NETIF_FLAG_ETHERNET;
    netif->linkoutput = p->nic ? port_nic_output : guest_linkoutput;
    return ERR_OK;
}

/* bridgeif replaces a port's input by its own when the port is added. */
static err_t refuse_input(struct pbuf *p, struct netif *netif)
{
    return ERR_IF;
}

static int add_to_bridge(struct port *p, struct vlan *vlan,
                         const uint8_t hwaddr[6])
{
    if (!netif_add_noaddr(&p->netif, p, port_netif_init, refuse_input))
        return -ENOMEM;
    memcpy(p->netif.hwaddr, hwaddr, 6);
    if (bridgeif_add_port(&vlan->bridge, &p->netif) != ERR_OK) {
        netif_remove(&p->netif);
        return -ENOSPC;
    }
    p->vlan = vlan;
    p->number = vlan->port_count++;
    netif_set_up(&p->netif);
    return 0;
}

static void take_nic(struct port *p, struct nic *nic)
{
    p->nic = nic;
    snprintf(p->name, sizeof p->name, "%s", nic->label);
    nic->upper = p;
    nic->receive = port_nic_receive;
    nic->room = port_nic_room;
}

int port_add_nic(struct port *p, struct vlan *vlan, struct nic *nic)
{
    int r;

    memset(p, 0, sizeof *p);
    take_nic(p, nic);
    r = add_to_bridge(p, vlan, nic->mac);
    vlan->nic_count += !r;
    return r;
}

void port_attach_nic(struct port *p, struct nic *nic)
{
    memset(&p->counters, 0, sizeof p->counters);
    memset(&p->watch, 0, sizeof p->watch);
    p->link_off = false;
    take_nic(p, nic);
    memcpy(p->netif.hwaddr, nic->mac, 6);
    p->vlan->nic_count++;
}

static void close_nic(struct port *p)
{
    struct nic *nic = p->nic;

    nic->ops->close(nic);
    p->nic = NULL;
    p->held = false;
    p->vlan->nic_count--;
    if (nic->ops->destroy)
        nic->ops->destroy(nic);
}

void port_detach_nic(struct port *p)
{
    capture_forget_port(p);
    port_plug(p, false);
    close_nic(p);
}

int port_add_guest(struct port *p, struct vlan *vlan, const uint8_t mac[6],
                   const char *name)
{
    /* No frame is the host's because of a guest's port. */
    static const uint8_t none[6];
    int r;

    memset(p, 0, sizeof *p);
    snprintf(p->name, sizeof p->name, "%s", name);
    p->cable = calloc(1, sizeof *p->cable);
    if (!p->cable)
        return -ENOMEM;
    if ((r = frame_ring_init(&p->cable->to_guest)) ||
        (r = frame_ring_init(&p->cable->from_guest))) {
        free(p->cable);
        return r;
    }
    p->cable->port = (struct netport){
        .ctx = p->cable, .tx = cable_tx, .rx_peek = cable_rx_peek,
        .rx_done = cable_rx_done, .rx_lost = cable_rx_lost
    };
    memcpy(p->cable->port.mac, mac, 6);
    r = add_to_bridge(p, vlan, none);
    if (r) {
        free(p->cable);
        return r;
    }
    p->next_guest = vlan->guests;
    vlan->guests = p;
    port_plug(p, true);
    return 0;
}

static void forget_guest(const struct port *p)
{
    struct port **at = &p->vlan->guests;

    while (*at != p)
        at = &(*at)->next_guest;
    *at = p->next_guest;
}

void port_plug(struct port *p, bool in)
{
    if (in) {
        netif_set_link_up(&p->netif);
        return;
    }
    netif_set_link_down(&p->netif);
    fdb_forget_port(p->vlan->fdb, p->number);
}

void port_set_link(struct port *p, bool on)
{
    p->link_off = !on;
    if (!on)
        fdb_forget_port(p->vlan->fdb, p->number);
}

bool port_inject(struct port *p, const uint8_t *frame, size_t len)
{
    struct pbuf *pb = p->link_off ? NULL : pbuf_alloc(PBUF_RAW, len, PBUF_RAM);

    p->counters.in_total++;
    if (!pb) {
        p->counters.in_link_off += p->link_off;
        p->counters.in_no_memory += !p->link_off;
        return false;
    }
    p->counters.in_frames++;
    p->counters.in_bytes += len;
    pbuf_take(pb, frame, len);
    capture_in(p, p->vlan, pb);
    if (p->netif.input(pb, &p->netif) != ERR_OK)
        pbuf_free(pb);
    return true;
}

void port_remove(struct port *p)
{
    capture_forget_port(p);
    netif_set_down(&p->netif);
    netif_remove(&p->netif);
    if (p->nic)
        close_nic(p);
    if (p->cable) {
        forget_guest(p);
        p->cable->unplugged = true;
        cable_free_unused(p->cable);
        p->cable = NULL;
    }
}
