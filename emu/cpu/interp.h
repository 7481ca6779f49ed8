/*
 * Inside the interpreter: its state, and how handlers pass control and reach
 * memory.
 *
 * A handler executes one instruction and ends with NEXT (the one behind it),
 * or passes control to another trace (go_direct, go_indirect), or leaves for
 * the engine's loop (leave_*). Where the compiler makes sibling calls, handlers
 * jump from one to the next; else (sanitizers) the loop calls each. A handler
 * must therefore not hold the address of a local over NEXT.
 *
 * Handlers come in up to four variants: `_g` works in every mode and takes
 * every fault. The others have the fast path inline and go to `_g` when it
 * fails, before they have changed anything: `_f` and `_b` for flat segments,
 * with and without an index register, `_s` for any segment and address size.
 */
#ifndef EMU_CPU_INTERP_H
#define EMU_CPU_INTERP_H

#include <setjmp.h>
#include <string.h>

#include "emu/cpu/engine.h"
#include "emu/cpu/exec.h"
#include "emu/cpu/flags.h"
#include "emu/cpu/mmu.h"
#include "emu/cpu/trace.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define INTERP_NO_CHAIN
#endif
#endif
#if !defined(__OPTIMIZE__) || defined(__SANITIZE_ADDRESS__) || \
    defined(__SANITIZE_THREAD__)
#define INTERP_NO_CHAIN
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* struct cpu's inhibit: the shadow also covers debug traps. */
#define INHIBIT_STI 1
#define INHIBIT_SS 2

/* What turns traces into host code (emu/jit): another engine's share. */
struct translator {
    handler handler;            /* that translated instructions have */
    void (*built)(struct cpu *c, struct trace *t);
    void (*visit)(struct cpu *c, struct trace *t);      /* to be run now */
    bool (*is_full)(struct cpu *c);     /* wants code_flush_all */
    void (*flushed)(struct cpu *c);     /* all traces are gone */
    /* A fault came while run.flags_saved: put the flags where others look. */
    void (*unwound)(struct cpu *c);
    void (*unlinked)(struct cpu *c, const struct insn *i);  /* a branch */
    /* As code_mapping_changed, code_page_changed and code_page_faulted, ... */
    void (*mapping_changed)(struct cpu *c);
    void (*page_changed)(struct cpu *c, uint32_t lin, bool large);
    void (*page_tracked)(struct cpu *c, uint64_t page); /* ..._tracked */
};

/*
 * What a repeated string instruction does at most before it counts as one and
 * an interrupt may come: bytes that are reached as blocks, or elements.
 */
#define STRING_CHUNK_BYTES 0x10000u
#define STRING_CHUNK_ELEMENTS 256u
/* Bytes that take about as long as an instruction. */
#define STRING_INSN_BYTES 32u

/* longjmp to interp.env: an engine on top of it cannot go on. */
#define INTERP_FAILED 3

struct interp {
    struct cpu *cpu;
    struct trace_cache *cache;
    struct links *links;        /* free() ends them */
    struct jump_cache *jumps;   /* JUMP_CACHE of them */
    struct insn *link;          /* branch to be linked to what runs next */
    uint64_t limit;             /* c->icount at which run ends */
    uint64_t resyncs;           /* interp_resync calls */
    uint32_t mapping;           /* counts its changes */
    bool delivering;            /* cpu_interrupt is at work for `fault` */
    struct fault {
        bool valid;
        bool has_error;
        uint8_t vector;
        uint8_t kind;           /* enum int_kind */
        uint32_t error;
    } fault;                    /* to be delivered before the next insn */
    struct fault second;        /* raised while `fault` was delivered */
    bool indirect;              /* what runs next goes into `jumps` */
    const struct translator *translator;        /* NULL: none */
    struct jit *jit;            /* its own */
    jmp_buf env;
};

/* ---- Decoder (decode.c) -------------------------------------------------- */

#define DECODE_MORE (-1)        /* the bytes do not suffice */
#define DECODE_LAST 1           /* ends its trace */
#define DECODE_DIRECT 2         /* a branch to be linked: wants `count` */
#define DECODE_JCC 4            /* one on the condition above CC_SHIFT */
#define DECODE_CC_SHIFT 8
/*
 * Decode the instruction at `p`, of which `avail` bytes (at most 15) may be
 * looked at, into `i`. DECODE_* bits, or DECODE_MORE (which with 15 bytes
 * means: too long).
 */
