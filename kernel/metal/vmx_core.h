/* VT-x as each core has it: switched on and off, and what it can do. */
#ifndef KERNEL_METAL_VMX_CORE_H
#define KERNEL_METAL_VMX_CORE_H

#include <stddef.h>

#include "kernel/metal/vmx_caps.h"

/* May it be used? 0, or -errno with the reason in words. */
int vmx_probe(char *why, size_t size);
/* What it can do; after vmx_probe said that it may be used. */
const struct vmx_caps *vmx_capabilities(void);

/* Switch it on here, unless it is. Fatal where probe said that it works. */
void vmx_core_on(void);
/*
 * Switch it off here, if it is on: a core in VMX operation ignores INIT, and so
 * would not restart with the others (Intel SDM vol. 3 23.8).
 */
void vmx_core_off(void);

#endif
