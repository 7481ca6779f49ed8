/* A physical NIC's side of a port; see port.h and port_impl.h. */
#include "kernel/net/nic_send.h"
#include "kernel/net/port_impl.h"
#include "kernel/platform.h"
#include "lwip/sys.h"

void port_nic_receive(struct nic *nic, struct nic_buf *buf)
{
    struct port *p = nic->upper;
    struct frame *f = port_frame_new(buf->data, buf->len, buf->phys);

    if (!f) {
        p->counters.in_total++;
        p->counters.in_no_memory++;
        buf->free(buf);
        return;
    }
    f->rx = buf;
    port_into_bridge(p, f);
}

/* NULL: it holds what it may, or there is no memory. */
static struct nic_buf *buf_for(struct port *p, struct pbuf *pb)
{
    uint64_t phys;

    if (!nic_watch_takes(&p->watch, p->nic))
        return NULL;
    return port_frame_phys(pb, &phys) ? nic_send_buf(p->nic, pb, phys)
                                      : nic_send_copy(p->nic, pb);
}

err_t port_nic_output(struct netif *netif, struct pbuf *pb)
{
    struct port *p = netif->state;
    struct nic_buf *buf;
    err_t refused = port_refuse_out(p, pb, NIC_MAX_FRAME);

    if (refused != ERR_OK)
        return refused;
    if (!p->nic->link_up) {
        p->counters.out_link_down++;
        return ERR_IF;
    }
    buf = buf_for(p, pb);
    if (!buf || p->nic->ops->transmit(p->nic, buf)) {
        p->counters.out_nic_full++;
        if (buf)
            buf->free(buf);
        return ERR_MEM;
    }
    p->counters.out_frames++;
    p->counters.out_bytes += pb->tot_len;
    return ERR_OK;
}

/* Software ports hold nothing, and know by themselves when to go on. */
static bool is_watched(const struct nic *nic)
{
    return !nic->ops->destroy;
}

unsigned port_nic_room(struct nic *nic) { return hold_room(nic->upper); }

static void set_held(struct port *p, bool held)
{
    if (p->held == held)
        return;
    p->held = held;
    p->counters.in_held += held;
    if (p->nic->ops->hold)
        p->nic->ops->hold(p->nic, held);
}

bool port_nic_poll(struct port *p)
{
    unsigned room = hold_room(p), n;
    bool up;

    set_held(p, !room);
    n = p->nic->ops->poll(p->nic, room < POLL_BUDGET ? room : POLL_BUDGET);
    if (is_watched(p->nic))
        nic_watch_look(&p->watch, p->nic, p->name, sys_now());
    up = p->nic->link_up;
    if (up != !!netif_is_link_up(&p->netif)) {
        platform_log("%s: link %s", p->name, up ? "up" : "down");
        port_plug(p, up);
    }
    return n > 0;
}

bool port_needs_time(const struct port *p)
{
    return p->nic && is_watched(p->nic) &&
           nic_watch_needs_time(&p->watch, p->nic);
}
