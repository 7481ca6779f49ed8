/* Transmission and loopback (8.0, 12.0). */
#include <string.h>

#include "emu/dev/ne2000_internal.h"

/*
 * From TXP to the interrupt. Not at once: drivers have been seen to break when
 * the transmitter is done before the write that starts it has returned. Not
 * the 1.2 ms of 10 Mbit/s either.
 */
#define TX_NS 10000u
/*
 * While the port has no room the frame stays in the packet memory, as on a wire
 * that others keep busy, and the guest's queue behind it. Linux's driver resets
 * a chip whose transmission takes 200 ms.
 */
#define TX_RETRY_NS 50000u
#define TX_HOLD_NS 50000000u

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

/* The port had no room: what a transmitter says whose wire is never free. */
static void give_up(struct ne2000 *s)
{
    s->counters.tx_lost++;
    s->tx_tsr = TSR_ABT;
    s->tx_isr = ISR_TXE;
}

/* The frame leaves, or must wait (tx_held), or is given up. */
static void on_the_wire(struct ne2000 *s)
{
    const uint8_t *frame = s->ram + (s->tx_addr - NE_RAM_START);
    uint64_t now = machine_now(s->pci.dev.machine);

    if (s->port->tx(s->port->ctx, frame, s->tx_len)) {
        s->counters.tx_frames++;
        s->counters.tx_bytes += s->tx_len;
        s->tx_held = false;
    } else if (!s->tx_held) {
        s->counters.tx_held++;
        s->tx_held = true;
        s->tx_since = now;
    } else if (now - s->tx_since >= TX_HOLD_NS) {
        s->tx_held = false;
        give_up(s);
    }
}

static void send(struct ne2000 *s)
{
    if (s->tx_len <= NETPORT_MAX_FRAME) {
        on_the_wire(s);
        return;
    }
    s->counters.tx_refused++;
    ne_refuse(s, "ne2000: transmit oversize");
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
    s->tx_held = false;
    s->tx_addr = addr;
    s->tx_len = len;
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
            send(s);
    }
    machine_timer_arm(m, s->timer, machine_now(m) + TX_NS);
}

void ne_transmit_end(void *ctx)
{
    struct ne2000 *s = ctx;
    struct machine *m = s->pci.dev.machine;

    if (s->tx_held)
        on_the_wire(s);
    if (s->tx_held) {
        machine_timer_arm(m, s->timer, machine_now(m) + TX_RETRY_NS);
        return;
    }
    s->tx_busy = false;
    s->tsr = s->tx_tsr;
    s->ncr = 0;
    ne_raise(s, s->tx_isr | (s->started ? 0 : ISR_RST));
}
