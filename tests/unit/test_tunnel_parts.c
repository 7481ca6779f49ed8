/* -net socket without a socket: its settings, and frames in a stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>

#include <cmocka.h>

#include "kernel/net/tunnel.h"
#include "kernel/net/tunnel_frames.h"
#include "kernel/net/tunnel_options.h"

static char why[160];

/* ---- Settings ------------------------------------------------------------ */

static void test_options(void **state)
{
    static const char *const good[] = {
        "listen=:1", "listen=1.2.3.4:65535", "connect=host.example:80",
        "mcast=224.0.0.1:1", "mcast=239.1.2.3:5,localaddr=10.0.0.1",
        "udp=10.0.0.1:2,localaddr=:3", "localaddr=a:1,udp=b:2",
    };
    static const struct { const char *params, *says; } bad[] = {
        { "", "needs" }, { "listen", "not a setting" },
        { "listen=", "HOST:PORT" }, { "listen=x", "HOST:PORT" },
        { "listen=:0", "HOST:PORT" }, { "listen=:65536", "HOST:PORT" },
        { "listen=:-1", "HOST:PORT" }, { "listen=:1x", "HOST:PORT" },
        { "connect=:", "HOST:PORT" }, { "connect=a b:1", "HOST:PORT" },
        { "listen=:1,connect=:2", "use one of" },
        { "listen=:1,localaddr=:2", "mcast= or udp=" },
        { "localaddr=:2", "needs" },
        { "udp=1.2.3.4:5", "localaddr=HOST:PORT" },
        { "udp=1.2.3.4:5,localaddr=1.2.3.4", "localaddr=HOST:PORT" },
        { "mcast=10.0.0.1:5", "224.0.0.0" }, { "mcast=240.0.0.1:5", "224" },
        { "mcast=name:5", "224" },
        { "mcast=224.0.0.1:5,localaddr=1.2.3.4:5", "is an address" },
        { "fd=3", "a socket has" }, { "ifname=t0", "a socket has" },
    };
    char huge[600] = "listen=";

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!tunnel_check(good[i], why, sizeof why))
            fail_msg("%s: %s", good[i], why);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(tunnel_check(bad[i].params, why, sizeof why));
        if (!strstr(why, bad[i].says))
            fail_msg("%s: %s", bad[i].params, why);
    }
    memset(huge + 7, 'a', sizeof huge - 10);
    assert_false(tunnel_check(huge, why, sizeof why));
}

/* ---- Framing ------------------------------------------------------------- */

static unsigned taken, taken_long;
static uint64_t taken_sum;

static void take(void *ctx, const uint8_t *frame, size_t len)
{
    taken++;
    taken_long += !frame;
    for (size_t i = 0; frame && i < len; i++)
        taken_sum = taken_sum * 31 + frame[i];
}

static size_t make_stream(uint8_t *out)
{
    static const uint32_t lengths[] = { 60, 0, 1518, 1, 1519, 60000, 14 };
    size_t at = 0;

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        uint32_t head = htonl(lengths[i]);

        memcpy(out + at, &head, 4);
        for (uint32_t k = 0; k < lengths[i]; k++)
            out[at + 4 + k] = (uint8_t)(k * 7 + i);
        at += 4 + lengths[i];
    }
    return at;
}

/* However the stream is cut, the frames are the same. */
static void test_cuts(void **state)
{
    static uint8_t stream[70000];
    size_t len = make_stream(stream);
    uint64_t sum = 0;

    for (size_t cut = 1; cut < 70000; cut = cut * 2 + 1) {
        struct tunnel_reader r = { .want = 0 };

        taken = taken_long = 0;
        taken_sum = 0;
        for (size_t at = 0; at < len; at += cut)
            assert_true(tunnel_reader_feed(&r, stream + at, len - at < cut
                                           ? len - at : cut, take, NULL));
        assert_int_equal(taken, 7);
        assert_int_equal(taken_long, 2);
        sum = sum ? sum : taken_sum;
        assert_int_equal(taken_sum, sum);
    }
}

static void test_impossible_lengths(void **state)
{
    static const uint32_t lengths[] = {
        TUNNEL_LENGTH_MAX + 1, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff
    };

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct tunnel_reader r = { .want = 0 };
        uint32_t head = htonl(lengths[i]);

        assert_true(tunnel_reader_feed(&r, (uint8_t *)&head, 3, take, NULL));
        assert_false(tunnel_reader_feed(&r, (uint8_t *)&head + 3, 1, take,
                                        NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_impossible_lengths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
