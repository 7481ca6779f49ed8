/* See percpu.h. Descriptor formats: Intel SDM vol. 3 3.4.5 and 8.2.3. */
#include "kernel/metal/percpu.h"

#include "kernel/metal/arch.h"

#define GDT_CODE64 0x00af9b000000ffffull
#define GDT_DATA 0x00cf93000000ffffull
#define TSS_AVAILABLE 0x89ull

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static struct percpu cpus[PERCPU_MAX];

struct percpu *percpu_get(unsigned index) { return &cpus[index]; }

static void fill_gdt(struct percpu *p)
{
    uint64_t base = (uintptr_t)&p->tss;

    p->gdt[0] = 0;
    p->gdt[SELECTOR_CODE / 8] = GDT_CODE64;
    p->gdt[SELECTOR_DATA / 8] = GDT_DATA;
    p->gdt[SELECTOR_TSS / 8] = (sizeof p->tss - 1) |
                               (base & 0xffffff) << 16 | TSS_AVAILABLE << 40 |
                               (base >> 24 & 0xff) << 56;
    p->gdt[SELECTOR_TSS / 8 + 1] = base >> 32;
}

static void load_gdt(const struct percpu *p)
{
    struct table_pointer gdtr = {sizeof p->gdt - 1, (uintptr_t)p->gdt};

    __asm__ volatile(
        "lgdt %0\n\t"
        "pushq %1\n\t"
        "leaq 1f(%%rip), %%rax\n\t"
        "pushq %%rax\n\t"
        "lretq\n"
        "1:\n\t"
        "movl %2, %%eax\n\t"
        "movl %%eax, %%ds\n\t"
        "movl %%eax, %%es\n\t"
        "movl %%eax, %%ss\n\t"
        "movl %%eax, %%fs\n\t"
        "movl %%eax, %%gs\n\t"
        "movw %3, %%ax\n\t"
        "ltr %%ax"
        : : "m"(gdtr), "i"(SELECTOR_CODE), "i"(SELECTOR_DATA),
            "i"(SELECTOR_TSS)
        : "rax", "memory");
}

void percpu_init(unsigned index)
{
    struct percpu *p = &cpus[index];

    p->self = p;
    p->index = index;
    for (unsigned i = IST_DOUBLE_FAULT; i < IST_COUNT; i++)
        p->tss.ist[i - 1] = (uintptr_t)p->ist_stack[i] + IST_STACK_BYTES;
    p->tss.io_map = sizeof p->tss;
    fill_gdt(p);
    load_gdt(p);
    write_msr(MSR_GS_BASE, (uintptr_t)p);
}
