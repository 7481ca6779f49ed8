/* See dry_run.h. */
#include "emu/cpu/dry_run.h"

#include <string.h>

static struct dry_run *dry_of(const struct cpu *c)
{
    return ((struct mmu *)c->mmu)->dry;
}

static void entry_clear(struct tlb_entry *e)
{
    e->read = e->write = e->page = TLB_NONE;
}

void dry_run_init(struct dry_run *d)
{
    d->shadow.tlb[0] = d->views.entry[0];
    d->shadow.tlb[1] = d->views.entry[1];
    for (unsigned n = 0; n < TLB_SIZE; n++) {
        entry_clear(&d->shadow.tlb[0][n]);
        entry_clear(&d->shadow.tlb[1][n]);
    }
    d->shadow.dry = d;
}

void dry_run_begin(struct cpu *c, struct dry_run *d)
{
    d->count = d->settled = d->used_count = 0;
    d->real = c->mmu;
    d->shadow.code_map = d->real->code_map;
    c->mmu = &d->shadow;
    c->run.tlb = d->shadow.tlb[c->cpl == 3];
}

void dry_run_end(struct cpu *c, struct dry_run *d)
{
    c->mmu = d->real;
    c->run.tlb = d->real->tlb[c->cpl == 3];
    for (unsigned n = 0; n < d->used_count; n++)
        entry_clear(d->used[n]);
}

struct tlb_entry *dry_run_entry(struct cpu *c, uint32_t lin, uint32_t rights,
                                bool user)
{
    struct dry_run *d = dry_of(c);
    struct tlb_entry *e = tlb_slot(c, lin, user);
    const struct tlb_entry *real = &d->real->tlb[user][(lin >> 12) &
                                                       (TLB_SIZE - 1)];

    if (real->page != (lin & MMU_PAGE_MASK) || (~real->flags & rights) ||
        d->used_count == DRY_RUN_ENTRIES)
        dry_run_refuse(c);
    *e = *real;
    e->write = TLB_NONE;
    d->used[d->used_count++] = e;
    return e;
}

void dry_run_undo(const struct dry_run *d)
{
    for (unsigned n = d->count; n-- > 0;)
        memcpy(d->write[n].host, d->write[n].old, d->write[n].len);
}

void dry_run_redo(const struct dry_run *d, unsigned count)
{
    for (unsigned n = 0; n < count; n++)
        memcpy(d->write[n].host, d->write[n].new, d->write[n].len);
}

void dry_run_refuse(struct cpu *c)
{
    longjmp(*dry_of(c)->refused, 1);
}

void dry_run_settle(struct dry_run *d)
{
    for (; d->settled < d->count; d->settled++) {
        struct dry_write *w = &d->write[d->settled];

        memcpy(w->new, w->host, w->len);
    }
}

void dry_run_write(struct cpu *c, uint8_t *page, uint64_t paddr, unsigned n)
{
    struct dry_run *d = dry_of(c);

    while (n) {
        unsigned len = n < DRY_RUN_BYTES ? n : DRY_RUN_BYTES;
        struct dry_write *w = &d->write[d->count];

        if (d->count == DRY_RUN_WRITES)
            dry_run_refuse(c);
        d->count++;
        w->host = page + (paddr & 0xfff);
        w->paddr = paddr;
        w->len = (uint8_t)len;
        memcpy(w->old, w->host, len);
        paddr += len;
        n -= len;
    }
}
