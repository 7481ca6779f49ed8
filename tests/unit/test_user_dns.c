/* The DNS forwarder: ids, failover, hostile questions and answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/net/packet.h"
#include "kernel/net/user/dns.h"

#define CLIENT 0x0a00020fu

static struct dns d;
static uint32_t servers[3];
static unsigned server_count;
static uint32_t next_random;
static struct {
    unsigned slot;
    uint32_t server;
    uint8_t data[512];
    size_t len;
} asked;
static struct {
    uint16_t port;
    uint8_t data[4096];
    size_t len;
} got;
static unsigned asks, answers, dones;

static unsigned io_servers(void *ctx, uint32_t *out, unsigned max)
{
    memcpy(out, servers, server_count * sizeof *out);
    return server_count;
}

static void io_ask(void *ctx, unsigned slot, uint32_t server,
                   const uint8_t *query, size_t len)
{
    asks++;
    asked.slot = slot;
    asked.server = server;
    asked.len = len;
    memcpy(asked.data, query, len);
}

static void io_done(void *ctx, unsigned slot) { dones++; }

static void io_answer(void *ctx, uint32_t client, uint16_t port,
                      const uint8_t *answer, size_t len)
{
    assert_int_equal(client, CLIENT);
    answers++;
    got.port = port;
    got.len = len;
    memcpy(got.data, answer, len);
}

static uint32_t io_random(void) { return next_random += 0x1357; }

static const struct dns_io io = {
    io_servers, io_ask, io_done, io_answer, io_random
};

static int setup(void **state)
{
    memset(&d, 0, sizeof d);
    d.io = &io;
    asks = answers = dones = 0;
    next_random = 7;
    servers[0] = 1, servers[1] = 2, servers[2] = 3;
    server_count = 2;
    return 0;
}

/* A question for `name`, its labels with their lengths. */
static size_t question(uint8_t *p, uint16_t id, const char *name)
{
    size_t n = strlen(name) + 1;

    memset(p, 0, 12);
    put16(p, id);
    put16(p + 2, 0x0100);
    put16(p + 4, 1);
    memcpy(p + 12, name, n);
    put16(p + 12 + n, 1);
    put16(p + 14 + n, 1);
    return 16 + n;
}

/* The answer to what was asked: one A record with a compressed name. */
static size_t answer(uint8_t *p)
{
    static const uint8_t record[16] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0,
                                        4, 192, 0, 2, 1 };

    memcpy(p, asked.data, asked.len);
    put16(p + 2, 0x8180);
    put16(p + 6, 1);
    memcpy(p + asked.len, record, sizeof record);
    return asked.len + sizeof record;
}

static void send_query(const uint8_t *p, size_t len, uint64_t now)
{
    uint8_t *copy = malloc(len ? len : 1);      /* of its own length */

    memcpy(copy, p, len);
    dns_query(&d, CLIENT, 1000, copy, len, now);
    free(copy);
}

static void send_answer(unsigned slot, uint32_t server, const uint8_t *p,
                        size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);

    memcpy(copy, p, len);
    dns_answer(&d, slot, server, copy, len, 0);
    free(copy);
}

static void test_forth_and_back(void **state)
{
    uint8_t q[300], a[600];
    size_t n = question(q, 0x1234, "\3www\7example"), m;

    send_query(q, n, 0);
    assert_int_equal(asks, 1);
    assert_int_equal(asked.server, 1);
    assert_int_equal(asked.len, n);
    assert_memory_equal(asked.data + 2, q + 2, n - 2);
    assert_int_not_equal(get16(asked.data), 0x1234);
    m = answer(a);
    send_answer(asked.slot, 1, a, m);
    assert_int_equal(answers, 1);
    assert_int_equal(got.port, 1000);
    assert_int_equal(got.len, m);
    assert_int_equal(get16(got.data), 0x1234);
    assert_memory_equal(got.data + 2, a + 2, m - 2);
    assert_int_equal(dones, 1);
    /* Once. */
    send_answer(asked.slot, 1, a, m);
    assert_int_equal(answers, 1);
    assert_int_equal(d.foreign_answers, 1);
}

static void test_next_server(void **state)
{
    uint8_t q[300], a[600];
    size_t n = question(q, 5, "\1a"), m;
    uint16_t first_id;

    send_query(q, n, 100);
    first_id = get16(asked.data);
    assert_int_equal(dns_deadline(&d), 100 + DNS_TRY_MS);
    send_query(q, n, 200);              /* the client asks again */
    assert_int_equal(asks, 1);
    assert_int_equal(d.repeated, 1);
    dns_expire(&d, 99 + DNS_TRY_MS);
    assert_int_equal(asks, 1);
    dns_expire(&d, 100 + DNS_TRY_MS);
    assert_int_equal(asks, 2);
    assert_int_equal(asked.server, 2);
    assert_int_not_equal(get16(asked.data), first_id);
    m = answer(a);
    send_answer(asked.slot, 2, a, m);
    assert_int_equal(answers, 1);
    /* Who answered is asked first from now on. */
    send_query(q, n, 9000);
    assert_int_equal(asked.server, 2);
    assert_int_equal(dns_deadline(&d), 9000 + DNS_TRY_MS);
}

