/*
 * Requests that may wait for a device, done one after the other by a task, so
 * that the guest's core goes on meanwhile. One core submits and takes back; the
 * task is the only one that touches the stack while a request is out.
 */
#ifndef KERNEL_DISK_WORKER_H
#define KERNEL_DISK_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "emu/blockdev.h"

#define WORKER_SLOTS 8u         /* a power of two */

struct platform_task;

struct worker {
    struct platform_task *task; /* NULL: not started */
    int (*perform)(void *ctx, const struct block_request *req);
    void *ctx;
    struct block_request *request[WORKER_SLOTS];
    int error[WORKER_SLOTS];
    /* How many, ever: by the requester, by the task, by the requester. */
    atomic_uint submitted, done, taken;
    atomic_bool end;
};

/*
 * Let perform(ctx, request) be called in a task, for 0 or negative errno of it.
 * I/O core. 0, or negative errno of platform_task_start.
 */
int worker_start(struct worker *w,
                 int (*perform)(void *ctx, const struct block_request *req),
                 void *ctx);
/*
 * What was submitted is done first. Then take the requests back. I/O core, and
 * the requester does nothing any more.
 */
void worker_stop(struct worker *w);

/* In perform: worker_stop waits for it. */
bool worker_is_ending(const struct worker *w);

/* ---- The requester's core ------------------------------------------------ */

/* False: WORKER_SLOTS are out already. */
bool worker_submit(struct worker *w, struct block_request *req);
/* Something is out: what is done now must be done after it. */
bool worker_is_busy(const struct worker *w);
/* The next that is done, in order, and its error; NULL: none. */
struct block_request *worker_take(struct worker *w, int *error);

/* ---- Any core -------------------------------------------------------------- */

/* Done, and not taken yet. */
unsigned worker_pending(const struct worker *w);
/* Done, ever; wraps. platform_wake is called when it changes. */
unsigned worker_total(const struct worker *w);

#endif
