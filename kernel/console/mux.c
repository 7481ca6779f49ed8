/* See mux.h. */
#include "kernel/console/mux.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/console/commands_watch.h"
#include "kernel/console/job.h"
#include "kernel/console/monitor.h"
#include "kernel/console/monitor_remote.h"
#include "kernel/console/mux_keys.h"
#include "kernel/guest.h"
#include "kernel/platform.h"

#define CHUNK 256u
/* A guest whose ring was full and untouched at so many looks does not read. */
#define STALL_LOOKS 500u
#define STALL_LOOK_NS 1000000u

static void set_serial(struct mux_console *con, unsigned port)
{
    con->serial = con->guest->serial[port];
    con->serial_index = port;
}

/* Its port on the administrator's line, if it has one there. */
static void find_serial(struct mux_console *con)
{
    const struct options *o = con->guest->options;

    for (unsigned i = 0; i < o->serial_count; i++)
        if (o->serial[i].kind == CHARDEV_STDIO)
            set_serial(con, i);
    if (!o->serial_count)
        set_serial(con, 0);
}

static int init(struct mux *mux, struct chardev *line,
                struct guest *const *guests, unsigned count,
                struct monitor *monitor, uint8_t escape)
{
    memset(mux, 0, sizeof *mux);
    mux->line = line;
    mux->count = count;
    mux->monitor = monitor;
    mux->escape = escape;
    mux->start_ns = platform_now_ns();
    for (unsigned i = 0; i < count; i++) {
        struct mux_console *con = &mux->console[i];

        con->guest = guests[i];
        con->line_start = true;
        con->kept = calloc(1, sizeof *con->kept);
        if (!con->kept)
            return -ENOMEM;
    }
    mux->shown = &mux->console[0];
    mux->in_monitor = monitor;
    return 0;
}

int mux_init(struct mux *mux, struct chardev *line,
             struct guest *const *guests, unsigned count,
             struct monitor *monitor, uint8_t escape)
{
    int r = init(mux, line, guests, count, monitor, escape);

    for (unsigned i = 0; i < count && !r; i++)
        find_serial(&mux->console[i]);
    mux->in_monitor = monitor && !mux->console[0].serial;
    return r;
}

int mux_init_monitor(struct mux *mux, struct chardev *line,
                     struct guest *const *guests, unsigned count,
                     struct monitor *monitor, uint8_t escape)
{
    return init(mux, line, guests, count, monitor, escape);
}

int mux_init_port(struct mux *mux, struct chardev *line,
                  struct guest *const *guest, unsigned port,
                  struct monitor *monitor, uint8_t escape)
{
    int r = init(mux, line, guest, 1, monitor, escape);

    set_serial(&mux->console[0], port);
    mux->in_monitor = false;
    return r;
}

void mux_fini(struct mux *mux)
{
    for (unsigned i = 0; i < mux->count; i++)
        free(mux->console[i].kept);
}

static void capture(struct mux_capture *to, const char *text)
{
    size_t n = strlen(text), room = to->size - to->len - 1;

    n = n < room ? n : room;
    memcpy(to->out + to->len, text, n);
    to->len += n;
    to->out[to->len] = '\0';
}

void mux_print(struct mux *mux, const char *text)
{
    if (mux->capture) {
        capture(mux->capture, text);
        return;
    }
    while (*text) {
        size_t n = strcspn(text, "\n");

        byte_ring_put(&mux->out, (const uint8_t *)text, n);
        text += n;
        if (*text == '\n') {
            byte_ring_put(&mux->out, (const uint8_t *)"\r\n", 2);
            text++;
        }
    }
}

static void put_input(struct mux_console *con, const uint8_t *data,
                      size_t len)
{
    if (con->serial)
        guest_serial_put(con->guest, con->serial_index, data, len);
}

void mux_to_guest(struct mux *mux, uint8_t c)
{
    mux->shown->typed_elsewhere = false;
    put_input(mux->shown, &c, 1);
}

void mux_tee(struct mux *mux, unsigned number,
             void (*tee)(void *ctx, const uint8_t *data, size_t len),
             void *ctx)
{
    mux->console[number - 1].tee = tee;
    mux->console[number - 1].tee_ctx = ctx;
}

void mux_type(struct mux *mux, unsigned number, const uint8_t *data,
              size_t len)
{
    mux->console[number - 1].typed_elsewhere = true;
    put_input(&mux->console[number - 1], data, len);
}

void mux_answer(struct mux *mux, unsigned number, const uint8_t *data,
                size_t len)
{
    if (mux->console[number - 1].typed_elsewhere)
        put_input(&mux->console[number - 1], data, len);
}

struct guest *mux_guest(const struct mux *mux) { return mux->shown->guest; }

