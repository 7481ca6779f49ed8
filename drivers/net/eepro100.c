/*
 * See eepro100.h. Section numbers are those of the developer manual that
 * eepro100_regs.h names.
 *
 * The command unit gets frames in batches, each a list with an end, and a new
 * one only when it is idle: no list grows under its hands. The receive unit's
 * list does grow: it stops when it comes to an end that it had seen before more
 * was appended, and is started again behind that.
 */
#include "drivers/net/eepro100.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/net/desc_ring.h"
#include "drivers/net/eepro100_eeprom.h"
#include "drivers/net/eepro100_regs.h"
#include "drivers/net/nic_dma.h"
#include "drivers/net/nic_frames.h"

#define RING 128u
#define POOL 1024u              /* the rest may be held above */
/* Emulated chips execute no more in one go. */
#define BATCH 16u
#define REFILL 16u              /* frame descriptors, appended at once */
#define SLOW_POLLS 64u
#define RESET_US 20u
#define SPIN 50u                /* reads until a command is accepted */
#define SETUP_TRIES 2000u
#define MDI_TRIES 50u
#define STEP_US 5u
#define PHYS 32u
#define FIRST_82558 4u          /* revision of an 8086:1229 */

struct eepro100 {
    struct nic nic;
    const struct bus *bus;
    bool is_82557;
    bool armed;
    unsigned polls;
    unsigned phy;               /* PHYS: there is none that answers */

    struct desc_ring tx;
    unsigned tx_first;          /* the first that the CU was not given */
    unsigned tx_last;           /* the last that it was */
    bool cu_busy;

    struct nic_pool pool;
    uint8_t *frames;            /* the pool's memory, NIC_POOL_BUF_BYTES each */
    uint64_t frames_phys;
    struct nic_buf *rx[RING];   /* with the RU, in its order */
    bool rx_was_end[RING];      /* the list ended there once */
    unsigned rx_head, rx_count;
    bool ru_check;              /* it may have stopped */
    bool stats_due;             /* the next are not asked for yet */

    struct eepro_block *setup;
    struct eepro_stats *stats;
    uint64_t setup_phys, stats_phys;
};

#define dma_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#define dma_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)

static uint8_t rd8(const struct eepro100 *e, uint32_t reg)
{
    return e->bus->read8(e->bus->ctx, reg);
}

static void wr8(const struct eepro100 *e, uint32_t reg, uint8_t v)
{
    e->bus->write8(e->bus->ctx, reg, v);
}

static void wr32(const struct eepro100 *e, uint32_t reg, uint32_t v)
{
    e->bus->write32(e->bus->ctx, reg, v);
}

static void delay(const struct eepro100 *e, unsigned us)
{
    e->bus->delay_us(e->bus->ctx, us);
}

/* ---- MDI (6.3.6): the PHY ------------------------------------------------ */

static void mdi_start(struct eepro100 *e, unsigned phy)
{
    wr32(e, EEPRO_MDI, MDI_READ | phy << MDI_PHY_SHIFT |
         MII_BMSR << MDI_REG_SHIFT);
}

static bool mdi_done(struct eepro100 *e, uint16_t *v)
{
    uint32_t mdi = e->bus->read32(e->bus->ctx, EEPRO_MDI);

    *v = (uint16_t)mdi;
    return mdi & MDI_READY;
}

static bool phy_answers(struct eepro100 *e, unsigned phy)
{
    uint16_t v = 0;

    mdi_start(e, phy);
    for (unsigned i = 0; i < MDI_TRIES && !mdi_done(e, &v); i++)
        delay(e, STEP_US);
    return mdi_done(e, &v) && v != 0 && v != 0xffff;
}

/* Address 1 is usual. Without one it is an 82503, which has no link to ask. */
static void find_phy(struct eepro100 *e)
{
    uint16_t bmsr;

    e->phy = 1;
    if (!phy_answers(e, e->phy))
        for (e->phy = 0; e->phy < PHYS && !phy_answers(e, e->phy); e->phy++)
            continue;
    e->nic.link_up = e->phy == PHYS ||
                     (mdi_done(e, &bmsr) && (bmsr & MII_BMSR_LINK));
}

