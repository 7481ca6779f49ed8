/*
 * The watchdog timer of Intel's 6300ESB (datasheet 300641, chapter 16): PCI
 * 8086:25AB, two stages, registers in 16 bytes of memory behind BAR 0. On this
 * PC its pin WDT_TOUT# is wired to whatever -watchdog-action says.
 */
#ifndef EMU_DEV_I6300ESB_H
#define EMU_DEV_I6300ESB_H

#include "emu/dev/pci.h"
#include "emu/dev/watchdog.h"

struct i6300esb;

/* NULL: out of memory. */
struct i6300esb *i6300esb_create(struct machine *m, struct pci_bus *bus,
                                 uint8_t devfn);
void i6300esb_destroy(struct i6300esb *w);

void i6300esb_status(const struct i6300esb *w, struct watchdog_status *out);

#endif
