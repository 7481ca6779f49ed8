/*
 * See ne2k_pci.h. Section numbers are those of the DP8390D datasheet.
 *
 * Frames to be sent wait in a queue of ours; the two oldest lie in the card, so
 * that one is copied while the other is on the wire.
 */
#include "drivers/net/ne2k_pci.h"

#include <errno.h>
#include <stdlib.h>

#include "drivers/net/ne2k_dma.h"
#include "drivers/net/ne2k_pci_regs.h"
#include "drivers/net/nic_frames.h"
#include "drivers/net/nic_identity.h"
#include "drivers/net/nic_pool.h"

#define POOL 256u
#define QUEUE 64u               /* a power of two */
#define CARD_SLOTS 2u
#define MIN_FRAME 60u           /* the chip pads nothing */
#define FCS 4u
/* 10 Mbit/s: the longest frame's 1.2 ms, and a margin (7.0). */
#define STOP_US 1600u
#define STEP_US 20u
#define RESET_US 20000u

#define INTERRUPTS (N_ISR_PRX | N_ISR_PTX | N_ISR_RXE | N_ISR_TXE | \
                    N_ISR_OVW | N_ISR_CNT)

enum quirk {
    PLAIN,
    ONLY_16BIT,                 /* the data port takes no 32-bit strobes */
    ONLY_32BIT,                 /* no others; 8 KiB; PROM not doubled */
};

struct ne2k {
    struct nic nic;
    const struct bus *bus;
    enum quirk quirk;
    struct ne2k_dma dma;
    uint8_t stop_page;
    bool armed;
    bool rx_waits;              /* the ring was not seen empty since PRX */
    uint8_t next;               /* page of the next frame to read */
    struct nic_buf *queue[QUEUE];
    unsigned head, queued;      /* the oldest, and how many there are */
    unsigned loaded;            /* of those, in the card */
    unsigned slot;              /* the card's slot with the oldest */
    bool sending;               /* the oldest is on the wire */
    struct nic_pool pool;
};

/* ---- The chip ------------------------------------------------------------ */

/* False: nothing answers as the chip must. */
static bool reset(struct ne2k *e)
{
    if (bus_read8(e->bus, NE2K_CR) == 0xff)
        return false;
    bus_write8(e->bus, NE2K_RESET, bus_read8(e->bus, NE2K_RESET));
    for (unsigned us = 0; us < RESET_US; us += STEP_US) {
        uint8_t isr = bus_read8(e->bus, NE2K_ISR);

        if (isr != 0xff && (isr & N_ISR_RST))
            return true;
        bus_delay(e->bus, STEP_US);
    }
    return false;
}

/* Initialization sequence, 10.3, up to the start in loopback. */
static void setup(struct ne2k *e)
{
    bus_write8(e->bus, NE2K_CR, N_CR_NO_DMA | N_CR_STP);
    bus_write8(e->bus, NE2K_DCR, N_DCR_WORDS);
    bus_write8(e->bus, NE2K_RBCR0, 0);
    bus_write8(e->bus, NE2K_RBCR1, 0);
    bus_write8(e->bus, NE2K_RCR, N_RCR_MON);
    bus_write8(e->bus, NE2K_TCR, N_TCR_LOOPBACK);
    bus_write8(e->bus, NE2K_PSTART, NE2K_RX_PAGE);
    bus_write8(e->bus, NE2K_PSTOP, e->stop_page);
    bus_write8(e->bus, NE2K_BNRY, e->stop_page - 1);
    bus_write8(e->bus, NE2K_ISR, 0xff);
    bus_write8(e->bus, NE2K_IMR, 0);
    bus_write8(e->bus, NE2K_CR, N_CR_PAGE1 | N_CR_NO_DMA | N_CR_STP);
    for (unsigned i = 0; i < 6; i++)
        bus_write8(e->bus, NE2K_PAR0 + i, e->nic.mac[i]);
    for (unsigned i = 0; i < 8; i++)
        bus_write8(e->bus, NE2K_MAR0 + i, 0xff);
    bus_write8(e->bus, NE2K_CURR, NE2K_RX_PAGE);
    bus_write8(e->bus, NE2K_CR, N_CR_NO_DMA | N_CR_STA);
    e->next = NE2K_RX_PAGE;
    e->rx_waits = false;
}

static void hear(struct ne2k *e)
{
    bus_write8(e->bus, NE2K_TCR, N_TCR_NORMAL);
    bus_write8(e->bus, NE2K_RCR, N_RCR_AB | N_RCR_AM | N_RCR_PRO);
}

/* What lay in the card is lost; what it was made from is still queued. */
static bool restart(struct ne2k *e)
{
    e->loaded = 0;
    e->slot = 0;
    e->sending = false;
    if (!reset(e))
        return false;
    setup(e);
    hear(e);
    return true;
}

