/*
 * The virtual machine control block and what its fields hold (AMD APM vol. 2
 * appendix B and C).
 */
#ifndef KERNEL_METAL_SVM_VMCB_H
#define KERNEL_METAL_SVM_VMCB_H

#include <stddef.h>
#include <stdint.h>

struct vmcb_seg {               /* attrib as struct cpu_seg's attr */
    uint16_t selector, attrib;
    uint32_t limit;
    uint64_t base;
};

struct vmcb {
    /* Control area */
    uint16_t cr_read, cr_write; /* intercepts, a bit each */
    uint16_t dr_read, dr_write;
    uint32_t exceptions;
    uint32_t intercept1, intercept2, intercept3;
    uint8_t reserved018[0x3c - 0x18];
    uint16_t pause_threshold, pause_count;
    uint64_t iopm_phys, msrpm_phys;
    uint64_t tsc_offset;
    uint32_t asid;
    uint8_t tlb_control, reserved05d[3];
    uint64_t virtual_interrupt;
    uint64_t shadow;
    uint64_t exit_code, exit_info1, exit_info2;
    uint64_t exit_event;
    uint64_t nested_paging;
    uint8_t reserved098[0x10];
    uint64_t event;
    uint64_t nested_cr3;
    uint64_t lbr;
    uint32_t clean, reserved0c4;
    uint64_t next_rip;
    uint8_t insn_bytes[16];
    uint8_t reserved0e0[0x400 - 0xe0];

