/* See virtio_net.h. Numbers in comments are sections of virtio 1.1. */
#include "drivers/net/virtio_net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/net/nic_dma.h"
#include "drivers/net/nic_frames.h"
#include "drivers/net/nic_identity.h"
#include "drivers/net/nic_pool.h"
#include "drivers/net/virtio_net_regs.h"
#include "drivers/virtio/virtio_pci.h"

#define POOL 1024u
#define PIECES 2u               /* of a buffer: header and frame (5.1.6) */
#define SLOW_POLLS 64u          /* configuration is read at every n-th poll */
#define CTRL_TRIES 100u
#define CTRL_STEP_US 100u

/* Memory shared with the device, but for queues and frames. */
struct shared {
    struct virtio_net_header rx_header; /* all of them: nobody reads it */
    struct virtio_net_header tx_header; /* zeros, for each frame sent */
    uint8_t command[2];         /* class, command */
    uint8_t argument;
    uint8_t answer;
};

struct virtio_net {
    struct nic nic;
    struct virtio_pci pci;
    struct virtq rx, tx, ctrl;
    struct nic_pool pool;
    volatile struct shared *shared;
    uint64_t shared_phys;
    uint64_t features;          /* agreed on */
    bool armed;
    bool ran_empty;             /* receive queue, at the last poll */
    unsigned polls;
};

static uint32_t header_bytes(const struct virtio_net *v)
{
    return v->pci.is_modern ? VIRTIO_NET_HEADER : VIRTIO_NET_LEGACY_HEADER;
}

/* ---- Frames ------------------------------------------------------------------ */

static void give_back(void *token)
{
    struct nic_buf *buf = token;

    buf->free(buf);
}

static void rx_refill(struct virtio_net *v)
{
    struct virtq_piece piece[PIECES] = {
        { v->shared_phys + offsetof(struct shared, rx_header),
          header_bytes(v), true },
        { .len = NIC_POOL_BUF_BYTES, .device_writes = true },
    };
    bool added = false;
    struct nic_buf *buf;

    while (v->rx.free_count >= PIECES && (buf = nic_pool_get(&v->pool))) {
        piece[1].phys = buf->phys;
        virtq_add(&v->rx, piece, PIECES, buf);
        added = true;
    }
    if (added)
        virtio_pci_notify(&v->pci, &v->rx);
    /* What it drops then it does not tell. */
    if (!v->rx.in_flight && !v->ran_empty)
        v->nic.counters.rx_no_buffer++;
    v->ran_empty = !v->rx.in_flight;
}

static unsigned rx_poll(struct virtio_net *v, unsigned budget)
{
    uint32_t header = header_bytes(v), len;
    struct nic_buf *buf;
    unsigned n = 0;

    while (n < budget && (buf = virtq_take(&v->rx, &len))) {
        n++;
        nic_deliver(&v->nic, buf, len > header ? len - header : 0);
    }
    rx_refill(v);
    return n;
}

static void tx_clean(struct virtio_net *v)
{
    struct nic_buf *buf;
    uint32_t len;

    while ((buf = virtq_take(&v->tx, &len)))
        buf->free(buf);
}

static int virtio_net_transmit(struct nic *nic, struct nic_buf *buf)
{
    struct virtio_net *v = nic->driver;
    struct virtq_piece piece[PIECES] = {
        { v->shared_phys + offsetof(struct shared, tx_header),
          header_bytes(v), false },
        { buf->phys, buf->len, false },
    };
    int r = nic_check_tx(nic, buf);

    if (r)
        return r;
    if (v->tx.free_count < PIECES)
        tx_clean(v);
    r = virtq_add(&v->tx, piece, PIECES, buf);
    if (r) {
        nic->counters.tx_ring_full++;
        return r;
    }
    nic_count_tx(nic, buf);
    virtio_pci_notify(&v->pci, &v->tx);
    return 0;
}

/* ---- The device -------------------------------------------------------------- */

static bool link_is_up(const struct virtio_net *v)
{
    if (!(v->features & VIRTIO_NET_F_STATUS))
        return true;            /* 5.1.4.2 */
    return virtio_pci_config16(&v->pci, VIRTIO_NET_STATUS) &
           VIRTIO_NET_LINK_UP;
}

