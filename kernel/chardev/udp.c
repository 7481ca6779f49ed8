/*
 * See backend.h: datagrams. What the port says goes out in pieces as it comes;
 * UDP may lose any of them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/chardev/backend.h"
#include "kernel/net/service.h"
#include "kernel/ring.h"

#define PIECE 1024u             /* of one datagram; fits any path's MTU */

struct udp_backend {
    struct backend b;           /* first */
    struct dgram *dgram;
    struct endpoint peer;       /* port 0: nobody yet */
    bool is_fixed;              /* the peer was named; else who sent last */
    struct byte_ring in;
};

static void on_received(void *ctx, const uint8_t *data, size_t len,
                        struct endpoint from)
{
    struct udp_backend *u = ctx;

    if (u->is_fixed && !endpoint_equal(from, u->peer)) {
        u->b.refused++;
        return;
    }
    u->peer = from;
    u->b.dropped += len - byte_ring_put(&u->in, data, len);
}

static size_t udp_read(void *ctx, uint8_t *buf, size_t len)
{
    struct udp_backend *u = ctx;

    return byte_ring_get(&u->in, buf, len);
}

static size_t udp_write(void *ctx, const uint8_t *buf, size_t len)
{
    struct udp_backend *u = ctx;
    size_t n = len < PIECE ? len : PIECE;
    int r = u->peer.port ? dgram_send(u->dgram, u->peer, buf, n)
                         : -EDESTADDRREQ;

    if (r == -EAGAIN)
        return 0;
    if (r)
        u->b.dropped += n;
    return n;
}

static void udp_describe(const struct backend *b, char *buf, size_t size)
{
    const struct udp_backend *u = (const struct udp_backend *)b;
    char local[ENDPOINT_TEXT], peer[ENDPOINT_TEXT];

    endpoint_text(dgram_local(u->dgram), local);
    endpoint_text(u->peer, peer);
    backend_say(buf, size, "udp:%s@%s", peer, local);
}

static void udp_close(struct backend *b)
{
    struct udp_backend *u = (struct udp_backend *)b;

    if (u->dgram)
        dgram_close(u->dgram);
    free(u);
}

static const struct backend_ops udp_ops = {
    .describe = udp_describe, .close = udp_close,
};

static int udp_open(struct udp_backend *u, const struct chardev_option *o,
                    char *why, size_t size)
{
    struct endpoint local = { .port = o->local_port };
    int r = 0;

    if (o->port)
        r = transport_resolve(*o->host ? o->host : "127.0.0.1",
                              &u->peer.addr);
    if (r) {
        snprintf(why, size, "there is no host '%.63s'", o->host);
        return r;
    }
    u->peer.port = o->port;
    u->is_fixed = o->port;
    /* Who is sent something may answer from anywhere, unless it is here. */
    if (*o->local_host || !o->port)
        r = service_resolve(o->local_host, &local.addr, why, size);
    if (r)
        return r;
    r = dgram_open(local, false, on_received, u, &u->dgram);
    if (r)
        snprintf(why, size, "cannot open that port: %s", strerror(-r));
    return r;
}

int backend_udp_open(const struct chardev_option *o, struct backend **out,
                     char *why, size_t size)
{
    struct udp_backend *u = backend_new(sizeof *u, &udp_ops, udp_write,
                                        udp_read);
    int r = u ? udp_open(u, o, why, size) : -ENOMEM;

    if (!r) {
        u->b.uses_transport = true;
        *out = &u->b;
    } else if (u) {
        udp_close(&u->b);
    }
    return r;
}
