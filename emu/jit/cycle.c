/*
 * A trace that branches back to its own start. There its code is emitted once
 * more, for the state of flags and FPU that it has come to, so that nothing of
 * that is stored on the way round; only the tests of a trace's entry are done.
 * The same state must be there again at the second branch.
 */
#include "emu/jit/gen.h"
#include "emu/jit/window.h"

#define CYCLE_INSNS 32u         /* longer ones lose little */

/* What is to be put back if it cannot be done. */
struct mark {
    uint8_t *p;
    unsigned stub_count, site_count;
    struct flag_state flags;
    struct fpu_state fpu;
    struct jit_counts counts;
    const uint8_t *branch_at[TRACE_INSNS + 1];
};

static struct mark mark_of(const struct gen *g)
{
    const struct jit *j = g->jit;
    struct mark m = {
        .p = g->code.p, .stub_count = g->stub_count,
        .site_count = j->window ? j->window->site_count : 0,
        .flags = g->flags, .fpu = g->fpu, .counts = j->counts,
    };

    memcpy(m.branch_at, g->branch_at, sizeof(m.branch_at));
    return m;
}

/* Branches that have been emitted since then are none. */
static void forget_branches(struct gen *g, const struct mark *m)
{
    for (unsigned k = 0; k <= g->trace->n; k++) {
        if (g->branch_at[k] == m->branch_at[k])
            continue;
        g->branch_at[k] = NULL;
        *jit_branch(g->jit, &g->trace->insn[k]) = (struct jit_branch){ 0 };
    }
}

static void give_up(struct gen *g, const struct mark *m)
{
    g->code.p = m->p;
    g->code.full = false;
    g->stub_count = m->stub_count;
    forget_branches(g, m);
    if (g->jit->window)
        g->jit->window->site_count = m->site_count;
}

static bool same_source(const struct flag_source *a,
                        const struct flag_source *b)
{
    return a->kind == b->kind &&
           (!a->kind || (a->size == b->size && a->a == b->a && a->b == b->b &&
                         a->imm == b->imm));
}

static bool same_state(const struct gen *g, const struct mark *m)
{
    const struct flag_state *a = &g->flags, *b = &m->flags;

    return a->host == b->host && a->saved == b->saved &&
           a->carry_out == b->carry_out &&
           same_source(&a->source, &b->source) &&
           g->fpu.live == m->fpu.live && g->fpu.code == m->fpu.code &&
           g->fpu.data == m->fpu.data;
}

bool cycle_emit(struct gen *g, int cc)
{
    const struct mark m = mark_of(g);
    unsigned k = g->k, op = g->op, size = g->size;
    uint8_t *start, *over = NULL;
    bool same;

    if (g->again || k >= CYCLE_INSNS)
        return false;
    if (cc >= 0)
        over = asm_jcc(&g->code, (unsigned)cc ^ 1);
    start = g->code.p;
    flags_lose_host(g);
    branch_entry(g, k + 1);     /* those that were done are given back */
    g->again = true;
    for (g->k = 0; g->k < k; g->k++)
        gen_insn(g);
    g->op = (uint8_t)op;
    if (cc >= 0)
        flags_for(g, (unsigned)cc);
    g->again = false;
    g->size = size;
    g->flags_made = false;
    g->jit->counts = m.counts;
    same = same_state(g, &m) && !g->code.full;
    if (!same) {
        give_up(g, &m);
    } else if (over) {
        asm_patch(asm_jcc(&g->code, (unsigned)cc), start);
        asm_patch(over, g->code.p);
    } else {
        asm_jmp_to(&g->code, start);
    }
    g->flags = m.flags;
    g->fpu = m.fpu;
    return same;
}
