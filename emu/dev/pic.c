/* See pic.h. Intel 8259A datasheet; 82371SB (PIIX3) 2.5.4 for the ELCR. */
#include "emu/dev/pic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/dev/iobyte.h"
#include "emu/state.h"

#define CASCADE_IR 2u
#define SPURIOUS_IR 7u

enum { ICW1_IC4 = 0x01, ICW1_SNGL = 0x02, ICW1_INIT = 0x10 };
enum { ICW4_AEOI = 0x02, ICW4_SFNM = 0x10 };
enum { OCW2_EOI = 0x20, OCW2_SL = 0x40, OCW2_R = 0x80 };
enum {
    OCW3_RIS = 0x01,
    OCW3_RR = 0x02,
    OCW3_POLL = 0x04,
    OCW3_SELECT = 0x08,
    OCW3_SMM = 0x20,
    OCW3_ESMM = 0x40,
};

enum init_step { INIT_DONE, INIT_ICW2, INIT_ICW3, INIT_ICW4 };

struct chip {
    uint8_t lines;              /* input levels */
    uint8_t irr, imr, isr;
    uint8_t elcr, elcr_mask;
    uint8_t follow;             /* inputs whose IRR bit is the bare level */
    uint8_t base;
    uint8_t highest;            /* the IR with the highest priority now */
    uint8_t icw1;
    enum init_step step;
    bool aeoi, rotate_aeoi, sfnm, special_mask, poll, read_isr;
};

struct pic {
    struct device dev;
    struct chip master, slave;
    void (*intr)(void *ctx, bool level);
    void *ctx;
    bool intr_level;
};

/* Rank of the highest-priority IR in `set`: 0 is the highest, 8 is none. */
static unsigned first_rank(const struct chip *c, uint8_t set)
{
    unsigned rank = 0;

    while (rank < 8 && !(set & 1u << ((c->highest + rank) & 7)))
        rank++;
    return rank;
}

static unsigned rank_to_ir(const struct chip *c, unsigned rank)
{
    return (c->highest + rank) & 7;
}

/* The IR that the chip would deliver now, or -1. */
static int chip_pending(const struct chip *c)
{
    unsigned want = first_rank(c, c->irr & ~c->imr);
    uint8_t serving = c->special_mask ? c->isr & ~c->imr : c->isr;
    unsigned busy = first_rank(c, serving);

    if (want == 8)
        return -1;
    if (want < busy)
        return (int)rank_to_ir(c, want);
    /* SFNM: a slave in service may bring a more urgent request of its own. */
    if (want == busy && c->sfnm && (c->follow & 1u << rank_to_ir(c, want)))
        return (int)rank_to_ir(c, want);
    return -1;
}

/* IRR bits of level inputs are their levels; edge inputs are latched. */
static void chip_follow_levels(struct chip *c)
{
    uint8_t level = c->elcr | c->follow;

    c->irr = (c->irr & ~level) | (c->lines & level);
}

/*
 * An edge stays requested after its line has fallen. A bare 8259A would turn
 * it into IR7; but here several edges of a timer may pass while the guest's
 * core was away, and the tick must not be lost with them.
 */
static void chip_set_line(struct chip *c, unsigned ir, bool level)
{
    uint8_t bit = 1u << ir;

    if (level && !(c->lines & bit))
        c->irr |= bit;
    c->lines = level ? c->lines | bit : c->lines & ~bit;
    chip_follow_levels(c);
}

static void pic_update(struct pic *p)
{
    bool level;

    chip_set_line(&p->master, CASCADE_IR, chip_pending(&p->slave) >= 0);
    level = chip_pending(&p->master) >= 0;
    if (level != p->intr_level) {
        p->intr_level = level;
        p->intr(p->ctx, level);
    }
}

/* INTA or poll: take the pending IR into service. -1 if there is none. */
static int chip_acknowledge(struct chip *c)
{
    int ir = chip_pending(c);

    if (ir < 0)
        return -1;
    c->irr &= ~(1u << ir);
    chip_follow_levels(c);
    if (!c->aeoi)
        c->isr |= 1u << ir;
    else if (c->rotate_aeoi)
        c->highest = (ir + 1) & 7;
    return ir;
}

