/*
 * See net.h. Each VLAN number of a machine's -net options is one lwIP bridge;
 * its NICs and cables are ports.
 */
#include "kernel/net/net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/capture.h"
#include "kernel/net/fetch/fetch.h"
#include "kernel/net/host_ip.h"
#include "kernel/net/net_impl.h"
#include "kernel/net/transport.h"
#include "kernel/net/uplink.h"
#include "kernel/net/user/user_net.h"
#include "kernel/platform.h"
#include "lwip/init.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"

/* A NIC that can neither interrupt nor be watched, or must not while a guest has
 * no room for its frames, is looked at this often. */
#define POLL_NS 1000000u
/* One that does not answer, or does not send, this often at least. */
#define WATCH_NS 1000000000u

static struct net *nets;        /* of all machines */

const struct net *net_all(void) { return nets; }

/*
 * The clock, also lwIP's. The bridge asks for it several times a frame: all
 * frames of one round of net_poll have one time, which the first of them reads.
 */
static struct {
    bool runs, is_read;
    uint64_t ms;
} frames_time;

uint64_t net_now_ms(void)
{
    if (!frames_time.is_read)
        frames_time.ms = platform_now_ns() / 1000000u;
    frames_time.is_read = frames_time.runs;
    return frames_time.ms;
}

uint32_t sys_now(void) { return net_now_ms(); }

_Noreturn void net_lwip_assert(const char *what, const char *file, int line)
{
    platform_fatal("lwIP: %s (%s:%d)", what, file, line);
}

/*
 * A guest's default MAC: on a PC with a NIC derived from that NIC's, so that
 * two appliances on a LAN never collide; else qemu's 52:54:00:12:34:56 and on.
 * Machines differ in a byte that tells vendors apart on the PC, for the last
 * bytes count through the vendor's other cards.
 */
static void default_mac(unsigned machine, unsigned i, uint8_t mac[6])
{
    static const uint8_t qemu[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };
    const struct nic *nic = platform_nic(0);

    memcpy(mac, nic ? nic->mac : qemu, 6);
    if (nic) {
        mac[0] = ((mac[0] ^ 0x08) | 0x02) & 0xfe;
        mac[1] ^= machine;
    } else {
        mac[4] += machine;
    }
    mac[5] += i;
}

static int check_mac(const struct net *net, const uint8_t mac[6], char *why,
                     size_t size)
{
    for (const struct net *n = nets; n; n = n->next)
        for (unsigned i = 0; i < n->port_count; i++) {
            if (memcmp(n->ports[i].cable->port.mac, mac, 6))
                continue;
            snprintf(why, size, "-net nic: %s eth%u has the address "
                     "%02x:%02x:%02x:%02x:%02x:%02x of %s eth%u already; "
                     "give it another macaddr=", n->machine, i, mac[0],
                     mac[1], mac[2], mac[3], mac[4], mac[5], net->machine,
                     net->port_count);
            return -EEXIST;
        }
    return 0;
}

struct vlan *net_vlan_of(const struct net *net, unsigned number)
{
    for (unsigned i = 0; i < net->vlan_count; i++)
        if (net->vlans[i].number == number)
            return net->vlans[i].vlan;
    return NULL;
}

static int add_guest(struct net *net, const struct net_option *o, char *why,
                     size_t size)
{
    struct port *p = &net->ports[net->port_count];
    unsigned i = net->port_count;
    uint8_t mac[6];
    char name[sizeof p->name];
    int r;

    if (o->has_mac)
        memcpy(mac, o->mac, 6);
    else
        default_mac(net->index, i, mac);
    r = check_mac(net, mac, why, size);
    if (r)
        return r;
    snprintf(name, sizeof name, "%.32s eth%u", net->machine, i);
    r = port_add_guest(p, net_vlan_of(net, o->vlan), mac, name);
    snprintf(why, size, "-net nic: %s: %s", name,
             r == -ENOSPC ? "the bridge has no port left" : "out of memory");
    if (r)
        return r;
    net->option[i] = o;
    net->port_count++;
    return 0;
}

/* ---- Bridges and physical ports -------------------------------------------- */

static struct vlan *new_vlan(unsigned number)
{
    struct vlan *v = malloc(sizeof *v);

    if (!v || vlan_init(v, number)) {
        free(v);
        return NULL;
    }
    return v;
}

/*
 * The bridge of VLAN `number`: that of a physical port which another machine
 * has opened already, else a new one.
 */
