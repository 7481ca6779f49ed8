/*
 * Paging and what a hardware engine must get right around it, under a 1 kHz
 * timer: demand paging, INVLPG and CR3 against old translations (also next to
 * a port access, where engines change over), ring 3, single step, a data
 * breakpoint, and the FPU across interrupts. Prints what it counted, which is
 * the same on every engine.
 */
#include "tests/guests/guest.h"

#define PIT_HZ 1193182
#define PAGE 4096u
#define DEMAND_BASE 0x400000u   /* 4 MiB: the second page table's */
#define DEMAND_PAGES 64u
#define ROUNDS 20u
#define TICKS 50u
#define PRESENT_WRITE_USER 7u
#define ENTRIES 1024u

enum { VECTOR_DB = 1, VECTOR_PF = 14, VECTOR_TIMER = 0x20, VECTOR_CALL = 0x30 };
enum { CODE0 = 8, DATA0 = 16, CODE3 = 24 | 3, DATA3 = 32 | 3, TSS = 40 };

struct gate { uint16_t low, selector, type, high; };

static uint32_t directory[ENTRIES] __attribute__((aligned(PAGE)));
static uint32_t low[ENTRIES] __attribute__((aligned(PAGE)));
static uint32_t demand[ENTRIES] __attribute__((aligned(PAGE)));
static uint8_t frames[2][PAGE] __attribute__((aligned(PAGE)));
static struct gate idt[VECTOR_CALL + 1];
static uint64_t gdt[6];
static uint32_t tss[26];
static uint8_t user_stack[512] __attribute__((aligned(16), used));
static uint32_t resume_esp __attribute__((used));

static volatile uint32_t ticks, faults, steps, hits, watched, calls, wrong;

/* Handlers: all registers kept, C behind them; #PF takes its error code off. */
__asm__("timer_entry:\n"
        "   pushl %eax\n"
        "   incl ticks\n"
        "   movb $0x20, %al\n"
        "   outb %al, $0x20\n"
        "   popl %eax\n"
        "   iret\n"
        "fault_entry:\n"
        "   pusha\n"
        "   call on_fault\n"
        "   popa\n"
        "   addl $4, %esp\n"
        "   iret\n"
        "debug_entry:\n"
        "   pusha\n"
        "   call on_debug\n"
        "   popa\n"
        "   iret\n"
        /* From ring 3 for good: back to where go_to_ring3 was called. */
        "call_entry:\n"
        "   movw $16, %ax\n"
        "   movw %ax, %ds\n"
        "   movw %ax, %es\n"
        "   movl resume_esp, %esp\n"
        "   popa\n"
        "   sti\n"
        "   ret\n"
        "go_to_ring3:\n"
        "   pusha\n"
        "   movl %esp, resume_esp\n"
        "   movw $35, %ax\n"
        "   movw %ax, %ds\n"
        "   movw %ax, %es\n"
        "   pushl $35\n"
        "   pushl $user_stack + 512\n"
        "   pushf\n"
        "   pushl $27\n"
        "   pushl $1f\n"
        "   iret\n"
        "1: incl calls\n"
        "   int $0x30\n");
extern const char timer_entry[], fault_entry[], debug_entry[], call_entry[];
void go_to_ring3(void);
void on_fault(void);
void on_debug(void);

static void expect(bool good)
{
    if (!good)
        wrong++;
}

static void invalidate(uint32_t linear)
{
    __asm__ volatile("invlpg (%0)" : : "r"(linear) : "memory");
}

static void reload_cr3(void)
{
    uint32_t v;

    __asm__ volatile("movl %%cr3, %0; movl %0, %%cr3" : "=r"(v) : : "memory");
}

/* Page n of the demand area goes to either frame, by its number. */
void on_fault(void)
{
    uint32_t linear, n;

    __asm__ volatile("movl %%cr2, %0" : "=r"(linear));
    n = (linear - DEMAND_BASE) / PAGE;
    faults++;
    if (n >= DEMAND_PAGES) {
        print("fault at ");
        print_hex(linear);
        power_off();
    }
    demand[n] = (uint32_t)frames[n & 1] | PRESENT_WRITE_USER;
}

void on_debug(void)
{
    uint32_t dr6, zero = 0;

    __asm__ volatile("movl %%dr6, %0; movl %1, %%dr6" : "=&r"(dr6) : "r"(zero));
    if (dr6 & 0x4000)
        steps++;
    if (dr6 & 1)
        hits++;
}

static void set_gate(unsigned vector, const char *entry, unsigned type)
{
    uint32_t at = (uint32_t)entry;

    idt[vector] = (struct gate){ at, CODE0, type, at >> 16 };
}