unsigned pic_intack(struct pic *p)
{
    struct chip *c = &p->master;
    int ir = chip_acknowledge(c);

    if (ir == (int)CASCADE_IR) {
        c = &p->slave;
        ir = chip_acknowledge(c);
    }
    pic_update(p);
    return c->base | (ir < 0 ? SPURIOUS_IR : (unsigned)ir);
}

void pic_set_irq(void *pic, unsigned n, bool level)
{
    struct pic *p = pic;

    if (n > 15 || n == CASCADE_IR)
        return;
    chip_set_line(n < 8 ? &p->master : &p->slave, n & 7, level);
    pic_update(p);
}

enum irq_state pic_irq_state(const struct pic *p, unsigned n)
{
    const struct chip *c = n < 8 ? &p->master : &p->slave;
    uint8_t bit = 1u << (n & 7);

    if (!(c->irr & bit))        /* another would be latched, masked or not */
        return IRQ_TAKEN;
    if ((c->imr & bit) || (n > 7 && (p->master.imr & 1u << CASCADE_IR)))
        return IRQ_MASKED;
    return IRQ_WAITS;
}

static void write_icw1(struct chip *c, uint8_t v)
{
    c->icw1 = v;
    c->step = INIT_ICW2;
    c->imr = c->isr = c->irr = 0;
    c->highest = 0;
    c->special_mask = c->read_isr = c->poll = c->rotate_aeoi = false;
    c->aeoi = c->sfnm = false;
    chip_follow_levels(c);
}

static void write_ocw2(struct chip *c, uint8_t v)
{
    unsigned ir = v & 7;
    uint8_t eoi_set = c->special_mask ? c->isr & ~c->imr : c->isr;

    switch (v & (OCW2_R | OCW2_SL | OCW2_EOI)) {
    case 0:
    case OCW2_R:
        c->rotate_aeoi = v & OCW2_R;
        return;
    case OCW2_SL:               /* no operation */
        return;
    case OCW2_R | OCW2_SL:      /* set priority: `ir` becomes the lowest */
        c->highest = (ir + 1) & 7;
        return;
    case OCW2_EOI:
    case OCW2_R | OCW2_EOI:
        if (!eoi_set)
            return;
        ir = rank_to_ir(c, first_rank(c, eoi_set));
        break;
    }
    c->isr &= ~(1u << ir);
    if (v & OCW2_R)
        c->highest = (ir + 1) & 7;
}

static void write_ocw3(struct chip *c, uint8_t v)
{
    if (v & OCW3_ESMM)
        c->special_mask = v & OCW3_SMM;
    if (v & OCW3_POLL)
        c->poll = true;
    else if (v & OCW3_RR)
        c->read_isr = v & OCW3_RIS;
}

static void write_data(struct chip *c, uint8_t v)
{
    switch (c->step) {
    case INIT_DONE:
        c->imr = v;
        return;
    case INIT_ICW2:
        c->base = v & 0xf8;
        if (!(c->icw1 & ICW1_SNGL)) {
            c->step = INIT_ICW3;
            return;
        }
        break;
    case INIT_ICW3:             /* the wiring of a PC is fixed */
        break;
    case INIT_ICW4:
        c->aeoi = v & ICW4_AEOI;
        c->sfnm = v & ICW4_SFNM;
        c->step = INIT_DONE;
        return;
    }
    c->step = c->icw1 & ICW1_IC4 ? INIT_ICW4 : INIT_DONE;
}

static struct chip *port_chip(struct pic *p, uint16_t port)
{
    return port == 0x4d0 || (port & ~1) == 0x20 ? &p->master : &p->slave;
}

static void pic_write(struct device *dev, uint16_t port, uint8_t v)
{
    struct pic *p = (struct pic *)dev;
    struct chip *c = port_chip(p, port);

    if (port >= 0x4d0) {
        c->elcr = v & c->elcr_mask;
        chip_follow_levels(c);
    } else if (port & 1) {
        write_data(c, v);
    } else if (v & ICW1_INIT) {
        write_icw1(c, v);
    } else if (v & OCW3_SELECT) {
        write_ocw3(c, v);
    } else {
        write_ocw2(c, v);
    }
    pic_update(p);
}

