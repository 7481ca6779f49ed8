/*
 * See options_net.h. Captures from the start: -object filter-dump, which names
 * a NIC or netdev, and the older -net dump, which takes a whole VLAN.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/number.h"
#include "kernel/options_net.h"
#include "kernel/options_net_impl.h"

#define LEN_MIN 14u             /* an Ethernet header */

static struct dump_option *dump_of(struct net_line *l)
{
    return &l->o->dump[l->o->dump_count];
}

static bool set_len(struct net_line *l, const char *value)
{
    unsigned v;

    if (!parse_number(value, DUMP_LEN_MAX, &v) || v < LEN_MIN)
        return options_fail(l->why, l->why_size, "a frame's length to keep is "
                            "14 to 65536, not", value);
    dump_of(l)->len = v;
    return true;
}

static bool set_file(struct net_line *l, const char *value)
{
    struct dump_option *d = dump_of(l);

    if (!*value || strlen(value) >= sizeof d->file)
        return options_fail(l->why, l->why_size, "file= takes a name of 1 to "
                            "255 characters, not", value);
    strcpy(d->file, value);
    return true;
}

static bool begin(struct net_line *l)
{
    if (l->o->dump_count == OPTIONS_DUMPS)
        return options_fail(l->why, l->why_size, "at most eight captures",
                            NULL);
    *dump_of(l) = (struct dump_option){ .len = DUMP_LEN_MAX };
    return true;
}

/* ---- -object, object_add ------------------------------------------------ */

static bool set_object(struct net_line *l, const char *key, const char *value)
{
    if (!strcmp(key, "id"))
        return net_set_name(l, dump_of(l)->id, value);
    if (!strcmp(key, "netdev"))
        return net_set_name(l, dump_of(l)->netdev, value);
    if (!strcmp(key, "file"))
        return set_file(l, value);
    if (!strcmp(key, "maxlen"))
        return set_len(l, value);
    return options_fail(l->why, l->why_size, "filter-dump has id=, netdev=, "
                        "file=, maxlen=; not", key);
}

bool options_parse_object(struct options *o, const char *value, char *why,
                          size_t why_size)
{
    struct net_line l = { .o = o, .set = set_object, .why = why,
                          .why_size = why_size };
    const char *word = net_first_word(&l, value);

    if (strcmp(word, "filter-dump"))
        return options_fail(why, why_size, "the only object is filter-dump, "
                            "not", word);
    if (!begin(&l) || !net_settings(&l))
        return false;
    if (!*dump_of(&l)->id || !*dump_of(&l)->netdev)
        return options_fail(why, why_size, "filter-dump needs id=, and netdev= "
                            "with a NIC's or netdev's name", NULL);
    o->dump_count++;
    return true;
}

/* ---- -net dump ---------------------------------------------------------- */

static bool set_dump(struct net_line *l, const char *key, const char *value)
{
    struct net_option n = { .vlan = 0 };

    if (!strcmp(key, "vlan")) {
        bool ok = net_set_vlan(l, &n, value);

        dump_of(l)->vlan = n.vlan;
        return ok;
    }
    if (!strcmp(key, "name") || !strcmp(key, "id"))
        return net_set_name(l, dump_of(l)->id, value);
    if (!strcmp(key, "file"))
        return set_file(l, value);
    if (!strcmp(key, "len"))
        return set_len(l, value);
    return options_fail(l->why, l->why_size, "dump has vlan=, file=, len=, "
                        "name=; not", key);
}

bool net_parse_dump(struct net_line *l)
{
    struct dump_option *d;

    l->set = set_dump;
    if (!begin(l) || !net_settings(l))
        return false;
    d = dump_of(l);
    if (!*d->file)              /* qemu's default */
        snprintf(d->file, sizeof d->file, "qemu-vlan%u.pcap", d->vlan);
    if (!*d->id)
        snprintf(d->id, sizeof d->id, "dump.%u", l->o->dump_count);
    l->o->dump_count++;
    return true;
}
