/* file: to a FIFO, whose reader takes its time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/chardev/backend.h"

#define TOTAL 300000u           /* several times what a FIFO holds */

static char dir[] = "/tmp/trestle-file-XXXXXX";

static uint8_t at(size_t i) { return (uint8_t)(i % 251); }

/* It is held up, and no byte is lost, whatever the size of a write. */
static void through(struct backend *b, int reader, size_t piece)
{
    static uint8_t buf[TOTAL];
    size_t put = 0, got = 0, held = 0;

    for (size_t i = 0; i < TOTAL; i++)
        buf[i] = at(i);
    while (got < TOTAL) {
        size_t left = TOTAL - put, n = left < piece ? left : piece;
        size_t took = n ? b->chr.write(b->chr.ctx, buf + put, n) : 0;
        uint8_t in[3000];
        ssize_t r;

        put += took;
        held += n && !took;
        if (took)
            continue;
        r = read(reader, in, sizeof in);
        assert_true(r > 0);
        for (ssize_t i = 0; i < r; i++)
            assert_int_equal(in[i], at(got + (size_t)i));
        got += (size_t)r;
    }
    assert_int_equal(put, TOTAL);
    assert_true(held > 10);
    assert_int_equal(b->dropped, 0);
}

static void test_slow_reader(void **state)
{
    struct chardev_option o = { .kind = CHARDEV_FILE };
    struct backend *b;
    char why[200] = "";
    int reader;

    assert_non_null(mkdtemp(dir));
    snprintf(o.path, sizeof o.path, "%s/fifo", dir);
    assert_int_equal(mkfifo(o.path, 0600), 0);
    reader = open(o.path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_int_equal(backend_open(&o, "serial0", NULL, NULL, &b, why,
                                  sizeof why), 0);
    through(b, reader, 1000);
    through(b, reader, 65536);
    backend_close(b);
    close(reader);
    unlink(o.path);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_reader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
