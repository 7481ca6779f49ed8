/*
 * Guest state as VM entry wants it: conversions and the checks of Intel SDM
 * vol. 3 26.3.1, without touching the hardware.
 */
#ifndef KERNEL_METAL_VMX_GUEST_H
#define KERNEL_METAL_VMX_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "emu/cpu/cpu.h"

/* Access rights of a VMCS (24.4.1) from a segment's attr, and back. */
uint32_t vmx_rights(const struct cpu_seg *s);
uint16_t vmx_attr(uint32_t rights);

/*
 * Why VM entry would refuse this state, in a few words, or NULL. Such state is
 * the guest's right to have: the interpreter runs it. Without `unrestricted`
 * that is all of real mode and of protected mode without paging.
 */
const char *vmx_guest_unfit(const struct cpu *c, bool unrestricted);

#endif
