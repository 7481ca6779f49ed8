/*
 * Text of unknown length into a buffer of fixed size: what does not fit is
 * cut, but counted, so that the caller learns the length wanted.
 */
#ifndef EMU_TEXTBUF_H
#define EMU_TEXTBUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

struct textbuf {
    char *buf;                  /* always NUL-terminated if size > 0 */
    size_t size, wanted;
};

static inline void __attribute__((format(printf, 2, 3)))
text_add(struct textbuf *t, const char *fmt, ...)
{
    size_t room = t->wanted < t->size ? t->size - t->wanted : 0;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(room ? t->buf + t->wanted : NULL, room, fmt, ap);
    va_end(ap);
    if (n > 0)
        t->wanted += (size_t)n;
}

/* Where the text goes on, for another's snprintf of *room bytes. */
static inline char *text_rest(const struct textbuf *t, size_t *room)
{
    *room = t->wanted < t->size ? t->size - t->wanted : 0;
    return *room ? t->buf + t->wanted : NULL;
}

#endif
