/* See pvpanic.h. */
#include "emu/dev/pvpanic.h"

#include <stdlib.h>

/* It panicked; it did, and boots another kernel that will look why. */
enum { PANICKED = 1, CRASH_LOADED = 2 };

struct pvpanic {
    struct device dev;
};

static uint32_t pvpanic_read(struct device *dev, uint16_t port, unsigned size)
{
    return PANICKED | CRASH_LOADED;
}

static void pvpanic_write(struct device *dev, uint16_t port, unsigned size,
                          uint32_t value)
{
    if (value & 0xff & ~(PANICKED | CRASH_LOADED))
        machine_count(dev->machine, "pvpanic: an event that is none");
    if (value & PANICKED)
        machine_request(dev->machine, MACHINE_REQ_PANIC);
    else if (value & CRASH_LOADED)
        machine_request(dev->machine, MACHINE_REQ_CRASH_LOADED);
}

static void pvpanic_reset(struct device *dev) { }

static const struct device_ops pvpanic_ops = {
    .name = "pvpanic",
    .reset = pvpanic_reset,
    .io_read = pvpanic_read,
    .io_write = pvpanic_write,
};

struct pvpanic *pvpanic_create(struct machine *m)
{
    struct pvpanic *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->dev = (struct device){ &pvpanic_ops, m };
    machine_io_map(m, PVPANIC_PORT, 1, &p->dev);
    return p;
}

void pvpanic_destroy(struct pvpanic *p) { free(p); }
