/*
 * The guest's memory in translated code: which operands are native, and the
 * strategy that works everywhere, the software TLB, looked up inline as
 * flat_read and its like do (interp.h).
 */
#include "emu/jit/gen.h"

void mem_base(struct code *a)
{
    asm_load64(a, R15, AT(run.tlb));
    asm_lea_add(a, R15, JIT_BASE);
}

bool mem_native(const struct gen *g, const struct insn *i, enum access how)
{
    if (i->flags & INSN_ADDR16)
        return false;
    return i->seg != CS || how == ACCESS_READ;  /* code is read only */
}

void mem_linear(struct gen *g, unsigned reg, struct mem m)
{
    if (m.base == CPU_NOREG && m.index == CPU_NOREG)
        asm_mov_ri(&g->code, reg, (uint32_t)m.disp);
    else if (m.base != reg || m.index != CPU_NOREG || m.disp)
        asm_lea(&g->code, reg, m);
}

/* What FS or GS may refuse is the handler's. */
static void need(struct gen *g, unsigned cc)
{
    struct stub *s = stub_new(g, STUB_SLOW, asm_jcc(&g->code, cc ^ 1));

    s->address = asm_at(R8, 0);
}

/*
 * `m` through FS or GS, into R8: they have a base, and are 4 GiB in size or
 * else the handler's.
 */
static void add_base(struct gen *g, struct mem m, unsigned seg, unsigned size)
{
    struct code *a = &g->code;
    bool fixed = m.base == CPU_NOREG && m.index == CPU_NOREG;

    flags_lose_host(g);
    mem_linear(g, R8, m);
    if (size > 1 && (!fixed || (uint32_t)m.disp > -size)) {
        asm_alu_ri(a, 7, 4, R8, -size);                 /* CMP */
        need(g, COND_BE);
    }
    asm_rm(a, 0x03, 0, R8, AT(seg[seg].base));          /* ADD */
    asm_rm(a, 0x80, 0, 7, AT(run.open[seg - FS]));      /* CMP */
    asm_8(a, 0);
    need(g, COND_NZ);
}

static struct mem entry_at(size_t field)
{
    return (struct mem){ R15, R10, 0, (int32_t)field - (int32_t)JIT_BASE };
}

/*
 * The entry of the address in R8: its offset into R10. `last`: the last byte,
 * whose page in R9 is the tag if the access may go the fast way; or the first,
 * which then lies on a boundary of `align` too.
 */
static void check_tag(struct gen *g, struct mem last, unsigned align,
                      enum access how)
{
    struct code *a = &g->code;
    struct stub *s;

    asm_mov_rr(a, R10, R8);
    asm_rr(a, 0xc1, 0, 5, R10);                         /* SHR */
    asm_8(a, 12 - 5);
    asm_alu_ri(a, 4, 4, R10, (TLB_SIZE - 1) << 5);
    if (last.index == CPU_NOREG && last.disp == 0)
        asm_mov_rr(a, R9, R8);
    else
        asm_lea(a, R9, last);
    asm_alu_ri(a, 4, 4, R9, MMU_PAGE_MASK | (align - 1));
    asm_rm(a, 0x3b, 0, R9, entry_at(how == ACCESS_READ ?
                                    offsetof(struct tlb_entry, read) :
                                    offsetof(struct tlb_entry, write)));
    s = stub_new(g, STUB_SLOW, asm_jcc(a, COND_NZ));
    s->address = asm_at(R8, 0);
    if (how >= ACCESS_RMW) {
        asm_rm(a, 0x3b, 0, R9, entry_at(offsetof(struct tlb_entry, read)));
        s->from[1] = asm_jcc(a, COND_NZ);
    }
    asm_load64(a, R10, entry_at(offsetof(struct tlb_entry, addend)));
}
_Static_assert(sizeof(struct tlb_entry) == 1 << 5, "shifts of the index");

static struct mem tlb_access(struct gen *g, struct mem address, unsigned size,
                             unsigned align, enum access how)
{
    flags_lose_host(g);
    mem_linear(g, R8, address);
    check_tag(g, asm_at(R8, (int32_t)(size - align)), align, how);
    return (struct mem){ R10, R8, 0, 0 };
}

void tlb_block(struct gen *g, unsigned reg, unsigned size, enum access how)
{
    uint8_t scale = size == 4 ? 2 : (uint8_t)(size - 1);

    flags_lose_host(g);
    mem_linear(g, R8, asm_at(reg, 0));
    check_tag(g, (struct mem){ R8, RCX, scale, -1 }, 1, how);
}

const struct memory_strategy memory_tlb = {
    .access = tlb_access, .block = tlb_block,
};

static struct mem aligned(struct gen *g, struct mem m, unsigned seg,
                          unsigned size, unsigned align, enum access how)
{
    if (seg >= FS) {
        add_base(g, m, seg, size);
        m = asm_at(R8, 0);
    }
    return g->memory->access(g, m, size, align, how);
}

struct mem mem_at(struct gen *g, struct mem m, unsigned seg, unsigned size,
                  enum access how)
{
    return aligned(g, m, seg, size, 1, how);
}

struct mem mem_address(const struct insn *i)
{
    return (struct mem){ (uint8_t)host_reg(i->base),
                         (uint8_t)host_reg(i->index), i->scale,
                         (int32_t)i->disp };
}

struct mem mem_operand(struct gen *g, const struct insn *i, unsigned size,
                       enum access how)
{
    return aligned(g, mem_address(i), i->seg, size, 1, how);
}

struct mem mem_operand16(struct gen *g, const struct insn *i, enum access how)
{
    return aligned(g, mem_address(i), i->seg, 16, 16, how);
}

struct mem mem_stack(struct gen *g, int32_t disp, enum access how)
{
    return g->memory->access(g, asm_at(R12, disp), 4, 1, how);
}

struct mem mem_frame(struct gen *g)
{
    return g->memory->access(g, asm_at(RBP, 0), 4, 1, ACCESS_READ);
}

void load_operand(struct gen *g, struct mem m)
{
    if (g->size == 4)
        asm_load(&g->code, R11, m);
    else
        asm_rm(&g->code, g->size == 1 ? 0xb6 : 0xb7, ASM_0F, R11, m);
}

void store_operand(struct gen *g, struct mem m)
{
    asm_rm(&g->code, g->size == 1 ? 0x88 : 0x89, asm_size(g->size), R11, m);
}
