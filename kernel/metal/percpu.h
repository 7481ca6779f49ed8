/*
 * What each core has of its own, reached through GS. One core runs today; more
 * get a struct each and find it the same way.
 */
#ifndef KERNEL_METAL_PERCPU_H
#define KERNEL_METAL_PERCPU_H

#include <stdbool.h>
#include <stdint.h>

#define PERCPU_MAX 8u
#define IST_STACK_BYTES 8192u

/* Exceptions that may come on a bad stack have one of their own (IST 1..4). */
enum ist { IST_NONE, IST_DOUBLE_FAULT, IST_NMI, IST_MACHINE_CHECK, IST_DEBUG,
           IST_COUNT };

/* 64-bit task state segment, Intel SDM vol. 3 8.7. */
struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3, io_map;
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "TSS");

struct percpu {
    struct percpu *self;        /* at gs:0 */
    unsigned index;             /* 0: the I/O core */
    uint32_t apic_id;
    volatile bool wake;         /* ends the current or the next wait */
    unsigned panics;            /* panics begun on this core */
    /* Clock anchor (clock.c): this TSC value was this time. */
    uint64_t clock_tsc, clock_ns, clock_last;
    uint64_t clock_pm_ticks;
    char log_line[256];         /* being formatted */
    uint64_t gdt[5];
    struct tss tss;
    uint8_t ist_stack[IST_COUNT][IST_STACK_BYTES]
        __attribute__((aligned(16)));
};

static inline struct percpu *this_cpu(void)
{
    struct percpu *p;
    __asm__ volatile("mov %%gs:0, %0" : "=r"(p));
    return p;
}

/* Descriptor tables, stacks and GS of core `index`, on that core. */
void percpu_init(unsigned index);
/* The core of this index; index < PERCPU_MAX. */
struct percpu *percpu_get(unsigned index);

#define SELECTOR_CODE 0x08u
#define SELECTOR_DATA 0x10u
#define SELECTOR_TSS 0x18u

#endif
