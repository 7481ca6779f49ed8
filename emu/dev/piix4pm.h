/*
 * Power management function of the PIIX4 at 00:01.3 (Intel 82371AB
 * datasheet, 290562, chapters 7 and 11): ACPI PM1, PM timer, S5, APM ports,
 * an SMBus without devices; and the ACPI ports that SeaBIOS's DSDT names.
 */
#ifndef EMU_DEV_PIIX4PM_H
#define EMU_DEV_PIIX4PM_H

#include "emu/dev/pci.h"

struct piix4pm;

/*
 * `sci` is the wire to IRQ 9. `com1`, `com2`: these serial ports exist (the
 * DSDT asks the function's configuration). NULL: out of memory.
 */
struct piix4pm *piix4pm_create(struct machine *m, struct pci_bus *bus,
                               uint8_t devfn, struct irq_line sci, bool com1,
                               bool com2);
void piix4pm_destroy(struct piix4pm *pm);

/* PWRBTN# was asserted and released again (7.2.1): SCI, if enabled. */
void piix4pm_power_button(struct piix4pm *pm);

#endif
