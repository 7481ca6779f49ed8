/*
 * See hv.h: a debugger's places to stop at and its steps (emu/cpu/stops.h) in
 * long mode, where the processor has to find them. The guest's debug registers
 * are in struct cpu and it reads them by exits only, so the processor's hold a
 * debugger's places beside its own; all #DB exit. Breakpoints that find no
 * register are compared after each instruction, all of which are steps then.
 *
 * A step is one instruction under TF. What would show TF to the guest, or end
 * without a trap, is emulated: deliveries, INT n, PUSHF, SYSCALL, SYSRET, and
 * PAUSE, which does not trap under QEMU.
 */
#include <errno.h>
#include <string.h>

#include "emu/cpu/emulate.h"
#include "emu/cpu/stops.h"
#include "kernel/metal/hv_internal.h"

#define REGISTERS 4u
/* R/W and LEN of DR7, a field of four bits for each (SDM vol. 3, 17.2.4). */
#define FIELD_SHIFT(n) (16 + 4 * (n))
#define FIELD 15u
#define ON_EXECUTION 0u
#define ON_WRITE 1u
#define ON_ACCESS 3u

static bool is_enabled(uint64_t dr7, unsigned n)
{
    return dr7 >> 2 * n & 3;
}

static bool is_execution(uint64_t dr7, unsigned n)
{
    return !(dr7 >> FIELD_SHIFT(n) & 3);
}

/* ---- Registers ------------------------------------------------------------- */

/* Bytes of the first aligned piece of a watched range. */
static unsigned piece(uint64_t addr, uint64_t len)
{
    unsigned size = 8;

    while (size > len || (addr & (size - 1)))
        size /= 2;
    return size;
}

int hv_can_debug(const struct engine *e)
{
    const struct cpu *c = ((const struct hv *)e)->cpu;
    unsigned pieces = 0;

    if (!cpu_model_is_64bit(c->model) || !c->stops)
        return 0;
    for (unsigned i = 0; i < c->stops->count; i++) {
        const struct cpu_stop *s = &c->stops->stop[i];

        if (s->kind == CPU_STOP_BREAK)
            continue;
        if (s->kind == CPU_STOP_READ)   /* writes hit, too */
            return -ENOTSUP;
        for (uint64_t at = 0; at < s->len && pieces <= REGISTERS; pieces++)
            at += piece(s->addr + at, s->len - at);
    }
    return pieces > REGISTERS ? -ENOSPC : 0;
}

static int free_register(const struct hv *h)
{
    for (unsigned n = 0; n < REGISTERS; n++)
        if (!is_enabled(h->dr7, n))
            return (int)n;
    return -1;
}

static void arm(struct hv *h, unsigned n, unsigned stop, uint64_t addr,
                unsigned type, unsigned size)
{
    static const uint8_t lens[] = { [1] = 0, [2] = 1, [4] = 3, [8] = 2 };

    h->dr[n] = addr;
    h->owner[n] = (uint8_t)(stop + 1);
    h->dr7 &= ~((uint64_t)FIELD << FIELD_SHIFT(n));
    h->dr7 |= (uint64_t)(type | (unsigned)lens[size] << 2) << FIELD_SHIFT(n);
    h->dr7 |= 2ull << 2 * n;
}

/* A register, if need be one of the guest's: that many more were displaced. */
static unsigned arm_watch(struct hv *h, unsigned stop, uint64_t addr,
                          unsigned size)
{
    unsigned type = h->cpu->stops->stop[stop].kind == CPU_STOP_WRITE
                        ? ON_WRITE : ON_ACCESS;
    int n = free_register(h);
    unsigned displaced = n < 0;

    for (n = n < 0 ? 0 : n; h->owner[n]; n++)
        ;                       /* hv_can_debug: not all are a debugger's */
    h->dr7 &= ~(3ull << 2 * n);
    arm(h, (unsigned)n, stop, addr, type, size);
    return displaced;
}

