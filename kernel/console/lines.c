/* See lines.h. */
#include "kernel/console/lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/chardev/backend.h"
#include "kernel/config.h"
#include "kernel/console/monitor.h"
#include "kernel/console/mux.h"
#include "kernel/guest.h"
#include "kernel/net/transport.h"
#include "kernel/platform.h"

#define CHUNK 1024u
/* A back end that cannot tell when it has room is asked so often. */
#define RETRY_NS 2000000u
/* A break of a real line lasts longer: what comes sooner belongs to it. */
#define BREAK_NS 10000000u

struct line {
    const struct chardev_option *option;
    struct backend *backend;
    struct guest *guest;        /* whose port; NULL: it is a monitor's */
    unsigned port;
    /* Of a monitor's, and of mon:. */
    struct mux *mux;
    struct monitor *monitor;
    bool waits;                 /* output found no room */
    bool holds;                 /* input has none at the guest */
    uint64_t broke_ns;          /* when its last break was passed on */
    uint64_t due_ns;            /* the back end wants its turn */
};

static struct line line[OPTIONS_MACHINES * MACHINE_SERIALS + OPTIONS_MONITORS];
static unsigned count;

/* ---- What a back end tells --------------------------------------------- */

static void on_broke(void *ctx)
{
    struct line *l = ctx;
    uint64_t now = platform_now_ns();

    if (l->broke_ns && now - l->broke_ns < BREAK_NS)
        return;
    l->broke_ns = now;
    if (l->mux)
        mux_broke(l->mux);
    else
        guest_break(l->guest, l->port);
}

static void on_opened(void *ctx)
{
    struct line *l = ctx;

    if (l->mux)
        mux_opened(l->mux);
}

static void on_closed(void *ctx)
{
    struct line *l = ctx;

    if (l->mux)
        mux_closed(l->mux);
}

static const struct backend_events events = {
    .broke = on_broke, .opened = on_opened, .closed = on_closed,
};

/* ---- Bytes ------------------------------------------------------------- */

/* What the far end sends waits there while the guest's ring is full. */
static size_t input_room(const struct line *l)
{
    const struct guest_serial *s = l->guest->serial[l->port];

    /* It is dropped then. */
    if (!guest_serial_armed(l->guest, l->port))
        return CHUNK;
    return byte_ring_room(&s->to_guest);
}

static bool poll_input(struct line *l)
{
    struct chardev *chr = &l->backend->chr;
    bool moved = false;

    /* A ring's worth at most: the far end may have more without an end. */
    for (unsigned k = 0; k < BYTE_RING_SIZE / CHUNK; k++) {
        uint8_t buf[CHUNK];
        size_t room = input_room(l), n;

        n = room ? chr->read(chr->ctx, buf, room < CHUNK ? room : CHUNK) : 0;
        if (!n)
            break;
        guest_serial_put(l->guest, l->port, buf, n);
        moved = true;
    }
    return moved;
}

static void pass_break(struct guest_serial *s, struct chardev *chr)
{
    if (chr->send_break && !byte_ring_used(&s->from_guest) &&
        atomic_exchange(&s->broke, false))
        chr->send_break(chr->ctx);
}

static bool poll_port(struct line *l)
{
    struct guest_serial *s = l->guest->serial[l->port];
    bool moved = poll_input(l);

    moved |= guest_serial_offer(s, &l->backend->chr) > 0;
    pass_break(s, &l->backend->chr);
    l->waits = byte_ring_used(&s->from_guest);
    l->holds = !input_room(l);
    backend_want(l->backend, !l->holds, l->waits);
    return moved;
}

static bool poll_mux(struct line *l)
{
    bool moved = mux_poll(l->mux);

    if (l->mux->shown->serial)
        pass_break(l->mux->shown->serial, &l->backend->chr);
    l->waits = byte_ring_used(&l->mux->out);
    l->holds = mux_holds_input(l->mux);
    backend_want(l->backend, !l->holds, l->waits);
    return moved;
}

bool lines_poll(void)
{
    bool moved = false, transport = false;

    for (unsigned i = 0; i < count; i++)
        transport |= line[i].backend->uses_transport;
    if (transport)              /* without a -net, nobody else would */
        moved = transport_poll();
    for (unsigned i = 0; i < count; i++) {
        struct line *l = &line[i];

        moved |= l->mux ? poll_mux(l) : poll_port(l);
        /* After what may have begun a break, or lost the peer. */
        l->due_ns = backend_poll(l->backend, platform_now_ns());
    }
    return moved;
}

uint64_t lines_deadline(void)
{
    uint64_t at = UINT64_MAX, retry = UINT64_MAX;

    for (unsigned i = 0; i < count; i++) {
        const struct line *l = &line[i];

        if (l->due_ns < at)
            at = l->due_ns;
        if (retry == UINT64_MAX &&
            (l->holds || (l->waits && !l->backend->ops->want)))
            retry = platform_now_ns() + RETRY_NS;
    }
    return at < retry ? at : retry;
}

bool lines_output_waits(void)
{
    for (unsigned i = 0; i < count; i++)
        if (line[i].waits)
            return true;
    return false;
}

bool lines_hold(const struct guest *g)
{
    for (unsigned i = 0; i < count; i++)
        if ((!line[i].guest || line[i].guest == g) &&
            !backend_is_ready(line[i].backend))
            return true;
    return false;
}

bool lines_want_end(void)
{
    for (unsigned i = 0; i < count; i++)
        if (line[i].mux && mux_wants_end(line[i].mux))
            return true;
    return false;
}

