/*
 * The engine "vmx": Intel VT-x behind hv.h. Between its files:
 *
 *   vmx.c         the engine, entering and leaving the guest
 *   vmx_setup.c   a VMCS and what goes into it once
 *   vmx_state.c   struct cpu to VMCS and back
 *   vmx_exit.c    what an exit means
 *   vmx_core.c    VMXON and VMXOFF, each core; probing
 *   vmx_caps.c, vmx_guest.c   decisions without hardware
 *
 * The VMCS is current on a core only during a run and is cleared at its end, so
 * that the guest may go on elsewhere (Intel SDM vol. 3 24.11.1).
 */
#ifndef KERNEL_METAL_VMX_H
#define KERNEL_METAL_VMX_H

#include "kernel/metal/hv.h"
#include "kernel/metal/vmx_caps.h"
#include "kernel/metal/vmx_regs.h"

#define VMX_MSRS 8u             /* room of the MSR area */

/* Segments as the VMCS numbers them: SEG_COUNT, then these. */
enum { VMX_LDTR = SEG_COUNT, VMX_TR, VMX_SEGMENTS };

struct vmx_segment {
    uint64_t base;
    uint32_t limit, rights;
    uint64_t sel;               /* no padding: compared as bytes */
};
_Static_assert(sizeof(struct vmx_segment) == 24, "no padding");

struct vmx {
    struct hv hv;               /* first: struct engine is this */
    void *vmcs;                 /* a page each, and where it is */
    uint8_t *msr_bitmap;
    struct vmx_msr_entry *msr;
    uint64_t vmcs_phys, msr_bitmap_phys, msr_phys;
    unsigned msr_count;
    uint16_t vpid;
    bool prepared;              /* vmx_setup was here */
    bool launched;              /* since it became current */
    unsigned core;              /* whose host state is in it */
    const char *unfit;          /* why the state in struct cpu cannot enter */
    uint32_t nested_seen;       /* generation of the nested tables */
    uint32_t guest_exceptions;  /* to exit */
    /* What the VMCS holds in these, to write it only when it changes. */
    uint32_t proc, exceptions, interruptibility;
    uint64_t tsc_offset, pending_debug;
    bool has_segments;
    struct vmx_segment segment[VMX_SEGMENTS];
};

extern const struct engine_ops engine_vmx;

/* Pages, VPID; nothing of the hardware's. 0 or -ENOMEM. I/O core. */
int vmx_alloc(struct vmx *v);
void vmx_free(struct vmx *v);
/*
 * The VMCS is current: fill in what stays, once, and the host's state where
 * this is another core than last time.
 */
void vmx_setup(struct vmx *v);

/* hv_ops' load and store. */
void vmx_load(struct hv *h);
void vmx_store(struct hv *h);
/* The part that every entry and exit moves. */
void vmx_load_short(struct vmx *v);
void vmx_store_short(struct vmx *v);

/* Read off the VMCS why the guest was left, and what it interrupted. */
void vmx_decode(struct vmx *v, uint32_t reason, struct hv_exit *x);

#endif
