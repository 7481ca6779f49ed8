/* See options_net.h. */
#include "kernel/options_net.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static bool fail(char *why, size_t size, const char *what, const char *value)
{
    snprintf(why, size, "%s%s%.*s%s", what, value ? " '" : "", OPTIONS_SHOWN,
             value ? value : "", value ? "'" : "");
    return false;
}

static bool parse_number(const char *text, unsigned max, unsigned *out)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    if (!isdigit((unsigned char)*text) || *end || v > max)
        return false;
    *out = v;
    return true;
}

/*
 * "a.b.c.d/n", a host's address with n in 1..30, or "dhcp". sscanf would take
 * blanks and signs.
 */
static bool is_ip_setting(const char *v)
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
            return fail(why, size, "not a MAC address:", value);
        if (n->mac[0] & 1)
            return fail(why, size, "a multicast address cannot be a NIC's:",
                        value);
        return true;
    }
    if (!strcmp(key, "romfile")) {
        if (!*value || strlen(value) >= sizeof n->romfile)
            return fail(why, size, "romfile= takes a name of 1 to 127 "
                        "characters, not", value);
        strcpy(n->romfile, value);
        return true;
    }
    if (!strcmp(key, "model")) {
        if (strcmp(value, "ne2k_pci"))
            return fail(why, size, "the only model is ne2k_pci, not", value);
        return true;
    }
    return fail(why, size, "a nic has vlan=, macaddr=, model=, romfile=; not",
                key);
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
        if (!is_ip_setting(value))
            return fail(why, size, "use ip=dhcp or ip=A.B.C.D/N, not", value);
        snprintf(n->ip, sizeof n->ip, "%s", value);
        return true;
    }
    if (strcmp(key, "nic") && strcmp(key, "mac") && strcmp(key, "pci"))
        return fail(why, size, "a bridge has vlan=, nic=, mac=, pci=, ip=; "
                    "not", key);
    if (n->nic_index >= 0 || n->has_mac || *n->pci)
        return fail(why, size, "use one of nic=, mac= and pci=", NULL);
    if (!strcmp(key, "nic")) {
        if (!parse_number(value, 31, &k))
            return fail(why, size, "nic= takes a number, not", value);
        n->nic_index = k;
        return true;
    }
    if (!strcmp(key, "mac")) {
        n->has_mac = options_parse_mac(value, n->mac);
        return n->has_mac || fail(why, size, "not a MAC address:", value);
    }
    return parse_pci(value, n->pci) ||
           fail(why, size, "use pci=BB:DD.F, as in pci=00:03.0, not", value);
}

static bool wire_key(struct net_option *n, const char *key, const char *value,
                     char *why, size_t size)
{
    static const char *const tap_keys[] = {
        "ifname", "script", "downscript", NULL
    }, *const socket_keys[] = { "connect", "listen", NULL };
    bool is_tap = n->kind == NET_TAP;
    const char *const *k = is_tap ? tap_keys : socket_keys;
    size_t used = strlen(n->params);
    int len;

    while (*k && strcmp(key, *k))
        k++;
    if (!*k)
        return fail(why, size, is_tap
                    ? "a tap has vlan=, ifname=, script=, downscript=; not"
                    : "a socket has vlan=, connect=, listen=; not", key);
    len = snprintf(n->params + used, sizeof n->params - used, "%s%s=%s",
                   used ? "," : "", key, value);
    return (size_t)len < sizeof n->params - used ||
           fail(why, size, "the value is too long", NULL);
}

static bool parse_key(struct net_option *n, char *word, char *why, size_t size)
{
    char *value = strchr(word, '=');

    if (!value)
        return fail(why, size, "expected NAME=VALUE, not", word);
    *value++ = '\0';
    if (!strcmp(word, "vlan"))
        return parse_number(value, 255, &n->vlan) ||
               fail(why, size, "vlan= takes 0 to 255, not", value);
    switch (n->kind) {
    case NET_NIC:
        return nic_key(n, word, value, why, size);
    case NET_BRIDGE:
        return bridge_key(n, word, value, why, size);
    default:
        return wire_key(n, word, value, why, size);
    }
}

static bool parse_kind(const char *word, enum net_kind *kind)
{
    static const char *const words[] = {
        [NET_NIC] = "nic", [NET_BRIDGE] = "bridge", [NET_TAP] = "tap",
        [NET_SOCKET] = "socket",
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(word, words[i])) {
            *kind = i;
            return true;
        }
    return false;
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

/* "NAME=..." occurs among the settings of `value` once. */
static bool is_single(const char *value, const char *word)
{
    size_t len = strcspn(word, "=") + 1;
    unsigned n = 0;

    for (const char *p = value; (p = strchr(p, ',')); )
        n += !strncmp(++p, word, len);
    return n == 1;
}

static bool parse_keys(struct net_option *n, const char *value, char *rest,
                       char *why, size_t size)
{
    const char *setting;
    char *word;

    while ((word = next_word(&rest))) {
        if (strchr(word, '=') && !is_single(value, word)) {
            word[strcspn(word, "=")] = '\0';
            return fail(why, size, "given twice:", word);
        }
        if (!parse_key(n, word, why, size))
            return false;
    }
    setting = strchr(n->params, '=');
    if (n->kind == NET_SOCKET &&
        (!setting || !setting[1] || strchr(setting, ',')))
        return fail(why, size, "needs connect=HOST:PORT or listen=HOST:PORT",
                    NULL);
    return true;
}

bool options_parse_net(struct options *o, const char *value, char *why,
                       size_t why_size)
{
    char text[OPTIONS_TEXT], *rest = text, *word;
    struct net_option *n = &o->net[o->net_count];

    snprintf(text, sizeof text, "%s", value);
    word = next_word(&rest);
    if (!strcmp(word, "none") && !rest) {
        o->net_none = true;
        return true;
    }
    if (o->net_count == OPTIONS_NETS)
        return fail(why, why_size, "at most eight -net options", NULL);
    memset(n, 0, sizeof *n);
    n->nic_index = -1;
    if (!parse_kind(word, &n->kind))
        return fail(why, why_size,
                    "there are nic, bridge, tap, socket and none; not", value);
    if (!parse_keys(n, value, rest, why, why_size))
        return false;
    o->net_count++;
    return true;
}

bool options_check_net(struct options *o, char *why, size_t why_size)
{
    unsigned nics = 0;

    if (o->net_none && o->net_count)
        return fail(why, why_size, "-net none: contradicts the other -net "
                    "options", NULL);
    for (unsigned i = 0; i < o->net_count; i++) {
        const struct net_option *a = &o->net[i];

        nics += a->kind == NET_NIC;
        for (unsigned k = 0; k < i; k++)
            if (a->kind == NET_NIC && o->net[k].kind == NET_NIC &&
                a->has_mac && o->net[k].has_mac &&
                !memcmp(a->mac, o->net[k].mac, 6))
                return fail(why, why_size, "-net nic: two NICs have the same "
                            "macaddr=", NULL);
    }
    if (nics > MACHINE_NICS)
        return fail(why, why_size, "-net nic: at most four NICs", NULL);
    return true;
}
