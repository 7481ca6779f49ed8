/*
 * See pcnet32.h. Software style 2: 32-bit descriptors, which every chip of the
 * family has.
 */
#include "drivers/net/pcnet32.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/net/nic_identity.h"
#include "drivers/net/pcnet32_regs.h"
#include "drivers/net/ring_nic.h"

#define RING_LOG2 7u
#define RING (1u << RING_LOG2)
#define FCS 4u
#define MII_EVERY 16u           /* looks: a read takes 64 us */
#define INIT_TRIES 1000u
#define STEP_US 10u
#define PHYS_MAX 32u

struct pcnet32 {
    struct ring_nic n;
    bool is_dwio;               /* registers are 32 bits apart */
    unsigned rap;               /* what RAP holds */
    unsigned looks;
    unsigned phy;               /* MII address, PHYS_MAX: there is none */
    uint16_t missed;            /* CSR112 as of the last look */
    struct pcnet_init *init;
    uint64_t init_phys;
};

/* The chip reads and writes memory by itself: order what it may see. */
#define dma_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#define dma_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)

/* ---- Registers ----------------------------------------------------------- */

static uint16_t rd(const struct pcnet32 *e, uint32_t wio, uint32_t dwio)
{
    return e->is_dwio ? (uint16_t)e->n.bus->read32(e->n.bus->ctx, dwio)
                      : e->n.bus->read16(e->n.bus->ctx, wio);
}

static void wr(const struct pcnet32 *e, uint32_t wio, uint32_t dwio, uint16_t v)
{
    if (e->is_dwio)
        e->n.bus->write32(e->n.bus->ctx, dwio, v);
    else
        e->n.bus->write16(e->n.bus->ctx, wio, v);
}

static void choose(struct pcnet32 *e, unsigned reg)
{
    if (e->rap == reg)
        return;
    wr(e, PCNET_WIO_RAP, PCNET_DWIO_RAP, reg);
    e->rap = reg;
}

/* Register `reg` through one of the two data ports. */
static uint16_t rd_at(struct pcnet32 *e, unsigned reg, uint32_t wio,
                      uint32_t dwio)
{
    choose(e, reg);
    return rd(e, wio, dwio);
}

static void wr_at(struct pcnet32 *e, unsigned reg, uint32_t wio, uint32_t dwio,
                  uint16_t v)
{
    choose(e, reg);
    wr(e, wio, dwio, v);
}

static uint16_t csr(struct pcnet32 *e, unsigned reg)
{
    return rd_at(e, reg, PCNET_WIO_RDP, PCNET_DWIO_RDP);
}

static void set_csr(struct pcnet32 *e, unsigned reg, uint16_t v)
{
    wr_at(e, reg, PCNET_WIO_RDP, PCNET_DWIO_RDP, v);
}

static uint16_t bcr(struct pcnet32 *e, unsigned reg)
{
    return rd_at(e, reg, PCNET_WIO_BDP, PCNET_DWIO_BDP);
}

static void set_bcr(struct pcnet32 *e, unsigned reg, uint16_t v)
{
    wr_at(e, reg, PCNET_WIO_BDP, PCNET_DWIO_BDP, v);
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
static bool soft_reset(struct pcnet32 *e)
{
    e->n.bus->read32(e->n.bus->ctx, PCNET_DWIO_RESET);
    e->n.bus->read16(e->n.bus->ctx, PCNET_WIO_RESET);
    e->n.bus->delay_us(e->n.bus->ctx, STEP_US);
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
        e->n.nic.counters.tx_errors++;
    return true;
}

static void tx_kick(struct desc_ring *ring, unsigned next)
{
    struct pcnet32 *e = ring->owner;

    dma_wmb();
    set_csr(e, CSR_STATUS, CSR0_TDMD | (e->n.armed ? CSR0_IENA : 0));
}

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
        e->n.nic.link_up = bcr(e, BCR_LINK) & BCR4_LEDOUT;
    else if (e->looks++ % MII_EVERY == 0)
        e->n.nic.link_up = mii_read(e, e->phy, MII_BMSR) & MII_BMSR_LINK;
}

/* ---- Start and stop ------------------------------------------------------ */

static void write_init_block(struct pcnet32 *e)
{
    struct pcnet_init *b = e->init;

    memset(b, 0, sizeof *b);
    b->mode = MODE_PROM;
    b->rx_len = b->tx_len = RING_LOG2 << 4;
    memcpy(b->mac, e->n.nic.mac, sizeof b->mac);
    memset(b->multicast, 0xff, sizeof b->multicast);
    b->rx_ring = (uint32_t)e->n.rx.phys;
    b->tx_ring = (uint32_t)e->n.tx.phys;
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
        e->n.bus->delay_us(e->n.bus->ctx, STEP_US);
    }
    return (csr(e, CSR_STATUS) & (CSR0_IDON | CSR0_MERR)) == CSR0_IDON
               ? 0 : -EIO;
}

