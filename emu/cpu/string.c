/*
 * MOVS CMPS STOS LODS SCAS INS OUTS, with and without REP.
 *
 * A repeated instruction runs in chunks: so many bytes as blocks, each in one
 * page, or a bounded number of elements. Each chunk counts as one
 * instruction, and leaves rip on the instruction until the count is used up, so
 * that interrupts come in between. Registers are
 * updated element by element (or block by block), so a fault in the middle is
 * precise (SDM vol. 2, REP).
 */
#include "emu/cpu/interp.h"

/* ---- Registers --------------------------------------------------------------- */

static inline uint32_t masked(const struct cpu *c, const struct insn *i,
                              unsigned r)
{
    return i->flags & INSN_ADDR16 ? R16(c, r) : R32(c, r);
}

static inline void advance(struct cpu *c, const struct insn *i, unsigned r,
                           uint32_t by)
{
    if (i->flags & INSN_ADDR16)
        R16(c, r) = (uint16_t)(R16(c, r) + by);
    else
        R32(c, r) += by;
}

static inline unsigned element_size(const struct insn *i)
{
    return !(i->opcode & 1) ? 1 : i->flags & INSN_OP16 ? 2 : 4;
}

static inline uint32_t step_of(const struct cpu *c, unsigned size)
{
    return c->rflags & FLAG_DF ? -size : size;
}

static uint32_t read_element(struct cpu *c, unsigned seg, uint32_t off,
                             unsigned size)
{
    return size == 4 ? mem_read32(c, seg, off) :
           size == 2 ? mem_read16(c, seg, off) : mem_read8(c, seg, off);
}

static void write_element(struct cpu *c, uint32_t off, unsigned size,
                          uint32_t v)
{
    if (size == 4)
        mem_write32(c, ES, off, v);
    else if (size == 2)
        mem_write16(c, ES, off, (uint16_t)v);
    else
        mem_write8(c, ES, off, (uint8_t)v);
}

static uint32_t accumulator(const struct cpu *c, unsigned size)
{
    return size == 4 ? R32(c, RAX) : size == 2 ? R16(c, RAX) : R8(c, 0);
}

static void set_accumulator(struct cpu *c, unsigned size, uint32_t v)
{
    if (size == 4)
        R32(c, RAX) = v;
    else if (size == 2)
        R16(c, RAX) = (uint16_t)v;
    else
        R8(c, 0) = (uint8_t)v;
}

static void compare(struct cpu *c, unsigned size, uint32_t a, uint32_t b)
{
    flags_carries(c, a - b, borrows(a, b, a - b), size * 8);
}

/* ---- One element ------------------------------------------------------------- */

static void movs1(struct cpu *c, const struct insn *i, unsigned size)
{
    uint32_t v = read_element(c, i->seg, masked(c, i, RSI), size);

    write_element(c, masked(c, i, RDI), size, v);
    advance(c, i, RSI, step_of(c, size));
    advance(c, i, RDI, step_of(c, size));
}

static void cmps1(struct cpu *c, const struct insn *i, unsigned size)
{
    uint32_t a = read_element(c, i->seg, masked(c, i, RSI), size);
    uint32_t b = read_element(c, ES, masked(c, i, RDI), size);

    compare(c, size, a, b);
    advance(c, i, RSI, step_of(c, size));
    advance(c, i, RDI, step_of(c, size));
}

static void stos1(struct cpu *c, const struct insn *i, unsigned size)
{
    write_element(c, masked(c, i, RDI), size, accumulator(c, size));
    advance(c, i, RDI, step_of(c, size));
}

static void lods1(struct cpu *c, const struct insn *i, unsigned size)
{
    set_accumulator(c, size,
                    read_element(c, i->seg, masked(c, i, RSI), size));
    advance(c, i, RSI, step_of(c, size));
}

static void scas1(struct cpu *c, const struct insn *i, unsigned size)
{
    uint32_t v = read_element(c, ES, masked(c, i, RDI), size);

    compare(c, size, accumulator(c, size), v);
    advance(c, i, RDI, step_of(c, size));
}

