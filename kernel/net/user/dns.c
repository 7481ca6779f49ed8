/* See dns.h. */
#include "kernel/net/user/dns.h"

#include <string.h>

#include "kernel/net/packet.h"

/* RFC 1035 4.1.1 */
enum { ID = 0, FLAGS = 2, QDCOUNT = 4, ANCOUNT = 6, NSCOUNT = 8, ARCOUNT = 10,
       HEADER = 12 };
#define FLAG_QR 0x8000u
#define FLAG_OPCODE 0x7800u
#define FLAG_RD 0x0100u
#define FLAG_RA 0x0080u
enum { RCODE_SERVFAIL = 2, RCODE_REFUSED = 5 };
#define NAME_MAX_BYTES 255u
#define RECORD_FIXED 10u        /* type, class, TTL, length */
#define SERVERS 3u

/*
 * The end of the name at `at`, or 0: it leaves the message. A compressed one
 * ends with its pointer (which must point backwards: no loops); in a question
 * there is none.
 */
static size_t skip_name(const uint8_t *p, size_t len, size_t at, bool pointers)
{
    size_t start = at;

    while (at < len && at - start <= NAME_MAX_BYTES) {
        if (!p[at])
            return at + 1;
        if (p[at] >= 0xc0)
            return pointers && at + 2 <= len &&
                   (get16(p + at) & 0x3fffu) < at ? at + 2 : 0;
        if (p[at] > 63)
            return 0;
        at += 1 + p[at];
    }
    return 0;
}

/* The end of a message's one question, or 0. */
static size_t skip_question(const uint8_t *p, size_t len)
{
    size_t at;

    if (len < HEADER || get16(p + QDCOUNT) != 1)
        return 0;
    at = skip_name(p, len, HEADER, false);
    return at && at + 4 <= len ? at + 4 : 0;
}

/* All records lie in the message. */
static bool records_fit(const uint8_t *p, size_t len, size_t at)
{
    unsigned n = get16(p + ANCOUNT) + get16(p + NSCOUNT) + get16(p + ARCOUNT);

    /* Each takes 11 bytes at least, which bounds the loop. */
    while (n--) {
        at = skip_name(p, len, at, true);
        if (!at || at + RECORD_FIXED > len)
            return false;
        at += RECORD_FIXED + get16(p + at + 8);
        if (at > len)
            return false;
    }
    return true;
}

/* ---- Queries ------------------------------------------------------------- */

static void end(struct dns *d, struct dns_query *q)
{
    q->used = false;
    d->io->done(d->ctx, q - d->query);
}

/* Tell the client that there will be no answer, so that it need not wait. */
static void give_up(struct dns *d, struct dns_query *q)
{
    size_t n = skip_question(q->data, q->len);
    uint16_t flags = get16(q->data + FLAGS);

    d->failures++;
    put16(q->data + ID, q->client_id);
    put16(q->data + FLAGS, FLAG_QR | (flags & FLAG_RD) | FLAG_RA |
          RCODE_SERVFAIL);
    memset(q->data + ANCOUNT, 0, HEADER - ANCOUNT);
    d->io->answer(d->ctx, q->client, q->port, q->data, n);
    end(d, q);
}

static void ask_next(struct dns *d, struct dns_query *q, uint64_t now_ms)
{
    uint32_t servers[SERVERS];
    unsigned n = d->io->servers(d->ctx, servers, SERVERS);

    if (!n)
        d->no_server++;
    if (!n || q->tries == DNS_TRIES) {
        give_up(d, q);
        return;
    }
    q->index = (q->tries ? q->index + 1 : d->first) % n;
    q->server = servers[q->index];
    q->tries++;
    q->until_ms = now_ms + DNS_TRY_MS;
    /* RFC 5452 9.2: an id that cannot be guessed, and is not used again. */
    q->id = d->io->random();
    put16(q->data + ID, q->id);
    d->io->ask(d->ctx, q - d->query, q->server, q->data, q->len);
}

