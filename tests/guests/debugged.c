/*
 * For a debugger: a loop with a function to stop at, a variable to watch, and
 * a word that ends it.
 */
#include "tests/guests/guest.h"

volatile uint32_t rounds, quiet, watched, ask_end;

__attribute__((noinline, noclone)) void one_round(uint32_t n)
{
    rounds = n;
    if (n % 1000 == 0)
        watched = n;
}

void guest_main(void)
{
    serial_init();
    print("debugged runs\n");
    for (uint32_t n = 1; !ask_end; n++) {
        one_round(n);
        quiet++;
    }
    print("debugged ends ");
    print_hex(ask_end);
    print("\n");
    power_off();
}
