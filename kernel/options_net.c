/* See options_net.h. The kinds, their settings, and -net. */
#include "kernel/options_net.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/tunnel_options.h"
#include "kernel/net/user/config.h"
#include "kernel/number.h"
#include "kernel/options_net_impl.h"

#define TAP_NAME_BYTES 16u      /* IFNAMSIZ of Linux, its zero included */

bool options_parse_mac(const char *text, uint8_t mac[6])
{
    for (int i = 0; i < 6; i++) {
        char *end;
        unsigned long v;

        if (!isxdigit((unsigned char)*text))
            return false;
        v = strtoul(text, &end, 16);
        if (v > 0xff || end - text > 2 || *end != (i < 5 ? ':' : '\0'))
            return false;
        mac[i] = v;
        text = end + 1;
    }
    return true;
}

/* sscanf would take blanks and signs. */
bool options_is_ip(const char *v)
{
    unsigned a, b, c, d, n;
    char tail;

    return !strcmp(v, "dhcp") ||
           (!v[strspn(v, "0123456789./")] &&
            sscanf(v, "%3u.%3u.%3u.%3u/%2u%c", &a, &b, &c, &d, &n, &tail) == 5
            && a && a != 127 && a < 224 && b < 256 && c < 256 && d < 256 &&
            n >= 1 && n <= 30);
}

static bool nic_key(struct net_option *n, const char *key, const char *value,
                    char *why, size_t size)
{
    if (!strcmp(key, "macaddr")) {
        n->has_mac = true;
        if (!options_parse_mac(value, n->mac))
            return options_fail(why, size, "not a MAC address:", value);
        if (n->mac[0] & 1)
            return options_fail(why, size, "a multicast address cannot be a "
                                "NIC's:", value);
        return true;
    }
    if (!strcmp(key, "romfile")) {
        if (!*value || strlen(value) >= sizeof n->romfile)
            return options_fail(why, size, "romfile= takes a name of 1 to 127 "
                                "characters, not", value);
        strcpy(n->romfile, value);
        return true;
    }
    if (!strcmp(key, "model")) {
        if (strcmp(value, "ne2k_pci"))
            return options_fail(why, size, "the only model is ne2k_pci, not",
                                value);
        return true;
    }
    return options_fail(why, size, "a nic has vlan=, netdev=, macaddr=, "
                        "model=, romfile=, name=; not", key);
}

/* "BB:DD.F", as lspci and the boot messages write it. */
static bool parse_pci(const char *v, char out[8])
{
    static const char shape[] = "xx:xx.x";

    if (strlen(v) != sizeof shape - 1)
        return false;
    for (size_t i = 0; i < sizeof shape; i++) {
        if (shape[i] == 'x' ? !isxdigit((unsigned char)v[i])
                            : v[i] != shape[i])
            return false;
        out[i] = tolower((unsigned char)v[i]);
    }
    return true;
}

static bool bridge_key(struct net_option *n, const char *key,
                       const char *value, char *why, size_t size)
{
    unsigned k;

    if (!strcmp(key, "ip")) {
        if (!options_is_ip(value))
            return options_fail(why, size, "use ip=dhcp or ip=A.B.C.D/N, not",
                                value);
        snprintf(n->ip, sizeof n->ip, "%s", value);
        return true;
    }
    if (strcmp(key, "nic") && strcmp(key, "mac") && strcmp(key, "pci"))
        return options_fail(why, size, "a bridge has vlan=, nic=, mac=, pci=, "
                            "ip=; not", key);
    if (n->nic_index >= 0 || n->has_mac || *n->pci)
        return options_fail(why, size, "use one of nic=, mac= and pci=", NULL);
    if (!strcmp(key, "nic")) {
        if (!parse_number(value, 31, &k))
            return options_fail(why, size, "nic= takes a number, not", value);
        n->nic_index = k;
        return true;
    }
    if (!strcmp(key, "mac")) {
        n->has_mac = options_parse_mac(value, n->mac);
        return n->has_mac || options_fail(why, size, "not a MAC address:",
                                          value);
    }
    return parse_pci(value, n->pci) ||
           options_fail(why, size, "use pci=BB:DD.F, as in pci=00:03.0, not",
                        value);
}

/* A setting of a tap, socket or user net: params_check looks at them all. */
static bool params_key(struct net_option *n, const char *key,
                       const char *value, char *why, size_t size)
{
    size_t used = strlen(n->params);
    int len = snprintf(n->params + used, sizeof n->params - used, "%s%s=%s",
                       used ? "," : "", key, value);

    return (size_t)len < sizeof n->params - used ||
           options_fail(why, size, "the value is too long", NULL);
}

/*
 * Are all keys in "a=b,c=d" among those of `keys`, NULL-terminated? Else the
 * first that is not is in `why`, behind `what`.
 */
