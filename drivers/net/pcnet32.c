/*
 * See pcnet32.h. Software style 2: 32-bit descriptors, which every chip of the
 * family has.
 */
#include "drivers/net/pcnet32.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/net/desc_ring.h"
#include "drivers/net/pcnet32_regs.h"

#define RING_LOG2 7u
#define RING (1u << RING_LOG2)
#define POOL 1024u              /* the rest may be held above */
#define FCS 4u
/* Link, misses and the chip's health are looked at every n-th poll. */
#define SLOW_POLLS 64u
#define MII_EVERY 16u           /* of those looks: a read takes 64 us */
#define INIT_TRIES 1000u
#define STEP_US 10u
#define PHYS_MAX 32u

struct pcnet32 {
    struct nic nic;
    const struct bus *bus;
    bool is_dwio;               /* registers are 32 bits apart */
    bool armed;
    unsigned rap;               /* what RAP holds */
    unsigned polls, looks;
    unsigned phy;               /* MII address, PHYS_MAX: there is none */
    uint16_t missed;            /* CSR112 as of the last look */
    struct desc_ring rx, tx;
    struct nic_pool pool;
    struct pcnet_init *init;
    uint64_t init_phys;
};

/* The chip reads and writes memory by itself: order what it may see. */
#define dma_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#define dma_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)

/* ---- Registers ----------------------------------------------------------- */

static uint16_t rd(const struct pcnet32 *e, uint32_t wio, uint32_t dwio)
{
    return e->is_dwio ? (uint16_t)e->bus->read32(e->bus->ctx, dwio)
                      : e->bus->read16(e->bus->ctx, wio);
}

static void wr(const struct pcnet32 *e, uint32_t wio, uint32_t dwio, uint16_t v)
{
    if (e->is_dwio)
        e->bus->write32(e->bus->ctx, dwio, v);
    else
        e->bus->write16(e->bus->ctx, wio, v);
}

static void choose(struct pcnet32 *e, unsigned reg)
{
    if (e->rap == reg)
        return;
    wr(e, PCNET_WIO_RAP, PCNET_DWIO_RAP, reg);
    e->rap = reg;
}

static uint16_t csr(struct pcnet32 *e, unsigned reg)
{
    choose(e, reg);
    return rd(e, PCNET_WIO_RDP, PCNET_DWIO_RDP);
}

static void set_csr(struct pcnet32 *e, unsigned reg, uint16_t v)
{
    choose(e, reg);
    wr(e, PCNET_WIO_RDP, PCNET_DWIO_RDP, v);
}

static uint16_t bcr(struct pcnet32 *e, unsigned reg)
{
    choose(e, reg);
    return rd(e, PCNET_WIO_BDP, PCNET_DWIO_BDP);
}

static void set_bcr(struct pcnet32 *e, unsigned reg, uint16_t v)
{
    choose(e, reg);
    wr(e, PCNET_WIO_BDP, PCNET_DWIO_BDP, v);
}

/* Stopped, and RAP does what it should. */
static bool answers(struct pcnet32 *e)
{
    e->rap = ~0u;
    if (csr(e, CSR_STATUS) != CSR0_STOP)
        return false;
    choose(e, CSR_CHIP_LOW);
    return rd(e, PCNET_WIO_RAP, PCNET_DWIO_RAP) == CSR_CHIP_LOW;
}

/*
 * Whoever had the chip may have left it with registers of either width, which
 * not every reset undoes: try both ("I/O Resources").
 */
static bool reset(struct pcnet32 *e)
{
    e->bus->read32(e->bus->ctx, PCNET_DWIO_RESET);
    e->bus->read16(e->bus->ctx, PCNET_WIO_RESET);
    e->bus->delay_us(e->bus->ctx, STEP_US);
    e->is_dwio = false;
    if (answers(e))
        return true;
    e->is_dwio = true;
    return answers(e);
}

/* ---- Descriptors --------------------------------------------------------- */

