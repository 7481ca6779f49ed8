/*
 * MOVS, CMPS, STOS, LODS, SCAS for the one-instruction emulator. A repeated
 * one does a bounded number of elements, each translated only where its page
 * changes.
 */
#include "emu/cpu/emulate_internal.h"

#define ELEMENTS_MAX 4096u      /* of one emul_step */

/* One side: the page translated last. */
struct side {
    unsigned seg;
    uint64_t page;              /* offset in the segment, page-aligned */
    uint64_t phys;              /* of that page */
    bool known;
};

struct strings {
    unsigned size;
    int64_t step;
    struct side src, dst;
};

static bool linear_is_page_aligned(const struct emul *e, const struct side *d)
{
    uint64_t base = e->c->seg[d->seg].base;

    if (cpu_in_64bit_mode(e->c) && d->seg != FS && d->seg != GS)
        return true;
    return !(base & 0xfff);
}

/*
 * Map the element at `off`. Offsets of one page, wholly in it, share what the
 * first found, where segments cannot tell them apart.
 */
static bool map_side(struct emul *e, struct side *d, uint64_t off,
                     unsigned size, bool write, struct emul_span *s)
{
    uint64_t page = off & ~0xfffull;

    if (d->known && d->page == page && (off & 0xfff) + size <= 0x1000) {
        s->phys[0] = d->phys | (off & 0xfff);
        s->n[0] = size;
        s->n[1] = 0;
        return true;
    }
    if (!emul_map(e, d->seg, off, size, write, s))
        return false;
    d->known = cpu_in_64bit_mode(e->c) && linear_is_page_aligned(e, d) &&
               e->c->cpl != 3 && !s->n[1];
    d->page = page;
    d->phys = s->phys[0] & ~0xfffull;
    return true;
}

static uint64_t index_reg(const struct emul *e, unsigned n)
{
    return emul_trim(e->c->gpr[n], e->i.addrsize);
}

static void compare(struct emul *e, unsigned size, uint64_t a, uint64_t b)
{
    emul_alu(ALU_CMP, size, a, b, &e->c->rflags);
}

/* One element. Both sides are mapped before either is touched. */
static bool element(struct emul *e, struct strings *x)
{
    unsigned op = e->i.opcode & 0xfe, size = x->size;
    bool has_src = op == 0xa4 || op == 0xa6 || op == 0xac;
    bool has_dst = op != 0xac, writes = op == 0xa4 || op == 0xaa;
    struct emul_span src, dst;
    uint64_t v = e->c->gpr[RAX];

    if (has_src &&
        !map_side(e, &x->src, index_reg(e, RSI), size, false, &src))
        return false;
    if (has_dst &&
        !map_side(e, &x->dst, index_reg(e, RDI), size, writes, &dst))
        return false;
    if (has_src)
        v = emul_load_int(e, &src);
    if (writes)
        emul_store(e, &dst, &v);
    else if (has_dst)
        compare(e, size, emul_trim(v, size), emul_load_int(e, &dst));
    else
        emul_set_reg(e, RAX, size, v);
    if (has_src)
        emul_advance(e, RSI, x->step);
    if (has_dst)
        emul_advance(e, RDI, x->step);
    return true;
}

/* CMPS and SCAS end where ZF is not as the prefix wants. */
static bool ends_early(const struct emul *e)
{
    unsigned op = e->i.opcode & 0xfe;

    if (op != 0xa6 && op != 0xae)
        return false;
    return !(e->c->rflags & FLAG_ZF) == e->i.rep;
}

bool emul_op_string(struct emul *e)
{
    struct strings x = {
        .size = e->i.opcode & 1 ? e->i.opsize : 1,
        .src = { .seg = e->i.seg }, .dst = { .seg = ES },
    };
    unsigned done = 0;

    x.step = e->c->rflags & FLAG_DF ? -(int64_t)x.size : (int64_t)x.size;
    if (!e->i.rep && !e->i.repne)
        return element(e, &x);
    while (index_reg(e, RCX)) {
        /* Single steps see every element; others get interrupts in time. */
        if (done && ((e->c->rflags & FLAG_TF) || done == ELEMENTS_MAX)) {
            e->repeat = true;
            return true;
        }
        /* What is done stands; a fault is the next element's. */
        if (!element(e, &x))
            return false;
        emul_advance(e, RCX, -1);
        done++;
        if (ends_early(e))
            return true;
    }
    return true;
}
