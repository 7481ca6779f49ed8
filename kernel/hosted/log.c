/* See log.h. */
#include "kernel/hosted/log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/hosted/console.h"
#include "kernel/log_ring.h"
#include "kernel/platform.h"

#define SHOWN_AT_END 1024u      /* bytes of the log, in whole lines */

static struct log_ring ring;
static bool is_held, is_copied;
static uint64_t held_from;      /* ring.end then, */
static uint64_t taken;          /* and of what log_take gave */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

void platform_vlog(const char *fmt, va_list ap)
{
    char line[LOG_LINE];
    bool copied;

    if (vsnprintf(line, sizeof line, fmt, ap) < 0)
        return;
    pthread_mutex_lock(&log_lock);
    log_ring_add(&ring, line, strlen(line));
    copied = is_copied;
    /* In raw mode the terminal needs the CR. */
    if (!is_held)
        fprintf(stderr, "%s%s", line, console_is_raw() ? "\r\n" : "\n");
    pthread_mutex_unlock(&log_lock);
    if (copied)
        platform_wake();
}

size_t platform_log_read(char *buf, size_t size)
{
    size_t n;

    pthread_mutex_lock(&log_lock);
    n = log_ring_newest(&ring, 0, buf, size);
    pthread_mutex_unlock(&log_lock);
    return n;
}

void log_hold(void)
{
    pthread_mutex_lock(&log_lock);
    is_held = isatty(STDERR_FILENO);
    held_from = ring.end;
    pthread_mutex_unlock(&log_lock);
}

void log_copy(void)
{
    pthread_mutex_lock(&log_lock);
    is_copied = true;
    taken = ring.end;
    pthread_mutex_unlock(&log_lock);
}

bool log_take(char *line, size_t size, size_t *len)
{
    uint64_t next;
    bool is_there;

    pthread_mutex_lock(&log_lock);
    next = log_ring_line(&ring, taken, line, size, len);
    is_there = next != taken;
    taken = next;
    pthread_mutex_unlock(&log_lock);
    return is_there;
}

void log_release(void)
{
    char text[SHOWN_AT_END];
    size_t n, start = 0;

    pthread_mutex_lock(&log_lock);
    n = is_held ? log_ring_newest(&ring, held_from, text, sizeof text) : 0;
    is_held = false;
    pthread_mutex_unlock(&log_lock);
    while (n == sizeof text && start < n && text[start] != '\n')
        start++;                /* a line that is cut in front */
    start += start > 0;
    if (start < n)
        fwrite(text + start, 1, n - start, stderr);
}
