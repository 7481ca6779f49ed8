/*
 * Internal contract between the parts of the interpreter: who may call what
 * while one instruction executes. Only emu/cpu/ includes this.
 *
 *   decode.c trace.c interp.c ops_*.c string.c   instructions, traces, loop
 *   mmu.c                                        paging, TLB, memory access
 *   seg.c interrupt.c task.c sysreg.c cpuid.c    system state
 *   x87.c mmx_sse.c                              FPU and SIMD, on the host's own
 *
 * Faults: a handler that must raise one calls cpu_raise, which unwinds
 * (longjmp) to the engine's loop. So: no handler commits architectural state
 * before its last access that may fault. At that time rip is the
 * faulting instruction's (the engine restores it from the decoded
 * instruction), so handlers never need to save it. cpu_commit ends that.
 */
#ifndef EMU_CPU_EXEC_H
#define EMU_CPU_EXEC_H

#include "emu/cpu/cpu.h"
#include "emu/cpu/debug.h"

/* A decoded instruction, as handlers outside ops_*.c see it. */
struct insn {
    void (*fn)(struct cpu *c, const struct insn *i);    /* the handler */
    uint32_t imm;               /* sign-extended to operand size */
    union {
        struct {
            uint8_t opcode;     /* last opcode byte */
            uint8_t map;        /* 0: one byte, 1: 0F xx */
            uint8_t modrm;      /* raw; mod==3: register operand */
            uint8_t flags;      /* INSN_* */
        };
        uint32_t link_gen;      /* direct branches, once selected */
    };
    union {
        struct {
            uint32_t disp;      /* sign-extended; moffs for A0-A3 */
            uint8_t base, index;        /* gpr numbers or CPU_NOREG */
            uint8_t scale;      /* 0..3 */
            uint8_t seg;        /* effective segment of the memory operand */
        };
        struct trace *link;     /* direct branches: the target's trace */
    };
    uint32_t rip;               /* of this instruction (offset in CS) */
    uint8_t len;                /* bytes; the next is at rip + len */
    uint8_t imm2;               /* ENTER's second operand and such */
    union {                     /* the interpreter's own */
        struct {
            uint8_t rd, rs;     /* register operands, as its handlers want */
        };
        uint16_t count;         /* branches: insns from the trace's start */
    };
};
_Static_assert(sizeof(struct insn) == 32, "two to a cache line");
#define INSN_OP16   0x01        /* operand size is 16, else 32 */
#define INSN_ADDR16 0x02        /* address size is 16, else 32 */
#define INSN_LOCK   0x04
#define INSN_REP    0x08        /* F3 */
#define INSN_REPNE  0x10        /* F2 */
#define INSN_66     0x20        /* operand size prefix seen (SSE) */

static inline unsigned insn_mod(const struct insn *i) { return i->modrm >> 6; }
static inline unsigned insn_reg(const struct insn *i)
{
    return (i->modrm >> 3) & 7;
}
static inline unsigned insn_rm(const struct insn *i) { return i->modrm & 7; }

/* Effective address (offset in i->seg) of the ModRM memory operand. */
static inline uint32_t insn_ea(const struct cpu *c, const struct insn *i)
{
    uint32_t ea = (uint32_t)c->gpr[i->base] +
                  ((uint32_t)c->gpr[i->index] << i->scale) + i->disp;

    return i->flags & INSN_ADDR16 ? ea & 0xffff : ea;
}

/* ---- Faults (interp.c) -------------------------------------------------- */

/* Raise a fault or trap of this instruction; error ignored if it has none. */
_Noreturn void cpu_raise(struct cpu *c, enum cpu_vector v, uint32_t error);
/*
 * What this instruction has done stands: a fault from now on keeps rip as it
 * is (a task switch's in its new context, SDM vol. 3, 7.3).
 */
void cpu_commit(struct cpu *c);

/* ---- Memory (mmu.c) ------------------------------------------------------ */

/*
 * Access through a segment: checks limit and rights (#GP, or #SS for SS),
 * then paging (#PF), alignment (#AC), data breakpoints, MMIO. `off` has been
 * truncated to the address size. Accesses may cross pages; nothing is written
 * unless all of it can be.
 */