static void arm(struct desc_ring *ring, unsigned i, uint64_t phys,
                uint32_t flags, uint32_t len)
{
    volatile struct pcnet_desc *d =
        (volatile struct pcnet_desc *)ring->desc + i;

    d->addr = (uint32_t)phys;
    d->more = 0;
    dma_wmb();
    d->flags = DESC_OWN | flags | DESC_ONES | (-len & DESC_LENGTH);
}

static void rx_arm(struct desc_ring *ring, unsigned i,
                   const struct nic_buf *buf)
{
    arm(ring, i, buf->phys, 0, NIC_POOL_BUF_BYTES);
}

static enum desc_rx_result rx_check(struct desc_ring *ring, unsigned i,
                                    uint32_t *len)
{
    volatile struct pcnet_desc *d =
        (volatile struct pcnet_desc *)ring->desc + i;
    uint32_t flags = d->flags, count;

    if (flags & DESC_OWN)
        return DESC_RX_PENDING;
    dma_rmb();
    /* QEMU's chip gives a descriptor back before it writes ENP and the length;
     * but it answers no register meanwhile. */
    if (!(flags & DESC_ENP) || !(d->more & DESC_LENGTH)) {
        csr(ring->owner, CSR_STATUS);
        flags = d->flags;
        dma_rmb();
    }
    if ((flags & DESC_ENP) && (flags & DESC_ERR))
        return DESC_RX_ERROR;
    if ((flags & (DESC_STP | DESC_ENP)) != (DESC_STP | DESC_ENP))
        return DESC_RX_FRAGMENT;
    count = d->more & DESC_LENGTH;
    *len = count > FCS ? count - FCS : 0;
    return DESC_RX_FRAME;
}

/* The chip looks by itself when a frame comes. */
static void rx_kick(struct desc_ring *ring, unsigned next) { }

static void tx_arm(struct desc_ring *ring, unsigned i,
                   const struct nic_buf *buf)
{
    arm(ring, i, buf->phys, DESC_STP | DESC_ENP, buf->len);
}

static bool tx_done(struct desc_ring *ring, unsigned i)
{
    volatile struct pcnet_desc *d =
        (volatile struct pcnet_desc *)ring->desc + i;
    struct pcnet32 *e = ring->owner;
    uint32_t flags = d->flags;

    if (flags & DESC_OWN)
        return false;
    if (flags & DESC_ERR)
        e->nic.counters.tx_errors++;
    return true;
}

static void tx_kick(struct desc_ring *ring, unsigned next)
{
    struct pcnet32 *e = ring->owner;

    dma_wmb();
    set_csr(e, CSR_STATUS, CSR0_TDMD | (e->armed ? CSR0_IENA : 0));
}

static const struct desc_chip rx_chip = {
    .desc_bytes = sizeof(struct pcnet_desc),
    .rx_arm = rx_arm, .rx_check = rx_check, .kick = rx_kick,
};
static const struct desc_chip tx_chip = {
    .desc_bytes = sizeof(struct pcnet_desc),
    .tx_arm = tx_arm, .tx_done = tx_done, .kick = tx_kick,
};

/* ---- Link ---------------------------------------------------------------- */

static uint16_t mii_read(struct pcnet32 *e, unsigned phy, unsigned reg)
{
    set_bcr(e, BCR_MII_ADDRESS, phy << 5 | reg);
    return bcr(e, BCR_MII_DATA);
}

static unsigned find_phy(struct pcnet32 *e)
{
    uint32_t chip = (uint32_t)csr(e, CSR_CHIP_HIGH) << 16 |
                    csr(e, CSR_CHIP_LOW);

    if ((chip >> 12 & 0xffff) < CHIP_FIRST_MII)
        return PHYS_MAX;
    for (unsigned i = 0; i < PHYS_MAX; i++) {
        uint16_t v = mii_read(e, i, MII_BMSR);

        if (v != 0 && v != 0xffff)
            return i;
    }
    return PHYS_MAX;
}

