/* DHCP and BOOTP of the user net: what is answered, leases, hostile bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/net/packet.h"
#include "kernel/net/user/dhcp.h"

static struct user_config c;
static struct dhcp d;
static struct dhcp_reply r;
static uint8_t q[600];
static size_t q_len;
static uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

static int setup(void **state)
{
    char why[160];

    memset(&d, 0, sizeof d);
    mac[5] = 1;
    return !user_config_parse("hostname=box,bootfile=/pxe.0", &c, why,
                              sizeof why);
}

static void option(uint8_t code, const void *value, uint8_t n)
{
    q[q_len++] = code;
    q[q_len++] = n;
    memcpy(q + q_len, value, n);
    q_len += n;
}

static void option_addr(uint8_t code, uint32_t addr)
{
    uint8_t v[4];

    put32(v, addr);
    option(code, v, 4);
}

/* A request of `type` without its end; 0: BOOTP. */
static void request(uint8_t type)
{
    memset(q, 0, sizeof q);
    q[0] = 1, q[1] = 1, q[2] = 6;
    put32(q + 4, 0xdeadbeef);
    memcpy(q + 28, mac, 6);
    put32(q + 236, 0x63825363);
    q_len = 240;
    if (type)
        option(53, &type, 1);
}

static bool send(uint64_t now)
{
    /* Of its own length: the sanitizer sees a read behind it. */
    uint8_t *copy = malloc(q_len ? q_len : 1);
    bool answered;

    memcpy(copy, q, q_len);
    answered = dhcp_request(&d, &c, copy, q_len, now, &r);
    free(copy);
    return answered;
}

static const uint8_t *find(uint8_t code, uint8_t *n)
{
    for (size_t at = 240; at + 1 < r.len && r.data[at] != 255; ) {
        if (r.data[at] == code) {
            *n = r.data[at + 1];
            return r.data + at + 2;
        }
        at += 2 + r.data[at + 1];
    }
    return NULL;
}

static uint32_t find_addr(uint8_t code)
{
    uint8_t n = 0;
    const uint8_t *v = find(code, &n);

    return v && n == 4 ? get32(v) : 0;
}

static uint8_t type_of_reply(void)
{
    uint8_t n;
    const uint8_t *v = find(53, &n);

    return v ? *v : 0;
}

static void test_discover_and_request(void **state)
{
    uint8_t n;

    request(1);
    assert_true(send(0));
    assert_int_equal(type_of_reply(), 2);
    assert_int_equal(get32(r.data + 16), 0x0a00020f);
    assert_int_equal(get32(r.data + 20), 0x0a000202);
    assert_int_equal(get32(r.data + 4), 0xdeadbeef);
    assert_int_equal(r.to, 0x0a00020f);
    assert_memory_equal(r.mac, mac, 6);
    request(3);
    option_addr(50, 0x0a00020f);
    option_addr(54, 0x0a000202);
    assert_true(send(0));
    assert_int_equal(type_of_reply(), 5);
    assert_int_equal(find_addr(51), 86400);
    assert_int_equal(find_addr(1), 0xffffff00);
    assert_int_equal(find_addr(3), 0x0a000202);
    assert_int_equal(find_addr(6), 0x0a000203);
    assert_int_equal(find_addr(54), 0x0a000202);
    assert_memory_equal(find(12, &n), "box", 3);
    assert_memory_equal(find(67, &n), "/pxe.0", 6);
    assert_string_equal((char *)r.data + 108, "/pxe.0");
    assert_true(r.len >= 300);
}

static void settings(const char *text)
{
    char why[200];

    if (!user_config_parse(text, &c, why, sizeof why))
        fail_msg("%s", why);
}

static bool refused(const char *text, const char *because)
{
    static struct user_config other;
    char why[200];

    return !user_config_parse(text, &other, why, sizeof why) &&
           strstr(why, because);
}

/* RFC 3397: a name that ends as one before it points there. */
static void test_search_list(void **state)
{
    static const uint8_t list[] = "\3lan\7example\0\300\4\1a\300\0\3LAN\0"
                                  "\3net\300\23";
    uint8_t n;
    const uint8_t *v;

    settings("dnssearch=lan.example,dnssearch=Example,"
             "dnssearch=a.lan.example.,dnssearch=LAN,dnssearch=net.lan");
    request(3);
    option_addr(50, 0x0a00020f);
    assert_true(send(0));
    v = find(119, &n);
    assert_non_null(v);
    assert_int_equal(n, sizeof list - 1);
    assert_memory_equal(v, list, n);
}

