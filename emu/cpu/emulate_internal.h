/* What the parts of the one-instruction emulator share (emulate.h). */
#ifndef EMU_CPU_EMULATE_INTERNAL_H
#define EMU_CPU_EMULATE_INTERNAL_H

#include "emu/cpu/emulate.h"
#include "emu/cpu/paging.h"

/*
 * One instruction under way. A false answer of any function here means that
 * `raise` is set, but emul_unknown's.
 */
struct emul {
    struct cpu *c;
    struct emul_insn i;
    struct emul_raise *raise;
    uint64_t next_rip;          /* where it goes on; handlers may change it */
    bool unknown;               /* false was returned for want of an insn */
    bool repeat;                /* string: not at its end yet */
    bool late_trap;             /* TF as it is at the end counts */
};

/* A piece of memory that may be accessed: translated, rights checked. */
struct emul_span {
    uint64_t phys[2];
    unsigned n[2];              /* bytes in each page */
};

/* emulate_memory.c */
bool emul_raise(struct emul *e, enum cpu_vector v, uint32_t error);
bool emul_unknown(struct emul *e);
/* Translate with the rights of CPL 3 or of the system's; false: #PF. */
bool emul_translate_as(struct emul *e, uint64_t lin, enum mmu_access access,
                       bool user, uint64_t *phys);
static inline bool emul_translate(struct emul *e, uint64_t lin,
                                  enum mmu_access access, uint64_t *phys)
{
    return emul_translate_as(e, lin, access, e->c->cpl == 3, phys);
}
/* Translate [seg:off, +size), two pages at most; checks segment, canonical, #AC. */
bool emul_map(struct emul *e, unsigned seg, uint64_t off, unsigned size,
              bool write, struct emul_span *s);
/* #GP unless seg:off is a multiple of `size`: SSE's rule, and CMPXCHG16B's. */
bool emul_check_aligned(struct emul *e, unsigned seg, uint64_t off,
                        unsigned size);
/* Of a mapped span; RAM, ROM or device. Cannot fail. */
void emul_load(struct emul *e, const struct emul_span *s, void *buf);
void emul_store(struct emul *e, const struct emul_span *s, const void *buf);
uint64_t emul_load_int(struct emul *e, const struct emul_span *s);
/* The memory operand's offset, and it mapped. */
uint64_t emul_address(const struct emul *e);
bool emul_map_operand(struct emul *e, unsigned size, bool write,
                      struct emul_span *s);

/* emulate_decode.c */
bool emul_fetch_insn(struct emul *e);

/* Low `size` bytes of v. */
static inline uint64_t emul_trim(uint64_t v, unsigned size)
{
    return size == 8 ? v : v & ((1ull << size * 8) - 1);
}

static inline int64_t emul_extend(uint64_t v, unsigned size)
{
    unsigned shift = 64 - size * 8;

    return (int64_t)(v << shift) >> shift;
}

/* emulate_alu.c: on the host's own ALU; flags are RFLAGS' arithmetic bits. */
enum emul_alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR,
                ALU_CMP };
uint64_t emul_alu(enum emul_alu op, unsigned size, uint64_t a, uint64_t b,
                  uint64_t *flags);
/* ROL ROR RCL RCR SHL SHR SHL SAR, as the ModRM field numbers them. */
uint64_t emul_shift(unsigned op, unsigned size, uint64_t a, unsigned count,
                    uint64_t *flags);
uint64_t emul_imul(unsigned size, uint64_t a, uint64_t b, uint64_t *flags);
bool emul_condition(uint64_t flags, unsigned code);

/* emulate.c: general registers, of 1, 2, 4 or 8 bytes */
uint64_t emul_reg(const struct emul *e, unsigned n, unsigned size);
void emul_set_reg(struct emul *e, unsigned n, unsigned size, uint64_t v);
/* RSI, RDI or RCX of a string instruction, in its address size. */
static inline void emul_advance(struct emul *e, unsigned n, int64_t by)
{
    emul_set_reg(e, n, e->i.addrsize, e->c->gpr[n] + (uint64_t)by);
}
/* The r/m operand's value. */
bool emul_read_rm(struct emul *e, unsigned size, uint64_t *v);

/* Handlers: execute; false: fault or unknown. */
bool emul_op_string(struct emul *e);            /* emulate_string.c */
bool emul_op_mul_div(struct emul *e);           /* emulate_muldiv.c */
bool emul_op_sse_move(struct emul *e);          /* emulate_sse.c */
bool emul_op_maskmov(struct emul *e);
bool emul_op_push_pop(struct emul *e);          /* emulate_stack.c */
bool emul_op_group5(struct emul *e);
bool emul_op_bit(struct emul *e);               /* emulate_bit.c */
bool emul_op_cmpxchg(struct emul *e);
bool emul_op_cmpxchg_wide(struct emul *e);
bool emul_op_xadd(struct emul *e);
bool emul_op_cpuid(struct emul *e);             /* emulate_system.c */
bool emul_op_msr(struct emul *e);
bool emul_op_halt_cache(struct emul *e);
bool emul_op_mov_cr(struct emul *e);
bool emul_op_mov_dr(struct emul *e);
bool emul_op_group7(struct emul *e);
bool emul_op_syscall(struct emul *e);
bool emul_op_in_out(struct emul *e);            /* emulate_io.c */
bool emul_op_ins_outs(struct emul *e);

/* RMW of the r/m operand: result by `fn`; flags are committed after it. */
typedef uint64_t emul_rmw_fn(struct emul *e, unsigned size, uint64_t value,
                             uint64_t *flags);
bool emul_rmw(struct emul *e, unsigned size, emul_rmw_fn *fn, bool store);

#endif
