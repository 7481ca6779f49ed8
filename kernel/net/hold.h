/*
 * A guest that is slower than what comes to it holds the sender up: a port of
 * the bridge that has only this guest to feed takes no more frames than the
 * guest's ring has room for, so that they wait where they are - in a TAP
 * device's queue, in a card's ring, in the window of a user net's TCP. I/O core
 * only.
 */
#ifndef KERNEL_NET_HOLD_H
#define KERNEL_NET_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#define HOLD_ANY (~0u)

/* A guest's ring, as last looked at. */
struct hold {
    bool full;                  /* it was, and nothing was taken since */
    uint32_t taken;             /* frames that the guest took till then */
    uint64_t since_ns;
};

struct port;

/*
 * How many frames the bridge surely delivers of what comes in at `p`, a
 * physical port. HOLD_ANY: nobody is to be held up - others share the bridge,
 * whom one slow guest must not stop, or the guest took none for so long that it
 * will not (then they are lost, and counted).
 */
unsigned hold_room(const struct port *p);

#endif
