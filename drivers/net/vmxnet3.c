/* See vmxnet3.h. */
#include "drivers/net/vmxnet3.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/net/desc_ring.h"
#include "drivers/net/nic_dma.h"
#include "drivers/net/nic_identity.h"
#include "drivers/net/vmxnet3_regs.h"

#define RING 256u               /* a multiple of 32 (both rings) */
#define POOL 1024u              /* the rest may be held above */
#define MTU 1500u
/* Link, events and statistics are looked at in every n-th poll. */
#define SLOW_POLLS 64u
_Static_assert(RING % 32 == 0 && RING <= DESC_RING_MAX, "sizes that it takes");

/* What the device reads and writes beside rings and frames. */
struct memory {
    struct vmxnet3_shared shared;
    _Alignas(128) struct vmxnet3_tx_queue tx;
    struct vmxnet3_rx_queue rx;
};

/* A ring of descriptors and the ring of their completions. */
struct queue {
    struct desc_ring ring;
    struct vmxnet3 *device;
    volatile struct vmxnet3_comp_desc *comp;
    uint64_t comp_phys;
    unsigned comp_next;
    bool comp_gen;              /* of the next completion */
    bool gen;                   /* of the descriptors that are armed */
};

struct vmxnet3 {
    struct nic nic;
    const struct bus *queues;   /* BAR 0 */
    const struct bus *device;   /* BAR 1 */
    volatile struct memory *memory;
    uint64_t phys;
    struct queue rx, tx;
    struct nic_pool pool;
    bool armed;
    unsigned polls;
    uint64_t no_buffer, tx_errors;      /* as last seen */
};

static uint32_t command(const struct vmxnet3 *v, uint32_t what)
{
    bus_write32(v->device, VMXNET3_CMD, what);
    return bus_read32(v->device, VMXNET3_CMD);
}

/* ---- Descriptors ------------------------------------------------------------- */

/* The device looks at a descriptor's generation first, and so do we. */
#define dma_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#define dma_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)

/* Armed one after the other: the generation changes with each round. */
static bool generation(struct queue *q, unsigned i)
{
    if (i == 0)
        q->gen = !q->gen;
    return q->gen;
}

static void rx_arm(struct desc_ring *ring, unsigned i,
                   const struct nic_buf *buf)
{
    volatile struct vmxnet3_rx_desc *d =
        (volatile struct vmxnet3_rx_desc *)ring->desc + i;

    d->addr = buf->phys;
    dma_wmb();
    d->len_gen = NIC_POOL_BUF_BYTES |
                 (generation(ring->owner, i) ? VMXNET3_RXD_GEN : 0);
}

static void tx_arm(struct desc_ring *ring, unsigned i,
                   const struct nic_buf *buf)
{
    volatile struct vmxnet3_tx_desc *d =
        (volatile struct vmxnet3_tx_desc *)ring->desc + i;

    d->addr = buf->phys;
    d->flags = VMXNET3_TXD_EOP | VMXNET3_TXD_CQ;
    dma_wmb();
    d->len_gen = buf->len |
                 (generation(ring->owner, i) ? VMXNET3_TXD_GEN : 0);
}

/* The next completion, or NULL. */
static volatile struct vmxnet3_comp_desc *completion(const struct queue *q)
{
    volatile struct vmxnet3_comp_desc *c = &q->comp[q->comp_next];

    if (!(c->gen & VMXNET3_COMP_GEN) == q->comp_gen)
        return NULL;
    dma_rmb();
    return c;
}

static void take(struct queue *q)
{
    if (++q->comp_next == RING) {
        q->comp_next = 0;
        q->comp_gen = !q->comp_gen;
    }
}

static bool has_it(const struct desc_ring *ring, unsigned i)
{
    return i < ring->count &&
           (i + ring->count - ring->clean) % ring->count < ring->used;
}

