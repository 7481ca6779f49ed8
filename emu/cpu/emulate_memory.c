/*
 * Memory for the one-instruction emulator: segments, page walks of all paging
 * modes (SDM vol. 3, 4.3 to 4.5), access by cpu_bus.
 */
#include "emu/cpu/bus.h"
#include "emu/cpu/emulate_internal.h"
#include "emu/cpu/features.h"
#include "emu/cpu/stops.h"

bool emul_raise(struct emul *e, enum cpu_vector v, uint32_t error)
{
    const uint32_t with_error = 1u << EXC_DF | 1u << EXC_TS | 1u << EXC_NP |
                                1u << EXC_SS | 1u << EXC_GP | 1u << EXC_PF |
                                1u << EXC_AC;

    *e->raise = (struct emul_raise){
        .vector = (uint8_t)v, .has_error = with_error >> v & 1,
        .error = error
    };
    return false;
}

bool emul_unknown(struct emul *e)
{
    e->unknown = true;
    return false;
}

/* ---- Page walk ------------------------------------------------------------ */

/* One table level: index = lin >> shift & mask; may a page end here? */
struct level {
    uint8_t shift;
    uint8_t large;              /* 0 no, 1 always, 2 CR4.PSE, 3 PAGE1G */
};

static const struct level levels_64[] = {
    { 39, 0 }, { 30, 3 }, { 21, 1 }, { 12, 1 }
};
static const struct level levels_32[] = { { 22, 2 }, { 12, 1 } };

struct walk {
    struct cpu *c;
    const struct level *level;
    unsigned count;             /* levels */
    unsigned size;              /* bytes of an entry */
    uint64_t table;             /* physical */
    uint64_t phys_mask, reserved;
    uint64_t addr[4], entry[4];
    unsigned used;
    uint64_t rights;            /* AND of R/W and U/S */
    bool nx;
    uint32_t error;             /* PF_PRESENT, PF_RESERVED */
};

static bool walk_refuse(struct walk *w, uint32_t error)
{
    w->error = error;
    return false;
}

/*
 * Set the walk up for the paging mode. Legacy PAE's begins at the directory:
 * the level above is in registers, has no rights and was checked when they were
 * loaded (SDM vol. 3, 4.4.1). False: it says "not present".
 */
static bool walk_start(struct walk *w, struct cpu *c, uint64_t lin)
{
    bool pae = c->cr4 & CR4_PAE, lma = cpu_in_long_mode(c);
    uint64_t root = c->cr3;

    w->c = c;
    w->rights = PTE_RW | PTE_US;
    w->phys_mask = paging_phys_mask(c->model);
    w->size = pae ? 8 : 4;
    w->level = !pae ? levels_32 : lma ? levels_64 : levels_64 + 2;
    w->count = pae && lma ? 4 : 2;
    if (pae) {
        w->reserved = ~w->phys_mask;
        if (c->efer & EFER_NXE)
            w->reserved &= ~PTE_NX;
        if (lma)                /* 52..62 are software's (SDM 4.5) */
            w->reserved &= ~(0x7ffull << 52);
    }
    if (pae && !lma) {
        root = c->pdpte[lin >> 30 & 3];
        if (!(root & PTE_P))
            return walk_refuse(w, 0);
    }
    w->table = root & w->phys_mask & ~0xfffull;
    return true;
}

static bool may_be_large(const struct walk *w, const struct level *l)
{
    switch (l->large) {
    case 0:
        return false;
    case 2:
        return w->c->cr4 & CR4_PSE;
    case 3:
        return w->c->model->ext_edx & CPUID_EXT_PAGE1G;
    default:
        return true;
    }
}

/* Physical address in a page of `shift` bits that this entry maps. */
static uint64_t page_address(const struct walk *w, uint64_t entry,
                             unsigned shift, uint64_t lin)
{
    uint64_t offset = (1ull << shift) - 1, base = entry & w->phys_mask;

    if (w->size == 4 && shift == 22)
        base = paging_4m_base((uint32_t)entry);
    return (base & ~offset) | (lin & offset);
}

