/*
 * 8254 interval timer (40h-43h) and port 61h (speaker gate, refresh and
 * OUT2 status).
 */
#ifndef EMU_DEV_PIT_H
#define EMU_DEV_PIT_H

#include "emu/dev/device.h"

struct pit;

/*
 * Map the ports and reset; counter 0's OUT drives `irq0`, which is ISA interrupt
 * 0. Uses TIMER_PIT0. `again`: ticks that the guest missed are given again, else
 * they are lost, as in hardware. The result starts with a `struct device`. NULL:
 * out of memory.
 */
struct pit *pit_create(struct machine *m, struct irq_line irq0, bool again);
void pit_destroy(struct pit *pit);

#endif
