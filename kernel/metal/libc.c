/*
 * What newlib asks of its system: a heap, output for stray printf, locks. The
 * data path uses none of it; a guest's core now and then does (malloc for a
 * growing disk, snprintf for a log line). errno is one for all cores.
 */
#include <errno.h>
#include <malloc.h>
#include <reent.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/lock.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "kernel/metal/arch.h"
#include "kernel/metal/memory.h"
#include "kernel/metal/paging.h"
#include "kernel/metal/percpu.h"
#include "kernel/platform.h"

#undef errno
extern int errno;

#define HEAP_MAX (1ul << 36)

void *sbrk(ptrdiff_t increment);
int write(int fd, const void *buf, size_t len);
int read(int fd, void *buf, size_t len);
int close(int fd);
off_t lseek(int fd, off_t offset, int whence);
int fstat(int fd, struct stat *st);
int isatty(int fd);
int kill(int pid, int sig);
int getpid(void);
_Noreturn void _exit(int status);

static uint64_t heap_end = HEAP_BASE, heap_mapped = HEAP_BASE;

/* Grow the heap by 2 MiB pages: contiguous in address, not in memory. */
static int grow_heap(uint64_t end)
{
    while (heap_mapped < end) {
        uint64_t phys = memory_alloc(LARGE_PAGE_BYTES, UINT64_MAX);

        if (phys == MEMORY_NONE)
            return -ENOMEM;
        if (paging_map(heap_mapped, phys, LARGE_PAGE_BYTES, PAGING_WRITE)) {
            memory_free(phys, LARGE_PAGE_BYTES);
            return -ENOMEM;
        }
        heap_mapped += LARGE_PAGE_BYTES;
    }
    return 0;
}

void *sbrk(ptrdiff_t increment)
{
    uint64_t old = heap_end, end = heap_end + (uint64_t)increment;

    if (end < HEAP_BASE || end > HEAP_BASE + HEAP_MAX || grow_heap(end)) {
        errno = ENOMEM;
        return (void *)-1;
    }
    heap_end = end;
    return (void *)old;
}

/* stdout and stderr go to the log, a line at a time. */
int write(int fd, const void *buf, size_t len)
{
    static char line[200];
    static size_t used;
    const char *p = buf;

    for (size_t i = 0; i < len; i++) {
        if (p[i] != '\n' && used < sizeof line)
            line[used++] = p[i];
        if (p[i] == '\n' || used == sizeof line) {
            platform_log("%.*s", (int)used, line);
            used = 0;
        }
    }
    return (int)len;
}

static int refuse(int error)
{
    errno = error;
    return -1;
}

/* newlib's own goes through posix_memalign, which it does not have. */
void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int read(int fd, void *buf, size_t len) { return 0; }
int close(int fd) { return refuse(EBADF); }
off_t lseek(int fd, off_t offset, int whence) { return refuse(ESPIPE); }
int isatty(int fd) { return 1; }
int kill(int pid, int sig) { return refuse(EINVAL); }
int getpid(void) { return 1; }

int fstat(int fd, struct stat *st)
{
    st->st_mode = S_IFCHR;
    return 0;
}

void _exit(int status)
{
    platform_fatal("the C library ended the program, status %d", status);
}

/*
 * Recursive, as malloc's and stdio's are; never taken in an interrupt handler,
 * so interrupts stay as they are. newlib only hands pointers to them back and
 * forth.
 */
struct __lock {
    const struct percpu *owner; /* atomic; NULL: free */
    unsigned depth;
};

struct __lock __lock___sinit_recursive_mutex, __lock___sfp_recursive_mutex,
    __lock___atexit_recursive_mutex, __lock___at_quick_exit_mutex,
    __lock___malloc_recursive_mutex, __lock___env_recursive_mutex,
    __lock___tz_mutex, __lock___dd_hash_mutex, __lock___arc4random_mutex;

/* All that are made at run time (a FILE's) are this one. */
static struct __lock shared_lock;

static bool try_lock(_LOCK_T lock)
{
    const struct percpu *me = this_cpu(), *owner = NULL;

    if (__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) != me &&
        !__atomic_compare_exchange_n(&lock->owner, &owner, me, false,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return false;
    lock->depth++;
    return true;
}

static void lock_wait(_LOCK_T lock)
{
    while (!try_lock(lock))
        cpu_relax();
}

static void unlock(_LOCK_T lock)
{
    if (!--lock->depth)
        __atomic_store_n(&lock->owner, NULL, __ATOMIC_RELEASE);
}

void __retarget_lock_init(_LOCK_T *lock) { *lock = &shared_lock; }
void __retarget_lock_init_recursive(_LOCK_T *lock) { *lock = &shared_lock; }
void __retarget_lock_close(_LOCK_T lock) {}
void __retarget_lock_close_recursive(_LOCK_T lock) {}
void __retarget_lock_acquire(_LOCK_T lock) { lock_wait(lock); }
void __retarget_lock_acquire_recursive(_LOCK_T lock) { lock_wait(lock); }
int __retarget_lock_try_acquire(_LOCK_T lock) { return try_lock(lock); }
int __retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
    return try_lock(lock);
}
void __retarget_lock_release(_LOCK_T lock) { unlock(lock); }
void __retarget_lock_release_recursive(_LOCK_T lock) { unlock(lock); }
