/*
 * Counts the bytes of the serial line up to a 04h and prints their number and
 * a Fletcher-32-like sum that order changes: proof that a paste came whole.
 */
#include "tests/guests/guest.h"

void guest_main(void)
{
    serial_init();
    print("count ready\n");
    for (;;) {
        uint32_t n = 0, a = 0, b = 0;
        uint8_t c;

        while ((c = serial_getc()) != 4) {
            a = (a + c) % 65535;
            b = (b + a) % 65535;
            n++;
        }
        print("bytes ");
        print_hex(n);
        print(" sum ");
        print_hex(b << 16 | a);
        print("\n");
        power_off();
    }
}
