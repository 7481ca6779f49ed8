/*
 * Inside the translator: one trace being turned into host code.
 *
 * In translated code the guest's EAX to EDI are the host registers of the same
 * numbers, but ESP, which is R12. R13: as run.left, R14: struct cpu, R15:
 * JIT_BASE behind the TLB's view of this CPL. R8 and R10 hold the address of a
 * memory access, R9 is scratch, R11 an operand that came from memory. Upper
 * halves of guest registers are zero. Nothing below RSP is used.
 */
#ifndef EMU_JIT_GEN_H
#define EMU_JIT_GEN_H

#include "emu/cpu/interp.h"
#include "emu/jit/asm.h"
#include "emu/jit/jit.h"

/*
 * A shift of 32 bits by a constant, imm: its extension above, count below. What
 * was shifted is in run.shifted. run.saved has no such form.
 */
#define SOURCE_SHIFT SAVED_KINDS

/*
 * Where the guest's arithmetic flags are: in host RFLAGS, in run.saved, or to
 * be had again from operands that are still in registers (and, of kinds with a
 * carry, from run.saved.no_carry); one of them always.
 */
struct flag_state {
    bool host, saved;
    bool carry_out;             /* CF alone is in run.saved.no_carry_out */
    struct flag_source {
        uint8_t kind;           /* enum saved_kind, SOURCE_*, or 0: none */
        uint8_t size;
        uint8_t a, b;           /* host registers; b CPU_NOREG: imm */
        uint32_t imm;
    } source;
};

/* What the code knows of the FPU where it has come to. */
struct fpu_state {
    uint8_t live;               /* FPU_*: surely so */
    /* Whose x87 pointers are due: instruction's number + 1, or 0. */
    uint8_t code, data;
};

enum stub_kind {
    STUB_SLOW,                  /* the access misses: run the handler */
    STUB_TAKEN,                 /* a conditional branch goes */
    STUB_UNLINKED,              /* a direct branch without a valid link */
    STUB_INDIRECT,              /* target not in the jump cache */
    STUB_LIMIT,                 /* the trace may not be entered */
    STUB_ATTENTION,             /* perhaps so */
    STUB_FPU,                   /* what is needed of the FPU is not live */
};

struct stub {
    enum stub_kind kind;
    uint8_t *from[2];           /* jumps to it; NULL: none */
    uint8_t *back;
    unsigned k;
    struct flag_state flags;
    struct mem address;         /* SLOW: the guest's, of the operand */
    struct fpu_state fpu;
    unsigned operand;           /* SLOW: bytes of memory that R11 shall hold */
    jit_leaf *leaf;             /* SLOW: do this first, and no more if it can */
    uint32_t what;
    struct window_site *site;   /* SLOW: which faults lead there, or NULL */
};
#define GEN_STUBS (TRACE_INSNS * 8)

struct gen {
    struct code code;
    struct jit *jit;
    struct trace *trace;
    const struct memory_strategy *memory;
    unsigned k;                 /* instruction at work */
    uint8_t op;                 /* its opcode, which branches overwrite */
    uint8_t ops[TRACE_INSNS], maps[TRACE_INSNS];
    /* Has a prefix 66, 67: flags of direct branches are gone, too. */
    bool op16[TRACE_INSNS], addr16[TRACE_INSNS];
    uint8_t *body;              /* behind the test on entry */
    bool again;                 /* cycle.c's second time */
    const uint8_t *branch_at[TRACE_INSNS + 1];  /* branch_direct's code */
    unsigned size;              /* of its operands, as the opcode says */
    bool ended;                 /* nothing goes on behind it */
    struct flag_state flags;
    bool flags_made;            /* by the instruction at work */
    struct fpu_state fpu;
    struct stub stubs[GEN_STUBS];
    unsigned stub_count;
};

/* Emits `i`, or returns false before it has emitted anything. */
typedef bool emitter(struct gen *g, const struct insn *i);

/* table.c */
struct native {
    emitter *emit;
    uint8_t attr;               /* NATIVE_* */
};
#define NATIVE_BYTE 0x01u       /* low bit of the opcode: not byte operands */
#define NATIVE_SETS 0x02u       /* sets all flags, and depends on none */
#define NATIVE_KEEPS 0x04u      /* neither reads nor writes flags */
#define NATIVE_MODRM 0x08u      /* has a ModRM byte */
#define NATIVE_LIGHT 0x10u      /* its handler leaves arithmetic flags alone */
const struct native *native_find(unsigned map, uint8_t opcode);
/* May flags be wrong after instruction k, as nobody can see them? */
bool flags_are_dead(const struct gen *g);

