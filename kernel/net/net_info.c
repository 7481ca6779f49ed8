/* The network's text for the monitor: see net_format in net.h. */
#include "emu/textbuf.h"
#include "kernel/net/fdb.h"
#include "kernel/net/net_impl.h"
#include "lwip/sys.h"

static void add_counter(struct textbuf *t, const char *name, uint64_t n)
{
    if (n)
        text_add(t, "    %s=%llu\n", name, (unsigned long long)n);
}

static void add_port_counters(struct textbuf *t, const struct port *p)
{
    const struct port_counters *c = &p->counters;

    text_add(t, "    in=%llu (%llu bytes) out=%llu (%llu bytes)\n",
        (unsigned long long)c->in_frames, (unsigned long long)c->in_bytes,
        (unsigned long long)c->out_frames, (unsigned long long)c->out_bytes);
    add_counter(t, "in_runt", c->in_runt);
    add_counter(t, "in_oversize", c->in_oversize);
    add_counter(t, "in_link_local", c->in_link_local);
    add_counter(t, "in_no_memory", c->in_no_memory);
    add_counter(t, "out_guest_full", c->out_guest_full);
    add_counter(t, "out_nic_full", c->out_nic_full);
    add_counter(t, "out_link_down", c->out_link_down);
    if (p->cable)
        add_counter(t, "in_ring_full",
                    atomic_load(&p->cable->tx_refused[2]));
    if (p->nic) {
        add_counter(t, "nic_rx_no_buffer", p->nic->counters.rx_no_buffer);
        add_counter(t, "nic_rx_errors", p->nic->counters.rx_errors);
        add_counter(t, "nic_rx_oversize", p->nic->counters.rx_oversize);
        add_counter(t, "nic_tx_ring_full", p->nic->counters.tx_ring_full);
        add_counter(t, "nic_tx_errors", p->nic->counters.tx_errors);
    }
}

static void add_mac(struct textbuf *t, const uint8_t *m)
{
    text_add(t, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
        m[5]);
}

int net_format(const struct net *net, char *buf, size_t size)
{
    struct textbuf t = { buf, size, 0 };

    for (unsigned v = 0; v < net->vlan_count; v++) {
        text_add(&t, "VLAN %u devices:\n", net->vlans[v].number);
        for (unsigned i = 0; i < net->port_count; i++) {
            const struct port *p = &net->ports[i];

            if (p->vlan != &net->vlans[v])
                continue;
            text_add(&t, "  %s macaddr=", p->nic ? p->name : "ne2000 pci");
            add_mac(&t, p->nic ? p->nic->mac : p->cable->port.mac);
            text_add(&t, "%s\n", !p->nic ? "" : p->nic->link_up ? " link=up"
                            : " link=down");
            add_port_counters(&t, p);
        }
    }
    return t.wanted;
}

int net_format_bridge(const struct net *net, char *buf, size_t size)
{
    struct textbuf t = { buf, size, 0 };

    for (unsigned v = 0; v < net->vlan_count; v++) {
        const struct fdb_entry *e;
        size_t cursor = 0;

        text_add(&t, "bridge of VLAN %u, ports:\n", net->vlans[v].number);
        for (unsigned i = 0; i < net->port_count; i++)
            if (net->ports[i].vlan == &net->vlans[v])
                text_add(&t, "  %u %s\n", net->ports[i].number,
                    net->ports[i].name);
        text_add(&t, "  port address            age\n");
        while ((e = fdb_next(net->vlans[v].fdb, &cursor))) {
            text_add(&t, "  %-4u ", e->port);
            add_mac(&t, e->mac);
            text_add(&t, "  %u s\n", (unsigned)(sys_now() - e->seen_ms) / 1000);
        }
    }
    return t.wanted;
}