static int find_bridge(const struct options *o, struct net *net,
                       unsigned number, struct vlan **out, char *why,
                       size_t size)
{
    struct vlan *found = NULL;

    for (unsigned i = 0; i < o->net_count; i++) {
        const struct uplink *u;

        if (o->net[i].vlan != number || o->net[i].kind == NET_NIC ||
            !(u = uplink_find(&o->net[i])) || u->vlan == found)
            continue;
        snprintf(why, size, "-net: %s: VLAN %u would join %s with another LAN "
                 "that a machine keeps apart", net->machine, number,
                 u->port.name);
        if (found)
            return -EINVAL;
        found = u->vlan;
    }
    snprintf(why, size, "-net: out of memory");
    *out = found ? found : new_vlan(number);
    return *out ? 0 : -ENOMEM;
}

int net_connect(struct net *net, struct net_cable *c,
                const struct net_option *o, struct vlan *v, char *why,
                size_t why_size)
{
    struct uplink *u = uplink_find(o);

    for (unsigned i = 0; i < net->cable_count && u; i++)
        if (net->cables[i].uplink == u) {
            snprintf(why, why_size, "%s: %s: %s is in use already, as %s",
                     o->option, net->machine, u->port.name,
                     net->cables[i].id);
            return -EBUSY;
        }
    if (!u) {
        int r = uplink_open(o, net, v, &u, why, why_size);

        if (r)
            return r;
    }
    c->uplink = u;
    u->users++;
    return 0;
}

/*
 * A missing NIC must not keep the router from starting: the guest then runs
 * on a bridge without a LAN, and a line says so.
 */
static int add_uplink(struct net *net, const struct net_option *o, char *why,
                      size_t size)
{
    struct vlan *v = net_vlan_of(net, o->vlan);
    struct net_cable *c = &net->cables[net->cable_count++];
    int r;

    snprintf(c->id, sizeof c->id, "%s", o->id);
    c->vlan = o->vlan;
    r = net_connect(net, c, o, v, why, size);
    if (r == -ENODEV) {
        platform_log("%s: starting without a LAN", why);
        return 0;
    }
    if (r || !*o->ip)
        return r;
    snprintf(why, size, "-net bridge,ip=%s: this LAN has an ip= already",
             o->ip);
    if (host_ip_wanted(&v->bridge))
        return -EEXIST;
    c->has_ip = true;
    snprintf(why, size, "-net bridge,ip=%s: out of memory", o->ip);
    return host_ip_start(&v->bridge, o->ip);
}

/* One VLAN: its bridge, then its physical ports. */
static int add_vlan(const struct options *o, struct net *net, unsigned number,
                    char *why, size_t size)
{
    struct vlan *v;
    int r;

    if (net_vlan_of(net, number))
        return 0;
    r = find_bridge(o, net, number, &v, why, size);
    if (r)
        return r;
    v->users++;
    net->vlans[net->vlan_count++] = (struct net_vlan){ number, v };
    for (unsigned i = 0; i < o->net_count && !r; i++)
        if (o->net[i].vlan == number && o->net[i].kind != NET_NIC)
            r = add_uplink(net, &o->net[i], why, size);
    return r;
}

int net_create(const struct options *o, unsigned index, struct net **out,
               char *why, size_t why_size)
{
    static bool lwip_ready;
    struct net *net;
    int r = 0;

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
    net->machine = o->name;
    net->index = index;
    net->next = nets;
    nets = net;
    for (unsigned i = 0; i < o->net_count && !r; i++)
        r = add_vlan(o, net, o->net[i].vlan, why, why_size);
    net->options_cables = net->cable_count;
    for (unsigned i = 0; i < o->net_count && !r; i++)
        if (o->net[i].kind == NET_NIC)
            r = add_guest(net, &o->net[i], why, why_size);
    for (unsigned i = 0; i < o->dump_count && !r; i++)
        r = capture_start(net, &o->dump[i], why, why_size);
    if (r)
        net_destroy(net);
    else
        *out = net;
    return r;
}

void net_release_vlan(struct vlan *v)
{
    if (--v->users)
        return;
    vlan_silence(v);
    uplink_close(v);
    vlan_fini(v);
    free(v);
}

int net_open_nic(const struct net *net, const struct net_option *o,
                 struct uplink **out, char *why, size_t size)
{
    struct uplink *u = uplink_find(o);
    struct vlan *v;
    int r;

