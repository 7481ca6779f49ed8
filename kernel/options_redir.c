/*
 * See options_net.h. -redir, which is hostfwd= of the machine's user network
 * in older words.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/options_net.h"
#include "kernel/options_net_impl.h"

/* A number of 1 to 65535 of `len` characters. */
static bool is_port(const char *text, size_t len)
{
    unsigned v = 0;

    if (!len || len > 5)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        v = v * 10 + (unsigned)(text[i] - '0');
    }
    return v && v <= 65535;
}

/* "tcp:5555:10.0.2.15:80" to "hostfwd=tcp::5555-10.0.2.15:80". */
static bool to_hostfwd(const char *text, char *out, size_t size)
{
    bool is_udp = !strncmp(text, "udp:", 4);
    const char *port, *guest, *guest_port;
    size_t len;

    if (*text == ':')           /* no protocol is tcp */
        port = text + 1;
    else if (is_udp || !strncmp(text, "tcp:", 4))
        port = text + 4;
    else
        return false;
    len = strcspn(port, ":");
    if (!is_port(port, len) || !port[len])
        return false;
    guest = port + len + 1;
    guest_port = guest + strspn(guest, "0123456789.") + 1;
    return guest_port[-1] == ':' && is_port(guest_port, strlen(guest_port)) &&
           (size_t)snprintf(out, size, "hostfwd=%s::%.*s-%s",
                            is_udp ? "udp" : "tcp", (int)len, port, guest)
               < size;
}

bool options_parse_redir(struct options *o, const char *value, char *why,
                         size_t why_size)
{
    char text[OPTIONS_REDIR_TEXT];

    if (!to_hostfwd(value, text, sizeof text))
        return options_fail(why, why_size, "use "
                            "tcp|udp:HOSTPORT:[GUEST]:GUESTPORT, as in "
                            "tcp:5555::80, not", value);
    if (o->redir_count == OPTIONS_REDIRS)
        return options_fail(why, why_size, "at most sixteen", NULL);
    strcpy(o->redir[o->redir_count++], text);
    return true;
}

bool net_apply_redirs(struct options *o, char *why, size_t size)
{
    struct net_option *user = NULL;

    for (unsigned i = 0; i < o->net_count && !user; i++)
        if (o->net[i].kind == NET_USER)
            user = &o->net[i];
    if (!o->redir_count || !o->net_count)       /* options_default_net */
        return true;
    if (!user)
        return options_fail(why, size, "-redir: needs a user network: -net "
                            "user", NULL);
    for (unsigned i = 0; i < o->redir_count; i++) {
        size_t used = strlen(user->params), room = sizeof user->params - used;

        if ((size_t)snprintf(user->params + used, room, "%s%s",
                             used ? "," : "", o->redir[i]) >= room)
            return options_fail(why, size, "-redir: too many for one network",
                                NULL);
    }
    o->redir_count = 0;
    return net_check(user, why, size);
}

bool options_default_net(struct options *o, bool by_default, char *why,
                         size_t why_size)
{
    if (o->net_count || (!by_default && !o->redir_count))
        return true;
    if (o->net_none && !o->redir_count)
        return true;
    if (o->net_none || !by_default)
        return options_fail(why, why_size, "-redir: needs a user network: -net "
                            "user", NULL);
    return options_parse_net(o, "nic", why, why_size) &&
           options_parse_net(o, "user", why, why_size) &&
           options_check_net(o, why, why_size);
}
