/* See waker.h. */
#include "kernel/hosted/waker.h"

#include <signal.h>
#include <time.h>

void waker_init(struct waker *w)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&w->lock, NULL);
    w->woken = false;
}

void waker_fini(struct waker *w)
{
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
}

void waker_wake(struct waker *w)
{
    pthread_mutex_lock(&w->lock);
    w->woken = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

void waker_wait(struct waker *w, uint64_t deadline_ns)
{
    struct timespec t = { deadline_ns / 1000000000u,
                          deadline_ns % 1000000000u };
    int err = 0;

    pthread_mutex_lock(&w->lock);
    while (!w->woken && !err)
        err = deadline_ns == UINT64_MAX
                  ? pthread_cond_wait(&w->changed, &w->lock)
                  : pthread_cond_timedwait(&w->changed, &w->lock, &t);
    w->woken = false;
    pthread_mutex_unlock(&w->lock);
}

int waker_thread(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
    sigset_t all, saved;
    int err;

    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, &saved);
    err = pthread_create(thread, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    return -err;
}