int decode_insn(struct insn *i, const uint8_t *p, unsigned avail,
                uint32_t rip, uint32_t mode);

/* Choose the handler of a decoded instruction; NULL: it does not exist. */
handler select_alu(struct insn *i, uint32_t mode);      /* ops_alu.c */
/* TEST r/m, imm: F6 and F7, /0 and /1. */
handler select_test(struct insn *i, uint32_t mode);     /* ops_alu.c */
handler select_unary(struct insn *i, uint32_t mode);    /* ops_unary.c */
handler select_shift(struct insn *i, uint32_t mode);    /* ops_shift.c */
handler select_bit(struct insn *i, uint32_t mode);      /* ops_bit.c */
handler select_mov(struct insn *i, uint32_t mode);      /* ops_mov.c */
handler select_seg(struct insn *i, uint32_t mode);      /* ops_seg.c */
handler select_stack(struct insn *i, uint32_t mode);    /* ops_stack.c */
handler select_branch(struct insn *i, uint32_t mode);   /* ops_branch.c */
handler select_far(struct insn *i, uint32_t mode);      /* ops_far.c */
handler select_misc(struct insn *i, uint32_t mode);     /* ops_misc.c */
handler select_system(struct insn *i, uint32_t mode);   /* ops_system.c */
handler select_string(struct insn *i, uint32_t mode);   /* string.c */

/* `i` joined with the Jcc behind it, or NULL. */
handler select_fused(const struct insn *i, enum cond cc, uint32_t mode);

/* #UD; an instruction of more than 15 bytes; the end of a trace. */
void op_invalid(struct cpu *c, const struct insn *i);
void op_too_long(struct cpu *c, const struct insn *i);
void op_trace_end(struct cpu *c, const struct insn *i);

/* ---- Passing control ------------------------------------------------------ */

#ifdef INTERP_NO_CHAIN
#define CHAIN(c, to) do { (c)->run.next = (to); return; } while (0)
#else
#define CHAIN(c, to) return (to)->fn(c, to)
#endif
#define NEXT(c, i) CHAIN(c, (i) + 1)

/*
 * intr, nmi or stop_request: something for the engine's loop to do. An
 * interrupt that waits for IF is none: what sets IF goes to the loop by itself.
 */
static inline bool attention(const struct cpu *c)
{
    uint32_t word;

    _Static_assert(offsetof(struct cpu, intr) ==
                   offsetof(struct cpu, exact_count) + 1 &&
                   offsetof(struct cpu, stop_request) ==
                   offsetof(struct cpu, exact_count) + 3 &&
                   offsetof(struct cpu, exact_count) % 4 == 0,
                   "the inputs lie in one word");
    __atomic_load((const uint32_t *)(const void *)&c->exact_count, &word,
                  __ATOMIC_RELAXED);
    word &= 0xffffff00u;
    if (likely(!word))
        return false;
    return word & 0xffff0000u || c->rflags & FLAG_IF;
}

static inline unsigned insn_number(const struct cpu *c, const struct insn *i)
{
    return (unsigned)(i - c->run.trace->insn);
}

static inline uint32_t insn_next(const struct insn *i)
{
    return i->rip + i->len;
}

/* Before anything that may raise, or that looks at rip or icount. */
static inline void sync(struct cpu *c, const struct insn *i)
{
    c->run.cur = i;
    c->rip = insn_next(i);
    c->icount = c->run.count + insn_number(c, i);
}

/* To the engine's loop, after `i`; rip is set already. */
static inline void leave(struct cpu *c, const struct insn *i)
{
    c->run.count += insn_number(c, i) + 1;
    c->run.next = NULL;
}

static inline void leave_to(struct cpu *c, const struct insn *i, uint32_t rip)
{
    c->rip = rip;
    leave(c, i);
}

/* NEXT, unless this instruction ended its trace or woke the loop. */
#define NEXT_CHECKED(c, i) do { \
        if (unlikely((c)->run.end_trace)) { \
            leave_to(c, i, insn_next(i)); \
            return; \
        } \
        NEXT(c, i); \
    } while (0)
