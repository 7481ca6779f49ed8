/* See ring_nic.h. */
#include "drivers/net/ring_nic.h"

#include "drivers/net/nic_dma.h"
#include "drivers/net/nic_identity.h"

#define POOL 1024u              /* what is not in the ring may be held above */
/* Link and statistics are read at every n-th poll: a read stalls the CPU. */
#define SLOW_POLLS 64u

void ring_nic_init(struct ring_nic *n, const struct ring_nic_chip *chip,
                   const struct nic_ops *ops, const struct bus *bus,
                   const struct bus_info *info, const char *kind)
{
    n->chip = chip;
    n->bus = bus;
    nic_identify(&n->nic, ops, n, info, kind);
}

int ring_nic_allocate(struct ring_nic *n, unsigned count, uint64_t max_address)
{
    int r;

    if ((r = desc_ring_init(&n->rx, &n->chip->rx, n, n->bus, count,
                            max_address)) ||
        (r = desc_ring_init(&n->tx, &n->chip->tx, n, n->bus, count,
                            max_address)))
        return r;
    return nic_pool_init(&n->pool, n->bus, POOL, NIC_DMA_BELOW);
}

static int stop(struct ring_nic *n)
{
    int r = n->chip->reset(n);

    n->nic.is_open = false;
    n->nic.link_up = false;
    n->armed = false;
    if (!nic_dma_ended(&n->nic, n->bus, !r))
        return r;
    desc_ring_reset(&n->rx);
    desc_ring_reset(&n->tx);
    return r;
}

int ring_nic_open(struct nic *nic)
{
    struct ring_nic *n = nic->driver;
    int r = stop(n);

    if (r)
        return r;
    nic_dma_allow(n->bus);
    r = n->chip->start(n);
    if (r)
        stop(n);
    nic->is_open = !r;
    return r;
}

void ring_nic_close(struct nic *nic)
{
    stop(nic->driver);
}

int ring_nic_transmit(struct nic *nic, struct nic_buf *buf)
{
    struct ring_nic *n = nic->driver;

    return desc_ring_tx(&n->tx, nic, buf);
}

/* False: it was stuck, and what it had is lost. */
static bool look(struct ring_nic *n)
{
    bool was_armed = n->armed;

    if (was_armed) {
        n->chip->irq(n, false);
        n->armed = false;
    }
    if (!was_armed && ++n->polls % SLOW_POLLS)
        return true;
    if (n->chip->look(n))
        return true;
    desc_ring_tx_clean(&n->tx);
    n->nic.counters.rx_errors++;
    n->nic.counters.tx_errors += n->tx.used;
    ring_nic_open(&n->nic);
    return false;
}

unsigned ring_nic_poll(struct nic *nic, unsigned budget)
{
    struct ring_nic *n = nic->driver;

    if (!nic->is_open || !look(n))
        return 0;
    desc_ring_tx_clean(&n->tx);
    if (n->chip->forgets_doorbells && n->tx.used)
        n->chip->tx.kick(&n->tx, n->tx.next);
    return desc_ring_rx_poll(&n->rx, nic, &n->pool, budget);
}

void ring_nic_arm(struct nic *nic)
{
    struct ring_nic *n = nic->driver;

    if (n->armed || !nic->is_open)
        return;
    n->armed = true;
    if (n->bus->arm_irq)
        n->bus->arm_irq(n->bus->ctx);
    n->chip->irq(n, true);
}
