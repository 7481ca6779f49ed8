/*
 * Memory of the platform on Linux: pages that can be mapped elsewhere too, as
 * they are a file's (memfd).
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE             /* memfd_create */
#endif
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/hosted/memory.h"
#include "kernel/platform.h"

#define PAGE 4096u
#define BLOCKS 64u              /* known; those beyond have no file, */
#define FILE_MIN 0x100000u      /* and so smaller ones: not guest RAM */

static struct block {
    const uint8_t *base;        /* NULL: free */
    size_t size;
    int fd;
} blocks[BLOCKS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static size_t round_pages(size_t bytes)
{
    return (bytes + PAGE - 1) & ~(size_t)(PAGE - 1);
}

static struct block *block_find(const uint8_t *base)
{
    for (unsigned n = 0; n < BLOCKS; n++)
        if (blocks[n].base == base)
            return &blocks[n];
    return NULL;
}

static void *map_pages(size_t size, int flags, int fd)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

    return p == MAP_FAILED ? NULL : p;
}

/* In the free block `b`. NULL: no file can be had. */
static void *alloc_file(struct block *b, size_t size)
{
    int fd = memfd_create("trestle-memory", MFD_CLOEXEC);
    void *p;

    if (fd < 0)
        return NULL;
    p = ftruncate(fd, (off_t)size) < 0 ? NULL : map_pages(size, MAP_SHARED, fd);
    if (p)
        *b = (struct block){ p, size, fd };
    else
        close(fd);
    return p;
}

void *platform_pages_alloc(size_t bytes)
{
    struct block *b;
    size_t size;
    void *p;

    if (!bytes || bytes > SIZE_MAX - PAGE)
        return NULL;
    size = round_pages(bytes);
    pthread_mutex_lock(&lock);
    b = size < FILE_MIN ? NULL : block_find(NULL);
    p = b ? alloc_file(b, size) : NULL;
    pthread_mutex_unlock(&lock);
    return p ? p : map_pages(size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

/* The block goes first: the next may have its address at once. */
void platform_pages_free(void *pages, size_t bytes)
{
    struct block *b;

    pthread_mutex_lock(&lock);
    b = pages ? block_find(pages) : NULL;
    if (b) {
        close(b->fd);
        *b = (struct block){ 0 };
    }
    pthread_mutex_unlock(&lock);
    munmap(pages, round_pages(bytes));
}

/* Linux gives memory when it is touched, and takes it from others then. */
uint64_t platform_memory_free(void)
{
    return UINT64_MAX;
}

void *platform_dma_alloc(size_t bytes, uint64_t max_address, uint64_t *phys)
{
    void *p = platform_pages_alloc(bytes);

    (void)max_address;          /* no device is there to be limited */
    *phys = (uintptr_t)p;
    return p;
}

int memory_file(const uint8_t *p, size_t size, off_t *offset)
{
    for (unsigned n = 0; n < BLOCKS; n++) {
        const struct block *b = &blocks[n];

        if (b->base && p >= b->base && size <= b->size &&
            (size_t)(p - b->base) <= b->size - size) {
            *offset = p - b->base;
            return b->fd;
        }
    }
    return -1;
}
