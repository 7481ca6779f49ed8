/*
 * See backend.h: TCP and UNIX sockets, as server of one client at a time or as
 * client, with telnet's options if asked for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/chardev/backend.h"
#include "kernel/chardev/telnet.h"
#include "kernel/net/service.h"
#include "kernel/platform.h"

#define READ_BYTES 1024u
#define REFILLS 16u             /* a read: commands without an end give none */
#define ENCODE_BYTES 256u       /* of the port's, at a time */
#define NS_PER_S UINT64_C(1000000000)
#define SETTLE_MS 3000u         /* for a connect at the start to fail */
#define SAY_NS NS_PER_S         /* the log has no more of them */

struct stream_backend {
    struct backend b;           /* first */
    struct chardev_option o;
    struct endpoint at;         /* TCP: the server's */
    struct listener *listener;  /* NULL: a client */
    struct stream *peer;        /* NULL: nobody is there */
    bool connected;
    bool had_peer;
    bool ended;                 /* it has ended its side, and still reads */
    bool deaf;                  /* nothing reaches it; what it sent is read */
    bool waits;                 /* what is said to it found no room */
    uint64_t said_ns;           /* the log's limit */
    uint64_t retry_ns;          /* when to connect again; UINT64_MAX: never */
    struct telnet telnet;
    uint8_t in[READ_BYTES];     /* read, and not decoded yet */
    size_t in_at, in_len;
    uint8_t out[TELNET_REPLY + ENCODE_BYTES * TELNET_OUT];      /* encoded */
    size_t out_at, out_len;
};

static struct stream_backend *of(void *ctx) { return ctx; }

/* ---- Who is there ------------------------------------------------------ */

/* The peer is gone; a client tries again, if it may. */
static void drop(struct stream_backend *s, bool reset, const char *why)
{
    bool was_connected = s->connected;
    uint64_t now = platform_now_ns();

    stream_close(s->peer, reset);
    s->peer = NULL;
    s->connected = false;
    if (s->o.reconnect_s)
        s->retry_ns = now + s->o.reconnect_s * NS_PER_S;
    if (!was_connected)
        return;
    if (!s->said_ns || now - s->said_ns >= SAY_NS) {
        s->said_ns = now;
        platform_log("%s: %s", s->b.name, why);
    }
    backend_tell_closed(&s->b);
}

static void has_gone(struct stream_backend *s)
{
    drop(s, false, "the other end has gone");
}

/* Who has only ended its own side is let go once it has what waits for it. */
static void read_failed(struct stream_backend *s, int error)
{
    if (error != -EPIPE)
        drop(s, true, "the connection failed");
    else if (s->deaf)
        has_gone(s);
    else
        s->ended = true;
}

/* Who sent something and hung up at once has it read first. */
static void write_failed(struct stream_backend *s)
{
    s->deaf = true;
    if (s->ended)
        has_gone(s);
}

static void is_there(struct stream_backend *s)
{
    s->connected = s->had_peer = true;
    s->ended = s->deaf = s->waits = false;
    s->in_at = s->in_len = s->out_at = s->out_len = 0;
    stream_keepalive(s->peer);
    if (s->o.telnet)
        telnet_init(&s->telnet, s->o.server);
    backend_tell_opened(&s->b);
}

static void on_connected(void *ctx, int error)
{
    struct stream_backend *s = ctx;

    if (!error) {
        is_there(s);
        return;
    }
    if (!s->o.reconnect_s)      /* that was its one */
        platform_log("%s: cannot connect: %s; what the port says is dropped",
                     s->b.name, strerror(-error));
    drop(s, true, "");
}

/* chr.read takes what there is; who would read now has woken up by this. */
static void on_readable(void *ctx) { (void)ctx; }
static void on_writable(void *ctx) { (void)ctx; }

/* Not `failed`: what came before it is read. */
static const struct stream_events events = {
    .connected = on_connected, .readable = on_readable,
    .writable = on_writable,
};

static void on_accepted(void *ctx, struct stream *peer, struct endpoint from)
{
    struct stream_backend *s = ctx;

    (void)from;
    if (s->peer) {
        s->b.refused++;
        stream_close(peer, true);
        return;
    }
    s->peer = peer;
    stream_set_events(peer, &events, s);
    is_there(s);
}

static int connect_to(struct stream_backend *s)
{
    s->retry_ns = UINT64_MAX;
    return s->o.kind == CHARDEV_UNIX
               ? stream_connect_unix(s->o.path, &events, s, &s->peer)
               : stream_connect(s->at, &events, s, &s->peer);
}

