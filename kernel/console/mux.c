/* See mux.h. */
#include "kernel/console/mux.h"

#include <stdio.h>
#include <string.h>

#include "kernel/console/monitor.h"
#include "kernel/guest.h"
#include "kernel/platform.h"

#define CHUNK 256u

void mux_init(struct mux *mux, struct chardev *line, struct guest *guest,
              struct monitor *monitor, uint8_t escape)
{
    memset(mux, 0, sizeof *mux);
    mux->line = line;
    mux->guest = guest;
    mux->monitor = monitor;
    mux->escape = escape;
    mux->line_start = true;
    mux->start_ns = platform_now_ns();
    for (unsigned i = 0; i < MACHINE_SERIALS && !mux->serial; i++)
        if (guest->serial[i] && !guest->serial[i]->discard) {
            mux->serial = guest->serial[i];
            mux->serial_index = i;
        }
    mux->in_monitor = monitor && !mux->serial;
}

void mux_print(struct mux *mux, const char *text)
{
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

static void print_help(struct mux *mux)
{
    char key[16], line[256];

    if (mux->escape <= 26)
        snprintf(key, sizeof key, "C-%c", 'a' + mux->escape - 1);
    else
        snprintf(key, sizeof key, "0x%02x", mux->escape);
    snprintf(line, sizeof line, "\n%s h    print this help\n", key);
    mux_print(mux, line);
    snprintf(line, sizeof line, "%s x    %s\n", key,
             mux->ask_before_exit ? "power off (asks y/n)" : "exit Trestle");
    mux_print(mux, line);
    snprintf(line, sizeof line,
             "%s t    toggle console timestamps\n"
             "%s b    send break\n%s c    switch between console and monitor\n"
             "%s %s  send %s\n", key, key, key, key, key, key);
    mux_print(mux, line);
}

static void request_exit(struct mux *mux)
{
    if (!mux->ask_before_exit) {
        mux->exit_requested = true;
        return;
    }
    mux->confirm_exit = true;
    mux_print(mux, "\nPower off? What runs in the guest is cut off. (y/n) ");
}

static void to_guest(struct mux *mux, uint8_t c)
{
    if (!mux->serial)
        return;
    if (!machine_serial_armed(mux->guest->machine, mux->serial_index)) {
        mux->dropped_unarmed++;
        return;
    }
    byte_ring_put(&mux->serial->to_guest, &c, 1);
}

static void switch_focus(struct mux *mux)
{
    if (!mux->monitor || !mux->serial)
        return;
    mux->in_monitor = !mux->in_monitor;
    if (mux->in_monitor)
        monitor_enter(mux->monitor);
    else
        mux_print(mux, "\n");
}

static void escape_key(struct mux *mux, uint8_t c)
{
    char line[80];

    mux->escaped = false;
    if (c == mux->escape) {
        if (!mux->in_monitor)
            to_guest(mux, c);
        return;
    }
    switch (c) {
    case 'h':
    case '?':
        print_help(mux);
        break;
    case 'x':
        request_exit(mux);
        break;
    case 'c':
        switch_focus(mux);
        break;
    case 't':
        mux->timestamps = !mux->timestamps;
        mux->line_start = true;
        break;
    case 'b':
        if (mux->serial)
            machine_serial_break(mux->guest->machine, mux->serial_index);
        break;
    default:
        snprintf(line, sizeof line, "\n[no such key after the escape key: "
                 "0x%02x; h lists them]\n", c);
        mux_print(mux, line);
    }
}

static void confirm_key(struct mux *mux, uint8_t c)
{
    mux->confirm_exit = false;
    mux->exit_requested = c == 'y' || c == 'Y';
    mux_print(mux, mux->exit_requested ? "y\n" : "n\n");
}

static void input_byte(struct mux *mux, uint8_t c)
{
    if (mux->confirm_exit)
        confirm_key(mux, c);
    else if (mux->escaped)
        escape_key(mux, c);
    else if (c == mux->escape)
        mux->escaped = true;
    else if (mux->in_monitor)
        monitor_input(mux->monitor, c);
    else
        to_guest(mux, c);
}

static bool poll_input(struct mux *mux)
{
    bool moved = false;

    for (;;) {
        uint8_t buf[CHUNK];
        size_t want = sizeof buf, n;

        /* What the guest has no room for stays with the line. */
        if (mux->serial && !mux->in_monitor &&
            byte_ring_room(&mux->serial->to_guest) < want)
            want = byte_ring_room(&mux->serial->to_guest);
        if (!want)
            return moved;
        n = mux->line->read(mux->line->ctx, buf, want);
        if (!n)
            return moved;
        for (size_t i = 0; i < n; i++)
            input_byte(mux, buf[i]);
        moved = true;
    }
}

static void put_timestamp(struct mux *mux)
{
    uint64_t ms = (platform_now_ns() - mux->start_ns) / 1000000;
    char stamp[32];
    int n = snprintf(stamp, sizeof stamp, "[%02u:%02u:%02u.%03u] ",
                     (unsigned)(ms / 3600000), (unsigned)(ms / 60000 % 60),
                     (unsigned)(ms / 1000 % 60), (unsigned)(ms % 1000));

    byte_ring_put(&mux->out, (const uint8_t *)stamp, n);
}

static bool poll_guest_output(struct mux *mux)
{
    bool moved = false;

    if (!mux->serial)
        return false;
    /* A byte may become a timestamp and itself: leave room for all of them. */
    while (byte_ring_room(&mux->out) > CHUNK * 32) {
        uint8_t buf[CHUNK];
        size_t n = byte_ring_get(&mux->serial->from_guest, buf, sizeof buf);

        if (!n)
            break;
        moved = true;
        if (!mux->timestamps) {
            byte_ring_put(&mux->out, buf, n);
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            if (mux->line_start)
                put_timestamp(mux);
            mux->line_start = buf[i] == '\n';
            byte_ring_put(&mux->out, &buf[i], 1);
        }
    }
    return moved;
}

/* Offer what waits to the line; a partial take keeps its place. */
static bool flush_out(struct mux *mux)
{
    bool moved = false;

    for (;;) {
        uint32_t tail = mux->out.tail % BYTE_RING_SIZE;
        size_t used = byte_ring_used(&mux->out), n;

        if (!used)
            return moved;
        if (used > BYTE_RING_SIZE - tail)
            used = BYTE_RING_SIZE - tail;
        n = mux->line->write(mux->line->ctx, mux->out.data + tail, used);
        if (!n)
            return moved;
        mux->out.tail += n;
        moved = true;
    }
}

bool mux_poll(struct mux *mux)
{
    bool moved = poll_input(mux);

    moved |= poll_guest_output(mux);
    return flush_out(mux) || moved;
}