static bool read_mac(struct ne2k *e)
{
    uint8_t prom[NE2K_PROM_BYTES];
    bool doubled = e->quirk != ONLY_32BIT;
    uint8_t *mac = e->nic.mac;

    ne2k_dma_read(&e->dma, 0, prom, sizeof prom);
    for (unsigned i = 0; i < 6; i++)
        mac[i] = prom[doubled ? 2 * i : i];
    return nic_mac_is_usable(mac);
}

/* ---- Sending (8.0) ------------------------------------------------------- */

static void tx_start(struct ne2k *e)
{
    uint32_t len = e->queue[e->head]->len;

    if (len < MIN_FRAME)
        len = MIN_FRAME;
    bus_write8(e->bus, NE2K_TPSR, NE2K_TX_PAGE + e->slot * NE2K_TX_PAGES);
    bus_write8(e->bus, NE2K_TBCR0, len);
    bus_write8(e->bus, NE2K_TBCR1, len >> 8);
    bus_write8(e->bus, NE2K_CR, N_CR_NO_DMA | N_CR_TXP | N_CR_STA);
    e->sending = true;
}

/* Fill the card's slots; set it going when it is not. */
static void tx_fill(struct ne2k *e)
{
    while (e->loaded < CARD_SLOTS && e->loaded < e->queued) {
        const struct nic_buf *b = e->queue[(e->head + e->loaded) % QUEUE];
        unsigned slot = (e->slot + e->loaded) % CARD_SLOTS;

        ne2k_dma_write(&e->dma,
                       (NE2K_TX_PAGE + slot * NE2K_TX_PAGES) * NE2K_PAGE,
                       b->data, b->len,
                       b->len < MIN_FRAME ? MIN_FRAME : b->len);
        e->loaded++;
        if (!e->sending)
            tx_start(e);
    }
}

static void tx_pop(struct ne2k *e)
{
    struct nic_buf *b = e->queue[e->head];

    e->head = (e->head + 1) % QUEUE;
    e->queued--;
    b->free(b);
}

/* It answers no more: it is closed. */
static void gone(struct ne2k *e)
{
    e->nic.is_open = e->nic.link_up = false;
    e->sending = false;
    while (e->queued) {
        e->nic.counters.tx_errors++;
        tx_pop(e);
    }
}

/* The oldest has left, or the chip gave up on it. */
static void tx_done(struct ne2k *e)
{
    if (!(bus_read8(e->bus, NE2K_TSR) & N_TSR_PTX))
        e->nic.counters.tx_errors++;
    tx_pop(e);
    e->loaded--;
    e->slot = (e->slot + 1) % CARD_SLOTS;
    e->sending = false;
}

static void tx_poll(struct ne2k *e)
{
    for (unsigned i = 0; i < QUEUE && e->sending; i++) {
        if (bus_read8(e->bus, NE2K_CR) & N_CR_TXP)
            return;
        tx_done(e);
        if (e->loaded)
            tx_start(e);        /* first, and then the copying */
        tx_fill(e);
    }
}

static int ne2k_transmit(struct nic *nic, struct nic_buf *buf)
{
    struct ne2k *e = nic->driver;
    int r = nic_check_tx(nic, buf);

    if (r)
        return r;
    if (e->queued == QUEUE)
        tx_poll(e);
    if (e->queued == QUEUE) {
        nic->counters.tx_ring_full++;
        return -ENOBUFS;
    }
    nic_count_tx(nic, buf);
    e->queue[(e->head + e->queued++) % QUEUE] = buf;
    tx_fill(e);
    return 0;
}

/* ---- Receiving (7.0) ----------------------------------------------------- */

static uint8_t read_curr(const struct ne2k *e)
{
    uint8_t v;

    bus_write8(e->bus, NE2K_CR, N_CR_PAGE1 | N_CR_NO_DMA | N_CR_STA);
    v = bus_read8(e->bus, NE2K_CURR);
    bus_write8(e->bus, NE2K_CR, N_CR_NO_DMA | N_CR_STA);
    return v;
}

static bool in_ring(const struct ne2k *e, unsigned page)
{
    return page >= NE2K_RX_PAGE && page < e->stop_page;
}

/* The page `pages` behind `page`. */
static unsigned ring_page(const struct ne2k *e, unsigned page, unsigned pages)
{
    page += pages;
    return page < e->stop_page ? page : page - (e->stop_page - NE2K_RX_PAGE);
}

/* The header tells nothing that the ring contradicts: its frame ends where it
 * says, and not behind what the chip has written. */