static uint64_t stream_backend_poll(struct backend *b, uint64_t now)
{
    struct stream_backend *s = (struct stream_backend *)b;

    if (s->connected && s->ended && !s->waits && s->out_at == s->out_len)
        has_gone(s);
    if (now >= s->retry_ns && connect_to(s))
        s->retry_ns = now + s->o.reconnect_s * NS_PER_S;
    return s->retry_ns;
}

/* ---- Bytes ------------------------------------------------------------- */

/* What is encoded goes out. False: some of it waits, or nobody is there. */
static bool flush(struct stream_backend *s)
{
    ssize_t n;

    if (s->deaf)
        s->telnet.reply_len = s->out_at = s->out_len = 0;
    if (s->o.telnet && s->telnet.reply_len &&
        s->out_len + s->telnet.reply_len <= sizeof s->out) {
        memcpy(s->out + s->out_len, s->telnet.reply, s->telnet.reply_len);
        s->out_len += s->telnet.reply_len;
        s->telnet.reply_len = 0;
    }
    if (s->out_at < s->out_len) {
        n = stream_write(s->peer, s->out + s->out_at, s->out_len - s->out_at);
        if (n < 0) {
            write_failed(s);
            return false;
        }
        s->out_at += (size_t)n;
    }
    if (s->out_at < s->out_len)
        return false;
    s->out_at = s->out_len = 0;
    return true;
}

/* How much was encoded: all that is offered, up to ENCODE_BYTES. */
static size_t encode(struct stream_backend *s, const uint8_t *buf, size_t len)
{
    size_t i;

    for (i = 0; i < len && i < ENCODE_BYTES; i++)
        s->out_len += telnet_output(&s->telnet, buf[i], s->out + s->out_len);
    return i;
}

static size_t write_telnet(struct stream_backend *s, const uint8_t *buf,
                           size_t len)
{
    size_t done = 0;

    while (done < len && flush(s))
        done += encode(s, buf + done, len - done);
    if (s->peer)
        flush(s);
    return done;
}

static size_t stream_backend_write(void *ctx, const uint8_t *buf, size_t len)
{
    struct stream_backend *s = of(ctx);
    ssize_t n;

    if (s->peer && !s->connected && !s->o.reconnect_s)
        return 0;               /* its one connect is under way */
    if (s->connected && !s->deaf) {
        if (s->o.telnet)
            return write_telnet(s, buf, len);
        n = stream_write(s->peer, buf, len);
        if (n >= 0)
            return (size_t)n;
        write_failed(s);
    }
    s->b.dropped += len;
    return len;
}

/* Decode what was read, up to a break. */
static size_t decode(struct stream_backend *s, uint8_t *buf, size_t len)
{
    size_t n = 0;

    while (n < len && s->in_at < s->in_len && !telnet_is_full(&s->telnet)) {
        uint8_t c;

        switch (telnet_input(&s->telnet, s->in[s->in_at], &c)) {
        case TELNET_BROKE:
            if (n) {            /* what came before it is read first */
                s->telnet.broke = true;
                s->in_at++;
                return n;
            }
            backend_tell_broke(&s->b);
            break;
        case TELNET_DATA:
            buf[n++] = c;
            break;
        case TELNET_NOTHING:
            break;
        }
        s->in_at++;
    }
    return n;
}

static size_t read_telnet(struct stream_backend *s, uint8_t *buf, size_t len)
{
    size_t n = 0;
    unsigned refills = 0;

    if (s->telnet.broke) {
        s->telnet.broke = false;
        backend_tell_broke(&s->b);
    }
    while (s->connected && !s->ended && n < len && !s->telnet.broke) {
        ssize_t got = 0;

        if (telnet_is_full(&s->telnet) && !flush(s))
            break;
        if (s->in_at == s->in_len) {
            if (refills++ == REFILLS)
                break;          /* the rest with the next poll */
            s->in_at = s->in_len = 0;
            got = stream_read(s->peer, s->in, sizeof s->in);
            if (got < 0) {
                read_failed(s, (int)got);
                break;
            }
            s->in_len = (size_t)got;
        }
        if (s->in_at == s->in_len)
            break;
        n += decode(s, buf + n, len - n);
    }
    if (s->connected)
        flush(s);
    return n;
}

static size_t stream_backend_read(void *ctx, uint8_t *buf, size_t len)
{
    struct stream_backend *s = of(ctx);
    ssize_t n;

    if (!s->connected || s->ended)
        return 0;
    if (s->o.telnet)
        return read_telnet(s, buf, len);
    n = stream_read(s->peer, buf, len);
    if (n >= 0)
        return (size_t)n;
    read_failed(s, (int)n);
    return 0;
}

