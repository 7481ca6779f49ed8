/* See serial_log.h. */
#include "kernel/console/serial_log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/platform.h"

#define NOTE_MAX 256u
#define ESC 0x1b

struct serial_log {
    uint8_t *data;              /* SERIAL_LOG_BYTES */
    uint64_t end;               /* bytes ever put */
};

struct serial_log *serial_log_create(void)
{
    struct serial_log *l = calloc(1, sizeof *l);

    if (l && !(l->data = platform_pages_alloc(SERIAL_LOG_BYTES))) {
        free(l);
        return NULL;
    }
    return l;
}

void serial_log_destroy(struct serial_log *l)
{
    if (!l)
        return;
    platform_pages_free(l->data, SERIAL_LOG_BYTES);
    free(l);
}

void serial_log_put(struct serial_log *l, const void *data, size_t len)
{
    const uint8_t *p = data;

    while (len) {
        size_t at = l->end % SERIAL_LOG_BYTES;
        size_t n = len < SERIAL_LOG_BYTES - at ? len : SERIAL_LOG_BYTES - at;

        memcpy(l->data + at, p, n);
        l->end += n;
        p += n;
        len -= n;
    }
}

static uint8_t byte_at(const struct serial_log *l, uint64_t place)
{
    return l->data[place % SERIAL_LOG_BYTES];
}

void serial_log_note(struct serial_log *l, const char *fmt, ...)
{
    char line[NOTE_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (l->end && byte_at(l, l->end - 1) != '\n')
        serial_log_put(l, "\r\n", 2);
    serial_log_put(l, line, strlen(line));
    serial_log_put(l, "\r\n", 2);
}

uint64_t serial_log_end(const struct serial_log *l) { return l->end; }

uint64_t serial_log_start(const struct serial_log *l)
{
    return l->end > SERIAL_LOG_BYTES ? l->end - SERIAL_LOG_BYTES : 0;
}

uint64_t serial_log_last(const struct serial_log *l, unsigned lines)
{
    uint64_t start = serial_log_start(l), at = l->end;

    if (!lines)
        return at;
    /* The end of the last line is no line of its own. */
    if (at > start && byte_at(l, at - 1) == '\n')
        at--;
    for (; at > start; at--)
        if (byte_at(l, at - 1) == '\n' && !--lines)
            break;
    return at;
}

size_t serial_log_read(const struct serial_log *l, uint64_t *at, void *buf,
                       size_t size)
{
    uint64_t start = serial_log_start(l);
    uint8_t *out = buf;
    size_t done = 0;

    if (*at < start)
        *at = start;
    while (done < size && *at < l->end) {
        size_t from = *at % SERIAL_LOG_BYTES, n = size - done;

        if (n > l->end - *at)
            n = (size_t)(l->end - *at);
        if (n > SERIAL_LOG_BYTES - from)
            n = SERIAL_LOG_BYTES - from;
        memcpy(out + done, l->data + from, n);
        *at += n;
        done += n;
    }
    return done;
}

/* ---- As text ----------------------------------------------------------- */

/*
 * What ends an escape sequence (ECMA-48, 5.3 to 5.6): of a CSI its final byte,
 * of a string BEL or ESC \, else the first byte that is no intermediate one.
 */
enum escape { ESC_NONE, ESC_BEGUN, ESC_CSI, ESC_STRING, ESC_STRING_END };

static enum escape escape_next(enum escape state, uint8_t c)
{
    switch (state) {
    case ESC_BEGUN:
        if (c == '[')
            return ESC_CSI;
        if (strchr("]PX^_", c) && c)
            return ESC_STRING;
        return c >= 0x20 && c < 0x30 ? ESC_BEGUN : ESC_NONE;
    case ESC_CSI:
        return c >= 0x40 || c < 0x20 ? ESC_NONE : ESC_CSI;
    case ESC_STRING:
        /* One that is never ended ends with its line. */
        return c == 7 || c == '\n' ? ESC_NONE
               : c == ESC ? ESC_STRING_END : ESC_STRING;
    default:
        return ESC_NONE;
    }
}

static bool is_text(uint8_t c)
{
    return c == '\n' || c == '\t' || (c >= ' ' && c != 0x7f);
}

char *serial_log_text(const struct serial_log *l, uint64_t at)
{
    uint64_t start = serial_log_start(l), from = at < start ? start : at;
    char *text = malloc((size_t)(l->end - from) + 1);
    enum escape state = ESC_NONE;
    size_t n = 0;

    for (; text && from < l->end; from++) {
        uint8_t c = byte_at(l, from);
        bool was_none = state == ESC_NONE;

        state = c == ESC && state != ESC_STRING ? ESC_BEGUN
                                                 : escape_next(state, c);
        if ((was_none || c == '\n') && is_text(c))
            text[n++] = (char)c;
    }
    if (text)
        text[n] = '\0';
    return text;
}