bool mux_show(struct mux *mux, unsigned number, bool console)
{
    struct mux_console *con = &mux->console[number - 1];
    char line[160];
    int n;

    if (number < 1 || number > mux->count)
        return false;
    n = snprintf(line, sizeof line, "\n[machine %u: %.32s, %s]\n", number,
                 con->guest->options->name, guest_state_text(con->guest));
    if (con->dropped_output)
        snprintf(line + n, sizeof line - n, "[%llu bytes of its output were "
                 "not kept]\n", (unsigned long long)con->dropped_output);
    con->dropped_output = 0;
    mux->shown = con;
    mux_print(mux, line);
    if (!console || !mux->monitor)
        return true;
    mux->in_monitor = !con->serial;
    monitor_leave(mux->monitor);
    if (mux->in_monitor)
        monitor_enter(mux->monitor);
    return true;
}

/* The guest's ring is full, and has been for so long that nobody reads. */
static bool is_stalled(struct mux *mux, struct mux_console *con)
{
    uint32_t tail = atomic_load(&con->serial->to_guest.tail);
    uint64_t now = platform_now_ns();

    if (tail != con->stall_tail) {
        con->stall_tail = tail;
        con->stall_looks = 0;
        con->stall_seen_ns = now;
    } else if (con->stall_looks < STALL_LOOKS &&
               now - con->stall_seen_ns >= STALL_LOOK_NS) {
        /* Looks, not time: a host that was busy elsewhere proves nothing. */
        con->stall_seen_ns = now;
        if (++con->stall_looks == STALL_LOOKS)
            mux_print(mux, "\n[the guest does not read: input is dropped]\n");
    }
    return con->stall_looks == STALL_LOOKS;
}

/* How much may be taken from the line now. */
static size_t input_room(struct mux *mux)
{
    struct mux_console *con = mux->shown;
    size_t room;

    if (mux->in_monitor || mux->confirm_exit || !con->serial)
        return CHUNK;
    room = byte_ring_room(&con->serial->to_guest);
    if (room)
        return room < CHUNK ? room : CHUNK;
    if (mux->escaped)
        return 1;               /* a key for us, most likely */
    return is_stalled(mux, con) ? CHUNK : 0;
}

bool mux_holds_input(const struct mux *mux)
{
    return !mux->transfer && !mux->in_monitor && mux->shown->serial &&
           !byte_ring_room(&mux->shown->serial->to_guest);
}

static bool poll_transfer_input(struct mux *mux)
{
    struct byte_ring *in = &mux->transfer->in;
    uint8_t buf[CHUNK];
    size_t n = byte_ring_room(in) < sizeof buf ? byte_ring_room(in)
                                               : sizeof buf;

    n = n ? mux->line->read(mux->line->ctx, buf, n) : 0;
    return byte_ring_put(in, buf, n);
}

static bool poll_input(struct mux *mux)
{
    bool moved = false;

    if (mux->transfer)
        return poll_transfer_input(mux);

    /* A ring's worth at most: the line may bring more without an end. */
    for (unsigned k = 0; k < BYTE_RING_SIZE / CHUNK; k++) {
        uint8_t buf[CHUNK];
        size_t want = input_room(mux);
        size_t n = want ? mux->line->read(mux->line->ctx, buf, want) : 0;

        if (!n)
            break;
        watch_tell_crashes(mux);
        for (size_t i = 0; i < n; i++)
            mux_input_byte(mux, buf[i]);
        moved = true;
    }
    return moved;
}

/* ---- Output ------------------------------------------------------------ */

/* To the line if the machine is shown, else to what is kept for later. */
static void emit(struct mux *mux, struct mux_console *con, const uint8_t *p,
                 size_t len)
{
    size_t room;

    if (con == mux->shown && !mux->transfer) {
        byte_ring_put(&mux->out, p, len);
        return;
    }
    room = byte_ring_room(con->kept);
    if (room < len) {
        byte_ring_drop(con->kept, len - room);
        con->dropped_output += len - room;
    }
    byte_ring_put(con->kept, p, len);
}

static void put_timestamp(struct mux *mux, struct mux_console *con)
{
    uint64_t ms = (platform_now_ns() - mux->start_ns) / 1000000;
    char stamp[32];
    int n = snprintf(stamp, sizeof stamp, "[%02u:%02u:%02u.%03u] ",
                     (unsigned)(ms / 3600000), (unsigned)(ms / 60000 % 60),
                     (unsigned)(ms / 1000 % 60), (unsigned)(ms % 1000));

    emit(mux, con, (const uint8_t *)stamp, n);
}

/* A byte may become a timestamp and itself: leave room for all of them. */
static bool has_out_room(const struct mux *mux)
{
    return byte_ring_room(&mux->out) > CHUNK * 32;
}

