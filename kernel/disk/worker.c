/* See worker.h. */
#include "kernel/disk/worker.h"

#include <stdint.h>
#include <string.h>

#include "kernel/platform.h"

static void worker_main(void *arg)
{
    struct worker *w = arg;

    for (;;) {
        unsigned n = atomic_load(&w->done);

        if (n != atomic_load(&w->submitted)) {
            n %= WORKER_SLOTS;
            w->error[n] = w->perform(w->ctx, w->request[n]);
            atomic_fetch_add(&w->done, 1);
            platform_wake();
        } else if (atomic_load(&w->end)) {
            return;
        } else {
            platform_task_wait(UINT64_MAX);
        }
    }
}

int worker_start(struct worker *w,
                 int (*perform)(void *ctx, const struct block_request *req),
                 void *ctx)
{
    memset(w, 0, sizeof *w);
    w->perform = perform;
    w->ctx = ctx;
    return platform_task_start(worker_main, w, &w->task);
}

void worker_stop(struct worker *w)
{
    if (!w->task)
        return;
    atomic_store(&w->end, true);
    platform_task_poke(w->task);
    platform_task_free(w->task);
    w->task = NULL;
}

bool worker_is_ending(const struct worker *w) { return atomic_load(&w->end); }

bool worker_submit(struct worker *w, struct block_request *req)
{
    unsigned n = atomic_load(&w->submitted);

    if (n - atomic_load(&w->taken) == WORKER_SLOTS)
        return false;
    w->request[n % WORKER_SLOTS] = req;
    atomic_store(&w->submitted, n + 1);
    platform_task_poke(w->task);
    return true;
}

bool worker_is_busy(const struct worker *w)
{
    return atomic_load(&w->submitted) != atomic_load(&w->taken);
}

struct block_request *worker_take(struct worker *w, int *error)
{
    unsigned n = atomic_load(&w->taken);
    struct block_request *req;

    if (n == atomic_load(&w->done))
        return NULL;
    req = w->request[n % WORKER_SLOTS];
    *error = w->error[n % WORKER_SLOTS];
    atomic_store(&w->taken, n + 1);
    return req;
}

unsigned worker_pending(const struct worker *w)
{
    return atomic_load(&w->done) - atomic_load(&w->taken);
}

unsigned worker_total(const struct worker *w)
{
    return atomic_load(&w->done);
}
