/*
 * See kernel/net/transport.h: TCP by lwIP. What comes is copied at once into
 * the stream's own buffer, of the size of the window that was offered: lwIP's
 * frames are the NIC's receive buffers and must not wait for a slow reader.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/metal/transport.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"

#define BACKLOG 32
#define WAITING_MAX 32u         /* connections that nobody was told of yet */
#define ORPHANS_MAX 256u        /* connections that end without a stream */
#define POLL_TICKS 2            /* of half a second: is there room again? */
/* So that a dead peer is found after 60 + 4 * 15 seconds. */
#define KEEP_IDLE_MS 60000u
#define KEEP_INTERVAL_MS 15000u
#define KEEP_TRIES 4u

struct stream {
    struct news news;           /* first */
    struct tcp_pcb *pcb;        /* NULL: lwIP has let it go */
    const struct stream_events *events;
    void *ctx;
    struct endpoint local, peer;
    bool connecting, paused;
    bool end_came, ended;       /* the peer's end; and it was read */
    bool shut;                  /* our end */
    bool over;                  /* only close is left */
    bool wants_room;            /* `writable` is owed */
    bool told_connected, told_failed, told_room;    /* to be told */
    int error;
    struct stream *next_waiting;    /* of its listener's */
    size_t at, len;             /* in `in`, a ring: the first byte, and all */
    uint8_t in[TCP_WND];
};

struct listener {
    struct news news;           /* first */
    struct tcp_pcb *pcb;
    void (*accepted)(void *ctx, struct stream *s, struct endpoint from);
    void *ctx;
    struct endpoint local;
    uint64_t refused;
    struct stream *waiting, **waiting_end;
    unsigned waiting_count;
};

static struct endpoint endpoint_of(const ip_addr_t *a, uint16_t port)
{
    return (struct endpoint){ lwip_ntohl(ip_2_ip4(a)->addr), port };
}

/* ---- What lwIP says ------------------------------------------------------ */

/* lwIP ends the connection by itself from here on. */
static struct tcp_pcb *let_go(struct stream *s)
{
    struct tcp_pcb *pcb = s->pcb;

    s->pcb = NULL;
    if (!pcb)
        return NULL;
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    tcp_poll(pcb, NULL, 0);
    return pcb;
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct stream *s = arg;
    size_t to, part;

    (void)err;
    if (!p) {
        s->end_came = true;
        /* Both have ended: lwIP frees its part without another word. */
        if (s->shut)
            let_go(s);
        news_mark(&s->news);
        return ERR_OK;
    }
    /* More than the window: lwIP keeps it and asks again. */
    if (p->tot_len > sizeof s->in - s->len)
        return ERR_MEM;
    to = (s->at + s->len) % sizeof s->in;
    part = sizeof s->in - to < p->tot_len ? sizeof s->in - to : p->tot_len;
    pbuf_copy_partial(p, s->in + to, (u16_t)part, 0);
    pbuf_copy_partial(p, s->in, (u16_t)(p->tot_len - part), (u16_t)part);
    s->len += p->tot_len;
    pbuf_free(p);
    news_mark(&s->news);
    return ERR_OK;
}

static void look_for_room(struct stream *s)
{
    if (!s->wants_room || tcp_sndbuf(s->pcb) < TCP_SNDLOWAT ||
        tcp_sndqueuelen(s->pcb) >= TCP_SNDQUEUELOWAT)
        return;
    s->wants_room = false;
    s->told_room = true;
    news_mark(&s->news);
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    look_for_room(arg);
    return ERR_OK;
}

static err_t on_poll(void *arg, struct tcp_pcb *pcb)
{
    look_for_room(arg);
    return ERR_OK;
}

/* The pcb is gone already. */
static void on_error(void *arg, err_t err)
{
    struct stream *s = arg;

    s->pcb = NULL;
    s->over = true;
    s->error = s->connecting && err == ERR_RST ? -ECONNREFUSED
                                               : transport_error(err);
    if (s->connecting)
        s->told_connected = true;
    else
        s->told_failed = true;
    news_mark(&s->news);
}

