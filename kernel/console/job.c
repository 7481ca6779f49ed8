/* See job.h. */
#include "kernel/console/job.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "kernel/console/monitor.h"
#include "kernel/console/mux.h"
#include "kernel/disk/disk_size.h"
#include "kernel/platform.h"
#include "kernel/ring.h"

#define NAME_BYTES 41u
#define WHY_BYTES 200u
#define LINE_BYTES (NAME_BYTES + 2 * DISK_SIZE_TEXT + 24u)
#define SHOW_NS 250000000u      /* how often progress is shown */
#define WORK_NS 1000000u        /* how long it keeps others up */
#define PART 512u               /* of its text, at a time */

struct job {
    struct monitor *mon;        /* NULL: there is no job */
    char name[NAME_BYTES];
    int (*run)(struct job *job, void *ctx);
    void (*end)(void *ctx, int error);
    void *ctx;
    struct platform_task *task;
    atomic_bool cancelled;
    _Atomic uint64_t done, total;
    struct byte_ring text;      /* from the task to the monitor */
    /* The task's own, and the I/O core's when that has ended. */
    uint64_t told_ns, rested_ns;
    int error;
    char why[WHY_BYTES];
    /* The I/O core's own. */
    uint64_t start_ns, shown_ns;
    char line[LINE_BYTES];      /* that stands there now, or "" */
};

static struct job the_job;

/* ---- The task -------------------------------------------------------------- */

static void job_main(void *arg)
{
    struct job *job = arg;

    job->error = job->run(job, job->ctx);
}

void job_progress(struct job *job, uint64_t done, uint64_t total)
{
    uint64_t now = platform_now_ns();

    atomic_store(&job->done, done);
    atomic_store(&job->total, total);
    if (now - job->told_ns >= SHOW_NS) {
        job->told_ns = now;
        platform_wake();
    }
    if (now - job->rested_ns >= WORK_NS) {
        platform_task_wait(0);
        job->rested_ns = platform_now_ns();
    }
}

bool job_is_cancelled(const struct job *job)
{
    return atomic_load(&job->cancelled);
}

void job_printf(struct job *job, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    byte_ring_put(&job->text, (const uint8_t *)text, strlen(text));
    platform_wake();
}

int job_fail(struct job *job, int error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(job->why, sizeof job->why, fmt, ap);
    va_end(ap);
    return error;
}

/* ---- What is shown --------------------------------------------------------- */

/* `text` in place of the line that stands there. */
static void show_line(struct job *job, const char *text)
{
    int blank = (int)strlen(job->line) - (int)strlen(text);

    monitor_printf(job->mon, "\r%s%*s", text, blank > 0 ? blank : 0, "");
    snprintf(job->line, sizeof job->line, "%s", text);
}

static void clear_line(struct job *job)
{
    if (!*job->line)
        return;
    show_line(job, "");
    monitor_printf(job->mon, "\r");
}

static void format_bytes(char text[DISK_SIZE_TEXT], uint64_t bytes)
{
    disk_size_text(text, bytes / 512 + !!(bytes % 512));
}

static void show_progress(struct job *job)
{
    uint64_t done = atomic_load(&job->done), total = atomic_load(&job->total);
    char line[LINE_BYTES], did[DISK_SIZE_TEXT], all[DISK_SIZE_TEXT];

    format_bytes(did, done);
    format_bytes(all, total);
    if (job_is_cancelled(job))
        snprintf(line, sizeof line, "%s: is being cancelled", job->name);
    else if (total)
        snprintf(line, sizeof line, "%s: %u %%, %s of %s", job->name,
                 done < total ? (unsigned)(100.0 * done / total) : 100u, did,
                 all);
    else if (done)
        snprintf(line, sizeof line, "%s: %s", job->name, did);
    else
        snprintf(line, sizeof line, "%s: ...", job->name);
    if (strcmp(line, job->line))
        show_line(job, line);
}

