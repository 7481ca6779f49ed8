/* The local APIC's registers (SDM vol. 3, 10.4 and table 10-1); see lapic.h. */
#include "emu/dev/lapic_internal.h"

#include <stdlib.h>

#include "emu/state.h"
#include "emu/textbuf.h"

/* Version 14h with six LVT entries, as since the Pentium 4. */
#define VERSION ((LVT_COUNT - 1) << 16 | 0x14u)
#define SVR_WRITABLE 0x3ffu     /* vector, enable, focus checking */
#define SVR_RESET 0xffu
#define ICR_LOW_WRITABLE 0x000ccfffu
#define ICR_HIGH_WRITABLE 0xff000000u
#define DFR_ONES 0x0fffffffu

enum lapic_reg {                /* offsets, 16 bytes each */
    REG_ID = 0x02, REG_VERSION, REG_TPR = 0x08, REG_APR, REG_PPR, REG_EOI,
    REG_REMOTE_READ, REG_LDR, REG_DFR, REG_SVR, REG_ISR = 0x10,
    REG_TMR = 0x18, REG_IRR = 0x20, REG_ESR = 0x28, REG_ICR_LOW = 0x30,
    REG_ICR_HIGH, REG_LVT = 0x32, REG_INITIAL = 0x38, REG_CURRENT,
    REG_DIVIDE = 0x3e,
};

/* Which bits of each LVT entry can be written. */
static const uint32_t lvt_writable[LVT_COUNT] = {
    [LVT_TIMER] = LVT_VECTOR | LVT_MASKED | LVT_PERIODIC,
    [LVT_THERMAL] = LVT_VECTOR | LVT_MODE | LVT_MASKED,
    [LVT_PERF] = LVT_VECTOR | LVT_MODE | LVT_MASKED,
    [LVT_LINT0] = LVT_VECTOR | LVT_MODE | LVT_POLARITY | LVT_LEVEL |
                  LVT_MASKED,
    [LVT_LINT1] = LVT_VECTOR | LVT_MODE | LVT_POLARITY | LVT_LEVEL |
                  LVT_MASKED,
    [LVT_ERROR] = LVT_VECTOR | LVT_MASKED,
};

static void reserved_register(struct lapic *l)
{
    machine_count(l->dev.machine, "lapic: register that is not there");
    lapic_error(l, ESR_REGISTER);
}

/* ---- Reading -------------------------------------------------------------- */

static uint32_t read_reg(struct lapic *l, unsigned reg)
{
    if (reg >= REG_ISR && reg < REG_ESR) {
        const struct vector_set *sets[] = { &l->isr, &l->tmr, &l->irr };

        return sets[(reg - REG_ISR) / 8]->word[reg % 8];
    }
    if (reg >= REG_LVT && reg < REG_LVT + LVT_COUNT)
        return l->lvt[reg - REG_LVT];
    switch (reg) {
    case REG_ID:          return (uint32_t)l->id << 24;
    case REG_VERSION:     return VERSION;
    case REG_TPR:         return l->tpr;
    case REG_APR:         return lapic_apr(l);
    case REG_PPR:         return lapic_ppr(l);
    case REG_EOI:                       /* write only */
    case REG_REMOTE_READ: return 0;     /* nobody answers one */
    case REG_LDR:         return (uint32_t)l->ldr << 24;
    case REG_DFR:         return (uint32_t)l->dfr << 28 | DFR_ONES;
    case REG_SVR:         return l->svr;
    case REG_ESR:         return l->esr;
    case REG_ICR_LOW:     return l->icr_low;
    case REG_ICR_HIGH:    return l->icr_high;
    case REG_INITIAL:     return l->timer.initial;
    case REG_CURRENT:     return lapic_timer_current(l);
    case REG_DIVIDE:      return l->timer.divide;
    }
    reserved_register(l);
    return 0;
}

/*
 * Only aligned 32-bit accesses are defined (10.4.1). Smaller reads give their
 * part of the register; the 12 bytes behind each register read as zeros.
 */
static uint64_t lapic_mmio_read(struct device *dev, uint64_t addr,
                                unsigned size)
{
    struct lapic *l = (struct lapic *)dev;
    unsigned at = addr & 0xfff, byte = at & 15;

    if (size != 4 || byte)
        machine_count(dev->machine, "lapic: read that is not 32 bits");
    if (byte >= 4)
        return 0;
    return read_reg(l, at >> 4) >> 8 * byte;
}

/* ---- Writing -------------------------------------------------------------- */

static void mask_all(struct lapic *l)
{
    for (unsigned n = 0; n < LVT_COUNT; n++)
        l->lvt[n] |= LVT_MASKED;
}

