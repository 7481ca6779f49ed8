/*
 * A tunnel over UDP, to one other end or to a multicast group. See tunnel.h.
 *
 * A group's datagrams come back to their sender, as there may be more programs
 * on the same host. To know ours by their source, they leave from a socket of
 * their own with a port that nobody else has: qemus on one host all send from
 * the group's port, and so cannot tell. Address and port together are one
 * sender's in the whole group, so that no look at the frames is needed (one
 * that a real loop brings back has another's source, and must come in).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/net/packet.h"
#include "kernel/net/tunnel_impl.h"

/* The address may have changed (DHCP) since we last asked. */
static bool is_own(struct tunnel *t, struct endpoint from)
{
    if (from.port != t->own.port)
        return false;
    if (from.addr != t->own.addr)
        t->own = dgram_source(t->out, t->to);
    return endpoint_equal(from, t->own);
}

static void on_datagram(void *ctx, const uint8_t *data, size_t len,
                        struct endpoint from)
{
    struct tunnel *t = ctx;

    if (t->config.kind == TUNNEL_MCAST && is_own(t, from))
        t->counts[TUNNEL_OWN_LOOP]++;
    else if (t->config.kind == TUNNEL_UDP && !endpoint_equal(from, t->to))
        t->counts[TUNNEL_STRANGER]++;
    else
        tunnel_receive(t, data, len);
}

static bool udp_send(struct tunnel *t, const uint8_t *frame, size_t len)
{
    return outbox_put(&t->queue, frame, len);
}

static void udp_flush(struct tunnel *t)
{
    const uint8_t *p = t->queue.data, *end = p + t->queue.len;

    while (p < end) {
        size_t len = get32(p);

        if (dgram_send(t->out, t->to, p + TUNNEL_HEAD, len))
            t->counts[TUNNEL_NOT_SENT]++;
        p += TUNNEL_HEAD + len;
    }
    t->queue.len = 0;
    t->counts[TUNNEL_DROPPED] = dgram_dropped(t->in);
}

static void udp_stop(struct tunnel *t)
{
    if (t->out && t->out != t->in)
        dgram_close(t->out);
    if (t->in)
        dgram_close(t->in);
    t->in = t->out = NULL;
}

static int start_mcast(struct tunnel *t)
{
    struct endpoint from = { t->local.addr, 0 };
    int r = dgram_open(t->to, true, on_datagram, t, &t->in);

    if (!r)
        r = dgram_join(t->in, t->to.addr, t->local.addr);
    if (!r)
        r = dgram_open(from, false, NULL, NULL, &t->out);
    if (!r)
        r = dgram_multicast_from(t->out, t->local.addr);
    if (!r)
        t->own = dgram_source(t->out, t->to);
    return r;
}

static int udp_start(struct tunnel *t, char *why, size_t size)
{
    bool mcast = t->config.kind == TUNNEL_MCAST;
    int r = mcast ? start_mcast(t)
                  : dgram_open(t->local, false, on_datagram, t, &t->in);

    if (r) {
        snprintf(why, size, "%s=%.60s:%u: %s", mcast ? "mcast" : "udp",
                 t->config.to.host, t->to.port, strerror(-r));
        udp_stop(t);
        return r;
    }
    if (!mcast)
        t->out = t->in;
    t->nic.link_up = true;
    return 0;
}

/* From us to the other end, or to the group. */
static bool udp_is_carrier(const struct tunnel *t, struct endpoint from,
                           struct endpoint to)
{
    struct endpoint own;

    if (to.addr != t->to.addr || (to.port && to.port != t->to.port))
        return false;
    own = dgram_source(t->out, t->to);  /* as of now: DHCP may change it */
    return from.addr == own.addr && (!from.port || from.port == own.port);
}

const struct tunnel_ops tunnel_udp = {
    udp_start, udp_stop, udp_send, udp_flush, udp_is_carrier, PROTO_UDP
};