/* ---- Emitters ------------------------------------------------------------- */

emitter emit_alu, emit_alu_imm, emit_test, emit_test_acc, emit_group3,
        emit_inc_dec, emit_group5, emit_imul, emit_shift, emit_double_shift,
        emit_bit, emit_scan;
emitter emit_mov, emit_mov_imm, emit_mov_modrm_imm, emit_moffs, emit_lea,
        emit_extend, emit_cmov, emit_set, emit_xchg, emit_xchg_acc,
        emit_widen, emit_bswap, emit_nop, emit_carry, emit_ah;
emitter emit_push, emit_push_imm, emit_pop, emit_leave;
emitter emit_jcc, emit_jmp, emit_call, emit_ret;
emitter emit_string, emit_exchange, emit_cmpxchg8b, emit_divide,
        emit_bit_memory, emit_loop;
emitter emit_sysenter, emit_cli, emit_sti, emit_direction, emit_pushf, emit_popf,
        emit_mov_from_seg, emit_push_seg, emit_mov_to_seg, emit_pop_seg,
        emit_rdtsc, emit_int, emit_iret;
emitter emit_push_all, emit_pop_all, emit_pop_m, emit_xlat;
emitter emit_x87, emit_fwait, emit_simd;
bool emit_push_m(struct gen *g, const struct insn *i);
bool emit_indirect(struct gen *g, const struct insn *i, bool call);

/* ---- Flags (flags.c) -------------------------------------------------------- */

void flags_to_host(struct gen *g);      /* before what reads or merges them */
/* CF alone into RFLAGS, before what sets all flags. */
void flags_carry_to_host(struct gen *g);
/* CF to run.saved.no_carry, before what changes all flags but it or adds it. */
void flags_keep_carry(struct gen *g);
void flags_to_saved(struct gen *g);     /* before what ends the trace */
/* Before host RFLAGS are lost; they are, from here on. */
void flags_lose_host(struct gen *g);
/* `reg` (host number) is about to change, and the flags are not. */
void flags_will_write(struct gen *g, unsigned reg);
/* The instruction has set all flags, in RFLAGS, from these operands. */
void flags_set(struct gen *g, struct flag_source s);
void flags_set_plain(struct gen *g);
/* flags_are_dead: they may be anything. */
void flags_forget(struct gen *g);
/* replay.c: the operation of `s` once more; changes R9. */
void flags_replay(struct code *a, const struct flag_source *s);
/* CF from a byte that is 0 if it was set. */
void flags_load_carry(struct code *a, struct mem m);
void flags_replay_routines(struct code *a);     /* run.replay */
/* EFLAGS into R11, as PUSHF stores it (system.c). */
void flags_image(struct gen *g);
/* In a stub: into run.saved, from where `f` has them. */
void flags_save(struct gen *g, const struct flag_state *f);

/* ---- Memory (memory.c) ------------------------------------------------------ */

/*
 * RMW: by separate host instructions, a load and later a store; UPDATE: by one.
 */
enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_RMW, ACCESS_UPDATE };
/*
 * How guest memory is reached. `access` emits what goes before an access to
 * the `size` bytes at the linear address that `address` gives in 32 bits, of
 * guest registers, and returns the operand for the host instruction that does
 * it. What cannot be done so goes by a stub (STUB_SLOW) that runs the whole
 * instruction by its handler: either from `access` or out of the accessing host
 * instruction itself, if that faults. Hence the rules for emitters below.
 * `align`: 1 or 16; off such a boundary it is not the host's instruction that
 * may find out, as that would be #GP.
 */
struct memory_strategy {
    bool faults;                /* it is the access that may fault */
    struct mem (*access)(struct gen *g, struct mem address, unsigned size,
                         unsigned align, enum access how);
    /*
     * ECX elements of `size` bytes at `reg`: the linear address into R8, and
     * into R10 what is added to it for the host's, so that all may be accessed
     * there without a fault. NULL: not so.
     */
    void (*block)(struct gen *g, unsigned reg, unsigned size,
                  enum access how);
};
/* memory_tlb's; good for any. */
void tlb_block(struct gen *g, unsigned reg, unsigned size, enum access how);
/* memory_window.c: no accesses follow in this trace. */
void window_code_ends(struct gen *g);

