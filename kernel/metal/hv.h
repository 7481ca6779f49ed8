/*
 * What the hardware engines have in common: svm.c and vmx.c only know how to
 * enter a guest and what an exit means; everything that an exit leads to is
 * here, written once.
 *
 *   hv.c          the engine: run loop, events to deliver, what to do at exits
 *   hv_stretch.c  the interpreter in place of the processor for a while
 *   hv_long.c     the emulator in its place, in long mode
 *   hv_debug.c    a debugger's places to stop at and steps, in long mode
 *   hv_nested.c   nested page tables, from the machine's memory map
 *   hv_exact.c    one instruction at a time, for -icount and lockstep
 *   hv_bus.c      the machine's bus as the CPU sees it
 *   hv_tsc.c      the time-stamp counter
 *   hv_info.c     what was counted, as text
 *
 * Where the guest's registers are: `enter` takes gpr[], rip, rflags and inhibit
 * from struct cpu and puts them back there at every exit. The rest stays with
 * the backend (VMCB, VMCS) until hv_fetch, and goes back before the next entry
 * if hv_modify said that it was changed. The FPU's state is in cpu->fpu
 * whenever the host runs.
 *
 * All of this runs on the guest's core; a guest may move to another core
 * between runs.
 */
#ifndef KERNEL_METAL_HV_H
#define KERNEL_METAL_HV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/cpu/cpu.h"
#include "emu/cpu/engine.h"

struct hv;
struct hv_site;

/* ---- Exits --------------------------------------------------------------- */

/*
 * Why the guest was left. The state is that before the instruction, as the
 * hardware leaves it for a fault; traps (the windows, HV_EXIT_STEP, a #DB trap)
 * come between two instructions.
 */
enum hv_exit_kind {
    HV_EXIT_NONE,               /* seen to by the backend: go on */
    HV_EXIT_INTERRUPT,          /* the host's; it has been served by now */
    HV_EXIT_WINDOW,             /* the guest takes interrupts now */
    HV_EXIT_NMI_WINDOW,         /* IRET ends, or is about to end, an NMI */
    HV_EXIT_IO,                 /* io */
    HV_EXIT_MEMORY,             /* memory: not in the nested page tables */
    HV_EXIT_STEP,               /* h->step: one instruction was executed;
                                 * exception.dr6 as of the #DB that it is */
    HV_EXIT_EXCEPTION,          /* exception: #DB, #AC, and all while stepping */
    HV_EXIT_CPUID,
    HV_EXIT_RDMSR,
    HV_EXIT_WRMSR,
    HV_EXIT_HLT,
    HV_EXIT_CR,                 /* MOV to or from CR, CLTS, LMSW */
    HV_EXIT_DR,                 /* MOV to or from DR */
    HV_EXIT_TSC,                /* RDTSC */
    HV_EXIT_TASK,               /* a task switch, by instruction or event */
    HV_EXIT_INSN,               /* another one to be emulated: INVD, IRET ... */
    HV_EXIT_REFUSED,            /* virtualisation insns and such: #UD */
    HV_EXIT_SHUTDOWN,           /* triple fault */
    HV_EXIT_INVALID,            /* the hardware does not take this state */
    HV_EXIT_KINDS
};

struct hv_exit {
    enum hv_exit_kind kind;
    uint32_t code;              /* the hardware's own, for the log */
    uint8_t insn_len;           /* bytes, where the hardware tells; else 0 */
    union {
        struct {
            uint16_t port;
            uint8_t size;       /* 1, 2, 4 */
            bool in, string;
        } io;
        struct {
            uint64_t addr;      /* guest-physical */
            bool write;
        } memory;
        struct {
            uint8_t vector;
            bool has_error;
            uint32_t error;
            uint64_t cr2;       /* #PF: not in the guest's CR2 yet */
            uint64_t dr6;       /* #DB: the bits it adds to DR6, B0 to B3
                                 * being h->dr's */
        } exception;
    };
};

/* ---- Events -------------------------------------------------------------- */

/* A kind beyond enum cpu_event_kind: INT n, INT3, INTO, executed again instead. */
#define HV_EVENT_SOFTWARE (CPU_EVENT_EXCEPTION + 1)

/* ---- Nested page tables (hv_nested.c) ------------------------------------ */

/* Page table entry bits of the backend's format, 4 levels of 512. */
struct hv_pte_format {
    uint64_t table;             /* entry that points to a table */
    uint64_t page;              /* 4 KiB page, read and execute */
    uint64_t write;             /* added where writes are allowed */
    uint64_t large;             /* added for a 2 MiB page */
};

struct hv_nested {
    const struct hv_pte_format *format;
    uint64_t *pool;             /* pages for tables; [0] is the root */
    uint64_t root_phys;
    uint32_t used;              /* pages of the pool */
    uint32_t generation;        /* changes when translations were taken away,
                                 * of the guest's own tables as well */
};

/* 0 or -ENOMEM. I/O core. */
int hv_nested_create(struct hv_nested *n, const struct hv_pte_format *format);
void hv_nested_destroy(struct hv_nested *n);
/* Forget all translations. */
void hv_nested_clear(struct hv_nested *n);
/*
 * Map what lies around guest-physical `addr`, where it is memory for this kind
 * of access. False: it is not (MMIO, nothing, a write to ROM).
 */
bool hv_nested_fill(struct hv_nested *n, const struct cpu_bus *bus,
                    uint64_t addr, bool write);

/* ---- Backends ------------------------------------------------------------ */

