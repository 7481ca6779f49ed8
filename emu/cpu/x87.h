/* x87 state and its rules, shared by the x87 and the SIMD instructions. */
#ifndef EMU_CPU_X87_H
#define EMU_CPU_X87_H

#include "emu/cpu/exec.h"

/* Status word (Intel SDM vol. 1, 8.1.3); FCW masks with the same bits */
#define FSW_IE   0x0001u
#define FSW_DE   0x0002u
#define FSW_ZE   0x0004u
#define FSW_OE   0x0008u
#define FSW_UE   0x0010u
#define FSW_PE   0x0020u
#define FSW_EXC  0x003fu
#define FSW_SF   0x0040u
#define FSW_ES   0x0080u
#define FSW_C0   0x0100u
#define FSW_C1   0x0200u
#define FSW_C2   0x0400u
#define FSW_TOP  0x3800u
#define FSW_C3   0x4000u
#define FSW_B    0x8000u
#define FCW_INIT 0x037fu

/* Memory forms: bytes to load, bytes to store (negative), or what else. */
enum { X87_UD = 100, X87_LDENV, X87_LDCW, X87_STENV, X87_STCW, X87_RSTOR,
       X87_SAVE, X87_STSW };
int x87_mem_form(uint8_t opcode, unsigned reg);
bool x87_reg_form(uint8_t opcode, uint8_t modrm);       /* is there one? */
/* FUCOMI, FCOMI, FUCOMIP, FCOMIP: register forms. */
static inline bool x87_sets_eflags(const struct insn *i)
{
    unsigned reg = insn_reg(i);

    return (i->opcode == 0xdb || i->opcode == 0xdf) && (reg == 5 || reg == 6);
}

static inline unsigned x87_top(const struct cpu_fpu *f)
{
    return (f->fsw >> 11) & 7;
}

/* Bits of FCW that no instruction can change: 6 is one, 7 and 13-15 zero. */
static inline void x87_fix_fcw(struct cpu_fpu *f)
{
    f->fcw = (f->fcw & 0x1f7f) | 0x40;
}

/* An unmasked exception waits for the next waiting instruction. */
static inline bool x87_pending(const struct cpu_fpu *f)
{
    return (f->fsw & ~f->fcw & FSW_EXC) != 0;
}

/*
 * What a waiting instruction does first (SDM vol. 1, 8.7): #MF when an
 * exception is pending and CR0.NE=1. With NE=0, FERR# is asserted and the CPU
 * stops in front of the instruction until an interrupt comes; false is
 * returned then, and the handler must return without doing anything.
 */
bool x87_wait(struct cpu *c, const struct insn *i);

/* Change TOP; the physical registers keep their contents. */
void x87_set_top(struct cpu_fpu *f, unsigned top);
/* After FCW or the exception flags were replaced: ES, B and FERR#. */
void x87_sync_summary(struct cpu *c);
/* FNINIT. */
void x87_init(struct cpu *c);
/* The 16-bit tag word, from the abridged one and the registers. */
uint16_t x87_full_tags(const struct cpu_fpu *f);

/* D9 /4, D9 /6, DD /4, DD /6 (x87_env.c); the caller has waited if due. */
void x87_fldenv(struct cpu *c, const struct insn *i);
void x87_fnstenv(struct cpu *c, const struct insn *i);
void x87_frstor(struct cpu *c, const struct insn *i);
void x87_fnsave(struct cpu *c, const struct insn *i);
/* 0F AE /0, /1 (x87_env.c): checks alignment and MXCSR. */
void x87_fxsave(struct cpu *c, const struct insn *i);
void x87_fxrstor(struct cpu *c, const struct insn *i);

/*
 * Memory operands of x87 and SIMD instructions. `align`: what #AC asks for
 * (SDM vol. 3, table 6-7; vol. 2, 2.4), when it is enabled.
 */
void fpu_read(struct cpu *c, const struct insn *i, uint32_t ea, void *buf,
              unsigned n, unsigned align);
void fpu_write(struct cpu *c, const struct insn *i, uint32_t ea,
               const void *buf, unsigned n, unsigned align);
/* Raise #AC if the operand is not aligned and that is checked. */
void fpu_check_ac(struct cpu *c, const struct insn *i, uint32_t ea,
                  unsigned align);

/* Raise #GP(0) unless the memory operand lies on a 16-byte boundary. */
static inline void x87_check_align16(struct cpu *c, const struct insn *i,
                                     uint32_t ea)
{
    if ((c->seg[i->seg].base + ea) & 15)
        cpu_raise(c, EXC_GP, 0);
}

#endif
