/* Files that are written front to end: see platform_output_open. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "kernel/platform.h"

struct platform_output {
    int fd;
};

int platform_output_open(const char *name, struct platform_output **out)
{
    struct platform_output *o = malloc(sizeof *o);
    int error;

    if (!o)
        return -ENOMEM;
    o->fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK,
                 0644);
    error = errno;
    if (o->fd < 0) {
        free(o);
        return -error;
    }
    *out = o;
    return 0;
}

int platform_output_write(struct platform_output *o, const void *buf,
                          size_t len)
{
    ssize_t n;

    do
        n = write(o->fd, buf, len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    return (size_t)n == len ? 0 : -ENOSPC;
}

void platform_output_close(struct platform_output *o)
{
    close(o->fd);
    free(o);
}
