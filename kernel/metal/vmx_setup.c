/* See vmx.h. Intel SDM vol. 3 24.5 to 24.8. */
#include <errno.h>
#include <string.h>

#include "emu/cpu/features.h"
#include "kernel/metal/arch.h"
#include "kernel/metal/memory.h"
#include "kernel/metal/paging.h"
#include "kernel/metal/percpu.h"
#include "kernel/metal/vmx.h"
#include "kernel/metal/vmx_core.h"
#include "kernel/metal/vmx_ops.h"
#include "kernel/platform.h"

/* MSR bitmap (24.6.9): reads, then writes; low MSRs, then those from ... */
#define BITMAP_HIGH 0x400u
#define BITMAP_WRITE 0x800u
#define HIGH_MSRS 0xc0000000u
#define BITMAP_MSRS 0x2000u

enum { SYSENTER_CS = 0x174, SYSENTER_EIP = 0x176, FS_BASE = 0xc0000100,
       GS_BASE = 0xc0000101 };

/* The guest's own; the rest is shown from the shadow and set by an exit. */
#define GUEST_CR0 (CR0_MP | CR0_EM | CR0_TS | CR0_WP | CR0_AM)
#define GUEST_CR4 CR4_PGE

extern const uint8_t vmx_exit[];        /* vmx_entry.S */

static void *one_page(uint64_t *phys)
{
    void *page = platform_pages_alloc(PAGE_BYTES);

    if (page)
        *phys = paging_phys(page);
    return page;
}

int vmx_alloc(struct vmx *v)
{
    static uint16_t last_vpid;

    v->vmcs = one_page(&v->vmcs_phys);
    v->msr_bitmap = one_page(&v->msr_bitmap_phys);
    v->msr = one_page(&v->msr_phys);
    if (!v->vmcs || !v->msr_bitmap || !v->msr) {
        vmx_free(v);
        return -ENOMEM;
    }
    /* 0 is the host's. One that comes again has nothing old: vmx_setup. */
    if (!++last_vpid)
        last_vpid = 1;
    v->vpid = last_vpid;
    v->core = UINT32_MAX;
    return 0;
}

void vmx_free(struct vmx *v)
{
    platform_pages_free(v->vmcs, PAGE_BYTES);
    platform_pages_free(v->msr_bitmap, PAGE_BYTES);
    platform_pages_free(v->msr, PAGE_BYTES);
}

static void pass_msr(struct vmx *v, uint32_t msr)
{
    uint32_t n = msr & (BITMAP_MSRS - 1);
    uint8_t *read = v->msr_bitmap + (msr >= HIGH_MSRS ? BITMAP_HIGH : 0);

    read[n / 8] &= ~(1u << n % 8);
    read[BITMAP_WRITE + n / 8] &= ~(1u << n % 8);
}

/*
 * MSRs that the guest reaches without an exit: some have a field in the VMCS,
 * the others are swapped by the MSR area. The host uses none of these.
 */
static void setup_msrs(struct vmx *v)
{
    uint32_t msr;

    memset(v->msr_bitmap, 0xff, PAGE_BYTES);
    for (unsigned n = 0; (msr = cpu_msr_passthrough(v->hv.cpu->model, n));
         n++) {
        bool field = (msr >= SYSENTER_CS && msr <= SYSENTER_EIP) ||
                     msr == FS_BASE || msr == GS_BASE;

        if (!field && v->msr_count == VMX_MSRS)
            continue;
        if (!field)
            v->msr[v->msr_count++].index = msr;
        pass_msr(v, msr);
    }
    vmwrite(VMCS_MSR_BITMAP, v->msr_bitmap_phys);
    vmwrite(VMCS_ENTRY_MSR_LOAD, v->msr_phys);
    vmwrite(VMCS_EXIT_MSR_STORE, v->msr_phys);
    vmwrite(VMCS_ENTRY_MSR_LOADS, v->msr_count);
    vmwrite(VMCS_EXIT_MSR_STORES, v->msr_count);
    vmwrite(VMCS_EXIT_MSR_LOADS, 0);
}

