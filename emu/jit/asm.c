/* Encodings of host instructions. */
#include "emu/jit/asm.h"

#include <string.h>

#include "emu/cpu/cpu.h"

static void put(struct code *a, const void *v, unsigned n)
{
    if ((size_t)(a->end - a->p) < n) {
        a->full = true;
        return;
    }
    memcpy(a->p, v, n);
    a->p += n;
}

void asm_8(struct code *a, uint8_t v)
{
    put(a, &v, 1);
}

void asm_16(struct code *a, uint16_t v)
{
    put(a, &v, 2);
}

void asm_32(struct code *a, uint32_t v)
{
    put(a, &v, 4);
}

void asm_64(struct code *a, uint64_t v)
{
    put(a, &v, 8);
}

void asm_imm(struct code *a, unsigned size, uint32_t v)
{
    if (size == 1)
        asm_8(a, (uint8_t)v);
    else if (size == 2)
        asm_16(a, (uint16_t)v);
    else
        asm_32(a, v);
}

/* Prefixes and opcode. CPU_NOREG has no bit that REX would want. */
static void start(struct code *a, unsigned op, unsigned how, unsigned reg,
                  unsigned index, unsigned base)
{
    unsigned rex = (how & ASM_W ? 8 : 0) | (reg & 8 ? 4 : 0) |
                   (index & 8 ? 2 : 0) | (base & 8 ? 1 : 0);

    _Static_assert(!(CPU_NOREG & 8), "no register is none of R8 to R15");
    if (how & ASM_16)
        asm_8(a, 0x66);
    if (how & (ASM_F2 | ASM_F3))
        asm_8(a, how & ASM_F2 ? 0xf2 : 0xf3);
    if (rex)
        asm_8(a, (uint8_t)(0x40 | rex));
    if (how & ASM_0F)
        asm_8(a, 0x0f);
    asm_8(a, (uint8_t)op);
}

void asm_rr(struct code *a, unsigned op, unsigned how, unsigned reg,
            unsigned rm)
{
    start(a, op, how, reg, 0, rm);
    asm_8(a, (uint8_t)(0xc0 | (reg & 7) << 3 | (rm & 7)));
}

void asm_rm(struct code *a, unsigned op, unsigned how, unsigned reg,
            struct mem m)
{
    bool sib = m.base == CPU_NOREG || m.index != CPU_NOREG ||
               (m.base & 7) == RSP;
    unsigned mod = m.base == CPU_NOREG ? 0 :
                   m.disp == 0 && (m.base & 7) != RBP ? 0 :
                   m.disp == (int8_t)m.disp ? 1 : 2;
    unsigned base = m.base == CPU_NOREG ? 5 : m.base & 7;

    start(a, op, how, reg, m.index, m.base);
    asm_8(a, (uint8_t)(mod << 6 | (reg & 7) << 3 | (sib ? 4 : base)));
    if (sib)
        asm_8(a, (uint8_t)(m.scale << 6 | base |
                           (m.index == CPU_NOREG ? 4 : m.index & 7) << 3));
    if (mod == 1)
        asm_8(a, (uint8_t)m.disp);
    else if (mod == 2 || m.base == CPU_NOREG)
        asm_32(a, (uint32_t)m.disp);
}

void asm_rip(struct code *a, unsigned op, unsigned how, unsigned reg,
             const void *at)
{
    start(a, op, how, reg, 0, 0);
    asm_8(a, (uint8_t)((reg & 7) << 3 | 5));
    asm_32(a, (uint32_t)((const uint8_t *)at - (a->p + 4)));
}

void asm_r(struct code *a, unsigned op, unsigned how, unsigned reg)
{
    start(a, op | (reg & 7), how, 0, 0, reg);
}

void asm_mov_rr(struct code *a, unsigned to, unsigned from)
{
    asm_rr(a, 0x89, 0, from, to);
}

void asm_mov_ri(struct code *a, unsigned to, uint32_t v)
{
    asm_r(a, 0xb8, 0, to);
    asm_32(a, v);
}

void asm_mov_ri64(struct code *a, unsigned to, uint64_t v)
{
    asm_r(a, 0xb8, ASM_W, to);
    asm_64(a, v);
}

void asm_load(struct code *a, unsigned to, struct mem m)
{
    asm_rm(a, 0x8b, 0, to, m);
}

void asm_load64(struct code *a, unsigned to, struct mem m)
{
    asm_rm(a, 0x8b, ASM_W, to, m);
}

void asm_store(struct code *a, struct mem m, unsigned from)
{
    asm_rm(a, 0x89, 0, from, m);
}

void asm_store_i(struct code *a, struct mem m, uint32_t v)
{
    asm_rm(a, 0xc7, 0, 0, m);
    asm_32(a, v);
}

void asm_lea(struct code *a, unsigned to, struct mem m)
{
    asm_rm(a, 0x8d, 0, to, m);
}

void asm_lea_add(struct code *a, unsigned to, int32_t v)
{
    if (v)
        asm_rm(a, 0x8d, ASM_W, to, asm_at(to, v));
}

void asm_alu_rr(struct code *a, unsigned op, unsigned size, unsigned to,
                unsigned from)
{
    asm_rr(a, op << 3 | (size > 1), asm_size(size), from, to);
}

void asm_alu_ri(struct code *a, unsigned op, unsigned size, unsigned to,
                uint32_t v)
{
    bool small = size > 1 && (uint32_t)(int8_t)v == v;

    asm_rr(a, size == 1 ? 0x80 : small ? 0x83 : 0x81, asm_size(size), op, to);
    asm_imm(a, small ? 1 : size, v);
}

void asm_alu_mi(struct code *a, unsigned op, unsigned size, struct mem m,
                uint32_t v)
{
    bool small = size > 1 && (uint32_t)(int8_t)v == v;

    asm_rm(a, size == 1 ? 0x80 : small ? 0x83 : 0x81, asm_size(size), op, m);
    asm_imm(a, small ? 1 : size, v);
}

void asm_cmp_mi(struct code *a, struct mem m, uint32_t v)
{
    asm_rm(a, 0x81, 0, 7, m);
    asm_32(a, v);
}

uint8_t *asm_jmp(struct code *a)
{
    asm_8(a, 0xe9);
    asm_32(a, 0);
    return a->p - 4;
}

uint8_t *asm_jcc(struct code *a, unsigned cc)
{
    asm_8(a, 0x0f);
    asm_8(a, (uint8_t)(0x80 | cc));
    asm_32(a, 0);
    return a->p - 4;
}

void asm_patch(uint8_t *at, const uint8_t *target)
{
    int32_t rel = (int32_t)(target - (at + 4));

    memcpy(at, &rel, 4);
}

void asm_jmp_to(struct code *a, const uint8_t *target)
{
    asm_patch(asm_jmp(a), target);
}

void asm_call_to(struct code *a, const uint8_t *target)
{
    asm_8(a, 0xe8);
    asm_32(a, 0);
    asm_patch(a->p - 4, target);
}
