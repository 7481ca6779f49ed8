/* See rtl8169.h. */
#include "drivers/net/rtl8169.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/net/nic_identity.h"
#include "drivers/net/ring_nic.h"
#include "drivers/net/rtl8169_chip.h"
#include "drivers/net/rtl8169_regs.h"

#define RING 256u
#define RING_8139 64u           /* RTL8139C+ 9.2: at most */
#define MIN_FRAME 60u
#define PAD_BYTES 64u           /* room for one that is padded */
#define FCS 4u
#define CPLUS_REVISION 0x20u    /* of an RTL8139 */
/* Longer frames are split over descriptors, which is seen and counted. */
#define LONGEST 0x3fffu
#define WAKE (INT_ROK | INT_RER | INT_TOK | INT_TER | INT_RDU | INT_LINKCHG | \
              INT_FOVW)

struct rtl8169 {
    struct ring_nic n;
    struct rtl8169_hw hw;
    uint8_t *padded;            /* PAD_BYTES per descriptor for sending */
    uint64_t padded_phys;
    volatile struct rtl8169_tally *tally;
    uint64_t tally_phys;
    struct rtl8169_tally seen;  /* as last counted */
    uint8_t dumps;              /* 2: `seen` is of a dump since the start */
};

/* An address register of 8 bytes; some chips take it with the low half. */
static void wr64(const struct rtl8169 *r, uint32_t reg, uint64_t v)
{
    bus_write32(r->hw.bus, reg + 4, v >> 32);
    bus_write32(r->hw.bus, reg, v);
}

static bool is(const struct rtl8169 *r, uint16_t flag)
{
    return r->hw.kind->flags & flag;
}

/* ---- Descriptors ----------------------------------------------------------- */

/* The chip may look at any time: `opts1`, which gives it away, goes last. */
static void give(struct desc_ring *ring, unsigned i, uint64_t addr,
                 uint32_t opts1)
{
    struct rtl8169_desc *d = (struct rtl8169_desc *)ring->desc + i;

    d->addr = addr;
    d->opts2 = 0;
    if (i == ring->count - 1)
        opts1 |= DESC_EOR;
    __atomic_store_n(&d->opts1, DESC_OWN | opts1, __ATOMIC_RELEASE);
}

static uint32_t opts1_of(struct desc_ring *ring, unsigned i)
{
    struct rtl8169_desc *d = (struct rtl8169_desc *)ring->desc + i;

    return __atomic_load_n(&d->opts1, __ATOMIC_ACQUIRE);
}

static void rx_arm(struct desc_ring *ring, unsigned i,
                   const struct nic_buf *buf)
{
    give(ring, i, buf->phys, NIC_POOL_BUF_BYTES);
}

static enum desc_rx_result rx_check(struct desc_ring *ring, unsigned i,
                                    uint32_t *len)
{
    bool old = is(ring->owner, RTL_IS_8139);
    uint32_t v = opts1_of(ring, i);

    if (v & DESC_OWN)
        return DESC_RX_PENDING;
    if ((v & (DESC_FS | DESC_LS)) != (DESC_FS | DESC_LS))
        return DESC_RX_FRAGMENT;
    *len = v & (old ? DESC_LEN_8139 : DESC_LEN);
    if ((v & (old ? DESC_RES_8139 : DESC_RES)) || *len < FCS)
        return DESC_RX_ERROR;
    *len -= FCS;
    return DESC_RX_FRAME;
}

/* The chip finds what is armed by itself. */
static void rx_kick(struct desc_ring *ring, unsigned next) { }

static void tx_arm(struct desc_ring *ring, unsigned i,
                   const struct nic_buf *buf)
{
    struct rtl8169 *r = ring->owner;
    uint64_t addr = buf->phys;
    uint32_t len = buf->len;

    /* Not all of them pad, and some do it wrongly. */
    if (len < MIN_FRAME) {
        uint8_t *copy = r->padded + (size_t)i * PAD_BYTES;

        memset(copy, 0, MIN_FRAME);
        memcpy(copy, buf->data, len);
        addr = r->padded_phys + (uint64_t)i * PAD_BYTES;
        len = MIN_FRAME;
    }
    give(ring, i, addr, DESC_FS | DESC_LS | len);
}

static bool tx_done(struct desc_ring *ring, unsigned i)
{
    return !(opts1_of(ring, i) & DESC_OWN);
}

