/* See log.h. */
#include "kernel/metal/log.h"

#include <stdint.h>
#include <string.h>

#include "kernel/metal/format.h"
#include "kernel/metal/percpu.h"
#include "kernel/metal/spinlock.h"
#include "kernel/platform.h"

#define RING_BYTES 65536u       /* power of two */
#define LINE_BYTES 256u
#define MAX_SINKS 2u

static char ring[RING_BYTES];
static volatile uint64_t head;  /* bytes ever written; lines end in '\n' */
static struct spinlock lock;
static struct {
    log_sink write;
    uint64_t at;                /* shown so far */
} sinks[MAX_SINKS];
static unsigned sink_count;
static bool flushing;

static void append(const char *line, size_t len)
{
    uint64_t flags = spin_lock(&lock);

    for (size_t i = 0; i < len; i++)
        ring[(head + i) % RING_BYTES] = line[i];
    ring[(head + len) % RING_BYTES] = '\n';
    __atomic_store_n(&head, head + len + 1, __ATOMIC_RELEASE);
    spin_unlock(&lock, flags);
}

/* The line at `at` into `line`; returns its length. */
static size_t line_at(uint64_t at, char *line)
{
    size_t len = 0;

    while (at + len < head && len < LINE_BYTES) {
        char c = ring[(at + len) % RING_BYTES];

        if (c == '\n')
            break;
        line[len++] = c;
    }
    return len;
}

void log_flush(void)
{
    char line[LINE_BYTES];

    if (flushing || this_cpu()->index)
        return;
    flushing = true;
    for (unsigned i = 0; i < sink_count; i++) {
        while (sinks[i].at < head) {
            size_t len;

            if (head - sinks[i].at > RING_BYTES)
                sinks[i].at = head - RING_BYTES;    /* overtaken: lines lost */
            len = line_at(sinks[i].at, line);
            if (!sinks[i].write(line, len))
                break;
            sinks[i].at += len + 1;
        }
    }
    flushing = false;
}

void log_add_sink(log_sink sink)
{
    if (sink_count == MAX_SINKS)
        return;
    sinks[sink_count].write = sink;
    sinks[sink_count].at = head > RING_BYTES ? head - RING_BYTES : 0;
    sink_count++;
    log_flush();
}

void platform_vlog(const char *fmt, va_list ap)
{
    char *line = this_cpu()->log_line;
    size_t len = format_v(line, LINE_BYTES, fmt, ap);

    append(line, len);
    if (this_cpu()->index)
        platform_wake();        /* who shows it */
    else
        log_flush();
}

void platform_log(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    platform_vlog(fmt, ap);
    va_end(ap);
}

size_t platform_log_read(char *buf, size_t size)
{
    uint64_t end = head, n = end < RING_BYTES ? end : RING_BYTES;

    if (n > size)
        n = size;
    for (uint64_t i = 0; i < n; i++)
        buf[i] = ring[(end - n + i) % RING_BYTES];
    return (size_t)n;
}
