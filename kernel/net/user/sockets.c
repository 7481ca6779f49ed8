/* See sockets.h: the backend's life, who gets which packet, its forwards. */
#include "kernel/net/user/sockets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/packet.h"
#include "kernel/net/user/icmp.h"
#include "kernel/net/user/impl.h"
#include "kernel/net/user/inside.h"
#include "kernel/net/user/sockets_impl.h"
#include "kernel/platform.h"

#define LOOPBACK 0x7f000001u
#define EXPIRE_NS 1000000000u   /* how often timeouts are looked at */

/* ---- Addresses ----------------------------------------------------------- */

/* The guestfwd= of the address, or of address and port; -1: none. */
static int guest_forward(const struct user_config *c, struct endpoint at)
{
    for (unsigned i = 0; i < c->guest_forward_count; i++)
        if (c->guest_forward[i].addr == at.addr &&
            c->guest_forward[i].port == at.port)
            return i;
    return -1;
}

const char *sockets_command(const struct sockets *s, struct endpoint at)
{
    int i = guest_forward(s->config, at);
    const char *command = i < 0 ? "" : s->config->guest_forward[i].command;

    return *command ? command : NULL;
}

bool sockets_nameserver(struct sockets *s, struct endpoint at, unsigned i,
                        struct endpoint *real)
{
    uint32_t servers[USER_NAMESERVERS];
    unsigned n;

    if (at.addr != s->config->dns || at.port != DNS_PORT ||
        guest_forward(s->config, at) >= 0)
        return false;
    n = user_nameservers(s->un, servers, USER_NAMESERVERS);
    if (i >= n)
        return false;
    *real = (struct endpoint){ servers[(s->un->dns.first + i) % n], DNS_PORT };
    return true;
}

bool sockets_real(struct sockets *s, bool tcp, struct endpoint at,
                  struct endpoint *real)
{
    const struct user_config *c = s->config;
    int i = tcp ? guest_forward(c, at) : -1;

    *real = at;
    if (i >= 0) {
        real->addr = s->guest_forward_host[i];
        real->port = c->guest_forward[i].to_port;
        return true;
    }
    if (c->restricted) {
        s->counters.restricted++;
        return false;
    }
    if (at.addr == c->host)
        real->addr = LOOPBACK;
    else if (tcp && sockets_nameserver(s, at, 0, real))
        return true;
    else if (user_in_net(c, at.addr))
        return false;
    return true;
}

uint32_t sockets_presented(const struct sockets *s, uint32_t addr)
{
    return addr >> 24 == 127 || !addr || user_in_net(s->config, addr)
               ? s->config->host : addr;
}

/* ---- Packets ------------------------------------------------------------- */

static uint64_t now_ms(void) { return platform_now_ns() / 1000000u; }

static void from_guest(void *outside, uint8_t *ip, size_t len)
{
    struct sockets *s = outside;
    uint8_t *packet = reassemble(&s->reassembly, ip, len, now_ms(), &len);

    if (!packet)
        return;
    switch (packet[IP_PROTOCOL]) {
    case PROTO_TCP:
        sockets_tcp_input(s, packet, len);
        break;
    case PROTO_UDP:
        sockets_udp_input(s, packet, len);
        break;
    case PROTO_ICMP:
        sockets_ping_input(s, packet, len);
        break;
    default:
        s->counters.other_protocol++;
        user_net_icmp_error(s->un, ICMP_UNREACHABLE, ICMP_PROTOCOL, 0, packet,
                            len);
        break;
    }
}

/* ---- Forwards ------------------------------------------------------------ */

/* A port that the host has chosen is the rule's from then on: it is told, and
 * names the forward that is to be removed. */
static int open_forward(struct socket_forward *w)
{
    struct user_forward *f = &w->rule;
    struct endpoint local = { f->host_addr, f->host_port };
    int r = f->udp ? sockets_udp_forward(w->s, f, &w->udp)
                   : listener_open(local, sockets_tcp_accepted, w,
                                   &w->listener);

    if (!r)
        f->host_port = f->udp ? sockets_udp_port(w->udp)
                              : listener_local(w->listener).port;
    return r;
}

