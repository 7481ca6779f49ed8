/* See vnc_client.h. */
#include "kernel/hosted/vnc_client.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <rfb/rfb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/hosted/vnc_screen.h"
#include "kernel/hosted/waker.h"
#include "kernel/platform.h"
#include "kernel/ring.h"

#define SAMPLE_BITS 8
#define SAMPLES 3
#define LOOK_MS 1000            /* at one that may have been silent too long */
#define GREETING_WAIT_MS 100    /* for what a browser says unasked */
#define GREETING_NS 30000000000u        /* until it must have said who it is */

struct vnc_client {
    int fd;                     /* the library's */
    int own_fd;                 /* the same connection */
    int wake_fd;
    pthread_t thread;
    atomic_bool ended, is_in;
    atomic_bool waits;          /* for room among the events */
    bool follows_size;
    unsigned swallow;           /* bytes of a message that still come */
    uint64_t came_ns;
    rfbScreenInfo *screen;      /* of `screens` */
    struct vnc_copy copy;
    char password[VNC_PASSWORD_MAX + 1];
    char *passwords[2];         /* as the library wants them */
    struct byte_ring events;
};

static bool with_password;
static char password[VNC_PASSWORD_MAX + 1];
static _Atomic uint64_t wrong_passwords, scalings, strangers;
/*
 * One for each client, made before there is any: rfbGetScreen initialises a lock
 * of all of them again.
 */
static rfbScreenInfo *screens[VNC_CLIENTS];
static bool is_used[VNC_CLIENTS];       /* I/O core */

struct vnc_counts vnc_clients_counts(void)
{
    return (struct vnc_counts){ wrong_passwords, scalings, strangers };
}

void vnc_clients_set_password(const char *text)
{
    snprintf(password, sizeof password, "%s", text);
}

/* ---- What comes from the client: its thread -------------------------------- */

static bool has_room(const struct vnc_client *c)
{
    return byte_ring_room(&c->events) >= sizeof(struct vnc_event);
}

/* If not, the I/O core wakes us when there is. */
static bool may_read(struct vnc_client *c)
{
    c->waits = true;            /* before the look: it may take one just now */
    if (has_room(c))
        c->waits = false;
    return !c->waits;
}

/* There is room: no message, which makes one at most, is read without. */
static void tell(struct vnc_client *c, struct vnc_event e)
{
    byte_ring_put(&c->events, (const uint8_t *)&e, sizeof e);
    platform_wake();
}

static void on_key(rfbBool down, rfbKeySym keysym, rfbClientRec *cl)
{
    tell(cl->screen->screenData, (struct vnc_event){
        .kind = VNC_KEY, .value = down != 0, .keysym = keysym });
}

static void on_pointer(int buttons, int x, int y, rfbClientRec *cl)
{
    tell(cl->screen->screenData, (struct vnc_event){
        .kind = VNC_POINTER, .value = (uint8_t)buttons, .x = (uint16_t)x,
        .y = (uint16_t)y });
}

static rfbBool on_password(rfbClientRec *cl, const char *response, int len)
{
    struct vnc_client *c = cl->screen->screenData;

    if (*c->password && rfbCheckPasswordByList(cl, response, len))
        return TRUE;
    wrong_passwords++;
    return FALSE;
}

/* ---- The picture ------------------------------------------------------------ */

static void on_resized(void *ctx, struct vnc_copy *copy)
{
    struct vnc_client *c = ctx;

    rfbNewFramebuffer(c->screen, (char *)copy->pixels, (int)copy->width,
                      (int)copy->height, SAMPLE_BITS, SAMPLES, VNC_PIXEL);
}

static void on_changed(void *ctx, unsigned x, unsigned y, unsigned width,
                       unsigned height)
{
    struct vnc_client *c = ctx;

    rfbMarkRectAsModified(c->screen, (int)x, (int)y, (int)(x + width),
                          (int)(y + height));
}

/* ---- The thread -------------------------------------------------------------- */

/*
 * The library would serve a browser by WebSockets, whatever page it shows: then
 * that page owns the guest and the monitor. VNC's client waits for the server's
 * version (RFC 6143, 7.1.1); what comes unasked and is none ends it here...
 */
