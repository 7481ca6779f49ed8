/*
 * Interrupts in the local APIC: where they come from, which are accepted, and
 * which the core sees (SDM vol. 3, 10.5.1, 10.6, 10.8).
 */
#include "emu/dev/lapic_internal.h"

#define FIRST_VECTOR 16u        /* those below are illegal (10.5.2) */
#define BROADCAST 0xffu
#define CLUSTER_BROADCAST 0x0fu
#define DFR_FLAT 0x0fu

#define ICR_LOGICAL 0x00000800u
#define ICR_ASSERT  0x00004000u
#define ICR_SHORTHAND(v) ((v) >> 18 & 3)
enum { TO_DESTINATION, TO_SELF, TO_ALL, TO_OTHERS };

/* ---- Sets of vectors ------------------------------------------------------ */

static void vector_add(struct vector_set *s, unsigned v)
{
    s->word[v / 32] |= 1u << v % 32;
}

static void vector_remove(struct vector_set *s, unsigned v)
{
    s->word[v / 32] &= ~(1u << v % 32);
}

static bool vector_in(const struct vector_set *s, unsigned v)
{
    return s->word[v / 32] >> v % 32 & 1;
}

/* The highest vector of the set, or -1. */
static int vector_highest(const struct vector_set *s)
{
    for (int n = 7; n >= 0; n--)
        if (s->word[n])
            return n * 32 + 31 - __builtin_clz(s->word[n]);
    return -1;
}

/* ---- Priorities (10.8.3) -------------------------------------------------- */

/* Priority class of the highest vector, 0 if there is none. */
static unsigned class_of(const struct vector_set *s)
{
    int v = vector_highest(s);

    return v < 0 ? 0 : (unsigned)v & 0xf0;
}

uint8_t lapic_ppr(const struct lapic *l)
{
    unsigned busy = class_of(&l->isr);

    return (uint8_t)((l->tpr & 0xf0u) >= busy ? l->tpr : busy);
}

uint8_t lapic_apr(const struct lapic *l)
{
    unsigned tpr = l->tpr & 0xf0, irr = class_of(&l->irr);
    unsigned isr = class_of(&l->isr), both = tpr & isr;

    if (tpr >= irr && tpr > isr)
        return l->tpr;
    return (uint8_t)(both > irr ? both : irr);
}

/*
 * Until software enables the APIC its pins are the core's INTR and NMI, so
 * that a BIOS which knows of no APIC gets its 8259 interrupts.
 */
static bool pins_are_the_cores(const struct lapic *l)
{
    return !l->enabled || !(l->svr & SVR_ENABLE);
}

static bool asserted(const struct lapic *l, unsigned n)
{
    return l->pin[n] != !!(l->lvt[LVT_LINT0 + n] & LVT_POLARITY);
}

static bool extint_waits(const struct lapic *l)
{
    if (pins_are_the_cores(l))
        return l->pin[0];
    if (l->extint_message)
        return true;
    for (unsigned n = 0; n < LAPIC_LINTS; n++) {
        uint32_t lvt = l->lvt[LVT_LINT0 + n];

        if (!(lvt & LVT_MASKED) && lvt_mode(lvt) == APIC_EXTINT &&
            asserted(l, n))
            return true;
    }
    return false;
}

static bool vector_waits(const struct lapic *l)
{
    return class_of(&l->irr) > (lapic_ppr(l) & 0xf0u);
}

void lapic_update(struct lapic *l)
{
    bool level = vector_waits(l) || extint_waits(l);

    if (level == l->intr_level)
        return;
    l->intr_level = level;
    l->wires.intr(l->wires.ctx, level);
}

/* ---- Acceptance ----------------------------------------------------------- */

static void accept(struct lapic *l, uint8_t vector, bool level)
{
    if (vector < FIRST_VECTOR) {
        lapic_error(l, ESR_RECEIVE_VECTOR);
        return;
    }
    vector_add(&l->irr, vector);
    if (level)
        vector_add(&l->tmr, vector);
    else
        vector_remove(&l->tmr, vector);
    lapic_update(l);
}

/* The LVT error entry fires once for each write of the ESR (10.5.3). */
void lapic_error(struct lapic *l, uint32_t bit)
{
    bool first = !l->esr_pending;

    l->esr_pending |= bit;
    if (first)
        lapic_local_interrupt(l, LVT_ERROR);
}

void lapic_local_interrupt(struct lapic *l, enum lapic_lvt n)
{
    if (!(l->lvt[n] & LVT_MASKED))
        accept(l, l->lvt[n] & LVT_VECTOR, false);
}

static void reserved_mode(struct lapic *l)
{
    machine_count(l->dev.machine, "lapic: reserved delivery mode");
}

/* An interrupt that needs no vector. False: `mode` is another one. */
static bool deliver_special(struct lapic *l, enum apic_mode mode)
{
    switch (mode) {
    case APIC_NMI:
        l->wires.nmi(l->wires.ctx);
        return true;
    case APIC_INIT:
        l->wires.init(l->wires.ctx);
        return true;
    case APIC_SMI:
        machine_count(l->dev.machine, "lapic: SMI, there is no SMM");
        return true;
    case APIC_STARTUP:          /* the core does not wait for one */
        return true;
    case APIC_REMOTE_READ:
        reserved_mode(l);
        return true;
    default:
        return false;
    }
}

/* ---- LINT0 and LINT1 ------------------------------------------------------ */

