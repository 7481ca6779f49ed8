/* See log.h. */
#include "kernel/hosted/log.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "kernel/hosted/console.h"
#include "kernel/platform.h"

#define LOG_RING 65536u
#define SHOWN_AT_END 1024u      /* bytes of the log, in whole lines */

static char log_ring[LOG_RING];
static size_t log_bytes;        /* ever written */
static bool is_held, is_copied;
static size_t held_from;        /* log_bytes then, */
static size_t taken;            /* and of what log_take gave */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

/* The newest bytes since `from`, at most `size`. With the lock. */
static size_t copy_newest(char *buf, size_t size, size_t from)
{
    size_t n = log_bytes - from;

    n = n < LOG_RING ? n : LOG_RING;
    n = n < size ? n : size;
    for (size_t i = 0; i < n; i++)
        buf[i] = log_ring[(log_bytes - n + i) % LOG_RING];
    return n;
}

void platform_vlog(const char *fmt, va_list ap)
{
    char line[LOG_LINE];
    int n = vsnprintf(line, sizeof line - 1, fmt, ap);
    bool copied;

    if (n < 0)
        return;
    if (n > (int)sizeof line - 2)
        n = sizeof line - 2;
    line[n++] = '\n';
    pthread_mutex_lock(&log_lock);
    for (int i = 0; i < n; i++)
        log_ring[log_bytes++ % LOG_RING] = line[i];
    copied = is_copied;
    /* In raw mode the terminal needs the CR. */
    if (!is_held)
        fprintf(stderr, "%.*s%s", n - 1, line,
                console_is_raw() ? "\r\n" : "\n");
    pthread_mutex_unlock(&log_lock);
    if (copied)
        platform_wake();
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
    n = copy_newest(buf, size, 0);
    pthread_mutex_unlock(&log_lock);
    return n;
}

void log_hold(void)
{
    pthread_mutex_lock(&log_lock);
    is_held = isatty(STDERR_FILENO);
    held_from = log_bytes;
    pthread_mutex_unlock(&log_lock);
}

void log_copy(void)
{
    pthread_mutex_lock(&log_lock);
    is_copied = true;
    taken = log_bytes;
    pthread_mutex_unlock(&log_lock);
}

bool log_take(char *line, size_t size, size_t *len)
{
    bool is_there;
    char c = 0;

    pthread_mutex_lock(&log_lock);
    is_there = taken < log_bytes;
    if (log_bytes - taken > LOG_RING)
        taken = log_bytes - LOG_RING;
    for (*len = 0; taken < log_bytes && c != '\n'; taken++) {
        c = log_ring[taken % LOG_RING];
        if (c != '\n' && *len < size)
            line[(*len)++] = c;
    }
    pthread_mutex_unlock(&log_lock);
    return is_there;
}

void log_release(void)
{
    char text[SHOWN_AT_END];
    size_t n, start = 0;

    pthread_mutex_lock(&log_lock);
    n = is_held ? copy_newest(text, sizeof text, held_from) : 0;
    is_held = false;
    pthread_mutex_unlock(&log_lock);
    while (n == sizeof text && start < n && text[start] != '\n')
        start++;                /* a line that is cut in front */
    start += start > 0;
    if (start < n)
        fwrite(text + start, 1, n - start, stderr);
}
