/* See autostart.h. */
#include "kernel/watch/autostart.h"

#include <stdio.h>
#include <string.h>

#include "kernel/guest.h"

#define SECOND UINT64_C(1000000000)

/* By name; `count`: there is none. */
static unsigned find(const struct options *options, unsigned count,
                     const char *name)
{
    unsigned i = 0;

    while (i < count && strcmp(options[i].name, name))
        i++;
    return i;
}

/* What machine i starts after by itself, or `count`: nothing. */
static unsigned before(const struct options *options, unsigned count,
                       unsigned i)
{
    if (options[i].no_autostart)
        return count;
    if (options[i].start_after)
        return find(options, count, options[i].start_after);
    while (i-- > 0)
        if (!options[i].no_autostart)
            return i;
    return count;
}

bool autostart_check(const struct options *options, unsigned count, char *why,
                     size_t size)
{
    for (unsigned i = 0; i < count; i++) {
        const char *name = options[i].start_after;
        unsigned at = i, steps = 0;

        if (name && find(options, count, name) == count) {
            snprintf(why, size, "-start-after %.28s: there is no such machine",
                     name);
            return false;
        }
        while (at < count && steps++ <= count)
            at = before(options, count, at);
        if (at < count) {
            snprintf(why, size, "[%.28s]: it would start after itself: see "
                     "-start-after", options[i].name);
            return false;
        }
    }
    return true;
}

void autostart_hold(struct guest *g, bool is_first)
{
    const struct options *o = g->options;

    g->run.start_ns = UINT64_MAX;
    g->run.held = o->no_autostart || o->start_delay || o->start_after ||
                  !is_first;
}

/* What it starts after has begun to; it may be nothing. */
static bool may_count(struct guest *const *guests, unsigned count, unsigned i)
{
    const char *name = guests[i]->options->start_after;

    if (!name) {
        while (i-- > 0)
            if (!guests[i]->options->no_autostart)
                return !guests[i]->run.held;
        return true;
    }
    for (unsigned k = 0; k < count; k++)
        if (!strcmp(guests[k]->options->name, name))
            return !guests[k]->run.held;
    return true;
}

uint64_t autostart_poll(struct guest *const *guests, unsigned count,
                        uint64_t now)
{
    uint64_t next = UINT64_MAX;

    for (unsigned i = 0; i < count; i++) {
        struct guest *g = guests[i];

        if (!g->run.held || g->options->no_autostart)
            continue;
        if (g->run.start_ns == UINT64_MAX && may_count(guests, count, i))
            g->run.start_ns = now + g->options->start_delay * SECOND;
        if (now >= g->run.start_ns) {
            guest_release(g);
            /* One before it in the list may wait for this one. */
            next = now;
        } else if (g->run.start_ns < next) {
            next = g->run.start_ns;
        }
    }
    return next;
}