uint8_t mem_read8(struct cpu *c, unsigned seg, uint32_t off);
uint16_t mem_read16(struct cpu *c, unsigned seg, uint32_t off);
uint32_t mem_read32(struct cpu *c, unsigned seg, uint32_t off);
uint64_t mem_read64(struct cpu *c, unsigned seg, uint32_t off);
void mem_write8(struct cpu *c, unsigned seg, uint32_t off, uint8_t v);
void mem_write16(struct cpu *c, unsigned seg, uint32_t off, uint16_t v);
void mem_write32(struct cpu *c, unsigned seg, uint32_t off, uint32_t v);
void mem_write64(struct cpu *c, unsigned seg, uint32_t off, uint64_t v);
/* `n` bytes, 1..512 (FXSAVE, FSAVE, XMM, 10-byte reals). */
void mem_read(struct cpu *c, unsigned seg, uint32_t off, void *buf,
              unsigned n);
void mem_write(struct cpu *c, unsigned seg, uint32_t off, const void *buf,
               unsigned n);
/* Check that a later mem_write of n bytes cannot fault (RMW, FNSAVE). */
void mem_probe_write(struct cpu *c, unsigned seg, uint32_t off, unsigned n);

/*
 * Access by linear address. `user`: with the rights of CPL 3; system
 * structures (GDT, IDT, TSS, LDT) are read with user=false at any CPL.
 */
uint8_t lin_read8(struct cpu *c, uint32_t lin, bool user);
uint16_t lin_read16(struct cpu *c, uint32_t lin, bool user);
uint32_t lin_read32(struct cpu *c, uint32_t lin, bool user);
uint64_t lin_read64(struct cpu *c, uint32_t lin, bool user);
void lin_write8(struct cpu *c, uint32_t lin, uint8_t v, bool user);
void lin_write16(struct cpu *c, uint32_t lin, uint16_t v, bool user);
void lin_write32(struct cpu *c, uint32_t lin, uint32_t v, bool user);
void lin_write64(struct cpu *c, uint32_t lin, uint64_t v, bool user);

/*
 * Host address of [lin, lin+n) for a block move (REP MOVS and such), when all
 * of it lies in one page of plain memory that may be accessed so without a
 * fault, breakpoint or decoded code in it; NULL: go element by element. On a
 * write, marks dirty.
 */
uint8_t *lin_block(struct cpu *c, uint32_t lin, unsigned n, bool write,
                   bool user);

/*
 * Translate for an instruction fetch: guest-physical page address of `lin`.
 * Raises #PF with the I bit as the mode demands.
 */
uint64_t mmu_fetch_page(struct cpu *c, uint32_t lin);

int mmu_create(struct cpu *c);          /* 0 or -ENOMEM; sets c->mmu */
void mmu_destroy(struct cpu *c);
void mmu_flush(struct cpu *c, bool keep_global);
void mmu_flush_page(struct cpu *c, uint32_t lin);
/* After CR0, CR4, EFER, DR7 or EFLAGS.AC changed (mmu.h; CPL is not cached). */
void mmu_mode_changed(struct cpu *c);

/*
 * Decoded code lies in [paddr, paddr+len) of this physical page: from now on
 * writes there, by any mapping, call code_written before they return.
 */
void mmu_track_code(struct cpu *c, uint64_t paddr, unsigned len);
void mmu_untrack_page(struct cpu *c, uint64_t page);

/* ---- Decoded code (trace.c) --------------------------------------------- */

/*
 * Bytes of a tracked page are about to change: drop what was decoded from
 * them. If the running trace is among them, it ends after this instruction.
 */
void code_written(struct cpu *c, uint64_t paddr, unsigned len);
/* The mode or a segment changed: end the running trace after this insn. */
void code_mode_changed(struct cpu *c);
/*
 * Translations were dropped, all (but global ones), or those of the page at
 * `lin` (`large`: of the 4 MiB around): end the trace and translate code
 * addresses anew. mmu_flush and mmu_flush_page call them; others need not.
 */
void code_mapping_changed(struct cpu *c, bool keep_global);
void code_page_changed(struct cpu *c, uint32_t lin, bool large);
/* A page fault there: what else was kept of this page has to go. */
void code_page_faulted(struct cpu *c, uint32_t lin);
/*
 * From now on writes to this physical page have to be noticed. mmu_track_code
 * calls it.
 */
void code_page_tracked(struct cpu *c, uint64_t page);
void code_flush_all(struct cpu *c);
/* Memory may have been written by other ways: compare before the next use. */
void code_distrust(struct cpu *c);

/* ---- Flags (flags.h, interp.c) ------------------------------------------ */

/* All of RFLAGS, arithmetic bits materialised. */
uint32_t cpu_flags(struct cpu *c);
/* Replace the bits in `mask`; no privilege check. */
void cpu_flags_set(struct cpu *c, uint32_t value, uint32_t mask);

