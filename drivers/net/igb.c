/* See igb.h. */
#include "drivers/net/igb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "drivers/net/desc_ring.h"
#include "drivers/net/e1000_regs.h"
#include "drivers/net/igb_regs.h"
#include "drivers/net/intel_mac.h"

#define RING 256u
#define POOL 1024u              /* the rest may be held above */
/* Link and statistics are read at every n-th poll: a read stalls the CPU. */
#define SLOW_POLLS 64u
#define TRIES 100u
#define TRY_US 1000u
#define RESET_US 5000u
#define PHY_TRIES 50u
#define PHY_TRY_US 50u
#define WAKE (INT_TXDW | INT_LSC | INT_RXDMT0 | INT_RXO | INT_RXT0)

/* IEEE 802.3 22.2.4.1 */
#define MII_BMCR 0u
#define BMCR_NEGOTIATE 0x1000u
#define BMCR_RESTART   0x0200u
#define BMCR_OFF       0x0c00u  /* power down, isolate */

struct igb {
    struct nic nic;
    const struct bus *bus;
    bool is_2g5;
    bool armed;
    unsigned polls;
    struct desc_ring rx, tx;
    struct nic_pool pool;
};

static uint32_t rd(const struct igb *e, uint32_t reg)
{
    return e->bus->read32(e->bus->ctx, reg);
}

static void wr(const struct igb *e, uint32_t reg, uint32_t v)
{
    e->bus->write32(e->bus->ctx, reg, v);
}

static void change(const struct igb *e, uint32_t reg, uint32_t clear,
                   uint32_t set)
{
    wr(e, reg, (rd(e, reg) & ~clear) | set);
}

/* Until the bits of `mask` read `want`; false: they do not. */
static bool wait_for(const struct igb *e, uint32_t reg, uint32_t mask,
                     uint32_t want)
{
    for (unsigned i = 0; i < TRIES; i++) {
        if ((rd(e, reg) & mask) == want)
            return true;
        e->bus->delay_us(e->bus->ctx, TRY_US);
    }
    return false;
}

/* ---- Descriptors ----------------------------------------------------------- */

static void rx_arm(struct desc_ring *ring, unsigned i,
                   const struct nic_buf *buf)
{
    struct igb_rx_desc *d = (struct igb_rx_desc *)ring->desc + i;

    *d = (struct igb_rx_desc){ .addr = buf->phys };
}

static enum desc_rx_result rx_check(struct desc_ring *ring, unsigned i,
                                    uint32_t *len)
{
    struct igb_rx_desc *d = (struct igb_rx_desc *)ring->desc + i;
    uint32_t status = __atomic_load_n(&d->status, __ATOMIC_ACQUIRE);

    if (!(status & IGB_RX_DD))
        return DESC_RX_PENDING;
    *len = d->length;
    if (!(status & IGB_RX_EOP))
        return DESC_RX_FRAGMENT;
    return status & IGB_RX_ERROR ? DESC_RX_ERROR : DESC_RX_FRAME;
}

static void tx_arm(struct desc_ring *ring, unsigned i,
                   const struct nic_buf *buf)
{
    struct igb_tx_desc *d = (struct igb_tx_desc *)ring->desc + i;

    *d = (struct igb_tx_desc){
        .addr = buf->phys,
        .command = IGB_TX_DATA | IGB_TX_DEXT | IGB_TX_EOP | IGB_TX_IFCS |
                   IGB_TX_RS | buf->len,
        .status = buf->len << IGB_TX_PAYLEN_SHIFT,
    };
}

static bool tx_done(struct desc_ring *ring, unsigned i)
{
    struct igb_tx_desc *d = (struct igb_tx_desc *)ring->desc + i;

    return __atomic_load_n(&d->status, __ATOMIC_ACQUIRE) & IGB_TX_DD;
}

/* The chip reads memory after the doorbell: order the writes before it. */
static void kick(struct desc_ring *ring, uint32_t queue, unsigned next)
{
    __atomic_thread_fence(__ATOMIC_RELEASE);
    wr(ring->owner, queue + QUEUE_TAIL, next);
}

static void rx_kick(struct desc_ring *ring, unsigned next)
{
    kick(ring, IGB_RX_QUEUE, next);
}

static void tx_kick(struct desc_ring *ring, unsigned next)
{
    kick(ring, IGB_TX_QUEUE, next);
}

static const struct desc_chip rx_chip = {
    .desc_bytes = sizeof(struct igb_rx_desc),
    .rx_arm = rx_arm, .rx_check = rx_check, .kick = rx_kick,
};
static const struct desc_chip tx_chip = {
    .desc_bytes = sizeof(struct igb_tx_desc),
    .tx_arm = tx_arm, .tx_done = tx_done, .kick = tx_kick,
};

