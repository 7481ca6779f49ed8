/* See hv.h: what a hardware engine counted, as text for the monitor. */
#include "kernel/metal/format.h"
#include "kernel/metal/hv_internal.h"

#define TOP_PORTS 12u

static const char *const names[HV_EXIT_KINDS] = {
    [HV_EXIT_NONE] = "other", [HV_EXIT_INTERRUPT] = "host interrupt",
    [HV_EXIT_WINDOW] = "interrupt window",
    [HV_EXIT_NMI_WINDOW] = "NMI window", [HV_EXIT_IO] = "port",
    [HV_EXIT_MEMORY] = "memory", [HV_EXIT_EXCEPTION] = "exception",
    [HV_EXIT_STEP] = "single step",
    [HV_EXIT_CPUID] = "CPUID", [HV_EXIT_RDMSR] = "RDMSR",
    [HV_EXIT_WRMSR] = "WRMSR", [HV_EXIT_HLT] = "HLT",
    [HV_EXIT_CR] = "control register", [HV_EXIT_DR] = "debug register",
    [HV_EXIT_TSC] = "RDTSC", [HV_EXIT_TASK] = "task switch",
    [HV_EXIT_INSN] = "other instruction",
    [HV_EXIT_REFUSED] = "refused instruction",
    [HV_EXIT_SHUTDOWN] = "triple fault", [HV_EXIT_INVALID] = "invalid state",
};

/* Where the text is written, and how long it would like to be. */
struct text {
    char *buf;
    size_t size, wanted;
};

static void put(struct text *t, uint64_t n, const char *what)
{
    size_t used = t->wanted < t->size ? t->wanted : t->size;

    t->wanted += (size_t)format(t->buf + used, t->size - used, "%12lu %s\n",
                                (unsigned long)n, what);
}

/* The ports with the most exits, most first. */
static void put_ports(struct text *t, const uint32_t *ports)
{
    uint64_t below = UINT64_MAX;

    for (unsigned n = 0; n < TOP_PORTS; n++) {
        uint64_t best = 0;      /* exits, then the port: no two are alike */
        char what[32];

        for (unsigned p = 0; p < HV_PORTS; p++) {
            uint64_t key = (uint64_t)ports[p] << 16 | p;

            if (key < below && key > best)
                best = key;
        }
        if (!(best >> 16))
            return;
        format(what, sizeof what, "at port %04xh", (unsigned)(best & 0xffff));
        put(t, best >> 16, what);
        below = best;
    }
}

int hv_info(struct engine *e, char *buf, size_t size)
{
    const struct hv *h = (const struct hv *)e;
    struct text t = { buf, size, 0 };

    put(&t, h->count.entries, "entries into the guest; exits:");
    for (unsigned k = 0; k < HV_EXIT_KINDS; k++)
        if (h->count.exits[k])
            put(&t, h->count.exits[k], names[k]);
    put_ports(&t, h->count.ports);
    put(&t, h->count.guest_ticks, "ticks of the TSC in the guest");
    put(&t, h->count.run_ticks - h->count.guest_ticks,
        "ticks of the TSC at exits");
    put(&t, h->count.fills, "nested page tables filled");
    put(&t, h->count.clears, "memory maps forgotten");
    put(&t, h->count.stretches, "stretches interpreted");
    put(&t, h->count.stretch_insns, "instructions interpreted");
    put(&t, h->count.emulated, "instructions emulated in long mode");
    put(&t, h->count.displaced,
        "loads of debug registers where a debugger's displaced a guest's");
    put(&t, h->count.unknown, "instructions in long mode that were unknown");
    return (int)t.wanted;
}
