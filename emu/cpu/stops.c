/* See stops.h. */
#include "emu/cpu/stops.h"

#include <errno.h>

#include "emu/cpu/debug.h"

#define PAGE_OFFSET 0xfffu

static void note_kinds(struct cpu_stops *s)
{
    s->breaks = s->watches = false;
    for (unsigned i = 0; i < s->count; i++) {
        if (s->stop[i].kind == CPU_STOP_BREAK)
            s->breaks = true;
        else
            s->watches = true;
    }
}

/* Which one is it? s->count: none. A breakpoint is known by its address. */
static unsigned find(const struct cpu_stops *s, enum cpu_stop_kind kind,
                     uint64_t addr, uint64_t len)
{
    unsigned i;

    for (i = 0; i < s->count; i++) {
        const struct cpu_stop *p = &s->stop[i];

        if (p->kind == kind && p->addr == addr &&
            (kind == CPU_STOP_BREAK || p->len == len))
            break;
    }
    return i;
}

int cpu_stops_add(struct cpu_stops *s, enum cpu_stop_kind kind, uint64_t addr,
                  uint64_t len)
{
    if (kind == CPU_STOP_BREAK)
        len = 1;
    else if (!len || len > CPU_WATCH_MAX || addr + len < addr)
        return -EINVAL;
    if (find(s, kind, addr, len) < s->count)
        return 0;
    if (s->count == CPU_STOPS)
        return -ENOSPC;
    s->stop[s->count++] = (struct cpu_stop){ addr, (uint32_t)len,
                                             (uint8_t)kind };
    note_kinds(s);
    return 0;
}

int cpu_stops_remove(struct cpu_stops *s, enum cpu_stop_kind kind,
                     uint64_t addr, uint64_t len)
{
    unsigned i = find(s, kind, addr, len);

    if (i == s->count)
        return -ENOENT;
    s->stop[i] = s->stop[--s->count];
    note_kinds(s);
    return 0;
}

bool cpu_stops_break(const struct cpu_stops *s, uint64_t lin)
{
    return s->breaks && find(s, CPU_STOP_BREAK, lin, 1) < s->count;
}

bool cpu_stops_near(const struct cpu_stops *s, uint64_t lin)
{
    for (unsigned i = 0; s->breaks && i < s->count; i++)
        if (s->stop[i].kind == CPU_STOP_BREAK &&
            !((s->stop[i].addr ^ lin) & PAGE_OFFSET))
            return true;
    return false;
}

static bool meets(const struct cpu_stop *p, uint64_t lin, unsigned n)
{
    return p->kind != CPU_STOP_BREAK && lin < p->addr + p->len &&
           p->addr < lin + n;
}

unsigned cpu_stops_watched(const struct cpu_stops *s, uint64_t lin,
                           unsigned n)
{
    unsigned watched = 0;

    for (unsigned i = 0; s->watches && i < s->count; i++) {
        if (!meets(&s->stop[i], lin, n))
            continue;
        /* A page that the host may write it may read, too. */
        watched |= DEBUG_WATCH_WRITE;
        if (s->stop[i].kind != CPU_STOP_WRITE)
            watched |= DEBUG_WATCH_READ;
    }
    return watched;
}

bool cpu_stops_access(struct cpu_stops *s, uint64_t lin, unsigned n,
                      bool write)
{
    for (unsigned i = 0; s->watches && i < s->count; i++) {
        const struct cpu_stop *p = &s->stop[i];

        if (!meets(p, lin, n) ||
            p->kind == (write ? CPU_STOP_READ : CPU_STOP_WRITE))
            continue;
        s->watch_hit = true;
        s->hit = *p;
        return true;
    }
    return false;
}

bool cpu_stops_due(struct cpu_stops *s)
{
    if (s->watch_hit)
        s->reason = CPU_WATCHED;
    else if (s->step && s->went_on)
        s->reason = CPU_STEPPED;
    else
        return false;
    s->watch_hit = s->went_on = false;
    return true;
}
