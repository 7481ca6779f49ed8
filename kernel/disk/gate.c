/* See gate.h. */
#include "kernel/disk/gate.h"

#include "kernel/platform.h"

#define LOOK_NS 50000u          /* nobody pokes who waits */

bool gate_try(struct gate *g)
{
    unsigned n = atomic_load(&g->serving);

    return atomic_compare_exchange_strong(&g->next, &n, n + 1);
}

void gate_enter_in_task(struct gate *g)
{
    unsigned ticket = atomic_fetch_add(&g->next, 1);

    while (atomic_load(&g->serving) != ticket)
        platform_task_wait(platform_now_ns() + LOOK_NS);
}

void gate_enter_on_core(struct gate *g)
{
    unsigned ticket = atomic_fetch_add(&g->next, 1);

    while (atomic_load(&g->serving) != ticket) {
        /* Where tasks have their turn here, it is one of them that is in. */
        if (!platform_core_index())
            platform_tasks_run();
        platform_wait(platform_now_ns() + LOOK_NS);
    }
}

void gate_leave(struct gate *g) { atomic_fetch_add(&g->serving, 1); }