static bool has_only(const char *params, const char *const *keys,
                     const char *what, char *why, size_t size)
{
    for (const char *p = params; *p; p += strcspn(p, ","), p += *p == ',') {
        size_t n = strcspn(p, "=");
        const char *const *k = keys;
        char key[OPTIONS_SHOWN];

        while (*k && (strlen(*k) != n || strncmp(p, *k, n)))
            k++;
        if (*k)
            continue;
        snprintf(key, sizeof key, "%.*s", (int)n, p);
        return options_fail(why, size, what, key);
    }
    return true;
}

static bool tap_check(const char *params, char *why, size_t size)
{
    static const char *const keys[] = {
        "ifname", "script", "downscript", NULL
    };

    for (const char *p = params; *p; p += strcspn(p, ","), p += *p == ',')
        if (!strncmp(p, "ifname=", 7) && strcspn(p + 7, ",") >= TAP_NAME_BYTES)
            return options_fail(why, size, "ifname= is too long: 15 characters "
                                "at most", NULL);
    return has_only(params, keys, "a tap has vlan=, ifname=, script=, "
                    "downscript=; not", why, size);
}

/*
 * The kinds by their word. A kind either takes its settings one by one (key),
 * or has them kept in params, which `check` then looks at as a whole. Without
 * a word there is no such kind for the user.
 */
static const struct kind {
    const char *word;
    bool (*key)(struct net_option *n, const char *key, const char *value,
                char *why, size_t size);
    bool (*check)(const char *params, char *why, size_t size);
} kinds[] = {
    [NET_NIC] = { "nic", nic_key, NULL },
    [NET_BRIDGE] = { "bridge", bridge_key, NULL },
    [NET_TAP] = { "tap", params_key, tap_check },
    [NET_SOCKET] = { "socket", params_key, tunnel_check },
    [NET_USER] = { "user", params_key, user_net_check },
};
#define KINDS (sizeof kinds / sizeof *kinds)

/* False: `why` lists what the option takes. */
static bool parse_kind(const struct net_line *l, const char *word,
                       enum net_kind *kind)
{
    bool is_net = !strcmp(l->option, "-net");
    char what[80] = "there are";

    for (size_t i = 0; i < KINDS; i++) {
        size_t used = strlen(what);

        if (!kinds[i].word)
            continue;
        if (!strcmp(word, kinds[i].word)) {
            *kind = i;
            return true;
        }
        if (is_net || i != NET_NIC)
            snprintf(what + used, sizeof what - used, " %s,", kinds[i].word);
    }
    strcpy(what + strlen(what) - 1, is_net ? ", dump, none; not" : "; not");
    return options_fail(l->why, l->why_size, what, word);
}

bool net_begin(struct net_line *l, unsigned i, const char *word)
{
    struct net_option *n = &l->o->net[l->o->net_count + i];

    if (l->o->net_count + i == OPTIONS_NETS)
        return options_fail(l->why, l->why_size, "at most sixteen NICs and "
                            "what they are connected to", NULL);
    memset(n, 0, sizeof *n);
    n->option = l->option;
    n->nic_index = -1;
    l->made[i] = n;
    return parse_kind(l, word, &n->kind);
}

bool net_set(struct net_line *l, unsigned i, const char *key,
             const char *value)
{
    struct net_option *n = l->made[i];

    return kinds[n->kind].key(n, key, value, l->why, l->why_size);
}