static void write_lvt(struct lapic *l, unsigned n, uint32_t v)
{
    if (n == LVT_TIMER)
        lapic_timer_sync(l);
    v &= lvt_writable[n];
    if (!(l->svr & SVR_ENABLE))
        v |= LVT_MASKED;        /* 10.4.7.2 */
    if (v & LVT_LEVEL)          /* an edge has no remote IRR */
        v |= l->lvt[n] & LVT_REMOTE_IRR;
    l->lvt[n] = v;
    if (n == LVT_TIMER)
        lapic_timer_arm(l);
    else
        lapic_lint_written(l);
}

static void write_svr(struct lapic *l, uint32_t v)
{
    bool was = l->svr & SVR_ENABLE;

    lapic_timer_sync(l);
    l->svr = v & SVR_WRITABLE;
    if (!(v & SVR_ENABLE))
        mask_all(l);
    lapic_timer_arm(l);
    lapic_update(l);
    if (!was && (v & SVR_ENABLE))
        l->wires.ready(l->wires.ctx);
}

/* One of the registers that decide what is addressed to this APIC. */
static void set_address(struct lapic *l, uint8_t *field, uint32_t v)
{
    *field = (uint8_t)v;
    l->wires.ready(l->wires.ctx);
}

static void write_control(struct lapic *l, unsigned reg, uint32_t v)
{
    switch (reg) {
    case REG_ID:
        set_address(l, &l->id, v >> 24);
        return;
    case REG_LDR:
        set_address(l, &l->ldr, v >> 24);
        return;
    case REG_DFR:
        set_address(l, &l->dfr, v >> 28);
        return;
    case REG_SVR:
        write_svr(l, v);
        return;
    case REG_ESR:               /* what is written does not matter */
        l->esr = l->esr_pending;
        l->esr_pending = 0;
        return;
    case REG_ICR_LOW:
        l->icr_low = v & ICR_LOW_WRITABLE;
        lapic_send(l);
        return;
    case REG_ICR_HIGH:
        l->icr_high = v & ICR_HIGH_WRITABLE;
        return;
    case REG_INITIAL:
        lapic_timer_set_initial(l, v);
        return;
    case REG_DIVIDE:
        lapic_timer_set_divide(l, v);
        return;
    }
}

/* Registers that take no write: true for one that is there. */
static bool is_read_only(unsigned reg)
{
    return reg == REG_VERSION || reg == REG_APR || reg == REG_PPR ||
           reg == REG_REMOTE_READ || reg == REG_CURRENT ||
           (reg >= REG_ISR && reg < REG_ESR);
}

static bool is_control(unsigned reg)
{
    return reg == REG_ID || (reg >= REG_LDR && reg <= REG_SVR) ||
           reg == REG_ESR || reg == REG_ICR_LOW || reg == REG_ICR_HIGH ||
           reg == REG_INITIAL || reg == REG_DIVIDE;
}

static void write_reg(struct lapic *l, unsigned reg, uint32_t v)
{
    if (reg == REG_EOI) {
        lapic_eoi(l);
    } else if (reg == REG_TPR) {
        l->tpr = (uint8_t)v;
        lapic_update(l);
    } else if (reg >= REG_LVT && reg < REG_LVT + LVT_COUNT) {
        write_lvt(l, reg - REG_LVT, v);
    } else if (is_control(reg)) {
        write_control(l, reg, v);
    } else if (is_read_only(reg)) {
        machine_count(l->dev.machine, "lapic: write to a read-only register");
    } else {
        reserved_register(l);
    }
}

static void lapic_mmio_write(struct device *dev, uint64_t addr, unsigned size,
                             uint64_t value)
{
    if (size == 4 && !(addr & 15))
        write_reg((struct lapic *)dev, (addr & 0xfff) >> 4, (uint32_t)value);
    else
        machine_count(dev->machine, "lapic: write that is not 32 bits");
}

uint8_t lapic_cr8(const struct lapic *l)
{
    return l->tpr >> 4;
}

void lapic_set_cr8(struct lapic *l, uint8_t v)
{
    l->tpr = (uint8_t)(v << 4);
    lapic_update(l);
}

/* ---- Reset and creation --------------------------------------------------- */

/* State after INIT (10.4.7.3); after power-on the id is zero as well. */
void lapic_init(struct lapic *l)
{
    l->tpr = l->ldr = 0;
    l->dfr = 0x0f;
    l->svr = SVR_RESET;
    l->icr_low = l->icr_high = 0;
    l->esr = l->esr_pending = 0;
    for (unsigned n = 0; n < LVT_COUNT; n++)
        l->lvt[n] = LVT_MASKED;
    l->isr = l->tmr = l->irr = (struct vector_set){ { 0 } };
    l->extint_message = false;
    lapic_timer_reset(l);
    lapic_update(l);
}

static void power_on(struct lapic *l)
{
    l->id = 0;
    lapic_init(l);
}

void lapic_set_enabled(struct lapic *l, bool enabled)
{
    if (l->enabled == enabled)
        return;
    l->enabled = enabled;
    power_on(l);
    if (enabled)                /* NMI and INIT are taken again */
        l->wires.ready(l->wires.ctx);
}

