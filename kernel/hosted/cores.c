/*
 * Cores on Linux: the main thread is core 0, each other core is a thread while
 * its function runs. See kernel/platform.h, "Cores".
 */
#include "kernel/hosted/cores.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "kernel/hosted/waker.h"
#include "kernel/platform.h"

#define CORES_MAX 8u

struct core {
    unsigned index;
    pthread_t thread;
    bool joinable;              /* core 0 has to collect the thread */
    atomic_bool busy;
    void (*fn)(void *ctx);
    void *ctx;
    struct waker waker;
    _Atomic uint64_t idle_ns;
};

static struct core cores[CORES_MAX];
static _Thread_local struct core *self; /* NULL: core 0 */

unsigned platform_core_count(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);

    return n < 1 ? 1 : n > (int)CORES_MAX ? CORES_MAX : (unsigned)n;
}

unsigned platform_core_index(void) { return self ? self->index : 0; }

static void *run(void *arg)
{
    self = arg;
    self->fn(self->ctx);
    atomic_store(&self->busy, false);
    platform_wake();
    return NULL;
}

static void init_core(struct core *c, unsigned index)
{
    if (c->index)
        return;                 /* before */
    c->index = index;
    waker_init(&c->waker);
}

bool platform_core_busy(unsigned core)
{
    struct core *c = &cores[core];

    if (!core || core >= CORES_MAX)
        return !core;
    if (atomic_load(&c->busy))
        return true;
    if (c->joinable)
        pthread_join(c->thread, NULL);
    return c->joinable = false;
}

int platform_core_start(unsigned core, void (*fn)(void *ctx), void *ctx)
{
    struct core *c;
    int err;

    if (!core || core >= platform_core_count())
        return -ENODEV;
    if (platform_core_busy(core))
        return -EBUSY;
    c = &cores[core];
    init_core(c, core);
    c->fn = fn;
    c->ctx = ctx;
    atomic_store(&c->busy, true);
    err = waker_thread(&c->thread, run, c);
    c->joinable = !err;
    if (err)
        atomic_store(&c->busy, false);
    return err;
}

void platform_core_wake(unsigned core)
{
    struct core *c = &cores[core];

    if (!core) {
        platform_wake();
        return;
    }
    if (!c->index)
        return;                 /* never started */
    waker_wake(&c->waker);
}

void platform_wait(uint64_t deadline_ns)
{
    struct core *c = self ? self : &cores[0];
    uint64_t start = platform_now_ns();

    if (self)
        waker_wait(&c->waker, deadline_ns);
    else
        cores_poll(deadline_ns);
    atomic_fetch_add_explicit(&c->idle_ns, platform_now_ns() - start,
                              memory_order_relaxed);
}

uint64_t platform_core_idle_ns(unsigned core)
{
    return core < CORES_MAX ? atomic_load_explicit(&cores[core].idle_ns,
                                                   memory_order_relaxed) : 0;
}
