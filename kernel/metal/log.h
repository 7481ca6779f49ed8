/*
 * The log ring (platform_log, platform_log_read) and those who show it. Any
 * core may log; only the I/O core feeds the sinks.
 */
#ifndef KERNEL_METAL_LOG_H
#define KERNEL_METAL_LOG_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Show one line (no newline). False: no room now, it is offered again later.
 */
typedef bool (*log_sink)(const char *line, size_t len);

/* From now on `sink` gets every line, those still in the ring first. */
void log_add_sink(log_sink sink);
/* Offer waiting lines to the sinks. I/O core. */
void log_flush(void);

#endif
