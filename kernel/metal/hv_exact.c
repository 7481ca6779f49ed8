/*
 * Counting instructions (cpu->exact_count: -icount, lockstep): the processor
 * executes one at a time under TF, and all exceptions exit. Whatever could see
 * TF, is not one instruction to the processor, or changes how the next is
 * reached goes to the interpreter, which counts the same; so does delivery.
 * 32-bit guests only.
 */
#include "emu/cpu/emulate.h"
#include "emu/cpu/paging.h"
#include "kernel/metal/hv_internal.h"

#define BIT(n) (1u << ((n) & 31))

/* By opcode, a bit each: one-byte opcodes that the interpreter executes. */
static const uint32_t one_byte[8] = {
    [0x17 / 32] = BIT(0x17),                            /* POP SS */
    [0x6c / 32] = BIT(0x6c) | BIT(0x6d) | BIT(0x6e) | BIT(0x6f),
    /* PAUSE, which is NOP's opcode, ends without a trap under QEMU. */
    [0x8e / 32] = BIT(0x8e) | BIT(0x90) | BIT(0x9a) | BIT(0x9c) | BIT(0x9d),
    [0xa4 / 32] = BIT(0xa4) | BIT(0xa5) | BIT(0xa6) | BIT(0xa7) | BIT(0xaa) |
                  BIT(0xab) | BIT(0xac) | BIT(0xad) | BIT(0xae) | BIT(0xaf),
    [0xca / 32] = BIT(0xca) | BIT(0xcb) | BIT(0xcc) | BIT(0xcd) | BIT(0xce) |
                  BIT(0xcf),
    [0xe4 / 32] = BIT(0xe4) | BIT(0xe5) | BIT(0xe6) | BIT(0xe7) | BIT(0xea) |
                  BIT(0xec) | BIT(0xed) | BIT(0xee) | BIT(0xef) | BIT(0xf1) |
                  BIT(0xf4) | BIT(0xfb) | BIT(0xff),
};
/* 0F xx: descriptor tables, CR, DR, MSRs, SYSENTER, LSS, CPUID ... */
static const uint32_t two_byte[8] = {
    [0x00 / 32] = BIT(0x00) | BIT(0x01) | BIT(0x05) | BIT(0x06) | BIT(0x07) |
                  BIT(0x08) | BIT(0x09) | BIT(0x0b),
    [0x20 / 32] = BIT(0x20) | BIT(0x21) | BIT(0x22) | BIT(0x23) | BIT(0x30) |
                  BIT(0x31) | BIT(0x32) | BIT(0x33) | BIT(0x34) | BIT(0x35),
    [0xa2 / 32] = BIT(0xa2) | BIT(0xaa) | BIT(0xb2),
};

static bool for_interpreter(const struct emul_insn *i)
{
    const uint32_t *set = i->map == 0 ? one_byte : two_byte;

    return i->map > 1 || (set[i->opcode / 32] & BIT(i->opcode));
}

static bool can_take(const struct cpu *c)
{
    if (c->inhibit)
        return false;
    return (c->nmi && !c->nmi_blocked) || (c->intr && (c->rflags & FLAG_IF));
}

/* May the processor execute what comes next? */
static bool plain(struct cpu *c)
{
    struct emul_insn i;
    struct emul_raise r;
    uint64_t cr2 = c->cr2;
    bool ok;

    if (c->inhibit || c->run.debug || c->halted || c->shutdown ||
        (c->rflags & (FLAG_TF | FLAG_RF)) || (c->dr[7] & DR7_ENABLES))
        return false;
    ok = emul_decode(c, &i, &r) == EMUL_DONE && !for_interpreter(&i);
    c->cr2 = cr2;
    return ok;
}

/* The interpreter for `n` instructions, 0: only what waits to be delivered. */
static enum engine_exit interpret(struct hv *h, unsigned n)
{
    uint64_t start = h->cpu->icount;
    enum engine_exit why;

    hv_modify(h);
    interp_resync(h->interp);
    why = engine_interp.run(h->interp, n, UINT64_MAX);
    h->nested.generation++;
    h->count.stretches++;
    h->count.stretch_insns += h->cpu->icount - start;
    return why;
}

/* One instruction on the processor. False: it did not execute it. */
static bool native(struct hv *h)
{
    struct cpu *c = h->cpu;
    uint64_t dr6 = c->dr[6];
    struct hv_exit x = { 0 };

    h->step = true;
    h->window = h->nmi_window = false;
    hv_enter(h, &x);
    h->step = false;
    h->event.valid = false;     /* of an exception: it comes again */
    hv_modify(h);
    c->dr[6] = dr6;
    if (x.kind == HV_EXIT_STEP) {
        c->icount++;
        return true;
    }
    if (x.kind == HV_EXIT_INTERRUPT || x.kind == HV_EXIT_NONE)
        return true;            /* the host's turn; nothing was executed */
    return x.kind == HV_EXIT_MEMORY &&
           hv_nested_fill(&h->nested, h->machine_bus, x.memory.addr,
                          x.memory.write);
}

enum engine_exit hv_run_exact(struct hv *h, uint64_t max_insns)
{
    struct cpu *c = h->cpu;
    uint64_t end = c->icount + max_insns;
    enum engine_exit why = ENGINE_BUDGET;

    while (why == ENGINE_BUDGET) {
        if (can_take(c) || c->stop_request || c->icount >= end)
            why = interpret(h, 0);
        if (why != ENGINE_BUDGET || c->icount >= end)
            break;
        if (c->stops || !plain(c) || !native(h))
            why = interpret(h, 1);
    }
    return why;
}
