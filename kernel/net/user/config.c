/* See config.h. */
#include "kernel/net/user/config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/user/dhcp.h"
#include "kernel/number.h"
#include "kernel/options_net.h"

struct parse {
    struct user_config *c;
    char *why;
    size_t size;
    /* Defaults follow from net=, so the others wait for it. */
    const char *host, *dns, *dhcp_start;
};

static bool fail(struct parse *p, const char *what, const char *value)
{
    snprintf(p->why, p->size, "%s '%.60s'", what, value);
    return false;
}

bool user_parse_address(const char *text, uint32_t *addr)
{
    unsigned a, b, c, d;
    char tail;

    if (text[strspn(text, "0123456789.")] ||
        sscanf(text, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &tail) != 4 ||
        a > 255 || b > 255 || c > 255 || d > 255)
        return false;
    *addr = a << 24 | b << 16 | c << 8 | d;
    return true;
}

/* An address that a host of the net can have. */
static bool is_host(const struct user_config *c, uint32_t addr)
{
    return user_in_net(c, addr) && addr != c->net &&
           addr != (c->net | ~c->mask);
}

/* ---- Forwards ----------------------------------------------------------- */

/*
 * The part of *at up to `stop` into `out`, *at then behind it. False: there is
 * no `stop`, or it does not fit.
 */
static bool take(const char **at, char stop, char *out, size_t size)
{
    const char *end = strchr(*at, stop);
    size_t n = end ? (size_t)(end - *at) : 0;

    if (!end || n >= size)
        return false;
    memcpy(out, *at, n);
    out[n] = '\0';
    *at = end + 1;
    return true;
}

static bool take_port(const char **at, char stop, uint16_t *port)
{
    char text[8];
    unsigned v;

    if (stop && !take(at, stop, text, sizeof text))
        return false;
    if (!parse_number(stop ? text : *at, 65535, &v))
        return false;
    *port = v;
    return true;
}

/* An address, or nothing for `otherwise`. */
static bool take_address(const char **at, uint32_t otherwise, uint32_t *addr)
{
    char text[20];

    *addr = otherwise;
    return take(at, ':', text, sizeof text) &&
           (!*text || user_parse_address(text, addr));
}

bool user_forward_parse(const char *text, bool to_guest,
                        const struct user_config *c, struct user_forward *f,
                        char *why, size_t size)
{
    const char *at = text;
    char protocol[8];

    snprintf(why, size, to_guest
             ? "use tcp|udp:[HOSTADDR]:PORT-[GUESTADDR]:PORT, not '%.60s'"
             : "use tcp|udp:[HOSTADDR]:PORT, not '%.60s'", text);
    memset(f, 0, sizeof *f);
    f->guest_addr = c->dhcp_start;
    if (!take(&at, ':', protocol, sizeof protocol))
        return false;
    f->udp = !strcmp(protocol, "udp");
    if (*protocol && !f->udp && strcmp(protocol, "tcp"))
        return false;
    if (!take_address(&at, 0, &f->host_addr) ||
        !take_port(&at, to_guest ? '-' : '\0', &f->host_port))
        return false;
    if (!to_guest)
        return true;
    if (!take_address(&at, c->dhcp_start, &f->guest_addr) ||
        !take_port(&at, '\0', &f->guest_port) || !f->guest_port)
        return false;
    if (!is_host(c, f->guest_addr) || f->guest_addr == c->host ||
        f->guest_addr == c->dns) {
        snprintf(why, size, "the guest's address is not of its net: '%.60s'",
                 text);
        return false;
    }
    for (unsigned i = 0; i < c->guest_forward_count; i++)
        if (c->guest_forward[i].addr == f->guest_addr) {
            snprintf(why, size, "guestfwd= leads elsewhere from '%.60s'",
                     text);
            return false;
        }
    return true;
}

static bool parse_forward(struct parse *p, const char *value)
{
    struct user_config *c = p->c;
    struct user_forward *f = &c->forward[c->forward_count];

    if (c->forward_count == USER_FORWARDS)
        return fail(p, "hostfwd= too often, with", value);
    if (!user_forward_parse(value, true, c, f, p->why, p->size))
        return false;
    for (unsigned i = 0; i < c->forward_count; i++)
        if (f->host_port && c->forward[i].udp == f->udp &&
            c->forward[i].host_addr == f->host_addr &&
            c->forward[i].host_port == f->host_port)
            return fail(p, "hostfwd= has the host's port twice:", value);
    c->forward_count++;
    return true;
}

