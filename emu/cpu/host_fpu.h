/*
 * The host's own x87 and SSE units, entered and left inside single asm
 * statements, so that the compiler never sees a guest's control word. What
 * the host must have: CR0.NE=1, EM=TS=0, CR4.OSFXSR=1 (both builds).
 *
 * No statement here can make the host fault: #MF is reported by the next
 * *waiting* x87 instruction only (Intel SDM vol. 1, 8.7), and after the
 * guest's instruction nothing but FXSAVE and FNINIT follow, which do not wait.
 */
#ifndef EMU_CPU_HOST_FPU_H
#define EMU_CPU_HOST_FPU_H

#include "emu/cpu/cpu.h"

#define MXCSR_DEFAULT 0x1f80u
#define MXCSR_FLAGS   0x003fu
#define MXCSR_MASKS   0x1f80u
#define MXCSR_FTZ     0x8000u
#define MXCSR_DAZ     0x0040u
#define MXCSR_VALID   0xffffu   /* MXCSR_MASK of the guest, DAZ included */

/*
 * Every x87 instruction as four bytes: the instruction and `jmp *%rdx`
 * (x87_host.c). Register forms D8..DF C0..FF come first, then the memory
 * forms D8..DF /0../7 with (%rsi) as their operand.
 */
extern const uint8_t x87_host_ops[(512 + 64) * 4]
    __attribute__((visibility("hidden")));

static inline const void *host_x87_reg_op(uint8_t opcode, uint8_t modrm)
{
    return &x87_host_ops[((opcode & 7u) * 64 + (modrm & 63u)) * 4];
}

static inline const void *host_x87_mem_op(uint8_t opcode, unsigned reg)
{
    return &x87_host_ops[(512 + (opcode & 7u) * 8 + reg) * 4];
}

/*
 * Load `in`, execute `op`, store all into `out` (both FXSAVE images; the
 * pointer fields and mxcsr_mask of `out` are the host's and mean nothing).
 * `in` must have no pending unmasked exception and a valid MXCSR. `mem` is
 * the operand of a memory form. `ah`: flags as SAHF takes them, before;
 * returns them, after.
 */
static inline uint8_t host_x87_run(const struct cpu_fpu *in,
                                   struct cpu_fpu *out, void *mem,
                                   const void *op, uint8_t ah)
{
    uint32_t ax = (uint32_t)ah << 8;
    uint32_t host_mxcsr = MXCSR_DEFAULT;

    __asm__ volatile(
        "stmxcsr %[mx]\n\t"
        "fxrstor %[in]\n\t"
        "sahf\n\t"
        "lea 1f(%%rip), %%rdx\n\t"
        "jmp *%[op]\n"
        "1:\n\t"
        "lahf\n\t"
        "fxsave %[out]\n\t"
        "fninit\n\t"
        "ldmxcsr %[mx]"
        : "+a"(ax), [out] "=m"(*out), [mx] "+m"(host_mxcsr)
        : [in] "m"(*in), "S"(mem), [op] "r"(op)
        : "rdx", "memory", "cc", "st", "st(1)", "st(2)", "st(3)", "st(4)",
          "st(5)", "st(6)", "st(7)", "mm0", "mm1", "mm2", "mm3", "mm4", "mm5",
          "mm6", "mm7", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
          "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
          "xmm14", "xmm15");
    return (uint8_t)(ax >> 8);
}

/*
 * FSW after `a OP b` (FADD and so on) on elements of type SIZE ("s", "l"),
 * rounded as `fcw` says. Leaves the host's x87 initialised.
 */
#define HOST_X87_ARITH(OP, SIZE, a, b, fcw, fsw) \
    __asm__ volatile("fninit\n\tfldcw %[cw]\n\tfld" SIZE " (%[pa])\n\t" \
                     OP SIZE " (%[pb])\n\tfnstsw %[sw]\n\tfninit" \
                     : [sw] "=a"(fsw) \
                     : [cw] "m"(fcw), [pa] "r"(a), [pb] "r"(b) \
                     : "memory", "st", "st(1)", "st(2)", "st(3)", "st(4)", \
                       "st(5)", "st(6)", "st(7)", "mm0", "mm1", "mm2", \
                       "mm3", "mm4", "mm5", "mm6", "mm7")

#endif