static bool is_stranger(struct vnc_client *c)
{
    static const char version[4] = "RFB ";
    struct pollfd p = { c->own_fd, POLLIN, 0 };
    char text[sizeof version];
    ssize_t n;

    if (poll(&p, 1, GREETING_WAIT_MS) != 1)
        return false;
    n = recv(c->own_fd, text, sizeof text, MSG_PEEK | MSG_DONTWAIT);
    return n > 0 && memcmp(text, version, (size_t)n);
}

/* ... and what comes while the library looks, here: it frees none of it. */
static enum rfbNewClientAction on_client(rfbClientRec *cl)
{
    if (!cl->wsctx && !cl->sslctx)
        return RFB_CLIENT_ACCEPT;
    free(cl->wsctx);
    cl->wsctx = NULL;
    strangers++;
    return RFB_CLIENT_REFUSE;
}

static bool open_screen(struct vnc_client *c)
{
    rfbScreenInfo *s = c->screen;

    if (is_stranger(c)) {
        strangers++;
        return false;
    }
    if (!vnc_screen_take(&c->copy, on_resized, on_changed, c))
        return false;
    s->screenData = c;
    s->desktopName = "Trestle";
    s->alwaysShared = TRUE;
    s->cursor = NULL;           /* the guest draws its own */
    s->deferUpdateTime = s->deferPtrUpdateTime = 0;
    s->newClientHook = on_client;
    s->kbdAddEvent = on_key;
    s->ptrAddEvent = on_pointer;
    s->passwordCheck = on_password;
    s->authPasswdData = with_password ? c->passwords : NULL;
    s->authPasswdFirstViewOnly = 1;     /* the first one is not */
    s->inetdSock = c->fd;
    s->inetdInitDone = FALSE;           /* as if no other had been here */
    s->socketState = RFB_SOCKET_INIT;
    rfbInitServer(s);
    return true;
}

static bool is_served(struct vnc_client *c)
{
    rfbClientRec *cl = c->screen->clientHead;

    if (!cl)
        return false;
    if (!c->is_in && cl->state == RFB_NORMAL) {
        c->is_in = true;
        platform_wake();        /* somebody looks now */
    }
    /* The size may have become another before it said that it follows. */
    if (cl->useNewFBSize && !c->follows_size)
        cl->newFBSizePending = c->follows_size = true;
    return c->is_in || platform_now_ns() - c->came_ns < GREETING_NS;
}

/*
 * The library scales a picture with reads behind its end, and divides by zero
 * when it shrinks: it never sees a wish for that (SetScale, of 4 bytes). Whether
 * another message is there for it.
 */
static bool has_message(struct vnc_client *c)
{
    uint8_t bytes[sz_rfbSetScaleMsg];
    ssize_t n;

    while ((n = recv(c->own_fd, bytes, c->swallow ? c->swallow : 1,
                     MSG_DONTWAIT | (c->swallow ? 0 : MSG_PEEK))) > 0) {
        if (c->swallow) {
            c->swallow -= (unsigned)n;
        } else if (*bytes == rfbSetScale ||
                   *bytes == rfbPalmVNCSetScaleFactor) {
            c->swallow = sizeof bytes;
            scalings++;
        } else {
            return true;
        }
    }
    return n == 0 || errno != EAGAIN;   /* the library sees the end, too */
}

static void process(struct vnc_client *c)
{
    rfbClientRec *cl = c->screen->clientHead;

    if (!cl || cl->state != RFB_NORMAL || (has_room(c) && has_message(c))) {
        rfbProcessEvents(c->screen, 0);
        return;
    }
    /* Without a look at what comes just now. */
    rfbUpdateClient(cl);
    if (cl->sock == RFB_INVALID_SOCKET)
        rfbClientConnectionGone(cl);
}

static void serve(struct vnc_client *c)
{
    do {
        struct pollfd p[] = { { may_read(c) ? c->own_fd : -1, POLLIN, 0 },
                              { c->wake_fd, POLLIN, 0 } };
        uint64_t drop;

        poll(p, c->screen->clientHead ? 2 : 0, c->screen->clientHead ? LOOK_MS
                                                                    : 0);
        if (p[1].revents & POLLIN && read(c->wake_fd, &drop, sizeof drop) < 0)
            break;
        if (!vnc_screen_take(&c->copy, on_resized, on_changed, c))
            break;
        process(c);
    } while (is_served(c));
}