static void take_over(struct stream *s, struct tcp_pcb *pcb)
{
    s->pcb = pcb;
    s->local = endpoint_of(&pcb->local_ip, pcb->local_port);
    s->peer = endpoint_of(&pcb->remote_ip, pcb->remote_port);
    tcp_nagle_disable(pcb);
    tcp_arg(pcb, s);
    tcp_recv(pcb, on_recv);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_error);
    tcp_poll(pcb, on_poll, POLL_TICKS);
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct stream *s = arg;

    (void)err;                  /* always ERR_OK, says tcp.h */
    s->told_connected = true;
    s->local = endpoint_of(&pcb->local_ip, pcb->local_port);
    news_mark(&s->news);
    return ERR_OK;
}

/* ---- What we tell -------------------------------------------------------- */

static bool has_input(const struct stream *s)
{
    return !s->connecting && !s->paused && !s->over && s->events &&
           s->events->readable && (s->len || (s->end_came && !s->ended));
}

static void stream_tell(struct news *n)
{
    struct stream *s = (struct stream *)n;
    const struct stream_events *e = s->events;

    if (!e)
        return;
    if (s->told_connected) {
        s->told_connected = s->connecting = false;
        if (e->connected)
            e->connected(s->ctx, s->error);
    } else if (s->told_failed) {
        s->told_failed = false;
        if (e->failed)
            e->failed(s->ctx, s->error);
    } else if (s->told_room) {
        s->told_room = false;
        if (e->writable)
            e->writable(s->ctx);
    } else if (has_input(s)) {
        e->readable(s->ctx);
    }
    /* One thing at a time: what is left, next time. */
    if (!n->closed && (s->told_failed || s->told_room || has_input(s)))
        news_mark(n);
}

/* ---- Streams ------------------------------------------------------------- */

static struct stream *stream_new(const struct stream_events *events, void *ctx)
{
    struct stream *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->news.tell = stream_tell;
    s->events = events;
    s->ctx = ctx;
    return s;
}

int stream_connect(struct endpoint to, const struct stream_events *events,
                   void *ctx, struct stream **out)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_V4);
    struct stream *s = pcb ? stream_new(events, ctx) : NULL;
    ip_addr_t a = transport_address(to.addr);
    err_t e;

    if (!s) {
        if (pcb)
            tcp_abort(pcb);
        return -ENOMEM;
    }
    take_over(s, pcb);
    s->connecting = true;
    s->peer = to;
    e = tcp_connect(pcb, &a, to.port, on_connected);
    if (e == ERR_OK) {
        *out = s;
        return 0;
    }
    tcp_abort(let_go(s));
    free(s);
    return transport_error(e);
}

/* Nothing comes here but from the loop. */
int stream_settle(struct stream *s, unsigned ms) { return 0; }

void stream_set_events(struct stream *s, const struct stream_events *events,
                       void *ctx)
{
    s->events = events;
    s->ctx = ctx;
    news_mark(&s->news);
}

ssize_t stream_read(struct stream *s, void *buf, size_t size)
{
    size_t n = s->len < size ? s->len : size;
    size_t part = sizeof s->in - s->at < n ? sizeof s->in - s->at : n;

    if (s->ended)
        return -EPIPE;
    /* Without that event what had come is read first. */
    if (s->over && (!s->len || !s->events || s->events->failed))
        return -ECONNRESET;
    if (!s->len && s->end_came) {
        s->ended = true;
        return -EPIPE;
    }
    memcpy(buf, s->in + s->at, part);
    memcpy((uint8_t *)buf + part, s->in, n - part);
    s->at = (s->at + n) % sizeof s->in;
    s->len -= n;
    if (s->pcb && n)
        tcp_recved(s->pcb, (u16_t)n);
    return (ssize_t)n;
}

ssize_t stream_write(struct stream *s, const void *data, size_t len)
{
    size_t n;
    err_t e;

    if (s->over || s->shut)
        return -ECONNRESET;
    if (s->connecting || !len)
        return 0;
    n = len < tcp_sndbuf(s->pcb) ? len : tcp_sndbuf(s->pcb);
    e = n ? tcp_write(s->pcb, data, (u16_t)n, TCP_WRITE_FLAG_COPY) : ERR_MEM;
    if (e == ERR_MEM)
        n = 0;                  /* its queue is full */
    else if (e != ERR_OK)
        return transport_error(e);
    tcp_output(s->pcb);
    s->wants_room |= n < len;
    return (ssize_t)n;
}

