/*
 * What is at the far end of a serial port or a monitor: one of qemu's character
 * devices, opened. I/O core only; nothing blocks.
 *
 * `chr` is how its user moves bytes. A back end that has nobody at its far end
 * takes what is written and drops it (`dropped`), so that no guest waits for
 * somebody who is not there; one whose reader is slow takes less than offered,
 * and nothing is lost.
 */
#ifndef KERNEL_CHARDEV_BACKEND_H
#define KERNEL_CHARDEV_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/chardev.h"
#include "kernel/chardev_option.h"

#define BACKEND_NAME 64u        /* "wan/serial0" */
#define BACKEND_TEXT 400u       /* what describe says */

struct backend;

/* What its user hears; any of them may be NULL. */
struct backend_events {
    /* The far end sent a break; during chr.read, in front of what it reads
     * next. */
    void (*broke)(void *ctx);
    /* Somebody is there now, or has gone. */
    void (*opened)(void *ctx);
    void (*closed)(void *ctx);
};

struct backend_ops {
    /* What is due; returns when it wants to be called again at the latest. */
    uint64_t (*poll)(struct backend *b, uint64_t now);
    /*
     * platform_wait is to end for input (chr.read would be called), for room
     * (chr.write took less than offered), or for neither.
     */
    void (*want)(struct backend *b, bool input, bool room);
    /* False while it waits for its first client (wait=on). */
    bool (*is_ready)(const struct backend *b);
    /* As qemu's info chardev: its filename. */
    void (*describe)(const struct backend *b, char *buf, size_t size);
    void (*close)(struct backend *b);   /* frees it */
};

/* First in what a back end is, which is one block of malloc's. */
struct backend {
    const struct backend_ops *ops;      /* only describe, close: never NULL */
    struct chardev chr;
    char name[BACKEND_NAME];    /* for the log */
    const struct backend_events *events;
    void *events_ctx;
    uint64_t dropped;           /* bytes that nobody was there for */
    uint64_t refused;           /* clients beside the one */
    uint64_t line_errors;       /* characters that a real line lost or spoilt */
    bool uses_transport;        /* transport_poll moves it */
};

/*
 * Open what `o` says. 0 and *out, or negative errno with a sentence in `why`.
 * Not for CHARDEV_NONE, CHARDEV_STDIO and CHARDEV_NAMED.
 */
int backend_open(const struct chardev_option *o, const char *name,
                 const struct backend_events *events, void *ctx,
                 struct backend **out, char *why, size_t size);
void backend_close(struct backend *b);

/* The ops, for those that have them all. */
uint64_t backend_poll(struct backend *b, uint64_t now);
void backend_want(struct backend *b, bool input, bool room);
bool backend_is_ready(const struct backend *b);
void backend_describe(const struct backend *b, char *buf, size_t size);

/* ---- For the back ends ------------------------------------------------- */

/* One of `size` bytes, zeroed, with its first part filled in; NULL. */
void *backend_new(size_t size, const struct backend_ops *ops,
                  size_t (*write)(void *ctx, const uint8_t *buf, size_t len),
                  size_t (*read)(void *ctx, uint8_t *buf, size_t len));
void backend_tell_broke(struct backend *b);
void backend_tell_opened(struct backend *b);
void backend_tell_closed(struct backend *b);
/* What describe says of most: a text as it is. */
void backend_say(char *buf, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Each makes one kind; `why` as above. */
typedef int backend_maker(const struct chardev_option *o, struct backend **out,
                          char *why, size_t size);
backend_maker backend_stream_open, backend_udp_open, backend_file_open,
    backend_ringbuf_open, backend_vc_open;
/* kernel/hosted and kernel/metal: pty, pipe, and the host's serial lines. */
backend_maker platform_backend_open;

#endif
