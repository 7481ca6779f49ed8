/* Ping of the Linux program: what is believed of what comes in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The library has it, too; this one is found first. */
#include "kernel/hosted/transport_ping.c"

#define FROM 0x0a630001u

static unsigned replies, errors;
static struct ping_error last;

static void on_reply(void *ctx, uint32_t from, uint16_t sequence,
                     const uint8_t *data, size_t len)
{
    assert_int_equal(from, FROM);
    assert_int_equal(sequence, 7);
    assert_int_equal(len, 4);
    replies++;
}

static void on_error(void *ctx, const struct ping_error *e)
{
    last = *e;
    errors++;
}

static const struct ping_events both = { on_reply, on_error };

static int setup(void **state)
{
    replies = errors = 0;
    return 0;
}

static struct ping raw(void)
{
    return (struct ping){ .raw = true, .id = 0x1234, .events = &both };
}

/* An echo's header and 4 bytes, behind `header` bytes of IP header. */
static size_t echo(uint8_t *p, size_t header, uint8_t type)
{
    uint8_t *icmp = p + header;

    memset(p, 0, header + 12);
    p[0] = 0x45;
    icmp[0] = type;
    put16(icmp + 4, 0x1234);
    put16(icmp + 6, 7);
    memcpy(icmp + 8, "ping", 4);
    put16(icmp + 2, checksum(icmp, 12));
    return header + 12;
}

/* The kernel gives a raw socket what it has not checked. */
static void test_checksum_of_a_raw_reply(void **state)
{
    struct ping p = raw();
    uint8_t ip[32];
    size_t len = echo(ip, 20, ICMP_ECHOREPLY);

    take_reply(&p, FROM, ip, len);
    assert_int_equal(replies, 1);
    ip[28] ^= 1;
    take_reply(&p, FROM, ip, len);
    assert_int_equal(replies, 1);
    assert_int_equal(ping_malformed(&p), 1);
    for (size_t n = 0; n < 28; n++)
        take_reply(&p, FROM, ip, n);    /* cut */
    put16(ip + 24, 0x1235);             /* another's is not ours to judge */
    take_reply(&p, FROM, ip, len);
    assert_int_equal(replies, 1);
    assert_int_equal(ping_malformed(&p), 1);
}

/* The error's own parts, as ip(7) lays them out. */
static void give_error(struct ping *p, uint8_t origin, uint8_t type,
                       uint8_t code, uint8_t *icmp, size_t len)
{
    struct {
        struct sock_extended_err e;
        struct sockaddr_in from;
    } what = { .e = { .ee_origin = origin, .ee_type = type, .ee_code = code },
               .from = { .sin_family = AF_INET } };

    what.from.sin_addr.s_addr = htonl(FROM);
    take_error(p, &what.e, 0x01020304, icmp, len);
}

static void test_errors(void **state)
{
    struct ping p = raw();
    uint8_t icmp[12];
    size_t len = echo(icmp, 0, ICMP_ECHO);

    give_error(&p, SO_EE_ORIGIN_ICMP, ICMP_TIME_EXCEEDED, 0, icmp, len);
    assert_int_equal(errors, 1);
    assert_int_equal(last.from, FROM);
    assert_int_equal(last.to, 0x01020304);
    assert_int_equal(last.type, 11);
    assert_int_equal(last.sequence, 7);
    give_error(&p, SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, 1, icmp, 8);
    assert_int_equal(errors, 2);
    /* Not the network's, not for a guest, cut, another's. */
    give_error(&p, SO_EE_ORIGIN_LOCAL, ICMP_TIME_EXCEEDED, 0, icmp, len);
    give_error(&p, SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
               icmp, len);
    give_error(&p, SO_EE_ORIGIN_ICMP, ICMP_REDIRECT, 1, icmp, len);
    give_error(&p, SO_EE_ORIGIN_ICMP, ICMP_TIME_EXCEEDED, 0, icmp, 7);
    put16(icmp + 4, 0x1235);
    give_error(&p, SO_EE_ORIGIN_ICMP, ICMP_TIME_EXCEEDED, 0, icmp, len);
    assert_int_equal(errors, 2);
    assert_int_equal(ping_malformed(&p), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_checksum_of_a_raw_reply, setup),
        cmocka_unit_test_setup(test_errors, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
