/*
 * MMX, SSE and SSE2: what the parts of op_simd share. An instruction is a row
 * of simd_table: `exec` fetches operands and commits the result (simd.c,
 * simd_move.c, simd_conv.c), `thunk` executes the instruction on the host
 * (simd_host.c).
 */
#ifndef EMU_CPU_SIMD_H
#define EMU_CPU_SIMD_H

#include "emu/cpu/exec.h"

/* Operands of one thunk. The offsets are known to the asm in simd_host.c. */
struct simd_op {
    uint8_t d[16], s[16];       /* xmm0 in and out, xmm1 in */
    uint32_t mxcsr;             /* to execute with */
    uint32_t mxcsr_out;         /* after */
    uint32_t mxcsr_host;
    uint32_t gpr;               /* integer result; COMISS: flags in bits 8+ */
} __attribute__((aligned(16)));
_Static_assert(offsetof(struct simd_op, mxcsr) == 32, "simd_host.c");
_Static_assert(offsetof(struct simd_op, gpr) == 44, "simd_host.c");

struct simd_entry {
    void (*exec)(struct cpu *c, const struct insn *i,
                 const struct simd_entry *e);
    void (*thunk)(struct simd_op *x);
    uint8_t size;               /* bytes of the memory operand */
    uint8_t arg;                /* of exec */
    uint16_t flags;             /* SIMD_* */
};
#define SIMD_XMM    0x001       /* needs CR4.OSFXSR, CR0.EM=0, TS=0 */
#define SIMD_MMX    0x002       /* needs CR0.EM=0, TS=0; waits for x87 */
#define SIMD_MEM    0x004       /* no register form */
#define SIMD_REG    0x008       /* no memory form */
#define SIMD_ALIGN  0x010       /* memory operand on 16 bytes, else #GP(0) */
#define SIMD_FP     0x020       /* reads and sets MXCSR */
#define SIMD_TINY   0x0c0       /* lanes that may underflow: */
#define SIMD_TINY_SS 0x040
#define SIMD_TINY_SD 0x080
#define SIMD_TINY_P  0x100      /* ... in all lanes, not the lowest alone */
#define SIMD_HIGH   0x200       /* MMX: the result is the upper half */
#define SIMD_PACK   0x400       /* MMX: both operands in one register */

enum simd_prefix { P_NP, P_66, P_F3, P_F2 };
extern const struct simd_entry simd_table[4][256];

/* The instruction's row, whose `exec` is NULL where there is none. */
static inline const struct simd_entry *simd_find(const struct insn *i)
{
    enum simd_prefix p = i->flags & INSN_REP ? P_F3 :
                         i->flags & INSN_REPNE ? P_F2 :
                         i->flags & INSN_66 ? P_66 : P_NP;

    return &simd_table[p][i->opcode];
}
/* Has that row this form? The others are #UD. */
bool simd_has_form(const struct insn *i, const struct simd_entry *e);

/* ---- Registers -------------------------------------------------------- */

/* x87 to MMX transition (SDM vol. 1, 9.5.1): TOP=0, all tags valid. */
void simd_mmx_enter(struct cpu *c);
static inline uint8_t *simd_xmm(struct cpu *c, unsigned n)
{
    return c->fpu.xmm[n & 7];
}
/* MMn; only after simd_mmx_enter, when TOP is 0. */
void simd_mmx_get(const struct cpu *c, unsigned n, uint8_t *buf);
void simd_mmx_set(struct cpu *c, unsigned n, const uint8_t *buf);

/* ---- Execution -------------------------------------------------------- */

/*
 * Fetch the ModRM source into buf: e->size bytes of memory, or all 16 bytes of
 * XMM. Missing bytes are zero.
 */
void simd_fetch_xmm(struct cpu *c, const struct insn *i,
                    const struct simd_entry *e, uint8_t *buf);
/* The same for MMX: no transition yet, registers by their physical number. */
void simd_fetch_mmx(struct cpu *c, const struct insn *i,
                    const struct simd_entry *e, uint8_t *buf);
/*
 * Run e->thunk. With SIMD_FP, under the guest's rounding; then its flags go to
 * the guest's MXCSR, and an unmasked one raises #XM (or #UD) here, before
 * anything else was committed.
 */
void simd_run(struct cpu *c, const struct simd_entry *e, struct simd_op *x);

/* arg of the instructions that may overflow or underflow */
enum { SIMD_ADD = 1, SIMD_MUL, SIMD_SUB, SIMD_DIV, SIMD_NARROW };

/*
 * simd_unbounded.c: the flags OE, UE and PE of such an instruction when OE or
 * UE are unmasked (`unmasked`: flag bits). `x` has the operands, not yet the
 * result; x->mxcsr masks all exceptions and does not flush to zero.
 */
uint32_t simd_unbounded_flags(const struct simd_entry *e,
                              const struct simd_op *x, uint32_t unmasked);

#define SIMD_EXEC(name) \
    void name(struct cpu *c, const struct insn *i, const struct simd_entry *e)

