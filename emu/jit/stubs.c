/* What lies out of the way behind a trace's code: misses and slow ways. */
#include "emu/jit/gen.h"
#include "emu/jit/window.h"

struct stub *stub_new(struct gen *g, enum stub_kind kind, uint8_t *from)
{
    struct stub *s;

    if (g->stub_count == GEN_STUBS) {
        g->code.full = true;
        g->stub_count--;
    }
    s = &g->stubs[g->stub_count++];
    *s = (struct stub){ .kind = kind, .from = { from }, .k = g->k,
                        .flags = g->flags, .fpu = g->fpu };
    return s;
}

uint32_t insn_site(const struct gen *g, unsigned k)
{
    return jit_site(g->jit, g->trace, k);
}

void emit_handler(struct gen *g, unsigned k)
{
    flags_to_saved(g);
    fpu_settle(g, &g->fpu);
    asm_mov_ri(&g->code, R8, insn_site(g, k));
    asm_call_to(&g->code, g->jit->handle);
    g->fpu.live = 0;
    g->flags = (struct flag_state){ .host = true, .saved = true };
}

void emit_light_handler(struct gen *g, unsigned k)
{
    flags_to_saved(g);
    fpu_settle(g, &g->fpu);
    asm_mov_ri(&g->code, R8, insn_site(g, k));
    asm_call_to(&g->code, g->jit->light);
    g->fpu.live = 0;
    g->flags = (struct flag_state){ .saved = true };
}

void call_leaf(struct gen *g, jit_leaf *fn, uint32_t what)
{
    asm_mov_ri(&g->code, R8, what);
    asm_mov_ri64(&g->code, R9, (uintptr_t)fn);
    asm_call_to(&g->code, g->jit->leaf);
}

/* The handler does the whole instruction, and reloads the flags. */
static void slow(struct gen *g, struct stub *s)
{
    struct code *a = &g->code;

    if (s->leaf) {
        call_leaf(g, s->leaf, s->what);
        asm_patch(asm_jcc(a, COND_NZ), s->back);
    }
    flags_save(g, &s->flags);
    fpu_settle(g, &s->fpu);
    if (s->operand)
        asm_lea(a, R9, s->address);
    asm_mov_ri(a, R8, insn_site(g, s->k) |
                      s->operand << JIT_OPERAND_SHIFT);
    asm_call_to(a, g->jit->handle);
    fpu_again(g, &s->fpu, s->k + 1);
    asm_jmp_to(a, s->back);
}

static void to_site(struct gen *g, const struct stub *s, const uint8_t *common)
{
    asm_mov_ri(&g->code, R8, insn_site(g, s->k));
    asm_jmp_to(&g->code, common);
}

/* To the loop, which will come here again. */
static void limit(struct gen *g)
{
    asm_lea_add(&g->code, R13, g->trace->n);
    asm_mov_ri(&g->code, R8, g->trace->rip);
    asm_jmp_to(&g->code, g->jit->leave_at);
}

/* An interrupt without IF is no reason to stop (attention in interp.h). */
static void attention_stub(struct gen *g, const struct stub *s)
{
    struct code *a = &g->code;
    uint8_t *urgent;

    asm_cmp_mi(a, AT(exact_count), 0xffff);
    urgent = asm_jcc(a, COND_NBE);
    asm_rm(a, 0xf7, 0, 0, AT(rflags));                  /* TEST */
    asm_32(a, FLAG_IF);
    asm_patch(asm_jcc(a, COND_Z), s->back);
    asm_patch(urgent, a->p);
    limit(g);
}

static void stub_emit(struct gen *g, struct stub *s)
{
    switch (s->kind) {
    case STUB_SLOW:
        slow(g, s);
        break;
    case STUB_TAKEN:
        g->flags = s->flags;
        g->fpu = s->fpu;
        flags_to_saved(g);
        branch_direct(g, s->k);
        break;
    case STUB_UNLINKED:
        branch_unlinked(g, s->k);
        to_site(g, s, g->jit->unlinked);
        break;
    case STUB_INDIRECT:
        to_site(g, s, g->jit->indirect);
        break;
    case STUB_LIMIT:
        flags_save(g, &s->flags);
        fpu_settle(g, &s->fpu);
        limit(g);
        break;
    case STUB_ATTENTION:
        flags_save(g, &s->flags);
        fpu_settle(g, &s->fpu);
        attention_stub(g, s);
        break;
    case STUB_FPU:
        flags_save(g, &s->flags);
        fpu_settle(g, &s->fpu);
        fpu_again(g, &s->fpu, s->k);
        asm_jmp_to(&g->code, s->back);
        break;
    }
}

void stubs_emit(struct gen *g)
{
    for (unsigned n = 0; n < g->stub_count && !g->code.full; n++) {
        struct stub s = g->stubs[n];

        if (s.site)
            s.site->stub = jit_offset(g->jit, g->code.p);
        for (unsigned f = 0; f < 2 && s.from[f]; f++)
            asm_patch(s.from[f], g->code.p);
        stub_emit(g, &s);
    }
}