/* Bits that must be zero in a large page's entry, below its address. */
static uint64_t large_reserved(const struct walk *w, unsigned shift)
{
    if (w->size == 4)
        return paging_4m_reserved(w->c->model);
    return ((1ull << shift) - 1) & ~0x1fffull;
}

static bool walk_tables(struct walk *w, uint64_t lin, uint64_t *phys)
{
    for (unsigned n = 0; n < w->count; n++) {
        const struct level *l = &w->level[n];
        uint64_t mask = w->size == 4 ? 0x3ff : 0x1ff, entry = 0;
        bool last = n == w->count - 1, large;

        w->addr[n] = w->table + (lin >> l->shift & mask) * w->size;
        bus_load(w->c->bus, w->addr[n], (uint8_t *)&entry, w->size);
        w->used = n + 1;
        w->entry[n] = entry;
        if (!(entry & PTE_P))
            return walk_refuse(w, 0);
        if (entry & w->reserved)
            return walk_refuse(w, PF_PRESENT | PF_RESERVED);
        large = !last && (entry & PTE_PS);
        if (large && !may_be_large(w, l)) {
            if (w->size == 8)
                return walk_refuse(w, PF_PRESENT | PF_RESERVED);
            large = false;
        }
        if (large && (entry & large_reserved(w, l->shift)))
            return walk_refuse(w, PF_PRESENT | PF_RESERVED);
        w->rights &= entry;
        w->nx |= (entry & PTE_NX) != 0;
        if (last || large) {
            *phys = page_address(w, entry, l->shift, lin);
            return true;
        }
        w->table = entry & w->phys_mask & ~0xfffull;
    }
    return false;
}

static bool walk_permits(const struct walk *w, enum mmu_access access,
                         bool user)
{
    if (user && !(w->rights & PTE_US))
        return false;
    if (access == MMU_WRITE && !(w->rights & PTE_RW) &&
        (user || (w->c->cr0 & CR0_WP)))
        return false;
    return access != MMU_FETCH || !w->nx;
}

/* Set A in all entries used and D in the last one (SDM vol. 3, 4.8). */
static void walk_mark(struct walk *w, bool write)
{
    for (unsigned n = 0; n < w->used; n++) {
        uint64_t want = w->entry[n] | PTE_A;

        if (write && n == w->used - 1)
            want |= PTE_D;
        if (want != w->entry[n])
            bus_store(w->c->bus, w->addr[n], (uint8_t *)&want, w->size);
    }
}

bool emul_translate_as(struct emul *e, uint64_t lin, enum mmu_access access,
                       bool user, uint64_t *phys)
{
    struct cpu *c = e->c;
    bool pae = c->cr4 & CR4_PAE;
    struct walk w = { 0 };

    if (!(c->cr0 & CR0_PG)) {
        *phys = lin;
        return true;
    }
    if (walk_start(&w, c, lin) && walk_tables(&w, lin, phys)) {
        if (walk_permits(&w, access, user)) {
            walk_mark(&w, access == MMU_WRITE);
            return true;
        }
        w.error = PF_PRESENT;
    }
    w.error |= user ? PF_USER : 0;
    if (access == MMU_WRITE)
        w.error |= PF_WRITE;
    if (access == MMU_FETCH && pae && (c->efer & EFER_NXE))
        w.error |= PF_FETCH;
    c->cr2 = lin;
    return emul_raise(e, EXC_PF, w.error);
}

/* ---- Segments ------------------------------------------------------------- */

/* Bit n: types whose S and type bits are n may be read, or written. */
#define READ_TYPES  0xccff0000u
#define WRITE_TYPES 0x00cc0000u

/* Offset within the limit? Expand-down data counts from it up. */
static bool within_limit(const struct cpu_seg *s, uint64_t off, unsigned size)
{
    bool expand_down = (s->attr & 0x1c) == 0x14;
    uint64_t end = off + size - 1;

    if (!expand_down)
        return end <= s->limit;
    return off > s->limit && end <= (s->attr & SEG_DB ? 0xffffffffu : 0xffffu);
}

