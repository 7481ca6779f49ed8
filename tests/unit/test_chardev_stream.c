/* A back end at a TCP peer that is up to no good, or goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/net/transport.h"
#include "kernel/platform.h"

#define platform_log fake_log
#define stream_read fake_read
#define stream_write fake_write
#define stream_pause fake_pause
#define stream_close fake_close
static ssize_t fake_read(struct stream *s, void *buf, size_t size);
static ssize_t fake_write(struct stream *s, const void *data, size_t len);
static void fake_pause(struct stream *s, bool paused);
static void fake_close(struct stream *s, bool reset);
static void fake_log(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
#include "kernel/chardev/stream.c"

#define READS_MAX 100u

static struct stream_backend line;
static uint8_t sends[3];        /* the peer, again and again */
static size_t sends_len;
static unsigned reads, at;
static size_t peer_reads;       /* of each write */
static bool is_paused;
static int read_error, write_error;     /* how it goes; or 0 */
static char said[200];          /* in the log, last */
static enum { OPEN, ENDED, RESET } how;

static ssize_t fake_read(struct stream *s, void *buf, size_t size)
{
    uint8_t *p = buf;

    assert_in_range(++reads, 1, READS_MAX);
    if (read_error)
        return read_error;
    for (size_t i = 0; i < size; i++)
        p[i] = sends[at++ % sends_len];
    return (ssize_t)size;
}

static ssize_t fake_write(struct stream *s, const void *data, size_t len)
{
    if (write_error)
        return write_error;
    return (ssize_t)(len < peer_reads ? len : peer_reads);
}

static void fake_pause(struct stream *s, bool paused) { is_paused = paused; }
static void fake_close(struct stream *s, bool reset)
{
    assert_int_equal(how, OPEN);
    how = reset ? RESET : ENDED;
}

static void fake_log(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(said, sizeof said, fmt, ap);
    va_end(ap);
}

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
    line.peer = (struct stream *)sends;         /* for the fakes */
    line.o.telnet = true;
    telnet_init(&line.telnet, true);
    reads = at = 0;
    peer_reads = SIZE_MAX;
    is_paused = false;
    read_error = write_error = 0;
    line.retry_ns = UINT64_MAX;
    said[0] = '\0';
    how = OPEN;
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

/* Who has only ended its own side gets what waits for it, and is let go. */
static void test_half_close(void **state)
{
    uint8_t buf[64];

    for (unsigned telnet = 0; telnet < 2; telnet++) {
        setup(state);
        line.o.telnet = telnet;
        line.telnet.reply_len = 0;
        read_error = -EPIPE;
        assert_int_equal(stream_backend_read(&line, buf, sizeof buf), 0);
        peer_reads = 5;
        assert_in_range(stream_backend_write(&line, (void *)"an answer", 9), 5,
                        9);
        want(&line.b, true, true);
        stream_backend_poll(&line.b, 1);
        assert_int_equal(how, OPEN);
        assert_int_equal(stream_backend_read(&line, buf, sizeof buf), 0);
        assert_int_equal(reads, 1);
        peer_reads = SIZE_MAX;
        assert_int_equal(stream_backend_write(&line, (void *)"swer", 4), 4);
        want(&line.b, true, false);
        stream_backend_poll(&line.b, 1);
        assert_int_equal(how, ENDED);
        assert_false(line.connected);
        assert_int_equal(line.b.dropped, 0);
        assert_string_equal(said, "x: the other end has gone");
    }
}

/* Of who sent something and hung up, that is read, whatever we say to it. */
static void test_hang_up(void **state)
{
    uint8_t buf[64];

    for (unsigned telnet = 0; telnet < 2; telnet++) {
        setup(state);
        line.o.telnet = telnet;
        peer_sends("a", 1);
        write_error = -EPIPE;
        stream_backend_write(&line, (void *)"echo", 4);
        assert_int_equal(stream_backend_write(&line, (void *)"more", 4), 4);
        assert_in_range(line.b.dropped, 4, 8);
        send_break(&line);
        assert_int_equal(how, OPEN);
        assert_int_equal(stream_backend_read(&line, buf, sizeof buf),
                         sizeof buf);
        read_error = -EPIPE;
        line.in_len = line.in_at = 0;
        assert_int_equal(stream_backend_read(&line, buf, sizeof buf), 0);
        assert_int_equal(how, ENDED);
        assert_false(line.connected);
    }
    setup(state);
    line.o.telnet = false;
    read_error = -ECONNRESET;
    assert_int_equal(stream_backend_read(&line, buf, sizeof buf), 0);
    assert_int_equal(how, RESET);
    assert_string_equal(said, "x: the connection failed");
}

/* Where that comes after the start, as on the bare machine, it is told, too. */
static void test_refused(void **state)
{
    line.connected = false;
    events.connected(&line, -ECONNREFUSED);
    assert_string_equal(said, "x: cannot connect: Connection refused; what the "
                        "port says is dropped");
    assert_int_equal(stream_backend_write(&line, (void *)"text", 4), 4);
    assert_int_equal(line.b.dropped, 4);
    assert_int_equal(stream_backend_poll(&line.b, 1), UINT64_MAX);
    /* With reconnect= it is no news. */
    setup(state);
    line.connected = false;
    line.o.reconnect_s = 1;
    events.connected(&line, -ECONNREFUSED);
    assert_string_equal(said, "");
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_commands_without_an_end),
        TEST(test_answers_that_nobody_reads),
        TEST(test_half_close), TEST(test_hang_up), TEST(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
