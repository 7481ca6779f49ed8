/* A tunnel's parts: tunnel.c (the NIC), tunnel_tcp.c and tunnel_udp.c. */
#ifndef KERNEL_NET_TUNNEL_IMPL_H
#define KERNEL_NET_TUNNEL_IMPL_H

#include "kernel/log_limit.h"
#include "kernel/net/transport.h"
#include "kernel/net/tunnel.h"
#include "kernel/net/tunnel_frames.h"
#include "kernel/net/tunnel_options.h"

#define TUNNEL_OUT_BYTES (64u * 1024)

/* Names in tunnel.c, which `info network` shows. */
enum tunnel_count {
    TUNNEL_PEER_FULL,           /* a peer does not read: lost for it alone */
    TUNNEL_PEER_REFUSED,        /* one more than TUNNEL_PEERS, or no memory;
                                 * the listener has its own count */
    TUNNEL_BAD_LENGTH,          /* impossible: the peer was dropped */
    TUNNEL_OWN_CARRIER,         /* the tunnel's own packets, led into it */
    TUNNEL_STRANGER,            /* a datagram that is not from udp= */
    TUNNEL_OWN_LOOP,            /* a multicast of ours that came back */
    TUNNEL_DROPPED,             /* datagrams that found the queue full */
    TUNNEL_NOT_SENT,            /* frames that were taken, and found no way */
    TUNNEL_LOST,                /* connections that ended */
    TUNNEL_COUNTS,
};

/* Frames on their way out, each behind a head as on a stream. */
struct outbox {
    size_t len;
    size_t rest;                /* of a frame whose first bytes are sent */
    uint8_t data[TUNNEL_OUT_BYTES];
};

/* One TCP connection. */
struct peer {
    struct tunnel *tunnel;
    struct stream *stream;
    struct endpoint local, remote;
    bool connected;
    bool blocked;               /* `writable` will come */
    bool held;                  /* not read, as the guest has no room */
    struct tunnel_reader in;
    struct outbox out;
};

struct tunnel {
    struct nic nic;
    struct tunnel_config config;
    const struct tunnel_ops *ops;
    struct endpoint to, local;  /* resolved */
    uint64_t counts[TUNNEL_COUNTS];
    struct log_limit said;
    /* TCP */
    struct listener *listener;
    struct peer *peers[TUNNEL_PEERS];   /* connect: the first alone */
    bool told_down;             /* the log knows that there is no connection */
    bool retry_waits;           /* a timer runs */
    uint32_t retry_ms;
    uint64_t up_ns;             /* when it was connected */
    /* UDP */
    struct dgram *in, *out;     /* the same one, but for multicast */
    struct endpoint own;        /* the source of our datagrams */
    struct outbox queue;
};

struct tunnel_ops {
    /* 0, or negative errno with the reason in `why`. */
    int (*start)(struct tunnel *t, char *why, size_t size);
    void (*stop)(struct tunnel *t);
    /* Queue a frame; false: nobody has room for it, or nobody is there. */
    bool (*send)(struct tunnel *t, const uint8_t *frame, size_t len);
    /* Send what is queued. */
    void (*flush)(struct tunnel *t);
    /* Does a packet between these come from the tunnel itself? */
    bool (*is_carrier)(const struct tunnel *t, struct endpoint from,
                       struct endpoint to);
    uint8_t protocol;           /* IP's number for it */
};

extern const struct tunnel_ops tunnel_tcp, tunnel_udp;

/* A frame from the other end: into the bridge, or counted. */
void tunnel_receive(struct tunnel *t, const uint8_t *frame, size_t len);
/* False: no room. */
bool outbox_put(struct outbox *o, const uint8_t *frame, size_t len);
/* A line in the log, unless there were too many of late. */
void tunnel_say(struct tunnel *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
