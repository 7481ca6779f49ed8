/* See tunnel_options.h. */
#include "kernel/net/tunnel_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 60                /* of a value in a message */

static bool fail(char *why, size_t size, const char *what, const char *value)
{
    snprintf(why, size, "%s '%.*s'", what, SHOWN, value);
    return false;
}

static bool parse_host(const char *text, size_t len, struct tunnel_end *out)
{
    if (len > TUNNEL_HOST_MAX)
        return false;
    memcpy(out->host, text, len);
    out->host[len] = '\0';
    return !out->host[strcspn(out->host, " \t[]/=")];
}

/* "HOST:PORT", HOST maybe empty. */
static bool parse_end(const char *text, struct tunnel_end *out)
{
    const char *colon = strrchr(text, ':');
    unsigned long port = 0;

    if (!colon || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
        strlen(colon + 1) > 5)
        return false;
    port = strtoul(colon + 1, NULL, 10);
    out->port = (uint16_t)port;
    return port >= 1 && port <= 65535 &&
           parse_host(text, (size_t)(colon - text), out);
}

/* 224.0.0.0/4, by its first number: the rest is looked at when it is used. */
static bool is_group(const char *host)
{
    unsigned first;

    return host[strspn(host, "0123456789.")] == '\0' &&
           sscanf(host, "%3u.", &first) == 1 && first >= 224 && first <= 239;
}

static const char *const kind_keys[] = {
    [TUNNEL_LISTEN] = "listen", [TUNNEL_CONNECT] = "connect",
    [TUNNEL_MCAST] = "mcast", [TUNNEL_UDP] = "udp",
};
#define KINDS (sizeof kind_keys / sizeof *kind_keys)

/* One setting. */
static bool parse_key(struct tunnel_config *c, bool *has_kind, char *local,
                      const char *key, const char *value, char *why,
                      size_t size)
{
    unsigned k = 0;

    if (!strcmp(key, "localaddr")) {
        snprintf(local, TUNNEL_HOST_MAX + 8, "%s", value);
        return *value || fail(why, size, "nothing in localaddr=", value);
    }
    while (k < KINDS && strcmp(key, kind_keys[k]))
        k++;
    if (k == KINDS)
        return fail(why, size, "a socket has vlan=, listen=, connect=, mcast=, "
                    "udp=, localaddr=; not", key);
    if (*has_kind)
        return fail(why, size, "use one of listen=, connect=, mcast= and udp=;"
                    " not also", key);
    *has_kind = true;
    c->kind = k;
    return parse_end(value, &c->to) ||
           fail(why, size, "not HOST:PORT:", value);
}

static bool check_local(struct tunnel_config *c, const char *local, char *why,
                        size_t size)
{
    bool ok;

    switch (c->kind) {
    case TUNNEL_MCAST:
        if (!is_group(c->to.host))
            return fail(why, size, "mcast= needs a group from 224.0.0.0 to "
                        "239.255.255.255, not", c->to.host);
        ok = parse_host(local, strlen(local), &c->local) &&
             !strchr(local, ':');
        return ok || fail(why, size, "with mcast=, localaddr= is an address, "
                          "not", local);
    case TUNNEL_UDP:
        ok = parse_end(local, &c->local);
        return ok || fail(why, size, "udp= needs localaddr=HOST:PORT, not",
                          local);
    default:
        return !*local || fail(why, size, "localaddr= goes with mcast= or "
                               "udp=, not with", kind_keys[c->kind]);
    }
}

bool tunnel_parse(const char *params, struct tunnel_config *out, char *why,
                  size_t size)
{
    char local[TUNNEL_HOST_MAX + 8] = "";
    bool has_kind = false;

    memset(out, 0, sizeof *out);
    for (const char *p = params; *p; p += strcspn(p, ","), p += *p == ',') {
        char word[TUNNEL_HOST_MAX + 32], *value;
        int n = snprintf(word, sizeof word, "%.*s", (int)strcspn(p, ","), p);

        value = strchr(word, '=');
        if (n >= (int)sizeof word || !value)
            return fail(why, size, "not a setting:", word);
        *value++ = '\0';
        if (!parse_key(out, &has_kind, local, word, value, why, size))
            return false;
    }
    if (!has_kind) {
        snprintf(why, size, "needs connect=HOST:PORT, listen=HOST:PORT, "
                 "mcast=GROUP:PORT or udp=HOST:PORT");
        return false;
    }
    return check_local(out, local, why, size);
}

bool tunnel_check(const char *params, char *why, size_t size)
{
    struct tunnel_config c;

    return tunnel_parse(params, &c, why, size);
}
