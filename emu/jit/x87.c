/*
 * x87 instructions in translated code: the same instruction on the host's x87,
 * which has the guest's state (fpu.c).
 */
#include "emu/jit/gen.h"

#include "emu/cpu/x87.h"

static void plain(struct gen *g, const struct insn *i)
{
    asm_8(&g->code, i->opcode);
    asm_8(&g->code, i->modrm);
}

/* Only a word that masks all exceptions; FLDCW of another is the handler's. */
static void load_control(struct gen *g, const struct insn *i)
{
    struct code *a = &g->code;
    struct mem m;

    fpu_need(g, FPU_X87);
    flags_lose_host(g);
    m = mem_operand(g, i, 2, ACCESS_READ);
    asm_rm(a, 0xb7, ASM_0F, R9, m);                     /* MOVZX */
    asm_mov_rr(a, R10, R9);
    asm_alu_ri(a, 4, 4, R10, FSW_EXC);                  /* AND */
    asm_alu_ri(a, 7, 4, R10, FSW_EXC);                  /* CMP */
    stub_new(g, STUB_SLOW, asm_jcc(a, COND_NZ));
    asm_alu_ri(a, 4, 4, R9, 0x1f7f);                    /* x87_fix_fcw */
    asm_alu_ri(a, 1, 4, R9, 0x40);
    asm_rm(a, 0x89, ASM_16, R9, AT(run.fpu.fcw));
    asm_rm(a, 0xd9, 0, 5, AT(run.fpu.fcw));
}

static void memory(struct gen *g, const struct insn *i, unsigned size,
                   enum access how, bool points)
{
    struct mem m;

    fpu_need(g, FPU_X87);
    m = mem_operand(g, i, size, how);
    asm_rm(&g->code, i->opcode, 0, insn_reg(i), m);
    if (points)
        fpu_point(g, i, true);
}

static bool memory_form(struct gen *g, const struct insn *i)
{
    int form = x87_mem_form(i->opcode, insn_reg(i));
    bool loads = form == X87_LDCW || (form > 0 && form < X87_UD);
    enum access how = loads ? ACCESS_READ : ACCESS_WRITE;

    if (!mem_native(g, i, how))
        return false;
    if (form == X87_LDCW)
        load_control(g, i);
    else if (form == X87_STCW || form == X87_STSW)
        memory(g, i, 2, how, false);
    else if (form < X87_UD)
        memory(g, i, (unsigned)(form < 0 ? -form : form), how, true);
    else
        return false;
    return true;
}

/* DB E0 to E4, DF E0: they neither wait nor set pointers. */
static bool control(struct gen *g, const struct insn *i)
{
    if (i->opcode == 0xdb && i->modrm != 0xe2)          /* but FNCLEX */
        return false;
    fpu_need(g, FPU_X87);
    if (i->opcode == 0xdf)                              /* FNSTSW AX */
        flags_will_write(g, RAX);
    plain(g, i);
    return true;
}

/* D8 to DF. */
bool emit_x87(struct gen *g, const struct insn *i)
{
    unsigned reg = insn_reg(i);

    if (insn_mod(i) != 3)
        return memory_form(g, i);
    if (!x87_reg_form(i->opcode, i->modrm))
        return false;
    if ((i->opcode == 0xdb || i->opcode == 0xdf) && reg == 4)
        return control(g, i);
    fpu_need(g, FPU_X87);
    if ((i->opcode == 0xda || i->opcode == 0xdb) && reg < 4)
        flags_to_host(g);                               /* FCMOVcc */
    if (x87_sets_eflags(i)) {
        /* Not every processor clears OF, SF and AF. */
        asm_rr(&g->code, 0x31, 0, R9, R9);              /* XOR */
        plain(g, i);
        flags_set_plain(g);
    } else {
        plain(g, i);
    }
    fpu_point(g, i, false);
    return true;
}

/* 9B. */
bool emit_fwait(struct gen *g, const struct insn *i)
{
    fpu_need(g, FPU_X87);
    return true;
}