static bool move_kept(struct mux *mux)
{
    bool moved = false;

    while (byte_ring_used(mux->shown->kept) && has_out_room(mux)) {
        uint8_t buf[CHUNK];
        size_t n = byte_ring_get(mux->shown->kept, buf, sizeof buf);

        byte_ring_put(&mux->out, buf, n);
        moved = true;
    }
    return moved;
}

static bool move_output(struct mux *mux, struct mux_console *con)
{
    uint8_t buf[CHUNK];
    size_t n = guest_serial_take(con->serial, buf, sizeof buf);

    if (con->tee && n)
        con->tee(con->tee_ctx, buf, n);
    if (!mux->timestamps) {
        emit(mux, con, buf, n);
        return n;
    }
    for (size_t i = 0; i < n; i++) {
        if (con->line_start)
            put_timestamp(mux, con);
        con->line_start = buf[i] == '\n';
        emit(mux, con, &buf[i], 1);
    }
    return n;
}

/* Nothing may stand between the lines of the monitor's long output. */
static bool prints(const struct mux *mux)
{
    return mux->monitor && mux->monitor->output.next;
}

static bool poll_guest_output(struct mux *mux)
{
    bool moved = !prints(mux) && !mux->transfer && move_kept(mux);

    for (unsigned i = 0; i < mux->count; i++) {
        struct mux_console *con = &mux->console[i];

        if (!con->serial)
            continue;
        /* A ring's worth at most: the guest may fill it while we read. */
        for (unsigned k = 0; k < BYTE_RING_SIZE / CHUNK; k++) {
            if ((con == mux->shown && !mux->transfer &&
                 (byte_ring_used(con->kept) || !has_out_room(mux) ||
                  prints(mux))) ||
                !move_output(mux, con))
                break;
            moved = true;
        }
    }
    return moved;
}

/*
 * Offer what waits to the line, `most` bytes of it; a partial take keeps its
 * place. How many it took.
 */
static size_t flush_ring(struct mux *mux, struct byte_ring *out, size_t most)
{
    size_t done = 0;

    while (done < most) {
        const uint8_t *p;
        size_t n = byte_ring_peek(out, &p);

        if (n > most - done)
            n = most - done;
        n = n ? mux->line->write(mux->line->ctx, p, n) : 0;
        if (!n)
            break;
        byte_ring_drop(out, n);
        done += n;
    }
    return done;
}

static bool flush_out(struct mux *mux)
{
    size_t n;

    if (!mux->transfer)
        return flush_ring(mux, &mux->out, SIZE_MAX);
    if (!mux->before_transfer)
        return flush_ring(mux, &mux->transfer->out, SIZE_MAX);
    n = flush_ring(mux, &mux->out, mux->before_transfer);
    mux->before_transfer -= n;
    return n;
}

bool mux_begin_transfer(struct mux *mux, struct mux_transfer *t)
{
    if (mux->transfer || mux->is_screen)
        return false;
    mux->transfer = t;
    mux->before_transfer = byte_ring_used(&mux->out);
    return true;
}

void mux_end_transfer(struct mux *mux)
{
    struct byte_ring *out = &mux->transfer->out;
    uint8_t buf[CHUNK];
    size_t n;

    /* The line may be slower than whoever ends it. */
    flush_out(mux);
    while ((n = byte_ring_get(out, buf, sizeof buf)))
        byte_ring_put(&mux->out, buf, n);
    mux->transfer = NULL;
}

static bool monitor_has_room(struct mux *mux) { return has_out_room(mux); }

bool mux_poll(struct mux *mux)
{
    bool moved = poll_input(mux);

    if (mux->monitor) {
        moved |= monitor_wake(mux->monitor);
        moved |= monitor_output(mux->monitor, monitor_has_room);
        moved |= job_poll(mux->monitor);
    }
    moved |= poll_guest_output(mux);
    return flush_out(mux) || moved;
}

bool mux_output_waits(const struct mux *mux)
{
    return byte_ring_used(&mux->out) || byte_ring_used(mux->shown->kept);
}

void mux_broke(struct mux *mux)
{
    if (!mux->in_monitor && !mux->transfer && mux->shown->serial)
        guest_break(mux->shown->guest, mux->shown->serial_index);
}

void mux_opened(struct mux *mux)
{
    mux->escaped = mux->confirm_exit = false;
    if (!mux->in_monitor)
        return;
    mux->monitor->greeted = false;
    monitor_enter(mux->monitor);
}

void mux_closed(struct mux *mux)
{
    mux->escaped = mux->confirm_exit = false;
    if (!mux->monitor)
        return;
    monitor_leave(mux->monitor);
    monitor_give_up(mux->monitor);
}

bool mux_wants_end(const struct mux *mux)
{
    return mux->exit_requested || (mux->monitor && mux->monitor->quit);
}
