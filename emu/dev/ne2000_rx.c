/*
 * Reception (7.0): from the host's port into the ring. A frame for which there
 * is no room stays at the port, so that a slow guest sees no overflow as long
 * as the host can hold what comes.
 */
#include <string.h>

#include "emu/dev/ne2000_internal.h"

#define HEADER_BYTES 4u
/* Frames per call; those behind wait for the next. */
#define DELIVER_MAX 64u
/*
 * How long frames are kept for a chip that is stopped or looped back. A
 * driver's overflow recovery does that for 10 ms, and must lose nothing; an
 * interface that is down must not get old frames when it comes up.
 */
#define DEAF_HOLD_NS 50000000u
#define TALLY_MAX 0xc0u         /* counting stops at 192 */

void ne_hearing_changed(struct ne2000 *s)
{
    bool deaf = !s->started || (s->tcr & TCR_LB);

    if (deaf && !s->deaf)
        s->deaf_since = machine_now(s->pci.dev.machine);
    s->deaf = deaf;
}

uint32_t ne_crc(const uint8_t *p, size_t len)
{
    uint32_t crc = ~0u;

    for (size_t i = 0; i < len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            uint32_t feedback = (crc >> 31) ^ (p[i] >> bit & 1);

            crc = crc << 1 ^ (feedback ? 0x04c11db7 : 0);
        }
    return crc;
}

bool ne_filter(const struct ne2000 *s, const uint8_t *frame)
{
    static const uint8_t broadcast[6] = { 255, 255, 255, 255, 255, 255 };
    unsigned hash;

    if (!(frame[0] & 1))
        return (s->rcr & RCR_PRO) || !memcmp(frame, s->par, 6);
    if (!memcmp(frame, broadcast, 6))
        return s->rcr & RCR_AB;
    if (!(s->rcr & RCR_AM))
        return false;
    hash = ne_crc(frame, 6) >> 26;
    return s->mar[hash >> 3] & 1u << (hash & 7);
}

/* Frames went by unseen: CNTR2. */
static void tally_missed(struct ne2000 *s, unsigned n)
{
    unsigned room = TALLY_MAX - s->cntr[2];

    s->cntr[2] += n < room ? n : room;
    s->rsr |= RSR_MPA;
    if (s->cntr[2] & 0x80)
        ne_raise(s, ISR_CNT);
}

/* ---- The ring ----------------------------------------------------------- */

struct ring {
    unsigned pages;             /* in the whole ring; 0: not usable */
    unsigned room;              /* from CURR up to BNRY */
};

/*
 * BNRY is the last page read in some drivers and the next to read in others;
 * both call the ring empty when it equals CURR, so that reception must never
 * make them equal. Linux writes the next packet's page less one, which is
 * PSTART - 1 where it means PSTOP - 1. Another BNRY outside never stops it.
 */
static struct ring ring_now(const struct ne2000 *s)
{
    struct ring r = { 0, 0 };
    uint8_t bnry = s->bnry == s->pstart - 1 ? s->pstop - 1 : s->bnry;

    if (s->pstart >= s->pstop || s->pstart < NE_RAM_START / NE_PAGE ||
        s->pstop > NE_RAM_END / NE_PAGE ||
        s->curr < s->pstart || s->curr >= s->pstop)
        return r;
    r.pages = r.room = s->pstop - s->pstart;
    if (bnry >= s->pstart && bnry < s->pstop && bnry != s->curr)
        r.room = (bnry + r.pages - s->curr) % r.pages;
    return r;
}

/* Copy into the ring at *addr, which wraps from PSTOP to PSTART. */
static void ring_write(struct ne2000 *s, uint32_t *addr, const uint8_t *from,
                       uint32_t len)
{
    uint32_t stop = s->pstop * NE_PAGE;

    while (len) {
        uint32_t n = len < stop - *addr ? len : stop - *addr;

        if (from) {
            memcpy(s->ram + (*addr - NE_RAM_START), from, n);
            from += n;
        } else {
            memset(s->ram + (*addr - NE_RAM_START), 0, n);
        }
        *addr += n;
        len -= n;
        if (*addr == stop)
            *addr = s->pstart * NE_PAGE;
    }
}

