/*
 * The integer mix as a bootable guest, with paging on: waits for a digit on the
 * serial line, runs that part of the mix and prints its result. mix.py takes
 * the time between the two.
 */
#include "tests/bench/cpu_mix.h"
#include "tests/guests/guest.h"

#define PDE_LARGE_RW 0x83u      /* 4 MiB, writable, present */
#define CR4_PSE 0x10u
#define CR0_PG 0x80000000u
#define REPEATS 10              /* against the clock's 10 ms steps */

static void paging_on(void)
{
    static uint32_t directory[1024] __attribute__((aligned(4096)));
    uint32_t cr;

    for (uint32_t i = 0; i < 1024; i++)
        directory[i] = i << 22 | PDE_LARGE_RW;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr));
    __asm__ volatile("mov %0, %%cr4" : : "r"(cr | CR4_PSE));
    __asm__ volatile("mov %0, %%cr3" : : "r"(directory));
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr));
    __asm__ volatile("mov %0, %%cr0" : : "r"(cr | CR0_PG));
}

void guest_main(void)
{
    serial_init();
    paging_on();
    print("mix ready\n");
    for (;;) {
        uint8_t c = serial_getc();
        uint32_t result = 0;

        if (c == 'q')
            power_off();
        if (c < '0' || c >= '0' + cpu_mix_count)
            continue;
        for (int i = 0; i < REPEATS; i++)
            result = cpu_mix[c - '0'].run();
        print("result ");
        print_hex(result);
        print("\n");
    }
}
