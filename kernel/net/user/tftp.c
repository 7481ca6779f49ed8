/* See tftp.h. */
#include "kernel/net/user/tftp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kernel/net/bytes.h"

enum { RRQ = 1, WRQ, DATA, ACK, ERROR, OACK };
enum { NOT_DEFINED, NO_FILE, ACCESS, NO_SPACE, ILLEGAL };
#define BLOCK_DEFAULT 512u
#define BLOCK_MIN 8u            /* RFC 2348 */

/* ---- Replies ------------------------------------------------------------- */

static size_t error(uint8_t *reply, uint16_t code, const char *text)
{
    put16(reply, ERROR);
    put16(reply + 2, code);
    return 4 + snprintf((char *)reply + 4, 100, "%s", text) + 1;
}

static void end(struct tftp_session *s)
{
    platform_file_close(&s->file);
    s->used = false;
}

/* Bytes in the block; fewer than its size in the last, which always comes. */
static size_t block_bytes(const struct tftp_session *s, uint64_t block)
{
    uint64_t at = (block - 1) * s->block_size;
    uint64_t left = at < s->file.size ? s->file.size - at : 0;

    return left < s->block_size ? left : s->block_size;
}

static uint64_t last_block(const struct tftp_session *s)
{
    return s->file.size / s->block_size + 1;
}

static size_t send_block(struct tftp *t, struct tftp_session *s,
                         uint64_t now_ms, uint8_t *reply)
{
    size_t n = block_bytes(s, s->block);

    put16(reply, DATA);
    put16(reply + 2, (uint16_t)s->block);   /* it wraps: all clients do */
    if (platform_file_read(&s->file, (s->block - 1) * s->block_size, reply + 4,
                           n)) {
        t->read_errors++;
        end(s);
        return error(reply, NOT_DEFINED, "read error");
    }
    t->blocks++;
    s->sent_ms = now_ms;
    return 4 + n;
}

/* ---- Requests ------------------------------------------------------------ */

static struct tftp_session *find(struct tftp *t, uint32_t client,
                                 uint16_t port)
{
    for (unsigned i = 0; i < TFTP_SESSIONS; i++) {
        struct tftp_session *s = &t->session[i];

        if (s->used && s->client == client && s->port == port)
            return s;
    }
    return NULL;
}

/* A free one, or the one that is silent for longest, if for long. */
static struct tftp_session *find_free(struct tftp *t, uint64_t now_ms)
{
    struct tftp_session *oldest = t->session;

    for (unsigned i = 0; i < TFTP_SESSIONS; i++) {
        struct tftp_session *s = &t->session[i];

        if (!s->used)
            return s;
        if (s->seen_ms < oldest->seen_ms)
            oldest = s;
    }
    if (now_ms - oldest->seen_ms < TFTP_IDLE_MS)
        return NULL;
    end(oldest);
    return oldest;
}

/* The text at *at, *at then behind its zero; NULL: it has none. */
static const char *take_text(const uint8_t *data, size_t len, size_t *at)
{
    const char *text = (const char *)data + *at;
    const uint8_t *zero = memchr(data + *at, 0, len - *at);

    if (!zero)
        return NULL;
    *at = zero - data + 1;
    return text;
}

/*
 * A name stays in the folder: no part of it is "..", and only printable ASCII.
 * A slash in front, as boot ROMs send it, means the folder.
 */
static bool name_is_harmless(const char *name)
{
    for (const char *p = name; *p; p++)
        if (*p < ' ' || *p > '~' || *p == '\\')
            return false;
    for (const char *p = name; *p; ) {
        size_t n = strcspn(p, "/");

        if (n == 2 && p[0] == '.' && p[1] == '.')
            return false;
        p += n;
        p += *p == '/';
    }
    return *name != '\0';
}

/* False: an error is in `reply`, of *n bytes. */
static bool open_file(struct tftp *t, struct tftp_session *s, const char *name,
                      uint8_t *reply, size_t *n)
{
    int len;

    while (*name == '/')
        name++;
    if (!name_is_harmless(name)) {
        t->refused_name++;
        *n = error(reply, ACCESS, "no such name here");
        return false;
    }
    len = snprintf(s->name, sizeof s->name, "%s%s%s", t->folder,
                   *t->folder ? "/" : "", name);
    if ((size_t)len >= sizeof s->name ||
        platform_file_open(s->name, false, &s->file)) {
        t->no_file++;
        *n = error(reply, NO_FILE, "no such file");
        return false;
    }
    return true;
}

static void acknowledge(uint8_t *reply, size_t *n, const char *name,
                        unsigned long long value)
{
    *n += sprintf((char *)reply + *n, "%s", name) + 1;
    *n += sprintf((char *)reply + *n, "%llu", value) + 1;
}

