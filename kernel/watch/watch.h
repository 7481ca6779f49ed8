/*
 * Guests are watched from outside: guards (guard.h) by pings and by the silence
 * of the console, and what a guest's own watchdog and panics lead to. I/O core
 * only.
 */
#ifndef KERNEL_WATCH_WATCH_H
#define KERNEL_WATCH_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/watch/action.h"

struct guest;
struct watch;

/* What a guest's options say; it begins with watch_poll. NULL: no memory. */
struct watch *watch_create(struct guest *g);
void watch_destroy(struct watch *w);

/*
 * A part of each round of the I/O loop, for all guests. Returns when
 * (platform_now_ns) it wants to be called again at the latest.
 */
uint64_t watch_poll(struct guest *const *guests, unsigned count);

/*
 * Do that to `g`, now. `why` is what the log says of a machine that goes off or
 * stands still: "its guard", for one; it must stay.
 */
void watch_act(struct guest *g, enum watch_action action, const char *why);

/* Of the guest's watchdog; see -watchdog-action. False: see guest_ask. */
bool watch_set_action(struct guest *g, enum watch_action action);

/* Watchdogs and guards, as lines. Returns the length wanted. */
int watch_format(struct guest *g, char *buf, size_t size);

#endif
