/*
 * IN, OUT, INS, OUTS for the one-instruction emulator. A repeated one moves
 * blocks, each within a page.
 */
#include "emu/cpu/emulate_internal.h"

#define BLOCK_BYTES 4096u
#define TSS_IOMAP 0x66u         /* offset of the I/O map's base in a TSS */

/* ---- Permission (SDM vol. 1, 19.5) ---------------------------------------- */

static bool read_tss16(struct emul *e, uint64_t off, uint32_t *v)
{
    const struct cpu_seg *tr = &e->c->tr;

    *v = 0;
    for (unsigned n = 0; n < 2; n++) {
        struct emul_span s = { .n = { 1, 0 } };

        if (off + n > tr->limit)
            return emul_raise(e, EXC_GP, 0);
        if (!emul_translate_as(e, tr->base + off + n, MMU_READ, false,
                               &s.phys[0]))
            return false;
        *v |= (uint32_t)emul_load_int(e, &s) << n * 8;
    }
    return true;
}

static bool io_allowed(struct emul *e, uint16_t port, unsigned size)
{
    const struct cpu *c = e->c;
    unsigned iopl = (c->rflags & FLAG_IOPL) >> 12;
    uint32_t base, bits;

    if (!(c->cr0 & CR0_PE) || (c->cpl <= iopl && !(c->rflags & FLAG_VM)))
        return true;
    if (!read_tss16(e, TSS_IOMAP, &base) ||
        !read_tss16(e, base + port / 8, &bits))
        return false;
    if (bits >> port % 8 & ((1u << size) - 1))
        return emul_raise(e, EXC_GP, 0);
    return true;
}

static unsigned io_size(const struct emul *e)
{
    if (!(e->i.opcode & 1))
        return 1;
    return e->i.opsize == 2 ? 2 : 4;
}

/* ---- IN and OUT ----------------------------------------------------------- */

bool emul_op_in_out(struct emul *e)
{
    const struct cpu_bus *bus = e->c->bus;
    uint16_t port = e->i.opcode < 0xe8 ? (uint8_t)e->i.imm
                                       : (uint16_t)e->c->gpr[RDX];
    unsigned size = io_size(e);

    if (!io_allowed(e, port, size))
        return false;
    if (e->i.opcode & 2)
        bus->io_write(bus->ctx, port, size,
                      (uint32_t)emul_reg(e, RAX, size));
    else
        emul_set_reg(e, RAX, size, bus->io_read(bus->ctx, port, size));
    return true;
}

/* ---- INS and OUTS --------------------------------------------------------- */

struct block {
    bool in;
    unsigned seg, index;        /* where memory is: ES:RDI or seg:RSI */
    unsigned size;              /* of an element */
    uint16_t port;
};

/* How many of `left` elements lie in the page at `off` and may go at once. */
static unsigned block_elements(const struct emul *e, const struct block *b,
                               uint64_t off, uint64_t left)
{
    const struct cpu *c = e->c;
    unsigned in_page = (BLOCK_BYTES - (unsigned)(off & (BLOCK_BYTES - 1))) /
                       b->size;

    /* Segment limits and alignment are each element's own. */
    if (!cpu_in_64bit_mode(c) || c->cpl == 3 || b->seg == FS || b->seg == GS ||
        (c->rflags & (FLAG_DF | FLAG_TF)) || !in_page)
        return 1;
    return left < in_page ? (unsigned)left : in_page;
}

/* Up to `count` elements; *done how many. False: fault, nothing done. */
static bool move_block(struct emul *e, const struct block *b, uint64_t off,
                       unsigned count, unsigned *done)
{
    const struct cpu_bus *bus = e->c->bus;
    uint8_t buf[BLOCK_BYTES];
    struct emul_span s;

    if (!emul_map(e, b->seg, off, count * b->size, b->in, &s))
        return false;
    if (!b->in) {
        emul_load(e, &s, buf);
        *done = bus->io_write_block(bus->ctx, b->port, b->size, buf, count);
        return true;
    }
    *done = bus->io_read_block(bus->ctx, b->port, b->size, buf, count);
    if (count > 1)
        s.n[0] = *done * b->size;
    emul_store(e, &s, buf);
    return true;
}

/* One block of a repeated INS or OUTS; the rest when it is executed again. */
bool emul_op_ins_outs(struct emul *e)
{
    const struct emul_insn *i = &e->i;
    struct block b = {
        .in = !(i->opcode & 2), .size = io_size(e),
        .port = (uint16_t)e->c->gpr[RDX],
    };
    bool rep = i->rep || i->repne;
    uint64_t left = rep ? emul_trim(e->c->gpr[RCX], i->addrsize) : 1, off;
    unsigned done = 0;
    int64_t bytes;

    if (!left)
        return true;
    b.seg = b.in ? ES : i->seg;
    b.index = b.in ? RDI : RSI;
    off = emul_trim(e->c->gpr[b.index], i->addrsize);
    if (!io_allowed(e, b.port, b.size) ||
        !move_block(e, &b, off, block_elements(e, &b, off, left), &done))
        return false;
    bytes = (int64_t)done * b.size;
    emul_advance(e, b.index, e->c->rflags & FLAG_DF ? -bytes : bytes);
    if (rep)
        emul_advance(e, RCX, -(int64_t)done);
    e->repeat = done < left;
    return true;
}
