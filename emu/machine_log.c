/*
 * What a machine says about its guest: log lines at a limited rate and
 * counters by name. A hostile guest can make either happen as often as it
 * likes, so both are bounded.
 */
#include "emu/machine_log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "emu/machine_internal.h"

#define LOG_BURST 20u
#define LOG_REFILL_NS 500000000ull      /* one more line each half second */
#define LOG_LINE 256u
#define REGISTERS 3072u

typedef void say(void *ctx, const char *line);

static uint64_t log_clock(struct machine *m)
{
    return machine_uses_icount(m)
               ? machine_now(m)
               : m->config.host->clock_ns(m->config.host->ctx);
}

void machine_log_init(struct machine *m)
{
    const struct machine_log_limit full = { 0, LOG_BURST, 0 };

    m->log_limit = m->item_limit = m->reset_limit = full;
}

/* Take a token; false when there is none. */
static bool log_allowed(struct machine *m, struct machine_log_limit *l)
{
    uint64_t now = log_clock(m);

    if (now >= l->refill_at) {
        uint64_t more = 1 + (now - l->refill_at) / LOG_REFILL_NS;

        l->tokens = more > LOG_BURST - l->tokens ? LOG_BURST
                                                 : l->tokens + (unsigned)more;
        l->refill_at = now + LOG_REFILL_NS;
    }
    if (!l->tokens)
        return false;
    l->tokens--;
    return true;
}

/* May a line be said? If so, then first how many could not. */
static bool may_say(struct machine *m, struct machine_log_limit *l, say *say)
{
    char line[LOG_LINE];

    if (!log_allowed(m, l)) {
        l->dropped++;
        return false;
    }
    if (l->dropped) {
        snprintf(line, sizeof line, "(%u lines about this guest left out)",
                 l->dropped);
        l->dropped = 0;
        say(m->config.host->ctx, line);
    }
    return true;
}

void machine_log(struct machine *m, const char *fmt, ...)
{
    const struct machine_host *host = m->config.host;
    char line[LOG_LINE];
    va_list ap;

    if (!host->log || !may_say(m, &m->log_limit, host->log))
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    host->log(host->ctx, line);
}

/* ---- Items ---------------------------------------------------------------- */

static const char left_out[] = "log: lines left out";

/* Counters of what is no guest's mistake, and of what a device does not have. */
static const char *const no_errors[] = {
    left_out, "counters: others", "i6300esb: expired with its output disabled",
    "i8042: key lost, buffer full", "lapic: timer ticks given again",
    "pit: ticks given again", "pvpanic: the guest panicked",
    "rtc: ticks given again", "uart: receiver overrun", "watchdog: expired",
};
static const char *const unimplemented[] = {
    "atapi: unknown packet command", "i8042: unknown command",
    "ide: unknown command", "lapic: SMI, there is no SMM",
    "pm: sleep state that is not there",
};

static bool is_among(const char *name, const char *const *names, size_t count)
{
    while (count && strcmp(name, names[count - 1]))
        count--;
    return count;
}
#define IS_AMONG(name, names) \
    is_among(name, names, sizeof (names) / sizeof *(names))

static say *item_says(const struct machine *m)
{
    const struct machine_host *host = m->config.host;

    return host->log_item ? host->log_item : host->log;
}

static void count(struct machine *m, const char *name, uint64_t n);

static bool item_allowed(struct machine *m, struct machine_log_limit *l)
{
    if (item_says(m) && may_say(m, l, item_says(m)))
        return true;
    count(m, left_out, 1);
    return false;
}

/*
 * What was refused, `where` ("" or ": port ..."), and near which instruction: a
 * translator knows the CPU's place only from time to time.
 */
static void log_refusal(struct machine *m, const char *name, const char *where)
{
    unsigned item = IS_AMONG(name, no_errors) ? 0
                    : IS_AMONG(name, unimplemented) ? MACHINE_LOG_UNIMP
                                                    : MACHINE_LOG_GUEST_ERRORS;
    char line[LOG_LINE];

    if (!(m->log_items & item) || !item_allowed(m, &m->item_limit))
        return;
    snprintf(line, sizeof line, "%s%s, near %04x:%08" PRIx64, name, where,
             m->cpu.seg[CS].sel, m->cpu.rip);
    item_says(m)(m->config.host->ctx, line);
}

void machine_log_items(struct machine *m, unsigned items)
{
    m->log_items = items & MACHINE_LOG_ALL;
}

void machine_log_reset(struct machine *m)
{
    char text[REGISTERS];

    if (!(m->log_items & MACHINE_LOG_CPU_RESET) ||
        !item_allowed(m, &m->reset_limit))
        return;
    cpu_format_registers(&m->cpu, text, sizeof text);
    item_says(m)(m->config.host->ctx, "CPU reset, its registers before:");
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        item_says(m)(m->config.host->ctx, line);
    }
}

/* ---- Counters ------------------------------------------------------------- */

static void count(struct machine *m, const char *name, uint64_t n)
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

void machine_count(struct machine *m, const char *name)
{
    machine_count_many(m, name, 1);
}

void machine_count_many(struct machine *m, const char *name, uint64_t n)
{
    count(m, name, n);
    if (m->log_items)
        log_refusal(m, name, "");
}

void machine_count_access(struct machine *m, const char *name, uint64_t addr,
                          unsigned size)
{
    char where[64];

    count(m, name, 1);
    if (!m->log_items)
        return;
    snprintf(where, sizeof where, ": %u byte%s at 0x%" PRIx64, size,
             size == 1 ? "" : "s", addr);
    log_refusal(m, name, where);
}
