/*
 * The software TLB and the slow path behind it; tracking of pages that hold
 * decoded code.
 */
#include "emu/cpu/mmu.h"

#include <errno.h>
#include <stdlib.h>

#include "emu/cpu/bus.h"
#include "emu/cpu/debug.h"
#include "emu/cpu/dry_run.h"
#include "emu/cpu/exec.h"
#include "emu/cpu/paging.h"

#define CODE_PAGES (1u << 20)   /* 4 GiB: where RAM can be */

/* ---- Code tracking ------------------------------------------------------ */

/* Granules that [addr, addr+len), inside one page, touches. */
static uint32_t code_granules(uint64_t addr, unsigned len)
{
    unsigned first = (addr & ~MMU_PAGE_MASK) >> MMU_CODE_SHIFT;
    unsigned last = ((addr & ~MMU_PAGE_MASK) + len - 1) >> MMU_CODE_SHIFT;

    return (~0u << first) & (~0u >> (31 - last));
}

static bool code_in(const struct mmu *m, uint64_t addr, unsigned len)
{
    return addr >> 12 < CODE_PAGES &&
           (m->code_map[addr >> 12] & code_granules(addr, len));
}

static void code_check(struct cpu *c, uint64_t addr, unsigned len)
{
    if (code_in(c->mmu, addr, len))
        code_written(c, addr, len);
}

/* Writes to this physical page must come by the slow way from now on. */
static void drop_write_tags(struct mmu *m, uint64_t page)
{
    unsigned user, n;

    for (user = 0; user < 2; user++)
        for (n = 0; n < TLB_SIZE; n++)
            if (m->tlb[user][n].phys == page)
                m->tlb[user][n].write = TLB_NONE;
}

void mmu_track_code(struct cpu *c, uint64_t paddr, unsigned len)
{
    struct mmu *m = c->mmu;
    uint64_t page = paddr >> 12;

    if (page >= CODE_PAGES)
        return;
    if (!m->code_map[page]) {
        drop_write_tags(m, page << 12);
        code_page_tracked(c, page << 12);
    }
    m->code_map[page] |= code_granules(paddr, len);
}

/* The page becomes fast again when a write next refills its entry. */
void mmu_untrack_page(struct cpu *c, uint64_t page)
{
    struct mmu *m = c->mmu;

    if (page >> 12 < CODE_PAGES)
        m->code_map[page >> 12] = 0;
}

/* ---- Physical memory ---------------------------------------------------- */

/* A CPU without an engine has no MMU. */
static bool in_dry_run(const struct cpu *c)
{
    const struct mmu *m = c->mmu;

    return m && m->dry;
}

static void page_read(struct cpu *c, uint64_t addr, void *buf, unsigned n)
{
    if (in_dry_run(c) && !c->bus->ram_page(c->bus->ctx, addr & ~0xfffull, false))
        dry_run_refuse(c);
    bus_load(c->bus, addr, buf, n);
}

/* Only what native code could do too: not a device's, not over code. */
static void note_write(struct cpu *c, uint64_t addr, unsigned n)
{
    uint8_t *page = c->bus->ram_page(c->bus->ctx, addr & ~0xfffull, true);

    if (!page || code_in(c->mmu, addr, n))
        dry_run_refuse(c);
    dry_run_write(c, page, addr, n);
}

static void page_write(struct cpu *c, uint64_t addr, const void *buf,
                       unsigned n)
{
    if (in_dry_run(c))
        note_write(c, addr, n);
    code_check(c, addr, n);
    bus_store(c->bus, addr, buf, n);
}

/*
 * Table entries are naturally aligned, so they never cross a page.
 */
uint64_t phys_read(struct cpu *c, uint64_t addr, unsigned size)
{
    uint64_t v = 0;

    page_read(c, addr, &v, size);
    return v;
}

void phys_write(struct cpu *c, uint64_t addr, unsigned size, uint64_t v)
{
    page_write(c, addr, &v, size);
}

/* ---- TLB ---------------------------------------------------------------- */

static void entry_clear(struct mmu *m, unsigned user, unsigned n)
{
    struct tlb_entry *e = &m->tlb[user][n];

    e->read = e->write = e->page = TLB_NONE;
    e->phys = UINT64_MAX;
    m->live[user][n / 64] &= ~(1ull << n % 64);
}