    if (!u) {
        snprintf(why, size, "%s: out of memory", o->option);
        v = new_vlan(OPTIONS_VLAN_MAX);
        if (!v)
            return -ENOMEM;
        v->users = 1;
        r = uplink_open(o, net, v, &u, why, size);
        if (r) {
            net_release_vlan(v);
            return r;
        }
    } else {
        u->vlan->users++;
    }
    u->users++;
    *out = u;
    return 0;
}

void net_close_nic(struct uplink *u)
{
    struct vlan *v = u->vlan;

    if (!--u->users)
        uplink_shut(u);
    net_release_vlan(v);
}

void net_destroy(struct net *net)
{
    struct net **at = &nets;

    while (*at != net)
        at = &(*at)->next;
    *at = net->next;
    net_announce_stop(net);
    capture_stop_all(net);
    for (unsigned i = 0; i < net->vlan_count; i++)
        vlan_silence(net->vlans[i].vlan);
    for (unsigned i = 0; i < net->port_count; i++)
        port_remove(&net->ports[i]);
    for (unsigned i = 0; i < net->vlan_count; i++)
        net_release_vlan(net->vlans[i].vlan);
    free(net);
}

/* ---- One machine's part ----------------------------------------------------- */

struct netport *net_port(struct net *net, unsigned i)
{
    return i < net->port_count ? &net->ports[i].cable->port : NULL;
}

const char *net_romfile(const struct net *net, unsigned i)
{
    return i < net->port_count ? net->option[i]->romfile : "";
}

unsigned net_guest_pending(const struct net *net)
{
    unsigned n = 0;

    for (unsigned i = 0; i < net->port_count; i++)
        n += frame_ring_used(&net->ports[i].cable->to_guest);
    return n;
}

uint32_t net_guest_total(const struct net *net)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < net->port_count; i++)
        n += frame_ring_total(&net->ports[i].cable->to_guest);
    return n;
}

bool net_link_up(const struct net *net)
{
    for (struct uplink *u = uplink_next(NULL); u; u = uplink_next(u))
        for (unsigned i = 0; i < net->vlan_count; i++)
            if (u->vlan == net->vlans[i].vlan && !u->port.nic->link_up)
                return false;
    return true;
}

void net_plug(struct net *net, bool in)
{
    for (unsigned i = 0; i < net->port_count; i++)
        port_plug(&net->ports[i], in);
}

/* ---- All machines ----------------------------------------------------------- */

/* Frames that wait, of all: into the bridges, and out of the software ports. */
static bool move_frames(void)
{
    bool moved = false;

    for (struct uplink *u = uplink_next(NULL); u; u = uplink_next(u))
        moved |= port_poll(&u->port);
    for (struct net *n = nets; n; n = n->next)
        for (unsigned i = 0; i < n->port_count; i++)
            moved |= port_poll(&n->ports[i]);
    /* Software ports send, or answer, what they were given in this round. */
    for (struct uplink *u = uplink_next(NULL); u; u = uplink_next(u))
        if (u->port.nic->ops->flush)
            u->port.nic->ops->flush(u->port.nic);
    return moved;
}

bool net_poll(void)
{
    bool moved;

    if (!nets)
        return false;
    moved = transport_poll() | fetch_poll();
    frames_time.runs = true;
    moved |= move_frames();
    frames_time.runs = frames_time.is_read = false;
    sys_check_timeouts();
    if (moved)
        return true;
    for (struct uplink *u = uplink_next(NULL); u; u = uplink_next(u))
        if (u->port.nic->ops->arm && !u->port.held)
            u->port.nic->ops->arm(u->port.nic);
    return false;
}

static uint64_t sooner(uint64_t a, uint64_t b) { return a < b ? a : b; }

uint64_t net_deadline(void)
{
    uint64_t now = platform_now_ns(), deadline;
    uint32_t sleep_ms;

    if (!nets)
        return UINT64_MAX;
    deadline = user_net_deadline();
    for (struct uplink *u = uplink_next(NULL); u; u = uplink_next(u)) {
        if (u->port.held ||
            (!u->port.nic->ops->arm && u->port.nic->poll_fd < 0))
            return now + POLL_NS;
        if (port_needs_time(&u->port))
            deadline = sooner(deadline, now + WATCH_NS);
    }
    sleep_ms = sys_timeouts_sleeptime();
    if (sleep_ms != SYS_TIMEOUTS_SLEEPTIME_INFINITE)
        deadline = sooner(deadline, now + (uint64_t)sleep_ms * 1000000u);
    return deadline;
}
