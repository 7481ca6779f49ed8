/*
 * See eepro100.h. Section numbers are those of the developer manual that
 * eepro100_regs.h names.
 *
 * The command unit gets frames in batches, each a list with an end, and a new
 * one only when it is idle: no list grows under its hands. Receiving is
 * eepro100_rx.c's.
 */
#include "drivers/net/eepro100.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/net/desc_ring.h"
#include "drivers/net/eepro100_eeprom.h"
#include "drivers/net/eepro100_regs.h"
#include "drivers/net/eepro100_rx.h"
#include "drivers/net/eepro100_scb.h"
#include "drivers/net/nic_dma.h"
#include "drivers/net/nic_identity.h"

#define RING 128u
/* Emulated chips execute no more in one go. */
#define BATCH 16u
#define SLOW_POLLS 64u
#define RESET_US 20u
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

    struct eepro_rx rx;
    bool stats_due;             /* the next are not asked for yet */

    struct eepro_block *setup;
    struct eepro_stats *stats;
    uint64_t setup_phys, stats_phys;
};

#define dma_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#define dma_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)

/* ---- MDI (6.3.6): the PHY ------------------------------------------------ */

static void mdi_start(struct eepro100 *e, unsigned phy)
{
    bus_write32(e->bus, EEPRO_MDI, MDI_READ | phy << MDI_PHY_SHIFT |
         MII_BMSR << MDI_REG_SHIFT);
}

static bool mdi_done(struct eepro100 *e, uint16_t *v)
{
    uint32_t mdi = bus_read32(e->bus, EEPRO_MDI);

    *v = (uint16_t)mdi;
    return mdi & MDI_READY;
}

static bool phy_answers(struct eepro100 *e, unsigned phy)
{
    uint16_t v = 0;

    mdi_start(e, phy);
    for (unsigned i = 0; i < MDI_TRIES && !mdi_done(e, &v); i++)
        bus_delay(e->bus, STEP_US);
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

/* False: its units are not idle then. */
static bool reset(struct eepro100 *e)
{
    bus_write32(e->bus, EEPRO_PORT, PORT_SELECTIVE);
    bus_delay(e->bus, RESET_US);
    bus_write32(e->bus, EEPRO_PORT, PORT_RESET);
    bus_delay(e->bus, RESET_US);
    bus_write8(e->bus, EEPRO_MASK, MASK_ALL);
    return !(bus_read8(e->bus, EEPRO_STATUS) & (STATUS_CU | STATUS_RU));
}

/* Run one block of setup; `data` follows its header. */
static int run_setup(struct eepro100 *e, uint16_t what, const uint8_t *data,
                     size_t len)
{
    volatile struct eepro_block *b = e->setup;

    *e->setup = (struct eepro_block){ .command = CB_EL | what,
                                      .link = NO_ADDRESS };
    memcpy(e->setup->data, data, len);
    if (!eepro100_command(e->bus, CU_START, e->setup_phys))
        return -EIO;
    for (unsigned i = 0; i < SETUP_TRIES; i++) {
        if (b->status & CB_COMPLETE && eepro100_accepted(e->bus) &&
            !(bus_read8(e->bus, EEPRO_STATUS) & STATUS_CU_BUSY))
            return b->status & CB_OK ? 0 : -EIO;
        bus_delay(e->bus, STEP_US);
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

    if (e->cu_busy && (last->status & CB_COMPLETE) && eepro100_accepted(e->bus))
        e->cu_busy = bus_read8(e->bus, EEPRO_STATUS) & STATUS_CU_BUSY;
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
    if (!eepro100_command(e->bus, CU_START,
                          e->tx.phys + e->tx_first * sizeof *d))
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

/* ---- Life ---------------------------------------------------------------- */

static void forget(struct eepro100 *e)
{
    desc_ring_reset(&e->tx);
    e->tx_first = e->tx_last = 0;
    e->cu_busy = false;
    eepro100_rx_forget(&e->rx);
}

static int bring_up(struct eepro100 *e)
{
    int r;

    find_phy(e);
    if (!eepro100_command(e->bus, CU_BASE, 0) ||
        !eepro100_command(e->bus, RU_BASE, 0) ||
        !eepro100_command(e->bus, CU_STATS_AT, e->stats_phys))
        return -EIO;
    if ((r = configure(e)) ||
        (r = run_setup(e, CB_IA, e->nic.mac, sizeof e->nic.mac)))
        return r;
    memset(e->stats, 0, sizeof *e->stats);
    e->stats_due = true;
    return eepro100_rx_start(&e->rx) ? 0 : -EIO;
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
        e->stats_due = !eepro100_command(e->bus, CU_DUMP_RESET, 0);
}

/* Acknowledge, before the lists are looked at. False: it was pulled out. */
static bool slow_poll(struct eepro100 *e)
{
    uint8_t events = bus_read8(e->bus, EEPRO_ACK);

    if (events == 0xff && bus_read8(e->bus, EEPRO_COMMAND) == 0xff) {
        desc_ring_tx_clean(&e->tx);
        e->nic.counters.tx_errors += e->tx.used;
        eepro100_close(&e->nic);
        return false;
    }
    bus_write8(e->bus, EEPRO_ACK, events);
    poll_link(e);
    poll_stats(e);
    e->rx.ru_check = true;
    return true;
}

static unsigned eepro100_poll(struct nic *nic, unsigned budget)
{
    struct eepro100 *e = nic->driver;

    if (!nic->is_open)
        return 0;
    if (e->armed || ++e->polls % SLOW_POLLS == 0) {
        bus_write8(e->bus, EEPRO_MASK, MASK_ALL);
        e->armed = false;
        if (!slow_poll(e))
            return 0;
    }
    tx_poll(e);
    return eepro100_rx_poll(&e->rx, budget);
}

static void eepro100_arm(struct nic *nic)
{
    struct eepro100 *e = nic->driver;

    if (e->armed || !nic->is_open)
        return;
    e->armed = true;
    if (e->bus->arm_irq)
        e->bus->arm_irq(e->bus->ctx);
    bus_write8(e->bus, EEPRO_MASK, 0);
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
    nic_identify(&e->nic, &eepro100_ops, e, info, eepro100_ops.name);
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
        (r = eepro100_rx_init(&e->rx, bus, &e->nic)))
        goto fail;
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