static void test_search_list_refused(void **state)
{
    static const char *const bad[] = {
        "dnssearch=", "dnssearch=.", "dnssearch=a..b", "dnssearch=.a",
        "dnssearch=a b", "dnssearch=a..", "dnssearch="
        "a123456789b123456789c123456789d123456789e123456789f123456789abcd",
    };
    char text[300], *at = text;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_true(refused(bad[i], "dnssearch="));
    at += sprintf(at, "dnssearch=");
    for (unsigned i = 0; i < 127; i++)
        at += sprintf(at, "a.");
    settings(text);             /* 253 characters and a dot fill an option */
    assert_int_equal(c.search.len, 255);
    strcpy(at, ",dnssearch=b");
    assert_true(refused(text, "255 bytes together"));
    strcpy(at, "a");
    assert_true(refused(text, "255 bytes together"));
}

/* Nothing is left out of a reply in silence. */
static void test_too_much_for_a_reply(void **state)
{
    char text[500] = "hostname=", *at = text + strlen(text);

    at += sprintf(at, "%063d,domainname=%063d,bootfile=%0120d", 0, 0, 0);
    settings(text);
    request(3);
    option_addr(50, 0x0a00020f);
    assert_true(send(0));
    assert_false(r.cut);
    sprintf(at, ",tftp-server-name=%063d", 0);
    assert_true(refused(text, "too long together"));
}

static void test_broadcast_flag_and_renewal(void **state)
{
    request(1);
    put16(q + 10, 0x8000);
    assert_true(send(0));
    assert_int_equal(r.to, 0xffffffff);
    request(3);
    put32(q + 12, 0x0a00020f);          /* renewing: its own address */
    assert_true(send(0));
    assert_int_equal(type_of_reply(), 5);
    assert_int_equal(r.to, 0x0a00020f);
    request(8);
    put32(q + 12, 0x0a00020f);
    assert_true(send(0));
    assert_int_equal(type_of_reply(), 5);
    assert_int_equal(get32(r.data + 16), 0);
    assert_int_equal(find_addr(51), 0);
}

static void test_restrict_tells_no_router(void **state)
{
    c.restricted = true;
    request(1);
    assert_true(send(0));
    assert_int_equal(find_addr(1), 0xffffff00);
    assert_int_equal(find_addr(3), 0);
    assert_int_equal(find_addr(6), 0);
}

static void test_wish_and_refusal(void **state)
{
    request(1);
    option_addr(50, 0x0a000214);
    assert_true(send(0));
    assert_int_equal(get32(r.data + 16), 0x0a000214);
    /* Not of the range: another is offered, and a request is refused. */
    mac[5] = 2;
    request(1);
    option_addr(50, 0x0a000202);
    assert_true(send(0));
    assert_int_equal(get32(r.data + 16), 0x0a00020f);
    request(3);
    option_addr(50, 0x0a000203);
    assert_true(send(0));
    assert_int_equal(type_of_reply(), 6);
    assert_int_equal(r.to, 0xffffffff);
    assert_int_equal(get32(r.data + 16), 0);
    /* Another's. */
    request(3);
    option_addr(50, 0x0a000214);
    assert_true(send(0));
    assert_int_equal(type_of_reply(), 6);
    /* Another server was chosen. */
    request(3);
    option_addr(50, 0x0a000214);
    option_addr(54, 0x0a000263);
    assert_false(send(0));
    assert_int_equal(d.other_server, 1);
}

static void test_sixteen_leases(void **state)
{
    for (unsigned i = 0; i < 16; i++) {
        mac[5] = i;
        request(3);
        option_addr(50, 0x0a00020f + i);
        assert_true(send(0));
        assert_int_equal(type_of_reply(), 5);
    }
    mac[5] = 16;
    request(1);
    assert_false(send(1000));
    assert_int_equal(d.no_lease, 1);
    /* One is given back; a day later the others are over, too. */
    mac[5] = 5;
    request(7);
    assert_false(send(1000));
    mac[5] = 16;
    request(1);
    assert_true(send(2000));
    assert_int_equal(get32(r.data + 16), 0x0a000214);
    mac[5] = 17;
    request(1);
    assert_false(send(3000));
    request(1);
    assert_true(send(86400001));
}