/* The port is read only once it is sure that memory takes the value. */
static void ins1(struct cpu *c, const struct insn *i, unsigned size)
{
    uint32_t off = masked(c, i, RDI);

    mem_probe_write(c, ES, off, size);
    write_element(c, off, size,
                  c->bus->io_read(c->bus->ctx, R16(c, RDX), size));
    advance(c, i, RDI, step_of(c, size));
}

static void outs1(struct cpu *c, const struct insn *i, unsigned size)
{
    uint32_t v = read_element(c, i->seg, masked(c, i, RSI), size);

    c->bus->io_write(c->bus->ctx, R16(c, RDX), size, v);
    advance(c, i, RSI, step_of(c, size));
}

/* ---- Blocks ------------------------------------------------------------------ */

/*
 * Bytes from `off` on that are in the segment and in one page, going upward;
 * *lin is their address. 0: go element by element, which finds the fault.
 */
static uint32_t span(const struct cpu *c, unsigned seg, uint32_t off,
                     bool write, bool addr16, uint32_t *lin)
{
    const struct cpu_seg *s = &c->seg[seg];
    uint32_t types = write ? SEG_WRITE_TYPES : SEG_READ_TYPES;
    uint64_t n, room;

    *lin = (uint32_t)s->base + off;
    if (!(types >> (s->attr & 0x1f) & 1) || off > s->limit)
        return 0;
    n = (uint64_t)s->limit - off + 1;
    if (addr16 && n > 0x10000u - off)
        n = 0x10000u - off;
    room = MMU_PAGE_SIZE - *lin % MMU_PAGE_SIZE;
    return (uint32_t)(n < room ? n : room);
}

static bool may_block(const struct cpu *c)
{
    return !(c->rflags & FLAG_DF) && !c->run.step;
}

static uint8_t *source(struct cpu *c, const struct insn *i, uint32_t *bytes,
                       unsigned size)
{
    uint32_t lin, n = span(c, i->seg, masked(c, i, RSI), false,
                           i->flags & INSN_ADDR16, &lin);

    if (*bytes > n)
        *bytes = n - n % size;
    return *bytes ? lin_block(c, lin, *bytes, false, c->cpl == 3) : NULL;
}

static uint8_t *destination(struct cpu *c, const struct insn *i,
                            uint32_t *bytes, unsigned size, bool write)
{
    uint32_t lin, n = span(c, ES, masked(c, i, RDI), write,
                           i->flags & INSN_ADDR16, &lin);

    if (*bytes > n)
        *bytes = n - n % size;
    return *bytes ? lin_block(c, lin, *bytes, write, c->cpl == 3) : NULL;
}

/* As the processor does it: a source overlapped from below repeats itself. */
static void copy_up(uint8_t *to, const uint8_t *from, uint32_t bytes,
                    unsigned size)
{
    if (to <= from || to >= from + bytes) {
        memmove(to, from, bytes);
        return;
    }
    for (uint32_t n = 0; n < bytes; n += size)
        memmove(to + n, from + n, size);
}

static uint32_t block_bytes(uint32_t count, unsigned size)
{
    uint32_t most = MMU_PAGE_SIZE / size;

    return (count < most ? count : most) * size;
}

/* Elements done, 0 if it cannot be done as a block. */
static uint32_t movs_block(struct cpu *c, const struct insn *i, unsigned size,
                           uint32_t count)
{
    uint32_t bytes = block_bytes(count, size);
    uint8_t *from = source(c, i, &bytes, size);
    uint8_t *to = from ? destination(c, i, &bytes, size, true) : NULL;

    if (!to)
        return 0;
    copy_up(to, from, bytes, size);
    advance(c, i, RSI, bytes);
    advance(c, i, RDI, bytes);
    return bytes / size;
}

