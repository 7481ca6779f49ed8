/*
 * Windows on Linux (emu/cpu/window.h): reserved address space, pages of memfds
 * mapped into it, and SIGSEGV.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE             /* REG_RIP */
#endif
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "emu/cpu/window.h"
#include "kernel/hosted/memory.h"
#include "kernel/platform.h"

#define CODES 64u               /* watched at a time */
#define FAULT_WRITE 2           /* of a page fault's error code */
#define NOTHING (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

static const struct window_code *_Atomic watched[CODES];
static struct sigaction before;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- Faults ----------------------------------------------------------------- */

static const struct window_code *code_at(const uint8_t *pc)
{
    for (unsigned n = 0; n < CODES; n++) {
        const struct window_code *w = atomic_load(&watched[n]);

        if (w && pc >= w->exec && pc < w->exec + w->size)
            return w;
    }
    return NULL;
}

/* As if this handler were not there: the instruction faults again. */
static void not_ours(void)
{
    sigaction(SIGSEGV, &before, NULL);
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
    greg_t *reg = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *pc = (const uint8_t *)reg[REG_RIP];
    const struct window_code *w = code_at(pc);
    bool page = info->si_code == SEGV_MAPERR || info->si_code == SEGV_ACCERR;
    const void *to = NULL;

    if (w)
        to = w->fault(w->ctx, pc, page ? info->si_addr : NULL,
                      page && (reg[REG_ERR] & FAULT_WRITE));
    if (to)
        reg[REG_RIP] = (greg_t)to;
    else
        not_ours();
}

/*
 * Behind whoever handles them now. SA_NODEFER: a fault in `fault` itself is
 * reported, and not fatal in silence.
 */
static int install(void)
{
    struct sigaction a = { .sa_sigaction = on_fault,
                           .sa_flags = SA_SIGINFO | SA_NODEFER }, now;

    if (sigaction(SIGSEGV, NULL, &now) < 0)
        return -errno;
    if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_fault)
        return 0;
    before = now;
    return sigaction(SIGSEGV, &a, NULL) < 0 ? -errno : 0;
}

static int watch(const struct window_code *code)
{
    int r;

    pthread_mutex_lock(&lock);
    r = install();
    for (unsigned n = 0; r == 0; n++) {
        if (n == CODES) {
            r = -ENOSPC;
        } else if (!atomic_load(&watched[n])) {
            atomic_store(&watched[n], code);
            break;
        }
    }
    pthread_mutex_unlock(&lock);
    return r;
}

static void unwatch(const struct window_code *code)
{
    pthread_mutex_lock(&lock);
    for (unsigned n = 0; n < CODES; n++)
        if (atomic_load(&watched[n]) == code)
            atomic_store(&watched[n], NULL);
    pthread_mutex_unlock(&lock);
}

/* ---- Memory ------------------------------------------------------------------ */

static uint8_t *reserve(size_t size, size_t head)
{
    uint8_t *p = mmap(NULL, size, PROT_NONE, NOTHING, -1, 0);

    if (p == MAP_FAILED)
        return NULL;
    if (mprotect(p, head, PROT_READ | PROT_WRITE) < 0) {
        munmap(p, size);
        return NULL;
    }
    return p;
}

static void release(uint8_t *base, size_t size)
{
    munmap(base, size);
}

static int map(uint8_t *at, const uint8_t *host, size_t size, bool write)
{
    off_t offset;
    int fd = memory_file(host, size, &offset);

    if (fd < 0)
        return -EINVAL;
    if (mmap(at, size, write ? PROT_READ | PROT_WRITE : PROT_READ,
             MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, offset) == MAP_FAILED)
        return -ENOMEM;
    return 0;
}

static int unmap(uint8_t *at, size_t size)
{
    return mmap(at, size, PROT_NONE, NOTHING | MAP_FIXED, -1, 0) == MAP_FAILED ?
           -ENOMEM : 0;
}

const struct window_ops *const platform_windows = &(const struct window_ops){
    .reserve = reserve, .release = release, .map = map, .unmap = unmap,
    .watch = watch, .unwatch = unwatch,
};
