/* A tunnel over TCP: its peers, and connecting again. See tunnel.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/packet.h"
#include "kernel/net/tunnel_impl.h"
#include "kernel/platform.h"
#include "lwip/timeouts.h"

#define READ_BYTES (64u * 1024)
#define FRAME_BYTES (TUNNEL_HEAD + 60u)
#define SETTLE_MS 500u          /* at start: time to be refused */
#define RETRY_FIRST_MS 1000u
#define RETRY_LAST_MS 60000u
/* A connection that lasted so long was a good one: begin with short waits. */
#define GOOD_NS 10000000000u

static void connect_again(struct tunnel *t);

static bool any_connected(const struct tunnel *t)
{
    for (unsigned i = 0; i < TUNNEL_PEERS; i++)
        if (t->peers[i] && t->peers[i]->connected)
            return true;
    return false;
}

/* The end of the frame that begins at `at`. */
static size_t frame_end(const struct outbox *o, size_t at)
{
    return at + TUNNEL_HEAD + get32(o->data + at);
}

static void outbox_sent(struct outbox *o, size_t n)
{
    size_t next = o->rest;

    while (next < n)
        next = frame_end(o, next);
    o->rest = next - n;
    o->len -= n;
    memmove(o->data, o->data + n, o->len);
}

/* Those that are not sent as a whole. */
static unsigned outbox_frames(const struct outbox *o)
{
    unsigned n = o->rest > 0;

    for (size_t at = o->rest; at < o->len; at = frame_end(o, at))
        n++;
    return n;
}

static void peer_free(struct peer *p, bool reset)
{
    struct tunnel *t = p->tunnel;

    t->counts[TUNNEL_NOT_SENT] += outbox_frames(&p->out);

    for (unsigned i = 0; i < TUNNEL_PEERS; i++)
        if (t->peers[i] == p)
            t->peers[i] = NULL;
    if (p->stream)
        stream_close(p->stream, reset);
    free(p);
    t->nic.link_up = any_connected(t);
}

/* A connection has ended: `why` is for the log. */
static void peer_drop(struct peer *p, const char *why, bool reset)
{
    struct tunnel *t = p->tunnel;

    t->counts[TUNNEL_LOST]++;
    tunnel_say(t, "%s", why);
    peer_free(p, reset);
    if (t->listener)
        return;
    if (platform_now_ns() - t->up_ns > GOOD_NS)
        t->retry_ms = RETRY_FIRST_MS;
    t->told_down = true;
    connect_again(t);
}

/* ---- Bytes --------------------------------------------------------------- */

static void peer_flush(struct peer *p)
{
    ssize_t n;

    if (!p->connected || p->blocked || !p->out.len)
        return;
    n = stream_write(p->stream, p->out.data, p->out.len);
    if (n < 0) {
        peer_drop(p, "the peer has gone", true);
        return;
    }
    outbox_sent(&p->out, (size_t)n);
    p->blocked = p->out.len > 0;
}

/* To all but the one it is from. False: nobody had room. */
static bool send_to_peers(struct tunnel *t, const struct peer *from,
                          const uint8_t *frame, size_t len)
{
    bool sent = false;

    for (unsigned i = 0; i < TUNNEL_PEERS; i++) {
        struct peer *p = t->peers[i];

        if (!p || p == from || !p->connected)
            continue;
        if (outbox_put(&p->out, frame, len))
            sent = true;
        else
            t->counts[TUNNEL_PEER_FULL]++;
    }
    return sent;
}

static bool tcp_send(struct tunnel *t, const uint8_t *frame, size_t len)
{
    return send_to_peers(t, NULL, frame, len);
}

/*
 * Bytes to read now: of as many frames as the bridge takes, if they have the
 * 60 bytes of any wire; shorter ones may be too many, and lost there. Peers of a
 * listener hear each other and wait for no guest.
 */
static size_t peer_room(const struct peer *p)
{
    struct nic *nic = &p->tunnel->nic;
    unsigned frames = nic->room ? nic->room(nic) : ~0u;

    for (unsigned i = 0; i < TUNNEL_PEERS; i++)
        if (p->tunnel->peers[i] && p->tunnel->peers[i] != p)
            return READ_BYTES;
    return frames < READ_BYTES / FRAME_BYTES ? frames * FRAME_BYTES
                                             : READ_BYTES;
}

static void set_held(struct peer *p, bool held)
{
    if (p->held != held)
        stream_pause(p->stream, held);
    p->held = held;
}

static void tcp_flush(struct tunnel *t)
{
    for (unsigned i = 0; i < TUNNEL_PEERS; i++) {
        struct peer *p = t->peers[i];

        if (p && p->held)
            set_held(p, !peer_room(p));
        if (p)
            peer_flush(p);
    }
}

static void take_frame(void *ctx, const uint8_t *frame, size_t len)
{
    struct peer *p = ctx;

    if (frame)
        send_to_peers(p->tunnel, p, frame, len);
    tunnel_receive(p->tunnel, frame, len);
}

/* One read: whoever sends more has to wait for its turn. */
static void on_readable(void *ctx)
{
    static uint8_t data[READ_BYTES];
    struct peer *p = ctx;
    size_t room = peer_room(p);
    ssize_t n;

    set_held(p, !room);
    if (!room)
        return;
    n = stream_read(p->stream, data, room);
    if (n < 0) {
        peer_drop(p, "the peer has gone", false);
    } else if (!tunnel_reader_feed(&p->in, data, (size_t)n, take_frame, p)) {
        p->tunnel->counts[TUNNEL_BAD_LENGTH]++;
        peer_drop(p, "the peer sent an impossible length; dropped it", true);
    }
}

