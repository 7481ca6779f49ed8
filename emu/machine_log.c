/*
 * What a machine says about its guest: log lines at a limited rate and
 * counters by name. A hostile guest can make either happen as often as it
 * likes, so both are bounded.
 */
#include "emu/machine_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LOG_BURST 20u
#define LOG_REFILL_NS 500000000ull      /* one more line each half second */
#define LOG_LINE 256u

static uint64_t log_clock(struct machine *m)
{
    return machine_uses_icount(m)
               ? machine_now(m)
               : m->config.host->clock_ns(m->config.host->ctx);
}

void machine_log_init(struct machine *m)
{
    m->log_tokens = LOG_BURST;
    m->log_refill_at = 0;
}

/* Take a token; false when there is none. */
static bool log_allowed(struct machine *m)
{
    uint64_t now = log_clock(m);

    if (now >= m->log_refill_at) {
        uint64_t more = 1 + (now - m->log_refill_at) / LOG_REFILL_NS;

        m->log_tokens = more > LOG_BURST - m->log_tokens
                            ? LOG_BURST : m->log_tokens + (unsigned)more;
        m->log_refill_at = now + LOG_REFILL_NS;
    }
    if (!m->log_tokens)
        return false;
    m->log_tokens--;
    return true;
}

void machine_log(struct machine *m, const char *fmt, ...)
{
    const struct machine_host *host = m->config.host;
    char line[LOG_LINE];
    va_list ap;

    if (!host->log)
        return;
    if (!log_allowed(m)) {
        m->log_dropped++;
        return;
    }
    if (m->log_dropped) {
        snprintf(line, sizeof line, "(%u lines about this guest left out)",
                 m->log_dropped);
        m->log_dropped = 0;
        host->log(host->ctx, line);
    }
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    host->log(host->ctx, line);
}

void machine_count(struct machine *m, const char *name)
{
    machine_count_many(m, name, 1);
}

void machine_count_many(struct machine *m, const char *name, uint64_t n)
{
    unsigned i;

    for (i = 0; i < m->counter_count; i++)
        if (m->counter[i].name == name)
            goto found;
    for (i = 0; i < m->counter_count; i++)
        if (!strcmp(m->counter[i].name, name))
            goto found;
    if (i == MACHINE_COUNTERS - 1) {
        name = "counters: others";
    } else if (i == MACHINE_COUNTERS) {
        i = MACHINE_COUNTERS - 1;
        goto found;
    }
    m->counter[i].name = name;
    m->counter_count++;
found:
    m->counter[i].n += n;
}