static bool header_fits(const struct ne2k *e, const struct ne2k_header *h,
                        unsigned curr)
{
    unsigned pages = (sizeof *h + h->count + NE2K_PAGE - 1) / NE2K_PAGE;
    unsigned ring = e->stop_page - NE2K_RX_PAGE;

    return in_ring(e, h->next) && h->count >= MIN_FRAME + FCS &&
           pages <= (curr + ring - e->next) % ring &&
           h->next == ring_page(e, e->next, pages);
}

static void read_frame(const struct ne2k *e, uint8_t *to, uint32_t len)
{
    uint32_t addr = e->next * NE2K_PAGE + sizeof(struct ne2k_header);
    uint32_t room = e->stop_page * NE2K_PAGE - addr;

    if (len <= room) {
        ne2k_dma_read(&e->dma, addr, to, len);
        return;
    }
    ne2k_dma_read(&e->dma, addr, to, room);
    ne2k_dma_read(&e->dma, NE2K_RX_PAGE * NE2K_PAGE, to + room, len - room);
}

static void deliver(struct ne2k *e, const struct ne2k_header *h)
{
    struct nic_counters *c = &e->nic.counters;
    struct nic_buf *buf;

    if (!(h->status & N_RSR_PRX)) {
        c->rx_errors++;
        return;
    }
    if (h->count > NIC_MAX_FRAME + FCS) {       /* the chip takes any length */
        c->rx_oversize++;
        return;
    }
    buf = nic_pool_get(&e->pool);
    if (!buf) {
        c->rx_no_buffer++;
        return;
    }
    read_frame(e, buf->data, h->count - FCS);
    nic_deliver(&e->nic, buf, h->count - FCS);
}

/*
 * Up to `budget` frames. A header that cannot be makes the rest of the ring
 * worthless, too: it starts anew at CURR.
 */
static unsigned rx_poll(struct ne2k *e, unsigned budget)
{
    unsigned n = 0;

    while (e->rx_waits && n < budget) {
        unsigned curr = read_curr(e);
        struct ne2k_header h;

        if (!in_ring(e, curr)) {
            e->nic.counters.rx_errors++;
            if (!restart(e))
                gone(e);
            return n;
        }
        e->rx_waits = e->next != curr;
        if (!e->rx_waits)
            break;
        ne2k_dma_read(&e->dma, e->next * NE2K_PAGE, &h, sizeof h);
        if (header_fits(e, &h, curr)) {
            deliver(e, &h);
            e->next = h.next;
        } else {
            e->nic.counters.rx_errors++;
            e->next = curr;
        }
        n++;
        bus_write8(e->bus, NE2K_BNRY,
           (e->next == NE2K_RX_PAGE ? e->stop_page : e->next) - 1);
    }
    return n;
}

/*
 * The ring was full: the receiver works on only after this (7.0, "Buffer Ring
 * Overflow"). RST tells when the chip has stopped, before the longest time that
 * this can take is over.
 */
static unsigned overflow(struct ne2k *e, unsigned budget)
{
    bool sending;
    unsigned n;

    bus_write8(e->bus, NE2K_ISR, N_ISR_PTX | N_ISR_TXE);
    sending = e->sending && (bus_read8(e->bus, NE2K_CR) & N_CR_TXP);
    bus_write8(e->bus, NE2K_CR, N_CR_NO_DMA | N_CR_STP);
    bus_write8(e->bus, NE2K_RBCR0, 0);
    bus_write8(e->bus, NE2K_RBCR1, 0);
    for (unsigned us = 0;
         us < STOP_US && !(bus_read8(e->bus, NE2K_ISR) & N_ISR_RST);
         us += STEP_US)
        bus_delay(e->bus, STEP_US);
    if (sending && (bus_read8(e->bus, NE2K_ISR) & (N_ISR_PTX | N_ISR_TXE)))
        sending = false;
    bus_write8(e->bus, NE2K_TCR, N_TCR_LOOPBACK);
    bus_write8(e->bus, NE2K_CR, N_CR_NO_DMA | N_CR_STA);
    e->rx_waits = true;
    n = rx_poll(e, budget);
    bus_write8(e->bus, NE2K_ISR, N_ISR_OVW);
    bus_write8(e->bus, NE2K_TCR, N_TCR_NORMAL);
    if (sending && e->sending)
        tx_start(e);            /* it was cut short: again */
    return n;
}

static void tallies(struct ne2k *e)
{
    struct nic_counters *c = &e->nic.counters;

    c->rx_errors += bus_read8(e->bus, NE2K_CNTR0);
    c->rx_errors += bus_read8(e->bus, NE2K_CNTR1);
    c->rx_no_buffer += bus_read8(e->bus, NE2K_CNTR2);
}

