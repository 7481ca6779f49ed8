/* See guest_serial.h. */
#include "kernel/guest_serial.h"

#include <errno.h>
#include <stdlib.h>

#include "kernel/console/serial_log.h"
#include "kernel/guest.h"
#include "kernel/platform.h"
#include "kernel/watch/crash.h"

/* ---- The guest's core -------------------------------------------------- */

static size_t serial_write(void *ctx, const uint8_t *buf, size_t len)
{
    struct guest_serial *s = ctx;
    size_t n = byte_ring_put(&s->from_guest, buf, len);

    s->said += n;
    if (s->guest)
        crash_take_console(s->guest, buf, n);
    return n;
}

static size_t serial_read(void *ctx, uint8_t *buf, size_t len)
{
    struct guest_serial *s = ctx;

    return byte_ring_get(&s->to_guest, buf, len);
}

static void serial_break(void *ctx)
{
    struct guest_serial *s = ctx;

    atomic_store(&s->broke, true);
    platform_wake();
}

/* ---- The I/O core ------------------------------------------------------ */

void guest_serial_put(struct guest *g, unsigned serial, const uint8_t *data,
                      size_t len)
{
    struct guest_serial *s = g->serial[serial];

    if (!guest_serial_armed(g, serial))
        s->dropped_unarmed += len;
    else
        s->dropped_unread += len - byte_ring_put(&s->to_guest, data, len);
}

size_t guest_serial_take(struct guest_serial *s, uint8_t *buf, size_t size)
{
    size_t n = byte_ring_get(&s->from_guest, buf, size);

    serial_log_put(s->log, buf, n);
    return n;
}

size_t guest_serial_offer(struct guest_serial *s, const struct chardev *to)
{
    const uint8_t *p;
    size_t done = 0, most = BYTE_RING_SIZE, n;

    /* A ring's worth at most: the guest may fill it meanwhile. */
    while (done < most && (n = byte_ring_peek(&s->from_guest, &p))) {
        n = to->write(to->ctx, p, n < most - done ? n : most - done);
        if (!n)
            break;
        serial_log_put(s->log, p, n);
        byte_ring_drop(&s->from_guest, n);
        done += n;
    }
    return done;
}

/* ---- Made -------------------------------------------------------------- */

/* The first has the machine's log. */
static bool make_log(struct guest *g, struct guest_serial *s)
{
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        if (g->serial[i])
            return (s->log = serial_log_create());
    return (s->log = g->log);
}

/* Port i exists unless -serial none. */
int guest_serials_create(struct guest *g)
{
    const struct options *o = g->options;
    unsigned count = o->serial_count ? o->serial_count : 1;
    bool is_first = true;

    if (!(g->log = serial_log_create()))
        return -ENOMEM;
    for (unsigned i = 0; i < count; i++) {
        struct guest_serial *s;

        if (o->serial_count && o->serial[i].kind == CHARDEV_NONE)
            continue;
        s = calloc(1, sizeof *s);
        if (!s || !make_log(g, s)) {
            free(s);
            return -ENOMEM;
        }
        s->chr = (struct chardev){ s, serial_write, serial_read,
                                   serial_break };
        s->guest = is_first ? g : NULL;
        is_first = false;
        g->serial[i] = s;
    }
    return 0;
}

void guest_serials_destroy(struct guest *g)
{
    for (unsigned i = 0; i < MACHINE_SERIALS; i++) {
        if (g->serial[i] && g->serial[i]->log != g->log)
            serial_log_destroy(g->serial[i]->log);
        free(g->serial[i]);
    }
    serial_log_destroy(g->log);
}
