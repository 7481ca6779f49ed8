/* See e1000.h. */
#include "drivers/net/e1000.h"

#include <errno.h>
#include <stdlib.h>

#include "drivers/net/e1000_regs.h"
#include "drivers/net/intel_mac.h"
#include "drivers/net/ring_nic.h"

#define RING 256u
#define RESET_US 10000u         /* reset and the NVM's auto-load */

struct e1000 {
    struct ring_nic n;
    bool is_express;
    uint32_t missed, crc_errors;        /* intel_mac_growth's */
};

/* ---- Descriptors ----------------------------------------------------------- */

/* The chip reads memory after the doorbell: order the writes before it. */
#define dma_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
/* And what was read as "done" before what it covers. */
#define dma_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)

static void rx_arm(struct desc_ring *ring, unsigned i,
                   const struct nic_buf *buf)
{
    struct e1000_rx_desc *d = (struct e1000_rx_desc *)ring->desc + i;

    *d = (struct e1000_rx_desc){ .addr = buf->phys };
}

static enum desc_rx_result rx_check(struct desc_ring *ring, unsigned i,
                                    uint32_t *len)
{
    volatile struct e1000_rx_desc *d =
        (volatile struct e1000_rx_desc *)ring->desc + i;
    uint8_t status = d->status;
    bool is_rest = ring->goes_on;

    if (!(status & RX_STATUS_DD))
        return DESC_RX_PENDING;
    dma_rmb();
    *len = d->length;
    ring->goes_on = !(status & RX_STATUS_EOP);
    if (is_rest || ring->goes_on)
        return DESC_RX_FRAGMENT;
    return d->errors & RX_ERRORS ? DESC_RX_ERROR : DESC_RX_FRAME;
}

static void rx_kick(struct desc_ring *ring, unsigned next)
{
    dma_wmb();
    bus_write32(ring_nic_bus(ring), E1000_RDT, next);
}

static void tx_arm(struct desc_ring *ring, unsigned i,
                   const struct nic_buf *buf)
{
    struct e1000_tx_desc *d = (struct e1000_tx_desc *)ring->desc + i;

    *d = (struct e1000_tx_desc){
        .addr = buf->phys, .length = buf->len,
        .cmd = TX_CMD_EOP | TX_CMD_IFCS | TX_CMD_RS,
    };
}

static bool tx_done(struct desc_ring *ring, unsigned i)
{
    volatile struct e1000_tx_desc *d =
        (volatile struct e1000_tx_desc *)ring->desc + i;

    return d->status & TX_STATUS_DD;
}

static void tx_kick(struct desc_ring *ring, unsigned next)
{
    dma_wmb();
    bus_write32(ring_nic_bus(ring), E1000_TDT, next);
}

/* ---- The chip -------------------------------------------------------------- */

static int reset(struct ring_nic *n)
{
    const struct intel_mac_reset how = {
        .irq_off = { E1000_IMC }, .wait_us = RESET_US,
        .ends_dma = ((struct e1000 *)n)->is_express,
    };
    int r = intel_mac_reset(n->bus, &how);

    if (!r)
        bus_read32(n->bus, E1000_ICR);
    return r;
}

static void set_ring(struct ring_nic *n, uint32_t base_low,
                     const struct desc_ring *ring)
{
    /* RD* and TD* lie alike: base low, base high, length, head, tail. */
    bus_write32(n->bus, base_low, (uint32_t)ring->phys);
    bus_write32(n->bus, base_low + 4, ring->phys >> 32);
    bus_write32(n->bus, base_low + 8, ring->count * ring->chip->desc_bytes);
    bus_write32(n->bus, base_low + 0x10, 0);
    bus_write32(n->bus, base_low + 0x18, 0);
}

static uint64_t missed(struct ring_nic *n)
{
    return intel_mac_growth(n->bus, E1000_MPC, &((struct e1000 *)n)->missed);
}

static uint64_t crc_errors(struct ring_nic *n)
{
    return intel_mac_growth(n->bus, E1000_CRCERRS,
                            &((struct e1000 *)n)->crc_errors);
}

static int start(struct ring_nic *n)
{
    missed(n);                          /* what others missed */
    crc_errors(n);
    bus_write32(n->bus, E1000_CTRL,
                (bus_read32(n->bus, E1000_CTRL) | CTRL_SLU | CTRL_ASDE) &
                    ~(CTRL_NO_MASTER | CTRL_LRST | CTRL_ILOS | CTRL_PHY_RST |
                      CTRL_VME));
    intel_mac_clear_multicast(n->bus);
    set_ring(n, E1000_RDBAL, &n->rx);
    set_ring(n, E1000_TDBAL, &n->tx);
    bus_write32(n->bus, E1000_RDTR, 0);
    if (((struct e1000 *)n)->is_express)
        bus_write32(n->bus, E1000_TXDCTL,
                    bus_read32(n->bus, E1000_TXDCTL) | TXDCTL_COUNT_DESC);
    bus_write32(n->bus, E1000_TIPG, TIPG_802_3);
    bus_write32(n->bus, E1000_TCTL, TCTL_EN | TCTL_PSP | TCTL_CT | TCTL_COLD);
    bus_write32(n->bus, E1000_RCTL,
                RCTL_EN | RCTL_UPE | RCTL_MPE | RCTL_BAM | RCTL_SECRC);
    desc_ring_rx_refill(&n->rx, &n->pool);
    n->nic.link_up = bus_read32(n->bus, E1000_STATUS) & STATUS_LU;
    return 0;
}

