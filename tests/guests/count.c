/*
 * Counts the bytes of the serial line up to a 04h and prints their number and
 * sum: proof that a paste came whole and in order.
 */
#include "tests/guests/guest.h"

void guest_main(void)
{
    struct check_sum sum = { 0 };
    uint8_t c;

    serial_init();
    print("count ready\n");
    while ((c = serial_getc()) != 4)
        check_sum_add(&sum, c);
    check_sum_print(&sum);
    power_off();
}
