/* A serial line of Linux's: what a guest's break does on one that sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#define ioctl fake_ioctl
#define write fake_write
static int fake_ioctl(int fd, unsigned long request, ...);
static ssize_t fake_write(int fd, const void *buf, size_t len);
#include "kernel/hosted/chardev.c"

static int queued;              /* bytes that the line has not sent */
static bool is_shifting;        /* the last character is on its way */
static bool is_held;            /* in break condition */
static unsigned breaks, written;

/* As the kernel's, but that it fails where that would wait. */
static int fake_ioctl(int fd, unsigned long request, ...)
{
    va_list ap;
    int *out;

    va_start(ap, request);
    out = va_arg(ap, int *);
    va_end(ap);
    switch (request) {
    case TIOCOUTQ:
        *out = queued;
        return 0;
    case TIOCSERGETLSR:
        *out = queued || is_shifting ? 0 : TIOCSER_TEMT;
        return 0;
    case TIOCSBRK:
        assert_false(queued || is_shifting);
        breaks++;
        is_held = true;
        return 0;
    case TIOCCBRK:
        is_held = false;
        return 0;
    }
    fail();
    return -1;
}

static ssize_t fake_write(int fd, const void *buf, size_t len)
{
    assert_false(is_held);
    written += len;
    return (ssize_t)len;
}

/* It waits for what was written, and holds back what comes after. */
static void test_break_waits(void **state)
{
    struct fd_backend f = { .b = { .name = "x" }, .in = -1, .out = -1,
                            .is_tty = true };
    uint64_t now = 1000;

    queued = 100;
    is_shifting = true;
    fd_break(&f);
    fd_break(&f);
    assert_int_equal(fd_write(&f, (const uint8_t *)"a", 1), 0);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t next = fd_poll(&f.b, now);

        assert_in_range(next, now + 1, now + 10000000);
        assert_int_equal(breaks, 0);
        now = next;
        queued = 0;             /* with CTS, at last */
        is_shifting = i < 1;
    }
    now = fd_poll(&f.b, now);
    assert_true(is_held);
    assert_int_equal(fd_write(&f, (const uint8_t *)"a", 1), 0);
    /* What waits goes out at once then. */
    assert_int_equal(fd_poll(&f.b, now), now);
    assert_false(is_held);
    assert_int_equal(fd_write(&f, (const uint8_t *)"a", 1), 1);
    assert_int_equal(fd_poll(&f.b, now), UINT64_MAX);
    assert_int_equal(breaks, 1);
    assert_int_equal(written, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_break_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