void mmu_flush(struct cpu *c, bool keep_global)
{
    struct mmu *m = c->mmu;
    unsigned user, word;

    for (user = 0; user < 2; user++) {
        for (word = 0; word < TLB_SIZE / 64; word++) {
            uint64_t live = m->live[user][word];

            for (; live; live &= live - 1) {
                unsigned n = word * 64 + (unsigned)__builtin_ctzll(live);

                if (!keep_global || !(m->tlb[user][n].flags & TLB_GLOBAL))
                    entry_clear(m, user, n);
            }
        }
    }
    if (!keep_global)
        memset(m->large, 0, sizeof(m->large));
    code_mapping_changed(c, keep_global);
}

/* Entries cut from large pages of the 4 MiB region around `lin`. */
static void flush_region(struct mmu *m, uint32_t lin)
{
    unsigned user, n;

    for (user = 0; user < 2; user++) {
        for (n = 0; n < TLB_SIZE; n++) {
            const struct tlb_entry *e = &m->tlb[user][n];

            if (e->page != TLB_NONE && (e->flags & TLB_LARGE) &&
                e->page >> 22 == lin >> 22)
                entry_clear(m, user, n);
        }
    }
    m->large[lin >> 28] &= ~(1ull << (lin >> 22 & 63));
}

/* INVLPG drops the whole page, however large (SDM vol. 3, 4.10.4.1). */
void mmu_flush_page(struct cpu *c, uint32_t lin)
{
    struct mmu *m = c->mmu;
    unsigned n = (lin >> 12) & (TLB_SIZE - 1);
    bool large = m->large[lin >> 28] >> (lin >> 22 & 63) & 1;
    unsigned user;

    for (user = 0; user < 2; user++)
        if (m->tlb[user][n].page == (lin & MMU_PAGE_MASK))
            entry_clear(m, user, n);
    if (large)
        flush_region(m, lin);
    code_page_changed(c, lin, large);
}

static bool alignment_checked(const struct cpu *c)
{
    return (c->cr0 & CR0_AM) && (c->rflags & FLAG_AC);
}

/* Everything besides CR3 that a TLB entry was made under. */
static uint32_t mode_digest(const struct cpu *c)
{
    uint32_t mode = (uint32_t)c->dr[7] & 0xffff00ffu;

    mode |= c->cr0 & CR0_PG ? 0x0100 : 0;
    mode |= c->cr0 & CR0_WP ? 0x0200 : 0;
    mode |= c->cr4 & CR4_PSE ? 0x0400 : 0;
    mode |= c->cr4 & CR4_PAE ? 0x0800 : 0;
    mode |= c->cr4 & CR4_PGE ? 0x1000 : 0;
    mode |= c->efer & EFER_NXE ? 0x2000 : 0;
    mode |= alignment_checked(c) ? 0x4000 : 0;
    return mode;
}

void mmu_mode_changed(struct cpu *c)
{
    struct mmu *m = c->mmu;
    uint32_t mode = mode_digest(c);

    if (mode == m->mode)
        return;
    m->mode = mode;
    mmu_flush(c, false);
}

int mmu_create(struct cpu *c)
{
    struct mmu *m = calloc(1, sizeof(*m));
    unsigned n;

    if (!m)
        return -ENOMEM;
    m->code_map = calloc(CODE_PAGES, sizeof(*m->code_map));
    m->own = calloc(1, sizeof(*m->own));
    if (!m->code_map || !m->own) {
        free(m->code_map);
        free(m->own);
        free(m);
        return -ENOMEM;
    }
    m->tlb[0] = m->own->entry[0];
    m->tlb[1] = m->own->entry[1];
    for (n = 0; n < TLB_SIZE; n++) {
        entry_clear(m, 0, n);
        entry_clear(m, 1, n);
    }
    m->mode = mode_digest(c);
    c->mmu = m;
    return 0;
}

void mmu_destroy(struct cpu *c)
{
    struct mmu *m = c->mmu;

    if (!m)
        return;
    free(m->code_map);
    free(m->own);
    free(m);
    c->mmu = NULL;
}

void mmu_move_view(struct cpu *c, bool user, struct tlb_entry *view)
{
    struct mmu *m = c->mmu;

    if (!view)
        view = m->own->entry[user];
    memcpy(view, m->tlb[user], TLB_SIZE * sizeof(*view));
    m->tlb[user] = view;
}

/*
 * With the A20 gate closed two physical addresses are one page. Code is
 * tracked by address, so give such a page the lower one.
 */
