/*
 * See options_net.h. qemu's newer words for what -net says: -netdev with
 * -device, each pair on a bridge of its own, and -nic, which is both in one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/options_net.h"
#include "kernel/options_net_impl.h"

#define FIRST_NIC_SLOT 3u       /* in emu/machine.c: the NICs' PCI slots */

static unsigned own_vlan(struct options *o)
{
    return OPTIONS_VLAN_MAX + 1 + o->netdevs++;
}

/* The kinds speak of vlan=, which is -net's alone. */
static bool set_cable(struct net_line *l, unsigned i, const char *key,
                      const char *value)
{
    if (!strcmp(key, "vlan"))
        return options_fail(l->why, l->why_size, "it has a bridge of its own, "
                            "and no vlan=", NULL);
    return net_set(l, i, key, value);
}

/* ---- -netdev ------------------------------------------------------------- */

static bool set_netdev(struct net_line *l, const char *key, const char *value)
{
    return !strcmp(key, "id") ? net_set_name(l, l->made[0]->id, value)
                              : set_cable(l, 0, key, value);
}

static bool parse_netdev(struct net_line *l, const char *value)
{
    const char *word = net_first_word(l, value);

    if (!strcmp(word, "nic"))
        return options_fail(l->why, l->why_size, "a NIC is a -device ne2k_pci",
                            NULL);
    if (!net_begin(l, 0, word))
        return false;
    l->made[0]->vlan = own_vlan(l->o);
    if (!net_settings(l))
        return false;
    if (!*l->made[0]->id)
        return options_fail(l->why, l->why_size, "needs id=, its name", NULL);
    return net_keep(l);
}

bool options_parse_netdev(struct options *o, const char *value, char *why,
                          size_t why_size)
{
    struct net_line l = { .o = o, .option = "-netdev", .set = set_netdev,
                          .why = why, .why_size = why_size };

    return parse_netdev(&l, value);
}

static bool set_netdev_add(struct net_line *l, const char *key,
                           const char *value)
{
    return !strcmp(key, "vlan") ? net_set_vlan(l, l->made[0], value)
                                : set_netdev(l, key, value);
}

bool options_parse_netdev_add(struct options *o, const char *value,
                              bool *has_vlan, char *why, size_t why_size)
{
    struct net_line l = { .o = o, .option = "netdev_add",
                          .set = set_netdev_add, .why = why,
                          .why_size = why_size };
    bool ok = parse_netdev(&l, value);

    *has_vlan = ok && o->net[0].vlan <= OPTIONS_VLAN_MAX;
    return ok;
}

/* ---- -device ------------------------------------------------------------- */

/*
 * The NE2000s lie in slots 3 to 6 in the order of their options, so that a
 * guest's eth0 to eth3 never change places. An addr= that says the same is
 * taken, another is not.
 */
static bool check_slot(struct net_line *l, const char *value)
{
    unsigned slot = FIRST_NIC_SLOT;
    char *end;
    unsigned long v = strtoul(value, &end, 16);
    char what[80];

    for (unsigned i = 0; i < l->o->net_count; i++)
        slot += l->o->net[i].kind == NET_NIC;
    if (!strcmp(end, ".0"))
        end += 2;
    if (*value && !*end && v == slot)
        return true;
    snprintf(what, sizeof what, "this NIC has slot addr=%u, by the order of "
             "the options; not", slot);
    return options_fail(l->why, l->why_size, what, value);
}

static bool set_device(struct net_line *l, const char *key, const char *value)
{
    struct net_option *n = l->made[0];

    if (!strcmp(key, "id"))
        return net_set_name(l, n->id, value);
    if (!strcmp(key, "netdev"))
        return net_set_name(l, n->peer, value);
    if (!strcmp(key, "mac"))
        return net_set(l, 0, "macaddr", value);
    if (!strcmp(key, "romfile"))
        return net_set(l, 0, key, value);
    if (!strcmp(key, "addr"))
        return check_slot(l, value);
    if (!strcmp(key, "bus"))
        return !strcmp(value, "pci.0") ||
               options_fail(l->why, l->why_size, "the only bus is pci.0, not",
                            value);
    return options_fail(l->why, l->why_size, "ne2k_pci has netdev=, mac=, id=, "
                        "romfile=, bus=, addr=; not", key);
}

bool options_parse_device(struct options *o, const char *value, char *why,
                          size_t why_size)
{
    struct net_line l = { .o = o, .option = "-device", .set = set_device,
                          .why = why, .why_size = why_size };
    const char *word = net_first_word(&l, value);

    if (strcmp(word, "ne2k_pci"))
        return options_fail(why, why_size, "the devices are ne2k_pci, "
                            "i6300esb, ib700 and pvpanic, not", word);
    if (!net_begin(&l, 0, "nic") || !net_settings(&l))
        return false;
    l.made[0]->vlan = own_vlan(o);      /* until its peer is known */
    return net_keep(&l);
}

/* ---- -nic ---------------------------------------------------------------- */

/* made[0] is the NIC, made[1] its cable. */
static bool set_nic(struct net_line *l, const char *key, const char *value)
{
    if (!strcmp(key, "id"))
        return net_set_name(l, l->made[1]->id, value);
    if (!strcmp(key, "mac"))
        return net_set(l, 0, "macaddr", value);
    if (!strcmp(key, "model") || !strcmp(key, "romfile"))
        return net_set(l, 0, key, value);
    return set_cable(l, 1, key, value);
}

bool options_parse_nic(struct options *o, const char *value, char *why,
                       size_t why_size)
{
    struct net_line l = { .o = o, .option = "-nic", .set = set_nic,
                          .why = why, .why_size = why_size };
    const char *word = net_first_word(&l, value);

    if (net_is_none(&l, word))
        return true;
    if (!strcmp(word, "nic"))
        return options_fail(why, why_size, "needs what the NIC is connected "
                            "to, as in -nic bridge", NULL);
    if (!net_begin(&l, 0, "nic") || !net_begin(&l, 1, word) ||
        !net_settings(&l))
        return false;
    l.made[0]->vlan = l.made[1]->vlan = own_vlan(o);
    return net_keep(&l);
}

/* ---- Peers --------------------------------------------------------------- */

bool net_join_peers(struct options *o, char *why, size_t size)
{
    for (unsigned i = 0; i < o->net_count; i++) {
        struct net_option *n = &o->net[i];
        unsigned k = 0;

        if (!*n->peer)
            continue;
        while (k < o->net_count && (o->net[k].kind == NET_NIC ||
                                    strcmp(o->net[k].id, n->peer)))
            k++;
        if (k == o->net_count) {
            snprintf(why, size, "%s: there is no netdev '%s'", n->option,
                     n->peer);
            return false;
        }
        n->vlan = o->net[k].vlan;
    }
    return true;
}
