/* See serial_receiver.h. */
#include "kernel/console/serial_receiver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/console/mux.h"
#include "kernel/platform.h"
#include "kernel/receive/modem.h"

#define LOOK_NS UINT64_C(1000000)

struct serial_receiver {
    struct receiver receiver;   /* first */
    struct mux *mux;
    struct mux_transfer transfer;
    struct modem_line line;
    struct modem modem;
};

/* In the task, from here on. */
static ssize_t line_read(void *ctx, uint8_t *buf, size_t size,
                         uint64_t deadline)
{
    struct serial_receiver *s = ctx;
    size_t n;

    while (!(n = byte_ring_get(&s->transfer.in, buf, size))) {
        uint64_t now = platform_now_ns();

        if (s->receiver.is_cancelled &&
            s->receiver.is_cancelled(s->receiver.ctx))
            return -ECANCELED;
        if (now >= deadline)
            break;
        platform_task_wait(deadline < now + LOOK_NS ? deadline
                                                    : now + LOOK_NS);
    }
    return (ssize_t)n;
}

/* Few bytes, and the ring is long. */
static void line_write(void *ctx, const uint8_t *data, size_t len)
{
    struct serial_receiver *s = ctx;

    byte_ring_put(&s->transfer.out, data, len);
    platform_wake();
}

static ssize_t serial_read(struct receiver *r, void *buf, size_t size)
{
    struct serial_receiver *s = (struct serial_receiver *)r;
    ssize_t n = modem_read(&s->modem, buf, size);

    r->size = s->modem.size == UINT64_MAX ? RECEIVER_UNKNOWN : s->modem.size;
    if (n < 0)
        snprintf(r->why, sizeof r->why, "%s", s->modem.why);
    return n;
}

static void serial_close(struct receiver *r)
{
    struct serial_receiver *s = (struct serial_receiver *)r;

    modem_close(&s->modem);
    mux_end_transfer(s->mux);
    free(s);
}

int serial_receiver_open(struct mux *mux, bool is_ymodem,
                         struct receiver **out)
{
    struct serial_receiver *s = calloc(1, sizeof *s);

    if (!s)
        return -ENOMEM;
    if (!mux_begin_transfer(mux, &s->transfer)) {
        free(s);
        return -EBUSY;
    }
    s->receiver = (struct receiver){ .read = serial_read,
                                     .close = serial_close,
                                     .size = RECEIVER_UNKNOWN };
    s->mux = mux;
    s->line = (struct modem_line){ line_read, line_write, s };
    modem_init(&s->modem, &s->line, is_ymodem);
    *out = &s->receiver;
    return 0;
}
