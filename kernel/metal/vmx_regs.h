/*
 * VT-x as the hardware defines it: MSRs, control bits, VMCS fields, exit
 * reasons. Intel SDM vol. 3: chapters 24 to 28, appendices A, B and C.
 */
#ifndef KERNEL_METAL_VMX_REGS_H
#define KERNEL_METAL_VMX_REGS_H

#include <stdint.h>

/* MSRs (SDM vol. 4, 2.1; vol. 3, appendix A) */
enum {
    MSR_FEATURE_CONTROL = 0x3a,
    MSR_VMX_BASIC = 0x480,
    MSR_VMX_PIN = 0x481,
    MSR_VMX_PROC = 0x482,
    MSR_VMX_EXIT = 0x483,
    MSR_VMX_ENTRY = 0x484,
    MSR_VMX_MISC = 0x485,
    MSR_VMX_CR0_FIXED0 = 0x486,
    MSR_VMX_CR0_FIXED1 = 0x487,
    MSR_VMX_CR4_FIXED0 = 0x488,
    MSR_VMX_CR4_FIXED1 = 0x489,
    MSR_VMX_PROC2 = 0x48b,
    MSR_VMX_EPT_VPID = 0x48c,
    /* Plus this: the "true" controls, where VMX_BASIC has bit 55. */
    MSR_VMX_TRUE_OFFSET = 0x48d - 0x481,
};
#define FEATURE_CONTROL_LOCK (1u << 0)
#define FEATURE_CONTROL_VMX (1u << 2)   /* VMXON outside SMX */
#define VMX_BASIC_TRUE (1ull << 55)
#define VMX_BASIC_REVISION 0x7fffffffu
#define CPUID_1_ECX_VMX (1u << 5)
#define CR4_VMXE (1u << 13)

/* Pin-based controls (24.6.1) */
#define PIN_EXTINT (1u << 0)
#define PIN_NMI (1u << 3)
#define PIN_VIRTUAL_NMI (1u << 5)

/* Primary processor-based controls (24.6.2) */
#define PROC_INTERRUPT_WINDOW (1u << 2)
#define PROC_TSC_OFFSET (1u << 3)
#define PROC_HLT (1u << 7)
#define PROC_INVLPG (1u << 9)
#define PROC_MWAIT (1u << 10)
#define PROC_RDPMC (1u << 11)
#define PROC_RDTSC (1u << 12)
#define PROC_CR3_LOAD (1u << 15)
#define PROC_CR3_STORE (1u << 16)
#define PROC_CR8_LOAD (1u << 19)
#define PROC_CR8_STORE (1u << 20)
#define PROC_NMI_WINDOW (1u << 22)
#define PROC_MOV_DR (1u << 23)
#define PROC_IO (1u << 24)              /* every IN and OUT */
#define PROC_MSR_BITMAP (1u << 28)
#define PROC_MONITOR (1u << 29)
#define PROC_SECONDARY (1u << 31)

/* Secondary processor-based controls (24.6.2) */
#define PROC2_EPT (1u << 1)
#define PROC2_VPID (1u << 5)
#define PROC2_WBINVD (1u << 6)
#define PROC2_UNRESTRICTED (1u << 7)
#define PROC2_RDRAND (1u << 11)
#define PROC2_RDSEED (1u << 16)

/* VM-exit controls (24.7.1) */
#define EXIT_SAVE_DEBUG (1u << 2)
#define EXIT_HOST_64 (1u << 9)
#define EXIT_SAVE_EFER (1u << 20)
#define EXIT_LOAD_EFER (1u << 21)

/* VM-entry controls (24.8.1) */
#define ENTRY_LOAD_DEBUG (1u << 2)
#define ENTRY_IA32E (1u << 9)
#define ENTRY_LOAD_EFER (1u << 15)

/* IA32_VMX_EPT_VPID_CAP (A.10) */
#define EPT_CAP_WALK4 (1ull << 6)
#define EPT_CAP_WB (1ull << 14)
#define EPT_CAP_2M (1ull << 16)
#define EPT_CAP_INVEPT (1ull << 20)
#define EPT_CAP_INVEPT_SINGLE (1ull << 25)
#define EPT_CAP_INVEPT_ALL (1ull << 26)
enum { INVEPT_SINGLE = 1, INVEPT_ALL = 2 };

/* EPT pointer (24.6.11): write-back tables, a walk of four levels. */
#define EPTP_FLAGS (6u | 3u << 3)

/* EPT entries (28.3.2). Memory is write-back whatever the guest's PAT says. */
#define EPT_READ (1u << 0)
#define EPT_WRITE (1u << 1)
#define EPT_EXECUTE (1u << 2)
#define EPT_WRITE_BACK (6u << 3)
#define EPT_IGNORE_PAT (1u << 6)
#define EPT_LARGE (1u << 7)