static void setup_controls(struct vmx *v)
{
    const struct vmx_caps *caps = vmx_capabilities();
    bool rdrand = v->hv.cpu->model->features_ecx & CPUID_RDRAND;

    vmwrite(VMCS_PIN, caps->pin);
    vmwrite(VMCS_PROC, v->proc = caps->proc);
    vmwrite(VMCS_PROC2, rdrand ? caps->proc2 & ~PROC2_RDRAND : caps->proc2);
    vmwrite(VMCS_EXIT, caps->exit);
    if (caps->vpid)
        vmwrite(VMCS_VPID, v->vpid);
    vmwrite(VMCS_EPTP, v->hv.nested.root_phys | EPTP_FLAGS);
    vmwrite(VMCS_EXCEPTIONS, v->exceptions);
    vmwrite(VMCS_PF_MASK, 0);
    vmwrite(VMCS_PF_MATCH, 0);
    vmwrite(VMCS_CR3_TARGETS, 0);
    vmwrite(VMCS_CR0_MASK, ~(uint64_t)GUEST_CR0);
    vmwrite(VMCS_CR4_MASK,
            ~(uint64_t)(GUEST_CR4 & cpu_cr4_allowed(v->hv.cpu)));
    vmwrite(VMCS_TSC_OFFSET, v->tsc_offset);
    vmwrite(VMCS_LINK, UINT64_MAX);
    vmwrite(VMCS_GUEST_DEBUGCTL, 0);
    vmwrite(VMCS_GUEST_ACTIVITY, 0);
    vmwrite(VMCS_GUEST_INTERRUPTIBILITY, v->interruptibility);
    vmwrite(VMCS_GUEST_PENDING_DEBUG, v->pending_debug);
}

static uint64_t table_base(bool idt)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) table;

    if (idt)
        __asm__ volatile("sidt %0" : "=m"(table));
    else
        __asm__ volatile("sgdt %0" : "=m"(table));
    return table.base;
}

static void setup_host(void)
{
    static const uint32_t data[] = {VMCS_HOST_ES_SEL, VMCS_HOST_SS_SEL,
                                    VMCS_HOST_DS_SEL, VMCS_HOST_FS_SEL,
                                    VMCS_HOST_GS_SEL};

    vmwrite(VMCS_HOST_CR0, read_cr0());
    vmwrite(VMCS_HOST_CR3, read_cr3());
    vmwrite(VMCS_HOST_CR4, read_cr4());
    vmwrite(VMCS_HOST_EFER, read_msr(MSR_EFER));
    for (unsigned i = 0; i < sizeof data / sizeof data[0]; i++)
        vmwrite(data[i], SELECTOR_DATA);
    vmwrite(VMCS_HOST_CS_SEL, SELECTOR_CODE);
    vmwrite(VMCS_HOST_TR_SEL, SELECTOR_TSS);
    vmwrite(VMCS_HOST_FS_BASE, 0);
    vmwrite(VMCS_HOST_GS_BASE, read_msr(MSR_GS_BASE));
    vmwrite(VMCS_HOST_TR_BASE, (uintptr_t)&this_cpu()->tss);
    vmwrite(VMCS_HOST_GDTR_BASE, table_base(false));
    vmwrite(VMCS_HOST_IDTR_BASE, table_base(true));
    vmwrite(VMCS_HOST_SYSENTER_CS, 0);
    vmwrite(VMCS_HOST_SYSENTER_ESP, 0);
    vmwrite(VMCS_HOST_SYSENTER_EIP, 0);
    vmwrite(VMCS_HOST_RIP, (uintptr_t)vmx_exit);
}

void vmx_setup(struct vmx *v)
{
    if (!v->prepared) {
        setup_controls(v);
        setup_msrs(v);
        v->prepared = true;
    }
    if (v->core != this_cpu()->index) {
        v->core = this_cpu()->index;
        setup_host();
        /* What this core still knows of us may be old. */
        v->nested_seen = v->hv.nested.generation - 1;
    }
}
