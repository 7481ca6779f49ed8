/* CPUID feature bits (SDM vol. 2, CPUID) that emu/cpu looks at. */
#ifndef EMU_CPU_FEATURES_H
#define EMU_CPU_FEATURES_H

#include "emu/cpu/cpu.h"

/* Leaf 1, EDX */
#define CPUID_FPU   (1u << 0)
#define CPUID_VME   (1u << 1)
#define CPUID_DE    (1u << 2)
#define CPUID_PSE   (1u << 3)
#define CPUID_TSC   (1u << 4)
#define CPUID_MSR   (1u << 5)
#define CPUID_PAE   (1u << 6)
#define CPUID_MCE   (1u << 7)
#define CPUID_CX8   (1u << 8)
#define CPUID_APIC  (1u << 9)
#define CPUID_SEP   (1u << 11)
#define CPUID_MTRR  (1u << 12)
#define CPUID_PGE   (1u << 13)
#define CPUID_MCA   (1u << 14)
#define CPUID_CMOV  (1u << 15)
#define CPUID_PAT   (1u << 16)
#define CPUID_PSE36 (1u << 17)
#define CPUID_CLFSH (1u << 19)
#define CPUID_MMX   (1u << 23)
#define CPUID_FXSR  (1u << 24)
#define CPUID_SSE   (1u << 25)
#define CPUID_SSE2  (1u << 26)
/* Leaf 1, ECX */
#define CPUID_SSE3      (1u << 0)
#define CPUID_PCLMUL    (1u << 1)
#define CPUID_SSSE3     (1u << 9)
#define CPUID_CX16      (1u << 13)
#define CPUID_SSE41     (1u << 19)
#define CPUID_SSE42     (1u << 20)
#define CPUID_MOVBE     (1u << 22)
#define CPUID_POPCNT    (1u << 23)
#define CPUID_AES       (1u << 25)
#define CPUID_RDRAND    (1u << 30)
#define CPUID_HYPERVISOR (1u << 31)
/* Leaf 80000001h, EDX */
#define CPUID_EXT_SYSCALL (1u << 11)
#define CPUID_EXT_NX (1u << 20)
#define CPUID_EXT_PAGE1G (1u << 26)
#define CPUID_EXT_LM (1u << 29)
/* AMD repeats these of leaf 1 there (APM vol. 3, appendix E.4.2). */
#define CPUID_EXT_REPEATED 0x0183f3ffu
/* Leaf 80000001h, ECX */
#define CPUID_EXT_LAHF (1u << 0)
#define CPUID_EXT_LZCNT (1u << 5)
#define CPUID_EXT_PREFETCHW (1u << 8)
/* Leaf 80000007h, EDX */
#define CPUID_INVARIANT_TSC (1u << 8)

static inline bool cpu_has(const struct cpu *c, uint32_t edx_bit)
{
    return c->model->features_edx & edx_bit;
}

#endif