bool net_set_name(struct net_line *l, char out[OPTIONS_ID_MAX + 1],
                  const char *value)
{
    size_t len = strlen(value);

    for (const char *c = value; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
            len = 0;
    if (!len || len > OPTIONS_ID_MAX || !isalpha((unsigned char)*value))
        return options_fail(l->why, l->why_size, "a name begins with a letter "
                            "and has up to 31 letters, digits, - _ .; not",
                            value);
    strcpy(out, value);
    return true;
}

bool net_set_vlan(struct net_line *l, struct net_option *n, const char *value)
{
    return parse_number(value, OPTIONS_VLAN_MAX, &n->vlan) ||
           options_fail(l->why, l->why_size, "vlan= takes 0 to 255, not",
                        value);
}

bool net_check(const struct net_option *n, char *why, size_t size)
{
    return !kinds[n->kind].check || kinds[n->kind].check(n->params, why, size);
}

bool net_keep(struct net_line *l)
{
    for (unsigned i = 0; i < 2; i++)
        if (l->made[i] && !net_check(l->made[i], l->why, l->why_size))
            return false;
    l->o->net_count += !!l->made[0] + !!l->made[1];
    return true;
}

/* The word at *at, ended in place, and *at behind its comma; NULL: no more. */
static char *next_word(char **at)
{
    char *word = *at, *comma = word ? strchr(word, ',') : NULL;

    if (comma)
        *comma = '\0';
    *at = comma ? comma + 1 : NULL;
    return word;
}

char *net_first_word(struct net_line *l, const char *value)
{
    l->value = value;
    snprintf(l->text, sizeof l->text, "%s", value);
    l->rest = l->text;
    return next_word(&l->rest);
}

bool net_is_none(struct net_line *l, const char *word)
{
    if (strcmp(word, "none") || l->rest)
        return false;
    l->o->net_none = true;
    return true;
}

/*
 * "NAME=..." occurs among the settings of `value` once, or is one that may
 * come again.
 */
static bool is_single(const char *value, const char *word)
{
    static const char *const repeated[] = {
        "hostfwd=", "guestfwd=", "nameserver=", "dnssearch="
    };
    size_t len = strcspn(word, "=") + 1;
    unsigned n = 0;

    for (size_t i = 0; i < sizeof repeated / sizeof *repeated; i++)
        if (!strncmp(word, repeated[i], len))
            return true;

    for (const char *p = value; (p = strchr(p, ',')); )
        n += !strncmp(++p, word, len);
    return n == 1;
}

bool net_settings(struct net_line *l)
{
    char *word, *end;

    while ((word = next_word(&l->rest))) {
        end = strchr(word, '=');
        if (!end)
            return options_fail(l->why, l->why_size, "expected NAME=VALUE, not",
                                word);
        if (!is_single(l->value, word)) {
            *end = '\0';
            return options_fail(l->why, l->why_size, "given twice:", word);
        }
        *end = '\0';
        if (!l->set(l, word, end + 1))
            return false;
    }
    return true;
}

/* ---- -net ---------------------------------------------------------------- */

static bool set_net(struct net_line *l, const char *key, const char *value)
{
    struct net_option *n = l->made[0];

    if (!strcmp(key, "vlan"))
        return net_set_vlan(l, n, value);
    if (!strcmp(key, "name") || !strcmp(key, "id"))
        return net_set_name(l, n->id, value);
    if (n->kind == NET_NIC && !strcmp(key, "netdev"))
        return net_set_name(l, n->peer, value);
    return net_set(l, 0, key, value);
}

bool options_parse_net(struct options *o, const char *value, char *why,
                       size_t why_size)
{
    struct net_line l = { .o = o, .option = "-net", .set = set_net,
                          .why = why, .why_size = why_size };
    const char *word = net_first_word(&l, value);

    if (net_is_none(&l, word))
        return true;
    if (!strcmp(word, "dump"))
        return net_parse_dump(&l);
    return net_begin(&l, 0, word) && net_settings(&l) && net_keep(&l);
}

/* ---- All together -------------------------------------------------------- */

/* What has no name gets one as qemu gives it: "ne2k_pci.0", "tap.1". */
static void name_all(struct options *o)
{
    unsigned seen[KINDS] = { 0 };

    for (unsigned i = 0; i < o->net_count; i++) {
        struct net_option *n = &o->net[i];
        const char *word = n->kind == NET_NIC ? "ne2k_pci"
                                              : kinds[n->kind].word;

        if (!*n->id)
            snprintf(n->id, sizeof n->id, "%s.%u", word, seen[n->kind]);
        seen[n->kind]++;
    }
}

static bool check_pair(const struct net_option *a, const struct net_option *b,
                       char *why, size_t size)
{
    if (!strcmp(a->id, b->id)) {
        snprintf(why, size, "%s: the name %s is given twice", b->option,
                 b->id);
        return false;
    }
    if (a->kind != NET_NIC || b->kind != NET_NIC || !a->has_mac ||
        !b->has_mac || memcmp(a->mac, b->mac, 6))
        return true;
    snprintf(why, size, "%s: %s and %s have the same address %02x:%02x:%02x:"
             "%02x:%02x:%02x; give one another macaddr=", b->option, a->id,
             b->id, b->mac[0], b->mac[1], b->mac[2], b->mac[3], b->mac[4],
             b->mac[5]);
    return false;
}

bool options_check_net(struct options *o, char *why, size_t why_size)
{
    unsigned nics = 0;

    if (o->net_none && o->net_count)
        return options_fail(why, why_size, "-net none: contradicts the other "
                            "network options", NULL);
    name_all(o);
    for (unsigned i = 0; i < o->net_count; i++) {
        nics += o->net[i].kind == NET_NIC;
        for (unsigned k = 0; k < i; k++)
            if (!check_pair(&o->net[k], &o->net[i], why, why_size))
                return false;
    }
    if (nics > MACHINE_NICS)
        return options_fail(why, why_size, "-net nic: at most four NICs", NULL);
    if (o->dump_count && !o->net_count)
        return options_fail(why, why_size, "a capture needs a network: -net or "
                            "another option", NULL);
    return net_apply_redirs(o, why, why_size) &&
           net_join_peers(o, why, why_size);
}
