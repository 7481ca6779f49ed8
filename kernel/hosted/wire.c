/*
 * Wires that stand in for a physical NIC on Linux: a TAP device, or a TCP
 * connection that carries frames as qemu's -net socket does (a 4-byte
 * big-endian length before each). Both look like a struct nic.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include "drivers/net/nic.h"
#include "kernel/hosted/console.h"
#include "kernel/hosted/tap_script.h"
#include "kernel/platform.h"

#define BUFFERS 256u
#define BUFFER_BYTES 2048u
#define LENGTH_BYTES 4u
#define OPTION_BYTES 1024u      /* OPTIONS_TEXT: no value is longer */
#define STREAM_BYTES (64u * 1024)

struct wire {
    struct nic nic;
    int fd;                     /* -1 while a socket has no peer */
    int listen_fd;              /* -1: not listening */
    struct nic_buf buf[BUFFERS];
    struct nic_buf *free_buf[BUFFERS];
    unsigned free_count;
    uint8_t *memory;
    uint8_t in[STREAM_BYTES];   /* received, not yet whole frames */
    size_t in_len;
    uint8_t out[STREAM_BYTES];  /* the kernel would not take it yet */
    size_t out_len;
    bool out_watched;
    char ifname[IFNAMSIZ];      /* of a TAP device, and its downscript */
    char down_script[TAP_SCRIPT_BYTES];
    bool destroyed;             /* the last buffer that comes back frees it */
};

static void free_unused(struct wire *w)
{
    if (!w->destroyed || w->free_count < BUFFERS)
        return;
    free(w->memory);
    free(w);
}

static void buf_free(struct nic_buf *buf)
{
    struct wire *w = buf->owner;

    w->free_buf[w->free_count++] = buf;
    free_unused(w);
}

/* A received frame goes up; false: no buffer, counted. */
static void receive(struct wire *w, const uint8_t *frame, size_t len)
{
    struct nic_buf *buf;

    if (len > NIC_MAX_FRAME) {
        w->nic.counters.rx_oversize++;
        return;
    }
    if (!w->free_count) {
        w->nic.counters.rx_no_buffer++;
        return;
    }
    buf = w->free_buf[--w->free_count];
    memcpy(buf->data, frame, len);
    buf->len = len;
    w->nic.counters.rx_frames++;
    w->nic.counters.rx_bytes += len;
    w->nic.receive(&w->nic, buf);
}

/* ---- TAP --------------------------------------------------------------------- */

static unsigned tap_poll(struct nic *nic, unsigned budget)
{
    struct wire *w = nic->driver;
    uint8_t frame[BUFFER_BYTES];
    unsigned n = 0;

    while (n < budget) {
        ssize_t len = read(w->fd, frame, sizeof frame);

        if (len <= 0)
            break;
        receive(w, frame, len);
        n++;
    }
    return n;
}

static int tap_transmit(struct nic *nic, struct nic_buf *buf)
{
    struct wire *w = nic->driver;

    if (write(w->fd, buf->data, buf->len) != (ssize_t)buf->len) {
        nic->counters.tx_ring_full++;
        return -ENOBUFS;
    }
    nic->counters.tx_frames++;
    nic->counters.tx_bytes += buf->len;
    buf->free(buf);
    return 0;
}

/* ---- Stream ------------------------------------------------------------------ */

static void stream_drop(struct wire *w, const char *why)
{
    platform_log("%s: %s", w->nic.label, why);
    console_unwatch_fd(w->fd);
    close(w->fd);
    w->fd = -1;
    w->in_len = w->out_len = 0;
    w->out_watched = false;
    w->nic.link_up = false;
    if (w->listen_fd >= 0)
        console_watch_fd(w->listen_fd, false);
}

/* One peer at a time: the next waits, unwatched, until this one goes. */
static void stream_ready(struct wire *w, int fd)
{
    int one = 1;

    if (w->listen_fd >= 0)
        console_unwatch_fd(w->listen_fd);

    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    w->fd = fd;
    w->nic.link_up = true;
    console_watch_fd(fd, false);
}

