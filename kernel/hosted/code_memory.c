/* Memory for code made at run time, on Linux: a memfd mapped twice. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE             /* memfd_create */
#endif
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/platform.h"

/*
 * In the first page (which callers do not see) is where the executable view
 * lies, so that it can be unmapped.
 */
#define HEAD 4096u

static int map_twice(int fd, size_t bytes, uint8_t **write, uint8_t **exec)
{
    uint8_t *w, *x;

    w = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (w == MAP_FAILED)
        return -ENOMEM;
    x = mmap(NULL, bytes, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    if (x == MAP_FAILED) {
        munmap(w, bytes);
        return -ENOMEM;
    }
    *(uint8_t **)(void *)w = x;
    *write = w + HEAD;
    *exec = x + HEAD;
    return 0;
}

int platform_code_alloc(size_t bytes, uint8_t **write, uint8_t **exec)
{
    int fd = memfd_create("trestle-code", MFD_CLOEXEC), r;

    if (fd < 0)
        return -ENOMEM;
    if (ftruncate(fd, (off_t)(bytes + HEAD)) < 0)
        r = -ENOMEM;
    else
        r = map_twice(fd, bytes + HEAD, write, exec);
    close(fd);
    return r;
}

void platform_code_free(uint8_t *write, size_t bytes)
{
    uint8_t *w = write - HEAD, *x = *(uint8_t **)(void *)w;

    munmap(x, bytes + HEAD);
    munmap(w, bytes + HEAD);
}
