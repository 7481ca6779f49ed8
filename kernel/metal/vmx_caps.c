/* See vmx_caps.h. Intel SDM vol. 3 appendix A; 23.7 (enabling VMX). */
#include "kernel/metal/vmx_caps.h"

#include <errno.h>

#include "kernel/metal/format.h"
#include "kernel/metal/vmx_regs.h"

#define CR0_PE (1ull << 0)
#define CR0_PG (1ull << 31)

/*
 * Instructions whose effect must not be the processor's own, and events that
 * are the host's. MWAIT, MONITOR and RDPMC are none of the guest's business.
 */
#define PIN_NEEDED (PIN_EXTINT | PIN_NMI | PIN_VIRTUAL_NMI)
#define PROC_NEEDED (PROC_TSC_OFFSET | PROC_HLT | PROC_MWAIT | PROC_RDPMC | \
                     PROC_MOV_DR | PROC_IO | PROC_MSR_BITMAP | \
                     PROC_MONITOR | PROC_CR8_LOAD | PROC_CR8_STORE | \
                     PROC_SECONDARY)
#define PROC2_WANTED (PROC2_VPID | PROC2_UNRESTRICTED | PROC2_WBINVD | \
                      PROC2_RDRAND | PROC2_RDSEED)
/* Every processor with EPT switches EFER by itself. */
#define EXIT_NEEDED (EXIT_HOST_64 | EXIT_SAVE_DEBUG | EXIT_SAVE_EFER | \
                     EXIT_LOAD_EFER)
#define ENTRY_NEEDED (ENTRY_LOAD_DEBUG | ENTRY_LOAD_EFER)

int vmx_permitted(const struct vmx_msrs *m, char *why, size_t size)
{
    if (!m->cpuid_vmx) {
        format(why, size, "this processor has no VT-x");
        return -ENOTSUP;
    }
    if (!(m->feature_control & FEATURE_CONTROL_LOCK) ||
        (m->feature_control & FEATURE_CONTROL_VMX))
        return 0;
    format(why, size, "the firmware has locked VT-x off: switch it on in "
             "its setup");
    return -EACCES;
}

/*
 * An allowed-settings MSR has in its low half what must be 1 and in its high
 * half what may be. False: something needed may not be 1.
 */
static bool choose(uint64_t allowed, uint32_t needed, uint32_t wanted,
                   uint32_t *value)
{
    uint32_t must = (uint32_t)allowed, may = (uint32_t)(allowed >> 32);

    *value = must | needed | (wanted & may);
    return (needed & ~may) == 0;
}

/* The first thing missing, in words, or NULL. */
static const char *choose_controls(const struct vmx_msrs *m,
                                   struct vmx_caps *c)
{
    if (!choose(m->pin, PIN_NEEDED, 0, &c->pin))
        return "exits on interrupts";
    if (!choose(m->proc, PROC_NEEDED, 0, &c->proc))
        return m->proc >> 32 & PROC_SECONDARY
                   ? "exits on instructions"
                   : "nested paging (EPT)";
    if (!choose(m->proc2, PROC2_EPT, PROC2_WANTED, &c->proc2))
        return "nested paging (EPT)";
    if (!choose(m->exit, EXIT_NEEDED, 0, &c->exit) ||
        !choose(m->entry, ENTRY_NEEDED, 0, &c->entry))
        return "switch of EFER and DR7";
    return NULL;
}

static const char *choose_paging(const struct vmx_msrs *m, struct vmx_caps *c)
{
    uint64_t cap = m->ept_vpid;
    const uint64_t need = EPT_CAP_WALK4 | EPT_CAP_WB | EPT_CAP_2M |
                          EPT_CAP_INVEPT;

    if ((cap & need) != need)
        return "EPT with 2 MiB pages";
    if (!(cap & (EPT_CAP_INVEPT_SINGLE | EPT_CAP_INVEPT_ALL)))
        return "INVEPT of a context";
    c->invept_single = cap & EPT_CAP_INVEPT_SINGLE;
    c->vpid = c->proc2 & PROC2_VPID;
    c->unrestricted = c->proc2 & PROC2_UNRESTRICTED;
    return NULL;
}

int vmx_caps_decide(const struct vmx_msrs *m, struct vmx_caps *caps, char *why,
                    size_t size)
{
    struct vmx_caps c = {.revision = m->basic & VMX_BASIC_REVISION};
    const char *missing = choose_controls(m, &c);

    if (!missing)
        missing = choose_paging(m, &c);
    if (missing) {
        format(why, size, "this processor's VT-x has no %s", missing);
        return -ENOTSUP;
    }
    c.cr0_must = m->cr0_fixed0;
    if (c.unrestricted)         /* SDM vol. 3 23.8 */
        c.cr0_must &= ~(CR0_PE | CR0_PG);
    c.cr0_may = m->cr0_fixed1;
    c.cr4_must = m->cr4_fixed0;
    c.cr4_may = m->cr4_fixed1;
    *caps = c;
    return 0;
}