/* What the peer does not take now waits, and it is watched for room. */
static void stream_flush(struct wire *w)
{
    ssize_t n = w->out_len ? send(w->fd, w->out, w->out_len, MSG_NOSIGNAL) : 0;

    if (n > 0) {
        memmove(w->out, w->out + n, w->out_len - n);
        w->out_len -= n;
    }
    if (w->out_watched != (w->out_len > 0)) {
        w->out_watched = w->out_len > 0;
        console_watch_fd(w->fd, w->out_watched);
    }
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* Whole frames in `in` go up. */
static unsigned stream_frames(struct wire *w)
{
    size_t at = 0;
    unsigned n = 0;

    while (w->in_len - at >= LENGTH_BYTES) {
        uint32_t len = be32(w->in + at);

        /* Before any use: what does not fit can never be completed. */
        if (len > STREAM_BYTES - LENGTH_BYTES) {
            w->nic.counters.rx_errors++;
            stream_drop(w, "the peer sent an impossible length; dropped it");
            return n;
        }
        if (w->in_len - at < LENGTH_BYTES + len)
            break;
        receive(w, w->in + at + LENGTH_BYTES, len);
        at += LENGTH_BYTES + len;
        n++;
    }
    memmove(w->in, w->in + at, w->in_len - at);
    w->in_len -= at;
    return n;
}

static unsigned stream_poll(struct nic *nic, unsigned budget)
{
    struct wire *w = nic->driver;
    ssize_t len;

    (void)budget;               /* one buffer of bytes at a time bounds it */
    if (w->fd < 0 && w->listen_fd >= 0) {
        int fd = accept(w->listen_fd, NULL, NULL);

        if (fd >= 0)
            stream_ready(w, fd);
    }
    if (w->fd < 0)
        return 0;
    stream_flush(w);
    len = recv(w->fd, w->in + w->in_len, STREAM_BYTES - w->in_len, 0);
    if (len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR)) {
        stream_drop(w, "the peer has gone");
        return 0;
    }
    if (len > 0)
        w->in_len += len;
    return stream_frames(w);
}

static int stream_transmit(struct nic *nic, struct nic_buf *buf)
{
    struct wire *w = nic->driver;
    uint8_t *p = w->out + w->out_len;
    uint32_t len = buf->len;

    if (w->fd < 0)
        return -ENETDOWN;
    if (STREAM_BYTES - w->out_len < LENGTH_BYTES + len) {
        nic->counters.tx_ring_full++;
        return -ENOBUFS;
    }
    p[0] = len >> 24, p[1] = len >> 16, p[2] = len >> 8, p[3] = len;
    memcpy(p + LENGTH_BYTES, buf->data, len);
    w->out_len += LENGTH_BYTES + len;
    nic->counters.tx_frames++;
    nic->counters.tx_bytes += len;
    buf->free(buf);
    stream_flush(w);
    return 0;
}

/* ---- Making ------------------------------------------------------------------ */

static int wire_open(struct nic *nic)
{
    nic->is_open = true;
    return 0;
}

static void wire_close(struct nic *nic)
{
    struct wire *w = nic->driver;
    char why[TAP_SCRIPT_BYTES + 80];

    nic->is_open = false;
    if (tap_script_run(w->down_script, w->ifname, why, sizeof why))
        platform_log("%s: %s", nic->label, why);
    if (w->fd >= 0) {
        console_unwatch_fd(w->fd);
        close(w->fd);
    }
    if (w->listen_fd >= 0) {
        console_unwatch_fd(w->listen_fd);
        close(w->listen_fd);
    }
    w->fd = w->listen_fd = -1;
}

static void wire_destroy(struct nic *nic)
{
    struct wire *w = nic->driver;

    w->destroyed = true;
    free_unused(w);
}

static const struct nic_ops tap_ops = {
    .name = "tap", .open = wire_open, .close = wire_close,
    .destroy = wire_destroy, .transmit = tap_transmit, .poll = tap_poll
};
static const struct nic_ops stream_ops = {
    .name = "socket", .open = wire_open, .close = wire_close,
    .destroy = wire_destroy,
    .transmit = stream_transmit, .poll = stream_poll
};

/* The value of `key` in "a=b,c=d", copied to `out`; false when absent. */
static bool param(const char *params, const char *key, char *out, size_t size)
{
    size_t n = strlen(key);

    for (const char *p = params; p && *p; p = strchr(p, ',')) {
        p += *p == ',';
        if (!strncmp(p, key, n) && p[n] == '=') {
            snprintf(out, size, "%.*s", (int)strcspn(p + n + 1, ","),
                     p + n + 1);
            return true;
        }
    }
    return false;
}

/* The device is there: the scripts that -net tap names, or qemu's own. */
static int tap_scripts(struct wire *w, const char *params, char *why,
                       size_t size)
{
    char given[OPTION_BYTES], up[TAP_SCRIPT_BYTES];
    bool has = param(params, "script", given, sizeof given);

    snprintf(why, size, "script= or downscript=: %u characters at most",
             TAP_SCRIPT_BYTES - 1);
    if (tap_script_choose(has ? given : NULL, "/etc/qemu-ifup", up))
        return -ENAMETOOLONG;
    has = param(params, "downscript", given, sizeof given);
    if (tap_script_choose(has ? given : NULL, "/etc/qemu-ifdown",
                          w->down_script))
        return -ENAMETOOLONG;
    return tap_script_run(up, w->ifname, why, size);
}

