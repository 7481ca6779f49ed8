/* See vmx.h: the engine, and the way into the guest and out of it. */
#include "kernel/metal/vmx.h"

#include <stdlib.h>

#include "kernel/metal/arch.h"
#include "kernel/metal/vmx_core.h"
#include "kernel/metal/vmx_ops.h"
#include "kernel/platform.h"

/* vmx_entry.S */
int vmx_enter(uint64_t gpr[16], bool launched);

/* All memory is write-back, whatever the guest's PAT and MTRRs say of it. */
static const struct hv_pte_format ept_format = {
    .table = EPT_READ | EPT_WRITE | EPT_EXECUTE,
    .page = EPT_READ | EPT_EXECUTE | EPT_WRITE_BACK | EPT_IGNORE_PAT,
    .write = EPT_WRITE,
    .large = EPT_LARGE,
};

/* ---- Before an entry ------------------------------------------------------- */

static void load_event(const struct hv *h)
{
    static const uint32_t types[] = {
        [CPU_EVENT_INTERRUPT] = EVENT_EXTINT, [CPU_EVENT_NMI] = EVENT_NMI,
        [CPU_EVENT_EXCEPTION] = EVENT_EXCEPTION,
    };
    const struct cpu_event *e = &h->event;
    uint32_t info;

    if (!e->valid)
        return;
    info = EVENT_VALID | types[e->kind] | e->vector;
    /* Real mode has no error codes, and VM entry wants none (26.2.1.3). */
    if (e->has_error && (h->cpu->cr0 & CR0_PE)) {
        info |= EVENT_HAS_ERROR;
        vmwrite(VMCS_ENTRY_ERROR, e->error);
    }
    vmwrite(VMCS_ENTRY_EVENT, info);    /* an exit makes it invalid (26.8.3) */
}

static void load_controls(struct vmx *v)
{
    const struct hv *h = &v->hv;
    uint32_t proc = vmx_capabilities()->proc;
    uint32_t exceptions = h->step ? ~0u : v->guest_exceptions;
    uint64_t offset = hv_tsc_offset(h);

    if (h->window)
        proc |= PROC_INTERRUPT_WINDOW;
    if (h->nmi_window && h->cpu->nmi)
        proc |= PROC_NMI_WINDOW;
    if (h->cpu->exact_count)
        proc |= PROC_RDTSC;
    if (proc != v->proc)
        vmwrite(VMCS_PROC, v->proc = proc);
    if (exceptions != v->exceptions)
        vmwrite(VMCS_EXCEPTIONS, v->exceptions = exceptions);
    if (offset != v->tsc_offset)
        vmwrite(VMCS_TSC_OFFSET, v->tsc_offset = offset);
}

/*
 * Drop what the processor may remember of old tables, the guest's own as well:
 * with EPT it remembers both in one, and INVEPT drops them for every VPID
 * (28.3.3.1). Entries that were added need nothing.
 */
static void drop_stale(struct vmx *v)
{
    if (v->nested_seen == v->hv.nested.generation)
        return;
    v->nested_seen = v->hv.nested.generation;
    if (!invept(vmx_capabilities()->invept_single ? INVEPT_SINGLE : INVEPT_ALL,
                v->hv.nested.root_phys | EPTP_FLAGS))
        platform_fatal("vmx: INVEPT fails");
}

/* ---- In and out --------------------------------------------------------------- */

static void load_fpu(const struct cpu *c)
{
    if (cpu_model_is_64bit(c->model))
        __asm__ volatile("fxrstor64 %0" : : "m"(c->fpu));
    else
        __asm__ volatile("fxrstor %0" : : "m"(c->fpu));
}

/* ... and leave the host's C what its ABI wants (psABI 3.2.1). */
static void store_fpu(struct cpu *c)
{
    static const uint32_t mxcsr = 0x1f80;

    if (cpu_model_is_64bit(c->model))
        __asm__ volatile("fxsave64 %0" : "=m"(c->fpu));
    else
        __asm__ volatile("fxsave %0" : "=m"(c->fpu));
    __asm__ volatile("fninit; ldmxcsr %0" : : "m"(mxcsr));
}

static uint32_t enter_once(struct vmx *v)
{
    struct cpu *c = v->hv.cpu;
    uint64_t start;
    int failed;

    interrupts_off();
    drop_stale(v);
    hv_catch_up(&v->hv);
    load_fpu(c);
    start = read_tsc();
    failed = vmx_enter(c->gpr, v->launched);
    v->hv.count.guest_ticks += read_tsc() - start;
    store_fpu(c);
    if (failed)
        platform_fatal("vmx: VM entry fails, error %lu",
                       failed == 2 ? vmread(VMCS_INSTRUCTION_ERROR) : 0);
    return (uint32_t)vmread(VMCS_EXIT_REASON);
}

static void enter(struct hv *h, struct hv_exit *x)
{
    struct vmx *v = (struct vmx *)h;
    uint32_t reason;

    if (v->unfit) {
        x->kind = HV_EXIT_INVALID;
        return;
    }
    load_controls(v);
    load_event(h);
    vmx_load_short(v);
    reason = enter_once(v);
    /* A refused entry leaves launch state and event as they were (26.7). */
    if (reason & VMX_REASON_ENTRY_FAILED) {
        vmwrite(VMCS_ENTRY_EVENT, 0);
    } else {
        v->launched = true;
        vmx_store_short(v);
    }
    vmx_decode(v, reason, x);
    hv_clear_step(h, x);
    interrupts_on();
}

static const struct hv_ops ops = {
    .enter = enter,
    .store = vmx_store,
    .load = vmx_load,
};

/* ---- The engine ------------------------------------------------------------------ */

static struct engine *create(struct cpu *cpu)
{
    struct vmx *v = calloc(1, sizeof *v);

    if (!v)
        return NULL;
    if (vmx_alloc(v)) {
        free(v);
        return NULL;
    }
    if (hv_init(&v->hv, &ops, cpu, &ept_format)) {
        vmx_free(v);
        free(v);
        return NULL;
    }
    return (struct engine *)v;
}

static void destroy(struct engine *e)
{
    struct vmx *v = (struct vmx *)e;

    hv_exit(&v->hv);
    vmx_free(v);
    free(v);
}

/* A fresh VMCS: its revision, and "clear" (24.2, 24.11.3). */
static void vmx_format(struct vmx *v)
{
    *(uint32_t *)v->vmcs = vmx_capabilities()->revision;
    if (!vmclear(v->vmcs_phys))
        platform_fatal("vmx: a VMCS cannot be cleared");
}

static enum engine_exit run(struct engine *e, uint64_t max_insns,
                            uint64_t max_ns)
{
    struct vmx *v = (struct vmx *)e;
    enum engine_exit why;

    vmx_core_on();
    if (!v->prepared)
        vmx_format(v);
    if (!vmptrld(v->vmcs_phys))
        platform_fatal("vmx: a VMCS is refused");
    v->launched = false;
    vmx_setup(v);
    why = hv_run(e, max_insns, max_ns);
    if (!vmclear(v->vmcs_phys))
        platform_fatal("vmx: a VMCS cannot be cleared");
    return why;
}

const struct engine_ops engine_vmx = {
    .name = "vmx",
    .long_mode = true,
    .probe = vmx_probe,
    .create = create,
    .destroy = destroy,
    .run = run,
    .memory_changed = hv_memory_changed,
    .map_changed = hv_map_changed,
    .kick = hv_kick,
    .can_debug = hv_can_debug,
    .info = hv_info,
};
