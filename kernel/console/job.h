/*
 * A job: a command of the monitor that takes long, as it works on a disk or
 * waits for the network. It runs in a task (platform.h); the monitor shows how
 * far it is, Ctrl-C cancels it, and the prompt comes back when it has ended. One
 * at a time for the whole host. What it does is its caller's.
 */
#ifndef KERNEL_CONSOLE_JOB_H
#define KERNEL_CONSOLE_JOB_H

#include <stdbool.h>
#include <stdint.h>

struct job;
struct monitor;

/* ---- I/O core ------------------------------------------------------------- */

/*
 * Let run(job, ctx) be called in a task. It returns 0, negative errno, or
 * -ECANCELED if it stopped because job_is_cancelled said so. Afterwards, or if
 * it could not be started, end(ctx, error) is called here, once. `name` says
 * what it does ("commit hda", 40 characters at most). False: it could not be
 * started, and `mon` was told why.
 */
bool job_start(struct monitor *mon, const char *name,
               int (*run)(struct job *job, void *ctx),
               void (*end)(void *ctx, int error), void *ctx);
bool job_is_running(void);
/* Ask it to stop as soon as it can; without one, nothing. */
void job_cancel(void);
/* Show what is new of it on mon's line. True: something was printed. */
bool job_poll(struct monitor *mon);

/* ---- In the job's task ---------------------------------------------------- */

/*
 * So many bytes are done, of `total` (0: nobody knows). A job calls it every
 * millisecond or so, as it lets others run, too.
 */
void job_progress(struct job *job, uint64_t done, uint64_t total);
bool job_is_cancelled(const struct job *job);
/* Text for the administrator, whole lines; dropped if 64 KiB wait. */
void job_printf(struct job *job, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * Why it fails, for run() to return: `error`, and a sentence that is shown in
 * place of the error's own text.
 */
int job_fail(struct job *job, int error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
