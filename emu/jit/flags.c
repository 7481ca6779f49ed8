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

static void store_carry(struct gen *g, struct mem m)
{
    asm_rm(&g->code, 0x93, ASM_0F, 0, m);               /* SETNC */
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
        flags_replay(&g->code, &f->source);
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
        flags_replay(&g->code, &g->flags.source);
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
        flags_load_carry(&g->code, AT(run.saved.no_carry_out));
    else if (has_carry(kind))
        flags_load_carry(&g->code, AT(run.saved.no_carry));
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
