/* Of platform.h's log, what is the same on both platforms: no FPU, no SSE. */
#include "kernel/platform.h"

void platform_log(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    platform_vlog(fmt, ap);
    va_end(ap);
}
