/*
 * Echoes up to four serial ports, each by itself, and says "<break>" at a
 * break. A line that starts with '~' is a command: ~p power off, ~b sends a
 * break, ~s speaks 4000 lines, ~d changes the port's divisor to that of 1200
 * baud, ~r resets the PC.
 */
#include "tests/guests/guest.h"

#define LINES 4000u

static const uint16_t base[4] = { 0x3f8, 0x2f8, 0x3e8, 0x2e8 };

static void put(unsigned n, char c)
{
    while (!(inb(base[n] + 5) & 0x20))
        continue;
    outb(base[n], c);
}

static void say(unsigned n, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            put(n, '\r');
        put(n, *text);
    }
}

static bool begin(unsigned n)
{
    outb(base[n] + 7, 0x5a);
    if (inb(base[n] + 7) != 0x5a)
        return false;
    outb(base[n] + 3, 0x80);
    outb(base[n], 1);
    outb(base[n] + 1, 0);
    outb(base[n] + 3, 0x03);
    outb(base[n] + 2, 0x07);
    outb(base[n] + 4, 0x03);
    say(n, "port ");
    put(n, '0' + n);
    say(n, " ready\n");
    return true;
}

static void speak(unsigned n)
{
    for (unsigned i = 0; i < LINES; i++) {
        char number[] = "0000\n";

        for (unsigned k = 0, v = i; k < 4; k++, v /= 10)
            number[3 - k] = '0' + v % 10;
        say(n, number);
    }
}

static void command(unsigned n, uint8_t c)
{
    switch (c) {
    case 'p':
        power_off();
        break;
    case 'b':
        outb(base[n] + 3, 0x43);
        outb(base[n] + 3, 0x03);
        break;
    case 's':
        speak(n);
        break;
    case 'r':
        reboot();
        break;
    case 'd':
        outb(base[n] + 3, 0x83);
        outb(base[n], 96);
        outb(base[n] + 3, 0x03);
        say(n, "slow now\n");
        break;
    }
}

void guest_main(void)
{
    bool there[4], line_start[4], tilde[4] = { 0 };

    for (unsigned n = 0; n < 4; n++) {
        there[n] = begin(n);
        line_start[n] = true;
    }
    for (unsigned n = 0;; n = (n + 1) % 4) {
        uint8_t status, c;

        status = there[n] ? inb(base[n] + 5) : 0;
        if (!(status & 1))
            continue;
        c = inb(base[n]);
        if (status & 0x10) {
            say(n, "<break>");
        } else if (tilde[n]) {
            tilde[n] = false;
            command(n, c);
        } else if (line_start[n] && c == '~') {
            tilde[n] = true;
        } else {
            line_start[n] = c == '\r' || c == '\n';
            put(n, c);
        }
    }
}