struct hv_ops {
    /*
     * Enter the guest on this core, deliver h->event first if it is valid, and
     * come back at the next exit with interrupts on and host interrupts served.
     * Obeys h->window, h->nmi_window, h->dr and h->dr7, h->step (TF is not seen
     * in rflags after it, but for h->own_tf). On return h->event is what was being delivered when
     * the exit came, if anything. Adds to h->count.guest_ticks.
     */
    void (*enter)(struct hv *h, struct hv_exit *x);
    /* All but what `enter` moves: from the guest to struct cpu and back. */
    void (*store)(struct hv *h);
    void (*load)(struct hv *h);
};

struct hv {
    const struct hv_ops *ops;
    struct cpu *cpu;
    struct cpu_bus bus;         /* the machine's, with our eyes on it */
    const struct cpu_bus *machine_bus;
    struct engine *interp;      /* on the same cpu */
    struct hv_nested nested;

    struct cpu_event event;     /* to deliver at the next entry */
    bool window, nmi_window;    /* exit when the guest takes one */
    bool step;                  /* one instruction; exceptions exit */
    bool own_tf;                /* TF after that is its own: IRET, POPF */
    bool iret;                  /* that is the IRET of an NMI */
    bool nmi_due;               /* one waits for h->event's delivery only */

    bool ran;                   /* natively since the interpreter looked */
    /*
     * For the processor: the guest's debug registers, or with a debugger's
     * places among them (hv_debug.c); DR6 is in struct cpu alone. `owner` is 0
     * for the guest's, else one more than its number in cpu->stops.
     */
    uint64_t dr[4], dr7;
    uint8_t owner[4];
    bool no_breaks;             /* an entry arms no instruction breakpoints */
    bool walks;                 /* one step at a time, as they are too many */
    struct {                    /* of the step under way */
        bool tf;                /* the guest's own */
        bool iret;
        uint8_t inhibit;        /* the shadow in which it is */
    } before;

    bool fetched;               /* struct cpu holds all of the state */
    bool modified;              /* ... and the backend must load it */

    uint64_t deadline;          /* platform_now_ns at which run ends */
    uint64_t tsc_base;          /* guest's TSC before its offset - host's */
    uint64_t tsc_last;          /* ... when the guest last stopped */
    struct hv_site *sites;      /* hv_stretch.c: where exits come from */
    uint32_t core;              /* index of the core that runs it, or none */
    uint64_t io_count;          /* port accesses, for hv_stretch.c */

    struct {
        uint64_t entries, exits[HV_EXIT_KINDS];
        uint64_t stretches, stretch_insns;
        uint64_t emulated, unknown;     /* in long mode */
        uint64_t displaced;     /* loads without one of the guest's DRs */
        uint64_t fills, clears; /* of the nested tables */
        uint64_t run_ticks;     /* of the TSC, in runs */
        uint64_t guest_ticks;   /* ... from an entry to its exit */
        uint32_t *ports;        /* 65536: exits for each port */
    } count;
};

/* Whether `h` can be made is the backend's business; these do the rest. */
int hv_init(struct hv *h, const struct hv_ops *ops, struct cpu *cpu,
            const struct hv_pte_format *format);
void hv_exit(struct hv *h);

/* engine_ops' functions, `e` is the struct hv. */
enum engine_exit hv_run(struct engine *e, uint64_t max_insns, uint64_t max_ns);
void hv_memory_changed(struct engine *e, uint64_t addr, uint64_t len);
void hv_map_changed(struct engine *e);
void hv_kick(struct engine *e);
int hv_info(struct engine *e, char *buf, size_t size);
int hv_can_debug(const struct engine *e);

/*
 * For `enter`, with interrupts off: a kick or the end of the time that came
 * since the loop looked, or while events followed each other and it did not,
 * has been served by now and would not end the guest. It gets another
 * interrupt, which does, after the event's delivery; so it does for an NMI
 * that is next then.
 */
void hv_catch_up(const struct hv *h);

/*
 * For `enter`: is this #DB while h->step what an instruction left behind that
 * was executed? Else it is the guest's breakpoint in front of one.
 */
bool hv_debug_is_trap(const struct hv *h, uint64_t dr6);
/* Is TF in rflags our own, after this exit? Then it is cleared. */
static inline void hv_clear_step(struct hv *h, const struct hv_exit *x)
{
    if (h->step && !(h->own_tf && x->kind == HV_EXIT_STEP))
        h->cpu->rflags &= ~(uint64_t)FLAG_TF;
}

/* ---- Between the parts ---------------------------------------------------- */

/* struct cpu holds all of the guest's state after this. */
void hv_fetch(struct hv *h);
/* hv_fetch, and it is going to be changed there. */
void hv_modify(struct hv *h);

/*
 * What to add to the host's TSC for the guest to read its own (APM vol. 2
 * 15.30.5, SDM vol. 3 25.3). At every entry.
 */
uint64_t hv_tsc_offset(const struct hv *h);

/*
 * An instruction that touched a device, or another that exited: done by what
 * is best for it. ENGINE_BUDGET: go on.
 */
enum engine_exit hv_interpret(struct hv *h, const struct hv_exit *x);

/*
 * Let the interpreter go on from here (not in long mode): at least one
 * instruction, then until none of the last HV_QUIET_INSNS touched a port.
 * Delivers h->event first.
 */
#define HV_QUIET_INSNS 96u
enum engine_exit hv_stretch(struct hv *h);

#endif
