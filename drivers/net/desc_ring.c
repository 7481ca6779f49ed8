/* See desc_ring.h. */
#include "drivers/net/desc_ring.h"

#include <errno.h>
#include <string.h>

#include "drivers/net/nic_frames.h"

int desc_ring_init(struct desc_ring *ring, const struct desc_chip *chip,
                   void *owner, const struct bus *bus, unsigned count,
                   uint64_t max_address)
{
    if (count > DESC_RING_MAX)
        return -EINVAL;
    memset(ring, 0, sizeof *ring);
    ring->chip = chip;
    ring->owner = owner;
    ring->count = count;
    ring->desc = bus->dma_alloc(bus->ctx, (size_t)count * chip->desc_bytes,
                                max_address, &ring->phys);
    return ring->desc ? 0 : -ENOMEM;
}

void desc_ring_reset(struct desc_ring *ring)
{
    for (unsigned i = 0; i < ring->count; i++) {
        if (ring->buf[i])
            ring->buf[i]->free(ring->buf[i]);
        ring->buf[i] = NULL;
    }
    memset(ring->desc, 0, (size_t)ring->count * ring->chip->desc_bytes);
    ring->next = ring->clean = ring->used = 0;
    ring->goes_on = false;
}

static unsigned after(const struct desc_ring *ring, unsigned i)
{
    return i + 1 < ring->count ? i + 1 : 0;
}

/* A ring that is wholly armed would look empty to the chip: head == tail. */
static bool is_full(const struct desc_ring *ring)
{
    return ring->used >= ring->count - 1;
}

static void push(struct desc_ring *ring, struct nic_buf *buf)
{
    ring->buf[ring->next] = buf;
    ring->next = after(ring, ring->next);
    ring->used++;
}

static struct nic_buf *pop(struct desc_ring *ring)
{
    struct nic_buf *buf = ring->buf[ring->clean];

    ring->buf[ring->clean] = NULL;
    ring->clean = after(ring, ring->clean);
    ring->used--;
    return buf;
}

void desc_ring_rx_refill(struct desc_ring *ring, struct nic_pool *pool)
{
    unsigned before = ring->next;

    while (!is_full(ring)) {
        struct nic_buf *buf = nic_pool_get(pool);

        if (!buf)
            break;
        ring->chip->rx_arm(ring, ring->next, buf);
        push(ring, buf);
    }
    if (ring->next != before)
        ring->chip->kick(ring, ring->next);
}

unsigned desc_ring_rx_poll(struct desc_ring *ring, struct nic *nic,
                           struct nic_pool *pool, unsigned budget)
{
    unsigned n = 0;

    while (n < budget && ring->used) {
        uint32_t len = 0;
        enum desc_rx_result r = ring->chip->rx_check(ring, ring->clean, &len);
        struct nic_buf *buf;

        if (r == DESC_RX_PENDING)
            break;
        buf = pop(ring);
        n++;
        if (r == DESC_RX_FRAME) {
            nic_deliver(nic, buf, len);
            continue;
        }
        if (r == DESC_RX_ERROR)
            nic->counters.rx_errors++;
        else
            nic->counters.rx_oversize++;
        buf->free(buf);
    }
    desc_ring_rx_refill(ring, pool);
    return n;
}

int desc_ring_tx(struct desc_ring *ring, struct nic *nic, struct nic_buf *buf)
{
    int r = nic_check_tx(nic, buf);

    if (r)
        return r;
    if (is_full(ring))
        desc_ring_tx_clean(ring);
    if (is_full(ring)) {
        nic->counters.tx_ring_full++;
        return -ENOBUFS;
    }
    nic_count_tx(nic, buf);
    ring->chip->tx_arm(ring, ring->next, buf);
    push(ring, buf);
    ring->chip->kick(ring, ring->next);
    return 0;
}

void desc_ring_tx_clean(struct desc_ring *ring)
{
    while (ring->used && ring->chip->tx_done(ring, ring->clean)) {
        struct nic_buf *buf = pop(ring);

        buf->free(buf);
    }
}
