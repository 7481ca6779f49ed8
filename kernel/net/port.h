/*
 * A port of a bridge: lwIP's netif on one side, a guest's NE2000 cable or a
 * physical NIC on the other. No frame is copied on the way from a NIC's
 * receive buffer or a guest's slot to a NIC; one copy goes into a guest's slot.
 */
#ifndef KERNEL_NET_PORT_H
#define KERNEL_NET_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/net/nic.h"
#include "emu/netport.h"
#include "kernel/net/frame_ring.h"
#include "kernel/net/hold.h"
#include "kernel/net/nic_watch.h"
#include "lwip/netif.h"

struct vlan;

/*
 * What came is in_total (with tx_refused of a cable): in_frames and the in_*
 * below it add up to that, and the same way out.
 */
struct port_counters {
    uint64_t in_total, out_total;
    uint64_t in_frames, in_bytes;       /* into the bridge */
    uint64_t out_frames, out_bytes;     /* out of the bridge */
    uint64_t in_runt;                   /* shorter than an Ethernet header */
    uint64_t in_oversize;               /* longer than 1518 without FCS */
    uint64_t in_link_local;             /* 01:80:C2:00:00:0x: not forwarded */
    uint64_t in_no_memory;              /* no pbuf or slot to hold it */
    uint64_t in_link_off;               /* set_link off */
    uint64_t in_held;                   /* times the NIC was not read, as the
                                           guest had no room; nothing is lost */
    uint64_t out_guest_full;            /* the guest does not read */
    uint64_t out_nic_full;              /* the NIC does not send */
    uint64_t out_link_down;
    uint64_t out_link_off;              /* set_link off */
    uint64_t out_oversize;              /* longer than 1518 without FCS */
};

struct guest_cable {
    struct netport port;
    struct frame_ring to_guest, from_guest;
    _Atomic uint64_t tx_refused[2];     /* guest core: runt, oversize */
    _Atomic uint32_t rx_lost;           /* for the NE2000's overflow */
    uint32_t rx_lost_told;
    bool warned_dhcp;                   /* seen answering DHCP on the LAN */
    uint32_t address;                   /* of the guest, as it last told by ARP,
                                           or 0; host byte order */
    struct hold hold;
    unsigned under_way;                 /* frames of it that are still held */
    bool unplugged;                     /* its port is gone: the last frees it */
};

struct port {
    struct netif netif;
    char name[48];
    unsigned number;            /* on its bridge, as the FDB counts */
    struct vlan *vlan;
    bool link_off;              /* set_link: no frame passes */
    struct nic *nic;                    /* a physical port, or NULL */
    struct nic_watch watch;             /* of the NIC */
    struct guest_cable *cable;          /* a guest's port, or NULL */
    struct port *next_guest;            /* of its vlan's */
    bool held;                  /* its NIC is not read: see hold.h */
    struct port_counters counters;
};

/*
 * Make a port and plug it into `vlan`. 0 or negative errno (-ENOSPC: the
 * bridge has no port left). `name` is copied.
 */
int port_add_nic(struct port *p, struct vlan *vlan, struct nic *nic);
int port_add_guest(struct port *p, struct vlan *vlan, const uint8_t mac[6],
                   const char *name);
void port_remove(struct port *p);
/* Its cable is in, or out: then the bridge sends nothing to it. */
void port_plug(struct port *p, bool in);
/*
 * The administrator's switch (set_link): off, no frame passes either way, and
 * each is counted.
 */
void port_set_link(struct port *p, bool on);

/*
 * lwIP's bridges never give a port back. So one whose NIC goes stays, empty
 * (nic is NULL), until it is given another.
 */
void port_detach_nic(struct port *p);
void port_attach_nic(struct port *p, struct nic *nic);

/* A frame of `len` bytes as if it had come in at `p`, counted as such. False:
 * no memory, or the link is off. */
bool port_inject(struct port *p, const uint8_t *frame, size_t len);

/* Move what waits into the bridge. True: something was moved. */
bool port_poll(struct port *p);
/* It is to be polled within a second though nothing happens: its NIC does not
 * answer, or has not sent what it was given. */
bool port_needs_time(const struct port *p);

#endif