/* A level that no one serves yet becomes an interrupt. */
static void lint_level(struct lapic *l, unsigned n)
{
    uint32_t *lvt = &l->lvt[LVT_LINT0 + n];

    if ((*lvt & (LVT_MASKED | LVT_REMOTE_IRR)) || !(*lvt & LVT_LEVEL) ||
        lvt_mode(*lvt) != APIC_FIXED || !asserted(l, n))
        return;
    *lvt |= LVT_REMOTE_IRR;
    accept(l, *lvt & LVT_VECTOR, true);
}

/* All modes but Fixed, and Fixed unless the entry says level, are edges. */
static void lint_edge(struct lapic *l, unsigned n)
{
    uint32_t lvt = l->lvt[LVT_LINT0 + n];
    enum apic_mode mode = lvt_mode(lvt);

    if (lvt & LVT_MASKED)
        return;
    if (mode == APIC_LOWEST || mode == APIC_STARTUP)    /* only for messages */
        reserved_mode(l);
    else if (!deliver_special(l, mode) && mode == APIC_FIXED &&
             !(lvt & LVT_LEVEL))
        accept(l, lvt & LVT_VECTOR, false);
}

static void set_lint(struct lapic *l, unsigned n, bool level)
{
    bool was = asserted(l, n);

    if (l->pin[n] == level)
        return;
    l->pin[n] = level;
    if (pins_are_the_cores(l)) {
        if (n == 1 && level)
            l->wires.nmi(l->wires.ctx);
    } else {
        if (!was)
            lint_edge(l, n);
        lint_level(l, n);
    }
    lapic_update(l);
}

void lapic_set_lint0(void *lapic, bool level)
{
    set_lint(lapic, 0, level);
}

void lapic_set_lint1(void *lapic, bool level)
{
    set_lint(lapic, 1, level);
}

void lapic_lint_written(struct lapic *l)
{
    for (unsigned n = 0; n < LAPIC_LINTS; n++)
        lint_level(l, n);
    lapic_update(l);
}

/* ---- Acknowledge and end -------------------------------------------------- */

int lapic_intack(struct lapic *l)
{
    int v = vector_highest(&l->irr);

    if (extint_waits(l)) {
        l->extint_message = false;
        lapic_update(l);
        return -1;
    }
    /* Withdrawn meanwhile: the spurious vector, no ISR bit (10.9). */
    if (!vector_waits(l))
        return pins_are_the_cores(l) ? -1 : (int)(l->svr & LVT_VECTOR);
    vector_remove(&l->irr, (unsigned)v);
    vector_add(&l->isr, (unsigned)v);
    lapic_update(l);
    return v;
}

void lapic_eoi(struct lapic *l)
{
    int v = vector_highest(&l->isr);

    if (v < 0)
        return;
    vector_remove(&l->isr, (unsigned)v);
    if (vector_in(&l->tmr, (unsigned)v)) {
        for (unsigned n = 0; n < LAPIC_LINTS; n++) {
            uint32_t *lvt = &l->lvt[LVT_LINT0 + n];

            if ((*lvt & LVT_VECTOR) == (uint32_t)v)
                *lvt &= ~LVT_REMOTE_IRR;
            lint_level(l, n);
        }
        l->wires.eoi(l->wires.ctx, (uint8_t)v);
    }
    lapic_update(l);
}

bool lapic_requested(const struct lapic *l, uint8_t vector)
{
    return vector_in(&l->irr, vector);
}

bool lapic_lint0_open(const struct lapic *l)
{
    return pins_are_the_cores(l) || !(l->lvt[LVT_LINT0] & LVT_MASKED);
}

/* ---- Messages (10.6.2) ---------------------------------------------------- */

static bool addressed(const struct lapic *l, const struct apic_message *msg)
{
    if (msg->dest == BROADCAST)
        return true;
    if (!msg->logical)
        return msg->dest == l->id;
    if (l->dfr == DFR_FLAT)
        return msg->dest & l->ldr;
    return (msg->dest >> 4 == CLUSTER_BROADCAST ||
            msg->dest >> 4 == l->ldr >> 4) &&
           (msg->dest & l->ldr & 0x0f);
}

bool lapic_message(struct lapic *l, const struct apic_message *msg)
{
    if (!l->enabled || !addressed(l, msg))
        return false;
    if (deliver_special(l, msg->mode))
        return true;
    if (!(l->svr & SVR_ENABLE))
        return false;
    if (msg->mode == APIC_EXTINT) {
        l->extint_message = true;
        lapic_update(l);
    } else {
        accept(l, msg->vector, msg->level);
    }
    return true;
}

void lapic_send(struct lapic *l)
{
    uint32_t icr = l->icr_low;
    unsigned to = ICR_SHORTHAND(icr);
    struct apic_message msg = {
        .dest = to == TO_DESTINATION ? (uint8_t)(l->icr_high >> 24) : BROADCAST,
        .logical = to == TO_DESTINATION && (icr & ICR_LOGICAL),
        .mode = lvt_mode(icr), .vector = icr & LVT_VECTOR,
    };
    bool vectored = msg.mode == APIC_FIXED || msg.mode == APIC_LOWEST;

    if (vectored && msg.vector < FIRST_VECTOR) {
        lapic_error(l, ESR_SEND_VECTOR);
        return;
    }
    /* INIT level de-assert only sets ids for arbitration on the APIC bus. */
    if (msg.mode == APIC_INIT && (icr & LVT_LEVEL) && !(icr & ICR_ASSERT))
        return;
    if (to == TO_OTHERS)        /* there are none */
        return;
    /* Only Fixed may go to oneself by a shorthand (table 10-3). */
    if (to != TO_DESTINATION && msg.mode != APIC_FIXED) {
        machine_count(l->dev.machine, "lapic: IPI that is not allowed");
        return;
    }
    if (!lapic_message(l, &msg))
        machine_count(l->dev.machine, "lapic: IPI that no APIC takes");
}