static int reset(struct ring_nic *n)
{
    struct pcnet32 *e = (struct pcnet32 *)n;

    e->rap = ~0u;
    set_csr(e, CSR_STATUS, CSR0_STOP);
    return soft_reset(e) ? 0 : -EIO;
}

static int start(struct ring_nic *n)
{
    struct pcnet32 *e = (struct pcnet32 *)n;
    int r;

    e->missed = 0;
    set_bcr(e, BCR_STYLE, BCR20_STYLE_2);
    set_bcr(e, BCR_MISC, bcr(e, BCR_MISC) | BCR2_ASEL);
    set_bcr(e, BCR_LINK, BCR4_LNKSTE);
    set_bcr(e, BCR_BURST, bcr(e, BCR_BURST) | BCR18_BURSTS);
    e->phy = find_phy(e);
    if (e->phy != PHYS_MAX)
        set_bcr(e, BCR_MII_CONTROL,
                (bcr(e, BCR_MII_CONTROL) & ~BCR32_FORCED) | BCR32_XPHYANE);
    desc_ring_rx_refill(&n->rx, &n->pool);
    write_init_block(e);
    r = initialize(e);
    if (r)
        return r;
    set_csr(e, CSR_STATUS, CSR0_EVENTS | CSR0_STRT);
    e->looks = 0;
    poll_link(e);
    return 0;
}

/*
 * Acknowledge, before the rings are looked at. A chip that has stopped, or
 * that memory did not answer, needs a start.
 */
static bool look(struct ring_nic *n)
{
    struct pcnet32 *e = (struct pcnet32 *)n;
    uint16_t status = csr(e, CSR_STATUS), missed;

    set_csr(e, CSR_STATUS, status & CSR0_EVENTS);
    missed = csr(e, CSR_MISSED);
    n->nic.counters.rx_no_buffer += (uint16_t)(missed - e->missed);
    e->missed = missed;
    poll_link(e);
    return (status & (CSR0_RXON | CSR0_TXON)) == (CSR0_RXON | CSR0_TXON) &&
           !(status & (CSR0_STOP | CSR0_MERR));
}

static void irq(struct ring_nic *n, bool on)
{
    set_csr((struct pcnet32 *)n, CSR_STATUS, on ? CSR0_IENA : 0);
}

static const struct ring_nic_chip chip = {
    .rx = {
        .desc_bytes = sizeof(struct pcnet_desc),
        .rx_arm = rx_arm, .rx_check = rx_check, .kick = rx_kick,
    },
    .tx = {
        .desc_bytes = sizeof(struct pcnet_desc),
        .tx_arm = tx_arm, .tx_done = tx_done, .kick = tx_kick,
    },
    .reset = reset, .start = start, .irq = irq, .look = look,
};

/* ---- Binding ------------------------------------------------------------- */

static bool read_mac(struct pcnet32 *e)
{
    uint8_t *mac = e->n.nic.mac;
    const struct bus *bus = e->n.bus;

    for (unsigned i = 0; i < 6; i++)
        mac[i] = e->is_dwio
            ? bus_read32(bus, PCNET_APROM + (i & ~3u)) >> i % 4 * 8
            : bus_read8(bus, PCNET_APROM + i);
    return nic_mac_is_usable(mac);
}

static const struct nic_ops pcnet32_ops = RING_NIC_OPS("pcnet32");

static int create(const struct bus *bus, const struct bus_info *info,
                  struct nic **out)
{
    struct pcnet32 *e = calloc(1, sizeof *e);
    int r = -EIO;

    if (!e)
        return -ENOMEM;
    ring_nic_init(&e->n, &chip, &pcnet32_ops, bus, info, pcnet32_ops.name);
    if (soft_reset(e) && (csr(e, CSR_CHIP_LOW) & 0xfff) == CHIP_MAKER &&
        read_mac(e)) {
        e->init = bus->dma_alloc(bus->ctx, sizeof *e->init, NIC_DMA_BELOW,
                                 &e->init_phys);
        r = e->init ? ring_nic_allocate(&e->n, RING, NIC_DMA_BELOW) : -ENOMEM;
    }
    if (r)
        free(e);
    else
        *out = &e->n.nic;
    return r;
}

static const struct nic_id ids[] = { { 0x1022, 0x2000 } };

const struct nic_driver pcnet32_driver = {
    .name = "pcnet32", .ids = ids, .id_count = sizeof ids / sizeof *ids,
    .create = create,
};
