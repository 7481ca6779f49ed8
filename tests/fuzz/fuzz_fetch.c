/*
 * What a web server may answer, cut anywhere: the same file, or the same fault;
 * where it may send us on; and a table of slots of any bytes.
 */
// covers: kernel/net/fetch/http_response.c kernel/net/fetch/url.c kernel/slots/slot_table.c
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/fetch/http_response.h"
#include "kernel/net/fetch/url.h"
#include "kernel/slots/slot_table.h"

struct seen {
    enum http_event end;
    size_t bytes;
    uint64_t hash;
    const char *fault;
    char location[512];
};

/* All that there is, `cut` bytes at a time, each piece of its own length. */
static void feed(const uint8_t *data, size_t len, size_t cut, struct seen *s)
{
    struct http_response *h = malloc(sizeof *h);

    *s = (struct seen){ .end = HTTP_MORE };
    http_begin(h);
    for (size_t at = 0; at < len && s->end < HTTP_DONE; at += cut) {
        size_t n = len - at < cut ? len - at : cut, left = n, body_len;
        uint8_t *copy = malloc(n);
        const uint8_t *p = copy, *body;

        memcpy(copy, data + at, n);
        while ((s->end = http_next(h, &p, &left, &body, &body_len)) ==
                   HTTP_HEAD || s->end == HTTP_BODY)
            for (size_t i = 0; s->end == HTTP_BODY && i < body_len; i++) {
                s->hash = s->hash * 31 + body[i];
                s->bytes++;
            }
        free(copy);
    }
    s->fault = h->fault;
    strcpy(s->location, h->location);
    free(h);
}

static void try_url(const char *text)
{
    struct url from, to;
    char why[160];

    if (url_parse("http://h:81/a", &from, why, sizeof why))
        abort();
    if (!url_follow(&from, text, &to, why, sizeof why) &&
        (!*to.host || !to.port || (!to.is_tftp && *to.path != '/')))
        abort();
}

/* A life of changes, then some bytes of it changed. */
static void try_table(const uint8_t *data, size_t size)
{
    struct slot_image image = { .bytes = 1, .source = "there" };
    struct slot_table t;
    uint8_t bytes[SLOT_TABLE_BYTES];

    slot_table_make(&t, 1 + data[0] % MEDIUM_SLOTS);
    for (size_t i = 0; i < size && i < 16; i++)
        switch (data[i] % 4) {
        case 0:
            if (slot_table_spare(&t, 0) != SLOT_NONE)
                slot_table_try(&t, slot_table_spare(&t, 0), &image);
            break;
        case 1:
            slot_table_boot(&t);
            break;
        case 2:
            slot_table_confirm(&t);
            break;
        default:
            slot_table_rollback(&t);
        }
    slot_table_encode(&t, bytes);
    if (!slot_table_decode(&t, bytes, sizeof bytes))
        abort();
    for (size_t i = 1; i + 3 < size && i < 20; i += 3)
        bytes[(data[i] << 8 | data[i + 1]) % sizeof bytes] = data[i + 2];
    if (slot_table_decode(&t, bytes, sizeof bytes) &&
        (slot_table_boot(&t) >= MEDIUM_SLOTS ||
         t.slot[t.active].state != SLOT_GOOD))
        abort();
}

/* Words that mean something, and bytes that need not. */
static size_t make_answer(const uint8_t *data, size_t size, uint8_t *out)
{
    static const char *const words[] = {
        "HTTP/1.1 200 OK\r\n", "HTTP/1.1 302 Found\r\n", "\r\n", "\r\n\r\n",
        "HTTP/1.0 100 Continue\r\n\r\n", "Content-Length: ", "5", "hello",
        "Transfer-Encoding: chunked\r\n", "Location: ", "http://", "/b", ":81",
        "tftp://h/a", "Content-Encoding: ", "gzip\r\n", "identity\r\n",
        "0\r\n\r\n", "5;x\r\nhello\r\n", "Fa\r\n", " ", "Transfer-Encoding: ",
    };
    size_t n = 0;

    for (size_t i = 0; i < size && n < 4000; i++) {
        const char *word = data[i] < sizeof words / sizeof *words
                               ? words[data[i]] : NULL;
        size_t len = word ? strlen(word) : 1;

        memcpy(out + n, word ? word : (const char *)&data[i], len);
        n += len;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t text[4096];
    struct seen whole, cut;
    size_t n;

    if (!size)
        return 0;
    n = make_answer(data + 1, size - 1, text);
    feed(text, n, n + 1, &whole);
    feed(text, n, 1 + data[0] % 64, &cut);
    if (whole.end != cut.end || whole.bytes != cut.bytes ||
        whole.hash != cut.hash || whole.fault != cut.fault)
        abort();
    try_url(whole.location);
    try_table(data, size);
    return 0;
}
