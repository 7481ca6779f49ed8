/*
 * The media of a machine's CD drives, between two runs of it; see ide_eject and
 * ide_insert. A medium that was inserted must outlive the machine or be ejected.
 */
#ifndef EMU_MACHINE_MEDIA_H
#define EMU_MACHINE_MEDIA_H

#include <stdbool.h>

struct blockdev;
struct machine;

/* `unit`: 0 to 3, hda to hdd. */
int machine_eject(struct machine *m, unsigned unit, bool force);
void machine_insert(struct machine *m, unsigned unit, struct blockdev *medium);

#endif
