/*
 * Descriptors, segment registers and privileged stacks: what seg.c, far.c,
 * interrupt.c, iret.c, task.c and sysreg.c share (SDM vol. 3, chapters 3
 * and 5).
 */
#ifndef EMU_CPU_SEG_H
#define EMU_CPU_SEG_H

#include "emu/cpu/cpu.h"

/* Type bits of code and data descriptors (SDM vol. 3, table 3-1). */
#define SEG_TYPE_A    0x1u      /* accessed */
#define SEG_TYPE_W    0x2u      /* data: writable */
#define SEG_TYPE_R    0x2u      /* code: readable */
#define SEG_TYPE_E    0x4u      /* data: expand-down */
#define SEG_TYPE_C    0x4u      /* code: conforming */
#define SEG_TYPE_CODE 0x8u
#define DESC_ACCESS_BYTE 5u     /* of a descriptor: type, S, DPL and P */

/* Types of system descriptors (SDM vol. 3, table 3-2). */
enum sys_type {
    SYS_TSS16 = 1, SYS_LDT = 2, SYS_TSS16_BUSY = 3, SYS_CALL16 = 4,
    SYS_TASK_GATE = 5, SYS_INT16 = 6, SYS_TRAP16 = 7, SYS_TSS32 = 9,
    SYS_TSS32_BUSY = 11, SYS_CALL32 = 12, SYS_INT32 = 14, SYS_TRAP32 = 15,
};
#define SYS_TSS_BUSY_BIT 2u
#define SYS_32BIT 8u            /* TSS and gates: the 386 form */

#define SEL_RPL(sel) ((sel) & 3u)
#define SEL_TI 4u
#define SEL_ERROR(sel) ((sel) & 0xfffcu)
#define SEL_IS_NULL(sel) (SEL_ERROR(sel) == 0)

static inline bool cpu_protected(const struct cpu *c)
{
    return (c->cr0 & CR0_PE) && !(c->rflags & FLAG_VM);
}

static inline unsigned cpu_iopl(const struct cpu *c)
{
    return (c->rflags & FLAG_IOPL) >> 12;
}

static inline bool seg_is_code(const struct cpu_seg *s)
{
    return (s->attr & (SEG_S | SEG_TYPE_CODE)) == (SEG_S | SEG_TYPE_CODE);
}

static inline bool seg_is_conforming(const struct cpu_seg *s)
{
    return seg_is_code(s) && (s->attr & SEG_TYPE_C);
}

static inline bool seg_is_data(const struct cpu_seg *s)
{
    return (s->attr & (SEG_S | SEG_TYPE_CODE)) == SEG_S;
}

static inline bool seg_is_stack(const struct cpu_seg *s)
{
    return seg_is_data(s) && (s->attr & SEG_TYPE_W);
}

static inline bool seg_is_readable(const struct cpu_seg *s)
{
    return seg_is_data(s) || (seg_is_code(s) && (s->attr & SEG_TYPE_R));
}

static inline bool seg_is_expand_down(const struct cpu_seg *s)
{
    return seg_is_data(s) && (s->attr & SEG_TYPE_E);
}

static inline bool seg_is_present(const struct cpu_seg *s)
{
    return s->attr & SEG_P;
}

/* Does the limit allow [off, off+size)? (SDM vol. 3, 5.3) */
static inline bool seg_offset_ok(const struct cpu_seg *s, uint32_t off,
                                 unsigned size)
{
    uint64_t last = (uint64_t)off + size - 1;

    if (!seg_is_expand_down(s))
        return last <= s->limit;
    return off > s->limit &&
           last <= (s->attr & SEG_DB ? 0xffffffffu : 0xffffu);
}

/* May it be in DS, ES, FS or GS at this level, by `sel`, if it is present? */
static inline bool seg_may_be_data(const struct cpu_seg *s, uint16_t sel,
                                   unsigned cpl)
{
    unsigned dpl = SEG_DPL(s->attr);

    return seg_is_readable(s) &&
           (seg_is_conforming(s) || (SEL_RPL(sel) <= dpl && cpl <= dpl));
}

/* cpu_raise with the EXT bit of the event being delivered. */
_Noreturn void sys_raise(struct cpu *c, enum cpu_vector v, uint32_t error);

/* ---- Descriptors (desc.c) ------------------------------------------------ */

struct descriptor {
    uint32_t lo, hi;            /* as in the table */
    uint32_t addr;              /* linear address of the entry */
    struct cpu_seg seg;         /* decoded; seg.sel as asked for */
};

static inline unsigned desc_dpl(const struct descriptor *d)
{
    return SEG_DPL(d->seg.attr);
}

/* System type, or 0 (reserved) for a code or data segment. */
static inline unsigned desc_sys_type(const struct descriptor *d)
{
    return d->seg.attr & SEG_S ? 0 : SEG_TYPE(d->seg.attr);
}