static enum desc_rx_result rx_check(struct desc_ring *ring, unsigned i,
                                    uint32_t *len)
{
    struct queue *q = ring->owner;
    volatile struct vmxnet3_comp_desc *c = completion(q);
    uint32_t index, size;

    if (!c)
        return DESC_RX_PENDING;
    index = c->index;
    size = c->len;
    if ((index & VMXNET3_RCD_QUEUE) ||
        !has_it(ring, index & VMXNET3_COMP_INDEX)) {
        q->device->nic.counters.rx_errors++;
        take(q);
        return DESC_RX_PENDING;
    }
    /* The device may leave some out. */
    if ((index & VMXNET3_COMP_INDEX) != i)
        return DESC_RX_ERROR;
    take(q);
    *len = size & VMXNET3_RCD_LEN;
    if (size & VMXNET3_RCD_ERR)
        return DESC_RX_ERROR;
    return (index & VMXNET3_RCD_SOP) && (index & VMXNET3_RCD_EOP)
               ? DESC_RX_FRAME : DESC_RX_FRAGMENT;
}

static bool tx_done(struct desc_ring *ring, unsigned i)
{
    struct queue *q = ring->owner;
    volatile struct vmxnet3_comp_desc *c = completion(q);
    uint32_t index;

    if (!c)
        return false;
    index = c->index & VMXNET3_COMP_INDEX;
    if (!has_it(ring, index)) {
        q->device->nic.counters.tx_errors++;
        take(q);
        return false;
    }
    /* One that is done stands for those before it. */
    if (index == i)
        take(q);
    return true;
}

/* Generations tell the device, unless it asks for more. */
static void rx_kick(struct desc_ring *ring, unsigned next)
{
    struct vmxnet3 *v = ((struct queue *)ring->owner)->device;

    if (v->memory->rx.update_prod)
        bus_write32(v->queues, VMXNET3_RXPROD, next);
}

static void tx_kick(struct desc_ring *ring, unsigned next)
{
    const struct queue *q = ring->owner;

    bus_write32(q->device->queues, VMXNET3_TXPROD, next);
}

static const struct desc_chip rx_chip = {
    .desc_bytes = sizeof(struct vmxnet3_rx_desc),
    .rx_arm = rx_arm, .rx_check = rx_check, .kick = rx_kick,
};
static const struct desc_chip tx_chip = {
    .desc_bytes = sizeof(struct vmxnet3_tx_desc),
    .tx_arm = tx_arm, .tx_done = tx_done, .kick = tx_kick,
};

/* ---- The device -------------------------------------------------------------- */

static void queue_reset(struct queue *q)
{
    desc_ring_reset(&q->ring);
    memset((void *)q->comp, 0, RING * sizeof *q->comp);
    q->comp_next = 0;
    q->comp_gen = true;
    q->gen = false;
}

/* 0, or -EIO: it did not answer. Reading tells that a command has ended. */
static int stop(struct vmxnet3 *v)
{
    bool answered;

    bus_write32(v->queues, VMXNET3_IMR, 1);
    bus_write32(v->device, VMXNET3_CMD, VMXNET3_CMD_QUIESCE);
    answered = command(v, VMXNET3_CMD_RESET) != VMXNET3_GONE;
    v->nic.is_open = v->nic.link_up = false;
    v->armed = false;
    v->no_buffer = v->tx_errors = 0;
    if (nic_dma_ended(&v->nic, v->device, answered)) {
        queue_reset(&v->rx);
        queue_reset(&v->tx);
    }
    return answered ? 0 : -EIO;
}

/* All that it reads when it is activated. */
static void describe(struct vmxnet3 *v)
{
    volatile struct memory *m = v->memory;

    memset((void *)m, 0, sizeof *m);
    m->shared.magic = VMXNET3_MAGIC;
    m->shared.size = sizeof m->shared;
    m->shared.misc.driver_version = 1;
    m->shared.misc.guest_os = VMXNET3_OS_64 | VMXNET3_OS_LINUX;
    m->shared.misc.revision = VMXNET3_REVISION_1;
    m->shared.misc.upt_version = VMXNET3_REVISION_1;
    m->shared.misc.queues = v->phys + offsetof(struct memory, tx);
    m->shared.misc.queues_len = sizeof m->tx + sizeof m->rx;
    m->shared.misc.mtu = MTU;
    m->shared.misc.max_rx_pieces = 1;
    m->shared.misc.tx_queues = m->shared.misc.rx_queues = 1;
    /* Interrupt 0 for all of it. */
    m->shared.interrupts.auto_mask = 1;
    m->shared.interrupts.count = 1;
    m->shared.filter.mode = VMXNET3_RX_UNICAST | VMXNET3_RX_MULTICAST |
                            VMXNET3_RX_BROADCAST | VMXNET3_RX_ALL_MULTI |
                            VMXNET3_RX_PROMISC;
    m->tx.ring = v->tx.ring.phys;
    m->tx.comp_ring = v->tx.comp_phys;
    m->tx.ring_size = m->tx.comp_ring_size = RING;
    m->rx.ring[0] = v->rx.ring.phys;
    m->rx.comp_ring = v->rx.comp_phys;
    m->rx.ring_size[0] = m->rx.comp_ring_size = RING;
}

