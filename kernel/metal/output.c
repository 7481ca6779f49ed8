/* The bare machine has no place for files: see platform_output_open. */
#include <errno.h>

#include "kernel/platform.h"

int platform_output_open(const char *name, struct platform_output **out)
{
    return -ENOTSUP;
}

int platform_output_write(struct platform_output *o, const void *buf,
                          size_t len)
{
    return -ENOTSUP;
}

int platform_file_replace(const char *name, const void *data, size_t len)
{
    return -ENOTSUP;
}

void platform_output_close(struct platform_output *o) { }
