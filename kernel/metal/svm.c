/*
 * The engine "svm": the guest on the processor itself, by AMD's secure virtual
 * machine with nested paging (APM vol. 2 chapter 15).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/metal/arch.h"
#include "kernel/metal/clock.h"
#include "kernel/metal/format.h"
#include "kernel/metal/memory.h"
#include "kernel/metal/paging.h"
#include "kernel/metal/percpu.h"
#include "kernel/metal/svm.h"
#include "kernel/metal/svm_caps.h"
#include "kernel/metal/svm_internal.h"
#include "kernel/metal/trap.h"
#include "kernel/platform.h"

enum { MSR_VM_CR = 0xc0010114, MSR_VM_HSAVE_PA = 0xc0010117 };
#define EXT8_RDPRU (1u << 4)            /* 80000008h EBX */

#define PERMISSION_PAGES 5u             /* 3 for ports, 2 for MSRs */

/* Nested tables have the processor's own format, all as user pages (15.25.5). */
#define PTE_P 1u
#define PTE_W 2u
#define PTE_U 4u
static const struct hv_pte_format nested_format = {
    .table = PTE_P | PTE_W | PTE_U, .page = PTE_P | PTE_U, .write = PTE_W,
    .large = 0x80,
};

#define HYPERVISOR_LEAF 0x40000000u
#define CPUID_HYPERVISOR (1u << 31) /* leaf 1, ECX */

struct svm_features svm_features;
static struct svm_core cores[PERCPU_MAX];
static uint8_t *core_pages;     /* two for each core: save area, VMCB */

/* ---- Cores --------------------------------------------------------------------- */

/*
 * Let this core run guests: where VMRUN keeps the host's state, and what it
 * does not keep, for VMLOAD after each exit (15.5.1). How this processor holds
 * a TSS that is in use shows in the host's: QEMU stops on another type.
 */
static void enable_here(struct svm_core *core, unsigned index)
{
    uint64_t save = paging_phys(core_pages + index * 2 * PAGE_BYTES);
    const struct vmcb *host;

    write_msr(MSR_EFER, read_msr(MSR_EFER) | EFER_SVME);
    write_msr(MSR_VM_HSAVE_PA, save);
    core->host_phys = save + PAGE_BYTES;
    __asm__ volatile("vmsave %0" : : "a"(core->host_phys) : "memory");
    host = paging_direct(core->host_phys);
    svm_features.busy_tss = host->tr.attrib & TYPE_BUSY;
}

struct svm_core *svm_core_here(void)
{
    unsigned index = this_cpu()->index;
    struct svm_core *core = &cores[index];

    if (!core->host_phys)
        enable_here(core, index);
    return core;
}

/* ---- The engine ------------------------------------------------------------------ */

/* QEMU's TCG plays the processor, as its own CPUID leaf says. */
static bool host_is_tcg(void)
{
    const uint32_t tcgt = 0x54474354;   /* "TCGT" of "TCGTCGTCGTCG" */

    return (cpuid(1, 0).ecx & CPUID_HYPERVISOR) &&
           cpuid(HYPERVISOR_LEAF, 0).ebx == tcgt;
}

static int svm_probe(char *why, size_t size)
{
    struct svm_caps caps = { .max_leaf = cpuid(0x80000000, 0).eax };
    const char *refused;

    if (caps.max_leaf >= SVM_CAPS_LEAF)
        caps.ext_ecx = cpuid(0x80000001, 0).ecx;
    if (svm_caps_present(&caps)) {
        caps.svm_edx = cpuid(SVM_CAPS_LEAF, 0).edx;
        caps.vm_cr = read_msr(MSR_VM_CR);
    }
    refused = svm_caps_refuse(&caps);
    if (refused) {
        format(why, size, "%s", refused);
        return -ENODEV;
    }
    svm_features.next_rip = caps.svm_edx & SVM_CAPS_NEXT_RIP;
    svm_features.flush_asid = caps.svm_edx & SVM_CAPS_FLUSH_ASID;
    svm_features.rdpru = cpuid(0x80000008, 0).ebx & EXT8_RDPRU;
    svm_features.stale_event = host_is_tcg();
    svm_features.entry_arms_none = svm_features.stale_event;
    if (svm_features.entry_arms_none)
        trap_set_handler(EXCEPTION_DEBUG, svm_stray_debug, NULL);
    return 0;
}

static const struct hv_ops ops = {
    .enter = svm_run, .store = svm_store, .load = svm_load,
};

static void svm_destroy(struct engine *e)
{
    struct svm *s = (struct svm *)e;

    for (unsigned i = 0; i < PERCPU_MAX; i++)
        if (cores[i].last == s)
            cores[i].last = NULL;
    if (s->hv.interp)
        hv_exit(&s->hv);
    if (s->permissions)
        platform_pages_free(s->permissions, PERMISSION_PAGES * PAGE_BYTES);
    if (s->vmcb)
        platform_pages_free(s->vmcb, sizeof *s->vmcb);
    free(s);
}

static struct engine *svm_create(struct cpu *cpu)
{
    struct svm *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    if (!core_pages)
        core_pages = platform_pages_alloc(PERCPU_MAX * 2 * PAGE_BYTES);
    s->vmcb = platform_pages_alloc(sizeof *s->vmcb);
    s->permissions = platform_pages_alloc(PERMISSION_PAGES * PAGE_BYTES);
    cpu_fit_host(cpu, cpu->exact_count ? 0 : clock_tsc_hz());
    if (!core_pages || !s->vmcb || !s->permissions ||
        hv_init(&s->hv, &ops, cpu, &nested_format)) {
        svm_destroy((struct engine *)s);
        return NULL;
    }
    s->hv.no_breaks = svm_features.entry_arms_none;
    s->entry = (struct svm_entry){ .vmcb_phys = paging_phys(s->vmcb),
                                   .gpr = cpu->gpr, .fpu = &cpu->fpu };
    svm_state_init(s, paging_phys(s->permissions));
    return (struct engine *)s;
}

const struct engine_ops engine_svm = {
    .name = "svm",
    .long_mode = true,
    .counts_insns = false,
    .probe = svm_probe,
    .create = svm_create,
    .destroy = svm_destroy,
    .run = hv_run,
    .memory_changed = hv_memory_changed,
    .map_changed = hv_map_changed,
    .kick = hv_kick,
    .can_debug = hv_can_debug,
    .info = hv_info,
};
