/*
 * A CPU engine: something that can execute a struct cpu. "interp" is the
 * reference. All engines keep their state in struct cpu between runs, so that
 * one can stop and another go on.
 */
#ifndef EMU_CPU_ENGINE_H
#define EMU_CPU_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu;
struct engine;

enum engine_exit {
    ENGINE_BUDGET,              /* max_insns were executed */
    ENGINE_HALTED,              /* HLT and nothing pending */
    ENGINE_KICKED,              /* engine_ops.kick, or a machine request */
    ENGINE_SHUTDOWN,            /* triple fault */
};

struct engine_ops {
    const char *name;
    bool long_mode;             /* runs models with long mode */
    /* 0, or -errno with the reason in words in `why` (at most `size`). */
    int (*probe)(char *why, size_t size);
    /* Bind to `cpu`, which outlives the engine. NULL: no memory. */
    struct engine *(*create)(struct cpu *cpu);
    void (*destroy)(struct engine *e);
    /*
     * Execute up to `max_insns` instructions (a hint within one trace unless
     * the cpu is in exact mode, cpu->exact_count, when it is exact).
     * Interrupts are taken while cpu->intr or cpu->nmi is set and the guest
     * accepts them.
     */
    enum engine_exit (*run)(struct engine *e, uint64_t max_insns);
    /* Bytes [addr, addr+len) of guest-physical memory changed by DMA. */
    void (*memory_changed)(struct engine *e, uint64_t addr, uint64_t len);
    /* The physical memory map changed (PAM, A20, BAR): forget all. */
    void (*map_changed)(struct engine *e);
    /* Make run return soon with ENGINE_KICKED. Any thread. */
    void (*kick)(struct engine *e);
};

extern const struct engine_ops engine_interp;

/* All engines of this build, fastest first; NULL-terminated. */
extern const struct engine_ops *const engines[];

#endif
