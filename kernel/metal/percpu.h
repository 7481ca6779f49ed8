/*
 * What each core has of its own, reached through GS.
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
    bool online;                /* atomic: it runs smp.c's loop */
    /* Waiting (wait.c). Atomic: others set and read them. */
    bool wake;                  /* ends the current or the next wait */
    bool asleep;                /* between the look at `wake` and HLT's end */
    uint64_t idle_ns;           /* spent there */
    /* What it runs (smp.c); core 0 runs kernel_main. Atomic. */
    void (*thread)(void *ctx);
    void *thread_ctx;
    /* A panic (panic.c) */
    unsigned panics;            /* begun on this core */
    const char *panic_what;     /* the last one */
    uint64_t stopped_rip;       /* where another core's panic stopped it */
    bool stopped;               /* atomic */
    /* Clock anchor (clock.c): this TSC value was this time. */
    uint64_t clock_tsc, clock_ns, clock_last;
    uint64_t clock_pm_ticks;    /* of the PM timer since clock_init */
    uint64_t clock_due_ns;      /* the anchor's age to move it at */
    /* The comparison of its TSC with core 0's, at its start. Atomic. */
    unsigned sync_asked, sync_answered;
    uint64_t sync_tsc;
    int64_t tsc_ahead;          /* of core 0's */
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
