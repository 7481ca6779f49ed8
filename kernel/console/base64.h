/* Bytes as lines of base64, as uudecode takes them, over the monitor's line. */
#ifndef KERNEL_CONSOLE_BASE64_H
#define KERNEL_CONSOLE_BASE64_H

#include <stddef.h>
#include <stdint.h>

struct monitor;

/*
 * `data`, of platform_pages_alloc, is the monitor's from now on. Long output:
 * there may be no other.
 */
void monitor_print_base64(struct monitor *mon, const char *name, uint8_t *data,
                          size_t size);

#endif
