/* RTL8029AS: registers, ports and life; see ne2000.h. */
#include "emu/dev/ne2000.h"

#include <stdlib.h>
#include <string.h>

#include "emu/dev/ne2000_internal.h"
#include "emu/state.h"
#include "emu/textbuf.h"

#define NE_BAR_BYTES 0x100u
/* Port offsets. */
#define NE_DATA 0x10u
#define NE_RESET 0x18u
#define NE_END 0x20u

/* 9346CR: CONFIG registers can be written (RTL8029AS, page 3). */
#define EECR_MODE 0xc0u
#define CONFIG2_WRITABLE 0xe0u
#define CONFIG3_WRITABLE 0x47u

void ne_refuse(struct ne2000 *s, const char *name)
{
    machine_count(s->pci.dev.machine, name);
}

static void update_irq(struct ne2000 *s)
{
    pci_set_intx(&s->pci, s->isr & s->imr & 0x7f);
}

void ne_raise(struct ne2000 *s, uint8_t isr)
{
    s->isr |= isr;
    update_irq(s);
}

/* ---- Reset -------------------------------------------------------------- */

/* The reset port, and a part of power-on; the other registers stay. */
static void soft_reset(struct ne2000 *s)
{
    machine_timer_cancel(s->pci.dev.machine, s->timer);
    s->tx_busy = false;
    s->started = false;
    s->remote = REMOTE_NONE;
    s->cr = CR_RD_ABORT;
    s->isr = ISR_RST;
    s->imr = 0;
    s->dcr |= DCR_LAS;
    s->tcr &= ~TCR_LB;
    ne_hearing_changed(s);
    update_irq(s);
}

/* MAC, each byte twice, and the mark of a 16-bit card. */
static void prom_init(struct ne2000 *s)
{
    for (unsigned i = 0; i < 6; i++)
        s->prom[2 * i] = s->prom[2 * i + 1] = s->port->mac[i];
    memset(s->prom + 28, 0x57, 4);
}

static void ne2000_reset(struct device *dev)
{
    struct ne2000 *s = (struct ne2000 *)dev;

    pci_reset_config(&s->pci);
    memset(&s->started, 0, offsetof(struct ne2000, prom) -
                           offsetof(struct ne2000, started));
    memset(s->ram, 0, sizeof s->ram);
    memcpy(s->par, s->port->mac, sizeof s->par);
    prom_init(s);
    soft_reset(s);
}

/* ---- Registers ---------------------------------------------------------- */

static uint8_t read_tally(struct ne2000 *s, unsigned n)
{
    uint8_t v = s->cntr[n];

    s->cntr[n] = 0;
    return v;
}

static uint8_t read_fifo(struct ne2000 *s)
{
    return s->fifo[s->fifo_pos++ & 7];
}

static uint8_t read_page0(struct ne2000 *s, unsigned reg)
{
    switch (reg) {
    case 0x1: case 0x8: return s->rsar;         /* CLDA0, CRDA0 */
    case 0x2: case 0x9: return s->rsar >> 8;
    case 0x3: return s->bnry;
    case 0x4: return s->tsr;
    case 0x5: return s->ncr;
    case 0x6: return read_fifo(s);
    case 0x7: return s->isr;
    case 0xa: return 0x50;                      /* RTL8029AS: "PC" */
    case 0xb: return 0x43;
    case 0xc: return s->rsr;
    default: return read_tally(s, reg - 0xd);
    }
}

static uint8_t read_page1(const struct ne2000 *s, unsigned reg)
{
    if (reg < 7)
        return s->par[reg - 1];
    return reg == 7 ? s->curr : s->mar[reg - 8];
}

static uint8_t read_page2(const struct ne2000 *s, unsigned reg)
{
    switch (reg) {
    case 0x1: return s->pstart;
    case 0x2: return s->pstop;
    case 0x4: return s->tpsr;
    case 0xc: return s->rcr | 0xc0;             /* unused bits read 1 */
    case 0xd: return s->tcr | 0xe0;
    case 0xe: return s->dcr | 0x80;
    case 0xf: return s->imr | 0x80;
    default: return 0xff;
    }
}

