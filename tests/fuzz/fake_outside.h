/*
 * The outside of a user net, in the place of the host's sockets
 * (kernel/net/transport.h): what it connects to, accepts, hears and loses is
 * the input's choice. Nothing leaves the program. Included by one fuzzer.
 */
#ifndef TESTS_FUZZ_FAKE_OUTSIDE_H
#define TESTS_FUZZ_FAKE_OUTSIDE_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "kernel/net/transport.h"

#define FAKE_ENDS 4u            /* of each kind; then none is left */

struct stream {
    const struct stream_events *events;
    void *ctx;
    bool connecting, paused, ended, over, wants_room;
    size_t unread, room;        /* bytes */
};

struct listener {
    void (*accepted)(void *ctx, struct stream *s, struct endpoint from);
    void *ctx;
    struct endpoint local;
};

struct dgram {
    void (*received)(void *ctx, const uint8_t *data, size_t len,
                     struct endpoint from);
    void *ctx;
    struct endpoint last;       /* it was sent there */
};

struct ping {
    const struct ping_events *events;
    void *ctx;
    uint32_t last;
    uint16_t sequence;
};

static struct input *outside_in;
static struct stream *streams[FAKE_ENDS];
static struct listener *listeners[FAKE_ENDS];
static struct dgram *dgrams[FAKE_ENDS];
static struct ping *pings[FAKE_ENDS];

/* A new one of `ends`, of `size` bytes, or NULL. */
static void *end_new(void *ends, size_t size)
{
    void **at = ends;

    for (unsigned i = 0; i < FAKE_ENDS; i++)
        if (!at[i])
            return at[i] = calloc(1, size);
    return NULL;
}

static void end_free(void *ends, void *one)
{
    void **at = ends;

    for (unsigned i = 0; i < FAKE_ENDS; i++)
        if (at[i] == one)
            at[i] = NULL;
    free(one);
}

/* Whoever is called back gets data of its own length. */
static uint8_t *some_bytes(size_t *len)
{
    uint8_t how = input_u8(outside_in);

    *len = how & 1 ? how * 40u : how;
    return calloc(1, *len ? *len : 1);
}

static uint32_t some_peer(uint8_t how)
{
    static const uint32_t peers[4] = { 0xc6336401, 0x7f000001, 0x0a00020f,
                                       0x0a0002ff };

    return peers[how & 3];
}

static int some_error(void)
{
    static const int errors[8] = { 0, 0, 0, -ECONNREFUSED, -ENETUNREACH,
                                   -EHOSTUNREACH, -ETIMEDOUT, -EMFILE };

    return errors[input_u8(outside_in) & 7];
}

/* ---- Streams ------------------------------------------------------------- */

bool transport_poll(void) { return false; }

int transport_resolve(const char *host, uint32_t *addr)
{
    *addr = 0x7f000001;
    return 0;
}

static int begin_stream(const struct stream_events *events, void *ctx,
                        struct stream **out)
{
    int error = some_error();
    struct stream *s = error ? NULL : end_new(streams, sizeof *s);

    if (!s)
        return error ? error : -EMFILE;
    *s = (struct stream){ .events = events, .ctx = ctx, .connecting = true };
    *out = s;
    return 0;
}

int stream_connect(struct endpoint to, const struct stream_events *events,
                   void *ctx, struct stream **out)
{
    return begin_stream(events, ctx, out);
}

int stream_command(const char *command, const struct stream_events *events,
                   void *ctx, struct stream **out)
{
    if (strcmp(command, "cat"))
        abort();                /* nothing of the guest's */
    return begin_stream(events, ctx, out);
}

bool transport_has_commands(void) { return true; }
int stream_settle(struct stream *s, unsigned ms) { return 0; }

void stream_set_events(struct stream *s, const struct stream_events *events,
                       void *ctx)
{
    s->events = events;
    s->ctx = ctx;
}

ssize_t stream_read(struct stream *s, void *buf, size_t size)
{
    size_t n = s->unread < size ? s->unread : size;

    if (s->over)
        return -ECONNRESET;
    if (!n)
        return s->ended ? -EPIPE : 0;
    memset(buf, 'x', n);
    s->unread -= n;
    return (ssize_t)n;
}

ssize_t stream_write(struct stream *s, const void *data, size_t len)
{
    size_t n = s->room < len ? s->room : len;

    if (s->over)
        return -ECONNRESET;
    for (size_t i = 0; i < n; i++)      /* the sanitizer reads it, too */
        s->room -= ((const uint8_t *)data)[i] <= 255;
    s->wants_room |= n < len;
    return (ssize_t)n;
}

void stream_pause(struct stream *s, bool paused) { s->paused = paused; }
void stream_shutdown(struct stream *s) { }
void stream_keepalive(struct stream *s) { }
void stream_close(struct stream *s, bool reset) { end_free(streams, s); }

struct endpoint stream_local(const struct stream *s)
{
    return (struct endpoint){ 0x7f000001, 1 };
}

struct endpoint stream_peer(const struct stream *s)
{
    return (struct endpoint){ 0x7f000001, 2 };
}

static void connect_ends(struct stream *s)
{
    int error = some_error();

    s->connecting = false;
    s->over = error;
    s->room = 4000;
    s->events->connected(s->ctx, error);
}

