/*
 * The watchdog of iBASE's IB700 board (its manual, "Watchdog Timer"): port 443h
 * starts it, with 0 for 30 s down to 15 for 0 s, and port 441h stops it.
 */
#ifndef EMU_DEV_IB700_H
#define EMU_DEV_IB700_H

#include "emu/dev/device.h"
#include "emu/dev/watchdog.h"

struct ib700;

/* NULL: out of memory. */
struct ib700 *ib700_create(struct machine *m);
void ib700_destroy(struct ib700 *w);

void ib700_status(const struct ib700 *w, struct watchdog_status *out);

#endif