/* Digits and nothing else; 0: it is none, or 0. */
static unsigned long number(const char *text)
{
    return text[strspn(text, "0123456789")] ? 0 : strtoul(text, NULL, 10);
}

/*
 * RFC 2347: options that are known and make sense are acknowledged, the others
 * passed over. The length of an OACK in `reply`, or 0.
 */
static size_t read_options(struct tftp_session *s, const uint8_t *data,
                           size_t len, size_t at, uint8_t *reply)
{
    bool block = false, size = false;
    size_t n = 2;

    while (at < len) {
        const char *name = take_text(data, len, &at);
        const char *value = name && at < len ? take_text(data, len, &at)
                                             : NULL;

        if (!value)
            break;
        if (!strcasecmp(name, "blksize") && !block &&
            number(value) >= BLOCK_MIN) {
            block = true;
            s->block_size = number(value) < TFTP_BLOCK_MAX ? number(value)
                                                           : TFTP_BLOCK_MAX;
            acknowledge(reply, &n, "blksize", s->block_size);
        } else if (!strcasecmp(name, "tsize") && !size) {
            size = true;
            acknowledge(reply, &n, "tsize", s->file.size);
        }
    }
    put16(reply, OACK);
    return block || size ? n : 0;
}

static size_t read_request(struct tftp *t, uint32_t client, uint16_t port,
                           const uint8_t *data, size_t len, uint64_t now_ms,
                           uint8_t *reply)
{
    size_t at = 2, n;
    const char *name = take_text(data, len, &at);
    const char *mode = name && at < len ? take_text(data, len, &at) : NULL;
    struct tftp_session *s;

    if (!mode) {
        t->malformed++;
        return error(reply, ILLEGAL, "malformed request");
    }
    if (strcasecmp(mode, "octet")) {
        t->refused_mode++;
        return error(reply, ILLEGAL, "only octet mode");
    }
    s = find(t, client, port);
    if (s)
        end(s);                 /* the request again: its answer was lost */
    else if (!(s = find_free(t, now_ms))) {
        t->no_session++;
        return error(reply, NOT_DEFINED, "too many transfers");
    }
    if (!open_file(t, s, name, reply, &n))
        return n;
    t->requests++;
    s->used = true;
    s->client = client;
    s->port = port;
    s->seen_ms = now_ms;
    s->block_size = BLOCK_DEFAULT;
    s->block = 0;
    n = read_options(s, data, len, at, reply);
    if (n)
        return n;
    s->block = 1;
    return send_block(t, s, now_ms, reply);
}

/*
 * ACK of the block sent last: the next. Of the one before: the last once more,
 * as that is how a client says that it waits, but not at once (RFC 1123
 * 4.2.3.1: an ACK that the network doubled would double all that follows).
 * Numbers are of 16 bits, so that they are compared in these.
 */
static size_t acknowledged(struct tftp *t, struct tftp_session *s,
                           uint16_t block, uint64_t now_ms, uint8_t *reply)
{
    s->seen_ms = now_ms;
    if (block == (uint16_t)s->block) {
        if (s->block && s->block == last_block(s)) {
            t->finished++;
            end(s);
            return 0;
        }
        s->block++;
    } else if (!s->block || block != (uint16_t)(s->block - 1)) {
        t->stray++;
        return 0;
    } else if (now_ms - s->sent_ms < TFTP_AGAIN_MS) {
        t->duplicates++;
        return 0;
    }
    return send_block(t, s, now_ms, reply);
}

size_t tftp_input(struct tftp *t, uint32_t client, uint16_t port,
                  const uint8_t *data, size_t len, uint64_t now_ms,
                  uint8_t reply[TFTP_REPLY_MAX])
{
    struct tftp_session *s;

    if (len < 4) {
        t->malformed++;
        return 0;
    }
    switch (get16(data)) {
    case RRQ:
        return read_request(t, client, port, data, len, now_ms, reply);
    case WRQ:
        t->refused_mode++;
        return error(reply, ACCESS, "files are read only");
    case ACK:
    case ERROR:
        s = find(t, client, port);
        if (!s) {
            t->stray++;
            return 0;
        }
        if (get16(data) == ACK)
            return acknowledged(t, s, get16(data + 2), now_ms, reply);
        end(s);
        return 0;
    default:
        t->malformed++;
        return 0;
    }
}

void tftp_fini(struct tftp *t)
{
    for (unsigned i = 0; i < TFTP_SESSIONS; i++)
        if (t->session[i].used)
            end(&t->session[i]);
}