#define NEXT_POLLED(c, i) do { \
        if (unlikely((c)->run.end_trace || attention(c))) { \
            leave_to(c, i, insn_next(i)); \
            return; \
        } \
        NEXT(c, i); \
    } while (0)

/* To the loop after this instruction, whichever way it goes on. */
static inline void end_trace(struct cpu *c)
{
    c->run.end_trace = true;
    c->run.limit = 0;
}

/*
 * A block of `bytes` was done by what counts as one instruction. Where a run's
 * length is to be a time, it ends the earlier by what may be taken off `left`
 * instructions that it could still do; their number.
 */
static inline uint64_t shorten_run(struct cpu *c, uint32_t bytes, int64_t left)
{
    int64_t less = bytes / STRING_INSN_BYTES;

    if (c->exact_count || left <= 0)
        return 0;
    less = less < left ? less : left;
    c->interp->limit -= (uint64_t)less;
    c->run.limit -= (uint64_t)less;
    return (uint64_t)less;
}

/* A jump to `rip` that leaves CS is refused before anything is changed. */
static inline void check_target(struct cpu *c, const struct insn *i,
                                uint32_t rip)
{
    if (unlikely(rip > c->seg[CS].limit)) {
        sync(c, i);
        cpu_raise(c, EXC_GP, 0);
    }
}

/* The trace at rip, if the jump cache has it for this mode and mapping. */
static inline struct trace *jump_find(const struct cpu *c)
{
    uint32_t rip = (uint32_t)c->rip;
    const struct jump_cache *j = &c->interp->jumps[jump_hash(rip)];

    return j->key == (c->run.jump_key | rip) ? j->trace : NULL;
}

/*
 * After a handler left for the loop: the trace to be entered, if the loop
 * would do nothing else, with all done that it does before. Else NULL.
 */
struct trace *interp_next_trace(struct cpu *c);

/* Out of line: to `rip`, by the loop; link `i` to it if it is direct. */
void go_slow(struct cpu *c, const struct insn *i, uint32_t rip, bool direct);

static inline bool may_enter(const struct cpu *c, const struct trace *t)
{
    return c->run.count + t->n <= c->run.limit && !attention(c);
}

/* A direct branch to i->imm, linked or not; i->count is set. */
static inline void go_direct(struct cpu *c, const struct insn *i)
{
    if (likely(i->link_gen == c->run.gen[i->imm2])) {
        struct trace *t = i->link;

        c->run.count += i->count;
        if (likely(may_enter(c, t))) {
            c->run.trace = t;
            CHAIN(c, t->insn);
        }
        c->rip = i->imm;
        c->run.next = NULL;
        return;
    }
    return go_slow(c, i, i->imm, true);
}

static inline void go_indirect(struct cpu *c, const struct insn *i,
                               uint32_t rip)
{
    const struct jump_cache *j =
        &c->interp->jumps[jump_hash(rip)];

    if (likely(j->key == (c->run.jump_key | rip))) {
        struct trace *t = j->trace;

        c->run.count += insn_number(c, i) + 1;
        if (likely(may_enter(c, t))) {
            c->run.trace = t;
            CHAIN(c, t->insn);
        }
        c->rip = rip;
        c->run.next = NULL;
        return;
    }
    return go_slow(c, i, rip, false);
}

/* ---- Registers and memory ------------------------------------------------- */

/* Byte registers are named by their offset in gpr[]: AH is 1, BL 24. */
static inline uint8_t byte_reg(unsigned n)
{
    return (uint8_t)(n < 4 ? n * 8 : (n - 4) * 8 + 1);
}

#define R8(c, r) (((uint8_t *)(c)->gpr)[r])
#define R16(c, r) (*(uint16_t *)(void *)&(c)->gpr[r])
#define R32(c, r) (*(uint32_t *)(void *)&(c)->gpr[r])

/* A table by condition code. */
#define SIXTEEN(f) { f(O), f(NO), f(B), f(NB), f(Z), f(NZ), f(BE), f(NBE), \
                     f(S), f(NS), f(P), f(NP), f(L), f(NL), f(LE), f(NLE) }