static void on_writable(void *ctx)
{
    struct peer *p = ctx;

    p->blocked = false;
    peer_flush(p);
}

static void on_failed(void *ctx, int error)
{
    (void)error;
    peer_drop(ctx, "the peer has gone", true);
}

static void peer_up(struct peer *p)
{
    struct tunnel *t = p->tunnel;

    p->connected = true;
    p->local = stream_local(p->stream);
    p->remote = stream_peer(p->stream);
    stream_keepalive(p->stream);
    t->nic.link_up = true;
    t->up_ns = platform_now_ns();
    t->told_down = false;
    tunnel_say(t, "connected with %u.%u.%u.%u:%u", p->remote.addr >> 24,
               p->remote.addr >> 16 & 255, p->remote.addr >> 8 & 255,
               p->remote.addr & 255, p->remote.port);
}

/* ---- connect= ------------------------------------------------------------ */

/* Of many tries that fail the log has the first. */
static void connect_failed(struct tunnel *t, int error)
{
    if (!t->told_down)
        tunnel_say(t, "no connection: %s; trying on", strerror(-error));
    t->told_down = true;
    connect_again(t);
}

static void on_connected(void *ctx, int error)
{
    struct peer *p = ctx;
    struct tunnel *t = p->tunnel;

    /* A port of this host that nobody has may be given to our own end, which
     * then is its own peer (RFC 793, simultaneous open). */
    if (!error && endpoint_equal(stream_local(p->stream),
                                 stream_peer(p->stream)))
        error = -ECONNREFUSED;
    if (!error) {
        peer_up(p);
        return;
    }
    peer_free(p, true);
    connect_failed(t, error);
}

static const struct stream_events peer_events = {
    on_connected, on_readable, on_writable, on_failed
};

static int connect_now(struct tunnel *t)
{
    struct peer *p = calloc(1, sizeof *p);
    int r;

    if (!p)
        return -ENOMEM;
    p->tunnel = t;
    r = stream_connect(t->to, &peer_events, p, &p->stream);
    if (r)
        free(p);
    else
        t->peers[0] = p;
    return r;
}

static void retry(void *ctx)
{
    struct tunnel *t = ctx;
    int r;

    t->retry_waits = false;
    r = connect_now(t);
    if (r)
        connect_failed(t, r);
}

static void connect_again(struct tunnel *t)
{
    sys_timeout(t->retry_ms, retry, t);
    t->retry_waits = true;
    t->retry_ms = t->retry_ms < RETRY_LAST_MS / 2 ? t->retry_ms * 2
                                                  : RETRY_LAST_MS;
}

/* ---- listen= ------------------------------------------------------------- */

static void on_accepted(void *ctx, struct stream *s, struct endpoint from)
{
    struct tunnel *t = ctx;
    struct peer *p = NULL;
    unsigned i = 0;

    (void)from;
    while (i < TUNNEL_PEERS && t->peers[i])
        i++;
    if (i < TUNNEL_PEERS)
        p = calloc(1, sizeof *p);
    if (!p) {
        t->counts[TUNNEL_PEER_REFUSED]++;
        stream_close(s, true);
        return;
    }
    p->tunnel = t;
    p->stream = s;
    t->peers[i] = p;
    stream_set_events(s, &peer_events, p);
    peer_up(p);
}

/* ---- Life ---------------------------------------------------------------- */

static void tcp_stop(struct tunnel *t)
{
    if (t->retry_waits)
        sys_untimeout(retry, t);
    t->retry_waits = false;
    if (t->listener)
        listener_close(t->listener);
    t->listener = NULL;
    for (unsigned i = 0; i < TUNNEL_PEERS; i++)
        if (t->peers[i])
            peer_free(t->peers[i], false);
}

static int tcp_start(struct tunnel *t, char *why, size_t size)
{
    bool listens = t->config.kind == TUNNEL_LISTEN;
    int r;

    t->retry_ms = RETRY_FIRST_MS;
    if (listens) {
        r = listener_open(t->to, on_accepted, t, &t->listener);
    } else {
        r = connect_now(t);
        if (!r)
            r = stream_settle(t->peers[0]->stream, SETTLE_MS);
        else if (r == -ENETUNREACH)
            r = (connect_failed(t, r), 0);      /* no address of ours yet */
    }
    if (!r)
        return 0;
    snprintf(why, size, "%s %.60s:%u: %s", listens ? "listen" : "connect",
             t->config.to.host, t->to.port, strerror(-r));
    tcp_stop(t);
    return r;
}

static bool tcp_is_carrier(const struct tunnel *t, struct endpoint from,
                           struct endpoint to)
{
    for (unsigned i = 0; i < TUNNEL_PEERS; i++) {
        const struct peer *p = t->peers[i];

        if (p && p->connected && from.addr == p->local.addr &&
            to.addr == p->remote.addr &&
            (!from.port || (from.port == p->local.port &&
                            to.port == p->remote.port)))
            return true;
    }
    return false;
}

const struct tunnel_ops tunnel_tcp = {
    tcp_start, tcp_stop, tcp_send, tcp_flush, tcp_is_carrier, PROTO_TCP
};
