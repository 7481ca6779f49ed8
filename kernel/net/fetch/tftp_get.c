/*
 * A file by TFTP (RFC 1350), with blksize and tsize (RFC 2347 to 2349). What
 * finds no room in the ring is acknowledged once there is, so that the server
 * waits. Block numbers wrap, as servers' do.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kernel/net/bytes.h"
#include "kernel/net/fetch/fetch_impl.h"
#include "kernel/net/transport.h"
#include "kernel/platform.h"
#include "lwip/timeouts.h"

enum { RRQ = 1, WRQ, DATA, ACK, ERROR, OACK };
enum { UNKNOWN_TID = 5, REFUSED_OPTION = 8 };
#define BLOCK_DEFAULT 512u
#define BLOCK_MIN 8u            /* RFC 2348 */
#define BLOCK_ASKED 1428u       /* so that a datagram is one Ethernet frame */
#define TRIES 6u
#define WAIT_MS 1000u           /* for the first; each time as long again */

struct tftp_get {
    struct fetch fetch;         /* first */
    struct dgram *dgram;
    struct endpoint server;     /* port 69 until it answered from its own */
    bool answered;              /* by an OACK or a block */
    bool timer_runs;
    unsigned tries;
    uint16_t block;             /* the last that was taken */
    size_t block_size;
    uint64_t bytes;             /* of the file, taken */
    uint8_t sent[600];          /* the last packet, to be sent again */
    size_t sent_len;
    uint8_t held[BLOCK_ASKED];  /* a block that found no room */
    size_t held_len;
    bool is_held;
};

static void wait_for_answer(struct tftp_get *g);

/* ---- Sending ------------------------------------------------------------- */

static void send_again(struct tftp_get *g)
{
    int r = dgram_send(g->dgram, g->server, g->sent, g->sent_len);

    /* No room is like a datagram that was lost. */
    if (r && r != -EAGAIN)
        fetch_fail(&g->fetch, r, "no way to %.60s: %s", g->fetch.url.host,
                   strerror(-r));
    else
        wait_for_answer(g);
}

static void on_timer(void *ctx)
{
    struct tftp_get *g = ctx;

    g->timer_runs = false;
    if (atomic_load(&g->fetch.state) != FETCH_RUNS)
        return;
    if (++g->tries < TRIES)
        send_again(g);
    else
        fetch_fail(&g->fetch, -ETIMEDOUT, "%.60s %s", g->fetch.url.host,
                   g->answered ? "does not go on" : "does not answer");
}

static void stop_timer(struct tftp_get *g)
{
    if (g->timer_runs)
        sys_untimeout(on_timer, g);
    g->timer_runs = false;
}

static void wait_for_answer(struct tftp_get *g)
{
    stop_timer(g);
    sys_timeout(WAIT_MS * (g->tries + 1), on_timer, g);
    g->timer_runs = true;
}

static size_t put_word(uint8_t *at, const char *word)
{
    size_t n = strlen(word) + 1;

    memcpy(at, word, n);
    return n;
}

static void send_request(struct tftp_get *g)
{
    char size[8];
    uint8_t *p = g->sent;

    snprintf(size, sizeof size, "%u", BLOCK_ASKED);
    put16(p, RRQ);
    p += 2;
    p += put_word(p, g->fetch.url.path);
    p += put_word(p, "octet");
    p += put_word(p, "blksize");
    p += put_word(p, size);
    p += put_word(p, "tsize");
    p += put_word(p, "0");
    g->sent_len = (size_t)(p - g->sent);
    send_again(g);
}

static void acknowledge(struct tftp_get *g)
{
    put16(g->sent, ACK);
    put16(g->sent + 2, g->block);
    g->sent_len = 4;
    g->tries = 0;
    send_again(g);
}

static void send_error(struct tftp_get *g, struct endpoint to, uint16_t code,
                       const char *text)
{
    uint8_t p[64];

    put16(p, ERROR);
    put16(p + 2, code);
    dgram_send(g->dgram, to, p, 4 + put_word(p + 4, text));
}

static void give_up(struct tftp_get *g, int error, const char *what)
{
    if (g->answered)
        send_error(g, g->server, 0, what);
    fetch_fail(&g->fetch, error, "%.60s: %s", g->fetch.url.host, what);
}

/* ---- What the server says ------------------------------------------------ */

/* RFC 2349: the option had the file's size. */
static void end(struct tftp_get *g)
{
    struct fetch *f = &g->fetch;

    if (f->size == RECEIVER_UNKNOWN || f->size == g->bytes)
        fetch_end(f);
    else
        fetch_fail(f, -EPROTO, "%.60s: it told %llu bytes and sent %llu",
                   f->url.host, (unsigned long long)f->size,
                   (unsigned long long)g->bytes);
}

/* A block's bytes go on; the last one is shorter than the others. */
static void take_block(struct tftp_get *g, const uint8_t *data, size_t len)
{
    g->is_held = byte_ring_room(&g->fetch.ring) < len;
    if (g->is_held) {
        memcpy(g->held, data, len);
        g->held_len = len;
        stop_timer(g);
        return;
    }
    byte_ring_put(&g->fetch.ring, data, len);
    g->block++;
    g->bytes += len;
    acknowledge(g);
    if (len == g->block_size)
        return;
    stop_timer(g);
    end(g);
}

