/* VT-x's instructions (Intel SDM vol. 3 chapter 30). Needs VMXON but for that. */
#ifndef KERNEL_METAL_VMX_OPS_H
#define KERNEL_METAL_VMX_OPS_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/metal/vmx_regs.h"

/* A field that this processor has not, or no VMCS: our own mistake. Fatal. */
_Noreturn void vmx_field_refused(uint32_t field);

static inline uint64_t vmread(uint32_t field)
{
    uint64_t v;
    bool failed;

    __asm__ volatile("vmread %2, %0; setbe %1"
                     : "=r"(v), "=qm"(failed) : "r"((uint64_t)field) : "cc");
    if (__builtin_expect(failed, 0))
        vmx_field_refused(field);
    return v;
}

static inline void vmwrite(uint32_t field, uint64_t v)
{
    bool failed;

    __asm__ volatile("vmwrite %2, %1; setbe %0"
                     : "=qm"(failed) : "r"((uint64_t)field), "r"(v) : "cc");
    if (__builtin_expect(failed, 0))
        vmx_field_refused(field);
}

/* The others: true if it worked. Addresses are physical, of whole pages. */
static inline bool vmxon(uint64_t phys)
{
    bool failed;

    __asm__ volatile("vmxon %1; setbe %0"
                     : "=qm"(failed) : "m"(phys) : "cc", "memory");
    return !failed;
}
static inline void vmxoff(void)
{
    __asm__ volatile("vmxoff" : : : "cc", "memory");
}
static inline bool vmclear(uint64_t phys)
{
    bool failed;

    __asm__ volatile("vmclear %1; setbe %0"
                     : "=qm"(failed) : "m"(phys) : "cc", "memory");
    return !failed;
}
static inline bool vmptrld(uint64_t phys)
{
    bool failed;

    __asm__ volatile("vmptrld %1; setbe %0"
                     : "=qm"(failed) : "m"(phys) : "cc", "memory");
    return !failed;
}
static inline bool invept(uint64_t type, uint64_t eptp)
{
    struct invept_descriptor d = {eptp, 0};
    bool failed;

    __asm__ volatile("invept %1, %2; setbe %0"
                     : "=qm"(failed) : "m"(d), "r"(type) : "cc", "memory");
    return !failed;
}

#endif
