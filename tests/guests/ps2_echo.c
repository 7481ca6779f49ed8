/*
 * Shows what the PS/2 keyboard and mouse say, on the screen and on the serial
 * line: "key 1e", "mouse 5 -3 0 1". Caps Lock lights its LED. Ctrl-Alt-Del
 * reboots.
 */
#include "tests/guests/guest.h"

#define SCREEN ((volatile uint16_t *)0xb8000)
#define COLUMNS 80u
#define ROWS 25u
#define GREY_ON_BLUE 0x1700u
enum { DATA = 0x60, STATUS = 0x64, OUTPUT_FULL = 1, INPUT_FULL = 2, AUX = 32 };

static unsigned column, row;
static uint8_t packet[4];
static unsigned packet_bytes;
static bool ctrl, alt, extended;

static void clear(void)
{
    for (unsigned i = 0; i < COLUMNS * ROWS; i++)
        SCREEN[i] = GREY_ON_BLUE | ' ';
}

static void put(char c)
{
    if (c == '\n')
        serial_putc('\r');
    serial_putc(c);
    if (c == '\n' || column == COLUMNS) {
        column = 0;
        row = (row + 1) % ROWS;
        for (unsigned i = 0; i < COLUMNS; i++)
            SCREEN[row * COLUMNS + i] = GREY_ON_BLUE | ' ';
    }
    if (c != '\n')
        SCREEN[row * COLUMNS + column++] = GREY_ON_BLUE | (uint8_t)c;
}

static void show(const char *text)
{
    while (*text)
        put(*text++);
}

static void show_number(int n)
{
    char digits[12];
    unsigned count = 0;

    put(' ');
    if (n < 0) {
        put('-');
        n = -n;
    }
    do {
        digits[count++] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    while (count)
        put(digits[--count]);
}

static void write(uint16_t port, uint8_t v)
{
    while (inb(STATUS) & INPUT_FULL)
        ;
    outb(port, v);
}

static uint8_t read(void)
{
    while (!(inb(STATUS) & OUTPUT_FULL))
        ;
    return inb(DATA);
}

/* Says it, and drops the answers. */
static void tell_mouse(uint8_t byte, unsigned answers)
{
    write(STATUS, 0xd4);
    write(DATA, byte);
    for (unsigned i = 0; i <= answers; i++)
        read();
}

static void start_mouse(void)
{
    static const uint8_t wheel[] = { 200, 100, 80 };

    write(STATUS, 0xa8);
    tell_mouse(0xf6, 0);
    for (unsigned i = 0; i < sizeof wheel; i++) {
        tell_mouse(0xf3, 0);
        tell_mouse(wheel[i], 0);
    }
    tell_mouse(0xf4, 0);
}

static void take_mouse(uint8_t byte)
{
    packet[packet_bytes++] = byte;
    if (packet_bytes < sizeof packet)
        return;
    packet_bytes = 0;
    show("mouse");
    show_number(packet[1] - (packet[0] & 0x10 ? 256 : 0));
    show_number(packet[2] - (packet[0] & 0x20 ? 256 : 0));
    show_number((int8_t)packet[3]);
    show_number(packet[0] & 7);
    put('\n');
}

static void take_key(uint8_t byte)
{
    static const char hex[] = "0123456789abcdef";
    static uint8_t leds;

    show("key ");
    put(hex[byte >> 4]);
    put(hex[byte & 15]);
    put('\n');
    if ((byte & 0x7f) == 0x1d)
        ctrl = byte < 0x80;
    if ((byte & 0x7f) == 0x38)
        alt = byte < 0x80;
    if (extended && byte == 0x53 && ctrl && alt)
        reboot();
    extended = byte == 0xe0;
    if (byte == 0x3a) {
        write(DATA, 0xed);
        read();
        write(DATA, leds ^= 4);
        read();
    }
}

void guest_main(void)
{
    serial_init();
    clear();
    start_mouse();
    write(DATA, 0xf4);
    read();
    show("ps2_echo ready\n");
    for (;;) {
        uint8_t status = inb(STATUS);

        if (!(status & OUTPUT_FULL))
            continue;
        if (status & AUX)
            take_mouse(inb(DATA));
        else
            take_key(inb(DATA));
    }
}