static void close_client(struct vnc_client *c)
{
    rfbClientRec *cl = c->screen->clientHead;

    if (!cl)
        return;
    if (cl->sock != RFB_INVALID_SOCKET)
        rfbCloseClient(cl);
    rfbClientConnectionGone(cl);
}

static void *run(void *arg)
{
    struct vnc_client *c = arg;

    if (open_screen(c)) {
        serve(c);
        close_client(c);
    } else {
        close(c->fd);
    }
    shutdown(c->own_fd, SHUT_RDWR);
    c->ended = true;
    platform_wake();
    return NULL;
}

/* ---- From the I/O core ------------------------------------------------------- */

static rfbScreenInfo *take_screen(void)
{
    for (unsigned i = 0; i < VNC_CLIENTS; i++)
        if (!is_used[i]) {
            is_used[i] = true;
            return screens[i];
        }
    return NULL;
}

static void release(struct vnc_client *c)
{
    for (unsigned i = 0; i < VNC_CLIENTS; i++)
        if (screens[i] == c->screen)
            is_used[i] = false;
    close(c->own_fd);
    close(c->wake_fd);
    free(c->copy.pixels);
    free(c);
}

struct vnc_client *vnc_client_start(int fd)
{
    struct vnc_client *c = calloc(1, sizeof *c);

    if (!c) {
        close(fd);
        return NULL;
    }
    c->fd = fd;
    c->own_fd = dup(fd);
    c->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    c->came_ns = platform_now_ns();
    memcpy(c->password, password, sizeof password);
    c->passwords[0] = c->password;
    c->screen = take_screen();
    if (!c->screen || c->own_fd < 0 || c->wake_fd < 0 ||
        waker_thread(&c->thread, run, c)) {
        close(fd);
        release(c);
        return NULL;
    }
    return c;
}

void vnc_client_wake(struct vnc_client *c)
{
    uint64_t one = 1;

    if (write(c->wake_fd, &one, sizeof one) < 0)
        return;                 /* it has not looked since very many */
}

bool vnc_client_take(struct vnc_client *c, struct vnc_event *e)
{
    if (byte_ring_get(&c->events, (uint8_t *)e, sizeof *e) != sizeof *e)
        return false;
    if (atomic_exchange(&c->waits, false))
        vnc_client_wake(c);
    return true;
}

bool vnc_client_has_ended(const struct vnc_client *c) { return c->ended; }

bool vnc_client_is_in(const struct vnc_client *c) { return c->is_in; }

void vnc_client_free(struct vnc_client *c)
{
    shutdown(c->own_fd, SHUT_RDWR);
    pthread_join(c->thread, NULL);
    release(c);
}

static void be_silent(const char *format, ...) {}

static bool make_screens(void)
{
    for (unsigned i = 0; i < VNC_CLIENTS; i++) {
        /* Of any size: each client's is another. */
        screens[i] = rfbGetScreen(NULL, NULL, 4, 4, SAMPLE_BITS, SAMPLES,
                                  VNC_PIXEL);
        if (!screens[i])
            return false;
    }
    return true;
}

/*
 * The library registers a kind of authentication in a list of all threads when
 * it first offers it: one client of our own makes that happen now.
 */
bool vnc_clients_init(bool want_password)
{
    static const char version[] = "RFB 003.008\n";
    struct vnc_client *c;
    char greeting[64];
    int fd[2];
    bool good;

    rfbLog = rfbErr = be_silent;
    with_password = want_password;
    if (!make_screens())
        return false;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0)
        return false;
    if (write(fd[1], version, sizeof version - 1) < 0 ||
        !(c = vnc_client_start(fd[0]))) {
        close(fd[1]);
        return false;
    }
    /* Its version, then the number of kinds and each. */
    good = recv(fd[1], greeting, sizeof version, MSG_WAITALL) ==
           sizeof version;
    close(fd[1]);
    vnc_client_free(c);
    return good;
}
