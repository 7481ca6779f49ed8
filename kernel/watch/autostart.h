/*
 * Which machine starts when: in the order of trestle.conf, each -start-delay
 * after the one before it has begun to, or after the one that -start-after
 * names; with -autostart off not before somebody says so (cont, system_reset),
 * and those after it do not wait for it. I/O core only.
 */
#ifndef KERNEL_WATCH_AUTOSTART_H
#define KERNEL_WATCH_AUTOSTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guest;
struct options;

/* Is there every machine that -start-after names, and no circle of them? */
bool autostart_check(const struct options *options, unsigned count, char *why,
                     size_t size);
/* A machine that was made is held until autostart_poll lets it go. */
void autostart_hold(struct guest *g, bool is_first);
/*
 * Let go whose time has come. Returns when (platform_now_ns) it wants to be
 * called again at the latest.
 */
uint64_t autostart_poll(struct guest *const *guests, unsigned count,
                        uint64_t now);

#endif