static void test_nobody_answers(void **state)
{
    uint8_t q[300];
    size_t n = question(q, 77, "\1a");
    uint64_t now = 0;

    send_query(q, n, now);
    for (unsigned i = 0; i < 10; i++)
        dns_expire(&d, now += DNS_TRY_MS);
    assert_int_equal(asks, DNS_TRIES);
    assert_int_equal(answers, 1);
    assert_int_equal(get16(got.data), 77);
    assert_int_equal(get16(got.data + 2), 0x8182);      /* SERVFAIL */
    assert_int_equal(got.len, n);
    assert_int_equal(d.failures, 1);
    assert_int_equal(dns_deadline(&d), UINT64_MAX);
    server_count = 0;
    send_query(q, n, now);
    assert_int_equal(answers, 2);
    assert_int_equal(d.no_server, 1);
}

static void test_a_server_that_fails(void **state)
{
    uint8_t q[300], a[600];
    size_t n = question(q, 5, "\1a"), m;

    send_query(q, n, 0);
    m = answer(a);
    put16(a + 2, 0x8185);               /* REFUSED */
    send_answer(asked.slot, 1, a, m);
    assert_int_equal(answers, 0);
    assert_int_equal(asked.server, 2);
    m = answer(a);
    put16(a + 2, 0x8182);               /* the last one's word counts */
    send_answer(asked.slot, 2, a, m);
    assert_int_equal(answers, 1);
    assert_int_equal(get16(got.data + 2), 0x8182);
}

static void test_bad_queries(void **state)
{
    uint8_t q[700];
    size_t n = question(q, 5, "\3www\7example");

    for (size_t len = 0; len < n; len++)
        send_query(q, len, 0);
    assert_int_equal(d.malformed_queries, n);
    put16(q + 2, 0x8000);               /* an answer */
    send_query(q, n, 0);
    put16(q + 2, 0x2800);               /* UPDATE */
    send_query(q, n, 0);
    n = question(q, 5, "\3www\7example");
    put16(q + 4, 2);
    send_query(q, n, 0);
    put16(q + 4, 0);
    send_query(q, n, 0);
    n = question(q, 5, "\100www");      /* 64 */
    send_query(q, n, 0);
    n = question(q, 5, "\xc0\x0c");     /* a pointer, to itself */
    send_query(q, n, 0);
    n = question(q, 5, "\1a");
    put16(q + 10, 65535);               /* records that are not there */
    send_query(q, n, 0);
    send_query(q, 513, 0);
    memset(q + 12, 63, 600);            /* a name without end */
    put16(q + 10, 0);
    send_query(q, 512, 0);
    assert_int_equal(asks, 0);
    assert_int_equal(d.queries, 0);
}

static void test_bad_answers(void **state)
{
    static uint8_t q[300], a[5000];
    size_t n = question(q, 5, "\1a"), m;

    send_query(q, n, 0);
    m = answer(a);
    for (size_t len = 0; len < m; len++)
        send_answer(asked.slot, 1, a, len);
    send_answer(asked.slot, 2, a, m);           /* from whom nobody asked */
    send_answer(asked.slot + 1, 1, a, m);
    send_answer(DNS_QUERIES, 1, a, m);
    send_answer(77, 1, a, m);
    a[0] ^= 1;                                  /* another id */
    send_answer(asked.slot, 1, a, m);
    m = answer(a);
    a[13] = 'A';                                /* another spelling */
    send_answer(asked.slot, 1, a, m);
    m = answer(a);
    put16(a + 2, 0x0100);                       /* no answer */
    send_answer(asked.slot, 1, a, m);
    m = answer(a);
    a[n + 1] = n + 2;                           /* a pointer forwards */
    send_answer(asked.slot, 1, a, m);
    m = answer(a);
    put16(a + n + 10, 5);                       /* data beyond the end */
    send_answer(asked.slot, 1, a, m);
    answer(a);
    send_answer(asked.slot, 1, a, 4097);
    assert_int_equal(answers, 0);
    assert_true(d.malformed_answers > 3);
    /* And the right one is still taken. */
    m = answer(a);
    send_answer(asked.slot, 1, a, m);
    assert_int_equal(answers, 1);
}

static void test_more_than_fit(void **state)
{
    uint8_t q[300];

    for (unsigned i = 0; i <= DNS_QUERIES; i++) {
        size_t n = question(q, i, "\1a");

        send_query(q, n, i);
    }
    assert_int_equal(asks, DNS_QUERIES + 1);
    assert_int_equal(d.failures, 1);            /* the oldest made room */
    assert_int_equal(asked.slot, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_forth_and_back, setup),
        cmocka_unit_test_setup(test_next_server, setup),
        cmocka_unit_test_setup(test_nobody_answers, setup),
        cmocka_unit_test_setup(test_a_server_that_fails, setup),
        cmocka_unit_test_setup(test_bad_queries, setup),
        cmocka_unit_test_setup(test_bad_answers, setup),
        cmocka_unit_test_setup(test_more_than_fit, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
