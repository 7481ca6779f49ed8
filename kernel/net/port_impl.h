/* What the parts of port.h share: frames inside lwIP, and the two ways. */
#ifndef KERNEL_NET_PORT_IMPL_H
#define KERNEL_NET_PORT_IMPL_H

#include "kernel/net/port.h"
#include "lwip/pbuf.h"

#define POLL_BUDGET 64u

/*
 * A frame inside lwIP: a custom pbuf over memory that somebody else owns - a
 * NIC's receive buffer or a guest's slot.
 */
struct frame {
    struct pbuf_custom pbuf;    /* first: lwIP hands back a pointer to it */
    struct nic_buf *rx;         /* a NIC's buffer, or NULL */
    struct guest_cable *cable;  /* a guest's slot, or NULL */
    unsigned slot;
    uint64_t phys;
    struct frame *next_free;
};

/* Neither a NIC's nor a guest's yet. NULL: no memory. */
struct frame *port_frame_new(void *data, size_t len, uint64_t phys);
/*
 * The bus address of a pbuf's bytes if it is one of our frames; else false.
 * lwIP's own pbufs (the host's ARP, DHCP, ping) lie in the heap.
 */
bool port_frame_phys(struct pbuf *p, uint64_t *phys);

/* The bridge takes `f`, or it is freed here and counted. */
void port_into_bridge(struct port *p, struct frame *f);
/* A frame wants out at `p`: count it, and what no port of that kind takes. */
err_t port_refuse_out(struct port *p, const struct pbuf *pb, size_t max);

/* ---- A physical NIC (port_nic.c) ------------------------------------------ */

void port_nic_receive(struct nic *nic, struct nic_buf *buf);
err_t port_nic_output(struct netif *netif, struct pbuf *pb);
bool port_nic_poll(struct port *p);
/* struct nic's `room`. */
unsigned port_nic_room(struct nic *nic);

#endif