static void tx_kick(struct desc_ring *ring, unsigned next)
{
    rtl8169_tx_poll(&((struct rtl8169 *)ring->owner)->hw);
}

/* ---- The chip -------------------------------------------------------------- */

static void configure(struct rtl8169 *r)
{
    uint16_t cpcr = bus_read16(r->hw.bus, RTL_CPCR) & CPCR_KEEP;

    bus_write8(r->hw.bus, RTL_9346CR, CR9346_UNLOCK);
    if (is(r, RTL_IS_8139)) {
        /* First of all: the other registers then mean C+ mode (6.20). */
        bus_write16(r->hw.bus, RTL_CPCR, CPCR_MULRW | CPCR_CPRX | CPCR_CPTX);
    } else {
        if (r->hw.kind->xid <= 0x180)           /* those on PCI */
            cpcr |= CPCR_MULRW;
        bus_write16(r->hw.bus, RTL_CPCR,
                    cpcr | (is(r, RTL_MUST_14) ? CPCR_BIT14 : 0));
        bus_write8(r->hw.bus, RTL_MTPS,
                   is(r, RTL_AUTO_FIFO) ? MTPS_EVL : MTPS_NO_EARLY);
        bus_write16(r->hw.bus, RTL_RMS, LONGEST);
        if (is(r, RTL_IS_2G5))
            for (unsigned i = 0; i < 64; i++)
                bus_write32(r->hw.bus, RTL_INTMIT_2G5 + 4 * i, 0);
        else
            bus_write16(r->hw.bus, RTL_INTMIT, 0);
    }
    wr64(r, RTL_TNPDS, r->n.tx.phys);
    wr64(r, RTL_RDSAR, r->n.rx.phys);
    bus_write8(r->hw.bus, RTL_9346CR, 0);
    bus_read8(r->hw.bus, RTL_CR); /* all of that is in the chip now */
}

static int reset(struct ring_nic *n)
{
    return rtl8169_reset(&((struct rtl8169 *)n)->hw) ? 0 : -EIO;
}

static int start(struct ring_nic *n)
{
    struct rtl8169 *r = (struct rtl8169 *)n;
    uint32_t rcr = r->hw.kind->rx_config;

    configure(r);
    /* RCR and TCR are writable after this. */
    bus_write8(r->hw.bus, RTL_CR, CR_RE | CR_TE);
    bus_write32(r->hw.bus, RTL_RCR, rcr);
    bus_write32(r->hw.bus, RTL_TCR, TCR_IFG | TCR_MXDMA |
         (is(r, RTL_AUTO_FIFO) ? TCR_AUTO_FIFO : 0));
    bus_write32(r->hw.bus, RTL_MAR, ~0u);
    bus_write32(r->hw.bus, RTL_MAR + 4, ~0u);
    desc_ring_rx_refill(&n->rx, &n->pool);
    rtl8169_open_gate(&r->hw);
    bus_write32(r->hw.bus, RTL_RCR, rcr | RCR_AAP | RCR_APM | RCR_AM | RCR_AB);
    n->nic.link_up = rtl8169_link_up(&r->hw);
    r->dumps = 0;
    return 0;
}

/* What the chip has counted since the last dump; and ask for the next one. */
static void count(struct rtl8169 *r)
{
    struct nic_counters *c = &r->n.nic.counters;
    struct rtl8169_tally now;

    if (bus_read32(r->hw.bus, RTL_DTCCR) & DTCCR_DUMP)
        return;
    now = *r->tally;
    if (r->dumps == 2) {
        uint16_t missed = now.rx_missed - r->seen.rx_missed;
        uint32_t bad = now.rx_errors - r->seen.rx_errors;

        c->rx_no_buffer += missed;
        /* Which are among the errors, too (6.7). */
        c->rx_errors += bad > missed ? bad - missed : 0;
        c->tx_errors += now.tx_errors - r->seen.tx_errors;
    } else {
        r->dumps++;
    }
    r->seen = now;
    bus_write32(r->hw.bus, RTL_DTCCR + 4, r->tally_phys >> 32);
    bus_write32(r->hw.bus, RTL_DTCCR, (uint32_t)r->tally_phys | DTCCR_DUMP);
}

static bool look(struct ring_nic *n)
{
    struct rtl8169 *r = (struct rtl8169 *)n;
    /* Acknowledged first; the rings are looked at after that. */
    uint32_t seen = rtl8169_irq_take(&r->hw);
    uint32_t stuck = INT_SERR | (is(r, RTL_FIFO_HANG) ? INT_FOVW : 0);

    if (seen & stuck)           /* or pulled out: it reads ones */
        return false;
    n->nic.link_up = rtl8169_link_up(&r->hw);
    count(r);
    return true;
}

