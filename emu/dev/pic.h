/*
 * The PC's pair of 8259A interrupt controllers (master 20h/21h, slave
 * A0h/A1h behind its IR2) and PIIX's edge/level registers 4D0h/4D1h.
 */
#ifndef EMU_DEV_PIC_H
#define EMU_DEV_PIC_H

#include "emu/dev/device.h"

struct pic;

/*
 * Map the ports and reset. `intr` is the CPU's INTR wire, called when its
 * level changes. The result starts with a `struct device` (for its reset op).
 * NULL: out of memory. Freed by pic_destroy.
 */
struct pic *pic_create(struct machine *m, void (*intr)(void *ctx, bool level),
                       void *ctx);
void pic_destroy(struct pic *pic);

/* Drive IRQ input n (0..15); fits irq_line.set with ctx the pic. */
void pic_set_irq(void *pic, unsigned n, bool level);

/* What became of IRQ n's last edge (0..15). */
enum irq_state pic_irq_state(const struct pic *pic, unsigned n);

/*
 * The CPU's interrupt acknowledge cycle: returns the vector. With nothing
 * left to acknowledge it is the spurious vector (IR7), as in hardware.
 */
unsigned pic_intack(struct pic *pic);

/*
 * Two lines for the monitor, as `info pic` prints them. At most `size` bytes
 * with the NUL; returns the length it would have liked.
 */
int pic_format(const struct pic *pic, char *buf, size_t size);

#endif