/* It takes 64 us: what was asked for last time is looked at now. */
static void poll_link(struct eepro100 *e)
{
    uint16_t bmsr;

    if (e->phy == PHYS || !mdi_done(e, &bmsr))
        return;
    e->nic.link_up = bmsr & MII_BMSR_LINK;
    mdi_start(e, e->phy);
}

/* ---- Commands (6.3.2) ---------------------------------------------------- */

static bool accepted(const struct eepro100 *e)
{
    return !rd8(e, EEPRO_COMMAND);
}

/* False: the one before was not accepted yet, and this one not given. */
static bool command(struct eepro100 *e, uint8_t what, uint64_t pointer)
{
    for (unsigned i = 0; !accepted(e); i++)
        if (i == SPIN)
            return false;
    dma_wmb();
    wr32(e, EEPRO_POINTER, (uint32_t)pointer);
    wr8(e, EEPRO_COMMAND, what);
    return true;
}

/* False: its units are not idle then. */
static bool reset(struct eepro100 *e)
{
    wr32(e, EEPRO_PORT, PORT_SELECTIVE);
    delay(e, RESET_US);
    wr32(e, EEPRO_PORT, PORT_RESET);
    delay(e, RESET_US);
    wr8(e, EEPRO_MASK, MASK_ALL);
    return !(rd8(e, EEPRO_STATUS) & (STATUS_CU | STATUS_RU));
}

/* Run one block of setup; `data` follows its header. */
static int run_setup(struct eepro100 *e, uint16_t what, const uint8_t *data,
                     size_t len)
{
    volatile struct eepro_block *b = e->setup;

    *e->setup = (struct eepro_block){ .command = CB_EL | what,
                                      .link = NO_ADDRESS };
    memcpy(e->setup->data, data, len);
    if (!command(e, CU_START, e->setup_phys))
        return -EIO;
    for (unsigned i = 0; i < SETUP_TRIES; i++) {
        if (b->status & CB_COMPLETE && accepted(e) &&
            !(rd8(e, EEPRO_STATUS) & STATUS_CU_BUSY))
            return b->status & CB_OK ? 0 : -EIO;
        delay(e, STEP_US);
    }
    return -EIO;
}

/*
 * 6.4.2.3, as the manual recommends each byte, but for: short frames padded
 * (18), every station's frames taken (15), all multicasts (21), and from the
 * 82558 on frames with a VLAN tag (18), no flow control and no magic packets
 * (19).
 */
static int configure(struct eepro100 *e)
{
    uint8_t c[CONFIGURE_BYTES] = {
        CONFIGURE_BYTES, 0x08, 0, 0, 0, 0, 0x32, 0x07,
        e->phy != PHYS, 0, 0x2e, 0, 0x60, 0, 0xf2, 0x49,
        0, 0x40, 0xfa, 0x86, 0x3f, 0x0d,
    };

    if (e->is_82557) {
        c[18] = 0xf2;
        c[19] = 0x80;
    }
    return run_setup(e, CB_CONFIGURE, c, sizeof c);
}

/* ---- Sending ------------------------------------------------------------- */

static void tx_arm(struct desc_ring *ring, unsigned i,
                   const struct nic_buf *buf)
{
    struct eepro_send *d = (struct eepro_send *)ring->desc + i;
    uint32_t at = (uint32_t)ring->phys + i * sizeof *d;
    uint32_t next = (uint32_t)ring->phys + (i + 1) % ring->count * sizeof *d;

    *d = (struct eepro_send){
        .command = CB_TRANSMIT | CB_FLEXIBLE, .link = next,
        .buffers = at + SEND_BUFFERS, .threshold = SEND_THRESHOLD,
        .buffer_count = 1, .addr = (uint32_t)buf->phys, .len = buf->len,
    };
}

static bool tx_done(struct desc_ring *ring, unsigned i)
{
    volatile struct eepro_send *d =
        (volatile struct eepro_send *)ring->desc + i;
    struct eepro100 *e = ring->owner;
    uint16_t status = d->status;

    if (!(status & CB_COMPLETE))
        return false;
    if (!(status & CB_OK))
        e->nic.counters.tx_errors++;
    return true;
}

static bool cu_idle(struct eepro100 *e)
{
    volatile struct eepro_send *last =
        (volatile struct eepro_send *)e->tx.desc + e->tx_last;

    if (e->cu_busy && (last->status & CB_COMPLETE) && accepted(e))
        e->cu_busy = rd8(e, EEPRO_STATUS) & STATUS_CU_BUSY;
    return !e->cu_busy;
}