static bool look(struct ring_nic *n)
{
    uint32_t status;

    /* Reading acknowledges; all else is looked at after that. */
    bus_read32(n->bus, E1000_ICR);
    status = bus_read32(n->bus, E1000_STATUS);
    if (status == STATUS_GONE)
        return false;
    n->nic.link_up = status & STATUS_LU;
    n->nic.counters.rx_no_buffer += missed(n);
    n->nic.counters.rx_errors += crc_errors(n);
    return true;
}

static void irq(struct ring_nic *n, bool on)
{
    if (on)
        bus_write32(n->bus, E1000_IMS,
                    INT_TXDW | INT_LSC | INT_RXDMT0 | INT_RXO | INT_RXT0);
    else
        bus_write32(n->bus, E1000_IMC, ~0u);
}

static const struct ring_nic_chip chip = {
    .rx = {
        .desc_bytes = sizeof(struct e1000_rx_desc),
        .rx_arm = rx_arm, .rx_check = rx_check, .kick = rx_kick,
    },
    .tx = {
        .desc_bytes = sizeof(struct e1000_tx_desc),
        .tx_arm = tx_arm, .tx_done = tx_done, .kick = tx_kick,
    },
    .reset = reset, .start = start, .irq = irq, .look = look,
};

static const struct nic_ops e1000_ops = RING_NIC_OPS("e1000");
static const struct nic_ops e1000e_ops = RING_NIC_OPS("e1000e");

static int create(const struct bus *bus, const struct bus_info *info,
                  bool is_express, struct nic **out)
{
    struct e1000 *e = calloc(1, sizeof *e);
    const struct nic_ops *ops = is_express ? &e1000e_ops : &e1000_ops;
    int r = -ENOMEM;

    if (!e)
        return r;
    e->is_express = is_express;
    ring_nic_init(&e->n, &chip, ops, bus, info, ops->name);
    r = reset(&e->n);
    if (!r)
        r = intel_mac_address(bus, e->n.nic.mac)
                ? ring_nic_allocate(&e->n, RING, UINT64_MAX) : -EIO;
    if (r)
        free(e);
    else
        *out = &e->n.nic;
    return r;
}

static int create_e1000(const struct bus *bus, const struct bus_info *info,
                        struct nic **out)
{
    return create(bus, info, false, out);
}

static int create_e1000e(const struct bus *bus, const struct bus_info *info,
                         struct nic **out)
{
    return create(bus, info, true, out);
}

#define INTEL(device) { 0x8086, device }

static const struct nic_id e1000_ids[] = {
    INTEL(0x100e), INTEL(0x1015), INTEL(0x1016), INTEL(0x1017),   /* 82540 */
    INTEL(0x101e),
    INTEL(0x1013), INTEL(0x1014), INTEL(0x1018), INTEL(0x1076),   /* 82541 */
    INTEL(0x1077), INTEL(0x1078), INTEL(0x107c),
    INTEL(0x100f), INTEL(0x1011), INTEL(0x1026), INTEL(0x1027),   /* 82545 */
    INTEL(0x1028),
    INTEL(0x1010), INTEL(0x1012), INTEL(0x101d), INTEL(0x1079),   /* 82546 */
    INTEL(0x107a), INTEL(0x107b),
    INTEL(0x1019), INTEL(0x101a), INTEL(0x1075),                  /* 82547 */
};

static const struct nic_id e1000e_ids[] = {
    INTEL(0x105e), INTEL(0x105f), INTEL(0x1060), INTEL(0x10a4),   /* 82571 */
    INTEL(0x10bc), INTEL(0x10d5),
    INTEL(0x107d), INTEL(0x107e), INTEL(0x107f), INTEL(0x10b9),   /* 82572 */
    INTEL(0x108b), INTEL(0x108c), INTEL(0x109a),                  /* 82573 */
    INTEL(0x10d3), INTEL(0x10f6),                                 /* 82574 */
    INTEL(0x150c),                                                /* 82583 */
    INTEL(0x1049), INTEL(0x104a), INTEL(0x104b), INTEL(0x104d),   /* ICH8 */
    INTEL(0x10bd), INTEL(0x10e5), INTEL(0x10f5), INTEL(0x10bf),   /* ICH9 */
    INTEL(0x10cb),
    INTEL(0x10cc), INTEL(0x10cd), INTEL(0x10ce), INTEL(0x10de),   /* ICH10 */
    INTEL(0x10df), INTEL(0x1525),
    INTEL(0x10ea), INTEL(0x10eb), INTEL(0x10ef), INTEL(0x10f0),   /* 8257[78] */
    INTEL(0x1502), INTEL(0x1503),                                 /* 82579 */
    INTEL(0x153a), INTEL(0x153b), INTEL(0x1559), INTEL(0x155a),   /* I217/8 */
    INTEL(0x15a0), INTEL(0x15a1), INTEL(0x15a2), INTEL(0x15a3),
    INTEL(0x156f), INTEL(0x1570), INTEL(0x15b7), INTEL(0x15b8),   /* I219 */
    INTEL(0x15b9), INTEL(0x15d6), INTEL(0x15d7), INTEL(0x15d8),
    INTEL(0x15e3), INTEL(0x15bb), INTEL(0x15bc), INTEL(0x15bd),
    INTEL(0x15be), INTEL(0x0d4c), INTEL(0x0d4d), INTEL(0x0d4e),
    INTEL(0x0d4f),
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

const struct nic_driver e1000_driver = {
    .name = "e1000", .ids = e1000_ids, .id_count = COUNT(e1000_ids),
    .create = create_e1000,
};
const struct nic_driver e1000e_driver = {
    .name = "e1000e", .ids = e1000e_ids, .id_count = COUNT(e1000e_ids),
    .create = create_e1000e,
};
