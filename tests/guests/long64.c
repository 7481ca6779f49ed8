/*
 * Enters long mode with 4-level paging (long64_code.S), tries what a 64-bit
 * guest does there, comes back and prints each result beside what it should be;
 * then switches off.
 */
#include "tests/guests/guest.h"

#define PIT_HZ 1193182
#define TIMER_VECTOR 0x20
#define PRESENT 1u
#define WRITE 2u
#define USER 4u
#define LARGE 0x80u
#define TABLE (PRESENT | WRITE | USER)

void long64_run(uint32_t cr3);

volatile uint32_t long64_result[16];

static uint64_t pml4[512] __attribute__((aligned(4096)));
static uint64_t pdpt[512] __attribute__((aligned(4096)));
static uint64_t low[512] __attribute__((aligned(4096)));
static uint64_t high[512] __attribute__((aligned(4096)));
/* 40000000h to 80000000h: its first entry is what the #PF handler fills. */
uint64_t long64_fault_entry[512] __attribute__((aligned(4096)));

static const struct {
    const char *name;
    uint32_t want;
} checks[16] = {
    { "cr8", 9 },
    { "msr of 64 bits", 0xffff8123u + 0x456789abu },
    { "cpuid", 0xffffffff },
    { "port", 0xffffff5a },
    { "mmio forms", 0x4241 },
    { "mmio read-modify-write", 0x42010101 },
    { "mmio strings and SSE", 0x1ffff },
    { "local APIC", 0x10 },
    { "#PF, retried", 0x21234 },
    { "#GP", 1 },
    { "#UD", 1 },
    { "syscall, swapgs", 0xaa1234 },
    { "sysret, gs", 0x55 },
    { "sfmask", 0 },
    { "timer", 3 },
    { "left long mode", 0 },
};

static bool has_long_mode(void)
{
    uint32_t a = 0x80000000u, b, c, d;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    if (a < 0x80000001u)
        return false;
    a = 0x80000001u;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    return d >> 29 & 1;
}

/* The first and the last GiB below 4 GiB onto themselves. */
static void make_tables(void)
{
    pml4[0] = (uint32_t)pdpt | TABLE;
    pdpt[0] = (uint32_t)low | TABLE;
    pdpt[1] = (uint32_t)long64_fault_entry | TABLE;
    pdpt[3] = (uint32_t)high | TABLE;
    for (uint32_t n = 0; n < 512; n++) {
        low[n] = n << 21 | TABLE | LARGE;
        high[n] = (0xc0000000u + (n << 21)) | TABLE | LARGE;
    }
}

static void start_timer(void)
{
    outb(0x20, 0x11);                   /* 8259: vectors from 20h, IRQ0 only */
    outb(0x21, TIMER_VECTOR);
    outb(0x21, 0x04);
    outb(0x21, 0x01);
    outb(0x21, 0xfe);
    outb(0x43, 0x34);                   /* 8254: channel 0, rate generator */
    outb(0x40, PIT_HZ / 1000 & 0xff);
    outb(0x40, PIT_HZ / 1000 >> 8);
}

void guest_main(void)
{
    unsigned bad = 0;

    serial_init();
    if (!has_long_mode()) {
        print("long64: this CPU has no long mode\n");
        power_off();
    }
    make_tables();
    start_timer();
    long64_run((uint32_t)pml4);
    for (unsigned n = 0; n < 16; n++) {
        bool ok = long64_result[n] == checks[n].want;

        bad += !ok;
        print(ok ? "ok  " : "BAD ");
        print_hex(long64_result[n]);
        print(" ");
        print(checks[n].name);
        print("\n");
    }
    print(bad ? "long64: failed\n" : "long64: passed\n");
    power_off();
}
