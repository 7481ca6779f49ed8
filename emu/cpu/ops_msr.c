/*
 * RDMSR, WRMSR, RDTSC, RDPMC, SYSENTER and SYSEXIT in the interpreter (SDM
 * vol. 2; vol. 3, 5.8.7). What the MSRs are: msr.c.
 */
#include "emu/cpu/creg.h"
#include "emu/cpu/exec.h"
#include "emu/cpu/features.h"
#include "emu/cpu/seg.h"

static void rdmsr(struct cpu *c)
{
    uint64_t v;

    cpu_need_cpl0(c);
    if (!cpu_msr_read(c, (uint32_t)c->gpr[RCX], &v))
        cpu_raise(c, EXC_GP, 0);
    cpu_set_edx_eax(c, v);
}

static void wrmsr(struct cpu *c)
{
    uint64_t v = (uint64_t)(uint32_t)c->gpr[RDX] << 32 |
                 (uint32_t)c->gpr[RAX];

    cpu_need_cpl0(c);
    if (!cpu_msr_write(c, (uint32_t)c->gpr[RCX], v))
        cpu_raise(c, EXC_GP, 0);
    mmu_mode_changed(c);        /* EFER.NXE */
    code_mode_changed(c);
}

static void need_feature(struct cpu *c, uint32_t bit)
{
    if (!cpu_has(c, bit))
        cpu_raise(c, EXC_UD, 0);
}

void op_msr(struct cpu *c, const struct insn *i)
{
    switch (i->opcode) {
    case 0x30:
        need_feature(c, CPUID_MSR);
        wrmsr(c);
        break;
    case 0x31:
        need_feature(c, CPUID_TSC);
        if ((c->cr4 & CR4_TSD) && c->cpl != 0)
            cpu_raise(c, EXC_GP, 0);
        cpu_set_edx_eax(c, c->bus->tsc(c->bus->ctx) + c->tsc_offset);
        break;
    case 0x32:
        need_feature(c, CPUID_MSR);
        rdmsr(c);
        break;
    default:
        /* RDPMC: there is no counter that ECX could name. */
        cpu_raise(c, EXC_GP, 0);
    }
}

/* SYSENTER and SYSEXIT make their segments up (SDM vol. 2). */
static struct cpu_seg flat_segment(uint32_t sel, unsigned cpl, bool code)
{
    return (struct cpu_seg){
        .sel = (uint16_t)(SEL_ERROR(sel) | cpl), .limit = 0xffffffffu,
        .attr = (uint16_t)(SEG_G | SEG_DB | SEG_P | SEG_S | cpl << 5 |
                           SEG_TYPE_A | SEG_TYPE_W |
                           (code ? SEG_TYPE_CODE : 0)),
    };
}

static void fast_transfer(struct cpu *c, uint32_t cs, unsigned cpl,
                          uint64_t eip, uint64_t esp)
{
    c->seg[CS] = flat_segment(cs, cpl, true);
    c->seg[SS] = flat_segment(cs + 8, cpl, false);
    c->cpl = (uint8_t)cpl;
    c->rip = (uint32_t)eip;
    c->gpr[RSP] = (uint32_t)esp;
    code_mode_changed(c);
}

void op_sysenter(struct cpu *c, const struct insn *i)
{
    uint32_t cs = (uint32_t)c->sysenter_cs;

    need_feature(c, CPUID_SEP);
    if (!(c->cr0 & CR0_PE) || SEL_IS_NULL(cs))
        cpu_raise(c, EXC_GP, 0);
    if (i->opcode == 0x34) {
        cpu_flags_set(c, 0, FLAG_VM | FLAG_IF | FLAG_RF);
        fast_transfer(c, cs, 0, c->sysenter_eip, c->sysenter_esp);
    } else {
        cpu_need_cpl0(c);
        fast_transfer(c, cs + 16, 3, c->gpr[RDX], c->gpr[RCX]);
    }
}