static int stop(struct virtio_net *v)
{
    int r = virtio_pci_reset(&v->pci);

    v->nic.is_open = v->nic.link_up = false;
    v->armed = v->ran_empty = false;
    if (!nic_dma_ended(&v->nic, v->pci.bus, !r))
        return r;
    virtq_reset(&v->rx, give_back);
    virtq_reset(&v->tx, give_back);
    if (v->features & VIRTIO_NET_F_CTRL_VQ)
        virtq_reset(&v->ctrl, NULL);
    return r;
}

static bool can_filter(const struct virtio_net *v)
{
    return v->features & VIRTIO_NET_F_CTRL_RX;
}

/* 5.1.6.5.1. A device that cannot be asked is taken to filter nothing. */
static int set_promiscuous(struct virtio_net *v)
{
    struct virtq_piece piece[] = {
        { v->shared_phys + offsetof(struct shared, command), 2, false },
        { v->shared_phys + offsetof(struct shared, argument), 1, false },
        { v->shared_phys + offsetof(struct shared, answer), 1, true },
    };
    uint32_t len;

    v->shared->command[0] = VIRTIO_NET_CTRL_CLASS_RX;
    v->shared->command[1] = VIRTIO_NET_CTRL_RX_PROMISC;
    v->shared->argument = 1;
    v->shared->answer = (uint8_t)~VIRTIO_NET_CTRL_OK;
    virtq_add(&v->ctrl, piece, 3, v);
    virtio_pci_notify(&v->pci, &v->ctrl);
    for (unsigned i = 0; !virtq_take(&v->ctrl, &len); i++) {
        if (i == CTRL_TRIES || v->ctrl.is_broken)
            return -EIO;
        v->pci.bus->delay_us(v->pci.bus->ctx, CTRL_STEP_US);
    }
    return v->shared->answer == VIRTIO_NET_CTRL_OK ? 0 : -EIO;
}

static int start(struct virtio_net *v)
{
    bool ctrl = v->features & VIRTIO_NET_F_CTRL_VQ;
    int r;

    if ((r = stop(v)))
        return r;
    nic_dma_allow(v->pci.bus);
    if ((r = virtio_pci_begin(&v->pci, v->features)) ||
        (r = virtio_pci_queue_start(&v->pci, &v->rx)) ||
        (r = virtio_pci_queue_start(&v->pci, &v->tx)) ||
        (ctrl && (r = virtio_pci_queue_start(&v->pci, &v->ctrl))))
        return r;
    virtio_pci_ready(&v->pci);
    return can_filter(v) ? set_promiscuous(v) : 0;
}

static int virtio_net_open(struct nic *nic)
{
    struct virtio_net *v = nic->driver;
    int r = start(v);

    if (r) {
        stop(v);
        return r;
    }
    rx_refill(v);
    nic->link_up = link_is_up(v);
    nic->is_open = true;
    return 0;
}

static void virtio_net_close(struct nic *nic)
{
    stop(nic->driver);
}

/* It gave back what it had not, or says itself that it cannot go on: it is
 * closed. */
static void fail(struct virtio_net *v)
{
    v->nic.counters.rx_errors++;
    v->nic.counters.tx_errors += v->tx.in_flight;
    stop(v);
}

static void disarm(struct virtio_net *v)
{
    virtq_interrupts(&v->rx, false);
    virtq_interrupts(&v->tx, false);
    virtio_pci_acknowledge(&v->pci);
    v->armed = false;
}

static unsigned virtio_net_poll(struct nic *nic, unsigned budget)
{
    struct virtio_net *v = nic->driver;
    bool slow = v->armed || ++v->polls % SLOW_POLLS == 0;
    unsigned n;

    if (!nic->is_open)
        return 0;
    if (v->armed)
        disarm(v);
    tx_clean(v);
    n = rx_poll(v, budget);
    if (v->rx.is_broken || v->tx.is_broken ||
        (slow && virtio_pci_has_failed(&v->pci)))
        fail(v);
    else if (slow)
        nic->link_up = link_is_up(v);
    return n;
}