/* What it could not take, added to `c`. */
static void add_lost(const struct socket_forward *w, struct socket_counters *c)
{
    if (w->listener)
        c->forward_refused += listener_refused(w->listener);
    if (w->udp)
        c->forward_dropped += sockets_udp_dropped(w->udp);
}

static void close_forward(struct socket_forward *w)
{
    add_lost(w, &w->s->counters);
    if (w->listener)
        listener_close(w->listener);
    if (w->udp)
        sockets_udp_close(w->s, w->udp);
    free(w);
}

static int forward_add(void *outside, const struct user_forward *f, char *why,
                       size_t size)
{
    struct sockets *s = outside;
    struct socket_forward *w = calloc(1, sizeof *w);
    int r;

    snprintf(why, size, "out of memory");
    if (!w)
        return -ENOMEM;
    w->s = s;
    w->rule = *f;
    r = open_forward(w);
    snprintf(why, size, "hostfwd=: no %s port %u of the host: %s",
             f->udp ? "UDP" : "TCP", f->host_port, strerror(-r));
    if (r) {
        free(w);
        return r;
    }
    w->next = s->forwards;
    s->forwards = w;
    return 0;
}

static int forward_remove(void *outside, const struct user_forward *f)
{
    struct sockets *s = outside;

    for (struct socket_forward **at = &s->forwards; *at; at = &(*at)->next) {
        struct socket_forward *w = *at;

        if (w->rule.udp != f->udp || w->rule.host_addr != f->host_addr ||
            w->rule.host_port != f->host_port)
            continue;
        *at = w->next;
        close_forward(w);
        return 0;
    }
    return -ENOENT;
}

/* ---- Life ---------------------------------------------------------------- */

static int check_command(const char *command, char *why, size_t size)
{
    snprintf(why, size, "guestfwd=...-cmd:%.40s: there are no programs here "
             "but Trestle; use -tcp:HOST:PORT", command);
    return transport_has_commands() ? 0 : -ENOTSUP;
}

static int check_guest_forwards(struct sockets *s, char *why, size_t size)
{
    const struct user_config *c = s->config;
    int r = 0;

    for (unsigned i = 0; i < c->guest_forward_count && !r; i++) {
        const struct user_guest_forward *g = &c->guest_forward[i];

        if (*g->command) {
            r = check_command(g->command, why, size);
            continue;
        }
        r = transport_resolve(g->to_host, &s->guest_forward_host[i]);
        snprintf(why, size, "guestfwd=: no such host: '%.60s'", g->to_host);
    }
    return r;
}

static int create(struct user_net *un, const struct user_config *config,
                  const struct user_site *site, void **out, char *why,
                  size_t size)
{
    struct sockets *s = calloc(1, sizeof *s);
    int r;

    snprintf(why, size, "out of memory");
    if (!s)
        return -ENOMEM;
    s->un = un;
    s->config = config;
    s->tcp_limit = site->tcp_limit ? site->tcp_limit : INSIDE_SLOTS;
    r = check_guest_forwards(s, why, size);
    if (r)
        free(s);
    else
        *out = s;
    return r;
}

static void destroy(void *outside)
{
    struct sockets *s = outside;

    while (s->forwards) {
        struct socket_forward *w = s->forwards;

        s->forwards = w->next;
        close_forward(w);
    }
    sockets_tcp_drop_all(s);
    while (s->udp)
        sockets_udp_close(s, s->udp);
    sockets_ping_expire(s, UINT64_MAX);
    reassembly_fini(&s->reassembly);
    free(s);
}

static bool poll(void *outside)
{
    struct sockets *s = outside;
    uint64_t now = platform_now_ns();

    if (user_net_has_room(s->un))
        inside_go_on();
    if (now < s->next_expire_ns)
        return false;
    s->next_expire_ns = now + EXPIRE_NS;
    sockets_tcp_expire(s, now);
    sockets_udp_expire(s, now);
    sockets_ping_expire(s, now);
    reassembly_expire(&s->reassembly, now / 1000000u);
    return false;
}

