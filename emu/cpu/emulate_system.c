/*
 * System instructions that leave a hardware guest: CPUID, MSRs, control and
 * debug registers, HLT, caches (SDM vol. 2; vol. 3, 2.5 and 17.2); and SYSCALL,
 * which a debugger's step may not leave to the processor.
 */
#include "emu/cpu/debug.h"
#include "emu/cpu/emulate_internal.h"
#include "emu/cpu/seg.h"

static bool need_cpl0(struct emul *e)
{
    return e->c->cpl == 0 || emul_raise(e, EXC_GP, 0);
}

bool emul_op_cpuid(struct emul *e)
{
    cpu_do_cpuid(e->c);
    return true;
}

static bool rdtsc(struct emul *e)
{
    struct cpu *c = e->c;

    if ((c->cr4 & CR4_TSD) && c->cpl != 0)
        return emul_raise(e, EXC_GP, 0);
    cpu_set_edx_eax(c, c->bus->tsc(c->bus->ctx) + c->tsc_offset);
    return true;
}

/* 0F 30 to 33. No counter exists that RDPMC could name. */
bool emul_op_msr(struct emul *e)
{
    struct cpu *c = e->c;
    uint32_t msr = (uint32_t)c->gpr[RCX];
    uint64_t v = (uint64_t)(uint32_t)c->gpr[RDX] << 32 |
                 (uint32_t)c->gpr[RAX];

    if (e->i.opcode == 0x31)
        return rdtsc(e);
    if (e->i.opcode == 0x33)
        return emul_raise(e, EXC_GP, 0);
    if (!need_cpl0(e))
        return false;
    if (e->i.opcode == 0x30)
        return cpu_msr_write(c, msr, v) || emul_raise(e, EXC_GP, 0);
    if (!cpu_msr_read(c, msr, &v))
        return emul_raise(e, EXC_GP, 0);
    cpu_set_edx_eax(c, v);
    return true;
}

/* HLT; INVD and WBINVD, as there are no caches to empty. */
bool emul_op_halt_cache(struct emul *e)
{
    if (!need_cpl0(e))
        return false;
    if (e->i.map == 0)
        e->c->halted = true;
    return true;
}

/* Registers are moved whole: 64 bits in 64-bit mode, else 32. */
static unsigned move_size(const struct emul *e)
{
    return cpu_in_64bit_mode(e->c) ? 8 : 4;
}

static bool read_cr(struct emul *e, unsigned n)
{
    const struct cpu *c = e->c;
    const uint64_t values[9] = { c->cr0, 0, c->cr2, c->cr3, c->cr4, 0, 0, 0,
                                 n == 8 ? cpu_cr8_read(c) : 0 };

    emul_set_reg(e, e->i.rm, move_size(e), values[n]);
    return true;
}

/* 0F 20, 22, and 06 (CLTS). */
bool emul_op_mov_cr(struct emul *e)
{
    const uint32_t existing = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 8;
    unsigned n = e->i.reg;

    if (e->i.opcode == 0x06) {
        if (!need_cpl0(e))
            return false;
        e->c->cr0 &= ~(uint64_t)CR0_TS;
        return true;
    }
    if (!(existing >> n & 1))
        return emul_raise(e, EXC_UD, 0);
    if (!need_cpl0(e))
        return false;
    if (e->i.opcode == 0x20)
        return read_cr(e, n);
    return cpu_cr_write(e->c, n, emul_reg(e, e->i.rm, move_size(e))) ||
           emul_raise(e, EXC_GP, 0);
}

/* LMSW sets PE, never clears it; INVLPG is the engine's to act on. */
bool emul_op_group7(struct emul *e)
{
    const uint64_t low = CR0_MP | CR0_EM | CR0_TS;
    unsigned op = e->i.modrm >> 3 & 7;
    uint64_t v;

    if (op == 7 && emul_is_memory(&e->i))
        return need_cpl0(e);
    if (op != 6)
        return emul_unknown(e);
    if (!need_cpl0(e) || !emul_read_rm(e, 2, &v))
        return false;
    return cpu_cr_write(e->c, 0, (e->c->cr0 & ~low) | (v & (low | CR0_PE))) ||
           emul_raise(e, EXC_GP, 0);
}

