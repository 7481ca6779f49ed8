/*
 * A byte stream as seen by whoever uses it: the guest's UART towards the
 * host, or the host's console towards the physical line.
 */
#ifndef EMU_CHARDEV_H
#define EMU_CHARDEV_H

#include <stddef.h>
#include <stdint.h>

struct chardev {
    void *ctx;
    /*
     * Offer `len` bytes; returns how many were accepted (0..len). What was
     * not accepted is still the caller's, to be offered again later: nothing
     * is dropped silently.
     */
    size_t (*write)(void *ctx, const uint8_t *buf, size_t len);
    /* Take up to `len` waiting bytes into `buf`; returns how many. */
    size_t (*read)(void *ctx, uint8_t *buf, size_t len);
    /* The far end should see a break condition; may be NULL. */
    void (*send_break)(void *ctx);
};

#endif
