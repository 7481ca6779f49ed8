/*
 * Page walks: 32-bit paging with 4 KiB and 4 MiB pages and PAE paging with
 * 4 KiB and 2 MiB pages (SDM vol. 3, 4.3 and 4.4).
 */
#include "emu/cpu/paging.h"

#include "emu/cpu/exec.h"
#include "emu/cpu/mmu.h"

/* Bits that must be zero. */
#define PDE_2M_RESERVED  0x001fe000u
#define PDPTE_RESERVED   0x1e6ull

/* One walk under way: entries seen and the rights they leave. */
struct walk {
    uint64_t addr[2], entry[2]; /* directory, then table */
    unsigned levels;            /* entries used */
    unsigned size;              /* bytes of an entry */
    uint64_t phys;
    uint64_t rights;            /* AND of R/W and U/S */
    bool nx, large;
    bool peek;                  /* devices are not to be read */
    uint32_t error;             /* PF_PRESENT and PF_RESERVED as they apply */
};

/* Read the entry at `addr` into the walk; false: absent or reserved bits. */
static bool walk_entry(struct cpu *c, struct walk *w, uint64_t addr,
                       uint64_t reserved)
{
    uint64_t e;

    w->error = 0;
    if (w->peek && !c->bus->ram_page(c->bus->ctx, addr & ~0xfffull, false))
        return false;
    e = phys_read(c, addr, w->size);
    if (!(e & PTE_P))
        return false;
    if (e & reserved) {
        w->error = PF_PRESENT | PF_RESERVED;
        return false;
    }
    w->addr[w->levels] = addr;
    w->entry[w->levels++] = e;
    w->rights &= e;
    w->nx |= (e & PTE_NX) != 0;
    return true;
}

/* The last entry used maps a large page, at physical `base`. */
static bool walk_large(struct walk *w, uint64_t base, uint32_t lin,
                       uint32_t offset_mask, uint64_t reserved)
{
    if (w->entry[w->levels - 1] & reserved) {
        w->error = PF_PRESENT | PF_RESERVED;
        return false;
    }
    w->large = true;
    w->phys = (base & ~(uint64_t)offset_mask) |
              (lin & offset_mask & MMU_PAGE_MASK);
    return true;
}

static bool walk_32(struct cpu *c, struct walk *w, uint32_t lin)
{
    uint64_t pde;

    w->size = 4;
    if (!walk_entry(c, w, (c->cr3 & MMU_PAGE_MASK) + (lin >> 22) * 4, 0))
        return false;
    pde = w->entry[0];
    if ((pde & PTE_PS) && (c->cr4 & CR4_PSE))
        return walk_large(w, paging_4m_base((uint32_t)pde), lin, 0x003fffff,
                          paging_4m_reserved(c->model));
    if (!walk_entry(c, w, (pde & MMU_PAGE_MASK) + (lin >> 12 & 0x3ff) * 4, 0))
        return false;
    w->phys = w->entry[1] & MMU_PAGE_MASK;
    return true;
}

static bool walk_pae(struct cpu *c, struct walk *w, uint32_t lin)
{
    uint64_t pdpte = c->pdpte[lin >> 30], pde;
    uint64_t reserved = ~paging_phys_mask(c->model);
    const uint64_t page = ~reserved & ~0xfffull;

    if (c->efer & EFER_NXE)
        reserved &= ~PTE_NX;
    w->size = 8;
    if (!(pdpte & PTE_P)) {
        w->error = 0;
        return false;
    }
    if (!walk_entry(c, w, (pdpte & page) + (lin >> 21 & 0x1ff) * 8, reserved))
        return false;
    pde = w->entry[0];
    if (pde & PTE_PS)
        return walk_large(w, pde & page, lin, 0x001fffff, PDE_2M_RESERVED);
    if (!walk_entry(c, w, (pde & page) + (lin >> 12 & 0x1ff) * 8, reserved))
        return false;
    w->phys = w->entry[1] & page;
    return true;
}

/* May this view write there? Supervisors may everywhere unless CR0.WP. */
static bool walk_writable(const struct cpu *c, const struct walk *w, bool user)
{
    return (w->rights & PTE_RW) || (!user && !(c->cr0 & CR0_WP));
}

