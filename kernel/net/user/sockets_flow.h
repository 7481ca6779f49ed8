/*
 * A TCP connection of the backend `sockets`: lwIP's end of it, the host's, and
 * what is on its way between them (sockets_flow.c). Which there are, and who
 * begins them, is sockets_tcp.c's.
 */
#ifndef KERNEL_NET_USER_SOCKETS_FLOW_H
#define KERNEL_NET_USER_SOCKETS_FLOW_H

#include "kernel/net/user/inside.h"
#include "kernel/net/user/sockets_impl.h"

#define SYN_MAX 120u            /* the longest IPv4 and TCP headers */

enum flow_state {
    CONNECTING,                 /* outside; the guest's SYN is held */
    ACCEPTING,                  /* the guest's SYN is with lwIP */
    CALLING,                    /* a forward: lwIP's SYN is with the guest */
    OPEN,
    LINGERING,                  /* until `until_ns`, for late segments; and
                                   until lwIP has ended if that is not 0 */
};

struct tcp_flow {
    struct inside_flow inside;  /* first */
    struct sockets *s;
    enum flow_state state;
    struct stream *stream;
    struct tcp_pcb *pcb;        /* NULL: none of ours */
    struct pbuf *backlog;       /* from the guest, not taken outside yet: not
                                   more than its window */
    bool guest_ended, shut;     /* FIN came from the guest; went outside */
    bool outside_ended, paused;
    uint64_t until_ns;          /* CONNECTING: then another server's turn */
    unsigned server;            /* of DNS: the one that is tried */
    uint8_t syn[SYN_MAX];
    size_t syn_len;
    struct tcp_flow *next;      /* of its sockets */
    struct tcp_flow *hash_next;
    bool is_hashed;
};

/* ---- sockets_flow.c ------------------------------------------------------ */

/* Begin to connect to `real`, or another server if that has no way; the guest's
 * SYN is held meanwhile. As stream_connect. */
int tcp_flow_connect(struct tcp_flow *f, struct endpoint real);
/* The same, to a command that is started for it. */
int tcp_flow_run(struct tcp_flow *f, const char *command);
/*
 * DNS: connect to the next server in place of one that refuses, or is silent.
 * False: there is none, and all is as before.
 */
bool tcp_flow_next_server(struct tcp_flow *f);
/* The outside's `stream` is there: call the guest. False: no memory; the stream
 * is still `f`'s. */
bool tcp_flow_call(struct tcp_flow *f, struct stream *stream);
/* inside_start's: whether the flow takes lwIP's end. */
bool tcp_flow_accepted(struct inside_flow *inside, struct tcp_pcb *pcb);

/*
 * It ends outside, by RST if `reset`, and goes at the next expiry after `ns`:
 * nothing is freed under a caller. With 0 its ends are free at once.
 */
void tcp_flow_retire(struct tcp_flow *f, bool reset, uint64_t ns);
/*
 * Both sides get a reset. In a callback of lwIP for this connection, that must
 * return ERR_ABRT.
 */
void tcp_flow_abort(struct tcp_flow *f);
/* At once, whatever its state, and without a word to the guest. */
void tcp_flow_free(struct tcp_flow *f);

/* ---- sockets_tcp.c ------------------------------------------------------- */

/* Another connection may have its ends. */
void tcp_flow_unhash(struct tcp_flow *f);
/* Tell the guest that the connect it began by the SYN `ip` ended with `error`,
 * as if it had asked the host itself. */
void tcp_flow_refuse(struct sockets *s, const uint8_t *ip, size_t len,
                     int error);

#endif
