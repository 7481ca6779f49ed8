/* See ranges.h. */
#include "kernel/metal/ranges.h"

#include <string.h>

static void delete_at(struct ranges *s, unsigned i)
{
    memmove(&s->r[i], &s->r[i + 1], (s->count - i - 1) * sizeof s->r[0]);
    s->count--;
}

static bool insert_at(struct ranges *s, unsigned i, uint64_t base,
                      uint64_t end)
{
    if (s->count == RANGES_MAX) {
        s->lost += end - base;
        return false;
    }
    memmove(&s->r[i + 1], &s->r[i], (s->count - i) * sizeof s->r[0]);
    s->r[i].base = base;
    s->r[i].end = end;
    s->count++;
    return true;
}

static uint64_t end_of(uint64_t base, uint64_t length)
{
    return base + length < base ? UINT64_MAX : base + length;
}

void ranges_add(struct ranges *s, uint64_t base, uint64_t length)
{
    uint64_t end = end_of(base, length);
    unsigned i = 0;

    if (base == end)
        return;
    while (i < s->count && s->r[i].end < base)
        i++;
    /* Swallow all that touch [base, end). */
    while (i < s->count && s->r[i].base <= end) {
        if (s->r[i].base < base)
            base = s->r[i].base;
        if (s->r[i].end > end)
            end = s->r[i].end;
        delete_at(s, i);
    }
    insert_at(s, i, base, end);
}

void ranges_remove(struct ranges *s, uint64_t base, uint64_t length)
{
    uint64_t end = end_of(base, length);

    for (unsigned i = 0; i < s->count && base != end;) {
        uint64_t r_base = s->r[i].base, r_end = s->r[i].end;

        if (r_end <= base || r_base >= end) {
            i++;
            continue;
        }
        delete_at(s, i);
        if (r_base < base)
            i += insert_at(s, i, r_base, base);
        if (r_end > end)
            i += insert_at(s, i, end, r_end);
    }
}

uint64_t ranges_take(struct ranges *s, uint64_t length, uint64_t align,
                     uint64_t below)
{
    for (unsigned i = s->count; i-- > 0 && length;) {
        uint64_t end = s->r[i].end < below ? s->r[i].end : below, at;

        if (end < length)
            continue;
        at = (end - length) & ~(align - 1);
        if (at < s->r[i].base)
            continue;
        ranges_remove(s, at, length);
        return at;
    }
    return UINT64_MAX;
}

uint64_t ranges_total(const struct ranges *s)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < s->count; i++)
        total += s->r[i].end - s->r[i].base;
    return total;
}
