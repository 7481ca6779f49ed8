/*
 * The serial multiplexer: the administrator's line carries the serial consoles
 * of the machines, one at a time, and the monitor; an escape key (Ctrl-a)
 * switches. Keys are qemu's, h x s c t b and Ctrl-a Ctrl-a; a digit shows
 * another machine.
 *
 * Output of the machine that is shown is never dropped: it waits until the line
 * takes it. That of the others is kept, the newest 64 KiB of each. Input
 * stays with the line while the guest's ring is full, but only as long as the
 * guest reads at all: else it is dropped, and counted, for the escape key may
 * be behind it.
 */
#ifndef KERNEL_CONSOLE_MUX_H
#define KERNEL_CONSOLE_MUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/chardev.h"
#include "kernel/options.h"
#include "kernel/ring.h"

struct guest;
struct guest_serial;
struct monitor;

/* One machine's console. */
struct mux_console {
    struct guest *guest;
    struct guest_serial *serial;        /* its port on the line, or NULL */
    unsigned serial_index;
    bool line_start;                    /* of its output, for timestamps */
    struct byte_ring *kept;             /* output while another is shown */
    uint64_t dropped_output;            /* of that, since it was last shown */
    uint32_t stall_tail;                /* where the guest's reading stands, */
    uint64_t stall_seen_ns;             /* as last looked at, */
    unsigned stall_looks;               /* and how often it stood there */
    /* Gets what the machine says, too; or NULL. */
    void (*tee)(void *ctx, const uint8_t *data, size_t len);
    void *tee_ctx;
    bool typed_elsewhere;               /* the last input was mux_type's */
};

/*
 * A file that comes over the line, which is its own meanwhile: what is typed
 * goes to `in`, all bytes of it, and nothing is printed but `out`.
 */
struct mux_transfer {
    struct byte_ring in, out;
};

/* Text that goes to somebody else than the line: see monitor_remote.h. */
struct mux_capture {
    char *out;
    size_t size, len;
};

struct mux {
    struct chardev *line;
    struct mux_console console[OPTIONS_MACHINES];
    unsigned count;
    struct mux_console *shown;
    struct monitor *monitor;            /* NULL: no monitor on this line */
    uint8_t escape;
    bool escaped;                       /* the last byte was the escape key */
    bool in_monitor;                    /* input goes to the monitor */
    bool confirm_exit;                  /* Ctrl-a x waits for y or n */
    bool ask_before_exit;
    bool exit_requested;
    bool timestamps;
    bool is_screen;                     /* no file can come over it */
    uint64_t start_ns;
    struct byte_ring out;               /* towards the line */
    struct mux_transfer *transfer;      /* or NULL */
    struct mux_capture *capture;        /* of what is printed now, or NULL */
    size_t before_transfer;             /* bytes of `out` to be printed yet */
};

/* `guests` in the order of their numbers, 1 to `count`. 0 or -ENOMEM. */
int mux_init(struct mux *mux, struct chardev *line,
             struct guest *const *guests, unsigned count,
             struct monitor *monitor, uint8_t escape);
/*
 * A line that has but the monitor: the machines' consoles stay where they are.
 */
int mux_init_monitor(struct mux *mux, struct chardev *line,
                     struct guest *const *guests, unsigned count,
                     struct monitor *monitor, uint8_t escape);
/*
 * A line that has one machine's port `port`, and the monitor behind the escape
 * key: qemu's mon:. `guest` points at one.
 */
int mux_init_port(struct mux *mux, struct chardev *line,
                  struct guest *const *guest, unsigned port,
                  struct monitor *monitor, uint8_t escape);
void mux_fini(struct mux *mux);

/* Somebody is at the line now, who has seen nothing yet; or has gone. */
void mux_opened(struct mux *mux);
void mux_closed(struct mux *mux);
/* A break came from there: the guest's that is shown, unless the monitor is. */
void mux_broke(struct mux *mux);

/* Move bytes both ways. True: something moved. */
bool mux_poll(struct mux *mux);
/* Output waits for the line. */
bool mux_output_waits(const struct mux *mux);
/* Input waits for the guest: call mux_poll again within a millisecond. */
bool mux_holds_input(const struct mux *mux);
/* The administrator wants to end Trestle. */
bool mux_wants_end(const struct mux *mux);

/* The machine that is shown: the monitor's commands are for it. */
struct guest *mux_guest(const struct mux *mux);
/*
 * Show machine `number` (1..) from now on. False: there is none. With
 * `console`, the keyboard goes to its console.
 */
bool mux_show(struct mux *mux, unsigned number, bool console);

/*
 * What machine `number` says goes to `tee`, too, as soon as the line has room
 * for it if the machine is shown there. NULL: no longer.
 */
void mux_tee(struct mux *mux, unsigned number,
             void (*tee)(void *ctx, const uint8_t *data, size_t len),
             void *ctx);
/* Input for machine `number` from there; without room it is dropped, counted. */
void mux_type(struct mux *mux, unsigned number, const uint8_t *data,
              size_t len);
/*
 * The answer of a terminal there: dropped unless somebody types there, as the
 * line has a terminal of its own that answers.
 */
void mux_answer(struct mux *mux, unsigned number, const uint8_t *data,
                size_t len);

/*
 * The line is `t`'s from now on, when it has printed what waits; what the guest
 * says is kept for later, the newest 64 KiB. False: it is another's.
 */
bool mux_begin_transfer(struct mux *mux, struct mux_transfer *t);
/* It is the console's again; what is left in `out` is printed first. */
void mux_end_transfer(struct mux *mux);

/* Text for the administrator; \n becomes CRLF. Cut if 64 KiB are waiting. */
void mux_print(struct mux *mux, const char *text);

#endif
