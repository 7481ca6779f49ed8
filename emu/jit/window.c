/* When the window is used, and which traces are in its form. */
#include "emu/jit/window.h"

#include <stdlib.h>

#include "emu/cpu/mmu.h"

/*
 * Instructions without a change of translations before a view gets its window:
 * what that costs is well below a millisecond. Twice as many after each that
 * did not last.
 */
#define PATIENCE 4000000u
#define PATIENCE_MAX 512000000u
#define NEVER UINT64_MAX
#define LASTING (4u * PATIENCE)
/* A fault costs as much as so many; more of them than this are too many. */
#define FAULT_INSNS 30000u
#define FAULTS_FREE 2000u
#define MISSES_MAX 32u          /* that no mapping would have avoided */
#define FOLLOWED 16u            /* traces that go with one found hot */

#define RANGE_BYTES (JIT_BASE + WINDOW_BYTES + JIT_GUARD_BYTES)
_Static_assert(JIT_VIEW_BYTES % MMU_PAGE_SIZE == 0, "mapped as a whole");

static struct jit_window *window_of(const struct cpu *c)
{
    return c->interp->jit->window;
}

/* ---- Faults -------------------------------------------------------------------- */

/* The last site at or before this offset in the code memory. */
static const struct window_site *site_at(const struct jit_window *w,
                                         uint32_t pc)
{
    unsigned low = 0, high = w->site_count;

    while (low < high) {
        unsigned mid = (low + high) / 2;

        if (w->site[mid].pc <= pc)
            low = mid + 1;
        else
            high = mid;
    }
    return low ? &w->site[low - 1] : NULL;
}

/* struct window_code's. */
static const void *fault(void *ctx, const void *pc, const uint8_t *at,
                         bool write)
{
    struct jit *j = ctx;
    struct cpu *c = j->interp->cpu;
    struct jit_window *w = j->window;
    struct window_view *v = &w->view[c->cpl == 3];
    const struct window_site *site =
        site_at(w, (uint32_t)((const uint8_t *)pc - w->code.exec));

    if (!site || !site->stub)
        return NULL;
    if (v->active && at && at >= v->base && at < v->base + WINDOW_BYTES) {
        w->miss_lin = (uint32_t)(at - v->base);
        w->miss_view = v;
        w->miss_write = write;
        w->counts.faults++;
        v->faults++;
        if (window_fill(c, v, w->miss_lin, write))
            return pc;
        w->missed = true;
    }
    return w->code.exec + site->stub;
}

/* ---- Forms ----------------------------------------------------------------------- */

static struct window_view *view_of(struct jit_window *w, const struct trace *t)
{
    return &w->view[!!(t->mode & TRACE_USER)];
}

static void to_tlb(struct cpu *c, struct trace *t)
{
    if (t->dropped || t->form != FORM_WINDOW)
        return;
    jit_change_form(c, t);
    t->form = FORM_BOTH;
}

/* False: it cannot be, or no further trace can be now. */
static bool promote(struct cpu *c, struct trace *t)
{
    struct jit_window *w = window_of(c);
    struct window_view *v = view_of(w, t);

    if (t->form == FORM_WINDOW || t->form == FORM_REFUSED)
        return true;
    if (v->trace_count == WINDOW_TRACES || !jit_change_form(c, t))
        return false;
    if (t->form == FORM_TLB)
        t->heat = 0;            /* from now on its misses */
    t->form = FORM_WINDOW;
    v->trace[v->trace_count++] = t;
    w->counts.promoted++;
    return true;
}

/* It, and those that its branches lead to, and so on. */
static void promote_all(struct cpu *c, struct trace *t)
{
    const struct jit *j = c->interp->jit;
    struct trace *found[FOLLOWED] = { t };
    unsigned count = 1;

    for (unsigned n = 0; n < count && promote(c, found[n]); n++) {
        for (unsigned k = 0; k <= found[n]->n && count < FOLLOWED; k++) {
            const struct insn *i = &found[n]->insn[k];
            struct trace *to;

            if (!jit_branch(j, i)->at || !(to = i->link) || !to->body ||
                ((to->mode ^ t->mode) & TRACE_USER))
                continue;
            for (unsigned f = 0; f < count; f++)
                if (found[f] == to)
                    to = NULL;
            if (to)
                found[count++] = to;
        }
    }
}

static void activate(struct cpu *c, struct window_view *v)
{
    v->active = true;
    v->full = false;
    v->since = c->run.count;
    v->faults = 0;
    window_of(c)->counts.activated++;
}

static void deactivate(struct cpu *c, struct window_view *v)
{
    struct jit_window *w = window_of(c);

    if (!v->active)
        return;
    v->active = false;
    w->counts.dropped++;
    for (unsigned n = 0; n < v->trace_count; n++)
        to_tlb(c, v->trace[n]);
    v->trace_count = 0;
    if (!window_unmap_all(w, v))
        v->patience = NEVER;
    else if (c->run.count - v->since >= LASTING)
        v->patience = w->patience;
    else if (v->patience < PATIENCE_MAX)
        v->patience *= 2;
}

