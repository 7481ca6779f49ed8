/* A device's section; see state.h. */
#include "emu/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emu/dev/device.h"

/* What the file says goes into a copy, which is thrown away. */
static void check_device(struct state *s, struct device *dev)
{
    struct device *copy = malloc(dev->ops->state_size);

    if (!copy) {
        state_error(s, -ENOMEM, "no memory to check section '%s'", s->section);
        return;
    }
    memcpy(copy, dev, dev->ops->state_size);
    dev->ops->state(copy, s);
    free(copy);
}

void state_device(struct state *s, struct device *dev, const char *name)
{
    if (!dev->ops->state)
        return;
    state_begin(s, name, dev->ops->state_version);
    if (s->error)
        return;
    if (s->mode == STATE_CHECK)
        check_device(s, dev);
    else
        dev->ops->state(dev, s);
    state_end(s);
}