/* False: it is gone. */
static bool poll_link(struct vmxnet3 *v)
{
    uint32_t link = command(v, VMXNET3_CMD_GET_LINK);

    v->nic.link_up = link != VMXNET3_GONE && (link & VMXNET3_LINK_UP);
    return link != VMXNET3_GONE;
}

static int start(struct vmxnet3 *v)
{
    int r = stop(v);

    if (r)
        return r;
    nic_dma_allow(v->device);
    describe(v);
    desc_ring_rx_refill(&v->rx.ring, &v->pool);
    bus_write32(v->device, VMXNET3_DSAL, (uint32_t)v->phys);
    bus_write32(v->device, VMXNET3_DSAH, v->phys >> 32);
    if (command(v, VMXNET3_CMD_ACTIVATE) != 0)
        return -EIO;
    bus_write32(v->queues, VMXNET3_RXPROD, v->rx.ring.next);
    bus_write32(v->device, VMXNET3_CMD, VMXNET3_CMD_UPDATE_RX_MODE);
    return poll_link(v) ? 0 : -EIO;
}

static void vmxnet3_close(struct nic *nic) { stop(nic->driver); }

static int vmxnet3_open(struct nic *nic)
{
    int r = start(nic->driver);

    if (r)
        vmxnet3_close(nic);
    else
        nic->is_open = true;
    return r;
}

static int vmxnet3_transmit(struct nic *nic, struct nic_buf *buf)
{
    struct vmxnet3 *v = nic->driver;

    return desc_ring_tx(&v->tx.ring, nic, buf);
}

/* What was added to a statistic since it was last seen. */
static uint64_t news(uint64_t now, uint64_t *seen)
{
    uint64_t more = now > *seen ? now - *seen : 0;

    *seen = now;
    return more;
}

/* A queue that it stopped takes a new start of all, and so does a device that
 * is gone; false: that failed. */
static bool start_anew(struct vmxnet3 *v, uint32_t events)
{
    struct nic_counters *c = &v->nic.counters;

    desc_ring_tx_clean(&v->tx.ring);    /* what is left is lost */
    c->rx_errors += !events || (events & VMXNET3_ECR_RQERR);
    c->tx_errors += !!(events & VMXNET3_ECR_TQERR) + v->tx.ring.used;
    return !vmxnet3_open(&v->nic);
}

/* False: it is closed now. */
static bool slow_poll(struct vmxnet3 *v)
{
    volatile struct memory *m = v->memory;
    struct nic_counters *c = &v->nic.counters;
    uint32_t events = m->shared.ecr;

    if (events)
        bus_write32(v->device, VMXNET3_ECR, events);
    if (!poll_link(v))
        return start_anew(v, 0);
    bus_write32(v->device, VMXNET3_CMD, VMXNET3_CMD_GET_STATS);
    c->rx_no_buffer += news(m->rx.stats[VMXNET3_STAT_NO_BUFFER],
                            &v->no_buffer);
    c->tx_errors += news(m->tx.stats[VMXNET3_TX_STAT_ERROR], &v->tx_errors);
    return !(events & (VMXNET3_ECR_RQERR | VMXNET3_ECR_TQERR)) ||
           start_anew(v, events);
}