static unsigned ne2k_poll(struct nic *nic, unsigned budget)
{
    struct ne2k *e = nic->driver;
    unsigned n = 0;
    uint8_t isr;

    if (!nic->is_open)
        return 0;
    if (e->armed)
        bus_write8(e->bus, NE2K_IMR, 0);
    e->armed = false;
    isr = bus_read8(e->bus, NE2K_ISR);
    if (isr == 0xff && bus_read8(e->bus, NE2K_CR) == 0xff) {  /* pulled out */
        gone(e);
        return 0;
    }
    bus_write8(e->bus, NE2K_ISR, isr & INTERRUPTS & ~N_ISR_OVW);
    if (isr & N_ISR_CNT)
        tallies(e);
    tx_poll(e);
    if (isr & (N_ISR_PRX | N_ISR_RXE))
        e->rx_waits = true;
    /* Without room for a frame the ring would stay full. */
    n = isr & N_ISR_OVW && budget ? overflow(e, budget) : rx_poll(e, budget);
    tx_fill(e);                 /* a restart may have emptied the card */
    return n;
}

static void ne2k_arm(struct nic *nic)
{
    struct ne2k *e = nic->driver;

    if (e->armed || !nic->is_open)
        return;
    e->armed = true;
    if (e->bus->arm_irq)
        e->bus->arm_irq(e->bus->ctx);
    bus_write8(e->bus, NE2K_IMR, INTERRUPTS);
}

/* ---- Life ---------------------------------------------------------------- */

static void forget_queue(struct ne2k *e)
{
    while (e->queued)
        tx_pop(e);
}

static int ne2k_open(struct nic *nic)
{
    struct ne2k *e = nic->driver;

    forget_queue(e);
    e->armed = false;
    if (!restart(e))
        return -EIO;
    nic->is_open = nic->link_up = true;
    return 0;
}

static void ne2k_close(struct nic *nic)
{
    struct ne2k *e = nic->driver;

    reset(e);
    bus_write8(e->bus, NE2K_IMR, 0);
    bus_write8(e->bus, NE2K_CR, N_CR_NO_DMA | N_CR_STP);
    forget_queue(e);
    nic->is_open = nic->link_up = false;
}

static const struct nic_ops ne2k_ops = {
    .name = "ne2k_pci", .open = ne2k_open, .close = ne2k_close,
    .transmit = ne2k_transmit, .poll = ne2k_poll, .arm = ne2k_arm,
};

static const struct nic_id ids[] = {
    { 0x10ec, 0x8029 },         /* Realtek RTL8029 */
    { 0x1050, 0x0940 },         /* Winbond W89C940 */
    { 0x1050, 0x5a5a },         /* Winbond W89C940F */
    { 0x8c4a, 0x1980 },         /* the same, with wrong ids */
    { 0x11f6, 0x1401 },         /* Compex RL2000 */
    { 0x8e2e, 0x3000 },         /* KTI ET32P2 */
    { 0x4a14, 0x5000 },         /* NetVin NV5000SC */
    { 0x1106, 0x0926 },         /* VIA 86C926 */
    { 0x10bd, 0x0e34 },         /* SureCom NE34 */
    { 0x12c3, 0x0058 },         /* Holtek HT80232 */
    { 0x12c3, 0x5598 },         /* Holtek HT80229 */
};

static enum quirk quirk_of(const struct bus_info *info)
{
    switch ((uint32_t)info->vendor << 16 | info->device) {
    case 0x11060926:
    case 0x12c30058: return ONLY_16BIT;
    case 0x12c35598: return ONLY_32BIT;
    default: return PLAIN;
    }
}

static int create(const struct bus *bus, const struct bus_info *info,
                  struct nic **out)
{
    struct ne2k *e = calloc(1, sizeof *e);
    int r = -EIO;

    if (!e)
        return -ENOMEM;
    e->bus = bus;
    e->quirk = quirk_of(info);
    e->dma = (struct ne2k_dma){ bus, e->quirk == ONLY_16BIT ? 2 : 4 };
    e->stop_page = e->quirk == ONLY_32BIT ? NE2K_SMALL_STOP : NE2K_STOP_PAGE;
    nic_identify(&e->nic, &ne2k_ops, e, info, ne2k_ops.name);
    if (!reset(e))
        goto fail;
    setup(e);
    if (!read_mac(e))
        goto fail;
    bus_write8(e->bus, NE2K_CR, N_CR_NO_DMA | N_CR_STP);
    r = nic_pool_init(&e->pool, bus, POOL, NIC_DMA_BELOW);
    if (r)
        goto fail;
    *out = &e->nic;
    return 0;
fail:
    free(e);
    return r;
}

const struct nic_driver ne2k_pci_driver = {
    .name = "ne2k_pci", .ids = ids, .id_count = sizeof ids / sizeof *ids,
    .create = create,
};