/* By the PHY where there is one: what was since the last look, and is. */
static void poll_link(struct pcnet32 *e)
{
    if (e->phy == PHYS_MAX)
        e->nic.link_up = bcr(e, BCR_LINK) & BCR4_LEDOUT;
    else if (e->looks++ % MII_EVERY == 0)
        e->nic.link_up = mii_read(e, e->phy, MII_BMSR) & MII_BMSR_LINK;
}

/* ---- Start and stop ------------------------------------------------------ */

static void write_init_block(struct pcnet32 *e)
{
    struct pcnet_init *b = e->init;

    memset(b, 0, sizeof *b);
    b->mode = MODE_PROM;
    b->rx_len = b->tx_len = RING_LOG2 << 4;
    memcpy(b->mac, e->nic.mac, sizeof b->mac);
    memset(b->multicast, 0xff, sizeof b->multicast);
    b->rx_ring = (uint32_t)e->rx.phys;
    b->tx_ring = (uint32_t)e->tx.phys;
    dma_wmb();
}

static int initialize(struct pcnet32 *e)
{
    unsigned i;

    set_csr(e, CSR_MASK, CSR3_BABLM | CSR3_IDONM | CSR3_DXSUFLO);
    set_csr(e, CSR_FEATURES, CSR4_APAD_XMT | CSR4_MASKS);
    set_csr(e, CSR_INIT_LOW, (uint16_t)e->init_phys);
    set_csr(e, CSR_INIT_HIGH, (uint16_t)(e->init_phys >> 16));
    set_csr(e, CSR_STATUS, CSR0_INIT);
    for (i = 0; i < INIT_TRIES; i++) {
        if (csr(e, CSR_STATUS) & (CSR0_IDON | CSR0_MERR))
            break;
        e->bus->delay_us(e->bus->ctx, STEP_US);
    }
    return (csr(e, CSR_STATUS) & (CSR0_IDON | CSR0_MERR)) == CSR0_IDON
               ? 0 : -EIO;
}

/* Whatever the rings held is given back: sent or not, received or not. */
static int start(struct pcnet32 *e)
{
    int r;

    if (!reset(e))
        return -EIO;
    desc_ring_reset(&e->rx);
    desc_ring_reset(&e->tx);
    e->armed = false;
    e->missed = 0;
    set_bcr(e, BCR_STYLE, BCR20_STYLE_2);
    set_bcr(e, BCR_MISC, bcr(e, BCR_MISC) | BCR2_ASEL);
    set_bcr(e, BCR_LINK, BCR4_LNKSTE);
    set_bcr(e, BCR_BURST, bcr(e, BCR_BURST) | BCR18_BURSTS);
    e->phy = find_phy(e);
    if (e->phy != PHYS_MAX)
        set_bcr(e, BCR_MII_CONTROL,
                (bcr(e, BCR_MII_CONTROL) & ~BCR32_FORCED) | BCR32_XPHYANE);
    desc_ring_rx_refill(&e->rx, &e->pool);
    write_init_block(e);
    r = initialize(e);
    if (r)
        return r;
    set_csr(e, CSR_STATUS, CSR0_EVENTS | CSR0_STRT);
    e->looks = 0;
    poll_link(e);
    return 0;
}

static void stop(struct pcnet32 *e)
{
    set_csr(e, CSR_STATUS, CSR0_STOP);
    reset(e);
    desc_ring_reset(&e->rx);
    desc_ring_reset(&e->tx);
    e->nic.link_up = false;
}

static int pcnet32_open(struct nic *nic)
{
    struct pcnet32 *e = nic->driver;
    int r = start(e);

    if (r)
        stop(e);
    nic->is_open = !r;
    return r;
}

static void pcnet32_close(struct nic *nic)
{
    stop(nic->driver);
    nic->is_open = false;
}

/* ---- Frames -------------------------------------------------------------- */

static int pcnet32_transmit(struct nic *nic, struct nic_buf *buf)
{
    struct pcnet32 *e = nic->driver;

    return desc_ring_tx(&e->tx, nic, buf);
}

/*
 * Acknowledge, before the rings are looked at. A chip that has stopped, or
 * that memory did not answer, is started anew.
 */