static bool walk_permits(const struct cpu *c, const struct walk *w,
                         enum mmu_access access, bool user)
{
    if (user && !(w->rights & PTE_US))
        return false;
    if (access == MMU_WRITE && !walk_writable(c, w, user))
        return false;
    return access != MMU_FETCH || !w->nx;
}

/* Set A in all entries used and D in the last one (SDM vol. 3, 4.8). */
static void walk_mark(struct cpu *c, struct walk *w, bool write)
{
    unsigned n;

    for (n = 0; n < w->levels; n++) {
        uint64_t want = w->entry[n] | PTE_A;

        if (write && n == w->levels - 1)
            want |= PTE_D;
        if (want == w->entry[n])
            continue;
        w->entry[n] = want;
        phys_write(c, w->addr[n], w->size, want);
    }
}

static uint32_t walk_flags(const struct cpu *c, const struct walk *w,
                           bool user)
{
    uint64_t leaf = w->entry[w->levels - 1];
    uint32_t flags = 0;

    if ((leaf & PTE_D) && walk_writable(c, w, user))
        flags |= TLB_WRITE;
    if (!w->nx)
        flags |= TLB_EXEC;
    if ((leaf & PTE_G) && (c->cr4 & CR4_PGE))
        flags |= TLB_GLOBAL;
    if (w->large)
        flags |= TLB_LARGE;
    return flags;
}

static bool walk_tables(struct cpu *c, struct walk *w, uint32_t lin)
{
    return c->cr4 & CR4_PAE ? walk_pae(c, w, lin) : walk_32(c, w, lin);
}

static void untranslated(uint32_t lin, struct translation *t)
{
    t->phys = lin & MMU_PAGE_MASK;
    t->flags = TLB_WRITE | TLB_EXEC;
}

bool paging_peek(struct cpu *c, uint32_t lin, bool user, struct translation *t)
{
    struct walk w = { .rights = PTE_RW | PTE_US, .peek = true };

    if (!(c->cr0 & CR0_PG)) {
        untranslated(lin, t);
        return true;
    }
    if (!walk_tables(c, &w, lin) || !walk_permits(c, &w, MMU_READ, user))
        return false;
    for (unsigned n = 0; n < w.levels; n++)
        if (!(w.entry[n] & PTE_A))
            return false;
    t->phys = w.phys;
    t->flags = walk_flags(c, &w, user);
    return true;
}

bool paging_walk(struct cpu *c, uint32_t lin, enum mmu_access access,
                 bool user, struct translation *t)
{
    struct walk w = { .rights = PTE_RW | PTE_US };
    bool pae = c->cr4 & CR4_PAE;

    if (!(c->cr0 & CR0_PG)) {
        untranslated(lin, t);
        return true;
    }
    if (walk_tables(c, &w, lin)) {
        if (walk_permits(c, &w, access, user)) {
            walk_mark(c, &w, access == MMU_WRITE);
            t->phys = w.phys;
            t->flags = walk_flags(c, &w, user);
            return true;
        }
        w.error = PF_PRESENT;
    }
    t->error = w.error | (user ? PF_USER : 0);
    if (access == MMU_WRITE)
        t->error |= PF_WRITE;
    /* The I bit exists only where NX does (SDM vol. 3, 4.7). */
    if (access == MMU_FETCH && pae && (c->efer & EFER_NXE))
        t->error |= PF_FETCH;
    return false;
}

bool paging_load_pdptes(struct cpu *c, uint32_t cr3)
{
    uint64_t reserved = PDPTE_RESERVED | ~paging_phys_mask(c->model);
    uint64_t pdpte[4];
    unsigned n;

    for (n = 0; n < 4; n++) {
        pdpte[n] = phys_read(c, (cr3 & 0xffffffe0u) + n * 8, 8);
        if ((pdpte[n] & PTE_P) && (pdpte[n] & reserved))
            return false;
    }
    memcpy(c->pdpte, pdpte, sizeof(pdpte));
    return true;
}