static inline uint16_t gate_selector(const struct descriptor *d)
{
    return (uint16_t)(d->lo >> 16);
}

/* The gate's target, 16 or 32 bits by its type. */
static inline uint32_t gate_offset(const struct descriptor *d)
{
    uint32_t low = d->lo & 0xffff;

    return SEG_TYPE(d->seg.attr) & SYS_32BIT ? low | (d->hi & 0xffff0000u)
                                             : low;
}

/* The segment that the two words of a descriptor describe. */
static inline struct cpu_seg desc_segment(uint16_t sel, uint32_t lo,
                                          uint32_t hi)
{
    uint32_t limit = (lo & 0xffff) | (hi & 0x000f0000);
    uint16_t attr = (uint16_t)((hi >> 8 & 0xff) | (hi >> 12 & 0xf00));

    return (struct cpu_seg){
        .sel = sel, .attr = attr,
        .base = lo >> 16 | (hi & 0xff) << 16 | (hi & 0xff000000u),
        .limit = attr & SEG_G ? limit << 12 | 0xfff : limit,
    };
}

/* Decode the two words of a descriptor. */
void desc_decode(struct descriptor *d, uint16_t sel, uint32_t addr,
                 uint32_t lo, uint32_t hi);
/* Read the descriptor of `sel`. False: null, or beyond its table. */
bool desc_read(struct cpu *c, uint16_t sel, struct descriptor *d);
/* As desc_read; false raises `v` with the selector as error code. */
void desc_need(struct cpu *c, uint16_t sel, struct descriptor *d,
               enum cpu_vector v);
/* Set the accessed bit of a code or data segment, in the table too. */
void desc_set_accessed(struct cpu *c, struct descriptor *d);
/* Set or clear the busy bit of the TSS descriptor at linear `addr`. */
void desc_set_busy(struct cpu *c, uint32_t addr, bool busy);
/* Where `sel` lies in the GDT (no check). */
uint32_t desc_gdt_address(const struct cpu *c, uint16_t sel);

/* ---- Segment registers (seg.c) ------------------------------------------- */

/* Give CS this descriptor and the CPU this privilege level; sets A. */
void seg_set_cs(struct cpu *c, struct descriptor *d, unsigned cpl);
/* CS of real or virtual-8086 mode. */
void seg_set_cs_real(struct cpu *c, uint16_t sel);
/* A null selector: every access through it faults. */
void seg_set_null(struct cpu *c, enum cpu_segreg s, uint16_t sel);

/*
 * May `sel`, described by `d`, be loaded into SS at level `cpl`? Raises `bad`
 * or #SS with the selector.
 */
void seg_check_stack(struct cpu *c, uint16_t sel, const struct descriptor *d,
                     unsigned cpl, enum cpu_vector bad);
/* The same for DS, ES, FS, GS; #NP if absent. */
void seg_check_data(struct cpu *c, uint16_t sel, const struct descriptor *d,
                    unsigned cpl, enum cpu_vector bad);

/* ---- Stacks (stack.c) ---------------------------------------------------- */

/*
 * A stack in use by one control transfer. Memory is written at once, SS:ESP
 * only by the caller at the end.
 */
struct stack {
    struct cpu_seg ss;
    uint32_t sp;                /* whole ESP */
    bool user;                  /* rights of CPL 3 */
    uint16_t error;             /* #SS error code */
};

void stack_current(const struct cpu *c, struct stack *s);
/* #SS unless `bytes` can be pushed. */
void stack_need_room(struct cpu *c, const struct stack *s, unsigned bytes);
/* Move ESP (or SP, by SS.B) up by n bytes. */
void stack_skip(struct stack *s, uint32_t n);
void stack_push(struct cpu *c, struct stack *s, uint32_t v, bool wide);
uint32_t stack_pop(struct cpu *c, struct stack *s, bool wide);
/* ESP (or SP) := the stack's. */
void stack_commit(struct cpu *c, const struct stack *s);
/*
 * The stack for privilege level `cpl` from the TSS, checked; `d` becomes its SS
 * descriptor, to be marked accessed. #TS, #SS.
 */
void stack_inner(struct cpu *c, struct stack *s, struct descriptor *d,
                 unsigned cpl);

/* ---- Returns (far.c) ----------------------------------------------------- */

/* A far return under way: RET and IRET without its flags. */
struct far_return {
    struct stack from;          /* behind CS (and EFLAGS) */
    uint32_t off;
    uint16_t sel;
    bool wide;                  /* 32-bit operand size */
    uint16_t release;           /* bytes of parameters */
    struct descriptor cs, ss;
    bool outer;
    uint32_t outer_sp;
};

/* All checks of a return to r->sel:r->off; pops SS:ESP of an outer level. */
void far_return_check(struct cpu *c, struct far_return *r);
void far_return_commit(struct cpu *c, struct far_return *r);

#endif
