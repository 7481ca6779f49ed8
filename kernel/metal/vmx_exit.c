/* See vmx.h. Exit reasons: Intel SDM vol. 3 appendix C; details: 27.2. */
#include "kernel/metal/vmx.h"
#include "kernel/metal/vmx_ops.h"
#include "kernel/platform.h"

/* Reasons that need no more than their name; the rest are decoded below. */
static const uint8_t kinds[] = {
    [VMX_EXTINT] = HV_EXIT_INTERRUPT,
    [VMX_TRIPLE_FAULT] = HV_EXIT_SHUTDOWN,
    [VMX_INTERRUPT_WINDOW] = HV_EXIT_WINDOW,
    [VMX_NMI_WINDOW] = HV_EXIT_WINDOW,  /* after the IRET, not before */
    [VMX_TASK_SWITCH] = HV_EXIT_TASK,
    [VMX_CPUID] = HV_EXIT_CPUID,
    [VMX_GETSEC] = HV_EXIT_REFUSED,
    [VMX_HLT] = HV_EXIT_HLT,
    [VMX_INVD] = HV_EXIT_INSN,
    [VMX_INVLPG] = HV_EXIT_INSN,
    [VMX_RDPMC] = HV_EXIT_INSN,
    [VMX_RDTSC] = HV_EXIT_TSC,
    [VMX_VMCALL ... VMX_VMXON] = HV_EXIT_REFUSED,
    [VMX_CR_ACCESS] = HV_EXIT_CR,
    [VMX_DR_ACCESS] = HV_EXIT_DR,
    [VMX_IO] = HV_EXIT_IO,
    [VMX_RDMSR] = HV_EXIT_RDMSR,
    [VMX_WRMSR] = HV_EXIT_WRMSR,
    [VMX_BAD_GUEST_STATE] = HV_EXIT_INVALID,
    [VMX_BAD_MSR_LOAD] = HV_EXIT_INVALID,
    [VMX_MWAIT] = HV_EXIT_REFUSED,
    [VMX_MONITOR] = HV_EXIT_REFUSED,
    [VMX_EPT_VIOLATION] = HV_EXIT_MEMORY,
    [VMX_INVEPT] = HV_EXIT_REFUSED,
    [VMX_INVVPID] = HV_EXIT_REFUSED,
    [VMX_WBINVD] = HV_EXIT_INSN,
    [VMX_XSETBV] = HV_EXIT_REFUSED,
    [VMX_RDRAND] = HV_EXIT_REFUSED,
    [VMX_RDSEED] = HV_EXIT_REFUSED,
};
_Static_assert(HV_EXIT_NONE == 0, "what the table leaves out");

/* IRET that faulted had ended the NMI already; it will do so again (27.2.2). */
static void block_nmi_again(struct vmx *v)
{
    if (!v->hv.event.valid)
        v->hv.cpu->nmi_blocked = true;
}

static void decode_io(struct hv_exit *x)
{
    uint64_t q = vmread(VMCS_QUALIFICATION);

    x->io.port = IO_PORT(q);
    x->io.size = IO_SIZE(q);
    x->io.in = q & IO_IN;
    x->io.string = q & IO_STRING;
}

static void decode_memory(struct vmx *v, struct hv_exit *x)
{
    uint64_t q = vmread(VMCS_QUALIFICATION);

    x->memory.addr = vmread(VMCS_GUEST_PHYSICAL);
    x->memory.write = q & EPT_VIOLATION_WRITE;
    if (q & EPT_VIOLATION_UNBLOCKED_NMI)
        block_nmi_again(v);
}

/*
 * The host's own NMI and machine check go to its handlers, as if they had come
 * while it ran. The INT instruction's IRET lets NMIs in again.
 */
static void decode_exception(struct vmx *v, struct hv_exit *x)
{
    uint32_t info = (uint32_t)vmread(VMCS_EXIT_EVENT);
    uint8_t vector = info & EVENT_VECTOR;

    if ((info & EVENT_TYPE_MASK) == EVENT_NMI) {
        __asm__ volatile("int $2");
        x->kind = HV_EXIT_INTERRUPT;
        return;
    }
    if (vector == EXC_MC)
        __asm__ volatile("int $18");
    if (info & EVENT_IRET_UNBLOCKED_NMI)
        block_nmi_again(v);
    /* INT1 comes as an exception but is an instruction to be executed; so is
     * that whose x87 error goes to FERR#. */
    if ((info & EVENT_TYPE_MASK) != EVENT_EXCEPTION || vector == EXC_MF) {
        x->kind = HV_EXIT_INSN;
        return;
    }
    x->kind = HV_EXIT_EXCEPTION;
    x->exception.vector = vector;
    x->exception.has_error = info & EVENT_HAS_ERROR;
    if (x->exception.has_error)
        x->exception.error = (uint32_t)vmread(VMCS_EXIT_ERROR);
    if (vector == EXC_PF)
        x->exception.cr2 = vmread(VMCS_QUALIFICATION);
    if (vector == EXC_DB) {
        x->exception.dr6 = vmread(VMCS_QUALIFICATION) & DEBUG_BITS;
        /* This is it: nothing is pending behind it, whatever the field says. */
        vmwrite(VMCS_GUEST_PENDING_DEBUG, 0);
        if (v->hv.step && hv_debug_is_trap(&v->hv, x->exception.dr6))
            x->kind = HV_EXIT_STEP;
    }
}

/* What was being delivered when the guest was left (27.2.3). */
static void decode_event(struct vmx *v)
{
    static const uint8_t kind_of[8] = {
        [0] = CPU_EVENT_INTERRUPT, [2] = CPU_EVENT_NMI,
        [3] = CPU_EVENT_EXCEPTION, [4] = HV_EVENT_SOFTWARE,
        [5] = HV_EVENT_SOFTWARE, [6] = HV_EVENT_SOFTWARE,
    };
    uint32_t info = (uint32_t)vmread(VMCS_VECTORING_EVENT);
    struct cpu_event *e = &v->hv.event;

    e->valid = info & EVENT_VALID;
    if (!e->valid)
        return;
    e->vector = info & EVENT_VECTOR;
    e->kind = kind_of[EVENT_TYPE(info)];
    e->has_error = info & EVENT_HAS_ERROR;
    if (e->has_error)
        e->error = (uint32_t)vmread(VMCS_VECTORING_ERROR);
}

void vmx_decode(struct vmx *v, uint32_t reason, struct hv_exit *x)
{
    uint16_t basic = (uint16_t)reason;

    x->code = reason;
    if (reason & VMX_REASON_ENTRY_FAILED) {
        /* Nothing happened; what was to be delivered still is. */
        x->kind = HV_EXIT_INVALID;
        return;
    }
    decode_event(v);
    x->insn_len = (uint8_t)vmread(VMCS_EXIT_LENGTH);
    switch (basic) {
    case VMX_EXCEPTION:
        decode_exception(v, x);
        return;
    case VMX_IO:
        decode_io(x);
        break;
    case VMX_EPT_VIOLATION:
        decode_memory(v, x);
        break;
    case VMX_MACHINE_CHECK:
        __asm__ volatile("int $18");
        break;
    case VMX_EPT_MISCONFIG:
        platform_fatal("vmx: bad nested page table entry for %lx",
                       vmread(VMCS_GUEST_PHYSICAL));
    }
    x->kind = basic < sizeof kinds ? kinds[basic] : HV_EXIT_NONE;
    /* A reason that nobody asked for: let the interpreter get by it. */
    if (x->kind == HV_EXIT_NONE && basic != VMX_INIT)
        x->kind = HV_EXIT_INSN;
}
