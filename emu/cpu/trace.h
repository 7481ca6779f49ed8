/*
 * Traces, which are runs of decoded instructions, the cache of them, and links
 * from branches to the traces that they lead to.
 */
#ifndef EMU_CPU_TRACE_H
#define EMU_CPU_TRACE_H

#include "emu/cpu/exec.h"

typedef void (*handler)(struct cpu *c, const struct insn *i);

/* What of the CPU's state decoded code depends on; part of a trace's key. */
#define TRACE_CS32  0x01u       /* CS.D */
#define TRACE_SS32  0x02u       /* SS.B */
#define TRACE_FLAT  0x04u       /* CS DS ES SS: base 0, limit 4G, usable */
#define TRACE_USER  0x08u       /* CPL 3 */
#define TRACE_IP64K 0x10u       /* CS.limit is 64K - 1 or more */
#define TRACE_IP4G  0x20u       /* CS.limit is 4G - 1 */
#define TRACE_CPL0  0x40u       /* CPL 0 */

#define TRACE_INSNS 64u         /* at most, without the closing jump */

struct trace {
    uint64_t paddr;             /* of the first byte */
    uint64_t paddr2;            /* second page's address, or NO_PAGE */
    uint32_t rip, last_rip;     /* offsets of the first and the last byte */
    uint32_t mode;
    uint32_t incoming;          /* first branch linked to it */
    uint64_t checked;           /* interp.resyncs when its bytes were right */
    uint16_t n;                 /* instructions if no branch leaves early */
    uint16_t bytes;
    bool dropped;
    uint8_t form;               /* the translator's, and so the next four */
    uint16_t heat;
    handler first;              /* of the first instruction, while it warms up */
    const void *entry, *body;   /* host code: with may_enter's test, without */
    struct trace *hash_next;
    struct trace *page_next[2]; /* of code_page.traces; [1] for paddr2 */
    struct insn insn[];         /* n, then one that goes on behind them */
};
/* Behind the instructions: the bytes that they were decoded from. */
static inline uint8_t *trace_code(struct trace *t)
{
    return (uint8_t *)&t->insn[t->n + 1];
}
#define NO_PAGE (~0ull)

struct trace_cache;

struct trace_cache *trace_cache_create(void);   /* NULL: no memory */
void trace_cache_destroy(struct trace_cache *tc);
/* Where all traces lie but the private one. */
#define TRACE_ARENA_BYTES (16u << 20)
uint8_t *trace_arena(struct trace_cache *tc);
/*
 * The trace at CS:rip in c->run.mode, decoded if need be. May raise #PF or
 * #GP. `single`: one instruction only, in a private trace that lives until
 * the next call. *linkable: branches may be linked to it.
 */
struct trace *trace_find(struct cpu *c, bool single, bool *linkable);
/*
 * Would trace_find come to `t` again, which has not been freed? May raise #PF.
 * False also where that is not so easily said.
 */
bool trace_is_current(struct cpu *c, struct trace *t);
uint32_t trace_mode(const struct cpu *c);
static inline uint32_t trace_ip_limit(uint32_t mode)
{
    return mode & TRACE_IP4G ? 0xffffffff : mode & TRACE_IP64K ? 0xffff : 0;
}

/* ---- Links (trace_link.c) ------------------------------------------------- */

/*
 * A branch's imm2: does its link hold while the code does, or only while the
 * user's or the supervisor's mapping does too? Index of run.gen.
 */
enum link_kind { LINK_PAGE, LINK_FAR, LINK_SYSTEM, LINK_KINDS };
static inline enum link_kind far_kind(uint32_t mode)
{
    return mode & TRACE_USER ? LINK_FAR : LINK_SYSTEM;
}

/* Generations end at this number, and all traces with them. */
#define LINK_GENERATIONS (1u << 24)

/*
 * Targets of indirect jumps, for flat code; of the far kinds. The key is
 * rip below and run.jump_key above: generation and mode.
 */
struct jump_cache {
    uint64_t key;
    struct trace *trace;
};
#define JUMP_CACHE 16384u
static inline unsigned jump_hash(uint32_t rip)
{
    return rip % JUMP_CACHE;
}

static inline void jump_key_update(struct cpu *c)
{
    _Static_assert(TRACE_CPL0 < 0x100, "a mode has 8 bits");
    c->run.jump_key =
        (uint64_t)(c->run.gen[far_kind(c->run.mode)] << 8 | c->run.mode) << 32;
}

/* NULL: no memory. */
struct links *links_create(struct trace_cache *tc);
/* Let the branch `i` come to `t` while its generation lasts, and both do. */
void trace_link(struct cpu *c, struct insn *i, struct trace *t);
/* A link of a far kind to `t` is made. */
void trace_far_target(struct cpu *c, const struct trace *t);
/* Nothing leads to `t` any more but a new search. */
void links_drop(struct cpu *c, struct trace *t);
/* For each branch that is linked to `t`. */
void links_each(struct cpu *c, const struct trace *t,
                void (*each)(struct cpu *c, const struct insn *i));
/* All traces are about to go: no link holds. */
void links_void_all(struct cpu *c);

#endif
