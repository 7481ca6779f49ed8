/* A TAP device as what stands in for a physical NIC on Linux: a struct nic. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include "drivers/net/nic.h"
#include "kernel/hosted/console.h"
#include "kernel/hosted/tap_script.h"
#include "kernel/platform.h"

#define BUFFERS 256u
#define BUFFER_BYTES 2048u
#define OPTION_BYTES 1024u      /* OPTIONS_TEXT: no value is longer */

struct tap {
    struct nic nic;
    int fd;
    struct nic_buf buf[BUFFERS];
    struct nic_buf *free_buf[BUFFERS];
    unsigned free_count;
    uint8_t *memory;
    char ifname[IFNAMSIZ];
    char down_script[TAP_SCRIPT_BYTES];
    bool destroyed;             /* the last buffer that comes back frees it */
};

static void free_unused(struct tap *w)
{
    if (!w->destroyed || w->free_count < BUFFERS)
        return;
    free(w->memory);
    free(w);
}

static void buf_free(struct nic_buf *buf)
{
    struct tap *w = buf->owner;

    w->free_buf[w->free_count++] = buf;
    free_unused(w);
}

/* A received frame goes up; false: no buffer, counted. */
static void receive(struct tap *w, const uint8_t *frame, size_t len)
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

static unsigned tap_poll(struct nic *nic, unsigned budget)
{
    struct tap *w = nic->driver;
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
    struct tap *w = nic->driver;

    if (write(w->fd, buf->data, buf->len) != (ssize_t)buf->len) {
        if (errno == EAGAIN) {
            nic->counters.tx_ring_full++;
            return -ENOBUFS;
        }
        nic->counters.tx_errors++;      /* EIO: the device is down */
        return -ENETDOWN;
    }
    nic->counters.tx_frames++;
    nic->counters.tx_bytes += buf->len;
    buf->free(buf);
    return 0;
}

static void tap_hold(struct nic *nic, bool held)
{
    if (held)
        console_unwatch_fd(nic->poll_fd);
    else
        console_watch_fd(nic->poll_fd, false);
}

static int tap_open(struct nic *nic)
{
    nic->is_open = true;
    return 0;
}

static void tap_close(struct nic *nic)
{
    struct tap *w = nic->driver;
    char why[TAP_SCRIPT_BYTES + 80];

    nic->is_open = false;
    if (tap_script_run(w->down_script, w->ifname, why, sizeof why))
        platform_log("%s: %s", nic->label, why);
    if (w->fd >= 0) {
        console_unwatch_fd(w->fd);
        close(w->fd);
    }
    w->fd = -1;
}

static void tap_destroy(struct nic *nic)
{
    struct tap *w = nic->driver;

    w->destroyed = true;
    free_unused(w);
}

static const struct nic_ops tap_ops = {
    .name = "tap", .open = tap_open, .close = tap_close,
    .destroy = tap_destroy, .transmit = tap_transmit, .poll = tap_poll,
    .hold = tap_hold
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
static int tap_scripts(struct tap *w, const char *params, char *why,
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

static int tap_make(struct tap *w, const char *params, char *why,
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

/* A Linux process owns no physical NIC: -net tap makes what stands in. */
struct nic *platform_nic(unsigned i)
{
    (void)i;
    return NULL;
}

int platform_tap_open(const char *params, struct nic **out, char *why,
                      size_t why_size)
{
    static const uint8_t mac[6] = { 0x02, 0x54, 0x52, 0x53, 0x4c, 0x00 };
    static uint8_t next;
    struct tap *w = calloc(1, sizeof *w);
    int r = -ENOMEM;

    snprintf(why, why_size, "out of memory");
    if (!w || !(w->memory = calloc(BUFFERS, BUFFER_BYTES)))
        goto fail;
    w->fd = -1;
    for (unsigned i = 0; i < BUFFERS; i++) {
        w->buf[i] = (struct nic_buf){ .data = w->memory + i * BUFFER_BYTES,
                                      .free = buf_free, .owner = w };
        buf_free(&w->buf[i]);
    }
    r = tap_make(w, params, why, why_size);
    if (r)
        goto fail;
    w->nic.ops = &tap_ops;
    w->nic.driver = w;
    w->nic.poll_fd = w->fd;
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