/* Linear address of seg:off, or a fault. */
static bool linear(struct emul *e, unsigned seg, uint64_t off, unsigned size,
                   bool write, uint64_t *lin)
{
    struct cpu *c = e->c;
    const struct cpu_seg *s = &c->seg[seg];
    uint32_t types = write ? WRITE_TYPES : READ_TYPES;
    enum cpu_vector fault = seg == SS ? EXC_SS : EXC_GP;
    bool real = !(c->cr0 & CR0_PE) || (c->rflags & FLAG_VM);

    if (cpu_in_64bit_mode(c)) {
        *lin = off + (seg == FS || seg == GS ? s->base : 0);
        return (cpu_canonical(*lin) && cpu_canonical(*lin + size - 1)) ||
               emul_raise(e, fault, 0);
    }
    *lin = (uint32_t)(s->base + off);
    if (!real && (!(s->attr & SEG_P) || !(types >> (s->attr & 0x1f) & 1)))
        return emul_raise(e, fault, 0);
    return within_limit(s, off, size) || emul_raise(e, fault, 0);
}

static bool alignment_ok(const struct cpu *c, uint64_t lin, unsigned size)
{
    return c->cpl != 3 || !(c->cr0 & CR0_AM) || !(c->rflags & FLAG_AC) ||
           size > 8 || !(lin & (size - 1));
}

bool emul_check_aligned(struct emul *e, unsigned seg, uint64_t off,
                        unsigned size)
{
    bool based = !cpu_in_64bit_mode(e->c) || seg == FS || seg == GS;
    uint64_t lin = off + (based ? e->c->seg[seg].base : 0);

    return !(lin & (size - 1)) || emul_raise(e, EXC_GP, 0);
}

bool emul_map(struct emul *e, unsigned seg, uint64_t off, unsigned size,
              bool write, struct emul_span *s)
{
    enum mmu_access access = write ? MMU_WRITE : MMU_READ;
    unsigned in_page;
    uint64_t lin, next;

    if (!linear(e, seg, off, size, write, &lin))
        return false;
    if (!alignment_ok(e->c, lin, size))
        return emul_raise(e, EXC_AC, 0);
    in_page = 0x1000 - (lin & 0xfff);
    s->n[0] = in_page < size ? in_page : size;
    s->n[1] = size - s->n[0];
    if (!emul_translate(e, lin, access, &s->phys[0]))
        return false;
    if (e->c->stops)
        cpu_stops_access(e->c->stops, lin, size, write);
    if (!s->n[1])
        return true;
    next = (lin & ~0xfffull) + 0x1000;
    if (!cpu_in_long_mode(e->c))
        next = (uint32_t)next;
    return emul_translate(e, next, access, &s->phys[1]);
}

void emul_load(struct emul *e, const struct emul_span *s, void *buf)
{
    bus_load(e->c->bus, s->phys[0], buf, s->n[0]);
    if (s->n[1])
        bus_load(e->c->bus, s->phys[1], (uint8_t *)buf + s->n[0], s->n[1]);
}

void emul_store(struct emul *e, const struct emul_span *s, const void *buf)
{
    bus_store(e->c->bus, s->phys[0], buf, s->n[0]);
    if (s->n[1])
        bus_store(e->c->bus, s->phys[1], (const uint8_t *)buf + s->n[0],
                  s->n[1]);
}

uint64_t emul_load_int(struct emul *e, const struct emul_span *s)
{
    uint64_t v = 0;

    emul_load(e, s, &v);
    return v;
}

/* ---- The memory operand --------------------------------------------------- */

uint64_t emul_address(const struct emul *e)
{
    const struct emul_insn *i = &e->i;
    const uint64_t *gpr = e->c->gpr;
    uint64_t ea = (uint64_t)i->disp;

    if (i->rip_relative)
        ea += e->c->rip + i->len;
    else
        ea += gpr[i->base] + (gpr[i->index] << i->scale);
    return emul_trim(ea, i->addrsize);
}

bool emul_map_operand(struct emul *e, unsigned size, bool write,
                      struct emul_span *s)
{
    return emul_map(e, e->i.seg, emul_address(e), size, write, s);
}
