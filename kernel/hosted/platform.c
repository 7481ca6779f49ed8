/* The platform on Linux: time, end. See kernel/platform.h. */

#include <cpuid.h>
#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "kernel/hosted/console.h"
#include "kernel/hosted/log.h"
#include "kernel/platform.h"

const char platform_name[] = "hosted";
const bool platform_exit_is_poweroff = false;
const bool platform_default_network = true;
const bool platform_has_uart = false;

/* Invariant TSC (SDM vol. 3, 18.17). */
bool platform_tsc_is_steady(void)
{
    unsigned a, b, c, d = 0;

    return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & 1u << 8);
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

uint64_t platform_now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }
int64_t platform_wall_ns(void) { return (int64_t)clock_ns(CLOCK_REALTIME); }
int64_t platform_wall_seconds(void) { return time(NULL); }

_Noreturn void platform_fatal(const char *fmt, ...)
{
    void *frames[64];
    va_list ap;

    va_start(ap, fmt);
    platform_vlog(fmt, ap);
    va_end(ap);
    console_restore();
    log_release();
    backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
    abort();
}

_Noreturn void platform_poweroff(int status)
{
    console_restore();
    log_release();
    exit(status);
}