/* What waits goes to the command unit when it has nothing to do. True: it
 * did. */
static bool tx_start(struct eepro100 *e)
{
    unsigned n = (e->tx.next + RING - e->tx_first) % RING, last;
    volatile struct eepro_send *d = e->tx.desc;

    if (!n || !cu_idle(e))
        return false;
    last = (e->tx_first + (n < BATCH ? n : BATCH) - 1) % RING;
    d[last].command = CB_TRANSMIT | CB_FLEXIBLE | CB_EL;
    if (!command(e, CU_START, e->tx.phys + e->tx_first * sizeof *d))
        return false;
    e->tx_last = last;
    e->tx_first = (last + 1) % RING;
    e->cu_busy = true;
    return true;
}

static void tx_poll(struct eepro100 *e)
{
    do
        desc_ring_tx_clean(&e->tx);
    while (tx_start(e));
}

static void tx_kick(struct desc_ring *ring, unsigned next)
{
    tx_start(ring->owner);
}

static const struct desc_chip tx_chip = {
    .desc_bytes = sizeof(struct eepro_send),
    .tx_arm = tx_arm, .tx_done = tx_done, .kick = tx_kick,
};

static int eepro100_transmit(struct nic *nic, struct nic_buf *buf)
{
    struct eepro100 *e = nic->driver;

    return desc_ring_tx(&e->tx, nic, buf);
}

/* ---- Receiving: each descriptor lies before its frame -------------------- */

static size_t rfd_offset(const struct eepro100 *e, const struct nic_buf *buf)
{
    return (size_t)(buf - e->pool.bufs) * NIC_POOL_BUF_BYTES;
}

static volatile struct eepro_rfd *rfd_of(const struct eepro100 *e,
                                         const struct nic_buf *buf)
{
    return (volatile struct eepro_rfd *)(e->frames + rfd_offset(e, buf));
}

static uint32_t rfd_phys(const struct eepro100 *e, const struct nic_buf *buf)
{
    return (uint32_t)(e->frames_phys + rfd_offset(e, buf));
}

static void rx_push(struct eepro100 *e, struct nic_buf *buf)
{
    volatile struct eepro_rfd *d = rfd_of(e, buf);
    unsigned i = (e->rx_head + e->rx_count++) % RING;

    d->status = d->command = d->count = 0;
    d->link = d->reserved = NO_ADDRESS;
    d->size = NIC_POOL_BUF_BYTES - sizeof *d;
    buf->data = (uint8_t *)e->frames + rfd_offset(e, buf) + sizeof *d;
    buf->phys = e->frames_phys + rfd_offset(e, buf) + sizeof *d;
    e->rx[i] = buf;
    e->rx_was_end[i] = false;
}

static struct nic_buf *rx_pop(struct eepro100 *e)
{
    struct nic_buf *buf = e->rx[e->rx_head];

    e->ru_check |= e->rx_was_end[e->rx_head];
    e->rx[e->rx_head] = NULL;
    e->rx_head = (e->rx_head + 1) % RING;
    e->rx_count--;
    return buf;
}

/* A piece of list, with its end; then it is hung behind the old end. */
static void rx_refill(struct eepro100 *e)
{
    struct nic_buf *end = NULL, *first = NULL, *last = NULL, *buf;

    if (e->rx_count > RING - REFILL)
        return;
    if (e->rx_count)
        end = e->rx[(e->rx_head + e->rx_count - 1) % RING];
    while (e->rx_count < RING && (buf = nic_pool_get(&e->pool))) {
        rx_push(e, buf);
        if (last)
            rfd_of(e, last)->link = rfd_phys(e, buf);
        else
            first = buf;
        last = buf;
    }
    if (!last)
        return;
    rfd_of(e, last)->command = CB_EL;
    e->rx_was_end[(e->rx_head + e->rx_count - 1) % RING] = true;
    if (!end) {
        e->ru_check = true;
        return;
    }
    dma_wmb();
    rfd_of(e, end)->link = rfd_phys(e, first);
    dma_wmb();
    rfd_of(e, end)->command = 0;
}

