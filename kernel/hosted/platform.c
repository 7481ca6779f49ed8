/* The platform on Linux: time, log, end. See kernel/platform.h. */

#include <cpuid.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernel/hosted/console.h"
#include "kernel/platform.h"

#define LOG_LINE 256u
#define LOG_RING 65536u

const char platform_name[] = "hosted";
const bool platform_exit_is_poweroff = false;
const bool platform_default_network = true;
const bool platform_has_uart = false;

static char log_ring[LOG_RING];
static size_t log_bytes;        /* ever written */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

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

void platform_vlog(const char *fmt, va_list ap)
{
    char line[LOG_LINE];
    int n = vsnprintf(line, sizeof line - 1, fmt, ap);

    if (n < 0)
        return;
    if (n > (int)sizeof line - 2)
        n = sizeof line - 2;
    line[n++] = '\n';
    pthread_mutex_lock(&log_lock);
    for (int i = 0; i < n; i++)
        log_ring[log_bytes++ % LOG_RING] = line[i];
    /* In raw mode the terminal needs the CR. */
    fprintf(stderr, "%.*s%s", n - 1, line,
            console_is_raw() ? "\r\n" : "\n");
    pthread_mutex_unlock(&log_lock);
}

void platform_log(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    platform_vlog(fmt, ap);
    va_end(ap);
}

size_t platform_log_read(char *buf, size_t size)
{
    size_t n;

    pthread_mutex_lock(&log_lock);
    n = log_bytes < LOG_RING ? log_bytes : LOG_RING;
    if (n > size)
        n = size;
    for (size_t i = 0; i < n; i++)
        buf[i] = log_ring[(log_bytes - n + i) % LOG_RING];
    pthread_mutex_unlock(&log_lock);
    return n;
}

_Noreturn void platform_fatal(const char *fmt, ...)
{
    void *frames[64];
    va_list ap;

    va_start(ap, fmt);
    platform_vlog(fmt, ap);
    va_end(ap);
    backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
    console_restore();
    abort();
}

_Noreturn void platform_poweroff(int status)
{
    console_restore();
    exit(status);
}
