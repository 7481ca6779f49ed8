/* See gdbstub.h: gdb_session.h over transport.h, for a guest. */
#include "kernel/debug/gdbstub.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/cpu.h"
#include "kernel/chardev/backend.h"
#include "kernel/debug/gdb_device.h"
#include "kernel/debug/gdb_session.h"
#include "kernel/guest.h"
#include "kernel/guest_gdb.h"
#include "kernel/net/service.h"
#include "kernel/platform.h"

#define READ_BYTES 1024u
#define INTERRUPT 3u             /* gdb's Ctrl-C */

struct gdbstub {
    struct guest *guest;
    struct listener *listener;
    struct stream *client;      /* NULL: nobody is there */
    struct backend *line;       /* in the listener's place; or NULL */
    bool is_socket;             /* and not a wire, which damages some */
    bool on_line;               /* somebody is at the line */
    uint64_t line_ns;           /* when it wants its turn */
    unsigned refused;           /* clients beside the one */
    /* Packets and writes of registers, of clients that have gone. */
    uint64_t damaged, refused_writes;
    struct gdb_session session;
    /* What of its bytes was not taken yet. */
    uint8_t in[READ_BYTES];
    size_t in_len;
};

static gdbstub_monitor *run_monitor;
static struct monitor *the_monitor;

void gdbstub_set_monitor(gdbstub_monitor *run, struct monitor *mon)
{
    run_monitor = run;
    the_monitor = mon;
}

static void say(const struct gdbstub *b, const char *text, const char *what)
{
    platform_log("%s: gdb: %s%s", b->guest->options->name, text, what);
}

/* ---- The guest as a session's target ----------------------------------- */

static struct guest *guest_of(void *ctx)
{
    return ((struct gdbstub *)ctx)->guest;
}

static bool target_is_64bit(void *ctx)
{
    return cpu_model_is_64bit(machine_cpu(guest_of(ctx)->machine)->model);
}

static int target_cpu(void *ctx, bool change,
                      void (*fn)(struct cpu *c, void *arg), void *arg)
{
    return guest_gdb_cpu(guest_of(ctx), change, fn, arg);
}

static int target_memory(void *ctx, uint64_t addr, void *buf, size_t len,
                         bool write)
{
    return guest_gdb_memory(guest_of(ctx), addr, buf, len, write);
}

static int target_place(void *ctx, enum cpu_stop_kind kind, uint64_t addr,
                        uint64_t len, bool insert)
{
    return guest_gdb_place(guest_of(ctx), kind, addr, len, insert);
}

static int target_run(void *ctx, bool step)
{
    return guest_gdb_run(guest_of(ctx), step);
}

static int target_halt(void *ctx)
{
    return guest_stop(guest_of(ctx)) ? 0 : -EBUSY;
}

static enum gdb_state target_state(void *ctx, struct cpu_stops *stops)
{
    struct guest *g = guest_of(ctx);

    if (guest_gdb_has_stopped(g, stops))
        return GDB_STOPPED;
    if (g->state != GUEST_ON)
        return GDB_ENDED;
    return guest_is_stopped(g) ? GDB_PAUSED : GDB_RUNS;
}

static void target_monitor(void *ctx, char *line, char *out, size_t size)
{
    if (run_monitor)
        run_monitor(the_monitor, guest_of(ctx)->number, line, out, size);
    else
        snprintf(out, size, "there is no monitor\n");
}

static void target_detach(void *ctx)
{
    struct guest *g = guest_of(ctx);

    if (guest_gdb_clear(g) || guest_gdb_run(g, false))
        say(ctx, "the machine did not go on: ", guest_state_text(g));
}

static void target_kill(void *ctx)
{
    say(ctx, "the client ends the machine", "");
    guest_gdb_kill(guest_of(ctx));
}

static const struct gdb_target target = {
    .is_64bit = target_is_64bit, .cpu = target_cpu, .memory = target_memory,
    .place = target_place, .run = target_run, .halt = target_halt,
    .state = target_state, .monitor = target_monitor,
    .detach = target_detach, .kill = target_kill,
};

/* ---- The client -------------------------------------------------------- */

static bool has_client(const struct gdbstub *b)
{
    return b->client || b->on_line;
}

