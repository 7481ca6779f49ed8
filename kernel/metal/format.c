/* See format.h. */
#include "kernel/metal/format.h"

#include <stdbool.h>
#include <stdint.h>

struct out {
    char *buf;
    size_t size, used;
};

struct spec {
    bool left, zero, plus, space, alternate;
    int width, precision;       /* precision -1: not given */
    int length;                 /* -2 hh, -1 h, 0 int, 1 l and the like */
};

static void put(struct out *o, char c)
{
    if (o->used + 1 < o->size)
        o->buf[o->used++] = c;
}

static void pad(struct out *o, char c, int n)
{
    /* The room left bounds the work that a wild width can ask for. */
    while (n-- > 0 && o->used + 1 < o->size)
        put(o, c);
}

static void put_field(struct out *o, const struct spec *s, const char *prefix,
                      int zeros, const char *text, int len)
{
    int prefix_len = 0;

    while (prefix[prefix_len])
        prefix_len++;
    if (!s->left)
        pad(o, ' ', s->width - prefix_len - zeros - len);
    for (int i = 0; i < prefix_len; i++)
        put(o, prefix[i]);
    pad(o, '0', zeros);
    for (int i = 0; i < len; i++)
        put(o, text[i]);
    if (s->left)
        pad(o, ' ', s->width - prefix_len - zeros - len);
}

static void put_number(struct out *o, const struct spec *s, uint64_t v,
                       unsigned base, bool upper, const char *prefix)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[24];
    int at = sizeof text, len, zeros = 0, prefix_len = 0;

    while (v) {
        text[--at] = digits[v % base];
        v /= base;
    }
    len = (int)sizeof text - at;
    if (!len && s->precision != 0) {
        text[--at] = '0';
        len = 1;
    }
    while (prefix[prefix_len])
        prefix_len++;
    if (s->precision >= 0)
        zeros = s->precision > len ? s->precision - len : 0;
    else if (s->zero && !s->left && s->width > prefix_len + len)
        zeros = s->width - prefix_len - len;
    put_field(o, s, prefix, zeros, text + at, len);
}

static uint64_t narrow_unsigned(uint64_t v, int length)
{
    return length == -2 ? (uint8_t)v : length == -1 ? (uint16_t)v
         : length == 0 ? (uint32_t)v : v;
}

static int64_t narrow_signed(int64_t v, int length)
{
    return length == -2 ? (int8_t)v : length == -1 ? (int16_t)v
         : length == 0 ? (int32_t)v : v;
}

static void put_signed(struct out *o, const struct spec *s, int64_t v)
{
    const char *sign = v < 0 ? "-" : s->plus ? "+" : s->space ? " " : "";

    put_number(o, s, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, false, sign);
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
    int len = 0;

    if (!text)
        text = "(null)";
    while ((s->precision < 0 || len < s->precision) && text[len])
        len++;
    put_field(o, s, "", 0, text, len);
}

static int parse_number(const char **fmt)
{
    int n = 0;

    while (**fmt >= '0' && **fmt <= '9' && n < 100000)
        n = n * 10 + *(*fmt)++ - '0';
    return n;
}

static void parse_flags(const char **fmt, struct spec *s)
{
    for (;; (*fmt)++)
        switch (**fmt) {
        case '-': s->left = true; break;
        case '0': s->zero = true; break;
        case '+': s->plus = true; break;
        case ' ': s->space = true; break;
        case '#': s->alternate = true; break;
        default: return;
        }
}

static void parse_length(const char **fmt, struct spec *s)
{
    for (;; (*fmt)++)
        switch (**fmt) {
        case 'h': s->length--; break;
        case 'l': case 'j': case 'z': case 't': s->length = 1; break;
        default: return;
        }
}

/* The part of one conversion; *ap by pointer so that it advances. */
static bool convert(struct out *o, struct spec *s, char c, va_list *ap)
{
    uint64_t u = 0;
    char one;

    switch (c) {
    case 'd': case 'i': case 'u': case 'x': case 'X': case 'o':
        u = s->length > 0 ? va_arg(*ap, uint64_t) : va_arg(*ap, unsigned);
        break;
    }
    switch (c) {
    case 'd': case 'i':
        put_signed(o, s, narrow_signed((int64_t)u, s->length));
        return true;
    case 'u':
        put_number(o, s, narrow_unsigned(u, s->length), 10, false, "");
        return true;
    case 'o':
        put_number(o, s, narrow_unsigned(u, s->length), 8, false, "");
        return true;
    case 'x': case 'X':
        u = narrow_unsigned(u, s->length);
        put_number(o, s, u, 16, c == 'X',
                   s->alternate && u ? c == 'X' ? "0X" : "0x" : "");
        return true;
    case 'p':
        put_number(o, s, (uintptr_t)va_arg(*ap, void *), 16, false, "0x");
        return true;
    case 'c':
        one = (char)va_arg(*ap, int);
        put_field(o, s, "", 0, &one, 1);
        return true;
    case 's':
        put_string(o, s, va_arg(*ap, const char *));
        return true;
    case '%':
        put(o, '%');
        return true;
    }
    return false;
}

struct arguments {
    va_list ap;
};

static const char *conversion(struct out *o, const char *fmt,
                              struct arguments *args)
{
    const char *start = fmt;
    struct spec s = {.precision = -1};

    parse_flags(&fmt, &s);
    if (*fmt == '*') {
        fmt++;
        s.width = va_arg(args->ap, int);
        if (s.width < 0) {
            s.left = true;
            s.width = s.width < -100000 ? 100000 : -s.width;
        }
    } else {
        s.width = parse_number(&fmt);
    }
    if (*fmt == '.') {
        fmt++;
        if (*fmt == '*') {
            fmt++;
            s.precision = va_arg(args->ap, int);
            if (s.precision < 0)
                s.precision = -1;
        } else {
            s.precision = parse_number(&fmt);
        }
    }
    parse_length(&fmt, &s);
    if (*fmt && convert(o, &s, *fmt, &args->ap))
        return fmt + 1;
    put(o, '%');
    return start;
}

size_t format_v(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct out o = {buf, size, 0};
    struct arguments args;

    if (!size)
        return 0;
    va_copy(args.ap, ap);
    while (*fmt) {
        if (*fmt == '%')
            fmt = conversion(&o, fmt + 1, &args);
        else
            put(&o, *fmt++);
    }
    va_end(args.ap);
    buf[o.used] = '\0';
    return o.used;
}

size_t format(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    size_t n;

    va_start(ap, fmt);
    n = format_v(buf, size, fmt, ap);
    va_end(ap);
    return n;
}
