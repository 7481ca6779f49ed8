/* See sockets_flow.h. */
#include "kernel/net/user/sockets_flow.h"

#include <errno.h>
#include <stdlib.h>

#include "kernel/net/user/dns.h"
#include "kernel/platform.h"

#define CHUNK 16384u            /* bytes from the outside at a time */
#define LINGER_NS 5000000000u   /* answers to repeated FINs */
#define SERVER_NS (DNS_TRY_MS * 1000000ull)     /* as by UDP */
#define ACCEPT_NS 30000000000u  /* lwIP's own limit is 20 s */

/* ---- Ending -------------------------------------------------------------- */

static void forget_pcb(struct tcp_flow *f)
{
    tcp_arg(f->pcb, NULL);
    tcp_recv(f->pcb, NULL);
    tcp_sent(f->pcb, NULL);
    tcp_err(f->pcb, NULL);
    f->pcb = NULL;
}

void tcp_flow_retire(struct tcp_flow *f, bool reset, uint64_t ns)
{
    if (f->stream)
        stream_close(f->stream, reset);
    f->stream = NULL;
    if (f->backlog)
        pbuf_free(f->backlog);
    f->backlog = NULL;
    f->state = LINGERING;
    f->until_ns = ns ? platform_now_ns() + ns : 0;
    if (!ns) {
        tcp_flow_unhash(f);
        f->s->next_expire_ns = 0;
    }
}

void tcp_flow_abort(struct tcp_flow *f)
{
    struct tcp_pcb *pcb = f->pcb;

    f->s->counters.tcp_reset++;
    if (pcb) {
        forget_pcb(f);
        tcp_abort(pcb);
    }
    tcp_flow_retire(f, true, 0);
}

void tcp_flow_free(struct tcp_flow *f)
{
    if (f->pcb)
        forget_pcb(f);
    if (f->state != LINGERING)
        tcp_flow_retire(f, true, 0);
    tcp_flow_unhash(f);
    inside_release(&f->inside);
    free(f);
}

/* Both have ended, and everything was handed on. */
static void end_if_done(struct tcp_flow *f)
{
    struct tcp_pcb *pcb = f->pcb;

    if (!f->shut || !f->outside_ended)
        return;
    forget_pcb(f);
    tcp_close(pcb);             /* its FIN is in the queue already */
    tcp_flow_retire(f, false, LINGER_NS);
}

/* ---- Guest to outside ---------------------------------------------------- */

/* False: the flow was aborted. */
static bool flush(struct tcp_flow *f)
{
    while (f->backlog) {
        size_t len = f->backlog->len;
        ssize_t n = stream_write(f->stream, f->backlog->payload, len);

        if (n < 0) {
            tcp_flow_abort(f);
            return false;
        }
        if (n) {
            f->backlog = pbuf_free_header(f->backlog, n);
            tcp_recved(f->pcb, n);
        }
        if ((size_t)n < len)
            return true;        /* `writable` follows */
    }
    if (f->guest_ended && !f->shut) {
        f->shut = true;
        stream_shutdown(f->stream);
        end_if_done(f);
    }
    return true;
}

static err_t guest_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p,
                            err_t err)
{
    struct tcp_flow *f = arg;

    if (!p)
        f->guest_ended = true;
    else if (f->backlog)
        pbuf_cat(f->backlog, p);
    else
        f->backlog = p;
    return flush(f) ? ERR_OK : ERR_ABRT;
}

/* ---- Outside to guest ---------------------------------------------------- */

/* How much lwIP surely takes now: tcp_write takes all of it or nothing. */
static size_t room(const struct tcp_pcb *pcb)
{
    size_t bytes = tcp_sndbuf(pcb);
    size_t queue = tcp_sndqueuelen(pcb) + 4u;

    if (queue >= TCP_SND_QUEUELEN)
        return 0;
    queue = (TCP_SND_QUEUELEN - queue) / 2 * TCP_MSS;
    if (bytes > queue)
        bytes = queue;
    return bytes > CHUNK ? CHUNK : bytes;
}

static void hold_up(struct tcp_flow *f, bool paused)
{
    if (f->paused != paused)
        stream_pause(f->stream, paused);
    f->paused = paused;
}

