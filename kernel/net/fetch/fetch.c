/* See fetch.h. */
#include "kernel/net/fetch/fetch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kernel/net/fetch/fetch_impl.h"
#include "kernel/net/net_impl.h"
#include "kernel/net/transport.h"
#include "kernel/platform.h"

#define LOOK_NS 1000000u        /* the task looks for bytes so often */

static struct fetch *all;

bool fetch_is_url(const char *source)
{
    return strstr(source, "://");
}

/* ---- The task ------------------------------------------------------------ */

static ssize_t fetch_read(struct receiver *r, void *buf, size_t size)
{
    struct fetch *f = (struct fetch *)r;

    for (;;) {
        /* In this order: what came last was put before the end was said. */
        int state = atomic_load(&f->state);
        size_t n = byte_ring_get(&f->ring, buf, size);

        if (n || state == FETCH_ENDED) {
            r->size = f->size;
            platform_wake();            /* there is room */
            return (ssize_t)n;
        }
        if (state == FETCH_FAILED) {
            memcpy(r->why, f->why, sizeof r->why);
            return f->error;
        }
        if (r->is_cancelled && r->is_cancelled(r->ctx)) {
            snprintf(r->why, sizeof r->why, "cancelled");
            return -ECANCELED;
        }
        platform_task_wait(platform_now_ns() + LOOK_NS);
    }
}

/* ---- The I/O core -------------------------------------------------------- */

static void fetch_close(struct receiver *r)
{
    struct fetch *f = (struct fetch *)r, **at = &all;

    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    f->ops->close(f);
}

int fetch_open(const char *text, struct receiver **out, char *why,
               size_t why_size)
{
    struct url url;
    struct fetch *f;
    uint32_t addr;
    int r = url_parse(text, &url, why, why_size);

    if (r)
        return r;
    snprintf(why, why_size, "no machine has a network (-net)");
    if (!net_all())
        return -ENETDOWN;
    r = transport_resolve(url.host, &addr);
    snprintf(why, why_size, "'%.60s' is no address%s", url.host,
             r == -ENOENT ? " that is known" : "");
    if (r)
        return r;
    r = url.is_tftp ? fetch_tftp_open(&url, addr, &f)
                    : fetch_http_open(&url, addr, &f);
    snprintf(why, why_size, "no way to %.60s: %s%s", url.host, strerror(-r),
             r == -ENETUNREACH ? "; Trestle has an address where -net "
             "bridge,ip= gives it one" : "");
    if (r)
        return r;
    f->receiver.read = fetch_read;
    f->receiver.close = fetch_close;
    f->receiver.size = f->size = RECEIVER_UNKNOWN;
    f->next = all;
    all = f;
    *out = &f->receiver;
    return 0;
}

bool fetch_poll(void)
{
    bool moved = false;

    for (struct fetch *f = all; f; f = f->next)
        if (atomic_load(&f->state) == FETCH_RUNS)
            moved |= f->ops->poll(f);
    return moved;
}

void fetch_end(struct fetch *f)
{
    if (atomic_load(&f->state) == FETCH_RUNS)
        atomic_store(&f->state, FETCH_ENDED);
}

void fetch_fail(struct fetch *f, int error, const char *fmt, ...)
{
    va_list ap;

    if (atomic_load(&f->state) != FETCH_RUNS)
        return;
    va_start(ap, fmt);
    vsnprintf(f->why, sizeof f->why, fmt, ap);
    va_end(ap);
    f->error = error;
    atomic_store(&f->state, FETCH_FAILED);
}

void fetch_plain(char *out, size_t size, const char *text, size_t len)
{
    size_t i = 0;

    for (; i < len && i + 1 < size && text[i]; i++)
        out[i] = text[i] < ' ' || text[i] > '~' ? '?' : text[i];
    out[i] = '\0';
}
