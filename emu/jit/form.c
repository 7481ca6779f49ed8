/*
 * The two forms of a trace's host code. One is executed: branches of other
 * traces lead to it, and the trace's own are linked. The other one is kept
 * beside, with nothing leading to it or from it.
 */
#include "emu/jit/window.h"

static struct jit_form_code *other_of(const struct jit *j,
                                      const struct trace *t)
{
    return &j->other[((const uint8_t *)t - j->arena) / 64];
}

static struct jit_branch *other_branches(const struct jit *j,
                                         const struct trace *t)
{
    return &j->other_branches[jit_number(j, t->insn)];
}

void jit_forget_forms(struct jit *j, struct trace *t)
{
    size_t bytes = (t->n + 1u) * sizeof(*j->branches);

    t->form = FORM_TLB;
    *other_of(j, t) = (struct jit_form_code){ 0 };
    memset(jit_branch(j, t->insn), 0, bytes);
    memset(other_branches(j, t), 0, bytes);
}

/* All direct branches that it has: others have no place there. */
static void for_branches(struct cpu *c, const struct trace *t,
                         void (*each)(struct cpu *c, const struct insn *i))
{
    const struct jit *j = c->interp->jit;

    for (unsigned k = 0; k <= t->n; k++)
        if (jit_branch(j, &t->insn[k])->at)
            each(c, &t->insn[k]);
}

static void swap(struct jit *j, struct trace *t)
{
    struct jit_form_code *other = other_of(j, t), was = { t->entry, t->body };
    struct jit_branch *a = jit_branch(j, t->insn), *b = other_branches(j, t);

    t->entry = other->entry;
    t->body = other->body;
    *other = was;
    for (unsigned k = 0; k <= t->n; k++) {
        struct jit_branch branch = a[k];

        a[k] = b[k];
        b[k] = branch;
    }
}

static void relink(struct cpu *c, const struct insn *i)
{
    jit_unlinked(c, i);
    jit_link(c, i);
}

bool jit_change_form(struct cpu *c, struct trace *t)
{
    struct jit *j = c->interp->jit;
    bool made;

    for_branches(c, t, jit_unlinked);
    swap(j, t);
    made = t->body || jit_translate(j, t, &memory_window);
    if (!made)
        swap(j, t);
    for_branches(c, t, jit_link);
    if (made)
        links_each(c, t, relink);
    return made;
}