    /* State save area */
    struct vmcb_seg es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
    uint8_t reserved4a0[0x2b];
    uint8_t cpl;
    uint8_t reserved4cc[4];
    uint64_t efer;
    uint8_t reserved4d8[0x70];
    uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip;
    uint8_t reserved580[0x58];
    uint64_t rsp;
    uint8_t reserved5e0[0x18];
    uint64_t rax;
    uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t cr2;
    uint8_t reserved648[0x20];
    uint64_t pat;
    uint8_t reserved670[0x1000 - 0x670];
} __attribute__((aligned(4096)));
_Static_assert(sizeof(struct vmcb) == 4096, "one page");
#define VMCB_AT(field, at) \
    _Static_assert(offsetof(struct vmcb, field) == (at), #field)
VMCB_AT(intercept1, 0x00c);
VMCB_AT(pause_threshold, 0x03c);
VMCB_AT(iopm_phys, 0x040);
VMCB_AT(tsc_offset, 0x050);
VMCB_AT(tlb_control, 0x05c);
VMCB_AT(virtual_interrupt, 0x060);
VMCB_AT(shadow, 0x068);
VMCB_AT(exit_code, 0x070);
VMCB_AT(exit_event, 0x088);
VMCB_AT(nested_paging, 0x090);
VMCB_AT(event, 0x0a8);
VMCB_AT(nested_cr3, 0x0b0);
VMCB_AT(clean, 0x0c0);
VMCB_AT(next_rip, 0x0c8);
VMCB_AT(es, 0x400);
VMCB_AT(tr, 0x490);
VMCB_AT(cpl, 0x4cb);
VMCB_AT(efer, 0x4d0);
VMCB_AT(cr4, 0x548);
VMCB_AT(rip, 0x578);
VMCB_AT(rsp, 0x5d8);
VMCB_AT(rax, 0x5f8);
VMCB_AT(star, 0x600);
VMCB_AT(cr2, 0x640);
VMCB_AT(pat, 0x668);
#undef VMCB_AT

/* Intercepts; intercept1 and intercept2 are words 3 and 4. */
enum svm_intercept1 {
    SVM1_INTR = 1u << 0, SVM1_NMI = 1u << 1, SVM1_SMI = 1u << 2,
    SVM1_INIT = 1u << 3, SVM1_VINTR = 1u << 4, SVM1_RDTSC = 1u << 14,
    SVM1_RDPMC = 1u << 15, SVM1_CPUID = 1u << 18, SVM1_RSM = 1u << 19,
    SVM1_IRET = 1u << 20, SVM1_INVD = 1u << 22, SVM1_HLT = 1u << 24,
    SVM1_INVLPGA = 1u << 26, SVM1_IOIO = 1u << 27, SVM1_MSR = 1u << 28,
    SVM1_TASK = 1u << 29, SVM1_FERR = 1u << 30,
};
#define SVM1_SHUTDOWN (1u << 31)

enum svm_intercept2 {
    SVM2_VMRUN = 1u << 0, SVM2_VMMCALL = 1u << 1, SVM2_VMLOAD = 1u << 2,
    SVM2_VMSAVE = 1u << 3, SVM2_STGI = 1u << 4, SVM2_CLGI = 1u << 5,
    SVM2_SKINIT = 1u << 6, SVM2_RDTSCP = 1u << 7, SVM2_WBINVD = 1u << 9,
    SVM2_MONITOR = 1u << 10, SVM2_MWAIT = 1u << 11,
    SVM2_MWAIT_ARMED = 1u << 12, SVM2_XSETBV = 1u << 13,
    SVM2_RDPRU = 1u << 14,
};

enum svm_exit {
    SVM_EXIT_CR_READ = 0x00, SVM_EXIT_CR_WRITE = 0x10,
    SVM_EXIT_DR_READ = 0x20, SVM_EXIT_DR_LAST = 0x3f,
    SVM_EXIT_EXCEPTION = 0x40, SVM_EXIT_EXCEPTION_LAST = 0x5f,
    SVM_EXIT_INTR = 0x60, SVM_EXIT_NMI, SVM_EXIT_SMI, SVM_EXIT_INIT,
    SVM_EXIT_VINTR, SVM_EXIT_CR0_SELECTIVE,
    SVM_EXIT_RDTSC = 0x6e, SVM_EXIT_RDPMC,
    SVM_EXIT_CPUID = 0x72, SVM_EXIT_RSM, SVM_EXIT_IRET,
    SVM_EXIT_INVD = 0x76, SVM_EXIT_HLT = 0x78, SVM_EXIT_INVLPGA = 0x7a,
    SVM_EXIT_IOIO, SVM_EXIT_MSR, SVM_EXIT_TASK, SVM_EXIT_FERR,
    SVM_EXIT_SHUTDOWN, SVM_EXIT_VMRUN, SVM_EXIT_VMMCALL, SVM_EXIT_VMLOAD,
    SVM_EXIT_VMSAVE, SVM_EXIT_STGI, SVM_EXIT_CLGI, SVM_EXIT_SKINIT,
    SVM_EXIT_RDTSCP, SVM_EXIT_ICEBP, SVM_EXIT_WBINVD, SVM_EXIT_MONITOR,
    SVM_EXIT_MWAIT, SVM_EXIT_MWAIT_ARMED, SVM_EXIT_XSETBV, SVM_EXIT_RDPRU,
    SVM_EXIT_NPF = 0x400,
};
#define SVM_EXIT_INVALID UINT64_MAX

#define TYPE_BUSY 2u            /* of a TSS descriptor's type */

/* EVENTINJ and EXITINTINFO (15.20, 15.7.2): vector, type, flags, error. */
#define SVM_EVENT_INTR      (0u << 8)
#define SVM_EVENT_NMI       (2u << 8)
#define SVM_EVENT_EXCEPTION (3u << 8)
#define SVM_EVENT_SOFTWARE  (4u << 8)
#define SVM_EVENT_TYPE      (7u << 8)
#define SVM_EVENT_ERROR     (1u << 11)
#define SVM_EVENT_VALID     (1u << 31)

/* virtual_interrupt (15.21) */
#define SVM_V_IRQ       (1ull << 8)
#define SVM_V_PRIO      (15ull << 16)
#define SVM_V_IGN_TPR   (1ull << 20)
#define SVM_V_MASKING   (1ull << 24)
#define SVM_V_VECTOR_SHIFT 32

#define SVM_TLB_FLUSH_ALL  1u
#define SVM_TLB_FLUSH_ASID 3u

/* exit_info1 of NPF (15.25.6) and IOIO (15.10.2) */
#define SVM_NPF_WRITE (1u << 1)
#define SVM_IO_IN     (1u << 0)
#define SVM_IO_STRING (1u << 2)

#endif