static uint64_t deadline(void *outside)
{
    struct sockets *s = outside;

    return s->tcp || s->udp_count || s->ping ? s->next_expire_ns : UINT64_MAX;
}

/* ---- Text ---------------------------------------------------------------- */

static void address(char *text, size_t size, uint32_t addr)
{
    snprintf(text, size, addr ? "%u.%u.%u.%u" : "*", addr >> 24,
             addr >> 16 & 255, addr >> 8 & 255, addr & 255);
}

void sockets_line(struct textbuf *t, const char *what, unsigned fd,
                  struct endpoint source, struct endpoint to, unsigned recvq,
                  unsigned sendq)
{
    char a[20], b[20];

    address(a, sizeof a, source.addr);
    address(b, sizeof b, to.addr);
    text_add(t, "  %-19s %3u %15s %5u %15s %5u %5u %5u\n", what, fd, a,
             source.port, b, to.port, recvq, sendq);
}

static void add_counter(struct textbuf *t, const char *name, uint64_t v)
{
    if (v)
        text_add(t, "    %s=%llu\n", name, (unsigned long long)v);
}

static void add_counters(struct textbuf *t, const struct sockets *s)
{
    struct socket_counters c = s->counters;
    const struct reassembly *r = &s->reassembly;

    for (const struct socket_forward *w = s->forwards; w; w = w->next)
        add_lost(w, &c);
#define COUNTER(name) add_counter(t, #name, c.name)
    COUNTER(tcp_flows);
    COUNTER(tcp_refused);
    COUNTER(tcp_unreachable);
    COUNTER(tcp_timed_out);
    COUNTER(tcp_reset);
    COUNTER(tcp_stray);
    COUNTER(tcp_full);
    COUNTER(tcp_malformed);
    COUNTER(udp_flows);
    COUNTER(udp_sent);
    COUNTER(udp_received);
    COUNTER(udp_malformed);
    COUNTER(udp_full);
    COUNTER(udp_not_sent);
    COUNTER(ping_sent);
    COUNTER(ping_replies);
    COUNTER(ping_malformed);
    COUNTER(ping_not_allowed);
    COUNTER(ping_full);
    COUNTER(ping_errors);
    add_counter(t, "ping_bad_replies", sockets_ping_bad_replies(s));
    COUNTER(other_protocol);
    COUNTER(restricted);
    COUNTER(forward_refused);
    COUNTER(forward_dropped);
#undef COUNTER
    add_counter(t, "reassembled", r->whole);
    add_counter(t, "reassembly_expired", r->expired);
    add_counter(t, "reassembly_evicted", r->evicted);
    add_counter(t, "reassembly_contradictory", r->contradictory);
}

static int format(void *outside, char *buf, size_t size)
{
    const struct sockets *s = outside;
    struct textbuf t = { buf, size, 0 };
    uint64_t now = platform_now_ns();
    unsigned i = 0;

    if (size)
        buf[0] = '\0';
    sockets_tcp_format(s, &t);
    sockets_udp_format(s, &t, now);
    sockets_ping_format(s, &t, now);
    for (const struct socket_forward *w = s->forwards; w; w = w->next, i++)
        sockets_line(&t, w->rule.udp ? "UDP[HOST_FORWARD]"
                                     : "TCP[HOST_FORWARD]", i,
                     (struct endpoint){ w->rule.host_addr,
                                        w->rule.host_port },
                     (struct endpoint){ w->rule.guest_addr,
                                        w->rule.guest_port }, 0, 0);
    add_counters(&t, s);
    return t.wanted;
}

const struct user_outside_ops user_sockets = {
    .name = "sockets", .create = create, .destroy = destroy,
    .from_guest = from_guest, .forward_add = forward_add,
    .forward_remove = forward_remove, .poll = poll, .deadline = deadline,
    .format = format,
};
