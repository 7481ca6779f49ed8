/* What a machine tells its firmware: CMOS bytes and fw_cfg items. */
#ifndef EMU_MACHINE_FIRMWARE_H
#define EMU_MACHINE_FIRMWARE_H

#include "emu/machine_internal.h"

/* Fill the RTC's NVRAM and fw_cfg. 0 or -errno. */
int machine_firmware_init(struct machine *m);

#endif
