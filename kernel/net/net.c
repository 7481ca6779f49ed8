/*
 * See net.h. Each VLAN number of the -net options is one lwIP bridge; its NICs
 * and cables are ports.
 */
#include "kernel/net/net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/host_ip.h"
#include "kernel/net/net_impl.h"
#include "kernel/platform.h"
#include "lwip/init.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"

/* A NIC that can neither interrupt nor be watched is looked at this often. */
#define POLL_NS 1000000u

uint32_t sys_now(void) { return platform_now_ns() / 1000000u; }

uint32_t net_random(void)
{
    static uint64_t state;

    /* xorshift64*, seeded by the clock: Vigna 2016, "An experimental
     * exploration of Marsaglia's xorshift generators". */
    if (!state)
        state = (platform_now_ns() ^
                 (uint64_t)platform_wall_seconds() << 32) | 1;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (state * 0x2545f4914f6cdd1dull) >> 32;
}

_Noreturn void net_lwip_assert(const char *what, const char *file, int line)
{
    platform_fatal("lwIP: %s (%s:%d)", what, file, line);
}

static struct vlan *find_vlan(struct net *net, const struct net_option *o)
{
    struct vlan *v;

    for (unsigned i = 0; i < net->vlan_count; i++)
        if (net->vlans[i].number == o->vlan)
            return &net->vlans[i];
    v = &net->vlans[net->vlan_count];
    if (vlan_init(v, o->vlan))
        return NULL;
    net->vlan_count++;
    return v;
}

/*
 * A guest's default MAC: on a PC with a NIC derived from that NIC's, so that
 * two appliances on a LAN never collide; else qemu's 52:54:00:12:34:56 and on.
 */
static void default_mac(unsigned i, uint8_t mac[6])
{
    static const uint8_t qemu[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };
    const struct nic *nic = platform_nic(0);

    memcpy(mac, nic ? nic->mac : qemu, 6);
    if (nic)
        mac[0] = ((mac[0] ^ 0x08) | 0x02) & 0xfe;
    mac[5] += i;
}

static int add_guest(struct net *net, struct vlan *v,
                     const struct net_option *o)
{
    struct port *p = &net->ports[net->port_count];
    unsigned i = net->guest_count;
    uint8_t mac[6];
    char name[24];
    int r;

    if (o->has_mac)
        memcpy(mac, o->mac, 6);
    else
        default_mac(i, mac);
    snprintf(name, sizeof name, "guest eth%u", i);
    r = port_add_guest(p, v, mac, name);
    if (r)
        return r;
    net->guest[i] = p;
    net->guest_option[i] = o;
    net->guest_count++;
    net->port_count++;
    return 0;
}

static int open_nic(const struct net_option *o, struct nic **nic, char *why,
                    size_t size)
{
    int r;

    if (o->kind != NET_BRIDGE) {
        const char *type = o->kind == NET_TAP ? "tap" : "socket";
        char reason[128] = "";

        r = platform_wire_open(type, o->params, nic, reason, sizeof reason);
        snprintf(why, size, "-net %s: %s", type, reason);
        if (r)
            return r;
    } else {
        *nic = platform_nic(o->nic_index < 0 ? 0 : o->nic_index);
        snprintf(why, size, "-net bridge: no physical NIC with a driver%s",
                 o->nic_index > 0 ? " of that number" : "");
        if (!*nic)
            return -ENODEV;
        snprintf(why, size, "-net bridge: %s is in use already",
                 (*nic)->label);
        if ((*nic)->is_open)
            return -EBUSY;
    }
    return 0;
}

static int add_nic(struct net *net, struct vlan *v,
                   const struct net_option *o, char *why, size_t size)
{
    struct port *p = &net->ports[net->port_count];
    struct nic *nic;
    int r = open_nic(o, &nic, why, size);

    if (r)
        return r;
    r = port_add_nic(p, v, nic);
    snprintf(why, size, "%s: no memory for a bridge port", nic->label);
    if (r)
        return r;
    net->port_count++;
    vlan_set_hwaddr(v, nic->mac);
    r = nic->ops->open(nic);
    snprintf(why, size, "%s: cannot start it: %s", nic->label, strerror(-r));
    return r;
}

/*
 * A missing NIC must not keep the router from starting: the guest then runs
 * on a bridge without a LAN, and a line says so.
 */
static int add_option(struct net *net, const struct net_option *o, char *why,
                      size_t size)
{
    struct vlan *v = find_vlan(net, o);
    int r;

    snprintf(why, size, "-net: out of memory");
    if (!v)
        return -ENOMEM;
    if (o->kind == NET_NIC)
        return add_guest(net, v, o);
    r = add_nic(net, v, o, why, size);
    if (r == -ENODEV && o->kind == NET_BRIDGE) {
        platform_log("%s: starting without a LAN", why);
        return 0;
    }
    if (!r && *o->ip)
        r = host_ip_start(&v->bridge, o->ip);
    return r;
}

int net_create(const struct options *o, struct net **out, char *why,
               size_t why_size)
{
    static bool lwip_ready;
    struct net *net;

    *out = NULL;
    if (!o->net_count)
        return 0;
    snprintf(why, why_size, "-net: out of memory");
    net = calloc(1, sizeof *net);
    if (!net)
        return -ENOMEM;
    if (!lwip_ready)
        lwip_init();
    lwip_ready = true;
    for (unsigned i = 0; i < o->net_count; i++) {
        int r = add_option(net, &o->net[i], why, why_size);

        if (r) {
            net_destroy(net);
            return r;
        }
    }
    *out = net;
    return 0;
}

void net_destroy(struct net *net)
{
    for (unsigned i = 0; i < net->port_count; i++)
        port_remove(&net->ports[i]);
    for (unsigned i = 0; i < net->vlan_count; i++)
        vlan_fini(&net->vlans[i]);
    free(net);
}

struct netport *net_port(struct net *net, unsigned i)
{
    return i < net->guest_count ? &net->guest[i]->cable->port : NULL;
}

const char *net_romfile(const struct net *net, unsigned i)
{
    return i < net->guest_count ? net->guest_option[i]->romfile : "";
}

bool net_poll(struct net *net)
{
    bool moved = false;

    for (unsigned i = 0; i < net->port_count; i++)
        moved |= port_poll(&net->ports[i]);
    sys_check_timeouts();
    if (!moved)
        for (unsigned i = 0; i < net->port_count; i++) {
            struct nic *nic = net->ports[i].nic;

            if (nic && nic->ops->arm)
                nic->ops->arm(nic);
        }
    return moved;
}

bool net_guest_pending(const struct net *net)
{
    for (unsigned i = 0; i < net->guest_count; i++)
        if (!frame_ring_empty(&net->guest[i]->cable->to_guest))
            return true;
    return false;
}

uint64_t net_deadline(const struct net *net)
{
    uint32_t sleep_ms = sys_timeouts_sleeptime();
    uint64_t now = platform_now_ns();

    for (unsigned i = 0; i < net->port_count; i++) {
        const struct nic *nic = net->ports[i].nic;

        if (nic && !nic->ops->arm && nic->poll_fd < 0)
            return now + POLL_NS;
    }
    return sleep_ms == SYS_TIMEOUTS_SLEEPTIME_INFINITE
               ? UINT64_MAX : now + (uint64_t)sleep_ms * 1000000u;
}

bool net_link_up(const struct net *net)
{
    for (unsigned i = 0; i < net->port_count; i++)
        if (net->ports[i].nic && !net->ports[i].nic->link_up)
            return false;
    return true;
}
