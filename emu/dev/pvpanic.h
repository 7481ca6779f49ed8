/*
 * The port by which a guest's kernel says that it panicked (QEMU's
 * docs/specs/pvpanic): 505h, which SeaBIOS tells by ACPI as QEMU0001.
 */
#ifndef EMU_DEV_PVPANIC_H
#define EMU_DEV_PVPANIC_H

#include "emu/dev/device.h"

#define PVPANIC_PORT 0x505u

struct pvpanic;

/* NULL: out of memory. */
struct pvpanic *pvpanic_create(struct machine *m);
void pvpanic_destroy(struct pvpanic *p);

#endif