/* ---- Made -------------------------------------------------------------- */

/* Who comes there is greeted then. */
static bool tells_opened(const struct chardev_option *o)
{
    return o->kind == CHARDEV_TCP || o->kind == CHARDEV_UNIX ||
           o->kind == CHARDEV_PTY;
}

static int make_mux(struct line *l, struct guest *const *guests,
                    unsigned guest_count, struct config *config)
{
    uint8_t escape = guests[0]->options->escape;
    int r = -ENOMEM;

    l->mux = calloc(1, sizeof *l->mux);
    l->monitor = calloc(1, sizeof *l->monitor);
    if (!l->mux || !l->monitor)
        return r;
    r = l->guest ? mux_init_port(l->mux, &l->backend->chr, &guests[0], l->port,
                                 l->monitor, escape)
                 : mux_init_monitor(l->mux, &l->backend->chr, guests,
                                    guest_count, l->monitor, escape);
    l->mux->ask_before_exit = platform_exit_is_poweroff;
    monitor_init(l->monitor, l->mux);
    l->monitor->config = config;
    if (!l->guest && !tells_opened(l->option))
        monitor_enter(l->monitor);
    return r;
}

/* `guests`: those that its monitor, if it has one, is for. */
static int open_line(struct line *l, const char *option,
                     struct guest *const *guests, unsigned guest_count,
                     struct config *config, char *why, size_t size)
{
    char name[BACKEND_NAME], reason[200], at[BACKEND_TEXT];
    int r;

    if (l->guest && config->count > 1)
        snprintf(name, sizeof name, "%.28s/%s", l->guest->options->name,
                 l->option->id);
    else
        snprintf(name, sizeof name, "%s", l->option->id);
    r = backend_open(l->option, name, &events, l, &l->backend, reason,
                     sizeof reason);
    if (r) {
        snprintf(why, size, "%s (%s): %s", option, name, reason);
        return r;
    }
    count++;
    if ((!l->guest || l->option->mux) &&
        (r = make_mux(l, guests, guest_count, config))) {
        snprintf(why, size, "%s (%s): out of memory", option, name);
        return r;
    }
    backend_describe(l->backend, at, sizeof at);
    if (l->option->kind == CHARDEV_PTY)
        platform_log("char device redirected to %s (label %s)",
                     at + sizeof "pty:" - 1, name);
    else if (l->option->kind != CHARDEV_NULL)
        platform_log("%s: at %s", name, at);
    if (!backend_is_ready(l->backend))
        platform_log("%s: waiting for a connection; wait=off would not",
                     name);
    return 0;
}

static bool needs_backend(const struct chardev_option *o)
{
    return o->kind != CHARDEV_NONE && o->kind != CHARDEV_STDIO;
}

/* A monitor is on the local screen in any case, and nobody reads null's. */
static bool needs_monitor(const struct chardev_option *o)
{
    return needs_backend(o) && o->kind != CHARDEV_VC &&
           o->kind != CHARDEV_NULL;
}

static int open_ports(struct guest *const *guest, struct config *config,
                      char *why, size_t size)
{
    const struct options *o = (*guest)->options;
    int r = 0;

    for (unsigned i = 0; i < o->serial_count && !r; i++) {
        struct line *l = &line[count];

        if (!needs_backend(&o->serial[i]))
            continue;
        *l = (struct line){ .option = &o->serial[i], .guest = *guest,
                            .port = i, .due_ns = UINT64_MAX };
        r = open_line(l, "-serial", guest, 1, config, why, size);
    }
    return r;
}

int lines_open(struct guest *const *guests, unsigned guest_count,
               struct config *config, char *why, size_t size)
{
    const struct options *o = guests[0]->options;
    int r = 0;

    count = 0;
    for (unsigned i = 0; i < guest_count && !r; i++)
        r = open_ports(&guests[i], config, why, size);
    for (unsigned i = 0; i < o->monitor_count && !r; i++) {
        struct line *l = &line[count];

        if (!needs_monitor(&o->monitor[i]))
            continue;
        *l = (struct line){ .option = &o->monitor[i], .due_ns = UINT64_MAX };
        r = open_line(l, "-monitor", guests, guest_count, config, why, size);
    }
    if (r)
        lines_close();
    return r;
}

void lines_close(void)
{
    while (count) {
        struct line *l = &line[--count];

        if (l->mux)
            mux_fini(l->mux);
        backend_close(l->backend);
        free(l->mux);
        free(l->monitor);
        *l = (struct line){ 0 };
    }
}

void lines_set_local(struct local *local)
{
    for (unsigned i = 0; i < count; i++)
        if (line[i].monitor)
            line[i].monitor->local = local;
}

/* ---- Who is where ------------------------------------------------------ */

static struct line *find_port(const struct guest *g, unsigned serial)
{
    for (unsigned i = 0; i < count; i++)
        if (line[i].guest == g && line[i].port == serial)
            return &line[i];
    return NULL;
}

struct backend *lines_port(const struct guest *g, unsigned serial)
{
    struct line *l = find_port(g, serial);

    return l ? l->backend : NULL;
}

bool lines_is_mux(const struct guest *g, unsigned serial)
{
    struct line *l = find_port(g, serial);

    return l && l->mux;
}

struct backend *lines_monitor(unsigned i, const char **id)
{
    for (unsigned k = 0; k < count; k++)
        if (!line[k].guest && !i--) {
            *id = line[k].option->id;
            return line[k].backend;
        }
    return NULL;
}
