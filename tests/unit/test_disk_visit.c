/*
 * A task that visits a disk which a guest is using: neither sees the other's
 * work half done, and both get on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/disk/image.h"
#include "kernel/platform.h"

#define STEPS 200u              /* of either, at least */
#define US UINT64_C(1000)
#define PATIENCE_NS UINT64_C(20000000000)

static char path[] = "/tmp/trestle-visit-XXXXXX";
static struct disk_image img;
static atomic_uint steps, rounds;       /* the visitor's and the guest's */
static atomic_bool torn;        /* one was seen half done */

/* Sectors 0 and 1 are equal, but in here. */
static int step(struct disk_image *image, void *ctx)
{
    uint8_t buf[2][512];

    if (block_read(image->top, 0, 2, buf) ||
        memcmp(buf[0], buf[1], sizeof buf[0]))
        atomic_store(&torn, true);
    memset(buf[0], atomic_load(&steps), sizeof buf[0]);
    block_write(image->top, 0, 1, buf[0]);
    platform_task_wait(platform_now_ns() + 100 * US);
    block_write(image->top, 1, 1, buf[0]);
    return 7;
}

static void visit(void *arg)
{
    uint64_t end = platform_now_ns() + PATIENCE_NS;

    while ((atomic_load(&steps) < STEPS || atomic_load(&rounds) < STEPS) &&
           platform_now_ns() < end) {
        if (disk_image_visit(&img, step, NULL) != 7)
            atomic_store(&torn, true);
        atomic_fetch_add(&steps, 1);
    }
}

static unsigned completions;
static int last_error;
static void done(struct block_request *req, int error)
{
    completions++;
    last_error = error;
}

/* As the guest's core does; it takes the request back by itself. */
static void request(enum block_op op, uint32_t count, void *buf)
{
    struct block_request req = { op, 0, count, buf, done, NULL };
    uint64_t end = platform_now_ns() + PATIENCE_NS;
    unsigned before = completions;

    img.dev.submit(&img.dev, &req);
    while (completions == before && platform_now_ns() < end) {
        platform_wait(platform_now_ns() + 100 * US);
        img.dev.poll(&img.dev);
    }
    assert_int_equal(completions, before + 1);
    assert_int_equal(last_error, 0);
}

static void run(unsigned flags, bool worker)
{
    struct platform_task *task;
    uint8_t buf[2][512] = { 0 };
    char why[200];
    FILE *f = fopen(path, "w");

    fwrite(buf, 1, sizeof buf, f);
    fclose(f);
    atomic_store(&steps, 0);
    atomic_store(&rounds, 0);
    assert_int_equal(disk_image_open(&img, path, flags, why, sizeof why), 0);
    if (worker)
        assert_int_equal(disk_image_start_worker(&img), 0);
    assert_int_equal(!!img.worker.task, worker);
    assert_int_equal(platform_task_start(visit, NULL, &task), 0);
    while (!platform_task_has_ended(task)) {
        request(BLOCK_READ, 2, buf);
        assert_memory_equal(buf[0], buf[1], sizeof buf[0]);
        memset(buf, atomic_fetch_add(&rounds, 1), sizeof buf);
        request(BLOCK_WRITE, 2, buf);
        if (!(atomic_load(&rounds) % 8))
            request(BLOCK_FLUSH, 0, NULL);
    }
    platform_task_free(task);
    assert_in_range(atomic_load(&steps), STEPS, UINT32_MAX);
    assert_in_range(atomic_load(&rounds), STEPS, UINT32_MAX);
    assert_false(atomic_load(&torn));
    disk_image_close(&img);
    unlink(path);
}

/* Its flushes go by a task, as does what comes while a visitor is there. */
static void test_of_a_file(void **state) { run(0, true); }

/* Nothing waits: all is done on the guest's core. */
static void test_of_memory(void **state) { run(DISK_SNAPSHOT, false); }

/* As under -icount. */
static void test_of_a_file_without_task(void **state) { run(0, false); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_a_file), cmocka_unit_test(test_of_memory),
        cmocka_unit_test(test_of_a_file_without_task),
    };

    close(mkstemp(path));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
