/*
 * Encodings of the few host instructions that the translator emits (AMD APM
 * vol. 3, chapter 1). Registers are numbered as in cpu.h, RAX to R15; of a byte
 * instruction without REX, 4 to 7 are AH to BH.
 */
#ifndef EMU_JIT_ASM_H
#define EMU_JIT_ASM_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes are written at `p`; what does not fit any more sets `full`. */
struct code {
    uint8_t *p, *end;
    bool full;
};

/* [base + index * 2^scale + disp]; CPU_NOREG: none. */
struct mem {
    uint8_t base, index, scale;
    int32_t disp;
};

/* How an opcode is to be encoded. */
#define ASM_W    0x01u          /* 64 bits */
#define ASM_16   0x02u          /* 16 bits */
#define ASM_0F   0x04u          /* of the two-byte map */
#define ASM_F2   0x08u          /* with this prefix */
#define ASM_F3   0x10u

void asm_8(struct code *a, uint8_t v);
void asm_16(struct code *a, uint16_t v);
void asm_32(struct code *a, uint32_t v);
void asm_64(struct code *a, uint64_t v);

/* ModRM forms; `reg` is a register or the opcode's extension. */
void asm_rr(struct code *a, unsigned op, unsigned how, unsigned reg,
            unsigned rm);
void asm_rm(struct code *a, unsigned op, unsigned how, unsigned reg,
            struct mem m);
/* The same with memory that is addressed from here. */
void asm_rip(struct code *a, unsigned op, unsigned how, unsigned reg,
             const void *at);
/* A register in the opcode's low three bits. */
void asm_r(struct code *a, unsigned op, unsigned how, unsigned reg);

/* An immediate of an operand of `size` bytes: 1, 2, or 4 and more. */
void asm_imm(struct code *a, unsigned size, uint32_t v);

void asm_mov_rr(struct code *a, unsigned to, unsigned from);    /* 32 bits */
void asm_mov_ri(struct code *a, unsigned to, uint32_t v);
void asm_mov_ri64(struct code *a, unsigned to, uint64_t v);
void asm_load(struct code *a, unsigned to, struct mem m);       /* 32 bits */
void asm_load64(struct code *a, unsigned to, struct mem m);
void asm_store(struct code *a, struct mem m, unsigned from);
void asm_store_i(struct code *a, struct mem m, uint32_t v);
void asm_lea(struct code *a, unsigned to, struct mem m);        /* 32 bits */
/* Add to all 64 bits; flags stay. */
void asm_lea_add(struct code *a, unsigned to, int32_t v);

/* Group 1: `op` 0 ADD, 1 OR, 2 ADC, 3 SBB, 4 AND, 5 SUB, 6 XOR, 7 CMP. */
void asm_alu_rr(struct code *a, unsigned op, unsigned size, unsigned to,
                unsigned from);
void asm_alu_ri(struct code *a, unsigned op, unsigned size, unsigned to,
                uint32_t v);
void asm_alu_mi(struct code *a, unsigned op, unsigned size, struct mem m,
                uint32_t v);
/* 32-bit operand in memory, compared with a constant. */
void asm_cmp_mi(struct code *a, struct mem m, uint32_t v);

/*
 * Jumps with a 32-bit displacement, to be set with asm_patch: where it is.
 * asm_jcc: `cc` as in the opcode.
 */
uint8_t *asm_jmp(struct code *a);
uint8_t *asm_jcc(struct code *a, unsigned cc);
void asm_patch(uint8_t *at, const uint8_t *target);
void asm_jmp_to(struct code *a, const uint8_t *target);
void asm_call_to(struct code *a, const uint8_t *target);

static inline unsigned asm_size(unsigned size)
{
    return size == 2 ? ASM_16 : size == 8 ? ASM_W : 0;
}

static inline struct mem asm_at(unsigned base, int32_t disp)
{
    return (struct mem){ (uint8_t)base, 16, 0, disp };
}

#endif
