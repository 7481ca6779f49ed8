/* Jobs: a task that works for the monitor, its line, Ctrl-C, its end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console/job.h"
#include "kernel/loop.h"
#include "kernel/platform.h"
#include "tests/unit/console_harness.h"

#define PATIENCE_NS UINT64_C(20000000000)
#define MB UINT64_C(1000000)

/* What the task of a test does: it works on until it is let go. */
struct work {
    atomic_bool go;
    bool is_slow;               /* it does not stop at once when cancelled */
    atomic_bool at_work;
    uint64_t done, total;
    const char *text, *why;
    int result;
    unsigned ends;
    int error;
};
static struct work work;

static int run(struct job *job, void *ctx)
{
    struct work *w = ctx;

    if (w->text)
        job_printf(job, "%s", w->text);
    do {
        job_progress(job, w->done, w->total);
        atomic_store(&w->at_work, true);
        platform_task_wait(platform_now_ns() + MB);
    } while (!atomic_load(&w->go) && (w->is_slow || !job_is_cancelled(job)));
    if (job_is_cancelled(job))
        return -ECANCELED;
    return w->why ? job_fail(job, w->result, "%s", w->why) : w->result;
}

static void end(void *ctx, int error)
{
    struct work *w = ctx;

    w->ends++;
    w->error = error;
}

static int setup(void **state)
{
    memset(&work, 0, sizeof work);
    return console_setup(state);
}

/* Poll until it shows; all output since then, as `type` gives it. */
static const char *await(const char *what)
{
    uint64_t limit = platform_now_ns() + PATIENCE_NS;

    while (!strstr(line.out, what) && platform_now_ns() < limit) {
        mux_poll(&mux);
        platform_wait(platform_now_ns() + MB);
    }
    assert_shows(line.out, what);
    return line.out;
}

static void assert_ended(int error)
{
    assert_int_equal(work.ends, 1);
    assert_int_equal(work.error, error);
    assert_false(job_is_running());
}

static void start(const char *name)
{
    assert_true(job_start(&monitor, name, run, end, &work));
    assert_true(job_is_running());
}

/* The line that a terminal shows in the end, of what came since a CRLF. */
static void assert_last_line(const char *out, const char *want)
{
    char shown[400] = "";
    const char *p = out;
    size_t at = 0;

    for (const char *next; (next = strstr(p, "\r\n")); p = next + 2)
        ;
    for (; *p; p++)
        if (*p == '\r')
            at = 0;
        else
            shown[at++] = *p;
    assert_string_equal(shown, want);
}

static void test_progress_and_end(void **state)
{
    work.done = 12 * MB;
    work.total = 28 * MB;
    type("\001c");
    start("commit hda");
    assert_last_line(await("MB"), "commit hda: 42 %, 12 MB of 28 MB");
    assert_int_equal(work.ends, 0);
    atomic_store(&work.go, true);
    await("\rcommit hda: done, 12 MB in ");
    assert_last_line(line.out, "(trestle) ");
    assert_ended(0);
}

/* Its text stands above the line that says how far it is. */
static void test_text(void **state)
{
    work.text = "sha256 00\nsize 1\n";
    type("\001c");
    start("upgrade");
    assert_last_line(await("upgrade:"), "upgrade: ...");
    assert_shows(line.out, "sha256 00\r\nsize 1\r\n");
    work.text = NULL;
    atomic_store(&work.go, true);
    await("upgrade: done, in 0.");
    assert_ended(0);
}

static void test_cancel(void **state)
{
    work.done = 1 * MB;
    work.is_slow = true;
    type("\001c");
    start("commit hda");
    await("commit hda: 1.0 MB");
    line.out_len = 0;
    type("info version\r\003");
    await("commit hda: is being cancelled");
    atomic_store(&work.go, true);
    await("commit hda: cancelled, 1.0 MB in ");
    assert_last_line(line.out, "(trestle) ");
    if (strstr(line.out, "test on hosted"))
        fail_msg("%s", "Ctrl-C left what was typed");
    assert_ended(-ECANCELED);
    job_cancel();
    /* Then Ctrl-C means what it did before. */
    assert_shows(type("garbage\003"), "^C\r\n(trestle) ");
}