/* What the task wrote goes above the line that says how far it is. */
static bool show_text(struct job *job)
{
    char part[PART];
    size_t n = byte_ring_get(&job->text, (uint8_t *)part, PART - 1);

    if (!n)
        return false;
    clear_line(job);
    do {
        part[n] = '\0';
        mux_print(job->mon->mux, part);
    } while ((n = byte_ring_get(&job->text, (uint8_t *)part, PART - 1)));
    return true;
}

static void format_result(const struct job *job, char *text, size_t size)
{
    uint64_t ms = (platform_now_ns() - job->start_ns) / 1000000;
    char did[DISK_SIZE_TEXT + 2] = "", took[40];

    if (job->done) {
        format_bytes(did, job->done);
        strcat(did, " ");
    }
    snprintf(took, sizeof took, "%sin %" PRIu64 ".%u s", did, ms / 1000,
             (unsigned)(ms % 1000 / 100));
    if (!job->error)
        snprintf(text, size, "%s: done, %s", job->name, took);
    else if (job->error == -ECANCELED)
        snprintf(text, size, "%s: cancelled, %s", job->name, took);
    else
        snprintf(text, size, "%s: failed, %s: %s%s", job->name, took,
                 *job->why ? "\n  " : "",
                 *job->why ? job->why : strerror(-job->error));
}

/* ---- The I/O core ---------------------------------------------------------- */

static void forget(struct job *job)
{
    int error = job->error;
    void (*end)(void *ctx, int error) = job->end;
    void *ctx = job->ctx;

    platform_task_free(job->task);
    job->task = NULL;
    job->mon = NULL;
    end(ctx, error);
}

static void finish(struct job *job)
{
    struct monitor *mon = job->mon;
    bool is_seen = mon->mux->in_monitor;
    char text[WHY_BYTES + 160];

    if (!is_seen) {
        job->line[0] = '\0';
        monitor_printf(mon, "\n");
    }
    show_text(job);
    clear_line(job);
    format_result(job, text, sizeof text);
    monitor_printf(mon, is_seen ? "%s\n" : "[%s]\n", text);
    forget(job);
    if (is_seen)
        monitor_go_on(mon);
}

bool job_poll(struct monitor *mon)
{
    struct job *job = &the_job;
    uint64_t now = platform_now_ns();

    if (!job->mon || job->mon != mon)
        return false;
    if (platform_task_has_ended(job->task)) {
        finish(job);
        return true;
    }
    if (!mon->mux->in_monitor || mon->mux->transfer) {
        job->line[0] = '\0';    /* others wrote there */
        return false;
    }
    if (!show_text(job) && now - job->shown_ns < SHOW_NS)
        return false;
    job->shown_ns = now;
    show_progress(job);
    return true;
}

bool job_is_running(void) { return the_job.mon; }

void job_cancel(void)
{
    struct job *job = &the_job;

    if (!job->mon || atomic_exchange(&job->cancelled, true))
        return;
    job->shown_ns = 0;
    platform_task_poke(job->task);
}

bool job_start(struct monitor *mon, const char *name,
               int (*run)(struct job *job, void *ctx),
               void (*end)(void *ctx, int error), void *ctx)
{
    struct job *job = &the_job;
    int r;

    if (mon->is_remote) {
        monitor_printf(mon, "%s takes long: it is for the monitor itself\n",
                       name);
        end(ctx, -EPERM);
        return false;
    }
    if (job->mon) {
        monitor_printf(mon, "another job is running: %s\n", job->name);
        end(ctx, -EBUSY);
        return false;
    }
    memset(job, 0, sizeof *job);
    snprintf(job->name, sizeof job->name, "%s", name);
    job->run = run;
    job->end = end;
    job->ctx = ctx;
    job->start_ns = job->shown_ns = platform_now_ns();
    r = platform_task_start(job_main, job, &job->task);
    if (r) {
        monitor_printf(mon, "%s: cannot start a task: %s\n", job->name,
                       strerror(-r));
        end(ctx, r);
        return false;
    }
    job->mon = mon;
    return true;
}
