/* Transmission and loopback (8.0, 12.0). */
#include <string.h>

#include "emu/dev/ne2000_internal.h"

/*
 * From TXP to the interrupt. Not at once: drivers have been seen to break when
 * the transmitter is done before the write that starts it has returned. Not
 * the 1.2 ms of 10 Mbit/s either.
 */
#define TX_NS 10000u

/* The frame's check sequence as it goes over the wire. */
static void put_fcs(const uint8_t *frame, size_t len, uint8_t *fcs)
{
    uint32_t crc = ~ne_crc(frame, len);

    for (unsigned i = 0; i < NE_FCS; i++) {
        fcs[i] = 0;
        for (unsigned bit = 0; bit < 8; bit++)
            fcs[i] |= (crc >> (31 - 8 * i - bit) & 1) << bit;
    }
}

/*
 * Loopback (12.0, and National's application note 937): the frame comes back
 * into the FIFO, never into the ring. One CRC generator serves both ways, so a
 * CRC that the transmitter appends always shows as an error; with TCR.CRC the
 * guest's own is checked. A frame for another address is good, whatever
 * its CRC.
 */
static void loop_back(struct ne2000 *s, const uint8_t *frame, uint32_t len)
{
    uint8_t fcs[NE_FCS] = { 0 };
    bool own = s->tcr & TCR_CRC;
    uint32_t count = own ? len : len + NE_FCS;
    uint32_t data = own ? len - NE_FCS : len;

    s->counters.tx_loopback++;
    s->rsr = RSR_PRX;
    if (len < 14 + NE_FCS || !ne_filter(s, frame))
        return;
    put_fcs(frame, data, fcs);
    if (!own || memcmp(frame + data, fcs, NE_FCS)) {
        s->rsr = RSR_CRC;
        s->tx_isr |= ISR_RXE;
    }
    if (own)
        memcpy(fcs, frame + data, NE_FCS);
    s->fifo[0] = count;
    s->fifo[1] = s->fifo[2] = count >> 8;
    s->fifo[3] = frame[data - 1];
    memcpy(s->fifo + 4, fcs, NE_FCS);
    s->fifo_pos = 0;
}

static void on_the_wire(struct ne2000 *s, const uint8_t *frame, uint32_t len)
{
    if (len > NETPORT_MAX_FRAME) {
        s->counters.tx_refused++;
        ne_refuse(s, "ne2000: transmit oversize");
        return;
    }
    s->counters.tx_frames++;
    s->counters.tx_bytes += len;
    s->port->tx(s->port->ctx, frame, len);
}

void ne_transmit(struct ne2000 *s)
{
    /* Inside the chip nobody sees a carrier (CRS) or a heartbeat (CDH). */
    static const uint8_t tsr_of_mode[4] = {
        TSR_PTX, TSR_PTX | TSR_CRS | TSR_CDH, TSR_PTX | TSR_CDH, TSR_PTX
    };
    unsigned mode = (s->tcr & TCR_LB) >> 1;
    uint32_t addr = s->tpsr * NE_PAGE, len = s->tbcr;
    struct machine *m = s->pci.dev.machine;

    if (s->tx_busy || !s->started) {
        ne_refuse(s, "ne2000: transmit while busy or stopped");
        return;
    }
    s->tx_busy = true;
    s->tsr = 0;
    if (!len || addr < NE_RAM_START || addr + len > NE_RAM_END) {
        s->counters.tx_refused++;
        ne_refuse(s, "ne2000: transmit empty or outside memory");
        s->tx_tsr = TSR_FU;
        s->tx_isr = ISR_TXE;
    } else {
        const uint8_t *frame = s->ram + (addr - NE_RAM_START);

        s->tx_tsr = tsr_of_mode[mode];
        s->tx_isr = ISR_PTX;
        if (mode)
            loop_back(s, frame, len);
        if (mode == 0 || mode == 3)
            on_the_wire(s, frame, len);
    }
    machine_timer_arm(m, s->timer, machine_now(m) + TX_NS);
}

void ne_transmit_end(void *ctx)
{
    struct ne2000 *s = ctx;

    s->tx_busy = false;
    s->tsr = s->tx_tsr;
    s->ncr = 0;
    ne_raise(s, s->tx_isr | (s->started ? 0 : ISR_RST));
}
