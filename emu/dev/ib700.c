/* See ib700.h. */
#include "emu/dev/ib700.h"

#include <stdlib.h>

#include "emu/state.h"

#define PORT_STOP 0x441u
#define PORT_START 0x443u
#define SECOND 1000000000ull

struct ib700 {
    struct device dev;
    bool running;
    uint64_t ends;
    uint64_t expired;           /* how often it did */
};

static void expire(void *ctx)
{
    struct ib700 *w = ctx;

    w->running = false;
    w->expired++;
    machine_request(w->dev.machine, MACHINE_REQ_WATCHDOG);
}

static void stop(struct ib700 *w)
{
    w->running = false;
    machine_timer_cancel(w->dev.machine, TIMER_IB700);
}

static uint32_t ib700_read(struct device *dev, uint16_t port, unsigned size)
{
    return ~0u;                 /* both are written only */
}

static void ib700_write(struct device *dev, uint16_t port, unsigned size,
                        uint32_t value)
{
    struct ib700 *w = (struct ib700 *)dev;

    if (port == PORT_STOP) {
        stop(w);
        return;
    }
    w->running = true;
    w->ends = machine_now(dev->machine) + 2 * (15 - (value & 15)) * SECOND;
    machine_timer_arm(dev->machine, TIMER_IB700, w->ends);
}

static void ib700_reset(struct device *dev) { stop((struct ib700 *)dev); }

static void ib700_state(struct device *dev, struct state *s)
{
    struct ib700 *w = (struct ib700 *)dev;

    state_bool(s, &w->running);
    state_u64(s, &w->ends);
    state_u64(s, &w->expired);
}

static const struct device_ops ib700_ops = {
    .name = "ib700",
    .reset = ib700_reset,
    .io_read = ib700_read,
    .io_write = ib700_write,
    .state = ib700_state,
    .state_version = 1,
    .state_size = sizeof(struct ib700),
};

struct ib700 *ib700_create(struct machine *m)
{
    struct ib700 *w = calloc(1, sizeof *w);

    if (!w)
        return NULL;
    w->dev = (struct device){ &ib700_ops, m };
    machine_timer_register(m, TIMER_IB700, expire, w);
    machine_io_map(m, PORT_STOP, 1, &w->dev);
    machine_io_map(m, PORT_START, 1, &w->dev);
    return w;
}

void ib700_destroy(struct ib700 *w) { free(w); }

void ib700_status(const struct ib700 *w, struct watchdog_status *out)
{
    *out = (struct watchdog_status){
        .running = w->running, .ends = w->ends, .expired = w->expired,
    };
}
