/*
 * What a processor's VT-x can do and whether Trestle can use it: decisions
 * over the values of MSRs, without touching any.
 */
#ifndef KERNEL_METAL_VMX_CAPS_H
#define KERNEL_METAL_VMX_CAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As read; those after feature_control only when it lets VT-x be used. */
struct vmx_msrs {
    bool cpuid_vmx;             /* CPUID 1 ECX bit 5 */
    uint64_t feature_control;
    uint64_t basic;
    /* Allowed settings, the "true" ones where there. proc2 and ept_vpid: 0
     * where the processor has no secondary controls. */
    uint64_t pin, proc, proc2, exit, entry, ept_vpid;
    uint64_t cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
};

/* What to put into a VMCS. */
struct vmx_caps {
    uint32_t revision;
    uint32_t pin, proc, proc2, exit, entry;     /* control fields */
    bool vpid, unrestricted;
    bool invept_single;
    /* Guest CR0 and CR4: these bits are 1, those not in `may` are 0. */
    uint64_t cr0_must, cr0_may, cr4_must, cr4_may;
};

/*
 * May VT-x be used at all? 0, or -ENOTSUP (no VT-x), -EACCES (locked off), with
 * the reason in words in `why`. Not locked: the caller is to write the MSR.
 */
int vmx_permitted(const struct vmx_msrs *m, char *why, size_t size);

/*
 * Choose the controls. 0, or -ENOTSUP with the first thing missing in `why`.
 */
int vmx_caps_decide(const struct vmx_msrs *m, struct vmx_caps *caps, char *why,
                    size_t size);

/* `value` with the bits that `must` be 1 and without those that must not. */
static inline uint64_t vmx_fixed(uint64_t value, uint64_t must, uint64_t may)
{
    return (value | must) & may;
}

#endif