static void irq(struct ring_nic *n, bool on)
{
    rtl8169_irq_mask(&((struct rtl8169 *)n)->hw, on ? WAKE : 0);
}

static const struct ring_nic_chip chip = {
    .rx = {
        .desc_bytes = sizeof(struct rtl8169_desc),
        .rx_arm = rx_arm, .rx_check = rx_check, .kick = rx_kick,
    },
    .tx = {
        .desc_bytes = sizeof(struct rtl8169_desc),
        .tx_arm = tx_arm, .tx_done = tx_done, .kick = tx_kick,
    },
    .reset = reset, .start = start, .irq = irq, .look = look,
    /* The RTL8168 does, when one comes while it ends a frame. */
    .forgets_doorbells = true,
};

/* ---- Creation -------------------------------------------------------------- */

static const struct nic_ops rtl8169_ops = RING_NIC_OPS("rtl8169");

static bool read_mac(struct rtl8169 *r, uint32_t reg)
{
    uint8_t *mac = r->n.nic.mac;

    for (unsigned i = 0; i < 6; i++)
        mac[i] = bus_read8(r->hw.bus, reg + i);
    return nic_mac_is_usable(mac);
}

static int allocate(struct rtl8169 *r)
{
    const struct bus *bus = r->hw.bus;
    uint64_t top = is(r, RTL_DMA_32) ? NIC_DMA_BELOW : UINT64_MAX;
    unsigned count = is(r, RTL_IS_8139) ? RING_8139 : RING;
    int err = ring_nic_allocate(&r->n, count, top);

    if (err)
        return err;
    r->padded = bus->dma_alloc(bus->ctx, (size_t)count * PAD_BYTES, top,
                               &r->padded_phys);
    r->tally = bus->dma_alloc(bus->ctx, sizeof *r->tally, top, &r->tally_phys);
    return r->padded && r->tally ? 0 : -ENOMEM;
}

static int prepare(struct rtl8169 *r)
{
    int err = -EIO;

    rtl8169_leave_oob(&r->hw);
    if (rtl8169_reset(&r->hw) &&
        ((is(r, RTL_IS_2G5) && read_mac(r, RTL_IDR_2G5)) ||
         read_mac(r, RTL_IDR)))
        err = allocate(r);
    if (!err)
        rtl8169_start_phy(&r->hw);
    return err;
}

static int create(const struct bus *bus, const struct bus_info *info,
                  struct nic **out)
{
    struct rtl8169 *r = calloc(1, sizeof *r);
    int err = -ENOTSUP;

    if (!r)
        return -ENOMEM;
    r->hw.bus = bus;
    r->hw.kind = rtl8169_kind_of(bus_read32(r->hw.bus, RTL_TCR));
    r->hw.is_fast = info->device == 0x8136;
    if (r->hw.kind) {
        ring_nic_init(&r->n, &chip, &rtl8169_ops, bus, info,
                      r->hw.kind->name);
        r->n.nic.loses_irqs = is(r, RTL_BAD_MSI);
        err = prepare(r);
    }
    if (err)
        free(r);
    else
        *out = &r->n.nic;
    return err;
}

static int create_8139(const struct bus *bus, const struct bus_info *info,
                       struct nic **out)
{
    if (info->revision < CPLUS_REVISION)
        return -ENOTSUP;
    return create(bus, info, out);
}

#define REALTEK(device) { 0x10ec, device }
#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct nic_id ids_8139[] = { REALTEK(0x8139) };
static const struct nic_id ids_8169[] = {
    REALTEK(0x8169), REALTEK(0x8167), REALTEK(0x8129),
    REALTEK(0x8168), REALTEK(0x8161), REALTEK(0x8136),
    REALTEK(0x2502), REALTEK(0x2600),
    REALTEK(0x8125), REALTEK(0x3000),
};

const struct nic_driver rtl8139_driver = {
    .name = "rtl8139", .ids = ids_8139, .id_count = COUNT(ids_8139),
    .create = create_8139, .unsupported = "an RTL8139 without C+ mode",
};
const struct nic_driver rtl8169_driver = {
    .name = "rtl8169", .ids = ids_8169, .id_count = COUNT(ids_8169),
    .create = create, .unsupported = "of a version that is not known",
};