/* A free one, or the oldest. */
static struct dns_query *new_query(struct dns *d)
{
    struct dns_query *q = d->query;

    for (unsigned i = 0; i < DNS_QUERIES; i++) {
        if (!d->query[i].used)
            return &d->query[i];
        if (d->query[i].until_ms < q->until_ms)
            q = &d->query[i];
    }
    d->failures++;
    end(d, q);
    return q;
}

static bool is_under_way(const struct dns *d, uint32_t client, uint16_t port,
                         uint16_t id)
{
    for (unsigned i = 0; i < DNS_QUERIES; i++) {
        const struct dns_query *q = &d->query[i];

        if (q->used && q->client == client && q->port == port &&
            q->client_id == id)
            return true;
    }
    return false;
}

void dns_query(struct dns *d, uint32_t client, uint16_t port,
               const uint8_t *data, size_t len, uint64_t now_ms)
{
    struct dns_query *q;
    size_t question;

    if (len > DNS_QUERY_MAX || !(question = skip_question(data, len)) ||
        get16(data + FLAGS) & (FLAG_QR | FLAG_OPCODE) ||
        !records_fit(data, len, question)) {
        d->malformed_queries++;
        return;
    }
    if (is_under_way(d, client, port, get16(data + ID))) {
        d->repeated++;          /* the next server is asked by our own clock */
        return;
    }
    d->queries++;
    q = new_query(d);
    q->used = true;
    q->client = client;
    q->port = port;
    q->client_id = get16(data + ID);
    q->tries = 0;
    q->len = len;
    memcpy(q->data, data, len);
    ask_next(d, q, now_ms);
}

/* ---- Answers ------------------------------------------------------------- */

/* To our question, letter by letter. */
static bool is_answer_to(const struct dns_query *q, const uint8_t *data,
                         size_t len)
{
    size_t n = skip_question(data, len);

    return n && n == skip_question(q->data, q->len) &&
           get16(data + ID) == q->id && get16(data + FLAGS) & FLAG_QR &&
           !memcmp(data + HEADER, q->data + HEADER, n - HEADER);
}

void dns_answer(struct dns *d, unsigned slot, uint32_t server,
                const uint8_t *data, size_t len, uint64_t now_ms)
{
    struct dns_query *q = slot < DNS_QUERIES ? &d->query[slot] : NULL;
    uint8_t answer[DNS_ANSWER_MAX];
    unsigned rcode;

    if (!q || !q->used || server != q->server ||
        !is_answer_to(q, data, len)) {
        d->foreign_answers++;
        return;
    }
    if (len > sizeof answer ||
        !records_fit(data, len, skip_question(data, len))) {
        d->malformed_answers++;
        return;
    }
    rcode = get16(data + FLAGS) & 15;
    if ((rcode == RCODE_SERVFAIL || rcode == RCODE_REFUSED) &&
        q->tries < DNS_TRIES) {
        uint32_t servers[SERVERS];

        /* Another may know better. */
        if (d->io->servers(d->ctx, servers, SERVERS) > q->tries) {
            ask_next(d, q, now_ms);
            return;
        }
    }
    d->first = q->index;
    d->answers++;
    memcpy(answer, data, len);
    put16(answer + ID, q->client_id);
    d->io->answer(d->ctx, q->client, q->port, answer, len);
    end(d, q);
}

/* ---- Time ---------------------------------------------------------------- */

void dns_expire(struct dns *d, uint64_t now_ms)
{
    for (unsigned i = 0; i < DNS_QUERIES; i++)
        if (d->query[i].used && d->query[i].until_ms <= now_ms)
            ask_next(d, &d->query[i], now_ms);
}

uint64_t dns_deadline(const struct dns *d)
{
    uint64_t least = UINT64_MAX;

    for (unsigned i = 0; i < DNS_QUERIES; i++)
        if (d->query[i].used && d->query[i].until_ms < least)
            least = d->query[i].until_ms;
    return least;
}