static unsigned vmxnet3_poll(struct nic *nic, unsigned budget)
{
    struct vmxnet3 *v = nic->driver;
    bool slow = v->armed || ++v->polls % SLOW_POLLS == 0;

    if (!nic->is_open)
        return 0;
    if (v->armed) {
        bus_write32(v->queues, VMXNET3_IMR, 1);
        bus_read32(v->device, VMXNET3_ICR);
        v->armed = false;
    }
    if (slow && !slow_poll(v))
        return 0;
    desc_ring_tx_clean(&v->tx.ring);
    return desc_ring_rx_poll(&v->rx.ring, nic, &v->pool, budget);
}

static void vmxnet3_arm(struct nic *nic)
{
    struct vmxnet3 *v = nic->driver;
    const struct bus *bus = v->device;

    if (v->armed || !nic->is_open)
        return;
    v->armed = true;
    if (!bus->arm_irq)
        return;
    bus->arm_irq(bus->ctx);
    bus_write32(v->queues, VMXNET3_IMR, 0);
    /* A poll that met a completion of nothing has left the rest. */
    if (completion(&v->rx) || (v->tx.ring.used && completion(&v->tx)))
        bus->wake(bus->ctx);
}

static const struct nic_ops vmxnet3_ops = {
    .name = "vmxnet3", .open = vmxnet3_open, .close = vmxnet3_close,
    .transmit = vmxnet3_transmit, .poll = vmxnet3_poll, .arm = vmxnet3_arm,
};

/* ---- Making one -------------------------------------------------------------- */

static bool read_mac(struct vmxnet3 *v)
{
    return nic_mac_from(bus_read32(v->device, VMXNET3_MACL),
                        bus_read32(v->device, VMXNET3_MACH), v->nic.mac);
}

/* Which revisions both sides know. */
static bool agree(const struct vmxnet3 *v)
{
    if (!(bus_read32(v->device, VMXNET3_VRRS) & VMXNET3_REVISION_1) ||
        !(bus_read32(v->device, VMXNET3_UVRS) & VMXNET3_REVISION_1))
        return false;
    bus_write32(v->device, VMXNET3_VRRS, VMXNET3_REVISION_1);
    bus_write32(v->device, VMXNET3_UVRS, VMXNET3_REVISION_1);
    return true;
}

static int queue_init(struct vmxnet3 *v, struct queue *q,
                      const struct desc_chip *chip)
{
    const struct bus *bus = v->device;

    q->device = v;
    q->comp = bus->dma_alloc(bus->ctx, RING * sizeof *q->comp, UINT64_MAX,
                             &q->comp_phys);
    return q->comp ? desc_ring_init(&q->ring, chip, q, bus, RING, UINT64_MAX)
                   : -ENOMEM;
}

static int allocate(struct vmxnet3 *v)
{
    const struct bus *bus = v->device;
    int r;

    v->memory = bus->dma_alloc(bus->ctx, sizeof *v->memory, UINT64_MAX,
                               &v->phys);
    if (!v->memory)
        return -ENOMEM;
    if ((r = queue_init(v, &v->rx, &rx_chip)) ||
        (r = queue_init(v, &v->tx, &tx_chip)))
        return r;
    return nic_pool_init(&v->pool, bus, POOL, NIC_DMA_BELOW);
}

static int create(const struct bus *bus, const struct bus_info *info,
                  struct nic **out)
{
    struct vmxnet3 *v = calloc(1, sizeof *v);
    int r = -ENOMEM;

    if (!v)
        return r;
    nic_identify(&v->nic, &vmxnet3_ops, v, info, vmxnet3_ops.name);
    v->queues = bus->window(bus->ctx, 0);
    v->device = bus->window(bus->ctx, 1);
    r = -EIO;
    if (!v->queues || !v->device)
        goto fail;
    bus_write32(v->device, VMXNET3_CMD, VMXNET3_CMD_RESET);
    if (!agree(v) || !read_mac(v) || (r = allocate(v)))
        goto fail;
    *out = &v->nic;
    return 0;
fail:
    free(v);
    return r;
}

static const struct nic_id ids[] = { { 0x15ad, 0x07b0 } };

const struct nic_driver vmxnet3_driver = {
    .name = "vmxnet3", .ids = ids, .id_count = sizeof ids / sizeof *ids,
    .create = create,
};
