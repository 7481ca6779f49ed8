/*
 * Port 402h, where SeaBIOS writes its debug text when a read there gives E9h.
 */
#ifndef EMU_DEV_DEBUGPORT_H
#define EMU_DEV_DEBUGPORT_H

#include "emu/dev/device.h"

struct debugport;

/* Each byte goes to `put`. NULL: out of memory. */
struct debugport *debugport_create(struct machine *m,
                                   void (*put)(void *ctx, uint8_t c),
                                   void *ctx);
void debugport_destroy(struct debugport *d);

#endif