static int tap_make(struct wire *w, const char *params, char *why,
                    size_t size)
{
    struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
    char name[64];
    int r;

    w->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    snprintf(why, size, "could not open /dev/net/tun: %s; run as root or "
             "give yourself rights to it", strerror(errno));
    if (w->fd < 0)
        return -errno;
    if (param(params, "ifname", name, sizeof name)) {
        if (strlen(name) >= sizeof ifr.ifr_name) {
            snprintf(why, size, "ifname=%s: 15 characters at most", name);
            return -EINVAL;
        }
        strcpy(ifr.ifr_name, name);
    }
    if (ioctl(w->fd, TUNSETIFF, &ifr)) {
        snprintf(why, size, "no TAP device '%s': %s", ifr.ifr_name,
                 strerror(errno));
        return -errno;
    }
    snprintf(w->nic.label, sizeof w->nic.label, "tap %s", ifr.ifr_name);
    w->nic.link_up = true;
    strcpy(w->ifname, ifr.ifr_name);
    r = tap_scripts(w, params, why, size);
    if (!r)
        console_watch_fd(w->fd, false);
    return r;
}

static int resolve(const char *text, struct addrinfo **out, char *why,
                   size_t size)
{
    char host[128];
    const char *port = strrchr(text, ':');
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                              .ai_family = AF_INET };

    snprintf(why, size, "'%s' is not HOST:PORT", text);
    if (!port)
        return -EINVAL;
    snprintf(host, sizeof host, "%.*s", (int)(port - text), text);
    return getaddrinfo(*host ? host : "127.0.0.1", port + 1, &hints, out)
               ? -EINVAL : 0;
}

static int stream_make(struct wire *w, const char *params, char *why,
                       size_t size)
{
    char where[160];
    bool listening = param(params, "listen", where, sizeof where);
    struct addrinfo *ai;
    int fd, r, one = 1;

    snprintf(why, size, "needs connect=HOST:PORT or listen=HOST:PORT");
    if (!listening && !param(params, "connect", where, sizeof where))
        return -EINVAL;
    r = resolve(where, &ai, why, size);
    if (r)
        return r;
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    r = listening ? bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, 1)
                  : connect(fd, ai->ai_addr, ai->ai_addrlen);
    r = r ? -errno : 0;
    freeaddrinfo(ai);
    if (r) {
        snprintf(why, size, "%s %s: %s", listening ? "listen" : "connect",
                 where, strerror(-r));
        close(fd);
        return r;
    }
    snprintf(w->nic.label, sizeof w->nic.label, "socket %.30s", where);
    if (!listening) {
        stream_ready(w, fd);
        return 0;
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    w->listen_fd = fd;
    console_watch_fd(fd, false);
    return 0;
}

/* A Linux process owns no physical NIC; -net tap and -net socket make wires. */
struct nic *platform_nic(unsigned i)
{
    (void)i;
    return NULL;
}

int platform_wire_open(const char *type, const char *params, struct nic **out,
                       char *why, size_t why_size)
{
    static const uint8_t mac[6] = { 0x02, 0x54, 0x52, 0x53, 0x4c, 0x00 };
    static uint8_t next;
    bool is_tap = !strcmp(type, "tap");
    struct wire *w = calloc(1, sizeof *w);
    int r = -ENOMEM;

    snprintf(why, why_size, "out of memory");
    if (!w || !(w->memory = calloc(BUFFERS, BUFFER_BYTES)))
        goto fail;
    w->fd = w->listen_fd = -1;
    for (unsigned i = 0; i < BUFFERS; i++) {
        w->buf[i] = (struct nic_buf){ .data = w->memory + i * BUFFER_BYTES,
                                      .free = buf_free, .owner = w };
        buf_free(&w->buf[i]);
    }
    r = is_tap ? tap_make(w, params, why, why_size)
               : stream_make(w, params, why, why_size);
    if (r)
        goto fail;
    w->nic.ops = is_tap ? &tap_ops : &stream_ops;
    w->nic.driver = w;
    w->nic.poll_fd = w->fd >= 0 ? w->fd : w->listen_fd;
    memcpy(w->nic.mac, mac, 6);
    w->nic.mac[5] = next++;
    *out = &w->nic;
    return 0;
fail:
    if (w) {
        if (w->fd >= 0)
            close(w->fd);
        free(w->memory);
    }
    free(w);
    return r;
}
