/*
 * Guests on cores of their own. The I/O core (0) keeps lwIP, drivers, consoles
 * and monitor; each other core runs the guests put there, in turn. Between the
 * two sides are the rings (ring.h, net/frame_ring.h), a kick that says
 * "look", and a call. Every function here is the I/O core's.
 */
#ifndef KERNEL_CORES_H
#define KERNEL_CORES_H

#include <stdbool.h>
#include <stdint.h>

struct guest;

/*
 * Share `count` guests out to the cores, `limit` at most with the I/O core (0:
 * as many as there are), and start those. A guest stays with the I/O
 * core (guest.core 0) when there is no other, and under -icount, where a run
 * must depend on nothing.
 */
void cores_start(struct guest *const *guests, unsigned count, unsigned limit);
/* All guests are the I/O core's again; their cores idle. */
void cores_stop(void);
/* How many cores run guests, the I/O core left out. */
unsigned cores_used(void);

/* Something was put into a ring of the guest: it looks at once. */
void cores_kick(struct guest *g);

/*
 * Run fn(g, arg) on the guest's core between two slices, and wait for its end.
 * False: the core did not come to it within two seconds, and will not.
 */
bool cores_call(struct guest *g, void (*fn)(struct guest *g, void *arg),
                void *arg);

/*
 * Move guests between cores so that all get their share. When to call it next
 * (platform_now_ns).
 */
uint64_t cores_balance(void);

#endif
