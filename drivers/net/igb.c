/* See igb.h. */
#include "drivers/net/igb.h"

#include <errno.h>
#include <stdlib.h>

#include "drivers/net/e1000_regs.h"
#include "drivers/net/igb_regs.h"
#include "drivers/net/intel_mac.h"
#include "drivers/net/ring_nic.h"

#define RING 256u
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
    struct ring_nic n;
    bool is_2g5;
    uint32_t missed, crc_errors, too_long;      /* intel_mac_growth's */
};

static void change(const struct ring_nic *n, uint32_t reg, uint32_t clear,
                   uint32_t set)
{
    bus_write32(n->bus, reg, (bus_read32(n->bus, reg) & ~clear) | set);
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
    bool is_rest = ring->goes_on;

    if (!(status & IGB_RX_DD))
        return DESC_RX_PENDING;
    *len = d->length;
    ring->goes_on = !(status & IGB_RX_EOP);
    if (is_rest || ring->goes_on)
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
    bus_write32(ring_nic_bus(ring), queue + QUEUE_TAIL, next);
}

static void rx_kick(struct desc_ring *ring, unsigned next)
{
    kick(ring, IGB_RX_QUEUE, next);
}

static void tx_kick(struct desc_ring *ring, unsigned next)
{
    kick(ring, IGB_TX_QUEUE, next);
}

/* ---- The chip -------------------------------------------------------------- */

/* 4.3.1. */
static int reset(struct ring_nic *n)
{
    static const struct intel_mac_reset how = {
        .irq_off = { IGB_IMC, IGB_EIMC }, .wait_us = RESET_US,
        .ends_dma = true,
    };
    int r;

    change(n, IGB_CTRL_EXT, CTRL_EXT_DRIVER, 0);
    r = intel_mac_reset(n->bus, &how);
    if (r)
        return r;
    intel_mac_wait(n->bus, IGB_EECD, EECD_AUTO_READ, EECD_AUTO_READ);
    bus_read32(n->bus, IGB_ICR);
    return 0;
}

/* One access to the PHY; MDIC's answer, or MDIC_ERROR. */
static uint32_t phy_access(const struct ring_nic *n, unsigned reg,
                           uint32_t command)
{
    bus_write32(n->bus, IGB_MDIC, command | reg << MDIC_REG_SHIFT);
    for (unsigned i = 0; i < PHY_TRIES; i++) {
        uint32_t v;

        bus_delay(n->bus, PHY_TRY_US);
        v = bus_read32(n->bus, IGB_MDIC);
        if (v & MDIC_READY)
            return v;
    }
    return MDIC_ERROR;
}

/* Awake and negotiating; a link that was negotiated is left alone. */
static void start_phy(const struct ring_nic *n)
{
    uint32_t v;

    change(n, IGB_PHPM, PHPM_NO_LINK, 0);
    v = phy_access(n, MII_BMCR, MDIC_READ);
    if (v & MDIC_ERROR)
        return;
    if ((v & BMCR_OFF) || !(v & BMCR_NEGOTIATE))
        phy_access(n, MII_BMCR, MDIC_WRITE | BMCR_NEGOTIATE | BMCR_RESTART);
}

/* 4.5.9, 4.5.10: set up, then enabled; then the tail, then RCTL and TCTL. */
static bool start_queue(struct ring_nic *n, uint32_t queue, uint32_t control,
                        const struct desc_ring *ring)
{
    bus_write32(n->bus, queue + QUEUE_BASE_LOW, (uint32_t)ring->phys);
    bus_write32(n->bus, queue + QUEUE_BASE_HIGH, ring->phys >> 32);
    bus_write32(n->bus, queue + QUEUE_LENGTH,
                ring->count * ring->chip->desc_bytes);
    bus_write32(n->bus, queue + QUEUE_HEAD, 0);
    bus_write32(n->bus, queue + QUEUE_TAIL, 0);
    change(n, control, 0, QUEUE_ENABLE);
    return intel_mac_wait(n->bus, control, QUEUE_ENABLE, QUEUE_ENABLE);
}

