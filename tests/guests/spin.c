/* Spins with interrupts off, for ever, and reads nothing. */
#include "tests/guests/guest.h"

void guest_main(void)
{
    serial_init();
    print("spin ready\n");
    for (;;)
        __asm__ volatile("cli");
}