static uint64_t fold_a20(const struct cpu_bus *bus, uint64_t phys,
                         const uint8_t *host)
{
    uint64_t alias = phys & ~0x100000ull;

    if (alias != phys && host && bus->ram_page(bus->ctx, alias, false) == host)
        return alias;
    return phys;
}

/* What the page may be used for directly: MMU_PEEK_*. `phys`: folded. */
static unsigned direct_uses(struct cpu *c, uint32_t page, bool user,
                            const struct translation *t, uint64_t phys,
                            const uint8_t *host)
{
    const struct cpu_bus *bus = c->bus;
    unsigned watched = debug_page_watched(c, page), uses = 0;

    if (!host || (user && alignment_checked(c)))
        return 0;
    if (!(watched & DEBUG_WATCH_READ))
        uses |= MMU_PEEK_READ;
    if ((t->flags & TLB_WRITE) && !(watched & DEBUG_WATCH_WRITE) &&
        bus->ram_page(bus->ctx, t->phys, true) == host &&
        phys >> 12 < CODE_PAGES &&
        !((struct mmu *)c->mmu)->code_map[phys >> 12])
        uses |= MMU_PEEK_WRITE;
    return uses;
}

/* INVLPG of any address in it ends it all. */
static void note_large(struct mmu *m, uint32_t page,
                       const struct translation *t)
{
    if (t->flags & TLB_LARGE)
        m->large[page >> 28] |= 1ull << (page >> 22 & 63);
}

unsigned mmu_peek(struct cpu *c, uint32_t page, bool user, uint8_t **host)
{
    const struct cpu_bus *bus = c->bus;
    struct translation t;

    if (!paging_peek(c, page, user, &t))
        return 0;
    note_large(c->mmu, page, &t);
    *host = bus->ram_page(bus->ctx, t.phys, false);
    return direct_uses(c, page, user, &t, fold_a20(bus, t.phys, *host), *host);
}

static void entry_fill(struct cpu *c, uint32_t page, bool user,
                       const struct translation *t)
{
    struct mmu *m = c->mmu;
    const struct cpu_bus *bus = c->bus;
    struct tlb_entry *e = tlb_slot(c, page, user);
    unsigned n = (page >> 12) & (TLB_SIZE - 1), uses;
    uint8_t *host = bus->ram_page(bus->ctx, t->phys, false);

    e->page = page;
    e->flags = t->flags;
    e->phys = fold_a20(bus, t->phys, host);
    e->addend = (uintptr_t)host - page;
    e->read = e->write = TLB_NONE;
    m->live[user][n / 64] |= 1ull << n % 64;
    note_large(m, page, t);
    uses = direct_uses(c, page, user, t, e->phys, host);
    if (uses & MMU_PEEK_READ)
        e->read = page;
    if (uses & MMU_PEEK_WRITE)
        e->write = page;
}

/* The entry that permits this access, or NULL with the error code. */
static const struct tlb_entry *translate(struct cpu *c, uint32_t lin,
                                         enum mmu_access access, bool user,
                                         uint32_t *error)
{
    static const uint32_t need[] = {
        [MMU_READ] = 0, [MMU_WRITE] = TLB_WRITE, [MMU_FETCH] = TLB_EXEC,
    };
    struct tlb_entry *e = tlb_slot(c, lin, user);
    uint32_t page = lin & MMU_PAGE_MASK;
    struct translation t;

    if (e->page == page && (e->flags & need[access]) == need[access])
        return e;
    if (in_dry_run(c))
        return dry_run_entry(c, lin, need[access], user);
    if (!paging_walk(c, lin, access, user, &t)) {
        /* A fault drops what was cached (SDM vol. 3, 4.10.4.1). */
        if (e->page == page)
            entry_clear(c->mmu, user, (page >> 12) & (TLB_SIZE - 1));
        code_page_faulted(c, page);
        *error = t.error;
        return NULL;
    }
    entry_fill(c, page, user, &t);
    return e;
}

/* As translate, raising #PF. The physical address of `lin` itself. */
static uint64_t translate_or_raise(struct cpu *c, uint32_t lin,
                                   enum mmu_access access, bool user)
{
    uint32_t error;
    const struct tlb_entry *e = translate(c, lin, access, user, &error);

    if (!e) {
        c->cr2 = lin;
        cpu_raise(c, EXC_PF, error);
    }
    return e->phys | (lin & ~MMU_PAGE_MASK);
}

