/*
 * A break that a serial line of the host's is to hold: it comes behind what was
 * written before, and what is written after waits for its end.
 */
#ifndef KERNEL_CHARDEV_LINE_BREAK_H
#define KERNEL_CHARDEV_LINE_BREAK_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed: there is none. */
struct line_break {
    bool is_due;                /* what was written is still on its way */
    uint64_t end_ns;            /* 0: none is under way */
};

/* Ask for one, unless there is one. */
void line_break_ask(struct line_break *k);
/* It is due or under way: nothing may be written. */
bool line_break_holds(const struct line_break *k);
/*
 * Begin or end it. set(ctx, true) begins it, or gives false while the line
 * still sends; it does not wait. Returns when to call again, as backend_ops'
 * poll: at once when it has ended, for what may be written now.
 */
uint64_t line_break_poll(struct line_break *k, uint64_t now,
                         bool (*set)(void *ctx, bool on), void *ctx);

#endif
