/* Entry of the mix as a guest: the part's number is in EAX, so is its result. */
#include "tests/bench/cpu_mix.h"

void start(uint32_t part);

__asm__(".section .text.start,\"ax\"\n"
        "push %eax\n"
        "call start\n"
        ".text\n");

void start(uint32_t part)
{
    uint32_t result = cpu_mix[part].run();

    for (;;)
        __asm__ volatile("hlt" : : "a"(result));
}