static unsigned arm_watches(struct hv *h)
{
    const struct cpu_stops *stops = h->cpu->stops;
    unsigned displaced = 0;

    for (unsigned i = 0; i < stops->count; i++) {
        const struct cpu_stop *s = &stops->stop[i];
        unsigned size;

        if (s->kind == CPU_STOP_BREAK)
            continue;
        for (uint64_t at = 0; at < s->len; at += size) {
            size = piece(s->addr + at, s->len - at);
            displaced += arm_watch(h, i, s->addr + at, size);
        }
    }
    return displaced;
}

/* Each breakpoint, or none: false. */
static bool arm_breaks(struct hv *h)
{
    const struct cpu_stops *stops = h->cpu->stops;

    for (unsigned i = 0; i < stops->count; i++) {
        int n = free_register(h);

        if (stops->stop[i].kind != CPU_STOP_BREAK)
            continue;
        if (n < 0 || h->no_breaks)
            return false;
        arm(h, (unsigned)n, i, stops->stop[i].addr, ON_EXECUTION, 1);
    }
    return true;
}

static void disarm_breaks(struct hv *h)
{
    for (unsigned n = 0; n < REGISTERS; n++)
        if (h->owner[n] && is_execution(h->dr7, n)) {
            h->owner[n] = 0;
            h->dr[n] = h->cpu->dr[n];
            h->dr7 &= ~(3ull << 2 * n);
        }
}

unsigned hv_debug_registers(struct hv *h)
{
    const struct cpu *c = h->cpu;
    unsigned displaced;

    memcpy(h->dr, c->dr, sizeof h->dr);
    memset(h->owner, 0, sizeof h->owner);
    h->dr7 = c->dr[7];
    h->walks = false;
    if (!c->stops || !cpu_in_long_mode(c))
        return 0;
    displaced = arm_watches(h);
    if (!c->stops->step && !arm_breaks(h)) {
        h->walks = true;
        disarm_breaks(h);
    }
    return displaced;
}

/* ---- #DB --------------------------------------------------------------------- */

bool hv_debug_is_trap(const struct hv *h, uint64_t dr6)
{
    for (unsigned n = 0; n < REGISTERS && !(dr6 & DR6_BS); n++)
        if ((dr6 >> n & 1) && is_enabled(h->dr7, n) &&
            is_execution(h->dr7, n))
            return false;
    return true;
}

uint64_t hv_debug_note(struct hv *h, uint64_t dr6)
{
    struct cpu_stops *stops = h->cpu->stops;

    for (unsigned n = 0; n < REGISTERS; n++) {
        unsigned stop = h->owner[n];

        if (!(dr6 >> n & 1) || !stop)
            continue;
        dr6 &= ~((uint64_t)DR6_B0 << n);
        /* A breakpoint is found by its address: hv_debug_breaks. */
        if (!stops || stop > stops->count ||
            stops->stop[stop - 1].kind == CPU_STOP_BREAK)
            continue;
        stops->watch_hit = true;
        stops->hit = stops->stop[stop - 1];
    }
    return dr6;
}

/* ---- Stopping ------------------------------------------------------------------ */

/*
 * What an instruction left to be told at the next entry (vmx): a debugger's
 * part is told now, and so is a trap that only our own TF asked for.
 */
static void take_pending(struct hv *h)
{
    struct cpu *c = h->cpu;

    if (!c->run.debug)
        return;
    hv_modify(h);
    if (!(c->rflags & FLAG_TF))
        c->run.debug &= ~DR6_BS;
    c->run.debug = (uint32_t)hv_debug_note(h, c->run.debug);
}

bool hv_debug_is_over(struct hv *h)
{
    take_pending(h);
    /* What raised an exception is not over before that is delivered. */
    return !h->event.valid && cpu_stops_due(h->cpu->stops);
}

static uint64_t linear_rip(const struct cpu *c)
{
    return cpu_in_64bit_mode(c) ? c->rip
                                : (uint32_t)(c->seg[CS].base + c->rip);
}

bool hv_debug_breaks(struct hv *h)
{
    struct cpu *c = h->cpu;

    if (h->event.valid || c->stops->step ||
        !cpu_stops_break(c->stops, linear_rip(c)))
        return false;
    c->stops->reason = CPU_BROKE;
    return true;
}

/* ---- Steps ------------------------------------------------------------------- */

static bool is_op(const struct emul_insn *i, unsigned map, unsigned opcode)
{
    return i->map == map && i->opcode == opcode;
}

