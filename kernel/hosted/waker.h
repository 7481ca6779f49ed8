/* Threads of the Linux program, and how one sleeps until another wakes it. */
#ifndef KERNEL_HOSTED_WAKER_H
#define KERNEL_HOSTED_WAKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct waker {
    pthread_mutex_t lock;       /* guards `woken` */
    pthread_cond_t changed;     /* on CLOCK_MONOTONIC */
    bool woken;
};

void waker_init(struct waker *w);
void waker_fini(struct waker *w);
/* End the current or next waker_wait; what was stored before is seen. */
void waker_wake(struct waker *w);
/* Until then, or `deadline_ns` (platform_now_ns). */
void waker_wait(struct waker *w, uint64_t deadline_ns);

/*
 * A thread that leaves signals to the main one, which owns the terminal, but
 * has its own faults. 0 or negative errno.
 */
int waker_thread(pthread_t *thread, void *(*run)(void *arg), void *arg);

#endif
