/* See gdb_packet.h. */
#include "kernel/debug/gdb_packet.h"

#include <string.h>

#define CTRL_C 3

static const char digits[] = "0123456789abcdef";

int gdb_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool gdb_number(const char **p, uint64_t *v)
{
    unsigned n = 0;
    int d;

    for (*v = 0; (d = gdb_digit(**p)) >= 0; (*p)++, n++)
        *v = *v << 4 | (unsigned)d;
    return n && n <= 16;
}

void gdb_to_hex(char *out, const void *data, size_t n)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < n; i++) {
        *out++ = digits[p[i] >> 4];
        *out++ = digits[p[i] & 15];
    }
    *out = '\0';
}

bool gdb_from_hex(void *out, const char *text, size_t n)
{
    uint8_t *p = out;

    for (size_t i = 0; i < n; i++) {
        int high = gdb_digit(text[2 * i]);
        int low = high < 0 ? -1 : gdb_digit(text[2 * i + 1]);

        if (low < 0)
            return false;
        p[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* ---- Framing ------------------------------------------------------------- */

static void begin(struct gdb_reader *r)
{
    r->state = GDB_INSIDE;
    r->len = 0;
    r->sum = 0;
    r->is_bad = false;
}

static enum gdb_input outside(struct gdb_reader *r, uint8_t c)
{
    if (c == '$')
        begin(r);
    else if (c == '-')
        return GDB_NAK;
    else if (c == CTRL_C)
        return GDB_INTERRUPT;
    return GDB_MORE;            /* + and noise */
}

static void inside(struct gdb_reader *r, uint8_t c)
{
    if (c == '$') {             /* the end of the last one was lost */
        begin(r);
    } else if (c == '#') {
        r->state = GDB_SUM_HIGH;
    } else if (r->len == GDB_PACKET) {
        r->is_bad = true;
    } else {
        r->data[r->len++] = (char)c;
        r->sum = (uint8_t)(r->sum + c);
    }
}

/* A digit of the checksum. */
static void take_sum(struct gdb_reader *r, uint8_t c)
{
    int d = gdb_digit((char)c);

    r->is_bad |= d < 0;
    r->told = (uint8_t)(r->told << 4 | (d & 15));
}

enum gdb_input gdb_reader_take(struct gdb_reader *r, uint8_t c)
{
    switch (r->state) {
    case GDB_OUTSIDE:
        return outside(r, c);
    case GDB_INSIDE:
        inside(r, c);
        return GDB_MORE;
    case GDB_SUM_HIGH:
        take_sum(r, c);
        r->state = GDB_SUM_LOW;
        return GDB_MORE;
    case GDB_SUM_LOW:
        break;
    }
    take_sum(r, c);
    r->state = GDB_OUTSIDE;
    r->data[r->len] = '\0';
    return r->is_bad || r->told != r->sum ? GDB_DAMAGED : GDB_COMMAND;
}

size_t gdb_frame(char out[GDB_FRAME], const char *data, size_t len)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + (uint8_t)data[i]);
    out[0] = '$';
    memcpy(out + 1, data, len);
    out[len + 1] = '#';
    out[len + 2] = digits[sum >> 4];
    out[len + 3] = digits[sum & 15];
    return len + 4;
}
