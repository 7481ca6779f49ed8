/*
 * The local screen's consoles: of each machine its VGA, the monitor, and what
 * it says on the serial line, which goes there all the same. Ctrl-Alt-1 to 3 are
 * those of the first machine, in qemu's order, 4 to 6 those of the second. Ports
 * with -serial vc follow.
 */
#ifndef KERNEL_CONSOLE_LOCAL_H
#define KERNEL_CONSOLE_LOCAL_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/console/mux.h"
#include "kernel/screen/consoles.h"

struct config;
struct local;

/*
 * Make them on the platform's screen; `serial` is the serial line's. NULL: this
 * platform has none, or no memory for it.
 */
struct local *local_create(struct guest *const *guests, unsigned count,
                           struct mux *serial, struct config *config);
void local_destroy(struct local *l);

/* Move bytes and draw. When to call again at the latest. */
uint64_t local_poll(struct local *l, uint64_t now);
/* Its monitor was told to end Trestle. */
bool local_wants_end(const struct local *l);

/* What the keyboard is for, and the monitor's `console`. */
struct consoles *local_consoles(struct local *l);
/* The machine of the console that is shown. */
struct guest *local_guest(struct local *l);

#endif