static void slow_poll(struct pcnet32 *e)
{
    uint16_t status = csr(e, CSR_STATUS), missed;

    set_csr(e, CSR_STATUS, status & CSR0_EVENTS);
    missed = csr(e, CSR_MISSED);
    e->nic.counters.rx_no_buffer += (uint16_t)(missed - e->missed);
    e->missed = missed;
    poll_link(e);
    if ((status & (CSR0_RXON | CSR0_TXON)) == (CSR0_RXON | CSR0_TXON) &&
        !(status & (CSR0_STOP | CSR0_MERR)))
        return;
    e->nic.counters.tx_errors += e->tx.used;
    e->nic.counters.rx_errors++;
    if (start(e)) {
        stop(e);
        e->nic.is_open = false;
    }
}

static unsigned pcnet32_poll(struct nic *nic, unsigned budget)
{
    struct pcnet32 *e = nic->driver;

    if (!nic->is_open)
        return 0;
    if (e->armed || ++e->polls % SLOW_POLLS == 0) {
        e->armed = false;
        slow_poll(e);
    }
    desc_ring_tx_clean(&e->tx);
    return desc_ring_rx_poll(&e->rx, nic, &e->pool, budget);
}

static void pcnet32_arm(struct nic *nic)
{
    struct pcnet32 *e = nic->driver;

    if (e->armed || !nic->is_open)
        return;
    e->armed = true;
    if (e->bus->arm_irq)
        e->bus->arm_irq(e->bus->ctx);
    set_csr(e, CSR_STATUS, CSR0_IENA);
}

static const struct nic_ops pcnet32_ops = {
    .name = "pcnet32", .open = pcnet32_open, .close = pcnet32_close,
    .transmit = pcnet32_transmit, .poll = pcnet32_poll, .arm = pcnet32_arm,
};

/* ---- Binding ------------------------------------------------------------- */

static bool read_mac(struct pcnet32 *e)
{
    uint8_t any = 0, *mac = e->nic.mac;

    for (unsigned i = 0; i < 6; i++) {
        mac[i] = e->is_dwio
            ? e->bus->read32(e->bus->ctx, PCNET_APROM + (i & ~3u)) >> i % 4 * 8
            : e->bus->read8(e->bus->ctx, PCNET_APROM + i);
        any |= mac[i];
    }
    return any && !(mac[0] & 1);
}

static int create(const struct bus *bus, const struct bus_info *info,
                  struct nic **out)
{
    struct pcnet32 *e = calloc(1, sizeof *e);
    int r = -ENOMEM;

    if (!e)
        return r;
    e->bus = bus;
    e->nic.ops = &pcnet32_ops;
    e->nic.driver = e;
    e->nic.poll_fd = -1;
    snprintf(e->nic.label, sizeof e->nic.label, "%s %04x:%04x at %s",
             e->nic.ops->name, info->vendor, info->device, info->slot);
    if (!reset(e) || (csr(e, CSR_CHIP_LOW) & 0xfff) != CHIP_MAKER ||
        !read_mac(e)) {
        r = -EIO;
        goto fail;
    }
    e->init = bus->dma_alloc(bus->ctx, sizeof *e->init, NIC_DMA_BELOW,
                             &e->init_phys);
    if (!e->init ||
        (r = desc_ring_init(&e->rx, &rx_chip, e, bus, RING, NIC_DMA_BELOW)) ||
        (r = desc_ring_init(&e->tx, &tx_chip, e, bus, RING, NIC_DMA_BELOW)) ||
        (r = nic_pool_init(&e->pool, bus, POOL, NIC_DMA_BELOW)))
        goto fail;
    *out = &e->nic;
    return 0;
fail:
    free(e);
    return r;
}

static const struct nic_id ids[] = { { 0x1022, 0x2000 } };

const struct nic_driver pcnet32_driver = {
    .name = "pcnet32", .ids = ids, .id_count = sizeof ids / sizeof *ids,
    .create = create,
};