static void virtio_net_arm(struct nic *nic)
{
    struct virtio_net *v = nic->driver;
    const struct bus *bus = v->pci.bus;

    if (v->armed || !nic->is_open)
        return;
    v->armed = true;
    if (!bus->arm_irq)
        return;
    bus->arm_irq(bus->ctx);
    virtq_interrupts(&v->rx, true);
    virtq_interrupts(&v->tx, true);
    /* For what came since the last poll there is no interrupt (2.6.7.2). */
    if (virtq_pending(&v->rx) || virtq_pending(&v->tx))
        bus->wake(bus->ctx);
}

static const struct nic_ops virtio_net_ops = {
    .name = "virtio", .open = virtio_net_open, .close = virtio_net_close,
    .transmit = virtio_net_transmit, .poll = virtio_net_poll,
    .arm = virtio_net_arm,
};

/* ---- Making one -------------------------------------------------------------- */

/* What we can use of what it offers. */
static int choose_features(struct virtio_net *v)
{
    uint64_t offered = virtio_pci_features(&v->pci);

    v->features = offered & (VIRTIO_NET_F_MAC | VIRTIO_NET_F_STATUS |
                             VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_RX);
    if (!(offered & VIRTIO_NET_F_CTRL_VQ) || !can_filter(v))
        v->features &= ~(uint64_t)(VIRTIO_NET_F_CTRL_VQ |
                                   VIRTIO_NET_F_CTRL_RX);
    if (v->pci.is_modern) {
        if (!(offered & VIRTIO_F_VERSION_1))
            return -EIO;
        v->features |= VIRTIO_F_VERSION_1;
    }
    return v->features & VIRTIO_NET_F_MAC ? 0 : -EIO;
}

static int read_mac(struct virtio_net *v)
{
    uint8_t *mac = v->nic.mac;

    for (unsigned i = 0; i < sizeof v->nic.mac; i++)
        mac[i] = virtio_pci_config8(&v->pci, VIRTIO_NET_MAC + i);
    return nic_mac_is_usable(mac) ? 0 : -EIO;
}

static int allocate(struct virtio_net *v, const struct bus *bus)
{
    int r;

    v->shared = bus->dma_alloc(bus->ctx, sizeof *v->shared, UINT64_MAX,
                               &v->shared_phys);
    if (!v->shared)
        return -ENOMEM;
    if ((r = virtio_pci_queue_init(&v->pci, VIRTIO_NET_RX, &v->rx)) ||
        (r = virtio_pci_queue_init(&v->pci, VIRTIO_NET_TX, &v->tx)))
        return r;
    if ((v->features & VIRTIO_NET_F_CTRL_VQ) &&
        (r = virtio_pci_queue_init(&v->pci, VIRTIO_NET_CTRL, &v->ctrl)))
        return r;
    /* A queue too small for anything is none. */
    if (v->rx.limit < PIECES || v->tx.limit < PIECES ||
        (can_filter(v) && v->ctrl.limit < 3))
        return -EIO;
    return nic_pool_init(&v->pool, bus, POOL, NIC_DMA_BELOW);
}

static int create(const struct bus *bus, const struct bus_info *info,
                  struct nic **out)
{
    struct virtio_net *v = calloc(1, sizeof *v);
    int r = -ENOMEM;

    if (!v)
        return r;
    /* The features may be read once it is told that it has a driver (3.1). */
    if ((r = virtio_pci_find(&v->pci, bus)) ||
        (r = virtio_pci_reset(&v->pci)) || (r = choose_features(v)) ||
        (r = virtio_pci_begin(&v->pci, v->features)) || (r = read_mac(v)) ||
        (r = allocate(v, bus)) || (r = virtio_pci_reset(&v->pci))) {
        free(v);
        return r;
    }
    nic_identify(&v->nic, &virtio_net_ops, v, info, virtio_net_ops.name);
    if (!can_filter(v))
        nic_label_add(&v->nic, " may filter");
    *out = &v->nic;
    return 0;
}

static const struct nic_id ids[] = {
    { 0x1af4, 0x1000 },         /* legacy, transitional */
    { 0x1af4, 0x1041 },
};

const struct nic_driver virtio_net_driver = {
    .name = "virtio", .ids = ids, .id_count = sizeof ids / sizeof *ids,
    .create = create,
};