/* VMCS fields (appendix B) */
enum vmcs_field {
    VMCS_VPID = 0x0000,
    VMCS_GUEST_ES_SEL = 0x0800,         /* CS SS DS FS GS LDTR TR: +2 each */
    VMCS_GUEST_LDTR_SEL = 0x080c,
    VMCS_GUEST_TR_SEL = 0x080e,
    VMCS_HOST_ES_SEL = 0x0c00,
    VMCS_HOST_CS_SEL = 0x0c02,
    VMCS_HOST_SS_SEL = 0x0c04,
    VMCS_HOST_DS_SEL = 0x0c06,
    VMCS_HOST_FS_SEL = 0x0c08,
    VMCS_HOST_GS_SEL = 0x0c0a,
    VMCS_HOST_TR_SEL = 0x0c0c,
    VMCS_MSR_BITMAP = 0x2004,
    VMCS_EXIT_MSR_STORE = 0x2006,
    VMCS_ENTRY_MSR_LOAD = 0x200a,
    VMCS_TSC_OFFSET = 0x2010,
    VMCS_EPTP = 0x201a,
    VMCS_GUEST_PHYSICAL = 0x2400,
    VMCS_LINK = 0x2800,
    VMCS_GUEST_DEBUGCTL = 0x2802,
    VMCS_GUEST_EFER = 0x2806,
    VMCS_GUEST_PDPTE0 = 0x280a,         /* four of them: +2 each */
    VMCS_HOST_EFER = 0x2c02,
    VMCS_PIN = 0x4000,
    VMCS_PROC = 0x4002,
    VMCS_EXCEPTIONS = 0x4004,
    VMCS_PF_MASK = 0x4006,
    VMCS_PF_MATCH = 0x4008,
    VMCS_CR3_TARGETS = 0x400a,
    VMCS_EXIT = 0x400c,
    VMCS_EXIT_MSR_STORES = 0x400e,
    VMCS_EXIT_MSR_LOADS = 0x4010,
    VMCS_ENTRY = 0x4012,
    VMCS_ENTRY_MSR_LOADS = 0x4014,
    VMCS_ENTRY_EVENT = 0x4016,
    VMCS_ENTRY_ERROR = 0x4018,
    VMCS_ENTRY_LENGTH = 0x401a,
    VMCS_PROC2 = 0x401e,
    VMCS_INSTRUCTION_ERROR = 0x4400,
    VMCS_EXIT_REASON = 0x4402,
    VMCS_EXIT_EVENT = 0x4404,
    VMCS_EXIT_ERROR = 0x4406,
    VMCS_VECTORING_EVENT = 0x4408,
    VMCS_VECTORING_ERROR = 0x440a,
    VMCS_EXIT_LENGTH = 0x440c,
    VMCS_GUEST_ES_LIMIT = 0x4800,       /* as the selectors: +2 each */
    VMCS_GUEST_GDTR_LIMIT = 0x4810,
    VMCS_GUEST_IDTR_LIMIT = 0x4812,
    VMCS_GUEST_ES_RIGHTS = 0x4814,      /* +2 each */
    VMCS_GUEST_INTERRUPTIBILITY = 0x4824,
    VMCS_GUEST_ACTIVITY = 0x4826,
    VMCS_GUEST_SYSENTER_CS = 0x482a,
    VMCS_HOST_SYSENTER_CS = 0x4c00,
    VMCS_CR0_MASK = 0x6000,
    VMCS_CR4_MASK = 0x6002,
    VMCS_CR0_SHADOW = 0x6004,
    VMCS_CR4_SHADOW = 0x6006,
    VMCS_QUALIFICATION = 0x6400,
    VMCS_GUEST_LINEAR = 0x640a,
    VMCS_GUEST_CR0 = 0x6800,
    VMCS_GUEST_CR3 = 0x6802,
    VMCS_GUEST_CR4 = 0x6804,
    VMCS_GUEST_ES_BASE = 0x6806,        /* +2 each */
    VMCS_GUEST_GDTR_BASE = 0x6816,
    VMCS_GUEST_IDTR_BASE = 0x6818,
    VMCS_GUEST_DR7 = 0x681a,
    VMCS_GUEST_RSP = 0x681c,
    VMCS_GUEST_RIP = 0x681e,
    VMCS_GUEST_RFLAGS = 0x6820,
    VMCS_GUEST_PENDING_DEBUG = 0x6822,
    VMCS_GUEST_SYSENTER_ESP = 0x6824,
    VMCS_GUEST_SYSENTER_EIP = 0x6826,
    VMCS_HOST_CR0 = 0x6c00,
    VMCS_HOST_CR3 = 0x6c02,
    VMCS_HOST_CR4 = 0x6c04,
    VMCS_HOST_FS_BASE = 0x6c06,
    VMCS_HOST_GS_BASE = 0x6c08,
    VMCS_HOST_TR_BASE = 0x6c0a,
    VMCS_HOST_GDTR_BASE = 0x6c0c,
    VMCS_HOST_IDTR_BASE = 0x6c0e,
    VMCS_HOST_SYSENTER_ESP = 0x6c10,
    VMCS_HOST_SYSENTER_EIP = 0x6c12,
    VMCS_HOST_RSP = 0x6c14,             /* also in vmx_entry.S */
    VMCS_HOST_RIP = 0x6c16,
};