static int start(struct ring_nic *n)
{
    change(n, IGB_CTRL_EXT, 0, CTRL_EXT_DRIVER);
    if (!((struct igb *)n)->is_2g5) {
        bus_write32(n->bus, IGB_RXPBS, RXPBS_I210);
        bus_write32(n->bus, IGB_TXPBS, TXPBS_I210);
    }
    change(n, E1000_CTRL, CTRL_NO_MASTER | CTRL_ILOS | CTRL_VME, CTRL_SLU);
    intel_mac_clear_multicast(n->bus);
    start_phy(n);
    bus_write32(n->bus, IGB_GPIE, GPIE_NSICR);
    bus_write32(n->bus, IGB_IVAR0, IVAR0_QUEUES);
    bus_write32(n->bus, IGB_SRRCTL, SRRCTL_2K | SRRCTL_ADVANCED);
    change(n, IGB_DVMOLR, DVMOLR_STRIP_VLAN, DVMOLR_STRIP_CRC);
    if (!start_queue(n, IGB_RX_QUEUE, IGB_RXDCTL, &n->rx) ||
        !start_queue(n, IGB_TX_QUEUE, IGB_TXDCTL, &n->tx))
        return -EIO;
    desc_ring_rx_refill(&n->rx, &n->pool);
    bus_write32(n->bus, E1000_TCTL, TCTL_EN | TCTL_PSP | TCTL_CT | TCTL_COLD);
    bus_write32(n->bus, E1000_RCTL,
                RCTL_EN | RCTL_UPE | RCTL_MPE | RCTL_BAM | RCTL_SECRC);
    n->nic.link_up = bus_read32(n->bus, E1000_STATUS) & STATUS_LU;
    return 0;
}

static bool look(struct ring_nic *n)
{
    struct nic_counters *c = &n->nic.counters;
    struct igb *e = (struct igb *)n;
    uint32_t status;

    /* Reading acknowledges; all else is looked at after that. */
    bus_read32(n->bus, IGB_ICR);
    status = bus_read32(n->bus, E1000_STATUS);
    if (status == STATUS_GONE)
        return false;
    n->nic.link_up = status & STATUS_LU;
    c->rx_no_buffer += intel_mac_growth(n->bus, E1000_MPC, &e->missed);
    c->rx_errors += intel_mac_growth(n->bus, E1000_CRCERRS, &e->crc_errors);
    c->rx_oversize += intel_mac_growth(n->bus, IGB_ROC, &e->too_long);
    return true;
}

static void irq(struct ring_nic *n, bool on)
{
    bus_write32(n->bus, on ? IGB_IMS : IGB_IMC, on ? WAKE : ~0u);
}

static const struct ring_nic_chip chip = {
    .rx = {
        .desc_bytes = sizeof(struct igb_rx_desc),
        .rx_arm = rx_arm, .rx_check = rx_check, .kick = rx_kick,
    },
    .tx = {
        .desc_bytes = sizeof(struct igb_tx_desc),
        .tx_arm = tx_arm, .tx_done = tx_done, .kick = tx_kick,
    },
    .reset = reset, .start = start, .irq = irq, .look = look,
};

/* ---- Creation -------------------------------------------------------------- */

static const struct nic_ops igb_ops = RING_NIC_OPS("igb");
static const struct nic_ops igc_ops = RING_NIC_OPS("igc");

static int create(const struct bus *bus, const struct bus_info *info,
                  const struct nic_ops *ops, struct nic **out)
{
    struct igb *e = calloc(1, sizeof *e);
    int r = -EIO;

    if (!e)
        return -ENOMEM;
    e->is_2g5 = ops == &igc_ops;
    ring_nic_init(&e->n, &chip, ops, bus, info, ops->name);
    if (!reset(&e->n) && intel_mac_address(bus, e->n.nic.mac))
        r = ring_nic_allocate(&e->n, RING, UINT64_MAX);
    if (r) {
        free(e);
        return r;
    }
    *out = &e->n.nic;
    return 0;
}

static int create_igb(const struct bus *bus, const struct bus_info *info,
                      struct nic **out)
{
    return create(bus, info, &igb_ops, out);
}

static int create_igc(const struct bus *bus, const struct bus_info *info,
                      struct nic **out)
{
    return create(bus, info, &igc_ops, out);
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
