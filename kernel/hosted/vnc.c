/* See vnc.h. */
#include "kernel/hosted/vnc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/console/local.h"
#include "kernel/guest.h"
#include "kernel/hosted/console.h"
#include "kernel/hosted/sockets.h"
#include "kernel/hosted/vnc_client.h"
#include "kernel/hosted/vnc_keys.h"
#include "kernel/hosted/vnc_screen.h"
#include "kernel/options.h"
#include "kernel/platform.h"
#include "kernel/screen/canvas.h"

#define BACKLOG 8
#define ACCEPTS_AT_ONCE 8u
#define EVENTS_AT_ONCE 64u
/* A terminal's surface: 80 columns, 30 rows. */
#define WIDTH 640u
#define HEIGHT 480u
#define ADDRESS 80u             /* "127.0.0.1:5901 (ipv4)" */

struct served {
    struct vnc_client *client;  /* NULL: free */
    struct vnc_keys keys;
    char address[ADDRESS];
};

static int listener = -1;
static char listens_at[ADDRESS];
static bool wants_password;
static struct input *input;
static struct served served[VNC_CLIENTS];
static uint64_t refused;        /* connections */
static struct canvas canvas;
static uint64_t shown;          /* canvas.changes, as put into the picture */

/* ---- Listening ----------------------------------------------------------------- */

static void describe(const struct sockaddr_storage *a, socklen_t len,
                     char out[ADDRESS])
{
    char host[48] = "?", port[8] = "?";

    getnameinfo((const struct sockaddr *)a, len, host, sizeof host, port,
                sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(out, ADDRESS, "%s:%s (ipv%c)", host, port,
             a->ss_family == AF_INET6 ? '6' : '4');
}

static int listen_at(const struct addrinfo *a)
{
    int one = 1, r;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    0);

    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
        r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

static int open_listener(const struct vnc_option *o, char *why, size_t why_size)
{
    const char *host = *o->host ? o->host : "127.0.0.1";
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_PASSIVE };
    int r = -EADDRINUSE;

    for (unsigned port = o->port; port <= o->last_port && r == -EADDRINUSE;
         port++) {
        struct addrinfo *found;
        char text[8];

        snprintf(text, sizeof text, "%u", port);
        r = getaddrinfo(host, text, &hints, &found);
        if (r) {
            snprintf(why, why_size, "-vnc %.64s: %s", host, gai_strerror(r));
            return -EINVAL;
        }
        r = listen_at(found);
        freeaddrinfo(found);
    }
    if (r < 0)
        snprintf(why, why_size, "-vnc: cannot listen at %.64s, port %u%s: %s",
                 host, o->port, o->last_port > o->port ? " and on" : "",
                 strerror(-r));
    return r;
}

static bool make_canvas(void)
{
    const struct surface surface = {
        .memory = calloc((size_t)VNC_WIDTH_MAX * VNC_HEIGHT_MAX, VNC_PIXEL),
        .pitch = WIDTH * VNC_PIXEL, .width = WIDTH, .height = HEIGHT,
        .bits = 8 * VNC_PIXEL, .red_bits = 8, .green_shift = 8,
        .green_bits = 8, .blue_shift = 16, .blue_bits = 8,
    };

    if (!surface.memory || !vnc_screen_open() ||
        !canvas_init(&canvas, &surface))
        return false;
    canvas.width_max = VNC_WIDTH_MAX;
    canvas.height_max = VNC_HEIGHT_MAX;
    canvas.width_usual = WIDTH;
    canvas.height_usual = HEIGHT;
    canvas.is_unseen = true;
    canvas_clear(&canvas);
    vnc_show();
    return true;
}

int vnc_open(const struct vnc_option *o, struct input *in, struct canvas **out,
             char *why, size_t why_size)
{
    struct sockaddr_storage a = { 0 };
    socklen_t len = sizeof a;

    listener = open_listener(o, why, why_size);
    if (listener < 0)
        return listener;
    if (!make_canvas() || !vnc_clients_init(o->password)) {
        snprintf(why, why_size, "-vnc: no memory or thread for it");
        return -ENOMEM;
    }
    getsockname(listener, (struct sockaddr *)&a, &len);
    describe(&a, len, listens_at);
    wants_password = o->password;
    input = in;
    socket_keep_spare();
    console_watch_fd(listener, false);
    platform_log("VNC server at %s%s", listens_at, wants_password
                 ? "; 'change vnc password' lets clients in" : "");
    *out = &canvas;
    return 0;
}