static uint8_t read_page3(const struct ne2000 *s, unsigned reg)
{
    switch (reg) {
    case 0x1: return s->eecr;
    case 0x3: return 0x00;                      /* CONFIG0: no BNC */
    case 0x5: return s->config2;
    case 0x6: return s->config3;
    case 0xe: return 0x29;                      /* 8029ASID0, 1 */
    case 0xf: return 0x80;
    default: return 0xff;
    }
}

static uint8_t read_cr(const struct ne2000 *s)
{
    return s->cr | (s->started ? CR_STA : CR_STP) | (s->tx_busy ? CR_TXP : 0);
}

static uint8_t read_reg(struct ne2000 *s, unsigned reg)
{
    if (reg == 0)
        return read_cr(s);
    switch (s->cr >> 6) {
    case 0: return read_page0(s, reg);
    case 1: return read_page1(s, reg);
    case 2: return read_page2(s, reg);
    default: return read_page3(s, reg);
    }
}

/*
 * CR. STA and STP both 0 leave the chip as it is: drivers write just
 * 20h to choose a page. A chip that is told to stop ends its transmission
 * first, and then says RST (7.0, on overflow).
 */
static void write_cr(struct ne2000 *s, uint8_t v)
{
    s->cr = v & (CR_PAGE | CR_RD);
    if (v & CR_STP) {
        s->started = false;
        if (!s->tx_busy)
            s->isr |= ISR_RST;
    } else if (v & CR_STA) {
        s->started = true;
        s->isr &= ~ISR_RST;
    }
    ne_hearing_changed(s);
    ne_remote_command(s, v & CR_RD);
    if (v & CR_TXP)
        ne_transmit(s);
    ne_deliver(s);
}

static void put_byte(uint16_t *reg, bool high, uint8_t v)
{
    *reg = high ? (*reg & 0x00ff) | v << 8 : (*reg & 0xff00) | v;
}

static void write_page0(struct ne2000 *s, unsigned reg, uint8_t v)
{
    switch (reg) {
    case 0x1: s->pstart = v; break;
    case 0x2: s->pstop = v; break;
    case 0x3:
        s->bnry = v;
        ne_deliver(s);
        break;
    case 0x4: s->tpsr = v; break;
    case 0x5: put_byte(&s->tbcr, false, v); break;
    case 0x6: put_byte(&s->tbcr, true, v); break;
    case 0x7:                   /* RST follows STP and STA alone */
        s->isr &= ~v | ISR_RST;
        update_irq(s);
        ne_remind(s);
        break;
    case 0x8: put_byte(&s->rsar, false, v); break;
    case 0x9: put_byte(&s->rsar, true, v); break;
    case 0xa: put_byte(&s->rbcr, false, v); break;
    case 0xb: put_byte(&s->rbcr, true, v); break;
    case 0xc:
        s->rcr = v & 0x3f;
        s->rsr &= ~RSR_DIS;
        break;
    case 0xd:
        s->tcr = v & 0x1f;
        ne_hearing_changed(s);
        ne_deliver(s);
        break;
    case 0xe: s->dcr = v & 0x7f; break;
    case 0xf:
        s->imr = v & 0x7f;
        update_irq(s);
        break;
    }
}

static void write_page1(struct ne2000 *s, unsigned reg, uint8_t v)
{
    if (reg < 7)
        s->par[reg - 1] = v;
    else if (reg == 7)
        s->curr = v;
    else
        s->mar[reg - 8] = v;
}

static void write_page3(struct ne2000 *s, unsigned reg, uint8_t v)
{
    bool unlocked = (s->eecr & EECR_MODE) == EECR_MODE;

    if (reg == 0x1)
        s->eecr = v & EECR_MODE;
    else if (reg == 0x5 && unlocked)
        s->config2 = v & CONFIG2_WRITABLE;
    else if (reg == 0x6 && unlocked)
        s->config3 = v & CONFIG3_WRITABLE;
    else
        ne_refuse(s, "ne2000: write to locked configuration");
}

static void write_reg(struct ne2000 *s, unsigned reg, uint8_t v)
{
    if (reg == 0) {
        write_cr(s, v);
        return;
    }
    switch (s->cr >> 6) {
    case 0: write_page0(s, reg, v); break;
    case 1: write_page1(s, reg, v); break;
    case 2: ne_refuse(s, "ne2000: write to test page"); break;
    default: write_page3(s, reg, v); break;
    }
}

