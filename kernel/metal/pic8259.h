/*
 * The physical 8259 pair (Intel 8259A data sheet): all interrupts where there
 * is no IOAPIC, and the way for PCI INTx lines, whose routing to the
 * IOAPIC only AML tells.
 */
#ifndef KERNEL_METAL_PIC8259_H
#define KERNEL_METAL_PIC8259_H

#include <stdbool.h>

/* Vectors at VECTOR_PIC, everything masked. */
void pic8259_init(void);
/* irq 0..15. Safe in interrupt handlers. */
void pic8259_mask(unsigned irq);
void pic8259_unmask(unsigned irq);
void pic8259_eoi(unsigned irq);
/* Line 7 or 15 without a request behind it; acknowledged as far as needed. */
bool pic8259_spurious(unsigned irq);
/* Level-triggered, by the chipset's ELCR (ports 4D0h/4D1h). */
bool pic8259_is_level(unsigned irq);

#endif