/* Did it cost more than it can have brought? */
static bool is_costly(const struct cpu *c, const struct window_view *v)
{
    return v->full || (v->faults > FAULTS_FREE &&
                       (v->faults - FAULTS_FREE) * FAULT_INSNS >
                       c->run.count - v->since);
}

void jit_window_visit(struct cpu *c, struct trace *t)
{
    struct jit_window *w = window_of(c);
    struct window_view *v = view_of(w, t);

    if (!w->sample && v->patience)
        return;
    w->sample = false;
    if (v->active && is_costly(c, v)) {
        deactivate(c, v);
        w->changed = c->run.count;
    }
    if (!v->active) {
        if (c->run.count - w->changed < v->patience)
            return;
        activate(c, v);
    }
    promote_all(c, t);
}

void jit_window_missed(struct cpu *c, struct trace *t)
{
    struct jit_window *w = window_of(c);
    uint16_t *misses = &t->heat;

    if (t->form != FORM_WINDOW || !w->miss_view->active ||
        window_fill(c, w->miss_view, w->miss_lin, w->miss_write))
        return;
    if (++*misses < w->misses_max)
        return;
    to_tlb(c, t);
    t->form = FORM_REFUSED;
    w->counts.refused++;
}

/* ---- Changes ----------------------------------------------------------------------- */

void jit_window_changed(struct cpu *c)
{
    struct jit_window *w = window_of(c);

    w->changed = c->run.count;
    deactivate(c, &w->view[0]);
    deactivate(c, &w->view[1]);
}

void jit_window_flushed(struct cpu *c)
{
    struct jit_window *w = window_of(c);

    w->view[0].trace_count = w->view[1].trace_count = 0;
    jit_window_changed(c);
    w->site_count = 0;
    w->missed = false;
}

/* A window that has come to too many pieces ends. */
void jit_window_page_changed(struct cpu *c, uint32_t lin, bool large)
{
    struct jit_window *w = window_of(c);

    for (unsigned user = 0; user < 2; user++)
        if (w->view[user].active &&
            !window_unmap_page(w, &w->view[user], lin, large))
            deactivate(c, &w->view[user]);
}

void jit_window_page_tracked(struct cpu *c, uint64_t page)
{
    struct jit_window *w = window_of(c);
    const uint8_t *host = c->bus->ram_page(c->bus->ctx, page, false);

    for (unsigned user = 0; host && user < 2; user++)
        if (w->view[user].active &&
            !window_unmap_host(w, &w->view[user], host))
            deactivate(c, &w->view[user]);
}

bool jit_set_window(struct engine *e, uint64_t patience, unsigned misses)
{
    struct jit_window *w = ((struct interp *)e)->jit->window;

    if (!w)
        return false;
    w->patience = w->view[0].patience = w->view[1].patience = patience;
    w->misses_max = misses;
    return true;
}

/* ---- Making it ---------------------------------------------------------------------- */

static bool make_view(struct jit_window *w, struct window_view *v)
{
    v->patience = w->patience;
    v->range = w->ops->reserve(RANGE_BYTES, JIT_VIEW_BYTES);
    if (!v->range)
        return false;
    v->base = v->range + JIT_BASE;
    return true;
}

static void free_views(struct jit_window *w)
{
    for (unsigned user = 0; user < 2; user++)
        if (w->view[user].range)
            w->ops->release(w->view[user].range, RANGE_BYTES);
    free(w->site);
    free(w);
}

struct jit_window *jit_window_new(struct jit *j)
{
    struct cpu *c = j->interp->cpu;
    struct jit_window *w;

    if (!c->bus->windows)
        return NULL;
    w = calloc(1, sizeof(*w));
    if (!w)
        return NULL;
    w->ops = c->bus->windows;
    w->patience = PATIENCE;
    w->misses_max = MISSES_MAX;
    w->site = calloc(WINDOW_SITES, sizeof(*w->site));
    w->code = (struct window_code){ (const uint8_t *)jit_exec(j, j->write),
                                    JIT_CODE_BYTES, fault, j };
    if (!w->site || !make_view(w, &w->view[0]) || !make_view(w, &w->view[1]) ||
        w->ops->watch(&w->code) < 0) {
        free_views(w);
        return NULL;
    }
    for (unsigned user = 0; user < 2; user++)
        mmu_move_view(c, user, (struct tlb_entry *)(void *)w->view[user].range);
    return w;
}

void jit_window_free(struct jit *j)
{
    if (!j->window)
        return;
    j->window->ops->unwatch(&j->window->code);
    mmu_move_view(j->interp->cpu, false, NULL);
    mmu_move_view(j->interp->cpu, true, NULL);
    free_views(j->window);
    j->window = NULL;
}
