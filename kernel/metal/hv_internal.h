/* Between the files of hv.h; backends do not need it. */
#ifndef KERNEL_METAL_HV_INTERNAL_H
#define KERNEL_METAL_HV_INTERNAL_H

#include "emu/cpu/debug.h"
#include "kernel/metal/hv.h"

#define HV_SITES 1024u
#define HV_PORTS 65536u

/* hv_stretch.c: an instruction that exits for a device, by its address. */
struct hv_site {
    uint64_t rip;
    uint32_t rest;              /* exits to emulate before the next stretch */
};

/* hv_bus.c: put ourselves between the CPU and its machine. */
void hv_bus_init(struct hv *h);

/* hv_tsc.c: a run begins, a run ends. */
void hv_tsc_enter(struct hv *h);
void hv_tsc_leave(struct hv *h);
/* The guest's TSC before its own offset. */
uint64_t hv_tsc_now(const struct hv *h);

/*
 * hv_long.c: do what left a guest in long mode; struct cpu is fetched. As
 * hv_stretch; ENGINE_BUDGET is to go on.
 */
enum engine_exit hv_long(struct hv *h, const struct hv_exit *x);

/*
 * hv_long.c: with h->iret, what an entry came to that was to execute an IRET;
 * before the exit is handled.
 */
void hv_long_stepped(struct hv *h, const struct hv_exit *x);

/* hv_long.c: the instruction at rip, by the emulator; after hv_modify. */
void hv_emulate(struct hv *h);

/*
 * hv_debug.c, in long mode with cpu->stops, but hv_debug_registers, which every
 * load of the guest's state needs: h->dr, h->dr7, h->walks by what is in struct
 * cpu. How many of the guest's breakpoints found no place.
 */
unsigned hv_debug_registers(struct hv *h);
/* Before events are chosen: has a watchpoint hit, or the step been made? */
bool hv_debug_is_over(struct hv *h);
/* After that: is there a breakpoint at rip? */
bool hv_debug_breaks(struct hv *h);
/*
 * What must not be left to the processor under TF: then it was done. False:
 * enter; with h->step for one instruction.
 */
bool hv_debug_alone(struct hv *h);
/* After such an entry, before the exit is handled. */
void hv_debug_stepped(struct hv *h, const struct hv_exit *x);
/*
 * DR6 bits of a #DB, as of h->dr: a debugger's are noted in cpu->stops; what is
 * left, as of the guest's DR0 to DR3.
 */
uint64_t hv_debug_note(struct hv *h, uint64_t dr6);

/* hv_stretch.c: the port access of this exit. False: not one so simple. */
bool hv_emulate_io(struct hv *h, const struct hv_exit *x);

/* Instructions are counted; 32-bit guests only. */
static inline bool hv_is_exact(const struct hv *h)
{
    return h->cpu->exact_count && !cpu_model_is_64bit(h->cpu->model);
}
/* hv_exact.c: hv_run for them. */
enum engine_exit hv_run_exact(struct hv *h, uint64_t max_insns);

/* hv.c: one entry and exit. */
void hv_enter(struct hv *h, struct hv_exit *x);
/* hv.c: deliver an exception at the next entry. */
void hv_inject(struct hv *h, uint8_t vector, bool has_error, uint32_t error);
/* ... #DB, with what its delivery does to DR6 and DR7; after hv_modify. */
static inline void hv_inject_debug(struct hv *h, uint64_t dr6)
{
    h->cpu->dr[6] |= dr6;
    h->cpu->dr[7] &= ~(uint64_t)DR7_GD;
    hv_inject(h, EXC_DB, false, 0);
}

#endif