/* `bytes` of elements `v`; what is there is copied, twice as much each time. */
static void fill(uint8_t *to, uint32_t v, unsigned size, uint32_t bytes)
{
    uint32_t done = size < bytes ? size : bytes;

    memcpy(to, &v, done);
    while (done < bytes) {
        uint32_t n = bytes - done < done ? bytes - done : done;

        memcpy(to + done, to, n);
        done += n;
    }
}

static uint32_t stos_block(struct cpu *c, const struct insn *i, unsigned size,
                           uint32_t count)
{
    uint32_t bytes = block_bytes(count, size), v = accumulator(c, size);
    uint8_t *to = destination(c, i, &bytes, size, true);

    if (!to)
        return 0;
    if (size == 1)
        memset(to, (int)v, bytes);
    else
        fill(to, v, size, bytes);
    advance(c, i, RDI, bytes);
    return bytes / size;
}

static uint32_t ins_block(struct cpu *c, const struct insn *i, unsigned size,
                          uint32_t count)
{
    uint32_t bytes = block_bytes(count, size), done;
    uint8_t *to = destination(c, i, &bytes, size, true);

    if (!to)
        return 0;
    done = c->bus->io_read_block(c->bus->ctx, R16(c, RDX), size, to,
                                 bytes / size);
    advance(c, i, RDI, done * size);
    return done;
}

static uint32_t outs_block(struct cpu *c, const struct insn *i, unsigned size,
                           uint32_t count)
{
    uint32_t bytes = block_bytes(count, size), done;
    const uint8_t *from = source(c, i, &bytes, size);

    if (!from)
        return 0;
    done = c->bus->io_write_block(c->bus->ctx, R16(c, RDX), size, from,
                                  bytes / size);
    advance(c, i, RSI, done * size);
    return done;
}

/* REPNE SCASB: look for AL in a block. */
static uint32_t scas_block(struct cpu *c, const struct insn *i, unsigned size,
                           uint32_t count)
{
    uint32_t bytes = block_bytes(count, size);
    const uint8_t *p, *hit;

    if (size != 1 || !(i->flags & INSN_REPNE))
        return 0;
    p = destination(c, i, &bytes, size, false);
    if (!p)
        return 0;
    hit = memchr(p, R8(c, 0), bytes);
    if (hit)
        bytes = (uint32_t)(hit - p) + 1;
    compare(c, 1, R8(c, 0), p[bytes - 1]);
    advance(c, i, RDI, bytes);
    return bytes;
}

/* ---- The instructions --------------------------------------------------------- */

enum string_op { MOVS, CMPS, STOS, LODS, SCAS, INS, OUTS, STRING_OPS };

static const struct string_ops {
    void (*one)(struct cpu *c, const struct insn *i, unsigned size);
    uint32_t (*block)(struct cpu *c, const struct insn *i, unsigned size,
                      uint32_t count);
    bool source, compares, port;
} string_ops[STRING_OPS] = {
    [MOVS] = { movs1, movs_block, true, false, false },
    [CMPS] = { cmps1, NULL, true, true, false },
    [STOS] = { stos1, stos_block, false, false, false },
    [LODS] = { lods1, NULL, true, false, false },
    [SCAS] = { scas1, scas_block, false, true, false },
    [INS] = { ins1, ins_block, false, false, true },
    [OUTS] = { outs1, outs_block, true, false, true },
};

/* REPE goes on while ZF is set, REPNE while it is clear. */
static bool compare_ends(const struct cpu *c, const struct insn *i)
{
    return flag_zf(c) == !!(i->flags & INSN_REPNE);
}

/* Does the next element lie in two pages, so that it is in no block? */
static bool crosses_page(const struct cpu *c, const struct insn *i,
                         const struct string_ops *op, unsigned size)
{
    uint32_t room = MMU_PAGE_SIZE - size;
    uint32_t to = (uint32_t)c->seg[ES].base + masked(c, i, RDI);
    uint32_t from = (uint32_t)c->seg[i->seg].base + masked(c, i, RSI);

    return to % MMU_PAGE_SIZE > room ||
           (op->source && from % MMU_PAGE_SIZE > room);
}

