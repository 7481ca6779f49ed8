/*
 * QEMU's firmware configuration device (ports 510h/511h, DMA at 514h), by
 * which SeaBIOS learns about its machine. Described in QEMU's
 * docs/specs/fw_cfg.
 */
#ifndef EMU_DEV_FWCFG_H
#define EMU_DEV_FWCFG_H

#include "emu/dev/device.h"

#define FWCFG_ID 0x01
#define FWCFG_RAM_SIZE 0x03
#define FWCFG_NOGRAPHIC 0x04
#define FWCFG_NB_CPUS 0x05
#define FWCFG_BOOT_MENU 0x0e
#define FWCFG_MAX_CPUS 0x0f
#define FWCFG_IRQ0_OVERRIDE 0x8002
#define FWCFG_FILE_NAME 56u     /* bytes of a file's name, NUL included */

struct fwcfg;

/* Maps the ports; has the signature and the DMA interface. NULL: no memory. */
struct fwcfg *fwcfg_create(struct machine *m);
void fwcfg_destroy(struct fwcfg *fw);

/* Integer item `key`, `size` bytes, little-endian. -ENOSPC: too many. */
int fwcfg_set_int(struct fwcfg *fw, uint16_t key, uint64_t value,
                  unsigned size);
/*
 * A file. `data` stays the caller's and must outlive the device. -ENOSPC:
 * too many; -ENAMETOOLONG.
 */
int fwcfg_add_file(struct fwcfg *fw, const char *name, const void *data,
                   size_t size);

#endif
