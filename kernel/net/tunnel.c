/* See tunnel.h: a tunnel as a NIC. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/frame_pool.h"
#include "kernel/net/packet.h"
#include "kernel/net/tunnel_impl.h"
#include "kernel/platform.h"
#include "lwip/arch.h"

#define ETHER_HEADER 14u
#define ETHERTYPE_IP 0x0800u
/* A peer that comes and goes all the time must not fill the log. */
#define SAID_MAX 20u
#define SAID_NS 10000000000u

static const char *const count_names[TUNNEL_COUNTS] = {
    [TUNNEL_PEER_FULL] = "tunnel_peer_full",
    [TUNNEL_PEER_REFUSED] = "tunnel_peer_refused",
    [TUNNEL_BAD_LENGTH] = "tunnel_bad_length",
    [TUNNEL_OWN_CARRIER] = "tunnel_own_carrier",
    [TUNNEL_STRANGER] = "tunnel_stranger",
    [TUNNEL_OWN_LOOP] = "tunnel_own_loop",
    [TUNNEL_DROPPED] = "tunnel_dropped",
    [TUNNEL_NOT_SENT] = "tunnel_not_sent",
    [TUNNEL_LOST] = "tunnel_lost",
};

void tunnel_say(struct tunnel *t, const char *fmt, ...)
{
    char text[160];
    va_list ap;

    if (!log_limit_take(&t->said, platform_now_ns(), SAID_MAX, SAID_NS))
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    platform_log("%s: %s%s", t->nic.label, text,
                 t->said.lines == SAID_MAX
                     ? " (no more of this for a while)" : "");
}

/* ---- Frames -------------------------------------------------------------- */

void tunnel_receive(struct tunnel *t, const uint8_t *frame, size_t len)
{
    struct nic_counters *c = &t->nic.counters;
    struct nic_buf *buf;

    if (!frame || len > NIC_MAX_FRAME) {
        c->rx_oversize++;
        return;
    }
    buf = frame_pool_take();
    if (!buf) {
        c->rx_no_buffer++;
        return;
    }
    memcpy(buf->data, frame, len);
    buf->len = (uint32_t)len;
    c->rx_frames++;
    c->rx_bytes += len;
    t->nic.receive(&t->nic, buf);
}

bool outbox_put(struct outbox *o, const uint8_t *frame, size_t len)
{
    if (sizeof o->data - o->len < TUNNEL_HEAD + len)
        return false;
    put32(o->data + o->len, (uint32_t)len);
    memcpy(o->data + o->len + TUNNEL_HEAD, frame, len);
    o->len += TUNNEL_HEAD + len;
    return true;
}

/*
 * A bridge that carries the tunnel's own packets may lead them back into the
 * tunnel (flooded, while the switch does not know the way): each would then
 * carry the one before, for ever. Later fragments have no ports; there the
 * addresses must do.
 */
static bool is_carrier(const struct tunnel *t, const uint8_t *f, size_t len)
{
    const uint8_t *ip = f + ETHER_HEADER;
    struct endpoint from, to;
    size_t header;

    if (len < ETHER_HEADER + IP_HEADER || get16(f + 12) != ETHERTYPE_IP ||
        ip[IP_PROTOCOL] != t->ops->protocol)
        return false;
    header = ip_header_length(ip);
    if (header < IP_HEADER || len < ETHER_HEADER + header + 4)
        return false;
    from = (struct endpoint){ get32(ip + IP_SOURCE), 0 };
    to = (struct endpoint){ get32(ip + IP_DESTINATION), 0 };
    if (!(get16(ip + IP_FRAGMENT) & IP_OFFSET)) {
        from.port = get16(ip + header);
        to.port = get16(ip + header + 2);
    }
    return t->ops->is_carrier(t, from, to) || t->ops->is_carrier(t, to, from);
}

/* ---- The NIC ------------------------------------------------------------- */

static int tunnel_open(struct nic *nic)
{
    nic->is_open = true;
    return 0;
}

