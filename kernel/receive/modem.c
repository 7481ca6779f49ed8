/* See modem.h. */
#include "kernel/receive/modem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/platform.h"

enum { SOH = 1, STX = 2, CTRL_C = 3, EOT = 4, ACK = 6, BS = 8, NAK = 21,
       CAN = 24 };
#define CALL 'C'                /* NAK for a sender that is to use a CRC */

#define MS UINT64_C(1000000)
#define CALLS_CRC 20u           /* for the first packet; then for a checksum, */
#define CALLS 60u               /* which YMODEM does not have */
#define TRIES 10u               /* for each packet */
#define END_TRIES 3u            /* for YMODEM's last packet */
#define BEHIND 8u               /* packets of padding behind its file: 1 KiB */

void modem_init(struct modem *m, const struct modem_line *line,
                bool is_ymodem)
{
    *m = (struct modem){
        .line = line, .is_ymodem = is_ymodem, .crc = true,
        .expected = is_ymodem ? 0 : 1, .size = UINT64_MAX, .left = UINT64_MAX,
        .times = { 3000 * MS, 10000 * MS, 1000 * MS, 300 * MS },
    };
}

static int fail(struct modem *m, int error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct modem *m, int error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(m->why, sizeof m->why, fmt, ap);
    va_end(ap);
    return m->error = error;
}

/* ---- The line ------------------------------------------------------------ */

static void put(struct modem *m, uint8_t c)
{
    m->line->write(m->line->ctx, &c, 1);
}

/* A byte that comes within `ns`; -ETIMEDOUT, or the line's error. */
static int get(struct modem *m, uint64_t ns)
{
    if (m->in_at == m->in_len) {
        ssize_t n = m->line->read(m->line->ctx, m->in, sizeof m->in,
                                  platform_now_ns() + ns);

        if (n == -ECANCELED)
            return fail(m, (int)n, "cancelled");
        if (n <= 0)
            return n ? fail(m, (int)n, "the line: %s", strerror((int)-n))
                     : -ETIMEDOUT;
        m->in_at = 0;
        m->in_len = (size_t)n;
    }
    return m->in[m->in_at++];
}

/*
 * What comes is not understood: wait for its end, but not for ever. False:
 * nothing came.
 */
static bool purge(struct modem *m)
{
    uint64_t limit = platform_now_ns() + m->times.packet;
    bool any = false;

    while (get(m, m->times.quiet) >= 0) {
        any = true;
        if (platform_now_ns() >= limit)
            break;
    }
    return any;
}

void modem_close(struct modem *m)
{
    static const uint8_t stop[] = { CAN, CAN, CAN, CAN, CAN, CAN, CAN, CAN,
                                    BS, BS, BS, BS, BS, BS, BS, BS };

    if (!m->ended)
        m->line->write(m->line->ctx, stop, sizeof stop);
    m->ended = true;
}

/* The sender said so, or there is none. */
static int cancelled(struct modem *m, const char *why)
{
    m->ended = true;
    return fail(m, -ECANCELED, "%s", why);
}

/* ---- A packet ------------------------------------------------------------ */

/* CRC-16 with the polynomial x^16 + x^12 + x^5 + 1, from 0. */
static uint16_t crc16(const uint8_t *data, size_t len)
{
    uint16_t crc = 0;

    for (size_t i = 0; i < len; i++) {
        crc ^= data[i] << 8;
        for (unsigned k = 0; k < 8; k++)
            crc = crc << 1 ^ (crc >> 15) * 0x1021;
    }
    return crc;
}

static uint8_t checksum(const uint8_t *data, size_t len)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < len; i++)
        sum += data[i];
    return sum;
}

/* `len` bytes of a packet. 0, -ETIMEDOUT, or the line's error. */
static int get_bytes(struct modem *m, uint8_t *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int c = get(m, m->times.byte);

        if (c < 0)
            return c;
        buf[i] = (uint8_t)c;
    }
    return 0;
}

/*
 * What follows the byte that says how long it is, into `data`. Its number, or
 * -EBADMSG: it was damaged; or the line's error.
 */
static int get_packet(struct modem *m, size_t len)
{
    uint8_t head[2], sum[2];
    int r = get_bytes(m, head, 2);
    bool good;

    if (!r)
        r = get_bytes(m, m->data, len);
    if (!r)
        r = get_bytes(m, sum, m->crc ? 2 : 1);
    if (r)
        return r == -ETIMEDOUT ? -EBADMSG : r;
    good = m->crc ? crc16(m->data, len) == (sum[0] << 8 | sum[1])
                  : checksum(m->data, len) == sum[0];
    return good && (head[0] ^ head[1]) == 0xff ? head[0] : -EBADMSG;
}

enum event { PACKET, END, NOTHING, DAMAGED };

/*
 * The next thing that the sender says within `ns`: for a PACKET, its number and
 * length. Or negative errno.
 */
static int next_event(struct modem *m, uint64_t ns, unsigned *number,
                      size_t *len)
{
    int c = get(m, ns), r;

    switch (c) {
    case SOH:
    case STX:
        *len = c == SOH ? 128 : 1024;
        r = get_packet(m, *len);
        if (r == -EBADMSG)
            break;
        *number = (unsigned)r;
        return r < 0 ? r : PACKET;
    case EOT:
        return END;
    case CAN:
        if (get(m, m->times.byte) == CAN)
            return cancelled(m, "the sender cancelled it");
        break;
    case CTRL_C:
        if (!m->began && !m->is_named)
            return cancelled(m, "cancelled");
        break;
    case -ETIMEDOUT:
        return NOTHING;
    default:
        if (c < 0)
            return c;
    }
    m->damaged++;
    purge(m);
    return m->error ? m->error : DAMAGED;
}

