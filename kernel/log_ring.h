/*
 * The log as it is kept: lines of text, the newest bytes of them. Written by one
 * at a time, which whoever owns it sees to, and read meanwhile by any number.
 */
#ifndef KERNEL_LOG_RING_H
#define KERNEL_LOG_RING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_RING_BYTES 65536u   /* a power of two */
#define LOG_LINE 256u           /* bytes of a line, at most, with its end */

/* All zero at first. */
struct log_ring {
    char bytes[LOG_RING_BYTES];
    _Atomic uint64_t end;       /* bytes ever written */
};

/* A line without its end, cut to what a line may be. */
void log_ring_add(struct log_ring *r, const char *line, size_t len);
/*
 * The line that begins at byte `at` of all that was written, or what is there
 * still of it and those behind it, without its end and cut to `size`. Where the
 * next one begins; `at` itself: there is none.
 */
uint64_t log_ring_line(const struct log_ring *r, uint64_t at, char *line,
                       size_t size, size_t *len);
/*
 * The newest bytes, but none before byte `from`, at most `size`; how many. Where
 * that or what is gone cuts a line, its rest comes first.
 */
size_t log_ring_newest(const struct log_ring *r, uint64_t from, char *text,
                       size_t size);

#endif
