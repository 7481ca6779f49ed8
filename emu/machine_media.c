/* See machine_media.h. */
#include "emu/machine_media.h"

#include "emu/dev/ide.h"
#include "emu/machine_internal.h"

int machine_eject(struct machine *m, unsigned unit, bool force)
{
    int r = ide_eject(m->d.ide, unit, force);

    if (!r)
        m->config.ide[unit].disk = NULL;
    return r;
}

void machine_insert(struct machine *m, unsigned unit, struct blockdev *medium)
{
    m->config.ide[unit].disk = medium;
    ide_insert(m->d.ide, unit, medium);
}