uint64_t mmu_fetch_page(struct cpu *c, uint32_t lin)
{
    return translate_or_raise(c, lin, MMU_FETCH, c->cpl == 3) & ~0xfffull;
}

/* ---- Access by linear address, the slow way ------------------------------ */

/* [lin, lin+n), n up to a page, as at most two physical spans. */
struct span {
    uint64_t addr[2];
    unsigned len[2];
};

static void span_translate(struct cpu *c, struct span *s, uint32_t lin,
                           unsigned n, enum mmu_access access, bool user)
{
    unsigned room = MMU_PAGE_SIZE - (lin & ~MMU_PAGE_MASK);

    s->len[0] = n < room ? n : room;
    s->len[1] = n - s->len[0];
    s->addr[0] = translate_or_raise(c, lin, access, user);
    if (s->len[1])
        s->addr[1] = translate_or_raise(c, lin + s->len[0], access, user);
}

static void span_read(struct cpu *c, const struct span *s, void *buf)
{
    page_read(c, s->addr[0], buf, s->len[0]);
    if (s->len[1])
        page_read(c, s->addr[1], (uint8_t *)buf + s->len[0], s->len[1]);
}

static void span_write(struct cpu *c, const struct span *s, const void *buf)
{
    page_write(c, s->addr[0], buf, s->len[0]);
    if (s->len[1])
        page_write(c, s->addr[1], (const uint8_t *)buf + s->len[0], s->len[1]);
}

/* #AC(0) comes after #PF (SDM vol. 3, table 6-2). */
static void check_alignment(struct cpu *c, uint32_t lin, unsigned size,
                            bool user)
{
    if (user && (lin & (size - 1)) && alignment_checked(c))
        cpu_raise(c, EXC_AC, 0);
}

uint64_t lin_read_slow(struct cpu *c, uint32_t lin, unsigned size, bool user)
{
    struct span s;
    uint64_t v = 0;

    span_translate(c, &s, lin, size, MMU_READ, user);
    check_alignment(c, lin, size, user);
    debug_check_data(c, lin, size, false);
    span_read(c, &s, &v);
    return v;
}

void lin_write_slow(struct cpu *c, uint32_t lin, unsigned size, uint64_t v,
                    bool user)
{
    struct span s;

    span_translate(c, &s, lin, size, MMU_WRITE, user);
    check_alignment(c, lin, size, user);
    debug_check_data(c, lin, size, true);
    span_write(c, &s, &v);
}

void lin_read(struct cpu *c, uint32_t lin, void *buf, unsigned n, bool user)
{
    struct span s;

    span_translate(c, &s, lin, n, MMU_READ, user);
    debug_check_data(c, lin, n, false);
    span_read(c, &s, buf);
}

void lin_write(struct cpu *c, uint32_t lin, const void *buf, unsigned n,
               bool user)
{
    struct span s;

    span_translate(c, &s, lin, n, MMU_WRITE, user);
    debug_check_data(c, lin, n, true);
    span_write(c, &s, buf);
}

void lin_probe_write(struct cpu *c, uint32_t lin, unsigned n, bool user)
{
    struct span s;

    span_translate(c, &s, lin, n, MMU_WRITE, user);
    if (n <= 8 && !(n & (n - 1)))
        check_alignment(c, lin, n, user);
}

uint8_t *lin_block(struct cpu *c, uint32_t lin, unsigned n, bool write,
                   bool user)
{
    const struct cpu_bus *bus = c->bus;
    const struct tlb_entry *e;
    uint32_t page = lin & MMU_PAGE_MASK, error;
    uint8_t *host;

    if (!n || (lin & ~MMU_PAGE_MASK) + n > MMU_PAGE_SIZE)
        return NULL;
    e = translate(c, lin, write ? MMU_WRITE : MMU_READ, user, &error);
    if (!e)
        return NULL;
    if ((write ? e->write : e->read) == page)
        return tlb_host(e, lin);
    /* Code elsewhere in the page makes it slow but leaves the block free. */
    if (!write || debug_page_watched(c, page) ||
        (user && alignment_checked(c)) || e->phys >> 12 >= CODE_PAGES ||
        code_in(c->mmu, e->phys | (lin & ~MMU_PAGE_MASK), n))
        return NULL;
    host = bus->ram_page(bus->ctx, e->phys, true);
    if (host && in_dry_run(c))
        dry_run_write(c, host, e->phys | (lin & ~MMU_PAGE_MASK), n);
    return host ? host + (lin & ~MMU_PAGE_MASK) : NULL;
}