/* It goes; the machine goes on, unless it was let go already. */
static void drop(struct gdbstub *b, const char *why, bool reset)
{
    if (!has_client(b))
        return;
    if (b->client)
        stream_close(b->client, reset);
    b->client = NULL;
    b->on_line = false;
    b->in_len = 0;              /* who comes next says nothing of that */
    b->damaged += b->session.bad_packets;
    b->refused_writes += b->session.refused_writes;
    say(b, "the client has gone", why);
    if (!b->session.over)
        target_detach(b);
}

static void flush(struct gdbstub *b)
{
    struct gdb_session *s = &b->session;
    ssize_t n = 0;

    if (b->client && s->out_len)
        n = stream_write(b->client, s->out, s->out_len);
    else if (b->on_line && s->out_len)
        n = (ssize_t)b->line->chr.write(b->line->chr.ctx,
                                        (const uint8_t *)s->out, s->out_len);
    if (n < 0)
        drop(b, ": the connection failed", true);
    else
        gdb_session_sent(s, (size_t)n);
    if (has_client(b) && s->over && !s->out_len)
        drop(b, "", false);
}

/* Commands are taken while nothing waits to be sent. */
static void take_input(struct gdbstub *b)
{
    size_t n;

    do {
        n = gdb_session_input(&b->session, b->in, b->in_len);
        b->in_len -= n;
        memmove(b->in, b->in + n, b->in_len);
        flush(b);
    } while (has_client(b) && n && b->in_len);
    if (b->client)
        stream_pause(b->client, b->session.out_len > 0);
}

static void on_readable(void *ctx)
{
    struct gdbstub *b = ctx;
    ssize_t n;

    if (b->in_len == sizeof b->in)
        return;                 /* paused */
    n = stream_read(b->client, b->in + b->in_len, sizeof b->in - b->in_len);
    if (n < 0 && n != -EPIPE) {
        drop(b, ": the connection failed", true);
        return;
    }
    if (n == -EPIPE) {
        drop(b, "", false);
        return;
    }
    b->in_len += (size_t)n;
    take_input(b);
}

static void on_writable(void *ctx)
{
    struct gdbstub *b = ctx;

    flush(b);
    if (b->client)
        take_input(b);
}

static void on_failed(void *ctx, int error)
{
    drop(ctx, ": the connection failed", true);
}

static const struct stream_events events = {
    .readable = on_readable, .writable = on_writable, .failed = on_failed,
};

static void on_accepted(void *ctx, struct stream *s, struct endpoint from)
{
    struct gdbstub *b = ctx;
    char text[ENDPOINT_TEXT];

    endpoint_text(from, text);
    if (b->client || !guest_stop(b->guest)) {
        b->refused++;
        stream_close(s, true);
        say(b, b->client ? "one client at a time: refused "
                         : "the machine cannot be stopped: refused ", text);
        return;
    }
    b->client = s;
    b->in_len = 0;
    gdb_session_init(&b->session, &target, b, true);
    stream_set_events(s, &events, b);
    stream_keepalive(s);
    say(b, "the machine stops for ", text);
}

/* ---- A line ------------------------------------------------------------ */

static void line_closed(void *ctx)
{
    drop(ctx, ": the other end has gone", false);
}

static const struct backend_events line_events = { .closed = line_closed };

/* A line does not say that somebody came: the first packet does. */
static void begin_on_line(struct gdbstub *b)
{
    size_t at = 0;

    while (at < b->in_len && b->in[at] != '$' && b->in[at] != INTERRUPT)
        at++;
    b->in_len -= at;
    memmove(b->in, b->in + at, b->in_len);
    if (!b->in_len)
        return;
    if (!guest_stop(b->guest)) {
        b->refused++;
        b->in_len = 0;
        return;
    }
    b->on_line = true;
    gdb_session_init(&b->session, &target, b, b->is_socket);
    say(b, "the machine stops for who is at ", b->line->name);
}

static bool poll_line(struct gdbstub *b)
{
    struct chardev *chr = &b->line->chr;
    size_t room = b->on_line && b->session.out_len ? 0
                      : sizeof b->in - b->in_len;
    size_t n = room ? chr->read(chr->ctx, b->in + b->in_len, room) : 0;

    b->in_len += n;
    if (n && !b->on_line)
        begin_on_line(b);
    if (b->on_line)
        take_input(b);
    backend_want(b->line, !b->on_line || !b->session.out_len,
                 b->on_line && b->session.out_len);
    b->line_ns = backend_poll(b->line, platform_now_ns());
    return n;
}

