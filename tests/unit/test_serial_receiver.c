/* A file over the administrator's line, in the middle of the console. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console/serial_receiver.h"
#include "kernel/platform.h"
#include "tests/unit/console_harness.h"

#define MS UINT64_C(1000000)
#define PATIENCE_NS UINT64_C(20000000000)

static struct receiver *receiver;
static char got[300], why[sizeof ((struct receiver *)0)->why];
static ssize_t last;
static size_t got_len;

static void read_all(void *arg)
{
    got_len = 0;
    while ((last = receiver->read(receiver, got + got_len,
                                  sizeof got - got_len)) > 0)
        got_len += (size_t)last;
    strcpy(why, receiver->why);
}

/* What was printed since the line's last input, once it has `what`. */
static void await(const char *what, size_t len)
{
    uint64_t limit = platform_now_ns() + PATIENCE_NS;

    while ((line.out_len < len ||
            memcmp(line.out + line.out_len - len, what, len)) &&
           platform_now_ns() < limit) {
        mux_poll(&mux);
        platform_wait(platform_now_ns() + MS);
    }
    assert_true(line.out_len >= len);
    assert_memory_equal(line.out + line.out_len - len, what, len);
}

static void put(const void *data, size_t len)
{
    line.in = data;
    line.in_len = len;
    line.out_len = 0;
    while (line.in_len)
        mux_poll(&mux);
}

/* A packet of zeros: any checksum of theirs is 0. */
static void put_packet(uint8_t number)
{
    static uint8_t p[133];

    p[0] = 1;
    p[1] = number;
    p[2] = 255 - number;
    put(p, sizeof p);
}

static void begin(struct platform_task **task)
{
    mux_print(&mux, "before");
    assert_int_equal(serial_receiver_open(&mux, false, &receiver), 0);
    assert_int_equal(platform_task_start(read_all, NULL, task), 0);
}

static void finish(struct platform_task *task)
{
    while (!platform_task_has_ended(task)) {
        mux_poll(&mux);
        platform_wait(platform_now_ns() + MS);
    }
    platform_task_free(task);
    receiver->close(receiver);
    assert_null(mux.transfer);
}

/* Only the file's own bytes pass, among them what would be keys. */
static void test_between_other_output(void **state)
{
    struct platform_task *task;
    struct receiver *other;

    begin(&task);
    await("beforeC", 7);
    mux_print(&mux, "meanwhile");
    byte_ring_put(&guest->serial[0]->from_guest, (const uint8_t *)"guest", 5);
    assert_int_equal(serial_receiver_open(&mux, false, &other), -EBUSY);
    put_packet(1);
    await("\6", 1);
    assert_int_equal(line.out_len, 1);
    put_packet(2);              /* begins with what is Ctrl-a */
    await("\6", 1);
    put("\4", 1);
    await("\x15", 1);
    put("\4", 1);
    await("\6", 1);
    finish(task);
    assert_int_equal(last, 0);
    assert_int_equal(got_len, 256);
    assert_false(mux.in_monitor);
    assert_shows(type(""), "meanwhile");
    assert_shows(line.out, "guest");
}

/* Whoever waits for nothing can say so. */
static void test_cancelled(void **state)
{
    struct platform_task *task;

    begin(&task);
    await("C", 1);
    put("\3", 1);
    finish(task);
    assert_int_equal(last, -ECANCELED);
    type("\1c");
    assert_shows(type("help\r"), "this list");
}

static bool is_asked_to_stop(void *ctx) { return *(const bool *)ctx; }

/* The job is cancelled, as when Trestle ends: it is not waited for a sender. */
static void test_job_cancelled(void **state)
{
    struct platform_task *task;
    bool stop = false;
    uint64_t start;

    assert_int_equal(serial_receiver_open(&mux, false, &receiver), 0);
    receiver->is_cancelled = is_asked_to_stop;
    receiver->ctx = &stop;
    assert_int_equal(platform_task_start(read_all, NULL, &task), 0);
    await("C", 1);
    stop = true;
    start = line.out_len;
    while (!platform_task_has_ended(task) && line.out_len < start + 5) {
        mux_poll(&mux);
        platform_wait(platform_now_ns() + MS);
    }
    assert_int_equal(line.out_len, start);      /* it called no more */
    finish(task);
    assert_int_equal(last, -ECANCELED);
    assert_string_equal(why, "cancelled");
    assert_shows(line.out, "\x18\x18\x18\x18\x18");
}

/* It is closed in the middle: the sender hears of it. */
static void test_closed_early(void **state)
{
    assert_int_equal(serial_receiver_open(&mux, true, &receiver), 0);
    line.out_len = 0;
    receiver->close(receiver);
    assert_shows(line.out, "\x18\x18\x18\x18\x18");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_between_other_output),
        TEST(test_cancelled),
        TEST(test_job_cancelled),
        TEST(test_closed_early),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
