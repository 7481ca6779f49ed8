/* See refuse.h. */
#include "kernel/disk/refuse.h"

#include <stdarg.h>
#include <stdio.h>

int refuse(int error, char *why, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, size, format, args);
    va_end(args);
    return error;
}
