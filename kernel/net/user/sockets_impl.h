/* What the files of the backend `sockets` share. */
#ifndef KERNEL_NET_USER_SOCKETS_IMPL_H
#define KERNEL_NET_USER_SOCKETS_IMPL_H

#include "emu/textbuf.h"
#include "kernel/net/transport.h"
#include "kernel/net/user/reassembly.h"
#include "kernel/net/user/sockets.h"
#include "kernel/net/user/user_net.h"

struct tcp_flow;
struct udp_flow;
struct ping_flow;

/* hostfwd=, open. */
struct socket_forward {
    struct sockets *s;
    struct user_forward rule;
    struct listener *listener;  /* TCP */
    struct udp_flow *udp;       /* UDP: a flow that does not end by itself */
    struct socket_forward *next;
};

struct socket_counters {
    uint64_t tcp_flows, tcp_refused, tcp_unreachable, tcp_timed_out, tcp_reset;
    uint64_t tcp_stray;         /* segments of no connection */
    uint64_t tcp_full, tcp_malformed;
    uint64_t udp_flows, udp_sent, udp_received, udp_malformed, udp_full;
    uint64_t udp_not_sent;
    uint64_t ping_sent, ping_replies, ping_malformed, ping_not_allowed;
    uint64_t ping_full, ping_errors;
    uint64_t ping_bad_replies;  /* of flows that have ended */
    uint64_t other_protocol, restricted;
    uint64_t forward_refused;   /* peers; of forwards that are closed */
    uint64_t forward_dropped;   /* datagrams, likewise */
};

struct sockets {
    struct user_net *un;
    const struct user_config *config;
    struct tcp_flow *tcp;       /* all, in no order */
    unsigned tcp_count, tcp_limit;
    struct udp_flow *udp;
    unsigned udp_count;
    struct ping_flow *ping;
    unsigned ping_count;
    struct socket_forward *forwards;
    struct reassembly reassembly;
    uint32_t guest_forward_host[USER_GUEST_FORWARDS];   /* resolved */
    uint64_t next_expire_ns;
    struct socket_counters counters;
};

/* ---- sockets.c ----------------------------------------------------------- */

/*
 * Where the outside has what the guest calls `at`: the host's loopback for
 * config->host, a name server for port 53 of config->dns, what guestfwd= says.
 * False: nowhere, by restrict= or as nobody is there.
 */
bool sockets_real(struct sockets *s, bool tcp, struct endpoint at,
                  struct endpoint *real);
/*
 * The i-th name server to try where the guest calls `at`: the one that answered
 * last is first. False: `at` is not DNS, or there are not so many.
 */
bool sockets_nameserver(struct sockets *s, struct endpoint at, unsigned i,
                        struct endpoint *real);
/* The command of guestfwd= where the guest calls `at` by TCP, or NULL. */
const char *sockets_command(const struct sockets *s, struct endpoint at);
/* The other way: loopback is config->host to the guest. */
uint32_t sockets_presented(const struct sockets *s, uint32_t addr);
/* One line of `info usernet`; `fd` is a number of ours. */
void sockets_line(struct textbuf *t, const char *what, unsigned fd,
                  struct endpoint source, struct endpoint to, unsigned recvq,
                  unsigned sendq);

/* ---- sockets_tcp.c ------------------------------------------------------- */

void sockets_tcp_input(struct sockets *s, uint8_t *ip, size_t len);
/* A peer of the outside for a forward. */
void sockets_tcp_accepted(void *forward, struct stream *stream,
                          struct endpoint from);
void sockets_tcp_expire(struct sockets *s, uint64_t now_ns);
void sockets_tcp_drop_all(struct sockets *s);
void sockets_tcp_format(const struct sockets *s, struct textbuf *t);

/* ---- sockets_udp.c ------------------------------------------------------- */

void sockets_udp_input(struct sockets *s, const uint8_t *ip, size_t len);
/* The flow of a forward; it ends by sockets_udp_close only. */
int sockets_udp_forward(struct sockets *s, const struct user_forward *rule,
                        struct udp_flow **out);
/* The host's port that it has. */
uint16_t sockets_udp_port(const struct udp_flow *f);
/* Datagrams that found no room. */
uint64_t sockets_udp_dropped(const struct udp_flow *f);
void sockets_udp_close(struct sockets *s, struct udp_flow *f);
void sockets_udp_expire(struct sockets *s, uint64_t now_ns);
void sockets_udp_format(const struct sockets *s, struct textbuf *t,
                        uint64_t now_ns);

/* ---- sockets_ping.c ------------------------------------------------------ */

void sockets_ping_input(struct sockets *s, const uint8_t *ip, size_t len);
void sockets_ping_expire(struct sockets *s, uint64_t now_ns);
uint64_t sockets_ping_bad_replies(const struct sockets *s);
void sockets_ping_format(const struct sockets *s, struct textbuf *t,
                         uint64_t now_ns);

#endif
