/* Telnet around a serial line: options, breaks, and bytes that stay whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/chardev/telnet.h"

enum { NUL = 0, SE = 240, BRK = 243, AYT = 246, SB = 250, WILL = 251,
       WONT = 252, DO = 253, DONT = 254, IAC = 255 };
enum { BINARY = 0, ECHO = 1, SGA = 3, NAWS = 31 };

static struct telnet t;
static unsigned breaks;

/* What the line hears of that. */
static size_t hear(const uint8_t *in, size_t len, uint8_t *out)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        uint8_t c = 0;

        assert_false(telnet_is_full(&t));
        switch (telnet_input(&t, in[i], &c)) {
        case TELNET_DATA:
            out[n++] = c;
            break;
        case TELNET_BROKE:
            breaks++;
            break;
        case TELNET_NOTHING:
            break;
        }
    }
    return n;
}

#define HEAR(...) \
    do { \
        const uint8_t in_[] = { __VA_ARGS__ }; \
        heard_len = hear(in_, sizeof in_, heard); \
    } while (0)
#define ASSERT_HEARD(...) \
    do { \
        const uint8_t e_[] = { __VA_ARGS__ }; \
        assert_int_equal(heard_len, sizeof e_); \
        assert_memory_equal(heard, e_, sizeof e_); \
    } while (0)
#define ASSERT_REPLY(...) \
    do { \
        const uint8_t e_[] = { __VA_ARGS__ }; \
        assert_int_equal(t.reply_len, sizeof e_); \
        assert_memory_equal(t.reply, e_, sizeof e_); \
        t.reply_len = 0; \
    } while (0)

static uint8_t heard[300];
static size_t heard_len;

static int setup(void **state)
{
    breaks = 0;
    telnet_init(&t, true);
    return 0;
}

static size_t say(const char *text, size_t len, uint8_t *out)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += telnet_output(&t, (uint8_t)text[i], out + n);
    return n;
}

static void test_server_offers(void **state)
{
    ASSERT_REPLY(IAC, WILL, ECHO, IAC, WILL, SGA, IAC, WILL, BINARY, IAC, DO,
                 BINARY);
    /* Its answers are no questions. */
    HEAR(IAC, DO, ECHO, IAC, DO, SGA, IAC, DO, BINARY, IAC, WILL, BINARY);
    assert_int_equal(heard_len, 0);
    assert_int_equal(t.reply_len, 0);
    /* Again, and of its own. */
    HEAR(IAC, DO, BINARY, IAC, WILL, NAWS, IAC, DO, NAWS, IAC, WILL, 255,
         IAC, WONT, NAWS);
    ASSERT_REPLY(IAC, DONT, NAWS, IAC, WONT, NAWS, IAC, DONT, 255);
    /* Off again. */
    HEAR(IAC, DONT, BINARY, IAC, WONT, BINARY);
    ASSERT_REPLY(IAC, WONT, BINARY, IAC, DONT, BINARY);
    HEAR(IAC, DO, BINARY);
    ASSERT_REPLY(IAC, WILL, BINARY);
}

static void test_client_answers(void **state)
{
    telnet_init(&t, false);
    assert_int_equal(t.reply_len, 0);
    HEAR(IAC, WILL, ECHO, IAC, WILL, SGA, IAC, WILL, BINARY, IAC, DO, BINARY,
         IAC, DO, ECHO);
    ASSERT_REPLY(IAC, DO, ECHO, IAC, DO, SGA, IAC, DO, BINARY, IAC, WILL,
                 BINARY, IAC, WONT, ECHO);
}

static void test_break_and_commands(void **state)
{
    HEAR('a', IAC, BRK, 'b', IAC, AYT, IAC, IAC, 'c', IAC, SB, NAWS, 'x', IAC,
         IAC, 'y', IAC, SE, 'd', IAC, SE, 'e');
    ASSERT_HEARD('a', 'b', IAC, 'c', 'd', 'e');
    assert_int_equal(breaks, 1);
}

/* Without BINARY an Enter is CR NUL; with it NUL is a byte like others. */
static void test_enter(void **state)
{
    uint8_t out[16];

    HEAR('a', '\r', NUL, 'b', '\r', '\n', NUL, 'c');
    ASSERT_HEARD('a', '\r', 'b', '\r', '\n', NUL, 'c');
    assert_int_equal(say("x\ry\r\nz\r", 7, out), 8);
    assert_memory_equal(out, "x\r\0y\r\nz\r", 8);
    assert_int_equal(say("w", 1, out), 2);
    assert_memory_equal(out, "\0w", 2);
    HEAR(IAC, WILL, BINARY, IAC, DO, BINARY, '\r', NUL);
    ASSERT_HEARD('\r', NUL);
    assert_int_equal(say("x\ry\xff", 4, out), 5);
    assert_memory_equal(out, "x\ry\xff\xff", 5);
}

/* What one end says the other hears, every byte. */
static void test_both_ends(void **state)
{
    struct telnet server, client;
    uint8_t out[TELNET_OUT], c;

    telnet_init(&server, true);
    telnet_init(&client, false);
    for (unsigned round = 0; round < 4; round++) {
        struct telnet *from = round % 2 ? &client : &server;
        struct telnet *to = round % 2 ? &server : &client;

        for (size_t i = 0; i < from->reply_len; i++)
            assert_int_equal(telnet_input(to, from->reply[i], &c),
                             TELNET_NOTHING);
        from->reply_len = 0;
    }
    assert_int_equal(server.reply_len + client.reply_len, 0);
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            const uint8_t pair[] = { (uint8_t)a, (uint8_t)b };

            for (unsigned i = 0; i < 2; i++) {
                size_t n = telnet_output(&server, pair[i], out);

                for (size_t k = 0; k + 1 < n; k++)
                    assert_int_equal(telnet_input(&client, out[k], &c),
                                     TELNET_NOTHING);
                assert_int_equal(telnet_input(&client, out[n - 1], &c),
                                 TELNET_DATA);
                assert_int_equal(c, pair[i]);
            }
        }
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_server_offers), TEST(test_client_answers),
        TEST(test_break_and_commands), TEST(test_enter), TEST(test_both_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
