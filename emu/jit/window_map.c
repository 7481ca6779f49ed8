/* What is mapped in the window: pages come with faults and go with changes. */
#include "emu/jit/window.h"

#include <errno.h>

#include "emu/cpu/mmu.h"

#define BLOCK_BYTES 0x20000u    /* that one fault may have mapped */

static bool is_user(const struct cpu *c, const struct window_view *v)
{
    return v == &c->interp->jit->window->view[1];
}

static bool is_mapped(const struct window_view *v, uint32_t page)
{
    return v->mapped[page / 64] >> page % 64 & 1;
}

static void set_mapped(struct window_view *v, uint32_t page, uint32_t pages,
                       bool mapped)
{
    for (; pages--; page++) {
        uint64_t bit = 1ull << page % 64;

        if (mapped)
            v->mapped[page / 64] |= bit;
        else
            v->mapped[page / 64] &= ~bit;
    }
}

static uint8_t *place_of(const struct window_view *v, uint32_t page)
{
    return v->base + ((uint64_t)page << 12);
}

static int unmap(struct jit_window *w, struct window_view *v, uint32_t page,
                 uint32_t pages)
{
    int r = w->ops->unmap(place_of(v, page), (size_t)pages << 12);

    if (r == 0)
        set_mapped(v, page, pages, false);
    return r;
}

/* By pieces if not at once. */
bool window_unmap_all(struct jit_window *w, struct window_view *v)
{
    bool gone = !v->run_count || w->ops->unmap(v->base, WINDOW_BYTES) == 0;

    for (unsigned n = 0; n < v->run_count; n++) {
        const struct window_run *r = &v->run[n];

        if (!gone)
            unmap(w, v, r->page, r->pages);
        set_mapped(v, r->page, r->pages, false);
    }
    v->run_count = 0;
    return gone || w->ops->unmap(v->base, WINDOW_BYTES) == 0;
}

/* May `page` be in one run with pages of these uses, and is it at `host`? */
static bool fits(struct cpu *c, const struct window_view *v, uint32_t page,
                 unsigned uses, const uint8_t *host)
{
    uint8_t *other;

    return !is_mapped(v, page) &&
           mmu_peek(c, page << 12, is_user(c, v), &other) == uses &&
           other == host;
}

/* 0, or as window_ops.map. */
static int map_run(struct jit_window *w, struct window_view *v,
                   struct window_run run, bool write)
{
    int r;

    if (v->run_count == WINDOW_RUNS)
        return -ENOMEM;
    r = w->ops->map(place_of(v, run.page), run.host, (size_t)run.pages << 12,
                    write);
    if (r < 0)
        return r;
    v->run[v->run_count++] = run;
    set_mapped(v, run.page, run.pages, true);
    w->counts.mapped += run.pages;
    return 0;
}

bool window_fill(struct cpu *c, struct window_view *v, uint32_t lin,
                 bool write)
{
    const uint32_t block = BLOCK_BYTES >> 12;
    uint32_t page = lin >> 12, first = page, last = page;
    struct jit_window *w = c->interp->jit->window;
    uint8_t *host;
    unsigned uses = mmu_peek(c, page << 12, is_user(c, v), &host);
    int r;

    if (!(uses & (write ? MMU_PEEK_WRITE : MMU_PEEK_READ)))
        return false;
    while (first % block &&
           fits(c, v, first - 1, uses, host - ((page - first + 1) << 12)))
        first--;
    while ((last + 1) % block &&
           fits(c, v, last + 1, uses, host + ((last + 1 - page) << 12)))
        last++;
    r = map_run(w, v, (struct window_run){ first, last + 1 - first,
                                           host - ((page - first) << 12) },
                uses & MMU_PEEK_WRITE);
    if (r == -EINVAL)           /* they may be side by side by chance */
        r = map_run(w, v, (struct window_run){ page, 1, host },
                    uses & MMU_PEEK_WRITE);
    v->full |= r == -ENOMEM;
    return r == 0;
}

bool window_unmap_page(struct jit_window *w, struct window_view *v,
                       uint32_t lin, bool large)
{
    uint32_t page = large ? (lin >> 22) << 10 : lin >> 12;
    uint32_t pages = large ? 1024 : 1;
    bool any = false;

    for (uint32_t n = 0; n < pages; n++)
        any |= is_mapped(v, page + n);
    return !any || unmap(w, v, page, pages) == 0;
}

bool window_unmap_host(struct jit_window *w, struct window_view *v,
                       const uint8_t *host)
{
    for (unsigned n = 0; n < v->run_count; n++) {
        const struct window_run *r = &v->run[n];
        size_t offset = (size_t)(host - r->host);

        if (host >= r->host && offset < (size_t)r->pages << 12 &&
            is_mapped(v, r->page + (uint32_t)(offset >> 12)) &&
            unmap(w, v, r->page + (uint32_t)(offset >> 12), 1) < 0)
            return false;
    }
    return true;
}
