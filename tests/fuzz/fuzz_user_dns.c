/* Queries and answers of any bytes, in any order. */
// covers: kernel/net/user/dns.c
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "kernel/net/packet.h"
#include "kernel/net/user/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t asked[DNS_QUERY_MAX];
static size_t asked_len;
static unsigned asked_slot;
static uint32_t asked_server, seed;

static unsigned servers(void *ctx, uint32_t *out, unsigned max)
{
    unsigned n = seed % 4;

    for (unsigned i = 0; i < n && i < max; i++)
        out[i] = i + 1;
    return n < max ? n : max;
}

static void ask(void *ctx, unsigned slot, uint32_t server,
                const uint8_t *query, size_t len)
{
    if (slot >= DNS_QUERIES || len > DNS_QUERY_MAX)
        abort();
    memcpy(asked, query, len);
    asked_len = len;
    asked_slot = slot;
    asked_server = server;
}

static void done(void *ctx, unsigned slot)
{
    if (slot >= DNS_QUERIES)
        abort();
}

static void answer(void *ctx, uint32_t client, uint16_t port,
                   const uint8_t *data, size_t len)
{
    if (len < 12 || len > DNS_ANSWER_MAX || !(data[2] & 0x80))
        abort();
}

static uint32_t random_id(void) { return seed++; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct dns_io io = { servers, ask, done, answer, random_id };
    static struct dns d;
    struct input in = { data, size };
    uint64_t now = 0;

    memset(&d, 0, sizeof d);
    d.io = &io;
    asked_len = 0;
    seed = input_u32(&in);
    while (input_more(&in)) {
        uint8_t what = input_u8(&in);
        size_t n = input_u16(&in) % 600;
        uint8_t *p = calloc(1, n ? n : 1);
        size_t at = 0;

        /* A question, or what was asked, in front of any bytes. */
        if (what & 8 && n >= 12) {
            put16(p + 4, 1);
            put16(p + 2, what & 1 ? 0x8100 | (what >> 4) : 0x0100);
            put16(p, seed - 1);
            p[11] = input_u8(&in) & 3;
            at = 12;
        }
        if (what & 1 && what & 4 && n >= asked_len && asked_len >= 12) {
            memcpy(p + 12, asked + 12, asked_len - 12);
            put16(p, get16(asked));
            at = asked_len;
        }
        while (at < n && input_more(&in))
            p[at++] = input_u8(&in);
        if (what & 1)
            dns_answer(&d, what & 2 ? asked_slot : what, asked_server, p, n,
                       now);
        else
            dns_query(&d, 1, what, p, n, now);
        if (what & 0x40)
            dns_expire(&d, now += 1000);
        free(p);
    }
    return 0;
}
