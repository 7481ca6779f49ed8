/* SeaBIOS's debug port; see debugport.h. */
#include "emu/dev/debugport.h"

#include <stdlib.h>

#define PORT 0x402
#define PRESENT 0xe9u

struct debugport {
    struct device dev;
    void (*put)(void *ctx, uint8_t c);
    void *ctx;
};

static uint32_t debugport_io_read(struct device *dev, uint16_t port,
                                  unsigned size)
{
    return PRESENT;
}

static void debugport_io_write(struct device *dev, uint16_t port,
                               unsigned size, uint32_t value)
{
    struct debugport *d = (struct debugport *)dev;

    d->put(d->ctx, (uint8_t)value);
}

static void debugport_reset(struct device *dev)
{
}

static const struct device_ops debugport_ops = {
    .name = "debugport",
    .reset = debugport_reset,
    .io_read = debugport_io_read,
    .io_write = debugport_io_write,
};

struct debugport *debugport_create(struct machine *m,
                                   void (*put)(void *ctx, uint8_t c),
                                   void *ctx)
{
    struct debugport *d = calloc(1, sizeof *d);

    if (!d)
        return NULL;
    d->dev = (struct device){ &debugport_ops, m };
    d->put = put;
    d->ctx = ctx;
    machine_io_map(m, PORT, 1, &d->dev);
    return d;
}

void debugport_destroy(struct debugport *d)
{
    free(d);
}