/* Exit reasons, low 16 bits (appendix C) */
enum vmx_reason {
    VMX_EXCEPTION = 0,                  /* or NMI */
    VMX_EXTINT = 1,
    VMX_TRIPLE_FAULT = 2,
    VMX_INIT = 3,
    VMX_INTERRUPT_WINDOW = 7,
    VMX_NMI_WINDOW = 8,
    VMX_TASK_SWITCH = 9,
    VMX_CPUID = 10,
    VMX_GETSEC = 11,
    VMX_HLT = 12,
    VMX_INVD = 13,
    VMX_INVLPG = 14,
    VMX_RDPMC = 15,
    VMX_RDTSC = 16,
    VMX_VMCALL = 18,
    VMX_VMXON = 27,
    VMX_CR_ACCESS = 28,
    VMX_DR_ACCESS = 29,
    VMX_IO = 30,
    VMX_RDMSR = 31,
    VMX_WRMSR = 32,
    VMX_BAD_GUEST_STATE = 33,
    VMX_BAD_MSR_LOAD = 34,
    VMX_MWAIT = 36,
    VMX_MONITOR = 39,
    VMX_MACHINE_CHECK = 41,
    VMX_EPT_VIOLATION = 48,
    VMX_EPT_MISCONFIG = 49,
    VMX_INVEPT = 50,
    VMX_INVVPID = 53,
    VMX_WBINVD = 54,
    VMX_XSETBV = 55,
    VMX_RDRAND = 57,
    VMX_RDSEED = 61,
};
#define VMX_REASON_ENTRY_FAILED (1u << 31)

/* Interruption information (24.8.3, 24.9.2, 24.9.3) */
#define EVENT_VECTOR 0xffu
#define EVENT_TYPE(info) (((info) >> 8) & 7)
#define EVENT_TYPE_MASK (7u << 8)
#define EVENT_EXTINT (0u << 8)
#define EVENT_NMI (2u << 8)
#define EVENT_EXCEPTION (3u << 8)
#define EVENT_SOFTWARE (4u << 8)        /* INT n; the next two are not INT n */
#define EVENT_ICEBP (5u << 8)
#define EVENT_SOFT_EXCEPTION (6u << 8)  /* INT3, INTO */
#define EVENT_HAS_ERROR (1u << 11)
#define EVENT_IRET_UNBLOCKED_NMI (1u << 12)     /* exit only */
#define EVENT_VALID (1u << 31)

/* Interruptibility (24.4.2) */
#define BLOCKED_BY_STI (1u << 0)
#define BLOCKED_BY_MOV_SS (1u << 1)
#define BLOCKED_BY_NMI (1u << 3)

/* Pending debug exceptions (24.4.2): BS, as in DR6 */
#define PENDING_DEBUG_BS (1u << 14)
#define PENDING_DEBUG_HIT 0xfu          /* B0..B3 ... */
#define PENDING_DEBUG_ENABLED (1u << 12)        /* ... of an enabled one */

/* Segment access rights (24.4.1): attr bits 8-11 are at 12-15 */
#define RIGHTS_UNUSABLE (1u << 16)

/* Qualification of an EPT violation (27.2.1) */
#define EPT_VIOLATION_WRITE (1u << 1)
#define EPT_VIOLATION_UNBLOCKED_NMI (1u << 12)

/* Qualification of I/O (27.2.1) */
#define IO_SIZE(q) ((uint8_t)(((q) & 7) + 1))
#define IO_IN (1u << 3)
#define IO_STRING (1u << 4)
#define IO_PORT(q) ((uint16_t)((q) >> 16))

/* Qualification of a #DB: DR6's bits */
#define DEBUG_BITS 0x600fu

/* An entry of the MSR areas (24.7.2, 24.8.2) */
struct vmx_msr_entry {
    uint32_t index, reserved;
    uint64_t value;
};
_Static_assert(sizeof(struct vmx_msr_entry) == 16, "MSR area entry");

/* Descriptor of INVEPT (SDM vol. 3, 30.3) */
struct invept_descriptor {
    uint64_t eptp, reserved;
};
_Static_assert(sizeof(struct invept_descriptor) == 16, "INVEPT descriptor");

#endif
