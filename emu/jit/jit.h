/*
 * The translator: an interpreter whose hot traces are host code. It shares
 * struct interp with all that belongs to it, and takes over from a trace's
 * first handler; whatever has no native form is run by its own handler.
 */
#ifndef EMU_JIT_JIT_H
#define EMU_JIT_JIT_H

#include "emu/cpu/interp.h"

#define JIT_CODE_BYTES (32u << 20)
#define JIT_TRACE_ROOM (64u << 10)      /* more than any trace needs */

/* Form of run.saved: how the flags follow from a, b and `carry`: !no_carry. */
enum saved_kind { SAVED_FLAGS,  /* a: AH as of LAHF, AL OF */
                  SAVED_CMP,    /* a - b */
                  SAVED_SUB,    /* a is what a subtraction of b left */
                  SAVED_ADD,    /* a is what an addition of b left */
                  SAVED_SBB,    /* as SUB and ADD, and `carry` went in */
                  SAVED_ADC,
                  SAVED_TEST,   /* a & b */
                  SAVED_LOGIC,  /* a is the result */
                  SAVED_INC,    /* a is the result, and CF is `carry` */
                  SAVED_DEC,
                  SAVED_KINDS };
/*
 * run.saved.how: which of the routines in replay.c makes the flags of it, as
 * its offset from the first. `size`: bytes of the operands.
 */
#define SAVED_SHIFT 6
static inline uint32_t saved_how(enum saved_kind kind, unsigned size)
{
    return ((uint32_t)kind << 2 | size >> 1) << SAVED_SHIFT;
}

static inline enum saved_kind saved_kind_of(uint32_t how)
{
    return (enum saved_kind)(how >> (SAVED_SHIFT + 2));
}

static inline unsigned saved_bits(uint32_t how)
{
    return 8u << (how >> SAVED_SHIFT & 3);
}

/*
 * A translated direct branch: offsets in the code memory, 0: none. `at`: the
 * displacement of its jump, which goes to `away` while there is no link; to
 * another page (LINK_FAR, LINK_SYSTEM) its jit_cell, kept apart from code.
 */
struct jit_branch {
    uint32_t at, away;
};
struct jit_cell {
    uint64_t gen;
    const void *target;
};

/* The code of a trace's other form (form.c). */
struct jit_form_code {
    const void *entry, *body;
};

/*
 * R15 lies this far behind the TLB's view of the CPL, and so at linear address
 * 0 of the window, if there is one: the view, and room that nobody has.
 */
#define JIT_VIEW_BYTES (TLB_SIZE * (uint32_t)sizeof(struct tlb_entry))
#define JIT_GUARD_BYTES 0x10000u
#define JIT_BASE (JIT_VIEW_BYTES + JIT_GUARD_BYTES)

struct jit_window;

struct jit_counts {
    uint64_t translated, native, by_handler;    /* traces, instructions */
    uint64_t flushes;
    /* At run time. */
    uint64_t ran;               /* instructions */
    uint64_t entered, left, handlers, unlinked, indirect, cold, fpu_loads;
};

struct jit {
    struct interp *interp;
    uint8_t *write;             /* code memory, as it is written ... */
    ptrdiff_t exec;             /* ... and what to add to execute it */
    /* In `write`: traces' code, and from `end` on their cells. */
    uint8_t *start, *next, *end;
    uint8_t *arena;             /* of traces */
    handler *plain;             /* the handlers that traces had, by offset/32 */
    struct jit_branch *branches;        /* so, too */
    struct jit_branch *other_branches;  /* of the other form ... */
    struct jit_form_code *other;        /* ... and that, by offset/64 */
    bool full;
    bool written;               /* code, since jit_serialize */
    unsigned threshold;
    struct jit_window *window;  /* window.h; NULL: none */
    /* Common code, in `write` (jit_common). */
    uint8_t *enter, *leave, *leave_at, *handle, *light, *leaf, *replay,
            *unlinked, *indirect, *cold, *fpu_load, *fpu_save;
    struct jit_counts counts;
    bool running;               /* host code, since ... */
    uint64_t from;              /* this instruction */
    struct gen *gen;            /* the trace at work (gen.h) */
    struct jit_check *check;    /* check.h; NULL: off */
};

/* common.c: what all traces share, at the start of the code memory. */
void jit_common(struct jit *j);
/* translate.c: false: no room. */
struct memory_strategy;
bool jit_translate(struct jit *j, struct trace *t,
                   const struct memory_strategy *memory);