/* The address is nobody else's. */
static bool check_guest_forward(struct parse *p,
                                const struct user_guest_forward *g,
                                const char *value)
{
    const struct user_config *c = p->c;

    if (!is_host(c, g->addr) || g->addr == c->host)
        return fail(p, "guestfwd= takes a free address of the inside net, not",
                    value);
    for (unsigned i = 0; i < c->forward_count; i++)
        if (c->forward[i].guest_addr == g->addr)
            return fail(p, "hostfwd= leads to the address of guestfwd=",
                        value);
    for (unsigned i = 0; i < c->guest_forward_count; i++)
        if (c->guest_forward[i].addr == g->addr &&
            c->guest_forward[i].port == g->port)
            return fail(p, "guestfwd= has the same end twice:", value);
    return true;
}

/* "tcp:HOST:PORT" or "cmd:COMMAND". */
static bool take_target(const char *at, struct user_guest_forward *g)
{
    size_t n;

    if (!strncmp(at, "cmd:", 4)) {
        n = strlen(at += 4);
        if (!n || n >= sizeof g->command)
            return false;
        memcpy(g->command, at, n + 1);
        return true;
    }
    if (strncmp(at, "tcp:", 4))
        return false;
    at += 4;
    return take(&at, ':', g->to_host, sizeof g->to_host) && *g->to_host &&
           take_port(&at, '\0', &g->to_port) && g->to_port;
}

static bool parse_guest_forward(struct parse *p, const char *value)
{
    struct user_config *c = p->c;
    struct user_guest_forward *g = &c->guest_forward[c->guest_forward_count];
    const char *at = value;
    char protocol[8];

    if (c->guest_forward_count == USER_GUEST_FORWARDS)
        return fail(p, "guestfwd= too often, with", value);
    if (!take(&at, ':', protocol, sizeof protocol) ||
        (*protocol && strcmp(protocol, "tcp")) ||
        !take_address(&at, 0, &g->addr) || !take_port(&at, '-', &g->port) ||
        !g->port || !take_target(at, g))
        return fail(p, "use guestfwd=tcp:ADDR:PORT-tcp:HOST:PORT or "
                    "-cmd:COMMAND, not", value);
    if (!check_guest_forward(p, g, value))
        return false;
    c->guest_forward_count++;
    return true;
}

/* ---- The net and its addresses ------------------------------------------ */

/* qemu's guess for an address without a mask: private nets, then classes. */
static uint32_t guess_mask(uint32_t addr)
{
    if (!(addr & 0x80000000u))
        return 0xff000000u;
    if ((addr & 0xfff00000u) == 0xac100000u)
        return 0xfff00000u;
    if ((addr & 0xffff0000u) == 0xc0a80000u || !(addr & 0x40000000u))
        return 0xffff0000u;
    return 0xffffff00u;
}

/* "A.B.C.D", "A.B.C.D/24" or "A.B.C.D/255.255.255.0". */
static bool parse_net(struct parse *p, const char *value)
{
    struct user_config *c = p->c;
    char addr[20];
    const char *slash = strchr(value, '/');
    unsigned bits;

    snprintf(addr, sizeof addr, "%.*s", (int)(slash ? slash - value : 19),
             value);
    if (!user_parse_address(addr, &c->net))
        return fail(p, "net= takes A.B.C.D/N, not", value);
    c->mask = guess_mask(c->net);
    if (slash && parse_number(slash + 1, 32, &bits))
        c->mask = bits ? 0xffffffffu << (32 - bits) : 0;
    else if (slash && !user_parse_address(slash + 1, &c->mask))
        return fail(p, "net= takes A.B.C.D/N, not", value);
    /* Contiguous, room for 32 hosts, and a net in which hosts can be. */
    if (~c->mask & (~c->mask + 1) || ~c->mask < 31 || c->mask < 0xff000000u)
        return fail(p, "net= takes a mask of 8 to 27 bits, not", value);
    c->net &= c->mask;
    if (c->net >> 24 == 0 || c->net >> 24 == 127 || c->net >> 28 >= 14)
        return fail(p, "no host can be in net=", value);
    return true;
}

/* The address `value`, which must be a host of the net. */
static bool parse_host(struct parse *p, const char *name, const char *value,
                       uint32_t *addr)
{
    const struct user_config *c = p->c;

    if (!value)
        return true;
    if (user_parse_address(value, addr) && is_host(c, *addr))
        return true;
    snprintf(p->why, p->size, "%s= takes an address of the net, not '%.40s'",
             name, value);
    return false;
}