/* R15 of run.tlb, in any code. */
void mem_base(struct code *a);
/* Can the operand be reached natively? */
bool mem_native(const struct gen *g, const struct insn *i, enum access how);
/*
 * The host address of the operand of `size` bytes. From here to the last host
 * instruction that accesses memory for this guest instruction, no guest
 * register may change, and RFLAGS by flags_to_host and its like only, or by
 * that instruction itself. R8 to R10 are not to be touched while it is used.
 */
struct mem mem_operand(struct gen *g, const struct insn *i, unsigned size,
                       enum access how);
/* The same at `m` of guest registers, in segment `seg`. */
struct mem mem_at(struct gen *g, struct mem m, unsigned seg, unsigned size,
                  enum access how);
/* The same, but on a boundary of 16 bytes. */
struct mem mem_operand16(struct gen *g, const struct insn *i, enum access how);
/* The same at ESP + disp. */
struct mem mem_stack(struct gen *g, int32_t disp, enum access how);
struct mem mem_frame(struct gen *g);    /* at EBP, to be read */
/* An operand of g->size there into R11, zero-extended, and back. */
void load_operand(struct gen *g, struct mem m);
void store_operand(struct gen *g, struct mem m);
/* The operand's offset in its segment, of guest registers; an `m` in `reg`. */
struct mem mem_address(const struct insn *i);
void mem_linear(struct gen *g, unsigned reg, struct mem m);

/* ---- FPU (fpu.c) --------------------------------------------------------------- */

/* The instruction at work needs this live (FPU_*); loses host flags. */
void fpu_need(struct gen *g, unsigned what);
/* It was one that sets the x87 pointers; `data`: it has a memory operand. */
void fpu_point(struct gen *g, const struct insn *i, bool data);
/* Store pointers that are due, before somebody may look; uses R9. */
void fpu_settle(struct gen *g, struct fpu_state *f);
/* In a stub, before it goes on: what `f` says is live again, for `k` on. */
void fpu_again(struct gen *g, const struct fpu_state *f, unsigned k);
/* Common code: routines, and before C is called or returned to. */
void fpu_common_save(struct jit *j, struct code *a);
void fpu_leave(const struct jit *j, struct code *a);

/* ---- Control (branch.c, stubs.c) ----------------------------------------------- */

/* Before the first instruction, when `n` more are going to be done. */
void branch_entry(struct gen *g, unsigned n);
/* Flags into RFLAGS that the condition depends on. */
void flags_for(struct gen *g, unsigned cc);
/*
 * cycle.c: the branch at work leads to the trace's own start, on condition
 * `cc`, whose flags are in RFLAGS, or always (-1). False: not done so.
 */
bool cycle_emit(struct gen *g, int cc);
void gen_insn(struct gen *g);           /* translate.c: instruction g->k */
void branch_direct(struct gen *g, unsigned k);  /* flags are saved */
void branch_unlinked(struct gen *g, unsigned k);        /* its stub begins */
void branch_indirect(struct gen *g);    /* to R11 */
struct stub *stub_new(struct gen *g, enum stub_kind kind, uint8_t *from);
void stubs_emit(struct gen *g);
/* Run instruction k by its handler and go on behind it. */
void emit_handler(struct gen *g, unsigned k);
/* `fn` by the common code; RFLAGS get lost, and ZF is set if it cannot. */
void call_leaf(struct gen *g, jit_leaf *fn, uint32_t what);
/* So, if the handler neither reads nor writes arithmetic flags. */
void emit_light_handler(struct gen *g, unsigned k);

static inline unsigned host_reg(unsigned r)
{
    return r == RSP ? R12 : r;
}

/* A register operand by its number in ModRM, for operands of g->size. */
static inline unsigned host_operand(const struct gen *g, unsigned r)
{
    return g->size == 1 ? r : host_reg(r);
}

/* AH to BH: cannot be named beside a register that needs REX. */
static inline bool is_high(const struct gen *g, unsigned r)
{
    return g->size == 1 && r >= 4;
}

static inline struct mem cpu_at(size_t offset)
{
    return asm_at(R14, (int32_t)offset);
}
#define AT(field) cpu_at(offsetof(struct cpu, field))

uint32_t insn_site(const struct gen *g, unsigned k);

#endif
