/* See log_ring.h. A panic reads it: no FPU, no SSE (mk/20-appliance.mk). */
#include "kernel/log_ring.h"

static uint64_t end_of(const struct log_ring *r)
{
    return atomic_load_explicit(&r->end, memory_order_acquire);
}

void log_ring_add(struct log_ring *r, const char *line, size_t len)
{
    uint64_t end = end_of(r);

    if (len > LOG_LINE - 1)
        len = LOG_LINE - 1;
    for (size_t i = 0; i < len; i++)
        r->bytes[(end + i) % LOG_RING_BYTES] = line[i];
    r->bytes[(end + len) % LOG_RING_BYTES] = '\n';
    atomic_store_explicit(&r->end, end + len + 1, memory_order_release);
}

uint64_t log_ring_line(const struct log_ring *r, uint64_t at, char *line,
                       size_t size, size_t *len)
{
    uint64_t end = end_of(r);
    char c = 0;

    *len = 0;
    if (end - at > LOG_RING_BYTES)
        at = end - LOG_RING_BYTES;
    for (; at < end && c != '\n'; at++) {
        c = r->bytes[at % LOG_RING_BYTES];
        if (c != '\n' && *len < size)
            line[(*len)++] = c;
    }
    return at;
}

size_t log_ring_newest(const struct log_ring *r, uint64_t from, char *text,
                       size_t size)
{
    uint64_t end = end_of(r), n = end - from;

    n = n < LOG_RING_BYTES ? n : LOG_RING_BYTES;
    n = n < size ? n : size;
    for (uint64_t i = 0; i < n; i++)
        text[i] = r->bytes[(end - n + i) % LOG_RING_BYTES];
    return (size_t)n;
}