static bool finish_net(struct parse *p)
{
    struct user_config *c = p->c;

    /* As qemu: 10.0.2.2 in 10.0.0.0/8 and in 10.0.2.0/24 alike. */
    c->host = c->net | (0x0202 & ~c->mask);
    c->dns = c->net | (0x0203 & ~c->mask);
    c->dhcp_start = c->net | (0x020f & ~c->mask);
    if (!parse_host(p, "host", p->host, &c->host) ||
        !parse_host(p, "dns", p->dns, &c->dns) ||
        !parse_host(p, "dhcpstart", p->dhcp_start, &c->dhcp_start))
        return false;
    if (c->host == c->dns || c->dhcp_start == c->host ||
        c->dhcp_start == c->dns) {
        snprintf(p->why, p->size, "host=, dns= and dhcpstart= must differ");
        return false;
    }
    if ((c->dhcp_start & ~c->mask) + USER_LEASES > ~c->mask) {
        snprintf(p->why, p->size, "dhcpstart= leaves no room for %u leases",
                 USER_LEASES);
        return false;
    }
    return true;
}

/* ---- Other settings ----------------------------------------------------- */

static bool parse_switch(struct parse *p, const char *value)
{
    static const char *const on[] = { "on", "yes", "y", "true" };
    static const char *const off[] = { "off", "no", "n", "false" };

    for (unsigned i = 0; i < 4; i++) {
        if (!strcmp(value, on[i])) {
            p->c->restricted = true;
            return true;
        }
        if (!strcmp(value, off[i]))
            return true;
    }
    return fail(p, "restrict= takes on or off, not", value);
}

/* Printable ASCII, as it goes into DHCP replies and file names. */
static bool parse_text(struct parse *p, const char *value, char *out,
                       size_t size)
{
    size_t n = strlen(value);

    for (size_t i = 0; i < n; i++)
        if (!isprint((unsigned char)value[i]))
            return fail(p, "unprintable character in", value);
    if (!n || n >= size)
        return fail(p, "too long or empty:", value);
    memcpy(out, value, n + 1);
    return true;
}

static bool parse_nameserver(struct parse *p, const char *value)
{
    struct user_config *c = p->c;

    if (c->nameserver_count == USER_NAMESERVERS)
        return fail(p, "nameserver= too often, with", value);
    if (!user_parse_address(value, &c->nameserver[c->nameserver_count]) ||
        !c->nameserver[c->nameserver_count])
        return fail(p, "nameserver= takes A.B.C.D, not", value);
    c->nameserver_count++;
    return true;
}

static bool parse_mac(struct parse *p, const char *value)
{
    p->c->has_mac = options_parse_mac(value, p->c->mac);
    return p->c->has_mac ||
           fail(p, "mac= takes XX:XX:XX:XX:XX:XX, not", value);
}

/* "BB:DD.F" */
static bool parse_pci(struct parse *p, const char *value)
{
    static const char shape[] = "xx:xx.x";
    bool fits = strlen(value) == sizeof shape - 1;

    for (size_t i = 0; fits && i < sizeof shape - 1; i++) {
        fits = shape[i] == 'x' ? isxdigit((unsigned char)value[i]) != 0
                               : value[i] == shape[i];
        p->c->pci[i] = tolower((unsigned char)value[i]);
    }
    return fits || fail(p, "pci= takes BB:DD.F, not", value);
}

static bool parse_ip(struct parse *p, const char *value)
{
    if (!options_is_ip(value))
        return fail(p, "ip= takes dhcp or A.B.C.D/N, not", value);
    return parse_text(p, value, p->c->ip, sizeof p->c->ip);
}

static bool parse_gateway(struct parse *p, const char *value)
{
    return (user_parse_address(value, &p->c->gateway) && p->c->gateway) ||
           fail(p, "gw= takes A.B.C.D, not", value);
}

static bool parse_via(struct parse *p, const char *value)
{
    p->c->has_via = parse_number(value, 255, &p->c->via);
    return p->c->has_via || fail(p, "via= takes a VLAN, 0 to 255, not", value);
}

static bool parse_nic(struct parse *p, const char *value)
{
    unsigned k;

    if (!parse_number(value, 31, &k))
        return fail(p, "nic= takes a number, not", value);
    p->c->nic_index = k;
    return true;
}

static bool parse_hostname(struct parse *p, const char *value)
{
    return parse_text(p, value, p->c->hostname, sizeof p->c->hostname);
}

static bool parse_domain(struct parse *p, const char *value)
{
    return parse_text(p, value, p->c->domain, sizeof p->c->domain);
}

static bool parse_search(struct parse *p, const char *value)
{
    return search_add(&p->c->search, value) ||
           fail(p, "dnssearch= takes domains, 255 bytes together, not", value);
}

static bool parse_tftp(struct parse *p, const char *value)
{
    return parse_text(p, value, p->c->tftp, sizeof p->c->tftp);
}

static bool parse_tftp_name(struct parse *p, const char *value)
{
    return parse_text(p, value, p->c->tftp_name, sizeof p->c->tftp_name);
}