/* False: the flow was aborted. */
static bool pull(struct tcp_flow *f)
{
    static uint8_t data[CHUNK]; /* I/O core only */
    size_t max;
    ssize_t n = 0;

    while (!f->outside_ended && (max = room(f->pcb))) {
        n = stream_read(f->stream, data, max);
        if (!n)
            break;
        if (n == -EPIPE) {
            f->outside_ended = true;
            tcp_shutdown(f->pcb, 0, 1);
            break;
        }
        if (n < 0 || tcp_write(f->pcb, data, n, TCP_WRITE_FLAG_COPY) !=
                         ERR_OK) {
            tcp_flow_abort(f);
            return false;
        }
    }
    hold_up(f, f->outside_ended || !room(f->pcb));
    tcp_output(f->pcb);
    end_if_done(f);
    return true;
}

static err_t guest_acknowledged(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    struct tcp_flow *f = arg;

    if (!f->paused || f->outside_ended || tcp_sndbuf(pcb) < TCP_SND_BUF / 4)
        return ERR_OK;
    return pull(f) ? ERR_OK : ERR_ABRT;
}

/* ---- Events -------------------------------------------------------------- */

/* lwIP's pcb is gone already: a reset of the guest's, or it is silent. */
static void guest_failed(void *arg, err_t err)
{
    struct tcp_flow *f = arg;

    f->pcb = NULL;
    f->s->counters.tcp_reset++;
    tcp_flow_retire(f, true, 0);
}

static void open_flow(struct tcp_flow *f, struct tcp_pcb *pcb)
{
    f->pcb = pcb;
    f->state = OPEN;
    tcp_arg(pcb, f);
    tcp_recv(pcb, guest_received);
    tcp_sent(pcb, guest_acknowledged);
    tcp_err(pcb, guest_failed);
    tcp_nagle_disable(pcb);     /* who sends has decided on that */
    ip_set_option(pcb, SOF_KEEPALIVE);
    hold_up(f, false);
}

/* The outside may have ended it meanwhile. */
bool tcp_flow_accepted(struct inside_flow *inside, struct tcp_pcb *pcb)
{
    struct tcp_flow *f = (struct tcp_flow *)inside;

    if (f->state != ACCEPTING)
        return false;
    open_flow(f, pcb);
    return true;
}

static err_t guest_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    open_flow(arg, pcb);
    return ERR_OK;
}

static void outside_connected(void *ctx, int error)
{
    struct tcp_flow *f = ctx;

    if (error && tcp_flow_next_server(f))
        return;
    if (error) {
        tcp_flow_refuse(f->s, f->syn, f->syn_len, error);
        tcp_flow_retire(f, true, 0);
        return;
    }
    f->state = ACCEPTING;
    f->until_ns = platform_now_ns() + ACCEPT_NS;
    hold_up(f, true);
    inside_input(&f->inside, f->syn, f->syn_len);
}

static void outside_readable(void *ctx)
{
    struct tcp_flow *f = ctx;

    if (f->state == OPEN)
        pull(f);
}

static void outside_writable(void *ctx)
{
    struct tcp_flow *f = ctx;

    if (f->state == OPEN)
        flush(f);
}

static void outside_failed(void *ctx, int error) { tcp_flow_abort(ctx); }

static const struct stream_events events = {
    .connected = outside_connected, .readable = outside_readable,
    .writable = outside_writable, .failed = outside_failed,
};

/* ---- Beginning ----------------------------------------------------------- */

static bool connect_to(struct tcp_flow *f, struct endpoint real, int *error)
{
    f->until_ns = platform_now_ns() + SERVER_NS;
    *error = stream_connect(real, &events, f, &f->stream);
    return !*error;
}

bool tcp_flow_next_server(struct tcp_flow *f)
{
    struct endpoint at = { f->inside.peer, f->inside.peer_port }, real;
    struct stream *old = f->stream;
    int error;

    while (sockets_nameserver(f->s, at, f->server + 1, &real)) {
        f->server++;
        if (!connect_to(f, real, &error))
            continue;
        if (old)
            stream_close(old, true);
        return true;
    }
    f->stream = old;
    return false;
}

int tcp_flow_connect(struct tcp_flow *f, struct endpoint real)
{
    int error;

    if (connect_to(f, real, &error) || tcp_flow_next_server(f))
        return 0;
    return error;
}

int tcp_flow_run(struct tcp_flow *f, const char *command)
{
    return stream_command(command, &events, f, &f->stream);
}

bool tcp_flow_call(struct tcp_flow *f, struct stream *stream)
{
    f->state = CALLING;
    f->stream = stream;
    stream_set_events(stream, &events, f);
    hold_up(f, true);
    f->pcb = inside_connect(&f->inside, f, guest_connected, guest_failed);
    return f->pcb != NULL;
}