/* Start the receive unit at the oldest free descriptor if it has stopped. */
static void ru_check(struct eepro100 *e)
{
    const struct nic_buf *head = e->rx[e->rx_head];

    if (!e->ru_check || !accepted(e))
        return;
    if ((rd8(e, EEPRO_STATUS) & STATUS_RU) == STATUS_RU_READY)
        e->ru_check = false;
    else if (head && !(rfd_of(e, head)->status & CB_COMPLETE))
        e->ru_check = !command(e, RU_START, rfd_phys(e, head));
}

/*
 * How many frames there are, `most` at most. QEMU's chip says so in a
 * descriptor before it writes length and frame; but it answers no register
 * meanwhile. A real one writes in order, and its answer comes behind that.
 */
static unsigned rx_complete(struct eepro100 *e, unsigned most)
{
    unsigned n = 0;

    while (n < most && n < e->rx_count &&
           (rfd_of(e, e->rx[(e->rx_head + n) % RING])->status & CB_COMPLETE))
        n++;
    if (n)
        rd8(e, EEPRO_STATUS);
    dma_rmb();
    return n;
}

static unsigned rx_poll(struct eepro100 *e, unsigned budget)
{
    unsigned n = rx_complete(e, budget);

    for (unsigned i = 0; i < n; i++) {
        volatile struct eepro_rfd *d = rfd_of(e, e->rx[e->rx_head]);
        struct nic_buf *buf = rx_pop(e);

        if (d->status & CB_OK) {
            nic_deliver(&e->nic, buf, d->count & RFD_COUNT);
            continue;
        }
        e->nic.counters.rx_errors++;
        buf->free(buf);
    }
    rx_refill(e);
    ru_check(e);
    return n;
}

/* ---- Life ---------------------------------------------------------------- */

static void forget(struct eepro100 *e)
{
    desc_ring_reset(&e->tx);
    e->tx_first = e->tx_last = 0;
    e->cu_busy = false;
    while (e->rx_count) {
        struct nic_buf *buf = rx_pop(e);

        buf->free(buf);
    }
}

static int bring_up(struct eepro100 *e)
{
    int r;

    find_phy(e);
    if (!command(e, CU_BASE, 0) || !command(e, RU_BASE, 0) ||
        !command(e, CU_STATS_AT, e->stats_phys))
        return -EIO;
    if ((r = configure(e)) ||
        (r = run_setup(e, CB_IA, e->nic.mac, sizeof e->nic.mac)))
        return r;
    memset(e->stats, 0, sizeof *e->stats);
    e->stats_due = true;
    rx_refill(e);
    for (unsigned i = 0; i < SPIN && e->ru_check; i++)
        ru_check(e);
    return e->ru_check ? -EIO : 0;
}

static int stop(struct eepro100 *e)
{
    bool answered = reset(e);

    e->nic.is_open = e->nic.link_up = e->armed = false;
    if (nic_dma_ended(&e->nic, e->bus, answered))
        forget(e);
    return answered ? 0 : -EIO;
}

static void eepro100_close(struct nic *nic) { stop(nic->driver); }

static int eepro100_open(struct nic *nic)
{
    struct eepro100 *e = nic->driver;
    int r = stop(e);

    if (r)
        return r;
    nic_dma_allow(e->bus);
    r = bring_up(e);
    if (r)
        stop(e);
    else
        nic->is_open = true;
    return r;
}

static void poll_stats(struct eepro100 *e)
{
    volatile struct eepro_stats *s = e->stats;
    struct nic_counters *c = &e->nic.counters;

    if (s->done == STATS_DONE) {
        dma_rmb();
        c->rx_errors += (uint64_t)s->rx_crc + s->rx_alignment + s->rx_short;
        c->rx_no_buffer += (uint64_t)s->rx_no_resource + s->rx_overrun;
        memset(e->stats, 0, sizeof *e->stats);
        e->stats_due = true;
    }
    if (e->stats_due)
        e->stats_due = !command(e, CU_DUMP_RESET, 0);
}

/* Acknowledge, before the lists are looked at. False: it was pulled out. */
static bool slow_poll(struct eepro100 *e)
{
    uint8_t events = rd8(e, EEPRO_ACK);

    if (events == 0xff && rd8(e, EEPRO_COMMAND) == 0xff) {
        desc_ring_tx_clean(&e->tx);
        e->nic.counters.tx_errors += e->tx.used;
        eepro100_close(&e->nic);
        return false;
    }
    wr8(e, EEPRO_ACK, events);
    poll_link(e);
    poll_stats(e);
    e->ru_check = true;
    return true;
}