/* ---- The chip -------------------------------------------------------------- */

/* 4.3.1: no DMA of ours is under way when the reset comes. */
static void reset(struct igb *e)
{
    wr(e, IGB_IMC, ~0u);
    wr(e, IGB_EIMC, ~0u);
    wr(e, E1000_RCTL, 0);
    wr(e, E1000_TCTL, TCTL_PSP);
    change(e, E1000_CTRL, 0, CTRL_NO_MASTER);
    wait_for(e, E1000_STATUS, STATUS_MASTER, 0);
    change(e, E1000_CTRL, 0, CTRL_RST);
    e->bus->delay_us(e->bus->ctx, RESET_US);
    wait_for(e, IGB_EECD, EECD_AUTO_READ, EECD_AUTO_READ);
    wr(e, IGB_IMC, ~0u);
    wr(e, IGB_EIMC, ~0u);
    rd(e, IGB_ICR);
}

/* One access to the PHY; MDIC's answer, or MDIC_ERROR. */
static uint32_t phy_access(const struct igb *e, unsigned reg, uint32_t command)
{
    wr(e, IGB_MDIC, command | reg << MDIC_REG_SHIFT);
    for (unsigned i = 0; i < PHY_TRIES; i++) {
        uint32_t v;

        e->bus->delay_us(e->bus->ctx, PHY_TRY_US);
        v = rd(e, IGB_MDIC);
        if (v & MDIC_READY)
            return v;
    }
    return MDIC_ERROR;
}

/* Awake and negotiating; a link that was negotiated is left alone. */
static void start_phy(const struct igb *e)
{
    uint32_t v;

    change(e, IGB_PHPM, PHPM_NO_LINK, 0);
    v = phy_access(e, MII_BMCR, MDIC_READ);
    if (v & MDIC_ERROR)
        return;
    if ((v & BMCR_OFF) || !(v & BMCR_NEGOTIATE))
        phy_access(e, MII_BMCR, MDIC_WRITE | BMCR_NEGOTIATE | BMCR_RESTART);
}

/* 4.5.9, 4.5.10: set up, then enabled; then the tail, then RCTL and TCTL. */
static bool start_queue(struct igb *e, uint32_t queue, uint32_t control,
                        const struct desc_ring *ring)
{
    wr(e, queue + QUEUE_BASE_LOW, (uint32_t)ring->phys);
    wr(e, queue + QUEUE_BASE_HIGH, ring->phys >> 32);
    wr(e, queue + QUEUE_LENGTH, ring->count * ring->chip->desc_bytes);
    wr(e, queue + QUEUE_HEAD, 0);
    wr(e, queue + QUEUE_TAIL, 0);
    change(e, control, 0, QUEUE_ENABLE);
    return wait_for(e, control, QUEUE_ENABLE, QUEUE_ENABLE);
}

static void igb_close(struct nic *nic)
{
    struct igb *e = nic->driver;

    change(e, IGB_CTRL_EXT, CTRL_EXT_DRIVER, 0);
    reset(e);
    desc_ring_reset(&e->rx);
    desc_ring_reset(&e->tx);
    nic->is_open = false;
    nic->link_up = false;
}

static int igb_open(struct nic *nic)
{
    struct igb *e = nic->driver;

    reset(e);
    desc_ring_reset(&e->rx);
    desc_ring_reset(&e->tx);
    change(e, IGB_CTRL_EXT, 0, CTRL_EXT_DRIVER);
    if (!e->is_2g5) {
        wr(e, IGB_RXPBS, RXPBS_I210);
        wr(e, IGB_TXPBS, TXPBS_I210);
    }
    change(e, E1000_CTRL, CTRL_NO_MASTER | CTRL_ILOS | CTRL_VME, CTRL_SLU);
    intel_mac_clear_multicast(e->bus);
    start_phy(e);
    wr(e, IGB_GPIE, GPIE_NSICR);
    wr(e, IGB_IVAR0, IVAR0_QUEUES);
    wr(e, IGB_SRRCTL, SRRCTL_2K | SRRCTL_ADVANCED);
    change(e, IGB_DVMOLR, DVMOLR_STRIP_VLAN, DVMOLR_STRIP_CRC);
    if (!start_queue(e, IGB_RX_QUEUE, IGB_RXDCTL, &e->rx) ||
        !start_queue(e, IGB_TX_QUEUE, IGB_TXDCTL, &e->tx)) {
        igb_close(nic);
        return -EIO;
    }
    desc_ring_rx_refill(&e->rx, &e->pool);
    wr(e, E1000_TCTL, TCTL_EN | TCTL_PSP | TCTL_CT | TCTL_COLD);
    wr(e, E1000_RCTL, RCTL_EN | RCTL_UPE | RCTL_MPE | RCTL_BAM | RCTL_SECRC);
    nic->link_up = rd(e, E1000_STATUS) & STATUS_LU;
    nic->is_open = true;
    e->armed = false;
    return 0;
}