/* One event at most, as `s` may be gone after it. */
static void stream_event(struct stream *s, uint8_t how)
{
    if (s->over)
        return;
    if (s->connecting) {
        connect_ends(s);
        return;
    }
    switch (how & 3) {
    case 0:
        s->over = how >> 5 == 7;
        if (s->over)
            s->events->failed(s->ctx, -ECONNRESET);
        break;
    case 1:
        s->room += 4000;
        if (!s->wants_room)
            break;
        s->wants_room = false;
        s->events->writable(s->ctx);
        break;
    default:
        s->unread += (how >> 2) * 500u;
        s->ended |= how >> 5 == 7;
        if (!s->paused)
            s->events->readable(s->ctx);
        break;
    }
}

/* ---- Listeners ----------------------------------------------------------- */

int listener_open(struct endpoint local,
                  void (*accepted)(void *ctx, struct stream *s,
                                   struct endpoint from),
                  void *ctx, struct listener **out)
{
    struct listener *l = end_new(listeners, sizeof *l);

    if (!l)
        return -EMFILE;
    *l = (struct listener){ accepted, ctx, local };
    *out = l;
    return 0;
}

void listener_close(struct listener *l) { end_free(listeners, l); }
struct endpoint listener_local(const struct listener *l) { return l->local; }
uint64_t listener_refused(const struct listener *l) { return 0; }

static void listener_event(struct listener *l, uint8_t how)
{
    struct stream *s = end_new(streams, sizeof *s);

    if (!s)
        return;
    s->room = 4000;
    l->accepted(l->ctx, s, (struct endpoint){ some_peer(how), 2000 + how / 4 });
}

/* ---- Datagrams, echo ------------------------------------------------------ */

int dgram_open(struct endpoint local, bool reuse,
               void (*received)(void *ctx, const uint8_t *data, size_t len,
                                struct endpoint from),
               void *ctx, struct dgram **out)
{
    struct dgram *d = end_new(dgrams, sizeof *d);

    if (!d)
        return -EMFILE;
    *d = (struct dgram){ received, ctx, { 0, 0 } };
    *out = d;
    return 0;
}

int dgram_send(struct dgram *d, struct endpoint to, const void *data,
               size_t len)
{
    d->last = to;
    return some_error();
}

int dgram_join(struct dgram *d, uint32_t group, uint32_t iface) { return 0; }
int dgram_multicast_from(struct dgram *d, uint32_t iface) { return 0; }
uint64_t dgram_dropped(const struct dgram *d) { return 0; }

struct endpoint dgram_local(const struct dgram *d)
{
    return (struct endpoint){ 0, 5000 };
}

struct endpoint dgram_source(const struct dgram *d, struct endpoint to)
{
    return dgram_local(d);
}

void dgram_close(struct dgram *d) { end_free(dgrams, d); }

static void dgram_event(struct dgram *d, uint8_t how)
{
    struct endpoint from = { some_peer(how), 2000 };
    size_t len;
    uint8_t *data = some_bytes(&len);

    for (size_t i = 0; i < len && i < 24; i++)
        data[i] = input_u8(outside_in);
    d->received(d->ctx, data, len, how & 4 ? d->last : from);
    free(data);
}

int ping_open(const struct ping_events *events, void *ctx, struct ping **out)
{
    struct ping *p = end_new(pings, sizeof *p);

    if (!p)
        return -EACCES;
    *p = (struct ping){ events, ctx, 0, 0 };
    *out = p;
    return 0;
}

int ping_send(struct ping *p, uint32_t to, uint8_t ttl, uint16_t sequence,
              const void *data, size_t len)
{
    p->last = to;
    p->sequence = sequence;
    return some_error();
}

uint64_t ping_malformed(const struct ping *p) { return 0; }
void ping_close(struct ping *p) { end_free(pings, p); }

static void ping_event(struct ping *p, uint8_t how)
{
    size_t len;
    uint8_t *data = some_bytes(&len);
    struct ping_error e = { some_peer(how), p->last, how & 4 ? 3 : 11,
                            how >> 4, p->sequence, data, len };

    if (how & 8)
        p->events->replied(p->ctx, p->last, p->sequence, data, len);
    else if (len >= 8)
        p->events->failed(p->ctx, &e);
    free(data);
}

/* ---- What happens there ---------------------------------------------------- */

static void outside_event(struct input *in)
{
    uint8_t which = input_u8(in), how = input_u8(in), i = which >> 2;

    outside_in = in;
    i %= FAKE_ENDS;
    if ((which & 3) == 0 && streams[i])
        stream_event(streams[i], how);
    else if ((which & 3) == 1 && listeners[i])
        listener_event(listeners[i], how);
    else if ((which & 3) == 2 && dgrams[i])
        dgram_event(dgrams[i], how);
    else if ((which & 3) == 3 && pings[i])
        ping_event(pings[i], how);
}

/* Nothing is left open by who has ended. */
static void outside_check(void)
{
    for (unsigned i = 0; i < FAKE_ENDS; i++)
        if (streams[i] || listeners[i] || dgrams[i] || pings[i])
            abort();
}

#endif