static unsigned eepro100_poll(struct nic *nic, unsigned budget)
{
    struct eepro100 *e = nic->driver;

    if (!nic->is_open)
        return 0;
    if (e->armed || ++e->polls % SLOW_POLLS == 0) {
        wr8(e, EEPRO_MASK, MASK_ALL);
        e->armed = false;
        if (!slow_poll(e))
            return 0;
    }
    tx_poll(e);
    return rx_poll(e, budget);
}

static void eepro100_arm(struct nic *nic)
{
    struct eepro100 *e = nic->driver;

    if (e->armed || !nic->is_open)
        return;
    e->armed = true;
    if (e->bus->arm_irq)
        e->bus->arm_irq(e->bus->ctx);
    wr8(e, EEPRO_MASK, 0);
}

static const struct nic_ops eepro100_ops = {
    .name = "eepro100", .open = eepro100_open, .close = eepro100_close,
    .transmit = eepro100_transmit, .poll = eepro100_poll, .arm = eepro100_arm,
};

static int create(const struct bus *bus, const struct bus_info *info,
                  struct nic **out)
{
    struct eepro100 *e = calloc(1, sizeof *e);
    int r = -ENOMEM;

    if (!e)
        return r;
    e->bus = bus;
    e->is_82557 = info->device == 0x1229 && info->revision < FIRST_82558;
    e->nic.ops = &eepro100_ops;
    e->nic.driver = e;
    e->nic.poll_fd = -1;
    snprintf(e->nic.label, sizeof e->nic.label, "%s %04x:%04x at %s",
             e->nic.ops->name, info->vendor, info->device, info->slot);
    reset(e);
    if (!eepro100_eeprom_mac(bus, e->nic.mac)) {
        r = -EIO;
        goto fail;
    }
    e->setup = bus->dma_alloc(bus->ctx, sizeof *e->setup, NIC_DMA_BELOW,
                              &e->setup_phys);
    e->stats = bus->dma_alloc(bus->ctx, sizeof *e->stats, NIC_DMA_BELOW,
                              &e->stats_phys);
    if (!e->setup || !e->stats ||
        (r = desc_ring_init(&e->tx, &tx_chip, e, bus, RING, NIC_DMA_BELOW)) ||
        (r = nic_pool_init(&e->pool, bus, POOL, NIC_DMA_BELOW)))
        goto fail;
    e->frames = e->pool.bufs[0].data;
    e->frames_phys = e->pool.bufs[0].phys;
    *out = &e->nic;
    return 0;
fail:
    free(e);
    return r;
}

#define INTEL(device) { 0x8086, device }

static const struct nic_id ids[] = {
    INTEL(0x1229), INTEL(0x1209), INTEL(0x1029), INTEL(0x1030),
    INTEL(0x1059),
    INTEL(0x2449), INTEL(0x2459), INTEL(0x245d),                  /* ICH2 */
    INTEL(0x1031), INTEL(0x1032), INTEL(0x1033), INTEL(0x1034),   /* ICH3 */
    INTEL(0x1038),
    INTEL(0x1039), INTEL(0x103a), INTEL(0x103b), INTEL(0x103c),   /* ICH4 */
    INTEL(0x103d), INTEL(0x103e),
    INTEL(0x1050), INTEL(0x1051), INTEL(0x1052), INTEL(0x1053),   /* ICH5 */
    INTEL(0x1054), INTEL(0x1055), INTEL(0x1056), INTEL(0x1057),
    INTEL(0x1064), INTEL(0x1065), INTEL(0x1066), INTEL(0x1067),   /* ICH6 */
    INTEL(0x1068), INTEL(0x1069), INTEL(0x106a), INTEL(0x106b),
    INTEL(0x1091), INTEL(0x1092), INTEL(0x1093), INTEL(0x1094),   /* ICH7 */
    INTEL(0x1095), INTEL(0x10fe), INTEL(0x27dc),
};

const struct nic_driver eepro100_driver = {
    .name = "eepro100", .ids = ids, .id_count = sizeof ids / sizeof *ids,
    .create = create,
};
