/* See vmx_core.h. Intel SDM vol. 3 23.7, 24.11.5. */
#include "kernel/metal/vmx_core.h"

#include <errno.h>

#include "kernel/metal/arch.h"
#include "kernel/metal/format.h"
#include "kernel/metal/memory.h"
#include "kernel/metal/paging.h"
#include "kernel/metal/percpu.h"
#include "kernel/metal/vmx_ops.h"
#include "kernel/platform.h"

#define CR0_NE (1ul << 5)

/* What VMXON works in; the core's own while it is on. */
static uint8_t region[PERCPU_MAX][PAGE_BYTES]
    __attribute__((aligned(PAGE_BYTES)));
static bool on[PERCPU_MAX];
static struct vmx_caps caps;

const struct vmx_caps *vmx_capabilities(void) { return &caps; }

void vmx_field_refused(uint32_t field)
{
    platform_fatal("vmx: VMCS field %xh refused, error %lu", field,
                   field == VMCS_INSTRUCTION_ERROR
                       ? 0 : vmread(VMCS_INSTRUCTION_ERROR));
}

static void read_controls(struct vmx_msrs *m)
{
    uint32_t more;

    m->basic = read_msr(MSR_VMX_BASIC);
    more = m->basic & VMX_BASIC_TRUE ? MSR_VMX_TRUE_OFFSET : 0;
    m->pin = read_msr(MSR_VMX_PIN + more);
    m->proc = read_msr(MSR_VMX_PROC + more);
    m->exit = read_msr(MSR_VMX_EXIT + more);
    m->entry = read_msr(MSR_VMX_ENTRY + more);
    m->proc2 = m->ept_vpid = 0;
    if (m->proc >> 32 & PROC_SECONDARY)
        m->proc2 = read_msr(MSR_VMX_PROC2);
    if (m->proc2 >> 32 & (PROC2_EPT | PROC2_VPID))
        m->ept_vpid = read_msr(MSR_VMX_EPT_VPID);
    m->cr0_fixed0 = read_msr(MSR_VMX_CR0_FIXED0);
    m->cr0_fixed1 = read_msr(MSR_VMX_CR0_FIXED1);
    m->cr4_fixed0 = read_msr(MSR_VMX_CR4_FIXED0);
    m->cr4_fixed1 = read_msr(MSR_VMX_CR4_FIXED1);
}

static bool enter_root(void)
{
    unsigned core = this_cpu()->index;
    uint32_t *revision = (uint32_t *)region[core];
    bool works;

    if (!(read_msr(MSR_FEATURE_CONTROL) & FEATURE_CONTROL_LOCK))
        write_msr(MSR_FEATURE_CONTROL,
                  FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX);
    write_cr0(read_cr0() | CR0_NE);
    write_cr4(read_cr4() | CR4_VMXE);
    *revision = caps.revision;
    works = vmxon(paging_phys(region[core]));
    if (!works)
        write_cr4(read_cr4() & ~(uint64_t)CR4_VMXE);
    return works;
}

int vmx_probe(char *why, size_t size)
{
    struct vmx_msrs m = {.cpuid_vmx = cpuid(1, 0).ecx & CPUID_1_ECX_VMX};
    int err;

    if (m.cpuid_vmx)
        m.feature_control = read_msr(MSR_FEATURE_CONTROL);
    err = vmx_permitted(&m, why, size);
    if (err)
        return err;
    read_controls(&m);
    err = vmx_caps_decide(&m, &caps, why, size);
    if (err)
        return err;
    if (on[this_cpu()->index])
        return 0;
    if (!enter_root()) {
        format(why, size, "VMXON fails on this processor");
        return -EIO;
    }
    on[this_cpu()->index] = true;
    vmx_core_off();
    return 0;
}

void vmx_core_on(void)
{
    unsigned core = this_cpu()->index;

    if (on[core])
        return;
    if (!enter_root())
        platform_fatal("vmx: VMXON fails on core %u", core);
    on[core] = true;
}

void vmx_core_off(void)
{
    unsigned core = this_cpu()->index;

    if (!on[core])
        return;
    on[core] = false;
    vmxoff();
    write_cr4(read_cr4() & ~(uint64_t)CR4_VMXE);
}
