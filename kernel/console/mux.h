/*
 * The serial multiplexer: the administrator's line carries the guest's serial
 * console and the monitor; an escape key (Ctrl-a) switches. Keys are qemu's:
 * h x c t b and Ctrl-a Ctrl-a.
 *
 * Bytes are never dropped: input is taken from the line only while the guest's
 * ring has room, guest output only while the line takes it.
 */
#ifndef KERNEL_CONSOLE_MUX_H
#define KERNEL_CONSOLE_MUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/chardev.h"
#include "kernel/ring.h"

struct guest;
struct monitor;

struct mux {
    struct chardev *line;
    struct guest *guest;
    struct guest_serial *serial;        /* the guest's port, or NULL */
    unsigned serial_index;
    struct monitor *monitor;            /* NULL: no monitor on this line */
    uint8_t escape;
    bool escaped;                       /* the last byte was the escape key */
    bool in_monitor;                    /* input goes to the monitor */
    bool confirm_exit;                  /* Ctrl-a x waits for y or n */
    bool ask_before_exit;
    bool exit_requested;
    bool timestamps;
    bool line_start;                    /* of guest output, for timestamps */
    uint64_t start_ns;
    struct byte_ring out;               /* towards the line */
    uint64_t dropped_unarmed;           /* input before the guest listened */
};

void mux_init(struct mux *mux, struct chardev *line, struct guest *guest,
              struct monitor *monitor, uint8_t escape);

/* Move bytes both ways. True: something moved. */
bool mux_poll(struct mux *mux);

/* Text for the administrator; \n becomes CRLF. Cut if 64 KiB are waiting. */
void mux_print(struct mux *mux, const char *text);

#endif