/* By the processor if it would fault: without the processor, nobody can say. */
static bool deliver(struct hv *h)
{
    if (!emul_deliver(h->cpu, &h->event, false)) {
        h->cpu->stops->went_on = true;
        h->nmi_due = true;      /* hv_catch_up: back right after it */
        return false;
    }
    h->event.valid = false;
    h->cpu->stops->went_on = true;
    return true;
}

/* INT n, INT3, INTO and INT1. False: another instruction, or it will fault. */
static bool soft_interrupt(struct hv *h, const struct emul_insn *i)
{
    struct cpu *c = h->cpu;
    struct cpu_event ev = { .valid = true, .kind = CPU_EVENT_EXCEPTION };
    uint64_t rip = c->rip;

    if (is_op(i, 0, 0xcd))
        ev.vector = (uint8_t)i->imm;
    else if (is_op(i, 0, 0xcc))
        ev.vector = EXC_BP;
    else if (is_op(i, 0, 0xf1))
        ev.vector = EXC_DB;
    else if (is_op(i, 0, 0xce) && !cpu_in_64bit_mode(c) &&
             (c->rflags & FLAG_OF))
        ev.vector = EXC_OF;
    else
        return false;
    c->rip += i->len;
    if (emul_deliver(c, &ev, !is_op(i, 0, 0xf1))) {
        c->icount++;
        return true;
    }
    c->rip = rip;
    return false;
}

static bool is_emulated(const struct cpu *c, const struct emul_insn *i)
{
    if (is_op(i, 0, 0x9c) || (is_op(i, 0, 0x90) && i->rep && !(i->rex & 1)))
        return true;
    return cpu_in_64bit_mode(c) && (is_op(i, 1, 0x05) || is_op(i, 1, 0x07));
}

/* The instruction at rip. False: its first byte cannot even be fetched. */
static bool decode(struct cpu *c, struct emul_insn *i)
{
    struct emul_raise unused;
    uint64_t cr2 = c->cr2;
    bool ok = emul_decode(c, i, &unused) == EMUL_DONE;

    c->cr2 = cr2;
    return ok;
}

bool hv_debug_alone(struct hv *h)
{
    struct cpu *c = h->cpu;
    struct emul_insn i;
    bool known;

    hv_debug_registers(h);
    if (h->iret || !(c->stops->step || h->walks))
        return false;
    hv_modify(h);
    if (h->event.valid)
        return deliver(h);
    known = decode(c, &i);
    if (known && soft_interrupt(h, &i))
        return true;
    if (known && is_emulated(c, &i)) {
        hv_emulate(h);
        return true;
    }
    h->step = true;
    h->window = h->nmi_window = false;
    h->before.tf = c->rflags & FLAG_TF;
    h->before.iret = known && is_op(&i, 0, 0xcf);
    h->own_tf = h->before.iret || (known && is_op(&i, 0, 0x9d));
    /* Nothing comes within one instruction, and TF in a shadow is a trap. */
    h->before.inhibit = c->inhibit;
    c->inhibit = 0;
    return false;
}

/* The instruction is over: what of its #DB is the guest's? */
static void trapped(struct hv *h, uint64_t dr6)
{
    struct cpu *c = h->cpu;

    c->icount++;
    if (h->before.iret)
        c->nmi_blocked = false;
    dr6 = hv_debug_note(h, dr6) & ~(uint64_t)DR6_BS;
    if (h->before.tf)
        dr6 |= DR6_BS;
    if (dr6)
        hv_inject_debug(h, dr6);
}

void hv_debug_stepped(struct hv *h, const struct hv_exit *x)
{
    struct cpu *c = h->cpu;
    bool trap = x->kind == HV_EXIT_STEP;

    hv_modify(h);
    if (h->before.tf && !(trap && h->own_tf))
        c->rflags |= FLAG_TF;
    h->step = h->own_tf = false;
    if (trap) {
        trapped(h, x->exception.dr6);
        return;
    }
    c->inhibit = h->before.inhibit;     /* it is still to come */
    if (x->kind == HV_EXIT_EXCEPTION && x->exception.vector == EXC_PF)
        c->cr2 = x->exception.cr2;
}
