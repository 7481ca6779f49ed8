/* See log.h. */
#include "kernel/metal/log.h"

#include <stdint.h>

#include "kernel/log_ring.h"
#include "kernel/metal/format.h"
#include "kernel/metal/percpu.h"
#include "kernel/metal/spinlock.h"
#include "kernel/platform.h"

#define MAX_SINKS 2u

static struct log_ring ring;
static struct spinlock lock;    /* who writes it */
static struct {
    log_sink write;
    uint64_t at;                /* shown so far */
} sinks[MAX_SINKS];
static unsigned sink_count;
static bool flushing;

void log_flush(void)
{
    char line[LOG_LINE];
    size_t len;

    if (flushing || this_cpu()->index)
        return;
    flushing = true;
    for (unsigned i = 0; i < sink_count; i++) {
        uint64_t next;

        while ((next = log_ring_line(&ring, sinks[i].at, line, sizeof line,
                                     &len)) != sinks[i].at) {
            if (!sinks[i].write(line, len))
                break;
            sinks[i].at = next;
        }
    }
    flushing = false;
}

void log_add_sink(log_sink sink)
{
    if (sink_count == MAX_SINKS)
        return;
    sinks[sink_count].write = sink;
    sinks[sink_count++].at = 0;
    log_flush();
}

void platform_vlog(const char *fmt, va_list ap)
{
    char *line = this_cpu()->log_line;
    size_t len = format_v(line, sizeof this_cpu()->log_line, fmt, ap);
    uint64_t flags = spin_lock(&lock);

    log_ring_add(&ring, line, len);
    spin_unlock(&lock, flags);
    if (this_cpu()->index)
        platform_wake();        /* who shows it */
    else
        log_flush();
}

size_t platform_log_read(char *buf, size_t size)
{
    return log_ring_newest(&ring, 0, buf, size);
}