/* ---- Ports -------------------------------------------------------------- */

static uint8_t read_byte(struct ne2000 *s, unsigned offset)
{
    uint8_t v = 0xff;

    if (offset < NE_DATA)
        return read_reg(s, offset);
    if (offset < NE_RESET) {
        ne_data_read(s, 1, &v, 1);
    } else if (offset < NE_END) {
        soft_reset(s);
        v = 0;
    }
    return v;
}

static void write_byte(struct ne2000 *s, unsigned offset, uint8_t v)
{
    if (offset < NE_DATA)
        write_reg(s, offset, v);
    else if (offset < NE_RESET)
        ne_data_write(s, 1, &v, 1);
    /* A write to the reset port ends the reset, which took no time. */
}

static unsigned offset_of(const struct ne2000 *s, uint16_t port)
{
    return (port - s->pci.bar[0].base) & (NE_BAR_BYTES - 1);
}

static bool is_data(const struct ne2000 *s, uint16_t port)
{
    unsigned offset = offset_of(s, port);

    return offset >= NE_DATA && offset < NE_RESET;
}

static uint32_t ne2000_io_read(struct device *dev, uint16_t port, unsigned size)
{
    struct ne2000 *s = (struct ne2000 *)dev;
    uint32_t value = 0;
    uint8_t buf[4];

    if (is_data(s, port))
        ne_data_read(s, size, buf, 1);
    else
        for (unsigned i = 0; i < size; i++)
            buf[i] = read_byte(s, offset_of(s, port + i));
    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)buf[i] << 8 * i;
    return value;
}

static void ne2000_io_write(struct device *dev, uint16_t port, unsigned size,
                            uint32_t value)
{
    struct ne2000 *s = (struct ne2000 *)dev;
    uint8_t buf[4] = { value, value >> 8, value >> 16, value >> 24 };

    if (is_data(s, port))
        ne_data_write(s, size, buf, 1);
    else
        for (unsigned i = 0; i < size; i++)
            write_byte(s, offset_of(s, port + i), buf[i]);
}

static unsigned ne2000_read_block(struct device *dev, uint16_t port,
                                  unsigned size, void *buf, unsigned count)
{
    struct ne2000 *s = (struct ne2000 *)dev;

    if (is_data(s, port)) {
        ne_data_read(s, size, buf, count);
        return count;
    }
    for (unsigned i = 0; i < size; i++)
        ((uint8_t *)buf)[i] = read_byte(s, offset_of(s, port + i));
    return 1;
}

static unsigned ne2000_write_block(struct device *dev, uint16_t port,
                                   unsigned size, const void *buf,
                                   unsigned count)
{
    struct ne2000 *s = (struct ne2000 *)dev;

    if (is_data(s, port)) {
        ne_data_write(s, size, buf, count);
        return count;
    }
    for (unsigned i = 0; i < size; i++)
        write_byte(s, offset_of(s, port + i), ((const uint8_t *)buf)[i]);
    return 1;
}

/* ---- Life --------------------------------------------------------------- */

/* ---- Snapshots ---------------------------------------------------------- */

static void registers_state(struct ne2000 *s, struct state *st)
{
    uint8_t *const bytes[] = {
        &s->cr, &s->isr, &s->imr, &s->dcr, &s->tcr, &s->rcr, &s->tsr, &s->rsr,
        &s->ncr, &s->pstart, &s->pstop, &s->bnry, &s->curr, &s->tpsr,
        &s->fifo_pos, &s->eecr, &s->config2, &s->config3, &s->send_next,
        &s->tx_tsr, &s->tx_isr,
    };

    for (unsigned i = 0; i < sizeof bytes / sizeof bytes[0]; i++)
        state_u8(st, bytes[i]);
    state_u16(st, &s->tbcr);
    state_bytes(st, s->par, sizeof s->par);
    state_bytes(st, s->mar, sizeof s->mar);
    state_bytes(st, s->cntr, sizeof s->cntr);
    state_bytes(st, s->fifo, sizeof s->fifo);
}

