/*
 * An RTL8029 that sends every frame addressed to it (or broadcast) back to its
 * sender, addresses swapped, and sums up the serial line's bytes between them.
 * Prints its MAC; 'q' on the serial line prints the counts and powers off.
 * Datasheet: RTL8029AS 6, NS DP8390D.
 */
#include "tests/guests/guest.h"

#define TX_PAGE 0x40
#define RX_START 0x4c
#define RX_STOP 0x80

static uint16_t io;
static uint8_t mac[6], next_page;

static void remote(uint16_t addr, uint16_t len, uint8_t cmd)
{
    outb(io + 7, 0x40);                 /* clear RDC */
    outb(io + 8, addr);
    outb(io + 9, addr >> 8);
    outb(io + 10, len);
    outb(io + 11, len >> 8);
    outb(io, cmd);
}

static void card_read(uint16_t addr, void *buf, uint16_t len)
{
    remote(addr, len, 0x0a);
    insw(io + 16, buf, (len + 1) / 2);
}

static void card_send(const void *buf, uint16_t len)
{
    if (len < 60)
        len = 60;
    while (inb(io) & 0x04)              /* the last one is still going */
        continue;
    remote(TX_PAGE << 8, len, 0x12);
    outsw(io + 16, buf, (len + 1) / 2);
    while (!(inb(io + 7) & 0x40))
        continue;
    outb(io + 4, TX_PAGE);
    outb(io + 5, len);
    outb(io + 6, len >> 8);
    outb(io, 0x26);
}

static void card_init(void)
{
    uint8_t prom[32];

    outb(io + 0x1f, inb(io + 0x1f));    /* reset */
    while (!(inb(io + 7) & 0x80))
        continue;
    outb(io, 0x21);
    outb(io + 14, 0x49);                /* word mode, FIFO 8 */
    outb(io + 10, 0);
    outb(io + 11, 0);
    outb(io + 12, 0x20);                /* monitor until set up */
    outb(io + 13, 0x02);
    remote(0, 32, 0x0a);
    for (int i = 0; i < 32; i++)
        prom[i] = inb(io + 16);
    for (int i = 0; i < 6; i++)
        mac[i] = prom[i];
    outb(io + 1, RX_START);
    outb(io + 2, RX_STOP);
    outb(io + 3, RX_STOP - 1);
    outb(io + 7, 0xff);
    outb(io + 15, 0);
    outb(io, 0x61);
    for (int i = 0; i < 6; i++)
        outb(io + 1 + i, mac[i]);
    outb(io + 7, RX_START);             /* CURR */
    next_page = RX_START;
    outb(io, 0x22);
    outb(io + 13, 0x00);
    outb(io + 12, 0x04);                /* own address and broadcasts */
}

static uint8_t current_page(void)
{
    uint8_t page;

    outb(io, 0x62);
    page = inb(io + 7);
    outb(io, 0x22);
    return page;
}

static uint32_t frames, bad;
static uint8_t frame[1600];

static void echo_one(void)
{
    uint8_t head[4];
    uint16_t len;

    card_read(next_page << 8, head, 4);
    len = (head[2] | head[3] << 8) - 4;
    if (!(head[0] & 1) || len < 60 || len > 1518 || head[1] < RX_START ||
        head[1] >= RX_STOP) {
        bad++;
        next_page = current_page();
    } else {
        card_read((next_page << 8) + 4, frame, len);
        next_page = head[1];
        for (int i = 0; i < 6; i++) {
            frame[i] = frame[6 + i];
            frame[6 + i] = mac[i];
        }
        frames++;
        card_send(frame, len);
    }
    outb(io + 3, next_page == RX_START ? RX_STOP - 1 : next_page - 1);
}

/* One look at the serial line; false once a 'q' came. */
static bool take_serial(struct check_sum *sum)
{
    uint8_t c;

    if (!serial_ready())
        return true;
    c = serial_getc();
    if (c == 'q')
        return false;
    check_sum_add(sum, c);
    return true;
}

void guest_main(void)
{
    struct check_sum sum = { 0 };
    int dev;

    serial_init();
    dev = pci_find(0x10ec, 0x8029);
    if (dev < 0) {
        print("ne2k_echo: no card\n");
        power_off();
    }
    pci_write(dev, 4, 1);
    io = pci_read(dev, 0x10) & 0xfffc;
    card_init();
    print("ne2k_echo mac ");
    print_hex(mac[0] << 24 | mac[1] << 16 | mac[2] << 8 | mac[3]);
    print_hex(mac[4] << 24 | mac[5] << 16);
    print("\n");
    while (take_serial(&sum))
        if (next_page != current_page())
            echo_one();
    print("frames ");
    print_hex(frames);
    print(" bad ");
    print_hex(bad);
    print("\n");
    check_sum_print(&sum);
    power_off();
}
