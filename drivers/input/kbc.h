/*
 * The PC's keyboard controller, an 8042 or what stands in for one, with a PS/2
 * keyboard and mouse (IBM PS/2 Technical Reference: Keyboard and Auxiliary
 * Device Controller). The controller translates to scan code set 1; one that
 * cannot has a keyboard that is asked for it.
 *
 * I/O core, but for kbc_interrupt. kbc_start waits for the controller, for half
 * a second at the worst; what takes a device's time is done by kbc_poll, bit by
 * bit. Whatever a device says, and whenever it comes or goes, is harmless.
 */
#ifndef DRIVERS_INPUT_KBC_H
#define DRIVERS_INPUT_KBC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/bus.h"
#include "drivers/input/input.h"

/* Registers of the bus: ports 60h and 64h. */
enum { KBC_DATA = 0, KBC_STATUS = 4, KBC_COMMAND = 4, KBC_PORTS = 5 };

struct kbc_counters {
    uint64_t bad_bytes;         /* parity or timeout on the wire */
    uint64_t unexpected;        /* bytes that are no key, movement or answer */
    uint64_t overruns;          /* the keyboard's buffer */
    uint64_t resends;           /* commands that were said again */
    uint64_t unanswered;        /* commands that were given up */
    uint64_t restarts;          /* devices that began anew by themselves */
    uint64_t floods;            /* bytes without end: it is polled then */
};

/* A command to a device, and what it answers behind its acknowledgement. */
struct kbc_say {
    uint8_t byte[2];
    uint8_t bytes, answers;
    uint16_t answer_ms;         /* they come within, each */
    bool is_needed;             /* without it the device is none */
};

enum kbc_state { KBC_ABSENT, KBC_STARTING, KBC_UP };

struct kbc;
struct kbc_port;

/* What is a keyboard's and what a mouse's. */
struct kbc_device {
    const struct kbc_say *start;        /* said in this order */
    unsigned start_count;
    /* One of them was answered. */
    void (*answered)(struct kbc_port *p, const struct kbc_say *say);
    void (*up)(struct kbc_port *p);     /* it works from now on */
    void (*gone)(struct kbc_port *p);
    /* A byte that is no answer; KBC_UP. True: it began anew. */
    bool (*take)(struct kbc_port *p, uint8_t byte, uint64_t now);
    /* A byte came damaged; KBC_UP. */
    void (*damaged)(struct kbc_port *p);
    /* It does nothing else: the time for a command of its own. */
    const struct kbc_say *(*next)(struct kbc_port *p);
};

struct kbc_port {
    struct kbc *kbc;
    const struct kbc_device *device;
    bool is_aux;
    enum kbc_state state;
    unsigned step;              /* of device->start */
    struct kbc_say say;         /* under way, if `bytes` */
    bool is_written, is_acknowledged;
    unsigned said, answered, tries;
    uint8_t answer[2];
    uint64_t deadline;
    bool wants_start;           /* from not_before on */
    uint64_t not_before;
};

struct kbc {
    const struct bus *bus;
    struct input *input;
    bool translates;
    bool passed;                /* its own test */
    bool has_interrupts;        /* kbc_interrupt is called: its user's */
    volatile bool interrupted;
    uint64_t looked_ns;
    unsigned full_rounds;       /* of kbc_poll, behind which it had more */
    struct kbc_port port[2];    /* keyboard, mouse */
    struct kbc_counters counters;

    struct input_keyboard keyboard;
    uint8_t keyboard_id[2];
    unsigned prefix;            /* kbc_keyboard.c's */
    unsigned leds, leds_said;
    struct kbc_say say_leds;

    struct input_mouse mouse;
    uint8_t mouse_id;           /* 3: it has a wheel */
    uint8_t packet[4];
    unsigned packet_bytes;
    uint64_t packet_ns;
};

/*
 * Look for a controller and set it up; its devices are added to `in` when they
 * answer. `bus` and `in` outlive it. 0; -ENODEV: nothing is there; -EIO: what
 * is there does not answer as a keyboard controller. has_interrupts is to be
 * set behind it; else it is polled, and calls for that.
 */
int kbc_start(struct kbc *k, const struct bus *bus, struct input *in);
/* IRQ 1 or 12: kbc_poll has something to do. Interrupt handlers. */
void kbc_interrupt(struct kbc *k);
/*
 * Take what there is, go on with what is under way. When (as `now`) to call
 * again at the latest.
 */
uint64_t kbc_poll(struct kbc *k, uint64_t now);
/* What it has and has counted, in three lines without the last end. */
void kbc_info(const struct kbc *k, char *text, size_t size);

#endif