/* ---- Control transfer and system state (seg.c, interrupt.c, task.c) ----- */

/* MOV Sreg / POP Sreg / LxS, with all checks of the mode. Not CS. */
void seg_load(struct cpu *c, enum cpu_segreg s, uint16_t sel);
/* Real-mode or VM86 style load, no checks. */
void seg_load_real(struct cpu *c, enum cpu_segreg s, uint16_t sel);
/*
 * Far JMP, CALL, RET, IRET, software and hardware interrupts. They set rip,
 * CS, CPL and the stack. op16: operand size 16. `ret_rip` is where a CALL or
 * INT returns to.
 */
void far_jmp(struct cpu *c, uint16_t sel, uint32_t off, bool op16);
void far_call(struct cpu *c, uint16_t sel, uint32_t off, bool op16,
              uint32_t ret_rip);
void far_ret(struct cpu *c, uint16_t pop_bytes, bool op16);
void cpu_iret(struct cpu *c, bool op16);
enum int_kind { INT_HARDWARE, INT_EXCEPTION, INT_SOFTWARE, INT_INT3,
                INT_INTO, INT_ICEBP };
/*
 * Deliver vector `v`; c->rip already is the address to be saved. Faults in
 * delivery raise again by cpu_raise (the engine's loop makes #DF and shutdown
 * of them, SDM vol. 3 table 6-5).
 */
void cpu_interrupt(struct cpu *c, unsigned v, enum int_kind kind,
                   bool has_error, uint32_t error);
enum task_cause { TASK_JMP, TASK_CALL, TASK_IRET, TASK_INT };
void task_switch(struct cpu *c, uint16_t sel, enum task_cause cause,
                 uint32_t next_rip, bool has_error, uint32_t error);
/* I/O permission of `size` bytes at `port` (IOPL, TSS bitmap), else #GP. */
void io_check(struct cpu *c, uint16_t port, unsigned size);

/*
 * Handlers of rare instructions, named after the opcode table: i->map and
 * i->opcode say which. rip has been advanced past the instruction already when
 * they run (cpu_raise puts it back).
 */
void op_group6(struct cpu *c, const struct insn *i);    /* 0F 00 */
void op_group7(struct cpu *c, const struct insn *i);    /* 0F 01 */
void op_lar_lsl(struct cpu *c, const struct insn *i);   /* 0F 02, 03 */
void op_arpl(struct cpu *c, const struct insn *i);      /* 63 */
void op_mov_cr(struct cpu *c, const struct insn *i);    /* 0F 20, 22, 06 */
void op_mov_dr(struct cpu *c, const struct insn *i);    /* 0F 21, 23 */
void op_msr(struct cpu *c, const struct insn *i);       /* 0F 30, 32, 31, 33 */
void op_sysenter(struct cpu *c, const struct insn *i);  /* 0F 34, 35 */
void op_cpuid(struct cpu *c, const struct insn *i);     /* 0F A2 */
void op_cache(struct cpu *c, const struct insn *i);     /* 0F 08, 09 */
void op_x87(struct cpu *c, const struct insn *i);       /* D8-DF */
void op_fwait(struct cpu *c, const struct insn *i);     /* 9B */
/*
 * All of 0F map's MMX, SSE, SSE2 (and 0F AE, C2, C3, C4, C5, C6, 77, 50-7F,
 * D0-FF, 10-17, 28-2F): one handler looks at map, opcode and prefixes.
 */
void op_simd(struct cpu *c, const struct insn *i);
/* Does 0F `opcode` belong to op_simd, and does it take an imm8? */
bool simd_has_opcode(uint8_t opcode, bool *imm8);

/* ---- Debug (debug.c; SDM vol. 3 chapter 17) ------------------------------ */

/*
 * A data or I/O breakpoint was hit: #DB after this insn (DR6 bits in `b`).
 * interp.c's: it collects them, ends the trace and delivers.
 */
void cpu_debug_pending(struct cpu *c, uint32_t b);
/*
 * DR6 bits of instruction breakpoints at linear address `lin`, 0: none. The
 * caller honours RF and raises with cpu_debug_fault. cpu_debug_fetch_armed:
 * are there any at all?
 */
uint32_t cpu_debug_fetch(const struct cpu *c, uint32_t lin);
bool cpu_debug_fetch_armed(const struct cpu *c);
/* #DB as a fault (instruction breakpoint, DR7.GD): DR6 |= bits, cpu_raise. */
_Noreturn void cpu_debug_fault(struct cpu *c, uint32_t bits);

#endif
