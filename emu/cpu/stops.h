/*
 * Where whoever debugs a guest wants its CPU to stop: places that the guest
 * knows nothing of. Neither its memory nor its debug registers change.
 *
 * struct cpu's `stops` points to them while there are any, and is NULL
 * otherwise. An engine's run then ends with ENGINE_DEBUG and `reason`. They are
 * changed between runs only, and engine_ops.map_changed follows, as decoded
 * code ends before breakpoints and TLBs know what is watched.
 */
#ifndef EMU_CPU_STOPS_H
#define EMU_CPU_STOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu;

#define CPU_STOPS 64u           /* at a time */
#define CPU_WATCH_MAX 4096u     /* bytes that one may watch */

enum cpu_stop_kind {
    CPU_STOP_BREAK,             /* before the instruction at the address */
    CPU_STOP_WRITE,             /* after one that wrote there, */
    CPU_STOP_READ,              /* read there, */
    CPU_STOP_ACCESS,            /* or either */
};

enum cpu_stop_reason { CPU_RUNS, CPU_STEPPED, CPU_BROKE, CPU_WATCHED };

struct cpu_stop {
    uint64_t addr;              /* linear */
    uint32_t len;               /* bytes; a breakpoint's is of no account */
    uint8_t kind;               /* enum cpu_stop_kind */
};

struct cpu_stops {
    struct cpu_stop stop[CPU_STOPS];
    unsigned count;
    bool breaks, watches;       /* are there any of that kind? */
    /*
     * Stop after one instruction, or at the handler of the exception that it
     * raised. Interrupts are held, unless the CPU halts for one.
     */
    bool step;
    bool went_on;               /* the engine's: that has happened */
    bool watch_hit;             /* the engine's: by the last instruction */
    enum cpu_stop_reason reason;        /* of the last ENGINE_DEBUG */
    struct cpu_stop hit;        /* CPU_WATCHED: which one */
};

/*
 * 0, also if it is there already; -EINVAL: not such a place; -ENOSPC: CPU_STOPS
 * are there.
 */
int cpu_stops_add(struct cpu_stops *s, enum cpu_stop_kind kind, uint64_t addr,
                  uint64_t len);
/* 0 or -ENOENT. */
int cpu_stops_remove(struct cpu_stops *s, enum cpu_stop_kind kind,
                     uint64_t addr, uint64_t len);

/* ---- For engines --------------------------------------------------------- */

/* Is there a breakpoint at this linear address? */
bool cpu_stops_break(const struct cpu_stops *s, uint64_t lin);
/*
 * Is there one that code at `lin` may not run over unseen? Of any page, as
 * decoded code is kept by its physical address.
 */
bool cpu_stops_near(const struct cpu_stops *s, uint64_t lin);
/* DEBUG_WATCH_* of debug.h: which accesses to [lin, lin+n) are watched. */
unsigned cpu_stops_watched(const struct cpu_stops *s, uint64_t lin,
                           unsigned n);
/*
 * Between two instructions, with nothing to be delivered: has what a watchpoint
 * or a step waits for happened? Then `reason` says which, and it is over.
 */
bool cpu_stops_due(struct cpu_stops *s);
/* An access: true if it hit, which is noted. */
bool cpu_stops_access(struct cpu_stops *s, uint64_t lin, unsigned n,
                      bool write);

#endif
