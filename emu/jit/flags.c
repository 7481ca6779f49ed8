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

/* SAVED_FLAGS from host RFLAGS. */
static void save_host(struct gen *g)
{
    struct code *a = &g->code;

    asm_mov_rr(a, R9, RAX);
    asm_8(a, 0x9f);                                     /* LAHF */
    asm_rr(a, 0x90, ASM_0F, 0, RAX);                    /* SETO AL */
    asm_store(a, AT(run.saved.a), RAX);
    asm_store_i(a, AT(run.saved.how), SAVED_FLAGS);
    asm_mov_rr(a, RAX, R9);
}

static void save_source(struct gen *g, const struct flag_source *s)
{
    struct code *a = &g->code;

    asm_store(a, AT(run.saved.a), s->a);
    if (s->kind != SAVED_LOGIC && s->b == CPU_NOREG)
        asm_store_i(a, AT(run.saved.b), s->imm);
    else if (s->kind != SAVED_LOGIC)
        asm_store(a, AT(run.saved.b), s->b);
    asm_store_i(a, AT(run.saved.how), s->kind | (uint32_t)s->size << 4);
}

void flags_save(struct gen *g, const struct flag_state *f)
{
    if (f->saved)
        return;
    if (f->source.kind)
        save_source(g, &f->source);
    else
        save_host(g);
}

void flags_to_saved(struct gen *g)
{
    flags_save(g, &g->flags);
    g->flags.saved = true;
}

void flags_lose_host(struct gen *g)
{
    if (!g->flags.source.kind)
        flags_to_saved(g);
    g->flags.host = false;
}

static void again(struct gen *g, unsigned op, const struct flag_source *s,
                  unsigned to)
{
    if (s->b == CPU_NOREG)
        asm_alu_ri(&g->code, op, s->size, to, s->imm);
    else
        asm_alu_rr(&g->code, op, s->size, to, s->b);
}

/* The operation once more, for its flags. */
static void replay(struct gen *g, const struct flag_source *s)
{
    struct code *a = &g->code;
    unsigned how = asm_size(s->size), wide = s->size > 1;

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

static void load_saved(struct gen *g)
{
    struct code *a = &g->code;
    struct stub *s;

    asm_cmp_mi(a, AT(run.saved.how), SAVED_FLAGS);
    s = stub_new(g, STUB_SETTLE, asm_jcc(a, COND_NZ));
    s->back = a->p;
    asm_mov_rr(a, R9, RAX);
    asm_load(a, RAX, AT(run.saved.a));
    asm_8(a, 0x04);                                     /* ADD AL, 7Fh */
    asm_8(a, 0x7f);
    asm_8(a, 0x9e);                                     /* SAHF */
    asm_mov_rr(a, RAX, R9);
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

void flags_will_write(struct gen *g, unsigned reg)
{
    struct flag_state *f = &g->flags;

    if (!uses(&f->source, reg))
        return;
    if (!f->host)
        flags_to_saved(g);
    f->source.kind = 0;
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
