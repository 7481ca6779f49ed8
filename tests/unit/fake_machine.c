/* See fake_machine.h. */
#include "tests/unit/fake_machine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_COUNTS 64

struct machine {
    uint64_t now;
    struct {
        uint64_t when;
        void (*fire)(void *ctx);
        void *ctx;
    } timer[TIMER_COUNT];
    struct device *io[65536];
    struct {
        const char *name;
        unsigned n;
    } count[FAKE_COUNTS];
    unsigned requests;
    uint32_t watched;
    enum irq_state irq_state;
    bool a20;
    uint8_t ram[FAKE_RAM_BYTES];
};

struct machine *fake_machine_new(void)
{
    struct machine *m = calloc(1, sizeof *m);

    if (!m)
        abort();
    for (int i = 0; i < TIMER_COUNT; i++)
        m->timer[i].when = UINT64_MAX;
    return m;
}

void fake_machine_free(struct machine *m) { free(m); }
uint8_t *fake_ram(struct machine *m) { return m->ram; }
uint64_t fake_timer(struct machine *m, enum timer_id id)
{
    return m->timer[id].when;
}
unsigned fake_requests(struct machine *m) { return m->requests; }
bool fake_a20(struct machine *m) { return m->a20; }

void fake_advance(struct machine *m, uint64_t ns)
{
    uint64_t end = m->now + ns;

    for (;;) {
        int first = -1;

        for (int i = 0; i < TIMER_COUNT; i++)
            if (m->timer[i].when <= end &&
                (first < 0 || m->timer[i].when < m->timer[first].when))
                first = i;
        if (first < 0)
            break;
        if (m->timer[first].when > m->now)
            m->now = m->timer[first].when;
        m->timer[first].when = UINT64_MAX;
        m->timer[first].fire(m->timer[first].ctx);
    }
    m->now = end;
}

unsigned fake_count(struct machine *m, const char *name)
{
    for (int i = 0; i < FAKE_COUNTS && m->count[i].name; i++)
        if (!strcmp(m->count[i].name, name))
            return m->count[i].n;
    return 0;
}

uint32_t fake_in(struct machine *m, uint16_t port, unsigned size)
{
    struct device *d = m->io[port];
    uint32_t v = d && d->ops->io_read ? d->ops->io_read(d, port, size) : ~0u;

    return size == 4 ? v : v & ((1u << (8 * size)) - 1);
}

void fake_out(struct machine *m, uint16_t port, unsigned size, uint32_t value)
{
    struct device *d = m->io[port];

    if (d && d->ops->io_write)
        d->ops->io_write(d, port, size, value);
}

static void fake_irq_set(void *ctx, unsigned n, bool level)
{
    struct fake_irq *irq = ctx;

    (void)n;
    irq->rises += level && !irq->level;
    irq->level = level;
}

struct irq_line fake_irq_line(struct fake_irq *irq)
{
    return (struct irq_line){ .set = fake_irq_set, .ctx = irq };
}

/* ---- The services of emu/dev/device.h ---------------------------------- */

void machine_io_map(struct machine *m, uint16_t base, unsigned count,
                    struct device *dev)
{
    for (unsigned i = 0; i < count; i++)
        m->io[(uint16_t)(base + i)] = dev;
}

void machine_io_unmap(struct machine *m, uint16_t base, unsigned count,
                      struct device *dev)
{
    for (unsigned i = 0; i < count; i++)
        if (m->io[(uint16_t)(base + i)] == dev)
            m->io[(uint16_t)(base + i)] = NULL;
}

void machine_mmio_map(struct machine *m, uint64_t base, uint64_t size,
                      struct device *dev)
{
    (void)m, (void)base, (void)size, (void)dev;
}

void machine_mmio_unmap(struct machine *m, uint64_t base, uint64_t size,
                        struct device *dev)
{
    (void)m, (void)base, (void)size, (void)dev;
}

uint64_t machine_now(struct machine *m) { return m->now; }

void machine_timer_register(struct machine *m, enum timer_id id,
                            void (*fire)(void *ctx), void *ctx)
{
    m->timer[id].fire = fire;
    m->timer[id].ctx = ctx;
}

void machine_timer_arm(struct machine *m, enum timer_id id, uint64_t when_ns)
{
    if (!m->timer[id].fire)
        abort();
    m->timer[id].when = when_ns;
}

void machine_timer_cancel(struct machine *m, enum timer_id id)
{
    m->timer[id].when = UINT64_MAX;
}

int machine_dma_read(struct machine *m, uint64_t addr, void *buf, size_t len)
{
    if (addr > FAKE_RAM_BYTES || len > FAKE_RAM_BYTES - addr) {
        memset(buf, 0xff, len);
        return -EFAULT;
    }
    memcpy(buf, m->ram + addr, len);
    return 0;
}

int machine_dma_write(struct machine *m, uint64_t addr, const void *buf,
                      size_t len)
{
    if (addr > FAKE_RAM_BYTES || len > FAKE_RAM_BYTES - addr)
        return -EFAULT;
    memcpy(m->ram + addr, buf, len);
    return 0;
}

void machine_log(struct machine *m, const char *fmt, ...)
{
    va_list ap;

    (void)m;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

void machine_timer_watch(struct machine *m, enum timer_id id, bool watch)
{
    m->watched = watch ? m->watched | 1u << id : m->watched & ~(1u << id);
}

bool fake_watched(struct machine *m, enum timer_id id)
{
    return m->watched & 1u << id;
}

void fake_intack(struct machine *m)
{
    for (int i = 0; i < TIMER_COUNT; i++)
        if (fake_watched(m, i))
            m->timer[i].fire(m->timer[i].ctx);
}

enum irq_state machine_irq_state(struct machine *m, unsigned n)
{
    return m->irq_state;
}

void fake_irq_state(struct machine *m, enum irq_state state)
{
    m->irq_state = state;
}

void machine_count(struct machine *m, const char *name)
{
    machine_count_many(m, name, 1);
}

void machine_count_many(struct machine *m, const char *name, uint64_t n)
{
    int i = 0;

    while (i < FAKE_COUNTS - 1 && m->count[i].name &&
           strcmp(m->count[i].name, name))
        i++;
    m->count[i].name = name;
    m->count[i].n += (unsigned)n;
}

void machine_request(struct machine *m, enum machine_request what)
{
    m->requests |= 1u << what;
}

void machine_set_a20(struct machine *m, bool enabled) { m->a20 = enabled; }