extern const struct memory_strategy memory_tlb;         /* memory.c */
extern const struct memory_strategy memory_window;      /* memory_window.c */

/*
 * Above a site: the bytes of a memory operand that run.operand shall hold
 * after it, and with it R11; 0: none. For jit_fpu_load: FPU_*.
 */
#define JIT_OPERAND_SHIFT 28
#define JIT_SITE(v) ((v) & ((1u << JIT_OPERAND_SHIFT) - 1))

/* run.fpu.live: may be executed natively, on state that is in the host. */
#define FPU_X87 1u              /* x87 and MMX */
#define FPU_SSE 2u

/* Traces are named by 7 bits of instruction and their offset in 64 bytes. */
static inline uint32_t jit_site(const struct jit *j, const struct trace *t,
                                unsigned k)
{
    return (uint32_t)((const uint8_t *)t - j->arena) / 64 << 7 | k;
}

static inline const void *jit_exec(const struct jit *j, const uint8_t *p)
{
    return p + j->exec;
}

static inline size_t jit_number(const struct jit *j, const struct insn *i)
{
    return (size_t)((const uint8_t *)i - j->arena) / sizeof(*i);
}

static inline struct jit_branch *jit_branch(const struct jit *j,
                                            const struct insn *i)
{
    return &j->branches[jit_number(j, i)];
}

static inline uint32_t jit_offset(const struct jit *j, const void *p)
{
    return (uint32_t)((const uint8_t *)p - j->write);
}

/* link.c */
struct jit_cell *jit_new_cell(struct jit *j);
/* Let the translated branch `i` go the way of its link, if that is good. */
void jit_link(struct cpu *c, const struct insn *i);
void jit_unlinked(struct cpu *c, const struct insn *i);
/* Before code that may have been written is executed. */
void jit_serialize(struct jit *j);

struct engine;
/* Executions before a trace is translated. */
void jit_set_threshold(struct engine *e, unsigned executions);
/*
 * Instructions without a change of translations before the window is used, 0:
 * always, and accesses that it may be of no use for before a trace does without
 * it. False: there is no window.
 */
bool jit_set_window(struct engine *e, uint64_t patience, unsigned misses);
int jit_info(struct engine *e, char *buf, size_t size);      /* info.c */

/*
 * run.c: called by the host code; each returns where to go on, NULL: behind.
 * `site`: see jit_site, with the operand's bytes above; `lin`: its address.
 */
const void *jit_run_handler(struct cpu *c, uint32_t site, uint32_t lin);
const void *jit_run_light(struct cpu *c, uint32_t site);
const void *jit_run_direct(struct cpu *c, uint32_t site);
const void *jit_run_indirect(struct cpu *c, uint32_t site, uint32_t rip);
const void *jit_run_cold(struct cpu *c, struct trace *t);
/* The instruction and what is left of its trace, by handlers alone. */
const void *jit_run_rest(struct cpu *c, uint32_t site);
/* fpu.c: NULL: FXRSTOR of cpu.fpu shall follow. */
const void *jit_fpu_load(struct cpu *c, uint32_t site);
/*
 * Called in the middle of a trace, FPU state and all being in the host's
 * registers, which therefore are not used; cpu.gpr is right. False: the
 * handler shall do it, or what is left of it.
 */
typedef bool jit_leaf(struct cpu *c, uint32_t what);
/* blocks.c: elements of so many bytes, in flat segments. */
jit_leaf jit_rep_movs, jit_rep_stos;
/* segment.c: into this register, by the selector in run.operand. */
jit_leaf jit_load_segment;
/* The descriptor of `sel`, if that is there and can be read at once. */
bool jit_find_segment(const struct cpu *c, uint16_t sel, struct cpu_seg *seg);
/*
 * interrupt.c: of this vector, EFLAGS being in run.operand; rip is where it
 * comes back to, and then where it goes on.
 */
jit_leaf jit_int, jit_iret;
/* The handler of every instruction of a translated trace. */
void jit_enter(struct cpu *c, const struct insn *i);
/* run.saved from arithmetic flags where EFLAGS has them. */
static inline void jit_save_flags(struct cpu *c, uint32_t f)
{
    c->run.saved.how = saved_how(SAVED_FLAGS, 1);
    c->run.saved.a = (f & 0xff) << 8 | (f & FLAG_OF ? 1 : 0);
}

/* Between run.saved and the interpreter's lazy flags. */
void jit_flags_to_lazy(struct cpu *c);
void jit_flags_from_lazy(struct cpu *c);

#endif
