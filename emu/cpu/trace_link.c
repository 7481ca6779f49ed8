/*
 * Links from branches to the traces that they lead to. A link lasts until its
 * target is dropped or, to another page, until the mapping changes: then its
 * generation (run.gen) ends. A new CR3 does not end the supervisor's as long as
 * all its targets lie in global pages, and INVLPG ends none if no target lies in
 * that page.
 */
#include <stdlib.h>

#include "emu/cpu/interp.h"

/*
 * A branch that has a link is in the list of its target's, by numbers: offset
 * in the arena in units of struct insn, plus one; 0: none.
 */
struct link_node {
    uint32_t next, prev;        /* prev 0: it is the first */
};

struct links {
    uint8_t *arena;
    struct link_node node[TRACE_ARENA_BYTES / sizeof(struct insn) + 1];
    /* Of targets of far links: pages mod 1024, and is one not global? */
    uint64_t far_pages[16];
    bool far_local;
};

struct links *links_create(struct trace_cache *tc)
{
    struct links *l = calloc(1, sizeof(*l));

    if (l)
        l->arena = trace_arena(tc);
    return l;
}

/* ---- Lists ----------------------------------------------------------------- */

static uint32_t link_number(const struct links *l, const struct insn *i)
{
    return (uint32_t)(((const uint8_t *)i - l->arena) / sizeof(*i)) + 1;
}

static struct insn *linked_insn(const struct links *l, uint32_t number)
{
    return &((struct insn *)(void *)l->arena)[number - 1];
}
_Static_assert(offsetof(struct trace, insn) % sizeof(struct insn) == 0,
               "instructions are numbered");

static void unlink_branch(struct links *l, struct insn *i)
{
    struct link_node *n = &l->node[link_number(l, i)];

    if (n->prev)
        l->node[n->prev].next = n->next;
    else
        i->link->incoming = n->next;
    if (n->next)
        l->node[n->next].prev = n->prev;
    i->link = NULL;
    i->link_gen = 0;
}

void trace_link(struct cpu *c, struct insn *i, struct trace *t)
{
    struct links *l = c->interp->links;
    uint32_t number = link_number(l, i);

    if (i->link != t) {
        if (i->link)
            unlink_branch(l, i);
        l->node[number] = (struct link_node){ .next = t->incoming };
        if (t->incoming)
            l->node[t->incoming].prev = number;
        t->incoming = number;
        i->link = t;
    }
    i->link_gen = c->run.gen[i->imm2];
    if (i->imm2 != LINK_PAGE)
        trace_far_target(c, t);
}

static uint64_t *far_page(struct links *l, uint32_t page, uint64_t *bit)
{
    *bit = 1ull << (page >> 12) % 64;
    return &l->far_pages[(page >> 18) % 16];
}

static void far_target_page(struct cpu *c, uint32_t page)
{
    const struct tlb_entry *s = tlb_slot(c, page, false);
    uint64_t bit, *word = far_page(c->interp->links, page, &bit);

    *word |= bit;
    if (!(c->run.mode & TRACE_USER) &&
        (s->page != page || !(s->flags & TLB_GLOBAL)))
        c->interp->links->far_local = true;
}

void trace_far_target(struct cpu *c, const struct trace *t)
{
    uint32_t base = (uint32_t)c->seg[CS].base;

    far_target_page(c, (base + t->rip) & MMU_PAGE_MASK);
    if (t->paddr2 != NO_PAGE)
        far_target_page(c, (base + t->last_rip) & MMU_PAGE_MASK);
}

void links_drop(struct cpu *c, struct trace *t)
{
    struct jump_cache *j = &c->interp->jumps[jump_hash(t->rip)];
    struct links *l = c->interp->links;

    if (j->trace == t)
        *j = (struct jump_cache){ 0 };
    while (t->incoming) {
        struct insn *i = linked_insn(l, t->incoming);

        if (c->interp->translator)
            c->interp->translator->unlinked(c, i);
        unlink_branch(l, i);
    }
}

void links_each(struct cpu *c, const struct trace *t,
                void (*each)(struct cpu *c, const struct insn *i))
{
    struct links *l = c->interp->links;

    for (uint32_t n = t->incoming; n; n = l->node[n].next)
        each(c, linked_insn(l, n));
}

/* ---- Generations ------------------------------------------------------------ */

/*
 * Void the links of `kind`; 0 means "not linked", so a counter that comes round
 * takes everything with it.
 */
static void new_generation(struct cpu *c, enum link_kind kind)
{
    if (++c->run.gen[kind] >= LINK_GENERATIONS)
        code_flush_all(c);
    jump_key_update(c);
}

/* To other pages, by a mapping that does not hold any more. */
static void void_far_links(struct cpu *c, bool keep_global)
{
    struct links *l = c->interp->links;

    new_generation(c, LINK_FAR);
    if (keep_global && !l->far_local)
        return;
    new_generation(c, LINK_SYSTEM);
    l->far_local = false;
    memset(l->far_pages, 0, sizeof(l->far_pages));
}

void code_mapping_changed(struct cpu *c, bool keep_global)
{
    end_trace(c);
    if (!c->interp)
        return;
    c->interp->mapping++;
    void_far_links(c, keep_global);
    if (c->interp->translator)
        c->interp->translator->mapping_changed(c);
}

void code_page_changed(struct cpu *c, uint32_t lin, bool large)
{
    uint64_t bit, *word;

    end_trace(c);
    c->interp->mapping++;
    word = far_page(c->interp->links, lin, &bit);
    if (large || (*word & bit))
        void_far_links(c, false);
    if (c->interp->translator)
        c->interp->translator->page_changed(c, lin, large);
}

void code_page_faulted(struct cpu *c, uint32_t lin)
{
    if (c->interp && c->interp->translator)
        c->interp->translator->page_changed(c, lin, false);
}

void code_page_tracked(struct cpu *c, uint64_t page)
{
    if (c->interp->translator)
        c->interp->translator->page_tracked(c, page);
}

void code_distrust(struct cpu *c)
{
    new_generation(c, LINK_PAGE);
    void_far_links(c, false);
}

void links_void_all(struct cpu *c)
{
    struct interp *e = c->interp;

    memset(e->jumps, 0, JUMP_CACHE * sizeof(e->jumps[0]));
    for (unsigned kind = 0; kind < LINK_KINDS; kind++)
        if (++c->run.gen[kind] >= LINK_GENERATIONS)
            c->run.gen[kind] = 1;
    jump_key_update(c);
}
