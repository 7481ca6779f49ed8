/*
 * What went wrong with a guest, kept for the administrator: when, why, the
 * CPU's registers and the last lines of its console. A triple fault, a machine
 * that cannot go on, a watchdog, a panic that the guest tells of (pvpanic, or
 * Linux's and BSD's line on the console), a guest that is reset in a loop.
 *
 * Reports are made on the guest's core and taken by the I/O core, which keeps
 * the newest.
 */
#ifndef KERNEL_WATCH_CRASH_H
#define KERNEL_WATCH_CRASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/machine.h"

struct guest;
struct crash_log;

#define CRASH_KEPT 8u
#define CRASH_TAIL 2048u        /* of the console */
#define CRASH_CAUSE 160u
#define CRASH_NOTICE 256u

/* NULL: no memory. */
struct crash_log *crash_log_create(void);
void crash_log_destroy(struct crash_log *log);

/* ---- The guest's core ---------------------------------------------------- */

/* Its first serial port said that. */
void crash_take_console(struct guest *g, const uint8_t *buf, size_t len);
/* machine_host.event; `ctx` is the guest. */
void crash_take_event(void *ctx, enum machine_event event, const char *text);
/*
 * It is about to be reset by others, or was loaded: what its console says from
 * here on is of another boot, whose panic is told anew.
 */
void crash_begin_boot(struct guest *g);
/* The machine has been reset by itself. Begins a boot, too. */
void crash_take_reset(struct guest *g);

/* ---- The I/O core -------------------------------------------------------- */

/*
 * Take what there is, and log it. Returns when (platform_now_ns) it wants to be
 * called again at the latest.
 */
uint64_t crash_poll(struct guest *g);
/* A report of the guest as it is now. */
void crash_note(struct guest *g, const char *cause);
/*
 * Something happened that nobody was told of yet: lines about it, without the
 * last newline; said once. False: nothing.
 */
bool crash_notice(struct guest *g, char text[CRASH_NOTICE]);
/* All reports that are kept, oldest first. Returns the length wanted. */
int crash_format(struct guest *g, char *buf, size_t size);
/* How many there were, ever. */
unsigned crash_count(const struct guest *g);
/* How often it has reset itself; goes up before its boots do. */
unsigned crash_resets(const struct guest *g);

#endif