/* Tell the compiler, so that it need not test again. */
static inline uint8_t *not_null(uint8_t *p)
{
    if (!p)
        __builtin_unreachable();
    return p;
}

/*
 * Host address of `n` bytes at `lin` of flat memory, or NULL: the slow way
 * must be gone.
 */
static inline uint8_t *flat_read(const struct cpu *c, uint32_t lin, unsigned n)
{
    const struct tlb_entry *e = &c->run.tlb[lin >> 12 & (TLB_SIZE - 1)];

    if (unlikely(((lin + n - 1) & MMU_PAGE_MASK) != e->read))
        return NULL;
    return not_null(tlb_host(e, lin));
}

static inline uint8_t *flat_write(const struct cpu *c, uint32_t lin,
                                  unsigned n)
{
    const struct tlb_entry *e = &c->run.tlb[lin >> 12 & (TLB_SIZE - 1)];

    if (unlikely(((lin + n - 1) & MMU_PAGE_MASK) != e->write))
        return NULL;
    return not_null(tlb_host(e, lin));
}

static inline uint8_t *flat_rmw(const struct cpu *c, uint32_t lin, unsigned n)
{
    const struct tlb_entry *e = &c->run.tlb[lin >> 12 & (TLB_SIZE - 1)];

    if (unlikely(((lin + n - 1) & MMU_PAGE_MASK) != e->write ||
                 e->read != e->write))
        return NULL;
    return not_null(tlb_host(e, lin));
}

/* 32-bit addresses: `f` with, `b` without an index. */
static inline uint32_t ea_f(const struct cpu *c, const struct insn *i)
{
    return R32(c, i->base) + (R32(c, i->index) << i->scale) + i->disp;
}

static inline uint32_t ea_b(const struct cpu *c, const struct insn *i)
{
    return R32(c, i->base) + i->disp;
}

/*
 * Host address of the operand or NULL, by variant. `s` passes by what the
 * segment check does not let through at once, as `g` will find out why.
 */
#define DEF_AT(kind, is_write)                                              \
static inline uint8_t *at_##kind##_f(const struct cpu *c,                   \
                                     const struct insn *i, unsigned n)      \
{                                                                           \
    return flat_##kind(c, ea_f(c, i), n);                                   \
}                                                                           \
static inline uint8_t *at_##kind##_b(const struct cpu *c,                   \
                                     const struct insn *i, unsigned n)      \
{                                                                           \
    return flat_##kind(c, ea_b(c, i), n);                                   \
}                                                                           \
static inline uint8_t *at_##kind##_s(const struct cpu *c,                   \
                                     const struct insn *i, unsigned n)      \
{                                                                           \
    const struct cpu_seg *s = &c->seg[i->seg];                              \
    uint32_t types = is_write ? SEG_WRITE_TYPES : SEG_READ_TYPES;           \
    uint32_t ea = insn_ea(c, i);                                            \
                                                                            \
    if (unlikely(!(types >> (s->attr & 0x1f) & 1) ||                        \
                 (uint64_t)ea + n - 1 > s->limit))                          \
        return NULL;                                                        \
    return flat_##kind(c, (uint32_t)s->base + ea, n);                       \
}

DEF_AT(read, false)
DEF_AT(write, true)
DEF_AT(rmw, true)

/*
 * Handlers with a memory operand of `bits` bits, in all variants. LOAD: the
 * body finds it in `v`. RMW: the body turns `v` into `r`. STORE: `value` is
 * written; the body of it must not change what `value` depends on.
 */
