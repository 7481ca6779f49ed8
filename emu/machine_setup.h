/* What a machine's firmware is told beside machine_config. */
#ifndef EMU_MACHINE_SETUP_H
#define EMU_MACHINE_SETUP_H

#include <stdint.h>

struct machine;

/*
 * The system's UUID in SMBIOS, its bytes as they are written; the caller's, and
 * there as long as the machine. Before its first run. 0 or -ENOSPC.
 */
int machine_set_uuid(struct machine *m, const uint8_t uuid[16]);
/* As machine_config.boot_order, from the next reset on; between two runs. */
void machine_set_boot_order(struct machine *m, const char *order);

#endif
