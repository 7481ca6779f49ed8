/* See hold.h. */
#include "kernel/net/hold.h"

#include "kernel/net/host_ip.h"
#include "kernel/net/port.h"
#include "kernel/net/vlan.h"
#include "kernel/platform.h"

/* Linux busies itself for 10 ms where its NE2000 had an overflow. */
#define PATIENCE_NS 100000000u

/* The guest that all frames from `p` are for, or NULL. */
static struct port *only_guest(const struct port *p)
{
    struct vlan *v = p->vlan;
    struct port *g = v->guests;

    if (!g || g->next_guest || v->nic_count != 1 ||
        host_ip_wanted(&v->bridge))
        return NULL;
    return g->link_off || !netif_is_link_up(&g->netif) ? NULL : g;
}

static unsigned guest_room(struct guest_cable *c)
{
    unsigned room = frame_ring_room(&c->to_guest);
    uint32_t taken = frame_ring_total(&c->to_guest) -
                     frame_ring_used(&c->to_guest);
    struct hold *h = &c->hold;
    uint64_t now;

    if (room) {
        h->full = false;
        return room;
    }
    now = platform_now_ns();
    if (!h->full || h->taken != taken) {
        h->full = true;
        h->taken = taken;
        h->since_ns = now;
    }
    return now - h->since_ns < PATIENCE_NS ? 0 : HOLD_ANY;
}

unsigned hold_room(const struct port *p)
{
    struct port *g = only_guest(p);

    return g ? guest_room(g->cable) : HOLD_ANY;
}
