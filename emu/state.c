/* Fields of a section; see state.h. */
#include "emu/state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- Errors -------------------------------------------------------------- */

void state_error(struct state *s, int error, const char *fmt, ...)
{
    va_list args;

    if (s->error)
        return;
    s->error = error;
    va_start(args, fmt);
    vsnprintf(s->why, sizeof s->why, fmt, args);
    va_end(args);
}

void state_refuse(struct state *s, const char *fmt, ...)
{
    char words[sizeof s->why - STATE_NAME - 16];
    va_list args;

    va_start(args, fmt);
    vsnprintf(words, sizeof words, fmt, args);
    va_end(args);
    state_error(s, -EINVAL, "section '%s': %s", s->section, words);
}

/* ---- Bytes --------------------------------------------------------------- */

static void put(struct state *s, const void *p, size_t len)
{
    if (!state_reserve(s, s->len + len))
        return;
    memcpy(s->buf + s->len, p, len);
    s->len += len;
}

/* The next `len` bytes of the payload; NULL: an error, or none are wanted. */
static const uint8_t *take(struct state *s, size_t len)
{
    const uint8_t *p;

    if (s->error || !len)
        return NULL;
    if (len > s->len - s->pos) {
        state_refuse(s, "is shorter than its fields");
        return NULL;
    }
    p = s->buf + s->pos;
    s->pos += len;
    return p;
}

void state_bytes(struct state *s, void *p, size_t len)
{
    const uint8_t *from;

    if (state_saving(s)) {
        put(s, p, len);
        return;
    }
    from = take(s, len);
    if (from)
        memcpy(p, from, len);
    else
        memset(p, 0, len);
}

void state_outside(struct state *s, void *p, size_t len)
{
    if (s->mode == STATE_CHECK)
        take(s, len);
    else if (state_saving(s) || !s->error)
        state_bytes(s, p, len);
}

/* ---- Numbers ------------------------------------------------------------- */

static uint64_t number(struct state *s, uint64_t v, unsigned bytes)
{
    uint8_t b[8];

    for (unsigned i = 0; i < bytes; i++)
        b[i] = (uint8_t)(v >> 8 * i);
    state_bytes(s, b, bytes);
    v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)b[i] << 8 * i;
    return v;
}

void state_u8(struct state *s, uint8_t *v)
{
    *v = (uint8_t)number(s, *v, 1);
}

void state_u16(struct state *s, uint16_t *v)
{
    *v = (uint16_t)number(s, *v, 2);
}

void state_u32(struct state *s, uint32_t *v)
{
    *v = (uint32_t)number(s, *v, 4);
}

void state_u64(struct state *s, uint64_t *v)
{
    *v = number(s, *v, 8);
}

void state_i64(struct state *s, int64_t *v)
{
    *v = (int64_t)number(s, (uint64_t)*v, 8);
}

void state_bool(struct state *s, bool *v)
{
    *v = state_choice(s, state_saving(s) && *v, 1, "a yes or no");
}

/* ---- What is allowed ----------------------------------------------------- */

unsigned state_choice(struct state *s, unsigned v, unsigned max,
                      const char *what)
{
    v = (unsigned)number(s, v, max > 0xff ? 4 : 1);
    if (!state_saving(s) && v > max) {
        state_refuse(s, "%s is out of range: %u of %u", what, v, max);
        v = 0;
    }
    return v;
}

void state_within(struct state *s, int64_t *v, int64_t max, const char *what)
{
    state_i64(s, v);
    if (!state_saving(s) && (*v < -max || *v > max)) {
        state_refuse(s, "%s is out of range", what);
        *v = 0;
    }
}

void state_check(struct state *s, bool ok, const char *what)
{
    if (!state_saving(s) && !ok)
        state_refuse(s, "%s", what);
}

void state_same(struct state *s, uint64_t v, const char *what)
{
    uint64_t there = number(s, v, 8);

    if (!state_saving(s) && there != v)
        state_refuse(s, "%s is %llu there, %llu here", what,
                     (unsigned long long)there, (unsigned long long)v);
}