/*
 * Header, frame padded to 60 bytes, and four bytes for the FCS, which is
 * zero: frames come without it, and no driver looks at it.
 */
static void ring_store(struct ne2000 *s, const uint8_t *frame, uint32_t len,
                       unsigned pages)
{
    uint32_t padded = len < NE_MIN_FRAME ? NE_MIN_FRAME : len;
    uint32_t count = padded + NE_FCS, addr = s->curr * NE_PAGE;
    unsigned next = s->curr + pages;
    uint8_t header[HEADER_BYTES];

    if (next >= s->pstop)
        next -= s->pstop - s->pstart;
    s->rsr = RSR_PRX | (frame[0] & 1 ? RSR_PHY : 0);
    header[0] = s->rsr;
    header[1] = next;
    header[2] = count;
    header[3] = count >> 8;
    ring_write(s, &addr, header, sizeof header);
    ring_write(s, &addr, frame, len);
    ring_write(s, &addr, NULL, count - len);
    s->curr = next;
    s->counters.rx_frames++;
    s->counters.rx_bytes += len;
    ne_raise(s, ISR_PRX);
}

/* ---- One frame ---------------------------------------------------------- */

/* What becomes of a frame while the chip is deaf: false, keep it. */
static bool refuse_deaf(struct ne2000 *s)
{
    if (machine_now(s->pci.dev.machine) - s->deaf_since < DEAF_HOLD_NS)
        return false;
    s->counters.rx_stopped++;
    return true;
}

/*
 * A frame waits for room. The chip would lose it and say OVW; a driver that
 * cleared PRX with the ring full (Linux may: see ne_remind) must hear of it.
 */
static void hold(struct ne2000 *s)
{
    if (s->holding)
        return;
    s->counters.rx_held++;
    s->holding = true;
    ne_raise(s, ISR_PRX);
}

/* True: the frame is dealt with; false: it must wait. */
static bool receive(struct ne2000 *s, const uint8_t *frame, size_t len)
{
    size_t stored = len < NE_MIN_FRAME ? NE_MIN_FRAME : len;
    unsigned pages = (HEADER_BYTES + stored + NE_FCS + NE_PAGE - 1) / NE_PAGE;
    struct ring r;

    if (s->deaf)
        return refuse_deaf(s);
    if (len < 14 || len > NETPORT_MAX_FRAME) {
        s->counters.rx_bad_length++;
        return true;
    }
    if (!ne_filter(s, frame)) {
        s->counters.rx_filtered++;
        return true;
    }
    if (s->rcr & RCR_MON) {
        s->counters.rx_monitor++;
        s->rsr |= RSR_DIS;
        tally_missed(s, 1);
        return true;
    }
    r = ring_now(s);
    if (pages >= r.pages) {
        s->counters.rx_bad_ring++;
        ne_refuse(s, "ne2000: no usable receive ring");
        return true;
    }
    if (pages >= r.room) {
        hold(s);
        return false;
    }
    s->holding = false;
    ring_store(s, frame, len, pages);
    return true;
}

void ne_deliver(struct ne2000 *s)
{
    const uint8_t *frame;
    size_t len;

    for (unsigned i = 0; i < DELIVER_MAX; i++) {
        len = s->port->rx_peek(s->port->ctx, &frame);
        if (!len)
            s->holding = false;
        if (!len || !receive(s, frame, len))
            return;
        s->port->rx_done(s->port->ctx);
    }
}

/*
 * A driver that leaves frames in the ring when it clears PRX (Linux takes ten
 * at a time and then clears it) counts on the next frame's interrupt, or on
 * OVW. While a frame waits for room neither would ever come.
 */
void ne_remind(struct ne2000 *s)
{
    if (!s->holding)
        return;
    ne_deliver(s);
    if (s->holding && !s->deaf)
        ne_raise(s, ISR_PRX);
}

void ne2000_poll(struct ne2000 *s)
{
    unsigned lost = s->port->rx_lost ? s->port->rx_lost(s->port->ctx) : 0;

    s->counters.rx_lost += lost;
    if (lost && !s->deaf) {
        tally_missed(s, lost);
        ne_raise(s, ISR_OVW);
    }
    ne_deliver(s);
}