static void send_break(void *ctx)
{
    static const uint8_t sequence[] = { TELNET_IAC, TELNET_BREAK };
    struct stream_backend *s = of(ctx);

    if (!s->connected || s->deaf || !s->o.telnet ||
        s->out_len + sizeof sequence > sizeof s->out)
        return;
    memcpy(s->out + s->out_len, sequence, sizeof sequence);
    s->out_len += sizeof sequence;
    flush(s);
}

static void want(struct backend *b, bool input, bool room)
{
    struct stream_backend *s = (struct stream_backend *)b;

    s->waits = room;            /* `writable` comes after a short write */
    /* Nor is anything read whose answers found no room. */
    if (s->connected)
        stream_pause(s->peer, !input || (s->o.telnet &&
                                         telnet_is_full(&s->telnet)));
}

/* ---- The back end ------------------------------------------------------ */

static bool is_ready(const struct backend *b)
{
    const struct stream_backend *s = (const struct stream_backend *)b;

    return !s->o.server || !s->o.wait || s->had_peer;
}

static void describe(const struct backend *b, char *buf, size_t size)
{
    const struct stream_backend *s = (const struct stream_backend *)b;
    const char *proto = s->o.telnet ? "telnet"
                        : s->o.kind == CHARDEV_UNIX ? "unix" : "tcp";
    const char *gone = s->connected ? "" : "disconnected:";
    const char *server = s->o.server ? ",server=on" : "";
    char at[ENDPOINT_TEXT], peer[ENDPOINT_TEXT];

    if (s->o.kind == CHARDEV_UNIX) {
        backend_say(buf, size, "%s%s:%s%s", gone, proto, s->o.path, server);
        return;
    }
    endpoint_text(s->listener ? listener_local(s->listener) : s->at, at);
    if (!s->connected) {
        backend_say(buf, size, "%s%s:%s%s", gone, proto, at, server);
        return;
    }
    endpoint_text(stream_local(s->peer), at);
    endpoint_text(stream_peer(s->peer), peer);
    backend_say(buf, size, "%s:%s%s <-> %s", proto, at, server, peer);
}

static void close_it(struct backend *b)
{
    struct stream_backend *s = (struct stream_backend *)b;

    if (s->peer)
        stream_close(s->peer, false);
    if (s->listener)
        listener_close(s->listener);
    free(s);
}

static const struct backend_ops stream_ops = {
    .poll = stream_backend_poll, .want = want, .is_ready = is_ready,
    .describe = describe, .close = close_it,
};

static int resolve(struct stream_backend *s, char *why, size_t size)
{
    int r;

    s->at.port = s->o.port;
    if (s->o.server)
        return service_resolve(s->o.host, &s->at.addr, why, size);
    r = transport_resolve(*s->o.host ? s->o.host : "127.0.0.1", &s->at.addr);
    if (r)
        snprintf(why, size, "there is no host '%.63s'", s->o.host);
    return r;
}

static int serve(struct stream_backend *s, char *why, size_t size)
{
    int r = s->o.kind == CHARDEV_UNIX
                ? listener_open_unix(s->o.path, on_accepted, s, &s->listener)
                : listener_open(s->at, on_accepted, s, &s->listener);

    if (r == -ENOTSUP)
        snprintf(why, size, "there are no UNIX sockets here; use tcp:");
    else if (r)
        snprintf(why, size, "cannot listen there: %s", strerror(-r));
    return r;
}

/* Without reconnect= what cannot be reached is told at once. */
static int call(struct stream_backend *s, char *why, size_t size)
{
    int r = connect_to(s);

    if (!r && !s->o.reconnect_s && (r = stream_settle(s->peer, SETTLE_MS))) {
        stream_close(s->peer, true);
        s->peer = NULL;
    }
    if (r && s->o.reconnect_s && r != -ENOTSUP) {
        s->retry_ns = platform_now_ns() + s->o.reconnect_s * NS_PER_S;
        return 0;
    }
    if (r == -ENOTSUP)
        snprintf(why, size, "there are no UNIX sockets here; use tcp:");
    else if (r)
        snprintf(why, size, "cannot connect: %s; reconnect=N would try again",
                 strerror(-r));
    return r;
}

int backend_stream_open(const struct chardev_option *o, struct backend **out,
                        char *why, size_t size)
{
    struct stream_backend *s = backend_new(sizeof *s, &stream_ops,
                                           stream_backend_write,
                                           stream_backend_read);
    int r = 0;

    if (!s)
        return -ENOMEM;
    s->o = *o;
    s->retry_ns = UINT64_MAX;
    s->b.uses_transport = true;
    s->b.chr.send_break = send_break;
    if (o->kind == CHARDEV_TCP)
        r = resolve(s, why, size);
    if (!r)
        r = o->server ? serve(s, why, size) : call(s, why, size);
    if (r)
        close_it(&s->b);
    else
        *out = &s->b;
    return r;
}
