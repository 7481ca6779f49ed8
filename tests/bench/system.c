/* See system.h. */
#include "tests/bench/system.h"
#include "tests/guests/guest.h"

#define ENTRIES 1024u
#define LOW_TABLES 16u              /* 64 MiB */
#define VECTORS 0x82u
#define PRESENT_WRITE 3u
#define PRESENT_WRITE_USER 7u
#define GATE 0x8e00u                /* 32-bit interrupt gate, present */
#define GATE_USER 0xee00u
#define TSS_DESCRIPTOR 0x0000890000000000u
#define CR0_MP 0x2u
#define CR0_EM_TS 0xcu
#define CR0_NE 0x20u
#define CR0_WP 0x10000u
#define CR0_PG 0x80000000u
#define CR4_OSFXSR 0x200u
#define CR4_OSXMMEXCPT 0x400u
#define MSR_SYSENTER_CS 0x174u      /* ESP and EIP follow */

enum { VECTOR_PF = 14, VECTOR_CALL = 0x80, VECTOR_END = 0x81 };
enum { CODE0 = 8, DATA0 = 16, DATA3 = 32 | 3, TSS = 40 };
enum { TSS_ESP0 = 1, TSS_SS0 = 2, TSS_WORDS = 26 };

struct gate { uint16_t offset_low, selector, type, offset_high; };

uint32_t system_window[ENTRIES] __attribute__((aligned(SYSTEM_PAGE)));
uint32_t system_directory[2][ENTRIES] __attribute__((aligned(SYSTEM_PAGE)));
uint32_t system_calls;
static uint32_t low[LOW_TABLES * ENTRIES] __attribute__((aligned(SYSTEM_PAGE)));
static struct gate idt[VECTORS];
static uint64_t gdt[6];
static uint32_t tss[TSS_WORDS];

extern const char call_entry[], call_end[], sysenter_entry[];
extern const char unexpected_entry[];
extern const char user_begin[], user_end[], user_stack[], kernel_stack_top[];
void system_unexpected(void);

void system_unexpected(void)
{
    print("unexpected exception\n");
    power_off();
}

static void set_gate(unsigned vector, const char *entry, uint16_t type)
{
    uint32_t at = (uint32_t)entry;

    idt[vector] = (struct gate){ (uint16_t)at, CODE0, type, at >> 16 };
}

void system_on_fault(const char *entry) { set_gate(VECTOR_PF, entry, GATE); }

static void set_user(const char *from, const char *to)
{
    for (uint32_t at = (uint32_t)from; at < (uint32_t)to; at += SYSTEM_PAGE)
        low[at / SYSTEM_PAGE] = at | PRESENT_WRITE_USER;
}

static void paging_on(void)
{
    uint32_t cr0;

    for (uint32_t n = 0; n < LOW_TABLES * ENTRIES; n++)
        low[n] = n * SYSTEM_PAGE | PRESENT_WRITE;
    set_user(user_begin, user_end);
    set_user(user_stack, user_stack + SYSTEM_PAGE);
    for (unsigned space = 0; space < 2; space++) {
        for (uint32_t n = 0; n < LOW_TABLES; n++)
            system_directory[space][n] = (uint32_t)(low + n * ENTRIES) |
                                         PRESENT_WRITE_USER;
        system_directory[space][SYSTEM_WINDOW >> 22] =
            (uint32_t)system_window | PRESENT_WRITE_USER;
    }
    __asm__ volatile("mov %0, %%cr3" : : "r"(system_directory[0]));
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("mov %0, %%cr0"
                     : : "r"((cr0 & ~CR0_EM_TS) | CR0_PG | CR0_WP | CR0_MP |
                             CR0_NE));
}

static void set_segments(void)
{
    struct { uint16_t limit; uint32_t base; } __attribute__((packed))
        gdtr = { sizeof gdt - 1, (uint32_t)gdt },
        idtr = { sizeof idt - 1, (uint32_t)idt };
    uint64_t base = (uint32_t)tss;

    gdt[1] = 0x00cf9b000000ffff;
    gdt[2] = 0x00cf93000000ffff;
    gdt[3] = 0x00cffb000000ffff;
    gdt[4] = 0x00cff3000000ffff;
    gdt[5] = TSS_DESCRIPTOR | (sizeof tss - 1) | (base & 0xffffff) << 16 |
             (base >> 24) << 56;
    tss[TSS_ESP0] = (uint32_t)kernel_stack_top;
    tss[TSS_SS0] = DATA0;
    for (unsigned n = 0; n < VECTORS; n++)
        set_gate(n, unexpected_entry, GATE);
    set_gate(VECTOR_CALL, call_entry, GATE_USER);
    set_gate(VECTOR_END, call_end, GATE_USER);
    __asm__ volatile("lgdt %0; lidt %1" : : "m"(gdtr), "m"(idtr));
    /* Data segments of ring 3 in both rings, as Linux has them. */
    __asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs; mov %0, %%gs"
                     : : "r"(DATA3));
    __asm__ volatile("ltr %w0" : : "r"(TSS));
}

static void write_msr(uint32_t msr, uint32_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"(value), "d"(0));
}

void system_start(void)
{
    uint32_t cr4;

    outb(0x21, 0xff);               /* no interrupt waits, either */
    outb(0xa1, 0xff);
    set_segments();
    paging_on();
    write_msr(MSR_SYSENTER_CS, CODE0);
    write_msr(MSR_SYSENTER_CS + 1, (uint32_t)kernel_stack_top);
    write_msr(MSR_SYSENTER_CS + 2, (uint32_t)sysenter_entry);
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4; fninit"
                     : : "r"(cr4 | CR4_OSFXSR | CR4_OSXMMEXCPT));
}