static void start_tables(void)
{
    struct { uint16_t limit; uint32_t base; } __attribute__((packed))
        idtr = { sizeof idt - 1, (uint32_t)idt },
        gdtr = { sizeof gdt - 1, (uint32_t)gdt };
    uint64_t base = (uint32_t)tss;

    gdt[CODE0 / 8] = 0x00cf9a000000ffff;
    gdt[DATA0 / 8] = 0x00cf92000000ffff;
    gdt[CODE3 / 8] = 0x00cffa000000ffff;
    gdt[DATA3 / 8] = 0x00cff2000000ffff;
    gdt[TSS / 8] = 0x0000890000000067 | (base & 0xffffff) << 16 |
                   (base >> 24) << 56;
    __asm__ volatile("movl %%esp, %0" : "=m"(tss[1]));
    tss[1] -= 1024;             /* interrupts of ring 3: below our stack */
    tss[2] = DATA0;
    set_gate(VECTOR_DB, debug_entry, 0x8e00);
    set_gate(VECTOR_PF, fault_entry, 0x8e00);
    set_gate(VECTOR_TIMER, timer_entry, 0x8e00);
    set_gate(VECTOR_CALL, call_entry, 0xee00);
    __asm__ volatile("lgdt %0; lidt %1; ltr %w2"
                     : : "m"(gdtr), "m"(idtr), "r"(TSS) : "memory");
}

static void start_timer(void)
{
    outb(0x20, 0x11);
    outb(0x21, VECTOR_TIMER);
    outb(0x21, 0x04);
    outb(0x21, 0x01);
    outb(0x21, 0xfe);
    outb(0x43, 0x34);
    outb(0x40, PIT_HZ / 1000 & 0xff);
    outb(0x40, PIT_HZ / 1000 >> 8);
    __asm__ volatile("sti");
}

static void start_paging(void)
{
    for (unsigned i = 0; i < ENTRIES; i++)
        low[i] = i * PAGE | PRESENT_WRITE_USER;
    directory[0] = (uint32_t)low | PRESENT_WRITE_USER;
    directory[1] = (uint32_t)demand | PRESENT_WRITE_USER;
    __asm__ volatile("movl %0, %%cr3\n\t"
                     "movl %%cr0, %%eax\n\t"
                     "orl $0x80010000, %%eax\n\t"      /* PG, WP */
                     "movl %%eax, %%cr0"
                     : : "r"(directory) : "eax", "memory");
}

static void stop_paging(void)
{
    __asm__ volatile("movl %%cr0, %%eax\n\t"
                     "andl $0x7fffffff, %%eax\n\t"
                     "movl %%eax, %%cr0"
                     : : : "eax", "memory");
}

static volatile uint8_t *demand_page(unsigned n)
{
    return (volatile uint8_t *)(DEMAND_BASE + n * PAGE);
}

/* Touch every page; then each must still show its frame. */
static void page_round(unsigned round)
{
    for (unsigned n = 0; n < DEMAND_PAGES; n++)
        demand_page(n)[round] = n & 1;
    for (unsigned n = 0; n < DEMAND_PAGES; n++)
        expect(demand_page(n)[round] == (n & 1));
    /* Swap the first two, with and without a device in between. */
    frames[0][0] = 10;
    frames[1][0] = 11;
    expect(*demand_page(0) == 10 && *demand_page(1) == 11);
    demand[0] = (uint32_t)frames[1] | PRESENT_WRITE_USER;
    if (round & 1)
        outb(0x80, round);
    invalidate(DEMAND_BASE);
    expect(*demand_page(0) == 11);
    demand[1] = (uint32_t)frames[0] | PRESENT_WRITE_USER;
    if (round & 2)
        outb(0x80, round);
    reload_cr3();
    expect(*demand_page(1) == 10);
    for (unsigned n = 0; n < DEMAND_PAGES; n++)
        demand[n] = 0;
    reload_cr3();
}

static void step_and_watch(void)
{
    __asm__ volatile("pushf; orl $0x100, (%%esp); popf\n\t"
                     "nop; nop; nop\n\t"
                     "pushf; andl $~0x100, (%%esp); popf"
                     : : : "memory");
    __asm__ volatile("movl %0, %%dr0; movl %1, %%dr7"
                     : : "r"(&watched), "r"(0xd0001));  /* writes, 4 bytes */
    watched = 1;
    watched = 2;
    __asm__ volatile("movl %0, %%dr7" : : "r"(0));
    watched = 3;
}

/* pi stays on the x87 stack while interrupts come. */
static void keep_fpu(void)
{
    uint32_t until = ticks + 3, bits;
    float pi;

    __asm__ volatile("fninit; fldpi");
    while ((int32_t)(ticks - until) < 0)
        continue;
    __asm__ volatile("fstps %0" : "=m"(pi));
    memcpy(&bits, &pi, sizeof bits);
    expect(bits == 0x40490fdb);
}

static void report(const char *what, uint32_t n)
{
    print(what);
    print_hex(n);
}

void guest_main(void)
{
    serial_init();
    start_tables();
    start_paging();
    start_timer();
    for (unsigned i = 0; i < ROUNDS; i++) {
        page_round(i);
        go_to_ring3();
    }
    step_and_watch();
    keep_fpu();
    while (ticks < TICKS)
        continue;
    __asm__ volatile("cli");
    stop_paging();
    report("faults ", faults);
    report(" steps ", steps);
    report(" hits ", hits);
    report(" calls ", calls);
    report(" wrong ", wrong);
    print("\n");
    power_off();
}