/*
 * Elements done as blocks, from one page to the next, and those between them
 * one by one: until one cannot be done so, or they are a chunk. A device gets
 * one block.
 */
static uint32_t blocks(struct cpu *c, const struct insn *i,
                       const struct string_ops *op, uint32_t count)
{
    unsigned size = element_size(i);
    uint32_t most = STRING_CHUNK_BYTES / size, done = 0, n;

    if (most > count)
        most = count;
    do {
        n = op->block(c, i, size, most - done);
        if (!n && !op->port && crosses_page(c, i, op, size)) {
            op->one(c, i, size);
            n = 1;
        }
        advance(c, i, RCX, -n);
        done += n;
    } while (n && done < most && !op->port && !c->run.end_trace &&
             !(op->compares && compare_ends(c, i)));
    if (!c->run.end_trace)
        shorten_run(c, done * size, (int64_t)(c->run.limit - c->run.count -
                                              c->run.trace->n));
    return done;
}

/* One chunk of a repeated instruction; true when it is finished. */
static bool repeat(struct cpu *c, const struct insn *i,
                   const struct string_ops *op)
{
    unsigned size = element_size(i);
    uint32_t count = masked(c, i, RCX), done = 0;
    uint32_t most = c->run.step ? 1 : STRING_CHUNK_ELEMENTS;

    if (count == 0)
        return true;
    if (op->port)
        io_check(c, R16(c, RDX), size);
    if (op->block && may_block(c))
        done = blocks(c, i, op, count);
    if (done)
        return done == count || (op->compares && compare_ends(c, i));
    do {                        /* one at least: block may have ended the trace */
        op->one(c, i, size);
        advance(c, i, RCX, (uint32_t)-1);
        done++;
        if (op->compares && compare_ends(c, i))
            return true;
    } while (done < most && done < count && !c->run.end_trace);
    return done == count;
}

/*
 * Chunks until it is finished, which is the answer, or somebody else is to be
 * asked. Each counts as one instruction.
 */
static bool chunks(struct cpu *c, const struct insn *i,
                   const struct string_ops *op)
{
    while (!repeat(c, i, op)) {
        if (c->run.end_trace || attention(c) ||
            c->run.count + c->run.trace->n >= c->run.limit)
            return false;
        c->run.count++;
        sync(c, i);
    }
    return true;
}

#define DEF_STRING(op)                                                      \
static void single_##op(struct cpu *c, const struct insn *i)                \
{                                                                           \
    sync(c, i);                                                             \
    if (string_ops[op].port)                                                \
        io_check(c, R16(c, RDX), element_size(i));                          \
    string_ops[op].one(c, i, element_size(i));                              \
    NEXT_POLLED(c, i);                                                      \
}                                                                           \
static void rep_##op(struct cpu *c, const struct insn *i)                   \
{                                                                           \
    sync(c, i);                                                             \
    if (!chunks(c, i, &string_ops[op]))                                     \
        return go_indirect(c, i, i->rip);                                   \
    NEXT_POLLED(c, i);                                                      \
}

DEF_STRING(MOVS)
DEF_STRING(CMPS)
DEF_STRING(STOS)
DEF_STRING(LODS)
DEF_STRING(SCAS)
DEF_STRING(INS)
DEF_STRING(OUTS)

handler select_string(struct insn *i, uint32_t mode)
{
    bool rep = i->flags & (INSN_REP | INSN_REPNE);

    switch (i->opcode & ~1) {
    case 0x6c: return rep ? rep_INS : single_INS;
    case 0x6e: return rep ? rep_OUTS : single_OUTS;
    case 0xa4: return rep ? rep_MOVS : single_MOVS;
    case 0xa6: return rep ? rep_CMPS : single_CMPS;
    case 0xaa: return rep ? rep_STOS : single_STOS;
    case 0xac: return rep ? rep_LODS : single_LODS;
    case 0xae: return rep ? rep_SCAS : single_SCAS;
    }
    return NULL;
}