static void tunnel_close(struct nic *nic)
{
    struct tunnel *t = nic->driver;

    t->ops->stop(t);
    nic->is_open = false;
    nic->link_up = false;
}

/*
 * Frames wait for the flush: whoever sends may be lwIP in the middle of its
 * work, and one write takes many of them.
 */
static int tunnel_transmit(struct nic *nic, struct nic_buf *buf)
{
    struct tunnel *t = nic->driver;

    if (!nic->link_up) {
        nic->counters.tx_errors++;
        return -ENETDOWN;
    }
    if (is_carrier(t, buf->data, buf->len)) {
        t->counts[TUNNEL_OWN_CARRIER]++;
    } else if (!t->ops->send(t, buf->data, buf->len)) {
        nic->counters.tx_ring_full++;
        return -ENOBUFS;
    } else {
        nic->counters.tx_frames++;
        nic->counters.tx_bytes += buf->len;
    }
    buf->free(buf);
    return 0;
}

/* Frames come in by the transport's own events. */
static unsigned tunnel_poll(struct nic *nic, unsigned budget)
{
    (void)nic, (void)budget;
    return 0;
}

static void tunnel_flush(struct nic *nic)
{
    struct tunnel *t = nic->driver;

    t->ops->flush(t);
}

/* The transport's events end the platform's sleep anyhow. */
static void tunnel_arm(struct nic *nic) { (void)nic; }

static void tunnel_destroy(struct nic *nic)
{
    struct tunnel *t = nic->driver;

    t->ops->stop(t);
    free(t);
}

static const char *tunnel_counter(const struct nic *nic, unsigned i,
                                  uint64_t *value)
{
    const struct tunnel *t = nic->driver;

    if (i >= TUNNEL_COUNTS)
        return NULL;
    *value = t->counts[i];
    if (i == TUNNEL_PEER_REFUSED && t->listener)
        *value += listener_refused(t->listener);
    return count_names[i];
}

static const struct nic_ops nic_ops = {
    .name = "socket", .open = tunnel_open, .close = tunnel_close,
    .transmit = tunnel_transmit, .poll = tunnel_poll, .flush = tunnel_flush,
    .arm = tunnel_arm, .destroy = tunnel_destroy, .counter = tunnel_counter,
};

/* ---- Making -------------------------------------------------------------- */

static int resolve(const struct tunnel_end *e, const char *none,
                   struct endpoint *out, char *why, size_t size)
{
    int r = transport_resolve(*e->host ? e->host : none, &out->addr);

    out->port = e->port;
    if (r)
        snprintf(why, size, r == -EINVAL ? "not an address: '%.60s'"
                 : "no such host: '%.60s'", e->host);
    return r;
}

int tunnel_create(const char *params, struct nic **out, char *why, size_t size)
{
    struct tunnel *t = calloc(1, sizeof *t);
    uint32_t random = LWIP_RAND();
    int r = -EINVAL;

    snprintf(why, size, "out of memory");
    if (!t)
        return -ENOMEM;
    if (!tunnel_parse(params, &t->config, why, size))
        goto fail;
    r = resolve(&t->config.to, t->config.kind == TUNNEL_LISTEN
                ? "0.0.0.0" : "127.0.0.1", &t->to, why, size);
    if (!r)
        r = resolve(&t->config.local, "0.0.0.0", &t->local, why, size);
    if (r)
        goto fail;
    t->ops = t->config.kind == TUNNEL_UDP || t->config.kind == TUNNEL_MCAST
                 ? &tunnel_udp : &tunnel_tcp;
    snprintf(t->nic.label, sizeof t->nic.label, "socket %.24s:%u",
             t->config.to.host, t->config.to.port);
    t->nic.ops = &nic_ops;
    t->nic.driver = t;
    t->nic.poll_fd = -1;
    /* Another's at the other end, should both hosts have addresses there. */
    memcpy(t->nic.mac, "\x02\x54\x52", 3);
    memcpy(t->nic.mac + 3, &random, 3);
    r = t->ops->start(t, why, size);
    if (r)
        goto fail;
    *out = &t->nic;
    return 0;
fail:
    free(t);
    return r;
}
