/* A back end at a TCP peer that is up to no good: telnet that never ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/net/transport.h"

#define stream_read fake_read
#define stream_write fake_write
#define stream_pause fake_pause
#define stream_close fake_close
static ssize_t fake_read(struct stream *s, void *buf, size_t size);
static ssize_t fake_write(struct stream *s, const void *data, size_t len);
static void fake_pause(struct stream *s, bool paused);
static void fake_close(struct stream *s, bool reset);
#include "kernel/chardev/stream.c"

#define READS_MAX 100u

static struct stream_backend line;
static uint8_t sends[3];        /* the peer, again and again */
static size_t sends_len;
static unsigned reads, at;
static size_t peer_reads;       /* of each write */
static bool is_paused;

static ssize_t fake_read(struct stream *s, void *buf, size_t size)
{
    uint8_t *p = buf;

    assert_in_range(++reads, 1, READS_MAX);
    for (size_t i = 0; i < size; i++)
        p[i] = sends[at++ % sends_len];
    return (ssize_t)size;
}

static ssize_t fake_write(struct stream *s, const void *data, size_t len)
{
    return (ssize_t)(len < peer_reads ? len : peer_reads);
}

static void fake_pause(struct stream *s, bool paused) { is_paused = paused; }
static void fake_close(struct stream *s, bool reset) { fail(); }

static void peer_sends(const char *bytes, size_t len)
{
    memcpy(sends, bytes, len);
    sends_len = len;
}

static int setup(void **state)
{
    memset(&line, 0, sizeof line);
    line.b.name[0] = 'x';
    line.connected = true;
    line.o.telnet = true;
    telnet_init(&line.telnet, true);
    reads = at = 0;
    peer_reads = SIZE_MAX;
    is_paused = false;
    return 0;
}

/* None of these is a byte: the read ends all the same. */
static void test_commands_without_an_end(void **state)
{
    uint8_t buf[64];

    peer_sends("\xff\xf1", 2);         /* IAC NOP */
    assert_int_equal(stream_backend_read(&line, buf, sizeof buf), 0);
    assert_int_equal(reads, REFILLS);
    /* Nothing is lost of what comes then. */
    peer_sends("ab", 2);
    at = 0;
    assert_int_equal(stream_backend_read(&line, buf, sizeof buf), sizeof buf);
    assert_memory_equal(buf, "abab", 4);
}

/* It asks and asks, and takes no answer: it is not listened to meanwhile. */
static void test_answers_that_nobody_reads(void **state)
{
    uint8_t buf[64];

    peer_sends("\xff\xfd\x63", 3);     /* IAC DO 99 */
    peer_reads = 0;
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(stream_backend_read(&line, buf, sizeof buf), 0);
        want(&line.b, true, false);
    }
    assert_true(is_paused);
    peer_reads = SIZE_MAX;
    peer_sends("ab", 2);
    line.in_at = line.in_len;
    assert_int_equal(stream_backend_read(&line, buf, sizeof buf), sizeof buf);
    want(&line.b, true, false);
    assert_false(is_paused);
    want(&line.b, false, false);
    assert_true(is_paused);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_commands_without_an_end),
        TEST(test_answers_that_nobody_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
