/* Entry of cpu_mips's guest: the part's number is in EAX, so is its result. */
#include "tests/bench/part.h"

void start(uint32_t part);

__asm__(".section .text.start,\"ax\"\n"
        "push %eax\n"
        "call start\n"
        ".text\n");

void start(uint32_t part)
{
    uint32_t result = part < bench_integer.count
                          ? bench_integer.parts[part].run()
                          : bench_flags.parts[part - bench_integer.count].run();

    for (;;)
        __asm__ volatile("hlt" : : "a"(result));
}
