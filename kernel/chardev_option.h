/*
 * Where the far end of a serial port, or of a monitor, is: qemu's character
 * devices as parsed (options_chardev.h); opened by kernel/chardev.
 */
#ifndef KERNEL_CHARDEV_OPTION_H
#define KERNEL_CHARDEV_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHARDEV_ID_MAX 31u
#define CHARDEV_HOST_MAX 63u
#define CHARDEV_PATH_MAX 255u
#define CHARDEV_RINGBUF_DEFAULT 65536u

enum chardev_kind {
    CHARDEV_NONE,               /* a serial port: the guest has it not */
    CHARDEV_NULL,
    CHARDEV_STDIO,              /* the administrator's line */
    CHARDEV_VC,                 /* a console of the local screen */
    CHARDEV_RINGBUF,
    CHARDEV_FILE,
    CHARDEV_PIPE,
    CHARDEV_PTY,
    CHARDEV_TTY,                /* a serial line of the host's */
    CHARDEV_UNIX,
    CHARDEV_TCP,
    CHARDEV_UDP,
    CHARDEV_NAMED,              /* `id` is another option's: -chardev */
};

struct chardev_option {
    enum chardev_kind kind;
    char id[CHARDEV_ID_MAX + 1];        /* "serial0", or id='s */
    bool mux;                   /* the port's, and a monitor's (mon:) */
    bool used;                  /* of -chardev: another option named it */
    /* TCP and UNIX. */
    bool server, wait;          /* wait: for the first client, at the start */
    bool telnet, nodelay;
    unsigned reconnect_s;       /* a client's; 0: not */
    /* TCP: its own or the peer's; UDP: the peer's, port 0: nobody's. "" is the
     * host's own. */
    char host[CHARDEV_HOST_MAX + 1];
    uint16_t port;
    char local_host[CHARDEV_HOST_MAX + 1];      /* UDP */
    uint16_t local_port;
    char path[CHARDEV_PATH_MAX + 1];    /* FILE, PIPE, UNIX; TTY: its name */
    char line[64];              /* TTY: "baud=9600,flow=rtscts", or "" */
    unsigned columns, rows;     /* VC: characters, 0: the usual */
    unsigned size;              /* RINGBUF: bytes, a power of two */
};

#endif
