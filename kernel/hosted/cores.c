/*
 * Cores on Linux: the main thread is core 0, each other core is a thread while
 * its function runs. See kernel/platform.h, "Cores".
 */
#include "kernel/hosted/cores.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "kernel/platform.h"

#define CORES_MAX 8u

struct core {
    unsigned index;
    pthread_t thread;
    bool joinable;              /* core 0 has to collect the thread */
    atomic_bool busy;
    void (*fn)(void *ctx);
    void *ctx;
    pthread_mutex_t lock;       /* guards `wake` */
    pthread_cond_t woken;       /* on CLOCK_MONOTONIC */
    bool wake;
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
    pthread_condattr_t attr;

    if (c->index)
        return;                 /* before */
    c->index = index;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->woken, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&c->lock, NULL);
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

/* Signals are the main thread's: it owns the terminal. But faults are its own. */
static int start_thread(struct core *c)
{
    sigset_t all, saved;
    int err;

    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    pthread_sigmask(SIG_SETMASK, &all, &saved);
    err = pthread_create(&c->thread, NULL, run, c);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    return -err;
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
    err = start_thread(c);
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
    pthread_mutex_lock(&c->lock);
    c->wake = true;
    pthread_cond_signal(&c->woken);
    pthread_mutex_unlock(&c->lock);
}

static void sleep_until(struct core *c, uint64_t deadline_ns)
{
    struct timespec t = { deadline_ns / 1000000000u,
                          deadline_ns % 1000000000u };
    int err = 0;

    pthread_mutex_lock(&c->lock);
    while (!c->wake && !err)
        err = deadline_ns == UINT64_MAX
                  ? pthread_cond_wait(&c->woken, &c->lock)
                  : pthread_cond_timedwait(&c->woken, &c->lock, &t);
    c->wake = false;
    pthread_mutex_unlock(&c->lock);
}

void platform_wait(uint64_t deadline_ns)
{
    struct core *c = self ? self : &cores[0];
    uint64_t start = platform_now_ns();

    if (self)
        sleep_until(c, deadline_ns);
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
