/* Of what may happen any number of times, the log says so many lines in a time. */
#ifndef KERNEL_LOG_LIMIT_H
#define KERNEL_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* All zero at first. */
struct log_limit {
    uint64_t since_ns;
    unsigned lines;             /* since then */
};

/* May it say another one? `most` lines in `period_ns`. */
static inline bool log_limit_take(struct log_limit *l, uint64_t now,
                                  unsigned most, uint64_t period_ns)
{
    if (!l->lines || now - l->since_ns > period_ns) {
        l->since_ns = now;
        l->lines = 0;
    }
    if (l->lines == most)
        return false;
    l->lines++;
    return true;
}

#endif
