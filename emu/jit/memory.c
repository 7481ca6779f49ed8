/*
 * The guest's memory in translated code: which operands are native, and the
 * strategy that works everywhere, the software TLB, looked up inline as
 * flat_read and its like do (interp.h).
 */
#include "emu/jit/gen.h"

bool mem_native(const struct gen *g, const struct insn *i, enum access how)
{
    if (i->flags & INSN_ADDR16)
        return false;
    if (i->seg == CS)           /* code is read only */
        return how == ACCESS_READ;
    return i->seg < FS;
}

/* The linear address, into R8. */
static void linear(struct gen *g, struct mem m)
{
    if (m.base == CPU_NOREG && m.index == CPU_NOREG)
        asm_mov_ri(&g->code, R8, (uint32_t)m.disp);
    else
        asm_lea(&g->code, R8, m);
}

static struct mem entry_at(size_t field)
{
    return (struct mem){ R15, R10, 0, (int32_t)field };
}

/*
 * R10: offset of the TLB's entry, R9: the page that the access ends in, which
 * is the tag if it may go the fast way.
 */
static struct mem lookup(struct gen *g, struct mem address, unsigned size,
                         enum access how)
{
    struct code *a = &g->code;
    struct stub *s;

    flags_lose_host(g);
    linear(g, address);
    asm_mov_rr(a, R10, R8);
    asm_rr(a, 0xc1, 0, 5, R10);                         /* SHR */
    asm_8(a, 12 - 5);
    asm_alu_ri(a, 4, 4, R10, (TLB_SIZE - 1) << 5);
    if (size == 1)
        asm_mov_rr(a, R9, R8);
    else
        asm_lea(a, R9, asm_at(R8, (int32_t)size - 1));
    asm_alu_ri(a, 4, 4, R9, MMU_PAGE_MASK);
    asm_rm(a, 0x3b, 0, R9, entry_at(how == ACCESS_READ ?
                                    offsetof(struct tlb_entry, read) :
                                    offsetof(struct tlb_entry, write)));
    s = stub_new(g, STUB_SLOW, asm_jcc(a, COND_NZ));
    s->address = asm_at(R8, 0);
    if (how == ACCESS_RMW) {
        asm_rm(a, 0x3b, 0, R9, entry_at(offsetof(struct tlb_entry, read)));
        s->from[1] = asm_jcc(a, COND_NZ);
    }
    asm_load64(a, R10, entry_at(offsetof(struct tlb_entry, addend)));
    return (struct mem){ R10, R8, 0, 0 };
}
_Static_assert(sizeof(struct tlb_entry) == 1 << 5, "shifts of the index");

const struct memory_strategy memory_tlb = { .name = "tlb", .access = lookup };

struct mem mem_operand(struct gen *g, const struct insn *i, unsigned size,
                       enum access how)
{
    struct mem m = { (uint8_t)host_reg(i->base), (uint8_t)host_reg(i->index),
                     i->scale, (int32_t)i->disp };

    return g->memory->access(g, m, size, how);
}

struct mem mem_stack(struct gen *g, int32_t disp, enum access how)
{
    return g->memory->access(g, asm_at(R12, disp), 4, how);
}

struct mem mem_frame(struct gen *g)
{
    return g->memory->access(g, asm_at(RBP, 0), 4, ACCESS_READ);
}