static bool parse_bootfile(struct parse *p, const char *value)
{
    return parse_text(p, value, p->c->bootfile, sizeof p->c->bootfile);
}

/* Remembered until net= is known. */
static bool parse_later(struct parse *p, const char *value) { return true; }

static const struct setting {
    const char *name;
    bool (*parse)(struct parse *p, const char *value);
    bool repeats;
    bool after_net;             /* refers to the net's addresses */
} settings[] = {
    { "net", parse_net, false, false },
    { "host", parse_later, false, false },
    { "dns", parse_later, false, false },
    { "dhcpstart", parse_later, false, false },
    { "restrict", parse_switch, false, false },
    { "hostname", parse_hostname, false, false },
    { "domainname", parse_domain, false, false },
    { "dnssearch", parse_search, true, false },
    { "tftp", parse_tftp, false, false },
    { "tftp-server-name", parse_tftp_name, false, false },
    { "bootfile", parse_bootfile, false, false },
    { "hostfwd", parse_forward, true, true },
    { "guestfwd", parse_guest_forward, true, true },
    { "via", parse_via, false, false },
    { "nic", parse_nic, false, false },
    { "mac", parse_mac, false, false },
    { "pci", parse_pci, false, false },
    { "ip", parse_ip, false, false },
    { "gw", parse_gateway, false, false },
    { "nameserver", parse_nameserver, true, false },
};

#define SETTINGS (sizeof settings / sizeof *settings)

static const struct setting *find_setting(const char *name)
{
    for (size_t i = 0; i < SETTINGS; i++)
        if (!strcmp(settings[i].name, name))
            return &settings[i];
    return NULL;
}

/* Run over all settings and parse those that are due now. */
static bool parse_all(struct parse *p, char *text, bool after_net)
{
    bool seen[SETTINGS] = { false };
    char *rest = text;

    while (rest && *rest) {
        char *word = rest, *comma = strchr(rest, ','), *value;
        const struct setting *s;
        bool ok;

        rest = comma ? comma + 1 : NULL;
        if (comma)
            *comma = '\0';
        value = strchr(word, '=');
        if (!value)
            return fail(p, "expected NAME=VALUE, not", word);
        *value++ = '\0';
        s = find_setting(word);
        if (!s)
            return fail(p, "a user net has no setting", word);
        if (seen[s - settings] && !s->repeats)
            return fail(p, "given twice:", word);
        seen[s - settings] = true;
        if (!strcmp(word, "host"))
            p->host = value;
        else if (!strcmp(word, "dns"))
            p->dns = value;
        else if (!strcmp(word, "dhcpstart"))
            p->dhcp_start = value;
        ok = s->after_net != after_net || s->parse(p, value);
        if (!ok)
            return false;
    }
    return true;
}

/* What is said of the outside must go together. */
static bool check_outside(struct parse *p)
{
    const struct user_config *c = p->c;
    unsigned named = c->has_via + (c->nic_index >= 0) + c->has_mac + !!*c->pci;

    if (named > 1) {
        snprintf(p->why, p->size, "use one of via=, nic=, mac= and pci=");
        return false;
    }
    if (c->gateway && (!*c->ip || !strcmp(c->ip, "dhcp"))) {
        snprintf(p->why, p->size, "gw= goes with ip=A.B.C.D/N");
        return false;
    }
    return true;
}

bool user_config_parse(const char *params, struct user_config *c, char *why,
                       size_t size)
{
    struct parse p = { .c = c, .why = why, .size = size };
    size_t n = strlen(params);
    char *text = malloc(2 * (n + 1));   /* each pass cuts its own copy up */
    bool ok;

    memset(c, 0, sizeof *c);
    c->net = 0x0a000200u;
    c->mask = 0xffffff00u;
    c->nic_index = -1;
    snprintf(why, size, "out of memory");
    if (!text)
        return false;
    memcpy(text, params, n + 1);
    memcpy(text + n + 1, params, n + 1);
    ok = parse_all(&p, text, false) && finish_net(&p) && check_outside(&p) &&
         parse_all(&p, text + n + 1, true);
    free(text);
    if (ok && !dhcp_settings_fit(c)) {
        snprintf(why, size, "hostname=, domainname=, dnssearch=, "
                 "tftp-server-name= and bootfile= are too long together for a "
                 "DHCP reply");
        ok = false;
    }
    return ok;
}

bool user_net_check(const char *params, char *why, size_t size)
{
    struct user_config *c = malloc(sizeof *c);
    bool ok;

    snprintf(why, size, "out of memory");
    if (!c)
        return false;
    ok = user_config_parse(params, c, why, size);
    free(c);
    return ok;
}
