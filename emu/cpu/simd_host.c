/*
 * The SIMD instructions themselves, on the host's XMM registers. MMX
 * instructions run as their SSE2 counterparts on the lower half, so the host's
 * x87 is left alone. Floating-point ones run under x->mxcsr, in which all
 * exceptions are masked.
 */
#include "emu/cpu/simd.h"

#define XMM_IN  "movaps (%0), %%xmm0\n\tmovaps 16(%0), %%xmm1\n\t"
#define XMM_OUT "movaps %%xmm0, (%0)\n\t"
#define MXCSR_IN  "stmxcsr 40(%0)\n\tldmxcsr 32(%0)\n\t"
#define MXCSR_OUT "stmxcsr 36(%0)\n\tldmxcsr 40(%0)\n\t"

#define INT_THUNK(name) \
    void simd_host_##name(struct simd_op *x) \
    { \
        __asm__ volatile(XMM_IN #name " %%xmm1, %%xmm0\n\t" XMM_OUT \
                         : : "r"(x) : "xmm0", "xmm1", "memory"); \
    }

#define FP_THUNK(name) \
    void simd_host_##name(struct simd_op *x) \
    { \
        __asm__ volatile(XMM_IN MXCSR_IN #name " %%xmm1, %%xmm0\n\t" \
                         MXCSR_OUT XMM_OUT \
                         : : "r"(x) : "xmm0", "xmm1", "memory"); \
    }

SIMD_THUNK_LIST(INT_THUNK, FP_THUNK)

#define MASK_THUNK(name) \
    void simd_host_##name(struct simd_op *x) \
    { \
        __asm__ volatile(XMM_IN #name " %%xmm1, %%eax\n\tmovl %%eax, 44(%0)" \
                         : : "r"(x) : "rax", "xmm0", "xmm1", "memory"); \
    }

MASK_THUNK(movmskps)
MASK_THUNK(movmskpd)
MASK_THUNK(pmovmskb)

#define TO_INT_THUNK(name) \
    void simd_host_##name(struct simd_op *x) \
    { \
        __asm__ volatile(XMM_IN MXCSR_IN #name " %%xmm1, %%eax\n\t" \
                         MXCSR_OUT "movl %%eax, 44(%0)" \
                         : : "r"(x) : "rax", "xmm0", "xmm1", "memory"); \
    }

TO_INT_THUNK(cvtss2si)
TO_INT_THUNK(cvtsd2si)
TO_INT_THUNK(cvttss2si)
TO_INT_THUNK(cvttsd2si)

/* ZF, PF and CF as LAHF lays them out. */
#define COMPARE_THUNK(name) \
    void simd_host_##name(struct simd_op *x) \
    { \
        __asm__ volatile(XMM_IN MXCSR_IN #name " %%xmm1, %%xmm0\n\t" \
                         "lahf\n\t" MXCSR_OUT "movl %%eax, 44(%0)" \
                         : : "r"(x) \
                         : "rax", "cc", "xmm0", "xmm1", "memory"); \
    }

COMPARE_THUNK(comiss)
COMPARE_THUNK(comisd)
COMPARE_THUNK(ucomiss)
COMPARE_THUNK(ucomisd)

#define FROM_INT_THUNK(name) \
    void simd_host_##name(struct simd_op *x) \
    { \
        __asm__ volatile(XMM_IN MXCSR_IN #name "l 16(%0), %%xmm0\n\t" \
                         MXCSR_OUT XMM_OUT \
                         : : "r"(x) : "xmm0", "xmm1", "memory"); \
    }

FROM_INT_THUNK(cvtsi2ss)
FROM_INT_THUNK(cvtsi2sd)

#define CMP_THUNK(suffix, predicate) \
    static void cmp##suffix##_##predicate(struct simd_op *x) \
    { \
        __asm__ volatile(XMM_IN MXCSR_IN "cmp" #suffix " $" #predicate \
                         ", %%xmm1, %%xmm0\n\t" MXCSR_OUT XMM_OUT \
                         : : "r"(x) : "xmm0", "xmm1", "memory"); \
    }
#define CMP_THUNKS(suffix) \
    CMP_THUNK(suffix, 0) CMP_THUNK(suffix, 1) CMP_THUNK(suffix, 2) \
    CMP_THUNK(suffix, 3) CMP_THUNK(suffix, 4) CMP_THUNK(suffix, 5) \
    CMP_THUNK(suffix, 6) CMP_THUNK(suffix, 7)
#define CMP_ROW(suffix) \
    { cmp##suffix##_0, cmp##suffix##_1, cmp##suffix##_2, cmp##suffix##_3, \
      cmp##suffix##_4, cmp##suffix##_5, cmp##suffix##_6, cmp##suffix##_7 }

CMP_THUNKS(ps)
CMP_THUNKS(pd)
CMP_THUNKS(ss)
CMP_THUNKS(sd)

void (*const simd_host_cmp[4][8])(struct simd_op *x) = {
    [P_NP] = CMP_ROW(ps), [P_66] = CMP_ROW(pd),
    [P_F3] = CMP_ROW(ss), [P_F2] = CMP_ROW(sd),
};