static int open_line(struct gdbstub *b, const struct chardev_option *o,
                     char *why, size_t size)
{
    char at[BACKEND_TEXT];
    int r = backend_open(o, "gdb", &line_events, b, &b->line, why, size);

    if (r)
        return r;
    b->is_socket = o->kind == CHARDEV_UNIX;
    backend_describe(b->line, at, sizeof at);
    say(b, "waits at ", at);
    return 0;
}

/* ---- Listening --------------------------------------------------------- */

static int listen_at(struct gdbstub *b, const char *device, char *why,
                     size_t size)
{
    char host[GDB_DEVICE_TEXT], text[ENDPOINT_TEXT];
    struct endpoint local = { .port = 0 };
    struct chardev_option line;
    unsigned port;
    int r;

    if (gdb_device_is_line(device, &line))
        return open_line(b, &line, why, size);
    if (!gdb_device_parse(device, host, &port)) {
        snprintf(why, size, "use tcp:[HOST]:PORT or none, or a serial line, "
                 "not '%.40s'", device);
        return -EINVAL;
    }
    r = service_resolve(host, &local.addr, why, size);
    if (r)
        return r;
    local.port = (uint16_t)port;
    r = listener_open(local, on_accepted, b, &b->listener);
    if (r) {
        snprintf(why, size, "cannot listen on %.40s: %s", device, strerror(-r));
        return r;
    }
    endpoint_text(listener_local(b->listener), text);
    say(b, "listening on ", text);
    return 0;
}

int gdbstub_open(struct guest *g, const char *device, char *why, size_t size)
{
    struct gdbstub *b;
    int r;

    gdbstub_close(g);
    if (!strcmp(device, "none"))
        return 0;
    b = calloc(1, sizeof *b);
    if (!b) {
        snprintf(why, size, "out of memory");
        return -ENOMEM;
    }
    b->guest = g;
    r = listen_at(b, device, why, size);
    if (r)
        free(b);
    else
        g->gdb = b;
    return r;
}

void gdbstub_close(struct guest *g)
{
    struct gdbstub *b = g->gdb;

    if (!b)
        return;
    g->gdb = NULL;
    drop(b, ": it was sent away", false);
    if (b->listener)
        listener_close(b->listener);
    backend_close(b->line);
    free(b);
}

void gdbstub_text(const struct guest *g, char *out, size_t size)
{
    const struct gdbstub *b = g->gdb;
    char text[ENDPOINT_TEXT] = "", where[BACKEND_TEXT] = "";
    uint64_t damaged, writes;

    if (!b) {
        snprintf(out, size, "none");
        return;
    }
    if (b->line)
        backend_describe(b->line, where, sizeof where);
    else
        endpoint_text(listener_local(b->listener), text);
    damaged = b->damaged + (has_client(b) ? b->session.bad_packets : 0);
    writes = b->refused_writes +
             (has_client(b) ? b->session.refused_writes : 0);
    snprintf(out, size, "%s%.60s, %s; refused clients=%u, damaged packets="
             "%llu, refused register writes=%llu", b->line ? "" : "tcp:",
             b->line ? where : text,
             has_client(b) ? "a client is there" : "nobody is there",
             b->refused, (unsigned long long)damaged,
             (unsigned long long)writes);
}

bool gdbstub_poll(struct guest *const *guests, unsigned count)
{
    bool any = false;

    for (unsigned i = 0; i < count; i++)
        any |= guests[i]->gdb != NULL;
    if (!any)
        return false;
    /* Without a -net, nobody else would. */
    any = transport_poll();
    for (unsigned i = 0; i < count; i++) {
        struct gdbstub *b = guests[i]->gdb;

        if (b && b->line)
            any |= poll_line(b);
        if (!b || !has_client(b))
            continue;
        gdb_session_poll(&b->session);
        flush(b);
    }
    return any;
}

uint64_t gdbstub_deadline(struct guest *const *guests, unsigned count)
{
    uint64_t at = UINT64_MAX;

    for (unsigned i = 0; i < count; i++) {
        const struct gdbstub *b = guests[i]->gdb;

        if (b && b->line && b->line_ns < at)
            at = b->line_ns;
    }
    return at;
}