static bool write_dr(struct emul *e, unsigned n, uint64_t v)
{
    if (n >= 6 && v >> 32)
        return emul_raise(e, EXC_GP, 0);
    if (n == 6)
        v = (v & DR6_WRITABLE) | DR6_ONES;
    else if (n == 7)
        v = (v & DR7_WRITABLE) | DR7_ONES;
    e->c->dr[n] = v;
    return true;
}

bool emul_op_mov_dr(struct emul *e)
{
    struct cpu *c = e->c;
    unsigned n = e->i.reg;

    /* DR4 and DR5 name DR6 and DR7 unless CR4.DE (SDM vol. 3, 17.2.2). */
    if (n == 4 || n == 5) {
        if (c->cr4 & CR4_DE)
            return emul_raise(e, EXC_UD, 0);
        n += 2;
    }
    if (n > 7)
        return emul_raise(e, EXC_UD, 0);
    if (!need_cpl0(e))
        return false;
    if (c->dr[7] & DR7_GD) {
        c->dr[6] |= DR6_BD;
        c->dr[7] &= ~(uint64_t)DR7_GD;  /* as the delivery of #DB does */
        return emul_raise(e, EXC_DB, 0);
    }
    if (e->i.opcode == 0x23)
        return write_dr(e, n, emul_reg(e, e->i.rm, move_size(e)));
    emul_set_reg(e, e->i.rm, move_size(e), c->dr[n]);
    return true;
}

/* ---- SYSCALL and SYSRET (APM vol. 3) --------------------------------------- */

#define FLAGS_SYSRET 0x3c7fd7u  /* what R11 gives */

/* They make their segments up. */
static struct cpu_seg flat(uint64_t sel, unsigned cpl, unsigned type,
                           unsigned size)
{
    return (struct cpu_seg){
        .sel = (uint16_t)(SEL_ERROR(sel) | cpl), .limit = 0xffffffffu,
        .attr = (uint16_t)(SEG_G | SEG_P | SEG_S | cpl << 5 | type | size),
    };
}

#define DATA_TYPE (SEG_TYPE_W | SEG_TYPE_A)
#define CODE_TYPE (SEG_TYPE_CODE | SEG_TYPE_R | SEG_TYPE_A)

static bool sysret(struct emul *e)
{
    struct cpu *c = e->c;
    uint64_t sel = c->star >> 48;
    bool wide = e->i.opsize == 8;

    if (!need_cpl0(e))
        return false;
    if (wide && !cpu_canonical(c->gpr[RCX]))
        return emul_raise(e, EXC_GP, 0);
    c->seg[CS] = flat(wide ? sel + 16 : sel, 3, CODE_TYPE,
                      wide ? SEG_L : SEG_DB);
    c->seg[SS] = flat(sel + 8, 3, DATA_TYPE, SEG_DB);
    c->cpl = 3;
    c->rflags = (c->gpr[R11] & FLAGS_SYSRET) | FLAG_1;
    e->next_rip = wide ? c->gpr[RCX] : (uint32_t)c->gpr[RCX];
    return true;
}

/* 0F 05 and 07, of 64-bit mode; a trap comes by TF as they leave it. */
bool emul_op_syscall(struct emul *e)
{
    struct cpu *c = e->c;
    uint64_t sel = c->star >> 32 & 0xffff;

    if (!cpu_in_64bit_mode(c))
        return emul_unknown(e);
    if (!(c->efer & EFER_SCE))
        return emul_raise(e, EXC_UD, 0);
    e->late_trap = true;
    if (e->i.opcode == 0x07)
        return sysret(e);
    c->gpr[RCX] = e->next_rip;
    c->gpr[R11] = c->rflags & ~(uint64_t)FLAG_RF;
    c->rflags &= ~(c->sfmask | FLAG_RF);
    c->seg[CS] = flat(sel, 0, CODE_TYPE, SEG_L);
    c->seg[SS] = flat(sel + 8, 0, DATA_TYPE, SEG_DB);
    c->cpl = 0;
    e->next_rip = c->lstar;
    return true;
}
