/* The network's text for the monitor: see net_format in net.h. */
#include "emu/textbuf.h"
#include "kernel/net/arch/cc.h"
#include "kernel/net/fdb.h"
#include "kernel/net/net_impl.h"
#include "kernel/net/uplink.h"

static void add_counter(struct textbuf *t, const char *name, uint64_t n)
{
    if (n)
        text_add(t, "    %s=%llu\n", name, (unsigned long long)n);
}

/* What a guest sent and its core refused never came to the port. */
static uint64_t refused_by_cable(const struct port *p)
{
    uint64_t n = 0;

    for (int i = 0; p->cable && i < 2; i++)
        n += atomic_load(&p->cable->tx_refused[i]);
    return n;
}

static void add_own_counters(struct textbuf *t, const struct nic *nic)
{
    const char *name;
    uint64_t value;

    for (unsigned i = 0; nic->ops->counter &&
                         (name = nic->ops->counter(nic, i, &value)); i++)
        add_counter(t, name, value);
}

static void add_port_counters(struct textbuf *t, const struct port *p)
{
    const struct port_counters *c = &p->counters;

    text_add(t, "    in=%llu (%llu bytes) out=%llu (%llu bytes)\n",
        (unsigned long long)c->in_frames, (unsigned long long)c->in_bytes,
        (unsigned long long)c->out_frames, (unsigned long long)c->out_bytes);
    text_add(t, "    in_total=%llu out_total=%llu\n",
        (unsigned long long)c->in_total + refused_by_cable(p),
        (unsigned long long)c->out_total);
    add_counter(t, "in_runt", c->in_runt);
    add_counter(t, "in_oversize", c->in_oversize);
    add_counter(t, "in_link_local", c->in_link_local);
    add_counter(t, "in_no_memory", c->in_no_memory);
    add_counter(t, "in_link_off", c->in_link_off);
    add_counter(t, "in_held", c->in_held);
    add_counter(t, "out_guest_full", c->out_guest_full);
    add_counter(t, "out_nic_full", c->out_nic_full);
    add_counter(t, "out_link_down", c->out_link_down);
    add_counter(t, "out_link_off", c->out_link_off);
    add_counter(t, "out_oversize", c->out_oversize);
    if (p->nic) {
        add_counter(t, "nic_rx_no_buffer", p->nic->counters.rx_no_buffer);
        add_counter(t, "nic_rx_errors", p->nic->counters.rx_errors);
        add_counter(t, "nic_rx_oversize", p->nic->counters.rx_oversize);
        add_counter(t, "nic_tx_ring_full", p->nic->counters.tx_ring_full);
        add_counter(t, "nic_tx_errors", p->nic->counters.tx_errors);
        add_counter(t, "nic_resets_unanswered",
                    p->nic->counters.resets_unanswered);
        add_counter(t, "nic_dma_unstopped", p->nic->counters.dma_unstopped);
        add_counter(t, "nic_tx_hangs", p->watch.hangs);
        add_counter(t, "nic_lost", p->watch.lost);
        add_counter(t, "nic_opened_again", p->watch.opened);
        add_own_counters(t, p->nic);
    }
}

static void add_mac(struct textbuf *t, const uint8_t *m)
{
    text_add(t, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
        m[5]);
}

/* `id` is its name for the machine, or NULL. */
static void add_port(struct textbuf *t, const struct port *p, const char *id)
{
    text_add(t, "  %s macaddr=", p->nic ? p->name : "ne2000 pci");
    add_mac(t, p->nic ? p->nic->mac : p->cable->port.mac);
    if (id)
        text_add(t, " id=%s", id);
    if (p->link_off)
        text_add(t, " link=off");
    else if (p->nic)
        text_add(t, " link=%s", p->nic->link_up ? "up" : "down");
    text_add(t, "\n");
    add_port_counters(t, p);
}

/* The machine's name of an uplink; NULL: another machine brought it along. */
static const char *cable_id(const struct net *net, const struct uplink *u)
{
    for (unsigned i = 0; i < net->cable_count; i++)
        if (net->cables[i].uplink == u)
            return net->cables[i].id;
    return NULL;
}

/* Numbers above vlan='s are netdevs', and a NIC's that is at none. */
static void add_head(struct textbuf *t, const struct net *net, unsigned number)
{
    if (number <= OPTIONS_VLAN_MAX) {
        text_add(t, "VLAN %u devices:\n", number);
        return;
    }
    for (unsigned i = 0; i < net->cable_count; i++)
        if (net->cables[i].vlan == number) {
            text_add(t, "netdev %s devices:\n", net->cables[i].id);
            return;
        }
    text_add(t, "no netdev, devices:\n");
}

int net_format(const struct net *net, char *buf, size_t size)
{
    struct textbuf t = { buf, size, 0 };

    for (unsigned v = 0; v < net->vlan_count; v++) {
        const struct net_vlan *nv = &net->vlans[v];

        add_head(&t, net, nv->number);
        for (unsigned i = 0; i < net->port_count; i++)
            if (net->ports[i].vlan == nv->vlan)
                add_port(&t, &net->ports[i], net->option[i]->id);
        for (struct uplink *u = uplink_next(NULL); u; u = uplink_next(u))
            if (u->vlan == nv->vlan)
                add_port(&t, &u->port, cable_id(net, u));
        if (nv->vlan->users > 1)
            text_add(&t, "  shared by %u machines\n", nv->vlan->users);
    }
    return t.wanted;
}

/* All ports of a bridge, whichever machine they belong to. */
static void add_bridge_ports(struct textbuf *t, const struct vlan *v)
{
    for (struct uplink *u = uplink_next(NULL); u; u = uplink_next(u))
        if (u->vlan == v)
            text_add(t, "  %u %s\n", u->port.number, u->port.name);
    for (const struct net *n = net_all(); n; n = n->next)
        for (unsigned i = 0; i < n->port_count; i++)
            if (n->ports[i].vlan == v)
                text_add(t, "  %u %s\n", n->ports[i].number, n->ports[i].name);
}

int net_format_bridge(const struct net *net, char *buf, size_t size)
{
    struct textbuf t = { buf, size, 0 };

    for (unsigned v = 0; v < net->vlan_count; v++) {
        const struct vlan *vlan = net->vlans[v].vlan;
        const struct fdb_entry *e;
        size_t cursor = 0;

        text_add(&t, "bridge of VLAN %u, ports:\n", net->vlans[v].number);
        add_bridge_ports(&t, vlan);
        text_add(&t, "  port address            age\n");
        while ((e = fdb_next(vlan->fdb, &cursor))) {
            text_add(&t, "  %-4u ", e->port);
            add_mac(&t, e->mac);
            text_add(&t, "  %u s\n",
                     (unsigned)((net_now_ms() - e->seen_ms) / 1000));
        }
    }
    return t.wanted;
}
