/*
 * -accel jit,check=on: each stretch of translated code, from where C let it go
 * to where it comes back, is compared with the interpreter. The handlers go
 * first, instruction by instruction in a dry run (emu/cpu/dry_run.h), as far
 * as they can without a walk, a device or a fault; all states on the way are
 * kept. Then the host code runs, for one trace only, and what it leaves must
 * be the state at that place. What the translator itself leaves to a handler
 * is not run twice, and need not be compared.
 */
#ifndef EMU_JIT_CHECK_H
#define EMU_JIT_CHECK_H

#include "emu/cpu/dry_run.h"
#include "emu/jit/jit.h"

/* Before an instruction: what most of them change of struct cpu. */
struct check_state {
    unsigned writes;            /* of the dry run, so far */
    bool own_fpu;               /* false: as `start` has it */
    struct cpu_fpu fpu;
    _Alignas(struct cpu) uint8_t head[offsetof(struct cpu, seg)];   /* its */
};

struct jit_check {
    unsigned every, left;       /* stretches from one compared to the next */
    bool *by_handler;           /* no native form; as jit.plain */
    /* The stretch at work. */
    bool open;
    struct trace *trace;
    unsigned first, last;       /* states there are */
    bool left_trace;            /* at `last` */
    bool faulted;               /* the instruction at `last` would */
    bool cut;                   /* it was begun, so `end` may have some of it */
    uint64_t limit;             /* run.limit to be put back */
    struct dry_run dry;
    uint8_t native[DRY_RUN_WRITES][DRY_RUN_BYTES];      /* written by it */
    struct check_state at[TRACE_INSNS + 2];
    /* At `first` and `last`, or in the midst of that: all but the inputs. */
    struct cpu start, end;
    struct cpu interp, jit;     /* to be compared */
    uint32_t undefined;         /* flags that may differ */
    uint64_t compared, insns, unknown;  /* stretches; ... not to be compared */
};

struct jit_check *jit_check_new(unsigned every);        /* NULL: no memory */
void jit_check_free(struct jit_check *ch);

/* run.c: host code is about to go on at instruction k of `t`. */
void jit_check_begin(struct cpu *c, struct trace *t, unsigned k);
/*
 * It has come back, flags are lazy. Instructions up to k are done, and the
 * next one is at `rip` and has the number `count`. k CHECK_GONE: it left the
 * trace, wherever.
 */
void jit_check_end(struct cpu *c, unsigned k, uint32_t rip, uint64_t count);
/* It will not be run after all. */
void jit_check_cancel(struct cpu *c);
#define CHECK_GONE (~0u)

/* check_report.c: a difference at state `k`, by words; does not return. */
_Noreturn void check_report(struct cpu *c, unsigned k, const char *what);

#endif