static void lapic_reset(struct device *dev)
{
    power_on((struct lapic *)dev);
}

static void lapic_state(struct device *dev, struct state *s)
{
    struct lapic *l = (struct lapic *)dev;
    struct vector_set *const sets[] = { &l->isr, &l->tmr, &l->irr };
    uint32_t *const words[] = { &l->svr, &l->icr_low, &l->icr_high, &l->esr,
                                &l->esr_pending };

    state_bool(s, &l->enabled);
    for (unsigned n = 0; n < LAPIC_LINTS; n++)
        state_bool(s, &l->pin[n]);
    state_bool(s, &l->intr_level);
    state_bool(s, &l->extint_message);
    state_u8(s, &l->id);
    state_u8(s, &l->tpr);
    state_u8(s, &l->ldr);
    state_u8(s, &l->dfr);
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
        state_u32(s, words[i]);
    for (unsigned n = 0; n < LVT_COUNT; n++)
        state_u32(s, &l->lvt[n]);
    for (unsigned i = 0; i < sizeof sets / sizeof sets[0]; i++)
        for (unsigned n = 0; n < 8; n++)
            state_u32(s, &sets[i]->word[n]);
    lapic_timer_state(&l->timer, s);
}

static void lapic_loaded(struct device *dev)
{
    lapic_timer_loaded((struct lapic *)dev);
}

static const struct device_ops lapic_ops = {
    .name = "lapic",
    .reset = lapic_reset,
    .mmio_read = lapic_mmio_read,
    .mmio_write = lapic_mmio_write,
    .state = lapic_state,
    .state_version = 2,
    .state_size = sizeof(struct lapic),
    .loaded = lapic_loaded,
};

struct lapic *lapic_create(struct machine *m, const struct lapic_wires *wires,
                           bool again)
{
    struct lapic *l = calloc(1, sizeof *l);

    if (!l)
        return NULL;
    l->dev.ops = &lapic_ops;
    l->dev.machine = m;
    l->wires = *wires;
    lapic_timer_create(l, again);
    power_on(l);
    return l;
}

void lapic_destroy(struct lapic *l)
{
    free(l);
}

/* ---- Text ----------------------------------------------------------------- */

static void put_lvt(struct textbuf *t, const char *name, unsigned n,
                    uint32_t v)
{
    static const char *const modes[] = {
        "fixed", "reserved", "SMI", "reserved", "NMI", "INIT", "reserved",
        "ExtINT"
    };

    text_add(t, "%-8s %08x vec=%02x %s", name, v, v & LVT_VECTOR,
             v & LVT_MASKED ? "masked " : "");
    if (n == LVT_TIMER)
        text_add(t, "%s\n", v & LVT_PERIODIC ? "periodic" : "one-shot");
    else
        text_add(t, "%s %s active-%s%s\n", modes[lvt_mode(v)],
                 v & LVT_LEVEL ? "level" : "edge",
                 v & LVT_POLARITY ? "lo" : "hi",
                 v & LVT_REMOTE_IRR ? " remote-irr" : "");
}

/* The vectors of a set, with (level) behind those that have a TMR bit. */
static void put_set(struct textbuf *t, const char *name,
                    const struct vector_set *s, const struct vector_set *tmr)
{
    bool any = false;

    text_add(t, "%-8s", name);
    for (unsigned v = 0; v < 256; v++) {
        if (!(s->word[v / 32] >> v % 32 & 1))
            continue;
        any = true;
        text_add(t, " %02x%s", v,
                 tmr->word[v / 32] >> v % 32 & 1 ? "(level)" : "");
    }
    text_add(t, "%s\n", any ? "" : " (none)");
}

int lapic_format(const struct lapic *l, char *buf, size_t size)
{
    static const char *const names[LVT_COUNT] = {
        "timer", "thermal", "perf", "lint0", "lint1", "error"
    };
    struct textbuf t = { buf, size, 0 };

    text_add(&t, "lapic: %s, software-%s, id=%02x version=%08x\n",
             l->enabled ? "enabled" : "off",
             l->svr & SVR_ENABLE ? "enabled" : "disabled", l->id, VERSION);
    text_add(&t, "tpr=%02x ppr=%02x apr=%02x ldr=%02x dfr=%x svr=%03x esr=%02x "
             "icr=%08x:%08x\n", l->tpr, lapic_ppr(l), lapic_apr(l), l->ldr,
             l->dfr, l->svr, l->esr, l->icr_high, l->icr_low);
    for (unsigned n = 0; n < LVT_COUNT; n++)
        put_lvt(&t, names[n], n, l->lvt[n]);
    text_add(&t, "count    %u of %u, divided by %u, bus clock 1 GHz\n",
             lapic_timer_current(l), l->timer.initial, lapic_timer_divisor(l));
    put_set(&t, "isr", &l->isr, &l->tmr);
    put_set(&t, "irr", &l->irr, &l->tmr);
    return (int)t.wanted;
}
