/* Tasks on Linux: a thread each. See kernel/platform.h, "Tasks". */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "kernel/hosted/waker.h"
#include "kernel/platform.h"

struct platform_task {
    pthread_t thread;
    struct waker waker;
    void (*run)(void *arg);
    void *arg;
    atomic_bool ended;
};

static _Thread_local struct platform_task *self;

static void *task_main(void *arg)
{
    self = arg;
    self->run(self->arg);
    atomic_store(&self->ended, true);
    platform_wake();
    return NULL;
}

int platform_task_start(void (*run)(void *arg), void *arg,
                        struct platform_task **out)
{
    struct platform_task *t = calloc(1, sizeof *t);
    int r;

    if (!t)
        return -ENOMEM;
    t->run = run;
    t->arg = arg;
    waker_init(&t->waker);
    r = waker_thread(&t->thread, task_main, t);
    if (r) {
        waker_fini(&t->waker);
        free(t);
        return r;
    }
    *out = t;
    return 0;
}

void platform_task_wait(uint64_t deadline_ns)
{
    if (self)
        waker_wait(&self->waker, deadline_ns);
    else
        platform_wait(deadline_ns);
}

void platform_task_poke(struct platform_task *t)
{
    waker_wake(&t->waker);
}

bool platform_task_has_ended(const struct platform_task *t)
{
    return atomic_load(&t->ended);
}

void platform_task_free(struct platform_task *t)
{
    if (!t)
        return;
    pthread_join(t->thread, NULL);
    waker_fini(&t->waker);
    free(t);
}

uint64_t platform_tasks_run(void)
{
    return UINT64_MAX;          /* they run by themselves */
}
