/* MOV to and from control and debug registers (SDM vol. 3, 2.5, 17.2). */
#include "emu/cpu/creg.h"

#include "emu/cpu/debug.h"
#include "emu/cpu/exec.h"
#include "emu/cpu/features.h"
#include "emu/cpu/mmu.h"
#include "emu/cpu/paging.h"

void cpu_need_cpl0(struct cpu *c)
{
    if (c->cpl != 0)
        cpu_raise(c, EXC_GP, 0);
}

void cpu_set_cr(struct cpu *c, unsigned n, uint32_t v)
{
    if (!cpu_cr_write(c, n, v))
        cpu_raise(c, EXC_GP, 0);
    if (n == 2)
        return;
    if (n == 3)
        mmu_flush(c, c->cr4 & CR4_PGE);
    else
        mmu_mode_changed(c);
    code_mode_changed(c);
}

static uint32_t read_cr(struct cpu *c, unsigned n)
{
    switch (n) {
    case 0:
        return (uint32_t)c->cr0;
    case 2:
        return (uint32_t)c->cr2;
    case 3:
        return (uint32_t)c->cr3;
    default:
        return (uint32_t)c->cr4;
    }
}

void op_mov_cr(struct cpu *c, const struct insn *i)
{
    static const uint8_t existing = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4;

    /* A register that does not exist is #UD at any level. */
    if (i->opcode != 0x06 && !(existing >> insn_reg(i) & 1))
        cpu_raise(c, EXC_UD, 0);
    cpu_need_cpl0(c);
    if (i->opcode == 0x06)
        c->cr0 &= ~(uint64_t)CR0_TS;
    else if (i->opcode == 0x20)
        c->gpr[insn_rm(i)] = read_cr(c, insn_reg(i));
    else
        cpu_set_cr(c, insn_reg(i), (uint32_t)c->gpr[insn_rm(i)]);
}

static void write_dr(struct cpu *c, unsigned n, uint32_t v)
{
    if (n == 6)
        v = (v & DR6_WRITABLE) | DR6_ONES;
    else if (n == 7)
        v = (v & DR7_WRITABLE) | DR7_ONES;
    c->dr[n] = v;
    if (n == 6)
        return;
    /* Which pages are watched changed. */
    mmu_mode_changed(c);
    if (n < 4 && debug_enabled(c))
        mmu_flush(c, false);
    code_mode_changed(c);
}

void op_mov_dr(struct cpu *c, const struct insn *i)
{
    unsigned n = insn_reg(i);

    /* DR4 and DR5 name DR6 and DR7 unless CR4.DE (SDM vol. 3, 17.2.2). */
    if (n == 4 || n == 5) {
        if (c->cr4 & CR4_DE)
            cpu_raise(c, EXC_UD, 0);
        n += 2;
    }
    cpu_need_cpl0(c);
    if (c->dr[7] & DR7_GD)
        cpu_debug_fault(c, DR6_BD);
    if (i->opcode == 0x21)
        c->gpr[insn_rm(i)] = c->dr[n];
    else
        write_dr(c, n, (uint32_t)c->gpr[insn_rm(i)]);
}

/* INVD and WBINVD: there are no caches to empty. */
void op_cache(struct cpu *c, const struct insn *i)
{
    cpu_need_cpl0(c);
}