static uint8_t pic_read(struct device *dev, uint16_t port)
{
    struct pic *p = (struct pic *)dev;
    struct chip *c = port_chip(p, port);
    int ir;

    if (port >= 0x4d0)
        return c->elcr;
    if (c->poll) {
        c->poll = false;
        ir = chip_acknowledge(c);
        pic_update(p);
        return ir < 0 ? 0 : 0x80 | ir;
    }
    if (port & 1)
        return c->imr;
    return c->read_isr ? c->isr : c->irr;
}

static uint32_t pic_io_read(struct device *dev, uint16_t port, unsigned size)
{
    return io_read_bytes(dev, port, size, pic_read);
}

static void pic_io_write(struct device *dev, uint16_t port, unsigned size,
                         uint32_t value)
{
    io_write_bytes(dev, port, size, value, pic_write);
}

static void chip_reset(struct chip *c, uint8_t elcr_mask, uint8_t follow)
{
    uint8_t lines = c->lines;

    /* The lines belong to the devices, which drop them in their own reset. */
    *c = (struct chip){ .lines = lines, .elcr_mask = elcr_mask,
                        .follow = follow };
    chip_follow_levels(c);
}

static void pic_reset(struct device *dev)
{
    struct pic *p = (struct pic *)dev;

    /* PIIX3: timer, keyboard, cascade, RTC and FPU are always edge. */
    chip_reset(&p->master, 0xf8, 1u << CASCADE_IR);
    chip_reset(&p->slave, 0xde, 0);
    pic_update(p);
}

/* Lines included: those who drive them load their own idea of them. */
static void chip_state(struct chip *c, struct state *s)
{
    uint8_t elcr = c->elcr;

    state_u8(s, &c->lines);
    state_u8(s, &c->irr);
    state_u8(s, &c->imr);
    state_u8(s, &c->isr);
    state_u8(s, &elcr);
    c->elcr = elcr & c->elcr_mask;
    state_u8(s, &c->base);
    c->highest = (uint8_t)state_choice(s, c->highest, 7, "the priority");
    state_u8(s, &c->icw1);
    c->step = state_choice(s, c->step, INIT_ICW4, "the initialisation's step");
    state_bool(s, &c->aeoi);
    state_bool(s, &c->rotate_aeoi);
    state_bool(s, &c->sfnm);
    state_bool(s, &c->special_mask);
    state_bool(s, &c->poll);
    state_bool(s, &c->read_isr);
}

static void pic_state(struct device *dev, struct state *s)
{
    struct pic *p = (struct pic *)dev;

    chip_state(&p->master, s);
    chip_state(&p->slave, s);
    state_bool(s, &p->intr_level);
}

static const struct device_ops pic_ops = {
    .name = "pic",
    .reset = pic_reset,
    .io_read = pic_io_read,
    .io_write = pic_io_write,
    .state = pic_state,
    .state_version = 1,
    .state_size = sizeof(struct pic),
};

struct pic *pic_create(struct machine *m, void (*intr)(void *ctx, bool level),
                       void *ctx)
{
    struct pic *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->dev.ops = &pic_ops;
    p->dev.machine = m;
    p->intr = intr;
    p->ctx = ctx;
    pic_reset(&p->dev);
    machine_io_map(m, 0x20, 2, &p->dev);
    machine_io_map(m, 0xa0, 2, &p->dev);
    machine_io_map(m, 0x4d0, 2, &p->dev);
    return p;
}

void pic_destroy(struct pic *p)
{
    free(p);
}

static int chip_format(const struct chip *c, int n, char *buf, size_t size)
{
    return snprintf(buf, size,
                    "pic%d: irr=%02x imr=%02x isr=%02x hprio=%d irq_base=%02x "
                    "rr_sel=%d elcr=%02x fnm=%d\n",
                    n, c->irr, c->imr, c->isr, c->highest, c->base,
                    c->read_isr, c->elcr, c->sfnm);
}

int pic_format(const struct pic *p, char *buf, size_t size)
{
    int len = chip_format(&p->master, 0, buf, size);
    size_t at = (size_t)len < size ? (size_t)len : size;

    return len + chip_format(&p->slave, 1, buf + at, size - at);
}