/* dhcpstart= may leave .2 and .3 inside of the range. */
static void test_own_addresses_are_not_leased(void **state)
{
    char why[160];

    assert_true(user_config_parse("dhcpstart=10.0.2.1", &c, why, sizeof why));
    for (unsigned i = 0; i < 14; i++) {
        mac[5] = i;
        request(0);
        assert_true(send(0));
        assert_true(r.lease != c.host && r.lease != c.dns);
    }
    mac[5] = 14;
    request(0);
    assert_false(send(0));
}

/* Nor are those that guestfwd= leads away: who had one could not be a host. */
static void test_addresses_of_guestfwd_are_not_leased(void **state)
{
    char why[160];

    assert_true(user_config_parse("guestfwd=tcp:10.0.2.16:80-tcp:a:80,"
                                  "guestfwd=tcp:10.0.2.15:80-tcp:a:80", &c,
                                  why, sizeof why));
    request(1);
    option_addr(50, 0x0a000210);
    assert_true(send(0));
    assert_int_equal(r.lease, 0x0a000211);
}

static void test_bootp(void **state)
{
    request(0);
    q_len = 300;
    assert_true(send(0));
    assert_int_equal(type_of_reply(), 0);
    assert_int_equal(get32(r.data + 16), 0x0a00020f);
    assert_int_equal(r.len >= 300, 1);
}

static void test_overloaded_fields(void **state)
{
    uint8_t both = 3;

    request(0);
    option(52, &both, 1);
    memcpy(q + 108, "\x35\x01\x03\xff", 4);         /* REQUEST in `file` */
    memcpy(q + 44, "\x32\x04\x0a\x00\x02\x11\xff", 7);
    assert_true(send(0));
    assert_int_equal(type_of_reply(), 5);
    assert_int_equal(get32(r.data + 16), 0x0a000211);
    /* A length that leaves the field. */
    q[109] = 127;
    assert_false(send(0));
    assert_int_equal(d.malformed, 1);
}

static void test_malformed(void **state)
{
    unsigned n = 0;

    for (size_t len = 0; len < 236; len++) {
        request(1);
        q_len = len;
        assert_false(send(0));
        n++;
    }
    /* An option's length that leaves the packet, at each place. */
    for (unsigned cut = 1; cut < 6; cut++) {
        request(1);
        option_addr(50, 1);
        q_len -= cut;
        assert_false(send(0));
        n++;
    }
    request(1), q[0] = 2;
    assert_false(send(0));
    request(1), q[1] = 6;
    assert_false(send(0));
    request(1), q[2] = 16;
    assert_false(send(0));
    request(1), q[28] = 1;
    assert_false(send(0));
    assert_int_equal(d.malformed, n + 4);
    request(1);
    put32(q + 24, 0x0a000201);
    assert_false(send(0));
    assert_int_equal(d.relayed, 1);
    request(99);
    assert_false(send(0));
    assert_int_equal(d.ignored, 1);
}

/* Everything that can be told is not more than every client takes. */
static void test_longest_reply(void **state)
{
    memset(c.hostname, 'h', 63);
    memset(c.domain, 'd', 63);
    memset(c.tftp_name, 't', 63);
    memset(c.bootfile, 'b', 127);
    request(1);
    assert_true(send(0));
    assert_true(r.len <= DHCP_REPLY_MAX);
    assert_int_equal(r.data[r.len - 1], 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_discover_and_request, setup),
        cmocka_unit_test_setup(test_search_list, setup),
        cmocka_unit_test_setup(test_search_list_refused, setup),
        cmocka_unit_test_setup(test_too_much_for_a_reply, setup),
        cmocka_unit_test_setup(test_broadcast_flag_and_renewal, setup),
        cmocka_unit_test_setup(test_restrict_tells_no_router, setup),
        cmocka_unit_test_setup(test_wish_and_refusal, setup),
        cmocka_unit_test_setup(test_sixteen_leases, setup),
        cmocka_unit_test_setup(test_own_addresses_are_not_leased, setup),
        cmocka_unit_test_setup(
            test_addresses_of_guestfwd_are_not_leased, setup),
        cmocka_unit_test_setup(test_bootp, setup),
        cmocka_unit_test_setup(test_overloaded_fields, setup),
        cmocka_unit_test_setup(test_malformed, setup),
        cmocka_unit_test_setup(test_longest_reply, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
