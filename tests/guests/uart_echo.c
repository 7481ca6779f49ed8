/*
 * Echoes the serial line. A line that starts with '~' is a command: ~p power
 * off, ~r reboot, ~t triple fault, ~h halt for ever.
 */
#include "tests/guests/guest.h"

static void command(uint8_t c)
{
    switch (c) {
    case 'p':
        power_off();
        break;
    case 'r':
        reboot();
        break;
    case 't':
        triple_fault();
        break;
    case 'h':
        for (;;)
            __asm__ volatile("cli; hlt");
    }
}

void guest_main(void)
{
    bool line_start = true;

    serial_init();
    print("uart_echo ready\n");
    for (;;) {
        uint8_t c = serial_getc();

        if (line_start && c == '~') {
            command(serial_getc());
            continue;
        }
        line_start = c == '\r' || c == '\n';
        serial_putc(c);
    }
}