/* A frame that waits for the port is sent from where it lies. */
static bool held_frame_fits(const struct ne2000 *s)
{
    return !s->tx_held ||
           (s->tx_addr >= NE_RAM_START && s->tx_addr <= NE_RAM_END &&
            s->tx_len && s->tx_len <= NETPORT_MAX_FRAME &&
            s->tx_len <= NE_RAM_END - s->tx_addr);
}

static void ne2000_state(struct device *dev, struct state *st)
{
    struct ne2000 *s = (struct ne2000 *)dev;

    pci_state(&s->pci, st);
    state_bool(st, &s->started);
    state_bool(st, &s->deaf);
    state_u64(st, &s->deaf_since);
    state_bool(st, &s->holding);
    registers_state(s, st);
    s->remote = state_choice(st, s->remote, REMOTE_SEND, "the remote DMA");
    state_u16(st, &s->rsar);
    state_u16(st, &s->rbcr);
    state_bool(st, &s->tx_busy);
    state_u32(st, &s->tx_addr);
    state_u32(st, &s->tx_len);
    state_bool(st, &s->tx_held);
    state_u64(st, &s->tx_since);
    state_check(st, held_frame_fits(s), "the frame to be sent is outside");
    state_bytes(st, s->prom, sizeof s->prom);
    state_bytes(st, s->ram, sizeof s->ram);
}

static const struct device_ops ne2000_ops = {
    .name = "ne2000",
    .reset = ne2000_reset,
    .io_read = ne2000_io_read,
    .io_write = ne2000_io_write,
    .io_read_block = ne2000_read_block,
    .io_write_block = ne2000_write_block,
    .state = ne2000_state,
    .state_version = 1,
    .state_size = sizeof(struct ne2000),
    .loaded = pci_device_loaded,
};

struct ne2000 *ne2000_create(struct machine *m, struct pci_bus *bus,
                             uint8_t devfn, struct netport *port,
                             enum timer_id timer)
{
    struct ne2000 *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->pci.dev = (struct device){ .ops = &ne2000_ops, .machine = m };
    s->port = port;
    s->timer = timer;
    pci_init(&s->pci, 0x10ec, 0x8029, 0x020000, 0x00, 1);
    pci_set16(s->pci.config + 0x2c, 0x10ec);
    pci_set16(s->pci.config + 0x2e, 0x8029);
    pci_bar_init(&s->pci, 0, NE_BAR_BYTES, true);
    if (pci_add(bus, &s->pci, devfn)) {
        free(s);
        return NULL;
    }
    machine_timer_register(m, timer, ne_transmit_end, s);
    ne2000_reset(&s->pci.dev);
    return s;
}

void ne2000_destroy(struct ne2000 *s)
{
    if (!s)
        return;
    machine_timer_cancel(s->pci.dev.machine, s->timer);
    free(s);
}

const struct ne2000_counters *ne2000_counters(const struct ne2000 *s)
{
    return &s->counters;
}

int ne2000_format(const struct ne2000 *s, char *buf, size_t size)
{
    const struct ne2000_counters *c = &s->counters;
    const uint8_t *mac = s->port->mac;
    const struct {
        const char *name;
        uint64_t value;
    } values[] = {
        { "rx_frames", c->rx_frames }, { "rx_bytes", c->rx_bytes },
        { "tx_frames", c->tx_frames }, { "tx_bytes", c->tx_bytes },
        { "rx_filtered", c->rx_filtered }, { "rx_monitor", c->rx_monitor },
        { "rx_stopped", c->rx_stopped }, { "rx_bad_length", c->rx_bad_length },
        { "rx_bad_ring", c->rx_bad_ring }, { "rx_lost", c->rx_lost },
        { "rx_held", c->rx_held }, { "tx_refused", c->tx_refused },
        { "tx_loopback", c->tx_loopback }, { "tx_held", c->tx_held },
        { "tx_lost", c->tx_lost },
    };
    struct textbuf t = { .buf = buf, .size = size };

    text_add(&t, "  ne2000 pci macaddr=%02x:%02x:%02x:%02x:%02x:%02x",
             mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    /* Two to a line: 80 columns even with 20-digit values. */
    for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++)
        text_add(&t, "%s %s=%llu", i % 2 ? "" : "\n   ", values[i].name,
                 (unsigned long long)values[i].value);
    text_add(&t, "\n");
    return (int)t.wanted;
}
