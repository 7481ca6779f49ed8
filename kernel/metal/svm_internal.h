/*
 * The SVM backend of hv.h, between its files:
 *
 *   svm.c        the engine: may it run here, creation, per-core enabling
 *   svm_state.c  struct cpu <-> VMCB
 *   svm_run.c    one entry and what the exit means
 *   svm_enter.S  VMRUN and what has to happen around it
 */
#ifndef KERNEL_METAL_SVM_INTERNAL_H
#define KERNEL_METAL_SVM_INTERNAL_H

#include <stdbool.h>

#include "kernel/metal/hv.h"
#include "kernel/metal/svm_vmcb.h"

#define EFER_SVME 0x1000u

struct svm_entry {              /* svm_enter.S knows the offsets */
    uint64_t vmcb_phys, host_phys;
    uint64_t *gpr;
    struct cpu_fpu *fpu;
    uint64_t fpu64;
};
_Static_assert(offsetof(struct svm_entry, fpu64) == 32, "svm_enter.S");

/* Of a core, made when the first guest comes to it. */
struct svm_core {
    uint64_t host_phys;         /* a VMCB that holds the host's FS, TR, ... */
    struct svm *last;           /* whose translations are in its TLB */
};

struct svm {
    struct hv hv;               /* first */
    struct svm_entry entry;
    struct vmcb *vmcb;
    struct svm_core *core;      /* where it ran last */
    uint32_t nested_generation; /* of the tables that the TLB knows */
    struct cpu_event virtual;    /* being delivered as virtual interrupt */
    uint8_t *permissions;       /* I/O and MSR bitmaps: all exit, but ... */
};

/* What the processor can, of CPUID 8000000Ah and 80000008h. */
struct svm_features {
    bool next_rip, flush_asid, rdpru;
    bool busy_tss;              /* TR's type is "busy" inside the processor */
    bool stale_event;           /* an interrupt injected may come twice */
    bool entry_arms_none;       /* of DR7's breakpoints: QEMU's TCG */
};
extern struct svm_features svm_features;

/* The entry of this core; enables SVM there the first time. */
struct svm_core *svm_core_here(void);

void svm_enter(struct svm_entry *entry);
/* With entry_arms_none, #DB of this core in the host: svm_run.c. */
void svm_stray_debug(void *ctx);
void svm_run(struct hv *h, struct hv_exit *x);
void svm_store(struct hv *h);
void svm_load(struct hv *h);
/* Fill a new VMCB with what never changes. */
void svm_state_init(struct svm *s, uint64_t permissions_phys);

#endif