static int igb_transmit(struct nic *nic, struct nic_buf *buf)
{
    struct igb *e = nic->driver;

    return desc_ring_tx(&e->tx, nic, buf);
}

static void slow_poll(struct igb *e)
{
    struct nic_counters *c = &e->nic.counters;

    /* Reading acknowledges; the rings are looked at after that. */
    rd(e, IGB_ICR);
    e->nic.link_up = rd(e, E1000_STATUS) & STATUS_LU;
    c->rx_no_buffer += rd(e, E1000_MPC);
    c->rx_errors += rd(e, E1000_CRCERRS);
    c->rx_oversize += rd(e, IGB_ROC);
}

static unsigned igb_poll(struct nic *nic, unsigned budget)
{
    struct igb *e = nic->driver;

    if (!nic->is_open)
        return 0;
    if (e->armed) {
        wr(e, IGB_IMC, ~0u);
        slow_poll(e);
        e->armed = false;
    } else if (++e->polls % SLOW_POLLS == 0) {
        slow_poll(e);
    }
    desc_ring_tx_clean(&e->tx);
    return desc_ring_rx_poll(&e->rx, nic, &e->pool, budget);
}

static void igb_arm(struct nic *nic)
{
    struct igb *e = nic->driver;

    if (e->armed || !nic->is_open)
        return;
    e->armed = true;
    if (e->bus->arm_irq)
        e->bus->arm_irq(e->bus->ctx);
    wr(e, IGB_IMS, WAKE);
}

/* ---- Creation -------------------------------------------------------------- */

#define OPS(kind) { \
    .name = kind, .open = igb_open, .close = igb_close, \
    .transmit = igb_transmit, .poll = igb_poll, .arm = igb_arm, \
}
static const struct nic_ops igb_ops = OPS("igb"), igc_ops = OPS("igc");

static int create(const struct bus *bus, const struct bus_info *info,
                  bool is_2g5, struct nic **out)
{
    struct igb *e = calloc(1, sizeof *e);
    int r = -ENOMEM;

    if (!e)
        return r;
    e->bus = bus;
    e->is_2g5 = is_2g5;
    e->nic.ops = is_2g5 ? &igc_ops : &igb_ops;
    e->nic.driver = e;
    e->nic.poll_fd = -1;
    snprintf(e->nic.label, sizeof e->nic.label, "%s %04x:%04x at %s",
             e->nic.ops->name, info->vendor, info->device, info->slot);
    reset(e);
    if (!intel_mac_address(bus, e->nic.mac)) {
        r = -EIO;
        goto fail;
    }
    if ((r = desc_ring_init(&e->rx, &rx_chip, e, bus, RING, UINT64_MAX)) ||
        (r = desc_ring_init(&e->tx, &tx_chip, e, bus, RING, UINT64_MAX)) ||
        (r = nic_pool_init(&e->pool, bus, POOL, NIC_DMA_BELOW)))
        goto fail;
    *out = &e->nic;
    return 0;
fail:
    free(e);
    return r;
}

static int create_igb(const struct bus *bus, const struct bus_info *info,
                      struct nic **out)
{
    return create(bus, info, false, out);
}

static int create_igc(const struct bus *bus, const struct bus_info *info,
                      struct nic **out)
{
    return create(bus, info, true, out);
}

#define INTEL(device) { 0x8086, device }
#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct nic_id igb_ids[] = {
    INTEL(0x1533), INTEL(0x157b), INTEL(0x1539),        /* I210, I211 */
};
static const struct nic_id igc_ids[] = {
    INTEL(0x15f2), INTEL(0x15f3), INTEL(0x15f7), INTEL(0x15f8),   /* I225 */
    INTEL(0x3100), INTEL(0x3101), INTEL(0x0d9f), INTEL(0x5502),
    INTEL(0x125b), INTEL(0x125c), INTEL(0x125d), INTEL(0x125e),   /* I226 */
    INTEL(0x3102), INTEL(0x5503),
};

const struct nic_driver igb_driver = {
    .name = "igb", .ids = igb_ids, .id_count = COUNT(igb_ids),
    .create = create_igb,
};
const struct nic_driver igc_driver = {
    .name = "igc", .ids = igc_ids, .id_count = COUNT(igc_ids),
    .create = create_igc,
};
