/*
 * A guest serial port's host end: a ring each way, guest core <-> I/O core. Who
 * is at the far end (console/lines.h, console/mux.h) moves the bytes.
 */
#ifndef KERNEL_GUEST_SERIAL_H
#define KERNEL_GUEST_SERIAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/chardev.h"
#include "kernel/ring.h"

struct guest;
struct serial_log;

struct guest_serial {
    struct byte_ring to_guest, from_guest;
    struct chardev chr;
    struct serial_log *log;     /* the first port's is the guest's */
    atomic_uint said;           /* bytes, ever; it wraps */
    struct guest *guest;        /* whose console it is, the first; or NULL */
    atomic_bool broke;          /* the guest sent a break */
    uint64_t dropped_unarmed;   /* input before the guest listened */
    uint64_t dropped_unread;    /* input that the guest did not read */
};

/* The ports that its options say, and its log. 0 or -ENOMEM. */
int guest_serials_create(struct guest *g);
void guest_serials_destroy(struct guest *g);

/* ---- I/O core ---------------------------------------------------------- */

/*
 * Input for a port. Before the guest listens it is dropped, else as much of it
 * as has no room; both are counted.
 */
void guest_serial_put(struct guest *g, unsigned serial, const uint8_t *data,
                      size_t len);
/* Take what a port said, which goes into its log, too. How much. */
size_t guest_serial_take(struct guest_serial *s, uint8_t *buf, size_t size);
/* The same, as far as `to` takes it. */
size_t guest_serial_offer(struct guest_serial *s, const struct chardev *to);

#endif
