/*
 * Where the guest's arithmetic flags are while translated code runs. They stay
 * in host RFLAGS. What would destroy them there, a TLB check, need not save
 * them first as long as they follow from operands that are still in
 * registers: who wants them does the operation again. They are written to
 * run.saved where the trace may be left, and there as operands if that will do.
 */
#include "emu/jit/gen.h"

static bool uses(const struct flag_source *s, unsigned reg)
{
    return s->kind && (s->a == reg || s->b == reg);
}

static bool has_b(unsigned kind)
{
    return kind < SAVED_LOGIC;
}

/* SAVED_FLAGS from host RFLAGS. */
static void save_host(struct gen *g)
{
    struct code *a = &g->code;

    asm_mov_rr(a, R9, RAX);
    asm_8(a, 0x9f);                                     /* LAHF */
    asm_rr(a, 0x90, ASM_0F, 0, RAX);                    /* SETO AL */
    asm_store(a, AT(run.saved.a), RAX);
    asm_store_i(a, AT(run.saved.how), saved_how(SAVED_FLAGS, 1));
    asm_mov_rr(a, RAX, R9);
}

static void save_source(struct gen *g, const struct flag_source *s)
{
    struct code *a = &g->code;

    asm_store(a, AT(run.saved.a), s->a);
    if (has_b(s->kind) && s->b == CPU_NOREG)
        asm_store_i(a, AT(run.saved.b), s->imm);
    else if (has_b(s->kind))
        asm_store(a, AT(run.saved.b), s->b);
    asm_store_i(a, AT(run.saved.how),
                saved_how((enum saved_kind)s->kind, s->size));
}

static void again(struct gen *g, unsigned op, const struct flag_source *s,
                  unsigned to)
{
    if (s->b == CPU_NOREG)
        asm_alu_ri(&g->code, op, s->size, to, s->imm);
    else
        asm_alu_rr(&g->code, op, s->size, to, s->b);
}

/* CF from a byte that is 0 if it was set: CMP with 1. */
static void load_carry_at(struct gen *g, struct mem m)
{
    asm_rm(&g->code, 0x80, 0, 7, m);
    asm_8(&g->code, 1);
}

static void load_carry(struct gen *g)
{
    load_carry_at(g, AT(run.saved.no_carry));
}

static void store_carry(struct gen *g, struct mem m)
{
    asm_rm(&g->code, 0x93, ASM_0F, 0, m);               /* SETNC */
}

/* The operation once more, for its flags. */
static void replay(struct gen *g, const struct flag_source *s)
{
    struct code *a = &g->code;
    unsigned how = asm_size(s->size), wide = s->size > 1, op;

    switch (s->kind) {
    case SAVED_CMP:
        again(g, 7, s, s->a);
        break;
    case SAVED_SUB:
        asm_mov_rr(a, R9, s->a);
        again(g, 0, s, R9);
        again(g, 5, s, R9);
        break;
    case SAVED_ADD:
        asm_mov_rr(a, R9, s->a);
        again(g, 5, s, R9);
        again(g, 0, s, R9);
        break;
    case SAVED_SBB: case SAVED_ADC:
        op = s->kind == SAVED_ADC ? 2 : 3;
        asm_mov_rr(a, R9, s->a);
        load_carry(g);
        again(g, op ^ 1, s, R9);
        load_carry(g);
        again(g, op, s, R9);
        break;
    case SAVED_INC: case SAVED_DEC:
        op = s->kind == SAVED_DEC;
        asm_mov_rr(a, R9, s->a);
        asm_rr(a, 0xfe | wide, how, op ^ 1, R9);
        load_carry(g);
        asm_rr(a, 0xfe | wide, how, op, R9);
        break;
    case SOURCE_SHIFT:
        asm_load(a, R9, AT(run.shifted));
        asm_rr(a, 0xc1, 0, s->imm >> 8, R9);
        asm_8(a, (uint8_t)s->imm);
        break;
    case SAVED_LOGIC:
        asm_rr(a, 0x84 | wide, how, s->a, s->a);
        break;
    case SAVED_TEST:
        if (s->b != CPU_NOREG) {
            asm_rr(a, 0x84 | wide, how, s->b, s->a);
            break;
        }
        asm_rr(a, 0xf6 | wide, how, 0, s->a);
        asm_imm(a, s->size, s->imm);
        break;
    }
}

void flags_save(struct gen *g, const struct flag_state *f)
{
    if (f->saved)
        return;
    if (f->source.kind && f->source.kind != SOURCE_SHIFT) {
        save_source(g, &f->source);
        return;
    }
    if (!f->host)
        replay(g, &f->source);
    save_host(g);
}

void flags_to_saved(struct gen *g)
{
    flags_save(g, &g->flags);
    g->flags.saved = true;
}

void flags_lose_host(struct gen *g)
{
    unsigned kind = g->flags.source.kind;

    if (!kind)
        flags_to_saved(g);
    /* Likely to be added next: get it without doing that again. */
    if (g->flags.host && (kind == SAVED_ADC || kind == SAVED_SBB)) {
        store_carry(g, AT(run.saved.no_carry_out));
        g->flags.carry_out = true;
    }
    g->flags.host = false;
}

static void load_saved(struct gen *g)
{
    struct code *a = &g->code;

    asm_load(a, R9, AT(run.saved.how));
    asm_rm(a, 0x03, ASM_W, R9, AT(run.replay));         /* ADD */
    asm_rr(a, 0xff, 0, 2, R9);                          /* CALL */
}

void flags_to_host(struct gen *g)
{
    if (g->flags.host)
        return;
    if (g->flags.source.kind)
        replay(g, &g->flags.source);
    else
        load_saved(g);
    g->flags.host = true;
}

static bool has_carry(unsigned kind)
{
    return kind == SAVED_INC || kind == SAVED_DEC;
}

static bool clears_carry(unsigned kind)
{
    return kind == SAVED_TEST || kind == SAVED_LOGIC;
}

void flags_carry_to_host(struct gen *g)
{
    unsigned kind = g->flags.source.kind;

    if (g->flags.host)
        return;
    if (g->flags.carry_out)
        load_carry_at(g, AT(run.saved.no_carry_out));
    else if (has_carry(kind))
        load_carry(g);
    else if (clears_carry(kind))
        asm_8(&g->code, 0xf8);                          /* CLC */
    else
        flags_to_host(g);
}

void flags_keep_carry(struct gen *g)
{
    unsigned kind = g->flags.source.kind;

    if (has_carry(kind))
        return;
    if (clears_carry(kind)) {
        asm_rm(&g->code, 0xc6, 0, 0, AT(run.saved.no_carry));
        asm_8(&g->code, 1);
        return;
    }
    flags_carry_to_host(g);
    store_carry(g, AT(run.saved.no_carry));
}

void flags_will_write(struct gen *g, unsigned reg)
{
    struct flag_state *f = &g->flags;

    if (!uses(&f->source, reg))
        return;
    if (!f->host)
        flags_to_saved(g);
    f->source.kind = 0;
    f->carry_out = false;
}

void flags_set(struct gen *g, struct flag_source s)
{
    g->flags = (struct flag_state){ .host = true, .source = s };
    g->flags_made = true;
}

void flags_set_plain(struct gen *g)
{
    flags_set(g, (struct flag_source){ 0 });
}

void flags_forget(struct gen *g)
{
    g->flags.source.kind = 0;
    g->flags.carry_out = false;
    g->flags.saved = true;
}
