/* A disk's requests by a task: order, errors, the end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel/disk/worker.h"
#include "kernel/platform.h"

static struct worker w;
static atomic_bool held;        /* the device does not answer */
static atomic_uint performed;
static struct block_request request[WORKER_SLOTS + 1];

static int perform(void *ctx, const struct block_request *req)
{
    while (atomic_load(&held))
        platform_task_wait(platform_now_ns() + 1000000);
    if (ctx != &w)
        abort();            /* not this thread's to fail */
    atomic_fetch_add(&performed, 1);
    return req->sector % 2 ? -EIO : 0;
}

static int start(void **state)
{
    atomic_store(&held, false);
    atomic_store(&performed, 0);
    for (unsigned i = 0; i <= WORKER_SLOTS; i++)
        request[i] = (struct block_request){ .sector = i };
    return worker_start(&w, perform, &w);
}

/* The next, within 20 s. */
static void assert_next(const struct block_request *wanted)
{
    uint64_t end = platform_now_ns() + 20000000000ull;
    struct block_request *req;
    int error = 1;

    while (!(req = worker_take(&w, &error)) && platform_now_ns() < end)
        platform_wait(platform_now_ns() + 100000000);
    assert_ptr_equal(req, wanted);
    assert_int_equal(error, wanted->sector % 2 ? -EIO : 0);
}

static void test_in_order(void **state)
{
    int error;

    assert_null(worker_take(&w, &error));
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned i = 0; i < 3; i++)
            assert_true(worker_submit(&w, &request[i]));
        for (unsigned i = 0; i < 3; i++) {
            assert_true(worker_is_busy(&w));
            assert_next(&request[i]);
        }
        assert_false(worker_is_busy(&w));
        assert_int_equal(worker_total(&w), 3 * (round + 1));
    }
    worker_stop(&w);
}

static void test_full(void **state)
{
    int error;

    atomic_store(&held, true);
    for (unsigned i = 0; i < WORKER_SLOTS; i++)
        assert_true(worker_submit(&w, &request[i]));
    assert_false(worker_submit(&w, &request[WORKER_SLOTS]));
    assert_null(worker_take(&w, &error));
    assert_int_equal(worker_pending(&w), 0);
    atomic_store(&held, false);
    assert_next(&request[0]);
    assert_true(worker_submit(&w, &request[WORKER_SLOTS]));
    /* Its end: all is done, and can be taken. */
    worker_stop(&w);
    assert_int_equal(atomic_load(&performed), WORKER_SLOTS + 1);
    assert_int_equal(worker_pending(&w), WORKER_SLOTS);
    for (unsigned i = 1; i <= WORKER_SLOTS; i++)
        assert_next(&request[i]);
    assert_null(worker_take(&w, &error));
}

static void test_stop_of_none(void **state)
{
    worker_stop(&w);
    worker_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_in_order, start),
        cmocka_unit_test_setup(test_full, start),
        cmocka_unit_test_setup(test_stop_of_none, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