/* ---- Clients --------------------------------------------------------------------- */

static struct served *free_place(void)
{
    for (unsigned i = 0; i < VNC_CLIENTS; i++)
        if (!served[i].client)
            return &served[i];
    return NULL;
}

/* One that is gone without a word, whether it is sent anything or not, ends. */
static void notice_dead(int fd)
{
    const unsigned wait_ms = SOCKET_DEAD_S * 1000u;

    socket_keep_alive(fd);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &wait_ms, sizeof wait_ms);
}

static void take_client(int fd, const struct sockaddr_storage *a, socklen_t len)
{
    struct served *s = free_place();

    /* The library's sets of descriptors have room for no more. */
    if (!s || fd >= FD_SETSIZE) {
        close(fd);
        refused++;
        return;
    }
    notice_dead(fd);
    *s = (struct served){ .client = vnc_client_start(fd) };
    refused += !s->client;
    describe(a, len, s->address);
    if (s->client)
        vnc_keys_add(&s->keys, input);
}

static void take_clients(void)
{
    for (unsigned i = 0; i < ACCEPTS_AT_ONCE; i++) {
        struct sockaddr_storage a;
        socklen_t len = sizeof a;
        int fd = socket_accept(listener, (struct sockaddr *)&a, &len);

        if (fd >= 0)
            take_client(fd, &a, len);
        else if (fd == -EMFILE)
            refused++;
        else if (fd == -EAGAIN)
            return;
    }
}

/* False: there may be more. */
static bool take_events(struct served *s, struct local *l)
{
    struct vnc_event e;

    for (unsigned i = 0; i < EVENTS_AT_ONCE; i++) {
        if (!vnc_client_take(s->client, &e))
            return true;
        vnc_keys_event(&s->keys, local_guest(l)->options->keymap, &e);
    }
    platform_wake();
    return false;
}

void vnc_poll(struct local *l)
{
    bool seen = false;

    take_clients();
    for (unsigned i = 0; i < VNC_CLIENTS; i++) {
        struct served *s = &served[i];
        bool has_ended;

        if (!s->client)
            continue;
        has_ended = vnc_client_has_ended(s->client);
        seen |= vnc_client_is_in(s->client);
        if (take_events(s, l) && has_ended) {
            vnc_keys_remove(&s->keys);
            vnc_client_free(s->client);
            s->client = NULL;
        }
    }
    canvas.is_unseen = !seen;
}

void vnc_show(void)
{
    if (canvas.changes == shown)
        return;
    shown = canvas.changes;
    vnc_screen_put((const uint32_t *)(uintptr_t)canvas.surface.memory,
                   canvas.surface.width, canvas.surface.height);
    for (unsigned i = 0; i < VNC_CLIENTS; i++)
        if (served[i].client)
            vnc_client_wake(served[i].client);
}

/* ---- The monitor's ---------------------------------------------------------------- */

static void add(char *text, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void add(char *text, size_t size, const char *fmt, ...)
{
    size_t len = strlen(text);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text + len, size - len, fmt, ap);
    va_end(ap);
}

void vnc_info(char *text, size_t size)
{
    struct vnc_counts counts = vnc_clients_counts();
    const char *auth = wants_password ? "vnc" : "none";
    uint64_t connections = refused + counts.strangers;

    snprintf(text, size, "default:\n  Server: %s\n    Auth: %s (Sub: none)\n",
             listens_at, auth);
    for (unsigned i = 0; i < VNC_CLIENTS; i++)
        if (served[i].client)
            add(text, size, "  Client: %s%s\n    x509_dname: none\n"
                "    sasl_username: none\n", served[i].address,
                vnc_client_is_in(served[i].client) ? "" : ", not in yet");
    add(text, size, "  Auth: %s (Sub: none)\n", auth);
    if (connections || counts.wrong_passwords || counts.scalings)
        add(text, size, "  refused: %llu connections, %llu passwords, "
            "%llu scalings\n", (unsigned long long)connections,
            (unsigned long long)counts.wrong_passwords,
            (unsigned long long)counts.scalings);
}

int vnc_set_password(const char *password)
{
    if (!wants_password)
        return -ENOTSUP;
    if (strlen(password) > VNC_PASSWORD_MAX)
        return -EINVAL;
    vnc_clients_set_password(password);
    return 0;
}
