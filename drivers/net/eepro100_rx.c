/* See eepro100_rx.h. */
#include "drivers/net/eepro100_rx.h"

#include "drivers/net/eepro100_regs.h"
#include "drivers/net/eepro100_scb.h"
#include "drivers/net/nic_frames.h"

#define POOL 1024u              /* the rest may be held above */
#define REFILL 16u              /* descriptors that are appended at once */

#define dma_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#define dma_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)

static size_t rfd_offset(const struct eepro_rx *r, const struct nic_buf *buf)
{
    return (size_t)(buf - r->pool.bufs) * NIC_POOL_BUF_BYTES;
}

static volatile struct eepro_rfd *rfd_of(const struct eepro_rx *r,
                                         const struct nic_buf *buf)
{
    return (volatile struct eepro_rfd *)(r->frames + rfd_offset(r, buf));
}

static uint32_t rfd_phys(const struct eepro_rx *r, const struct nic_buf *buf)
{
    return (uint32_t)(r->frames_phys + rfd_offset(r, buf));
}

static void push(struct eepro_rx *r, struct nic_buf *buf)
{
    volatile struct eepro_rfd *d = rfd_of(r, buf);
    unsigned i = (r->head + r->count++) % EEPRO_RX_LIST;

    d->status = d->command = d->count = 0;
    d->link = d->reserved = NO_ADDRESS;
    d->size = NIC_POOL_BUF_BYTES - sizeof *d;
    buf->data = (uint8_t *)r->frames + rfd_offset(r, buf) + sizeof *d;
    buf->phys = r->frames_phys + rfd_offset(r, buf) + sizeof *d;
    r->buf[i] = buf;
    r->was_end[i] = false;
}

static struct nic_buf *pop(struct eepro_rx *r)
{
    struct nic_buf *buf = r->buf[r->head];

    r->ru_check |= r->was_end[r->head];
    r->buf[r->head] = NULL;
    r->head = (r->head + 1) % EEPRO_RX_LIST;
    r->count--;
    return buf;
}

/* A piece of list, with its end; then it is hung behind the old end. */
static void refill(struct eepro_rx *r)
{
    struct nic_buf *end = NULL, *first = NULL, *last = NULL, *buf;

    if (r->count > EEPRO_RX_LIST - REFILL)
        return;
    if (r->count)
        end = r->buf[(r->head + r->count - 1) % EEPRO_RX_LIST];
    while (r->count < EEPRO_RX_LIST && (buf = nic_pool_get(&r->pool))) {
        push(r, buf);
        if (last)
            rfd_of(r, last)->link = rfd_phys(r, buf);
        else
            first = buf;
        last = buf;
    }
    if (!last)
        return;
    rfd_of(r, last)->command = CB_EL;
    r->was_end[(r->head + r->count - 1) % EEPRO_RX_LIST] = true;
    if (!end) {
        r->ru_check = true;
        return;
    }
    dma_wmb();
    rfd_of(r, end)->link = rfd_phys(r, first);
    dma_wmb();
    rfd_of(r, end)->command = 0;
}

/* Start the receive unit at the oldest free descriptor if it has stopped. */
static void ru_check(struct eepro_rx *r)
{
    const struct nic_buf *head = r->buf[r->head];

    if (!r->ru_check || !eepro100_accepted(r->bus))
        return;
    if ((bus_read8(r->bus, EEPRO_STATUS) & STATUS_RU) == STATUS_RU_READY)
        r->ru_check = false;
    else if (head && !(rfd_of(r, head)->status & CB_COMPLETE))
        r->ru_check = !eepro100_command(r->bus, RU_START, rfd_phys(r, head));
}

/*
 * How many frames there are, `most` at most. QEMU's chip says so in a
 * descriptor before it writes length and frame; but it answers no register
 * meanwhile. A real one writes in order, and its answer comes behind that.
 */
static unsigned complete(struct eepro_rx *r, unsigned most)
{
    unsigned n = 0;

    while (n < most && n < r->count) {
        const struct nic_buf *buf = r->buf[(r->head + n) % EEPRO_RX_LIST];

        if (!(rfd_of(r, buf)->status & CB_COMPLETE))
            break;
        n++;
    }
    if (n)
        bus_read8(r->bus, EEPRO_STATUS);
    dma_rmb();
    return n;
}

unsigned eepro100_rx_poll(struct eepro_rx *r, unsigned budget)
{
    unsigned n = complete(r, budget);

    for (unsigned i = 0; i < n; i++) {
        volatile struct eepro_rfd *d = rfd_of(r, r->buf[r->head]);
        struct nic_buf *buf = pop(r);

        if (d->status & CB_OK) {
            nic_deliver(r->nic, buf, d->count & RFD_COUNT);
            continue;
        }
        r->nic->counters.rx_errors++;
        buf->free(buf);
    }
    refill(r);
    ru_check(r);
    return n;
}

int eepro100_rx_init(struct eepro_rx *r, const struct bus *bus,
                     struct nic *nic)
{
    int err = nic_pool_init(&r->pool, bus, POOL, NIC_DMA_BELOW);

    if (err)
        return err;
    r->bus = bus;
    r->nic = nic;
    r->frames = r->pool.bufs[0].data;
    r->frames_phys = r->pool.bufs[0].phys;
    return 0;
}

bool eepro100_rx_start(struct eepro_rx *r)
{
    refill(r);
    for (unsigned i = 0; i < EEPRO_SPIN && r->ru_check; i++)
        ru_check(r);
    return !r->ru_check;
}

void eepro100_rx_forget(struct eepro_rx *r)
{
    while (r->count) {
        struct nic_buf *buf = pop(r);

        buf->free(buf);
    }
}
