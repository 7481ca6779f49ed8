/*
 * The 440FX host bridge at 00:00.0 (Intel 82441FX PMC datasheet, 290549):
 * configuration mechanism #1, PAM and SMRAM registers.
 */
#ifndef EMU_DEV_I440FX_H
#define EMU_DEV_I440FX_H

#include "emu/dev/pci.h"

struct i440fx;

#define I440FX_PAM_SEGMENTS 16u /* of 16 KiB, C0000h..FFFFFh */
#define I440FX_PAM_READ 1u
#define I440FX_PAM_WRITE 2u

/* What the bridge's registers do to the memory map. */
struct i440fx_memory {
    void *ctx;
    /* Reads and writes of `segment` go to RAM as `rights` (PAM_*) say. */
    void (*pam)(void *ctx, unsigned segment, unsigned rights);
    /* A0000h..BFFFFh is RAM to the CPU. */
    void (*smram)(void *ctx, bool open);
};

/* Maps CF8h..CFFh. `memory` is copied. NULL: out of memory. */
struct i440fx *i440fx_create(struct machine *m, struct pci_bus *bus,
                             const struct i440fx_memory *memory);
void i440fx_destroy(struct i440fx *host);

#endif
