/*
 * Delivery of an event in long mode (SDM vol. 3, 6.14; APM vol. 2, 8.9), for
 * whoever cannot leave it to the processor: a debugger's step is in the guest's
 * TF, which the processor would push with the flags.
 */
#include "emu/cpu/emulate_internal.h"

#include "emu/cpu/bus.h"
#include "emu/cpu/seg.h"
#include "emu/cpu/stops.h"

#define GATE_TYPE 0x1fu         /* with S */
#define GATE_INTERRUPT 0x0eu
#define GATE_TRAP 0x0fu
#define GATE_IST 7u
#define TSS_RSP 4u              /* RSP0 to RSP2 */
#define TSS_IST 0x24u           /* IST1 to IST7 */

struct gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_mid;
    uint32_t offset_high, reserved;
};
_Static_assert(sizeof(struct gate) == 16, "64-bit gate");

/* Where it goes, found before anything is changed. */
struct delivery {
    struct emul e;
    struct gate gate;
    struct cpu_seg cs;
    struct emul_span access;    /* CS's descriptor's access byte */
    uint64_t rip, rsp;
    unsigned cpl;
};

/* Linear [lin, +size), two pages at most. */
static bool map(struct emul *e, uint64_t lin, unsigned size,
                enum mmu_access access, bool user, struct emul_span *s)
{
    unsigned in_page = 0x1000 - (lin & 0xfff);

    s->n[0] = in_page < size ? in_page : size;
    s->n[1] = size - s->n[0];
    return cpu_canonical(lin) && cpu_canonical(lin + size - 1) &&
           emul_translate_as(e, lin, access, user, &s->phys[0]) &&
           (!s->n[1] ||
            emul_translate_as(e, lin + s->n[0], access, user, &s->phys[1]));
}

static bool read_system(struct emul *e, uint64_t lin, void *buf, unsigned size)
{
    struct emul_span s;

    if (!map(e, lin, size, MMU_READ, false, &s))
        return false;
    emul_load(e, &s, buf);
    return true;
}

static bool find_gate(struct delivery *d, unsigned vector, bool software)
{
    const struct cpu *c = d->e.c;
    const struct gate *g = &d->gate;
    unsigned type;

    if (vector * sizeof *g + sizeof *g - 1 > c->idtr.limit ||
        !read_system(&d->e, c->idtr.base + vector * sizeof *g, &d->gate,
                     sizeof *g))
        return false;
    type = g->type & GATE_TYPE;
    d->rip = g->offset_low | (uint64_t)g->offset_mid << 16 |
             (uint64_t)g->offset_high << 32;
    return (type == GATE_INTERRUPT || type == GATE_TRAP) &&
           (g->type & SEG_P) && cpu_canonical(d->rip) &&
           (!software || SEG_DPL(g->type) >= c->cpl);
}

static bool find_code(struct delivery *d)
{
    const struct cpu *c = d->e.c;
    uint16_t sel = d->gate.selector;
    const struct cpu_seg *ldt = &c->ldtr;
    uint64_t lin = (sel & SEL_TI ? ldt->base : c->gdtr.base) + (sel & 0xfff8u);
    uint32_t word[2];
    unsigned dpl;

    if (SEL_IS_NULL(sel) || ((sel & SEL_TI) && !seg_is_present(ldt)) ||
        (sel | 7u) > (sel & SEL_TI ? ldt->limit : c->gdtr.limit) ||
        !read_system(&d->e, lin, word, sizeof word))
        return false;
    d->cs = desc_segment(sel, word[0], word[1]);
    dpl = SEG_DPL(d->cs.attr);
    if (!seg_is_code(&d->cs) || !seg_is_present(&d->cs) ||
        (d->cs.attr & (SEG_L | SEG_DB)) != SEG_L || dpl > c->cpl)
        return false;
    d->cpl = seg_is_conforming(&d->cs) ? c->cpl : dpl;
    d->cs.sel = (uint16_t)(SEL_ERROR(sel) | d->cpl);
    if (d->cs.attr & SEG_TYPE_A)
        return true;
    d->cs.attr |= SEG_TYPE_A;
    return map(&d->e, lin + DESC_ACCESS_BYTE, 1, MMU_WRITE, false, &d->access);
}

static bool find_stack(struct delivery *d)
{
    const struct cpu *c = d->e.c;
    unsigned ist = d->gate.ist & GATE_IST;
    unsigned at = ist ? TSS_IST + (ist - 1) * 8 : TSS_RSP + d->cpl * 8;

    d->rsp = c->gpr[RSP];
    if (!ist && d->cpl == c->cpl)
        return true;
    return at + 7 <= c->tr.limit &&
           read_system(&d->e, c->tr.base + at, &d->rsp, 8);
}

/* What the handler finds: faults are to be tried again (SDM vol. 3, 17.3.1). */
static uint64_t pushed_flags(const struct cpu *c, const struct cpu_event *ev,
                             bool software)
{
    const uint32_t traps = 1u << EXC_DB | 1u << EXC_BP | 1u << EXC_OF |
                           1u << EXC_DF | 1u << EXC_MC;
    bool fault = ev->kind == CPU_EVENT_EXCEPTION && !software &&
                 ev->vector < 32 && !(traps >> ev->vector & 1);

    return c->rflags | (fault ? FLAG_RF : 0);
}

static void commit(struct delivery *d)
{
    struct cpu *c = d->e.c;
    uint8_t access = (uint8_t)d->cs.attr;
    uint64_t gone = FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM;

    if (d->access.n[0])
        emul_store(&d->e, &d->access, &access);
    if ((d->gate.type & GATE_TYPE) == GATE_INTERRUPT)
        gone |= FLAG_IF;
    if (d->cpl != c->cpl)
        c->seg[SS] = (struct cpu_seg){ .sel = (uint16_t)d->cpl };
    c->seg[CS] = d->cs;
    c->cpl = (uint8_t)d->cpl;
    c->rip = d->rip;
    c->gpr[RSP] = d->rsp;
    c->rflags &= ~gone;
    c->inhibit = 0;
    c->halted = false;
}

bool emul_deliver(struct cpu *c, const struct cpu_event *ev, bool software)
{
    struct emul_raise unused;
    struct delivery d = { .e = { .c = c, .raise = &unused } };
    uint64_t cr2 = c->cr2, frame[6] = {
        ev->error, c->rip, c->seg[CS].sel,
        pushed_flags(c, ev, software), c->gpr[RSP], c->seg[SS].sel,
    };
    unsigned first = ev->has_error ? 0 : 1, size = (6 - first) * 8;
    struct emul_span stack;
    bool fits;

    fits = find_gate(&d, ev->vector, software) && find_code(&d) &&
           find_stack(&d);
    if (fits) {
        d.rsp = (d.rsp & ~15ull) - size;
        fits = map(&d.e, d.rsp, size, MMU_WRITE, d.cpl == 3, &stack);
    }
    c->cr2 = cr2;
    if (!fits)
        return false;
    emul_store(&d.e, &stack, frame + first);
    if (c->stops)
        cpu_stops_access(c->stops, d.rsp, size, true);
    commit(&d);
    return true;
}