/* simd.c: dst = thunk(dst, src) */
SIMD_EXEC(simd_do_xmm);
SIMD_EXEC(simd_do_mmx);
SIMD_EXEC(simd_do_cmp);                 /* C2: predicate in imm8 */
SIMD_EXEC(simd_do_shift_imm);           /* 71, 72, 73 */
/* simd_move.c */
SIMD_EXEC(simd_load);                   /* xmm <- xmm/mem, whole register */
SIMD_EXEC(simd_load_scalar);            /* MOVSS, MOVSD, MOVQ */
SIMD_EXEC(simd_store);
SIMD_EXEC(simd_store_scalar);
SIMD_EXEC(simd_load_half);              /* MOVLPS/HPS/LPD/HPD, HLPS, LHPS */
SIMD_EXEC(simd_store_half);
SIMD_EXEC(simd_load_mmx);
SIMD_EXEC(simd_store_mmx);
SIMD_EXEC(simd_movd_to);                /* arg: 1 for MMX */
SIMD_EXEC(simd_movd_from);
SIMD_EXEC(simd_movnti);
SIMD_EXEC(simd_mov_mmx_xmm);            /* MOVQ2DQ, MOVDQ2Q: arg */
SIMD_EXEC(simd_maskmov);                /* arg: 1 for MMX */
/* simd_shuffle.c */
SIMD_EXEC(simd_pshuf);                  /* arg: PSHUF_* */
SIMD_EXEC(simd_pshufw);
SIMD_EXEC(simd_shufp);                  /* arg: bytes per element */
SIMD_EXEC(simd_pinsrw);                 /* arg: 1 for MMX */
SIMD_EXEC(simd_pextrw);
SIMD_EXEC(simd_movmsk);                 /* thunk into a general register */
enum { PSHUF_D, PSHUF_LW, PSHUF_HW };
/* simd_conv.c */
SIMD_EXEC(simd_cvt_pi2);                /* xmm <- mm/mem */
SIMD_EXEC(simd_cvt_2pi);                /* mm <- xmm/mem */
SIMD_EXEC(simd_cvt_si2);                /* xmm <- r32/mem */
SIMD_EXEC(simd_cvt_2si);                /* r32 <- xmm/mem */
SIMD_EXEC(simd_comis);
/* simd_state.c */
SIMD_EXEC(simd_emms);
SIMD_EXEC(simd_prefetch);
SIMD_EXEC(simd_group15);                /* 0F AE */

/* ---- Thunks (simd_host.c) --------------------------------------------- */

#define SIMD_THUNK_LIST(INT, FP) \
    INT(punpcklbw) INT(punpcklwd) INT(punpckldq) INT(punpcklqdq) \
    INT(punpckhbw) INT(punpckhwd) INT(punpckhdq) INT(punpckhqdq) \
    INT(packsswb) INT(packuswb) INT(packssdw) \
    INT(pcmpgtb) INT(pcmpgtw) INT(pcmpgtd) \
    INT(pcmpeqb) INT(pcmpeqw) INT(pcmpeqd) \
    INT(psrlw) INT(psrld) INT(psrlq) INT(psraw) INT(psrad) \
    INT(psllw) INT(pslld) INT(psllq) \
    INT(paddb) INT(paddw) INT(paddd) INT(paddq) \
    INT(psubb) INT(psubw) INT(psubd) INT(psubq) \
    INT(paddsb) INT(paddsw) INT(paddusb) INT(paddusw) \
    INT(psubsb) INT(psubsw) INT(psubusb) INT(psubusw) \
    INT(pmullw) INT(pmulhw) INT(pmulhuw) INT(pmuludq) INT(pmaddwd) \
    INT(pminub) INT(pmaxub) INT(pminsw) INT(pmaxsw) \
    INT(pavgb) INT(pavgw) INT(psadbw) \
    INT(pand) INT(pandn) INT(por) INT(pxor) \
    INT(unpcklps) INT(unpckhps) INT(unpcklpd) INT(unpckhpd) \
    INT(andps) INT(andnps) INT(orps) INT(xorps) \
    INT(rcpps) INT(rcpss) INT(rsqrtps) INT(rsqrtss) \
    FP(addps) FP(addpd) FP(addss) FP(addsd) \
    FP(mulps) FP(mulpd) FP(mulss) FP(mulsd) \
    FP(subps) FP(subpd) FP(subss) FP(subsd) \
    FP(divps) FP(divpd) FP(divss) FP(divsd) \
    FP(minps) FP(minpd) FP(minss) FP(minsd) \
    FP(maxps) FP(maxpd) FP(maxss) FP(maxsd) \
    FP(sqrtps) FP(sqrtpd) FP(sqrtss) FP(sqrtsd) \
    FP(cvtps2pd) FP(cvtpd2ps) FP(cvtss2sd) FP(cvtsd2ss) \
    FP(cvtdq2ps) FP(cvtps2dq) FP(cvttps2dq) \
    FP(cvtdq2pd) FP(cvtpd2dq) FP(cvttpd2dq)

#define SIMD_DECLARE(name) void simd_host_##name(struct simd_op *x);
SIMD_THUNK_LIST(SIMD_DECLARE, SIMD_DECLARE)
/* Results in x->gpr */
SIMD_DECLARE(movmskps) SIMD_DECLARE(movmskpd) SIMD_DECLARE(pmovmskb)
SIMD_DECLARE(cvtss2si) SIMD_DECLARE(cvtsd2si)
SIMD_DECLARE(cvttss2si) SIMD_DECLARE(cvttsd2si)
SIMD_DECLARE(comiss) SIMD_DECLARE(comisd)
SIMD_DECLARE(ucomiss) SIMD_DECLARE(ucomisd)
/* xmm0 <- int32 in s */
SIMD_DECLARE(cvtsi2ss) SIMD_DECLARE(cvtsi2sd)
/* By predicate 0..7, and by P_NP, P_66, P_F3, P_F2. */
extern void (*const simd_host_cmp[4][8])(struct simd_op *x);

#endif
