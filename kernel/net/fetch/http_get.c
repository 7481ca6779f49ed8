/*
 * A file by HTTP/1.1 over transport.h, so by lwIP or by Linux's sockets. lwIP's
 * own client knows no chunks and follows nowhere.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/fetch/fetch_impl.h"
#include "kernel/net/fetch/http_response.h"
#include "kernel/net/transport.h"
#include "kernel/platform.h"
#include "lwip/timeouts.h"

#define READ_BYTES 16384u
#define LOOK_MS 1000u
#define PATIENCE_NS UINT64_C(30000000000)

struct http_get {
    struct fetch fetch;         /* first */
    struct stream *stream;
    bool was_redirected;
    bool paused;                /* the ring is full */
    uint64_t heard_ns;
    struct http_response response;
    char request[URL_PATH + URL_HOST + 128];
    size_t request_len, request_sent;
};

static const struct stream_events events;

static void stop(struct http_get *g, bool reset)
{
    if (g->stream)
        stream_close(g->stream, reset);
    g->stream = NULL;
}

static void fail(struct http_get *g, int error, const char *what)
{
    fetch_fail(&g->fetch, error, "%.60s: %s", g->fetch.url.host, what);
    stop(g, true);
}

/* ---- The request --------------------------------------------------------- */

/* Too long a host or path was refused: it fits. */
static void make_request(struct http_get *g)
{
    const struct url *u = &g->fetch.url;
    char port[8] = "";

    if (u->port != 80)
        snprintf(port, sizeof port, ":%u", u->port);
    g->request_len = (size_t)snprintf(
        g->request, sizeof g->request, "GET %s HTTP/1.1\r\nHost: %s%s\r\n"
        "User-Agent: trestle\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        u->path, u->host, port);
    g->request_sent = 0;
}

static void send_request(struct http_get *g)
{
    ssize_t n = stream_write(g->stream, g->request + g->request_sent,
                             g->request_len - g->request_sent);

    if (n < 0)
        fail(g, (int)n, strerror((int)-n));
    else
        g->request_sent += (size_t)n;
}

static int begin(struct http_get *g, uint32_t addr)
{
    http_begin(&g->response);
    make_request(g);
    g->paused = false;
    g->heard_ns = platform_now_ns();
    return stream_connect((struct endpoint){ addr, g->fetch.url.port },
                          &events, g, &g->stream);
}

/* ---- The answer ---------------------------------------------------------- */

static void redirect(struct http_get *g)
{
    const struct url from = g->fetch.url;
    char why[120];
    uint32_t addr;
    int r;

    if (g->was_redirected) {
        fail(g, -ELOOP, "it sends us on a second time");
        return;
    }
    g->was_redirected = true;
    r = url_follow(&from, g->response.location, &g->fetch.url, why,
                   sizeof why);
    if (!r && g->fetch.url.is_tftp) {
        r = -EINVAL;
        snprintf(why, sizeof why, "it sends us on to TFTP");
    }
    if (r) {
        fail(g, r, why);
        return;
    }
    stop(g, true);
    r = transport_resolve(g->fetch.url.host, &addr);
    if (!r)
        r = begin(g, addr);
    if (r)
        fetch_fail(&g->fetch, r, "no way to %.60s, where %.60s sends us: %s",
                   g->fetch.url.host, from.host, strerror(-r));
}

/* True: what follows is the file. */
static bool take_head(struct http_get *g)
{
    const struct http_response *h = &g->response;
    char what[100];

    switch (h->status) {
    case 200:
        if (h->has_length)
            g->fetch.size = h->length;
        return true;
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        if (!*h->location)
            break;
        redirect(g);
        return false;
    }
    snprintf(what, sizeof what, "HTTP %u %s", h->status, h->reason);
    fail(g, h->status == 404 || h->status == 410 ? -ENOENT
         : h->status == 401 || h->status == 403 ? -EACCES : -EPROTO, what);
    return false;
}

/* No more of the body than the ring has room for. */
static void take(struct http_get *g, const uint8_t *data, size_t len)
{
    const uint8_t *body;
    size_t body_len;

    for (;;)
        switch (http_next(&g->response, &data, &len, &body, &body_len)) {
        case HTTP_MORE:
            return;
        case HTTP_HEAD:
            if (!take_head(g))
                return;
            break;
        case HTTP_BODY:
            byte_ring_put(&g->fetch.ring, body, body_len);
            break;
        case HTTP_DONE:
            fetch_end(&g->fetch);
            stop(g, false);
            return;
        case HTTP_BAD:
            fail(g, -EPROTO, g->response.fault);
            return;
        }
}

static void end_early(struct http_get *g)
{
    char what[100];

    if (g->response.status && g->response.has_length)
        snprintf(what, sizeof what, "it ended the connection %llu bytes too "
                 "early", (unsigned long long)g->response.left);
    else
        snprintf(what, sizeof what, "it ended the connection too early");
    fail(g, -EPROTO, what);
}

static void on_readable(void *ctx)
{
    static uint8_t data[READ_BYTES];
    struct http_get *g = ctx;
    size_t room = byte_ring_room(&g->fetch.ring);
    ssize_t n;

    g->heard_ns = platform_now_ns();
    if (!room) {
        g->paused = true;
        stream_pause(g->stream, true);
        return;
    }
    n = stream_read(g->stream, data, room < sizeof data ? room : sizeof data);
    if (n == -EPIPE)
        end_early(g);
    else if (n < 0)
        fail(g, (int)n, strerror((int)-n));
    else
        take(g, data, (size_t)n);
}

static void on_connected(void *ctx, int error)
{
    struct http_get *g = ctx;

    g->heard_ns = platform_now_ns();
    if (error)
        fail(g, error, strerror(-error));
    else
        send_request(g);
}

static void on_writable(void *ctx) { send_request(ctx); }

static void on_failed(void *ctx, int error)
{
    fail(ctx, error, strerror(-error));
}

static const struct stream_events events = {
    on_connected, on_readable, on_writable, on_failed
};

/* ---- Life ---------------------------------------------------------------- */

static bool http_poll(struct fetch *f)
{
    struct http_get *g = (struct http_get *)f;

    if (!g->paused || byte_ring_room(&f->ring) < READ_BYTES)
        return false;
    g->paused = false;
    g->heard_ns = platform_now_ns();
    stream_pause(g->stream, false);
    return true;
}

/* Nobody else ends a server that says nothing. */
static void watch(void *ctx)
{
    struct http_get *g = ctx;

    if (g->stream && !g->paused &&
        platform_now_ns() - g->heard_ns > PATIENCE_NS)
        fail(g, -ETIMEDOUT, "no answer within 30 s");
    sys_timeout(LOOK_MS, watch, g);
}

static void http_close(struct fetch *f)
{
    struct http_get *g = (struct http_get *)f;

    sys_untimeout(watch, g);
    stop(g, true);
    free(g);
}

static const struct fetch_ops http_ops = { http_poll, http_close };

int fetch_http_open(const struct url *url, uint32_t addr, struct fetch **out)
{
    struct http_get *g = calloc(1, sizeof *g);
    int r;

    if (!g)
        return -ENOMEM;
    g->fetch.ops = &http_ops;
    g->fetch.url = *url;
    g->fetch.size = RECEIVER_UNKNOWN;
    r = begin(g, addr);
    if (r) {
        free(g);
        return r;
    }
    sys_timeout(LOOK_MS, watch, g);
    *out = &g->fetch;
    return 0;
}
