/*
 * Tasks on the bare machine: fibers of the I/O core, which the loop runs in
 * turn. See kernel/platform.h, "Tasks".
 */
#include <errno.h>

#include "kernel/metal/fiber.h"
#include "kernel/metal/stacks.h"
#include "kernel/platform.h"

#define TASKS_MAX STACKS_TASKS

struct platform_task {
    bool taken;
    bool ended;
    uint64_t deadline;          /* when it wants to go on at the latest */
    fiber_state state;
    void (*run)(void *arg);
    void *arg;
};

static struct platform_task tasks[TASKS_MAX];
static struct platform_task *current;   /* NULL: the loop runs */
static fiber_state loop_state;

static void task_main(void)
{
    current->run(current->arg);
    current->ended = true;
    platform_wake();
    platform_task_wait(UINT64_MAX);     /* and is not called any more */
    platform_fatal("a task that had ended went on");
}

int platform_task_start(void (*run)(void *arg), void *arg,
                        struct platform_task **out)
{
    struct platform_task *t = tasks;
    void *top;

    while (t < tasks + TASKS_MAX && t->taken)
        t++;
    if (t == tasks + TASKS_MAX)
        return -EAGAIN;
    top = stacks_task(t - tasks);
    if (!top)
        return -ENOMEM;
    t->taken = true;
    t->ended = false;
    t->deadline = 0;
    t->run = run;
    t->arg = arg;
    t->state = fiber_make(top, task_main);
    *out = t;
    return 0;
}

void platform_task_wait(uint64_t deadline_ns)
{
    struct platform_task *t = current;

    if (!t) {
        /* The loop does not, meanwhile. */
        uint64_t disks = platform_disks_poll();

        platform_wait(disks < deadline_ns ? disks : deadline_ns);
        return;
    }
    t->deadline = deadline_ns;
    fiber_switch(&t->state, loop_state);
}

/* All have their turn in each round. */
void platform_task_poke(struct platform_task *t) { platform_wake(); }

bool platform_task_has_ended(const struct platform_task *t)
{
    return t->ended;
}

void platform_task_free(struct platform_task *t)
{
    while (t && !t->ended) {
        uint64_t disks = platform_disks_poll(), own = platform_tasks_run();

        platform_wait(disks < own ? disks : own);
    }
    if (t)
        t->taken = false;
}

/*
 * A task that waits for a disk has its turn whenever the loop goes round, as an
 * interrupt of the disk's makes it do: to look and, if that is not it, to arm the
 * interrupt once more before the platform sleeps.
 */
uint64_t platform_tasks_run(void)
{
    uint64_t next = UINT64_MAX;

    for (struct platform_task *t = tasks; t < tasks + TASKS_MAX; t++) {
        if (t->taken && !t->ended) {
            current = t;
            fiber_switch(&loop_state, t->state);
            current = NULL;
        }
        if (t->taken && !t->ended && t->deadline < next)
            next = t->deadline;
    }
    return next;
}
