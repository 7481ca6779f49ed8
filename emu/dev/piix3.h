/*
 * The ISA side of the PIIX3 south bridge at 00:01.0 (Intel 82371FB/SB
 * datasheet, 290550): PCI interrupt router, reset control CF9h, port 92h,
 * DMA page latches 80h..8Fh, coprocessor error F0h.
 */
#ifndef EMU_DEV_PIIX3_H
#define EMU_DEV_PIIX3_H

#include "emu/dev/pci.h"

struct piix3;

/*
 * `set_irq`(ctx, 0..15, level) drives the interrupt controllers. Becomes the
 * router of `bus`. NULL: out of memory.
 */
struct piix3 *piix3_create(struct machine *m, struct pci_bus *bus,
                           void (*set_irq)(void *ctx, unsigned n, bool level),
                           void *ctx);
void piix3_destroy(struct piix3 *p);

/*
 * A new wire to ISA interrupt `irq` (0..15). Wires to one interrupt, and the
 * PIRQs routed there, are ORed. At most PIIX3_WIRES for each interrupt.
 */
#define PIIX3_WIRES 28u
struct irq_line piix3_isa_line(struct piix3 *p, unsigned irq);

/* FERR# from the CPU: raises IRQ 13 until FERR# falls or F0h is written. */
void piix3_ferr(struct piix3 *p, bool level);

#endif
