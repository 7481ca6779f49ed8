/*
 * A CPU engine: something that can execute a struct cpu. "interp" is the
 * reference. All engines keep their state in struct cpu between runs, so that
 * one can stop and another go on.
 *
 * The platform lists the engines that it can have (platform_engines in
 * kernel/platform.h); emu/ knows its own.
 */
#ifndef EMU_CPU_ENGINE_H
#define EMU_CPU_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu;
struct engine;

enum engine_exit {
    ENGINE_BUDGET,              /* max_insns or max_ns are over */
    ENGINE_HALTED,              /* HLT and nothing pending */
    ENGINE_KICKED,              /* engine_ops.kick, or a machine request */
    ENGINE_SHUTDOWN,            /* triple fault */
    ENGINE_FAILED,              /* cannot go on; cpu_bus.report was told why */
    ENGINE_DEBUG,               /* cpu->stops, which say why (stops.h) */
};

/* May a translator map guest memory at its linear addresses? */
enum engine_window { ENGINE_WINDOW_AUTO, ENGINE_WINDOW_ON, ENGINE_WINDOW_OFF };

struct engine_ops {
    const char *name;
    bool long_mode;             /* runs models with long mode */
    /*
     * run obeys max_insns. Else (hardware) it obeys max_ns, and counts, one by
     * one, only while cpu->exact_count is set.
     */
    bool counts_insns;
    /* Bytes that create takes more than engine_interp's; 0: few. */
    size_t extra_memory;
    /* 0, or -errno with the reason in words in `why` (at most `size`). */
    int (*probe)(char *why, size_t size);
    /*
     * Bind to `cpu`, which outlives the engine. The pointer is whoever's
     * called, and is passed to all the rest. NULL: no memory.
     */
    struct engine *(*create)(struct cpu *cpu);
    void (*destroy)(struct engine *e);
    /*
     * Execute up to `max_insns` instructions (a hint within one trace unless
     * the cpu is in exact mode, cpu->exact_count, when it is exact), or for
     * `max_ns` of the host's time: see counts_insns.
     * Interrupts are taken while cpu->intr or cpu->nmi is set and the guest
     * accepts them.
     */
    enum engine_exit (*run)(struct engine *e, uint64_t max_insns,
                            uint64_t max_ns);
    /* Bytes [addr, addr+len) of guest-physical memory changed by DMA. */
    void (*memory_changed)(struct engine *e, uint64_t addr, uint64_t len);
    /* The physical memory map changed (PAM, A20, BAR): forget all. */
    void (*map_changed)(struct engine *e);
    /* Make run return soon with ENGINE_KICKED. Any thread. */
    void (*kick)(struct engine *e);
    /*
     * Compare what native code does with the interpreter, one stretch of it in
     * `every`; before the first run. 0 or -ENOMEM. NULL: it cannot.
     */
    int (*check)(struct engine *e, unsigned every);
    /*
     * Before the first run; AUTO is the default. 0, or -ENOTSUP: it has to and
     * cannot. NULL: it never does.
     */
    int (*window)(struct engine *e, enum engine_window window);
    /*
     * 0, or why it cannot stop this CPU at all of cpu->stops, unseen by its
     * guest: -ENOTSUP such a kind, -ENOSPC so many. NULL: it always can.
     */
    int (*can_debug)(const struct engine *e);
    /*
     * Text for the monitor, as machine_info's: what the engine counted. NULL:
     * nothing.
     */
    int (*info)(struct engine *e, char *buf, size_t size);
};

extern const struct engine_ops engine_interp;
/* A translator (emu/jit). Without cpu->bus->code_memory `create` says NULL. */
extern const struct engine_ops engine_jit;

/* ---- engine_interp's in another engine's service, on the same struct cpu --- */

/*
 * Registers and guest memory were changed behind the interpreter's back: it
 * looks at all that it remembers again before it uses it. Cheap.
 */
void interp_resync(struct engine *interp);
/*
 * A number that changes when the interpreter drops translations of linear
 * addresses: then whoever else keeps some must, too.
 */
uint32_t interp_mapping(const struct engine *interp);
/*
 * Deliver this before the next instruction: an exception, or (`external`) an
 * interrupt or NMI that was acknowledged already.
 */
void interp_raise(struct engine *interp, unsigned vector, bool external,
                  bool has_error, uint32_t error);

#endif