/* What is typed meanwhile is a command afterwards. */
static void test_typed_ahead(void **state)
{
    type("\001c");
    start("commit hda");
    type("info version\r");
    atomic_store(&work.go, true);
    await("test on hosted");
    assert_true(strstr(line.out, "commit hda: done") <
                strstr(line.out, "test on hosted"));
    assert_ended(0);
}

/* One that is started by a key leaves the line that was begun. */
static void test_line_begun(void **state)
{
    type("\001c");
    type("info ver");
    start("commit all");
    atomic_store(&work.go, true);
    await("commit all: done");
    assert_last_line(line.out, "(trestle) info ver");
    assert_shows(type("sion\r"), "test on hosted");
}

static void test_failures(void **state)
{
    work.result = -ENOSPC;
    atomic_store(&work.go, true);
    type("\001c");
    start("commit hda");
    await("commit hda: failed, in 0.");
    assert_shows(line.out, "s: No space left on device\r\n(trestle) ");
    assert_ended(-ENOSPC);
    line.out_len = 0;
    work.why = "disk 'disk:0' is gone";
    start("commit hda");
    await("s: \r\n  disk 'disk:0' is gone\r\n(trestle) ");
}

static int never(struct job *job, void *ctx)
{
    abort();                    /* a second one */
}

static void test_one_at_a_time(void **state)
{
    struct work other = { 0 };

    type("\001c");
    start("commit hda");
    assert_false(job_start(&monitor, "install", never, end, &other));
    assert_int_equal(other.ends, 1);
    assert_int_equal(other.error, -EBUSY);
    assert_shows(type(""), "another job is running: commit hda\r\n");
    atomic_store(&work.go, true);
    await("commit hda: done");
    assert_ended(0);
    start("install");
    await("install: done");
}

/* Who looks at the guest's console hears of the end only. */
static void test_outside_the_monitor(void **state)
{
    start("commit all");
    while (!atomic_load(&work.at_work))
        platform_wait(platform_now_ns() + MB);
    for (unsigned i = 0; i < 300; i++) {
        mux_poll(&mux);
        platform_wait(platform_now_ns() + MB);
    }
    assert_int_equal(line.out_len, 0);
    /* The monitor shows it in place of a prompt. */
    type("\001c");
    await("commit all: ...");
    if (strstr(line.out, "(trestle) "))
        fail_msg("a prompt: %s", line.out);
    type("\001c");
    atomic_store(&work.go, true);
    await("\r\n[commit all: done, in ");
    if (strstr(line.out, "(trestle) "))
        fail_msg("a prompt: %s", line.out);
    assert_ended(0);
}

static void test_80_columns(void **state)
{
    work.done = work.total = UINT64_MAX;
    type("\001c");
    start("a job with a name that is longer than all that there are");
    await("100 %");
    for (const char *p = line.out; *p; p += strcspn(p, "\r\n") + 1)
        assert_in_range(strcspn(p, "\r\n"), 0, 79);
    atomic_store(&work.go, true);
    await("done");
    for (const char *p = line.out; *p; p += strcspn(p, "\r\n") + 1)
        assert_in_range(strcspn(p, "\r\n"), 0, 79);
}

/* Trestle ends when the job has ended, which is told to. */
static void test_quit(void **state)
{
    line.in = (const uint8_t *)"\001x";
    line.in_len = 2;
    start("commit hda");
    assert_int_equal(loop_run(guests, 1, &mux, NULL), 0);
    assert_ended(-ECANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define JOB_TEST(f) cmocka_unit_test_setup_teardown(f, setup, console_teardown)
        JOB_TEST(test_progress_and_end), JOB_TEST(test_text),
        JOB_TEST(test_cancel), JOB_TEST(test_typed_ahead),
        JOB_TEST(test_line_begun), JOB_TEST(test_failures),
        JOB_TEST(test_one_at_a_time), JOB_TEST(test_outside_the_monitor),
        JOB_TEST(test_80_columns), JOB_TEST(test_quit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
