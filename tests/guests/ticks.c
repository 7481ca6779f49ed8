/*
 * Computes under a 1 kHz timer interrupt until it has seen 200 of them, prints
 * how far it came, halts for ever. Under -icount two runs are the same.
 */
#include "tests/guests/guest.h"

#define PIT_HZ 1193182
#define TICKS 200
#define TIMER_VECTOR 0x20

struct gate { uint16_t low, selector, type, high; };

static struct gate idt[TIMER_VECTOR + 1];
static volatile uint32_t ticks;

/* The handler: count, tell the 8259 (OCW2 20h), go on. */
__asm__("timer_entry:\n"
        "   pushl %eax\n"
        "   incl ticks\n"
        "   movb $0x20, %al\n"
        "   outb %al, $0x20\n"
        "   popl %eax\n"
        "   iret\n");
extern const char timer_entry[];

static void start_timer(void)
{
    struct { uint16_t limit; uint32_t base; } __attribute__((packed)) table =
        { sizeof idt - 1, (uint32_t)idt };
    uint32_t entry = (uint32_t)timer_entry;

    idt[TIMER_VECTOR] = (struct gate){ entry, 8, 0x8e00, entry >> 16 };
    outb(0x20, 0x11);                   /* 8259: vectors from 20h, IRQ0 only */
    outb(0x21, TIMER_VECTOR);
    outb(0x21, 0x04);
    outb(0x21, 0x01);
    outb(0x21, 0xfe);
    outb(0x43, 0x34);                   /* 8254: channel 0, rate generator */
    outb(0x40, PIT_HZ / 1000 & 0xff);
    outb(0x40, PIT_HZ / 1000 >> 8);
    __asm__ volatile("lidt %0; sti" : : "m"(table) : "memory");
}

void guest_main(void)
{
    uint32_t rounds = 0, hash = 1;

    serial_init();
    start_timer();
    while (ticks < TICKS) {
        hash = hash * 1664525 + 1013904223 + ticks;
        rounds++;
    }
    __asm__ volatile("cli");
    print("rounds ");
    print_hex(rounds);
    print(" hash ");
    print_hex(hash);
    print("\n");
    for (;;)
        __asm__ volatile("hlt");
}