static void on_data(struct tftp_get *g, const uint8_t *p, size_t len)
{
    uint16_t block = get16(p + 2);

    if (len - 4 > g->block_size) {
        give_up(g, -EPROTO, "a block is longer than agreed");
    } else if (block == (uint16_t)(g->block + 1)) {
        g->answered = true;
        if (!g->is_held)
            take_block(g, p + 4, len - 4);
    } else if (block == g->block && g->answered && !g->is_held) {
        send_again(g);          /* the acknowledgement was lost */
    }
}

static bool take_option(struct tftp_get *g, const char *name,
                        const char *value)
{
    uint64_t n = 0;

    for (const char *c = value; *c; c++) {
        if (*c < '0' || *c > '9' || n > UINT64_MAX / 100)
            return false;
        n = n * 10 + (uint64_t)(*c - '0');
    }
    if (!*value)
        return false;
    if (!strcasecmp(name, "tsize")) {
        g->fetch.size = n;
        return true;
    }
    if (strcasecmp(name, "blksize") || n < BLOCK_MIN || n > BLOCK_ASKED)
        return false;
    g->block_size = n;
    return true;
}

/* Each name and value ends with a zero. */
static const char *next_word(const uint8_t **p, const uint8_t *end)
{
    const uint8_t *zero = memchr(*p, '\0', (size_t)(end - *p));
    const char *word = (const char *)*p;

    if (!zero)
        return NULL;
    *p = zero + 1;
    return word;
}

static void on_options(struct tftp_get *g, const uint8_t *p, size_t len)
{
    const uint8_t *end = p + len;

    if (g->answered) {
        if (!g->block && !g->is_held)
            send_again(g);      /* the acknowledgement was lost */
        return;
    }
    g->answered = true;
    for (p += 2; p < end;) {
        const char *name = next_word(&p, end);
        const char *value = name ? next_word(&p, end) : NULL;

        if (!value || !take_option(g, name, value)) {
            send_error(g, g->server, REFUSED_OPTION, "not asked for");
            fetch_fail(&g->fetch, -EPROTO, "%.60s: an option that was not "
                       "asked for", g->fetch.url.host);
            return;
        }
    }
    acknowledge(g);
}

static void on_error(struct tftp_get *g, const uint8_t *p, size_t len)
{
    static const int errors[] = { EIO, ENOENT, EACCES, ENOSPC, EPROTO };
    uint16_t code = get16(p + 2);
    char text[80];

    fetch_plain(text, sizeof text, (const char *)p + 4, len - 4);
    fetch_fail(&g->fetch, code < sizeof errors / sizeof *errors
               ? -errors[code] : -EPROTO, "%.60s: %s",
               g->fetch.url.host, *text ? text : code == 1
               ? "there is no such file" : "it refused");
}

static void on_datagram(void *ctx, const uint8_t *data, size_t len,
                        struct endpoint from)
{
    struct tftp_get *g = ctx;
    int state = atomic_load(&g->fetch.state);

    if (from.addr != g->server.addr || len < 4)
        return;
    /* Also the last acknowledgement may be lost. */
    if (state == FETCH_ENDED && endpoint_equal(from, g->server) &&
        get16(data) == DATA && get16(data + 2) == g->block)
        dgram_send(g->dgram, from, g->sent, g->sent_len);
    if (state != FETCH_RUNS)
        return;
    if (g->answered && from.port != g->server.port) {
        send_error(g, from, UNKNOWN_TID, "another transfer's port");
        return;
    }
    g->server.port = from.port;
    switch (get16(data)) {
    case DATA:
        on_data(g, data, len);
        break;
    case OACK:
        on_options(g, data, len);
        break;
    case ERROR:
        on_error(g, data, len);
        break;
    }
}

/* ---- Life ---------------------------------------------------------------- */

static bool tftp_poll(struct fetch *f)
{
    struct tftp_get *g = (struct tftp_get *)f;

    if (!g->is_held || byte_ring_room(&f->ring) < g->held_len)
        return false;
    take_block(g, g->held, g->held_len);
    return true;
}

static void tftp_close(struct fetch *f)
{
    struct tftp_get *g = (struct tftp_get *)f;

    if (atomic_load(&f->state) == FETCH_RUNS)
        give_up(g, -ECANCELED, "cancelled");
    stop_timer(g);
    dgram_close(g->dgram);
    free(g);
}

static const struct fetch_ops tftp_ops = { tftp_poll, tftp_close };

int fetch_tftp_open(const struct url *url, uint32_t addr, struct fetch **out)
{
    struct tftp_get *g = calloc(1, sizeof *g);
    int r = g ? dgram_open((struct endpoint){ 0, 0 }, false, on_datagram, g,
                           &g->dgram) : -ENOMEM;

    if (r) {
        free(g);
        return r;
    }
    g->fetch.ops = &tftp_ops;
    g->fetch.url = *url;
    g->fetch.size = RECEIVER_UNKNOWN;
    g->server = (struct endpoint){ addr, url->port };
    g->block_size = BLOCK_DEFAULT;
    send_request(g);
    *out = &g->fetch;
    return 0;
}