/* ---- The conversation ---------------------------------------------------- */

/* Ask for the first packet, of data or, with YMODEM, of what is sent. */
static void call(struct modem *m, unsigned tries)
{
    m->crc = m->is_ymodem || tries < CALLS_CRC;
    put(m, m->crc ? CALL : NAK);
}

/* It comes again: its acknowledgement was lost. */
static bool is_repeated(const struct modem *m, unsigned number)
{
    return number == (uint8_t)(m->expected - 1) &&
           (m->began || (m->is_ymodem && m->is_named));
}

/*
 * The packet that is expected, into `data`, and its length; 0: the sender has
 * no more; or negative errno. `begins`: it is called for.
 */
static int next_packet(struct modem *m, bool begins)
{
    unsigned limit = begins ? CALLS : TRIES, number = 0;
    size_t len = 0;

    for (unsigned tries = 0; tries < limit; tries++) {
        int e = next_event(m, begins ? m->times.start : m->times.packet,
                           &number, &len);

        if (e == PACKET && number == m->expected)
            return (int)len;
        if (e < 0 || (e == END && (m->is_named || !m->is_ymodem)))
            return e < 0 ? e : 0;
        if (e == PACKET && is_repeated(m, number)) {
            m->repeated++;
            put(m, ACK);
            if (begins)
                call(m, tries);
        } else if (e == PACKET) {
            return fail(m, -EPROTO, "packet %u came in place of %u", number,
                        m->expected);
        } else if (begins) {
            call(m, tries + 1);
        } else {
            put(m, NAK);
        }
    }
    return fail(m, -ETIMEDOUT, begins ? "no sender has begun"
                                      : "the sender has gone, or the line "
                                        "is too bad");
}

/*
 * An EOT may be what noise made of a packet: refused once, the real one comes
 * again, and a packet comes whole. A sender that had an acknowledgement twice
 * says no more, if its EOT was alone. 0: it is the end; a packet's length;
 * negative errno.
 */
static int check_end(struct modem *m)
{
    bool alone = !purge(m);
    int r;

    if (m->error)
        return m->error;
    put(m, NAK);
    r = next_packet(m, false);
    if (r != -ETIMEDOUT || !alone)
        return r;
    m->error = 0;
    return 0;
}

/* YMODEM's packet 0: name, NUL, size in decimal and more. */
static void take_header(struct modem *m, size_t len)
{
    const char *text = (const char *)m->data;
    const char *size = memchr(text, '\0', len);
    uint64_t n = 0;

    snprintf(m->name, sizeof m->name, "%.*s", (int)sizeof m->name - 1, text);
    size = size ? size + 1 : text + len;
    if (size == text + len || *size < '0' || *size > '9')
        return;
    while (size < text + len && *size >= '0' && *size <= '9' &&
           n < UINT64_MAX / 100)
        n = n * 10 + (uint64_t)(*size++ - '0');
    m->size = m->left = n;
}

static int get_header(struct modem *m)
{
    int len;

    call(m, 0);
    len = next_packet(m, true);
    if (len < 0)
        return len;
    m->data[len - 1] = '\0';
    if (!m->data[0])
        return fail(m, -ENOENT, "the sender has no file to send");
    take_header(m, (size_t)len);
    m->is_named = true;
    m->expected = 1;
    put(m, ACK);
    return 0;
}

/*
 * After YMODEM's file: the packet 0 of the next, which must have no name. A
 * sender that says no more has sent it all.
 */
static int finish_batch(struct modem *m)
{
    unsigned number = 1;
    size_t len = 0;
    int e;

    for (unsigned tries = 0; tries < END_TRIES; tries++) {
        put(m, CALL);
        e = next_event(m, m->times.start, &number, &len);
        if (e < 0)
            return e;
        if (e == END)                   /* its acknowledgement was lost */
            put(m, ACK);
        if (e != PACKET || number != 0)
            continue;
        if (m->data[0])
            return fail(m, -EPROTO, "more than one file was sent");
        put(m, ACK);
        break;
    }
    return 0;
}

static int finish(struct modem *m)
{
    int r = 0;

    put(m, ACK);
    if (m->is_ymodem)
        r = finish_batch(m);
    if (!r && m->is_ymodem && m->size != UINT64_MAX && m->left)
        r = fail(m, -EPROTO, "the sender ended %llu bytes too early",
                 (unsigned long long)m->left);
    m->ended = !r;
    return r;
}

static int take_packet(struct modem *m, size_t len)
{
    if (!m->left && ++m->behind > BEHIND)
        return fail(m, -EPROTO, "the sender goes on behind the file's end");
    m->packets++;
    m->began = true;
    m->acknowledge = true;
    m->expected++;
    m->at = 0;
    m->len = len < m->left ? len : m->left;
    if (m->left != UINT64_MAX)
        m->left -= m->len;
    return 0;
}

/* Fill `data`, or find the end. */
static int advance(struct modem *m)
{
    bool begins = !m->began;
    int len;

    if (m->is_ymodem && !m->is_named && get_header(m))
        return m->error;
    if (begins)
        call(m, 0);
    else if (m->acknowledge)
        put(m, ACK);
    m->acknowledge = false;
    len = next_packet(m, begins);
    if (!len)
        len = check_end(m);
    if (len < 0)
        return len;
    if (!len)
        return finish(m);
    return take_packet(m, (size_t)len);
}

ssize_t modem_read(struct modem *m, uint8_t *buf, size_t size)
{
    size_t n;

    while (m->at == m->len && !m->ended && !m->error)
        advance(m);
    if (m->error)
        return m->error;
    n = m->len - m->at < size ? m->len - m->at : size;
    memcpy(buf, m->data + m->at, n);
    m->at += n;
    return (ssize_t)n;
}