void stream_pause(struct stream *s, bool paused)
{
    if (s->paused == paused)
        return;                 /* no news: who asks each round would spin */
    s->paused = paused;
    if (!paused)
        news_mark(&s->news);
}

void stream_shutdown(struct stream *s)
{
    if (s->shut || !s->pcb || s->connecting)
        return;
    s->shut = true;
    tcp_shutdown(s->pcb, 0, 1);
    if (s->end_came)
        let_go(s);
}

void stream_keepalive(struct stream *s)
{
    if (!s->pcb)
        return;
    ip_set_option(s->pcb, SOF_KEEPALIVE);
    s->pcb->keep_idle = KEEP_IDLE_MS;
    s->pcb->keep_intvl = KEEP_INTERVAL_MS;
    s->pcb->keep_cnt = KEEP_TRIES;
}

/*
 * A peer that acknowledges nothing keeps a connection that ends for minutes:
 * how many of those that are let go are not at their end yet.
 */
static unsigned orphan_count(void)
{
    unsigned n = 0;

    for (const struct tcp_pcb *p = tcp_active_pcbs; p; p = p->next)
        n += !p->callback_arg;
    return n;
}

void stream_close(struct stream *s, bool reset)
{
    struct tcp_pcb *pcb = let_go(s);

    if (pcb && (reset || orphan_count() > ORPHANS_MAX ||
                tcp_close(pcb) != ERR_OK))
        tcp_abort(pcb);
    news_close(&s->news);
}

bool transport_is_sending(void)
{
    for (const struct tcp_pcb *p = tcp_active_pcbs; p; p = p->next)
        if (p->unsent || p->unacked)
            return true;
    return false;
}

struct endpoint stream_local(const struct stream *s) { return s->local; }
struct endpoint stream_peer(const struct stream *s) { return s->peer; }

/* ---- Listeners ----------------------------------------------------------- */

static struct stream *next_waiting(struct listener *l)
{
    struct stream *s = l->waiting;

    if (!s)
        return NULL;
    l->waiting = s->next_waiting;
    if (!l->waiting)
        l->waiting_end = &l->waiting;
    l->waiting_count--;
    return s;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct listener *l = arg;
    struct stream *s = NULL;

    if (err == ERR_OK && l->waiting_count < WAITING_MAX)
        s = stream_new(NULL, NULL);
    if (!s) {
        l->refused++;
        return ERR_MEM;         /* lwIP resets it */
    }
    take_over(s, pcb);
    *l->waiting_end = s;
    l->waiting_end = &s->next_waiting;
    l->waiting_count++;
    news_mark(&l->news);
    return ERR_OK;
}

static void listener_tell(struct news *n)
{
    struct listener *l = (struct listener *)n;
    struct stream *s;

    while (!n->closed && (s = next_waiting(l)))
        l->accepted(l->ctx, s, s->peer);
}

int listener_open(struct endpoint local,
                  void (*accepted)(void *ctx, struct stream *s,
                                   struct endpoint from),
                  void *ctx, struct listener **out)
{
    struct listener *l = calloc(1, sizeof *l);
    struct tcp_pcb *pcb = l ? tcp_new_ip_type(IPADDR_TYPE_V4) : NULL;
    ip_addr_t a = transport_address(local.addr);
    err_t e = ERR_MEM;

    if (!pcb)
        goto fail;
    ip_set_option(pcb, SOF_REUSEADDR);
    e = tcp_bind(pcb, &a, local.port);
    if (e == ERR_OK)
        l->pcb = tcp_listen_with_backlog_and_err(pcb, BACKLOG, &e);
    if (!l->pcb) {
        tcp_abort(pcb);
        goto fail;
    }
    l->news.tell = listener_tell;
    l->accepted = accepted;
    l->ctx = ctx;
    l->waiting_end = &l->waiting;
    l->local = endpoint_of(&l->pcb->local_ip, l->pcb->local_port);
    tcp_arg(l->pcb, l);
    tcp_accept(l->pcb, on_accept);
    *out = l;
    return 0;
fail:
    free(l);
    return transport_error(e);
}

void listener_close(struct listener *l)
{
    struct stream *s;

    while ((s = next_waiting(l)))
        stream_close(s, true);
    tcp_close(l->pcb);
    news_close(&l->news);
}

struct endpoint listener_local(const struct listener *l) { return l->local; }
uint64_t listener_refused(const struct listener *l) { return l->refused; }
