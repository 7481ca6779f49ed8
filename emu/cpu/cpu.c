/* The CPU's state at reset. */
#include <string.h>

#include "emu/cpu/cpu.h"
#include "emu/cpu/features.h"

void cpu_init(struct cpu *c)
{
    memset(c->gpr, 0, sizeof(c->gpr));
    c->gpr[RDX] = c->model->signature;
    c->rip = 0xfff0;
    c->rflags = FLAG_1;
    for (unsigned s = 0; s < SEG_COUNT; s++)
        c->seg[s] = (struct cpu_seg){ .attr = 0x093, .limit = 0xffff };
    c->seg[CS].sel = 0xf000;
    c->seg[CS].base = 0xffff0000;
    c->seg[CS].attr = 0x09b;
    c->ldtr = (struct cpu_seg){ .attr = 0x082, .limit = 0xffff };
    c->tr = (struct cpu_seg){ .attr = 0x08b, .limit = 0xffff };
    c->gdtr = c->idtr = (struct cpu_table){ .limit = 0xffff };
    c->cr0 = CR0_ET | (c->cr0 & (CR0_NW | CR0_CD));
    c->cr2 = c->cr3 = c->cr4 = c->efer = 0;
    memset(c->pdpte, 0, sizeof(c->pdpte));
    memset(c->dr, 0, sizeof(c->dr));
    c->dr[6] = 0xffff0ff0;
    c->dr[7] = 0x400;
    c->cpl = 0;
    c->halted = c->shutdown = c->nmi_blocked = c->nmi = false;
    c->inhibit = 0;
    c->event.valid = false;
    c->event_ext = 0;
    c->run.debug = 0;
}

void cpu_reset(struct cpu *c)
{
    cpu_init(c);
    c->cr0 |= CR0_NW | CR0_CD;
    c->sysenter_cs = c->sysenter_esp = c->sysenter_eip = 0;
    /* The boot processor, APIC on (SDM vol. 3, 10.4.4). */
    c->apic_base = 0xfee00000;
    if (cpu_has(c, CPUID_APIC))
        c->apic_base |= APIC_BASE_BSP | APIC_BASE_ENABLE;
    c->star = c->lstar = c->cstar = c->sfmask = c->kernel_gs_base = 0;
    c->cr8 = 0;
    c->pat = 0x0007040600070406;        /* SDM vol. 3, 11.12.4 */
    c->misc_enable = 1;
    c->mtrr_def_type = 0;
    memset(c->mtrr_fixed, 0, sizeof(c->mtrr_fixed));
    memset(c->mtrr_var, 0, sizeof(c->mtrr_var));
    c->tsc_offset = 0;
    memset(&c->fpu, 0, sizeof(c->fpu));
    c->fpu.fcw = 0x037f;
    c->fpu.mxcsr = 0x1f80;
    c->fpu.mxcsr_mask = 0xffff;
}
