/*
 * What accept says of a connection that is gone already is that one's: the
 * next is taken. accept is the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

static int fail_next;           /* an errno, or 0 */
static int fake_accept4(int fd, struct sockaddr *a, socklen_t *len, int flags);

#define accept4 fake_accept4
#include "kernel/hosted/sockets.c"
#undef accept4

#include "kernel/net/transport.h"
#include "kernel/platform.h"

static struct stream *taken;

static int fake_accept4(int fd, struct sockaddr *a, socklen_t *len, int flags)
{
    if (!fail_next)
        return accept4(fd, a, len, flags);
    errno = fail_next;
    fail_next = 0;
    return -1;
}

static void on_accepted(void *ctx, struct stream *s, struct endpoint from)
{
    taken = s;
}

static void call_after(int error)
{
    struct endpoint any = { 0x7f000001, 0 };
    uint64_t end = platform_now_ns() + 20000000000u;
    struct listener *l;
    struct stream *s;

    taken = NULL;
    assert_int_equal(listener_open(any, on_accepted, NULL, &l), 0);
    fail_next = error;
    assert_int_equal(stream_connect(listener_local(l), NULL, NULL, &s), 0);
    while (!taken && !listener_refused(l) && platform_now_ns() < end)
        if (!transport_poll())
            platform_wait(platform_now_ns() + 10000000u);
    assert_non_null(taken);
    assert_int_equal(listener_refused(l), 0);
    stream_close(taken, true);
    stream_close(s, true);
    listener_close(l);
}

/* accept(2) names these, which are of one connection. */
static void test_errors_of_a_connection(void **state)
{
    static const int errors[] = {
        ECONNABORTED, EINTR, EPERM, EPROTO, ENETDOWN, EHOSTUNREACH
    };

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        call_after(errors[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_of_a_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