#define LOAD_FAST(name, bits, x, ...)                                       \
static void name##_##x(struct cpu *c, const struct insn *i)                 \
{                                                                           \
    const uint8_t *p_ = at_read_##x(c, i, bits / 8);               \
    uint##bits##_t v;                                                       \
                                                                            \
    if (unlikely(!p_))                                                      \
        return name##_g(c, i);                                              \
    v = load##bits(p_);                                                     \
    __VA_ARGS__                                                             \
    NEXT(c, i);                                                             \
}
#define DEF_LOAD(name, bits, ...)                                           \
static void name##_g(struct cpu *c, const struct insn *i)                   \
{                                                                           \
    uint##bits##_t v;                                                       \
                                                                            \
    sync(c, i);                                                             \
    v = mem_read##bits(c, i->seg, insn_ea(c, i));                           \
    __VA_ARGS__                                                             \
    NEXT_CHECKED(c, i);                                                     \
}                                                                           \
LOAD_FAST(name, bits, f, __VA_ARGS__)                                       \
LOAD_FAST(name, bits, b, __VA_ARGS__)                                       \
LOAD_FAST(name, bits, s, __VA_ARGS__)                                       \
static const struct mem_handlers name = { name##_f, name##_b, name##_s };

#define RMW_FAST(name, bits, x, ...)                                        \
static void name##_##x(struct cpu *c, const struct insn *i)                 \
{                                                                           \
    uint8_t *p_ = at_rmw_##x(c, i, bits / 8);                      \
    uint##bits##_t v, r;                                                    \
                                                                            \
    if (unlikely(!p_))                                                      \
        return name##_g(c, i);                                              \
    v = load##bits(p_);                                                     \
    __VA_ARGS__                                                             \
    store##bits(p_, r);                                                     \
    NEXT(c, i);                                                             \
}
#define DEF_RMW(name, bits, ...)                                            \
static void name##_g(struct cpu *c, const struct insn *i)                   \
{                                                                           \
    uint32_t ea_ = insn_ea(c, i);                                           \
    uint##bits##_t v, r;                                                    \
                                                                            \
    sync(c, i);                                                             \
    mem_probe_write(c, i->seg, ea_, bits / 8);                              \
    v = mem_read##bits(c, i->seg, ea_);                                     \
    __VA_ARGS__                                                             \
    mem_write##bits(c, i->seg, ea_, r);                                     \
    NEXT_CHECKED(c, i);                                                     \
}                                                                           \
RMW_FAST(name, bits, f, __VA_ARGS__)                                        \
RMW_FAST(name, bits, b, __VA_ARGS__)                                        \
RMW_FAST(name, bits, s, __VA_ARGS__)                                        \
static const struct mem_handlers name = { name##_f, name##_b, name##_s };

#define STORE_FAST(name, bits, x, value)                                    \
static void name##_##x(struct cpu *c, const struct insn *i)                 \
{                                                                           \
    uint8_t *p_ = at_write_##x(c, i, bits / 8);                    \
                                                                            \
    if (unlikely(!p_))                                                      \
        return name##_g(c, i);                                              \
    store##bits(p_, (uint##bits##_t)(value));                               \
    NEXT(c, i);                                                             \
}
#define DEF_STORE(name, bits, value)                                        \
static void name##_g(struct cpu *c, const struct insn *i)                   \
{                                                                           \
    sync(c, i);                                                             \
    mem_write##bits(c, i->seg, insn_ea(c, i), (uint##bits##_t)(value));     \
    NEXT_CHECKED(c, i);                                                     \
}                                                                           \
STORE_FAST(name, bits, f, value)                                            \
STORE_FAST(name, bits, b, value)                                            \
STORE_FAST(name, bits, s, value)                                            \
static const struct mem_handlers name = { name##_f, name##_b, name##_s };

struct mem_handlers {
    handler f, b, s;
};

/* A 32-bit address in a flat segment? Not CS: it may not be written. */
static inline bool mem_is_flat(const struct insn *i, uint32_t mode)
{
    return (mode & TRACE_FLAT) && i->seg != CS && i->seg < FS &&
           !(i->flags & INSN_ADDR16);
}

/* The variant of `h` that suits the mode and the operand. */
static inline handler mem_select(const struct mem_handlers *h,
                                 const struct insn *i, uint32_t mode)
{
    if (!mem_is_flat(i, mode))
        return h->s;
    return i->index == CPU_NOREG ? h->b : h->f;
}

static inline uint8_t load8(const uint8_t *p)
{
    return *p;
}

static inline uint16_t load16(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, 2);
    return v;
}

static inline uint32_t load32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, 4);
    return v;
}

static inline void store8(uint8_t *p, uint8_t v)
{
    *p = v;
}

static inline void store16(uint8_t *p, uint16_t v)
{
    memcpy(p, &v, 2);
}

static inline void store32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, 4);
}

#endif
