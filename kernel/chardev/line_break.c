/* See line_break.h. */
#include "kernel/chardev/line_break.h"

#define HELD_NS 250000000u      /* as tcsendbreak(3); several characters at 50
                                 * baud */
#define LOOK_NS 2000000u        /* nothing tells when the last byte is out */

void line_break_ask(struct line_break *k)
{
    k->is_due |= !k->end_ns;
}

bool line_break_holds(const struct line_break *k)
{
    return k->is_due || k->end_ns;
}

uint64_t line_break_poll(struct line_break *k, uint64_t now,
                         bool (*set)(void *ctx, bool on), void *ctx)
{
    if (k->is_due && set(ctx, true)) {
        k->is_due = false;
        k->end_ns = now + HELD_NS;
    } else if (k->end_ns && now >= k->end_ns) {
        set(ctx, false);
        k->end_ns = 0;
        return now;
    }
    if (k->is_due)
        return now + LOOK_NS;
    return k->end_ns ? k->end_ns : UINT64_MAX;
}
