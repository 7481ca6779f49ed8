/*
 * The CPU's state at reset, and its registers as text.
 */
#include <stdio.h>
#include <string.h>

#include "emu/cpu/cpu.h"
#include "emu/cpu/features.h"
#include "emu/textbuf.h"

void cpu_reset(struct cpu *c)
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
    c->cr0 = CR0_ET | CR0_NW | CR0_CD;
    c->cr2 = c->cr3 = c->cr4 = c->efer = 0;
    memset(c->pdpte, 0, sizeof(c->pdpte));
    memset(c->dr, 0, sizeof(c->dr));
    c->dr[6] = 0xffff0ff0;
    c->dr[7] = 0x400;
    c->cpl = 0;
    c->sysenter_cs = c->sysenter_esp = c->sysenter_eip = 0;
    /* The boot processor, APIC on (SDM vol. 3, 10.4.4). */
    c->apic_base = 0xfee00000 | (cpu_has(c, CPUID_APIC) ? 0x900 : 0);
    c->star = c->lstar = c->cstar = c->sfmask = c->kernel_gs_base = 0;
    c->cr8 = 0;
    c->pat = 0x0007040600070406;        /* SDM vol. 3, 11.12.4 */
    c->misc_enable = 1;
    c->mtrr_def_type = 0;
    memset(c->mtrr_fixed, 0, sizeof(c->mtrr_fixed));
    memset(c->mtrr_var, 0, sizeof(c->mtrr_var));
    c->tsc_offset = 0;
    c->halted = c->shutdown = c->nmi_blocked = c->nmi = false;
    c->inhibit = 0;
    c->event_ext = 0;
    c->run.debug = 0;
    memset(&c->fpu, 0, sizeof(c->fpu));
    c->fpu.fcw = 0x037f;
    c->fpu.mxcsr = 0x1f80;
    c->fpu.mxcsr_mask = 0xffff;
}

/* ---- Registers as text -------------------------------------------------- */

static void put_segment(struct textbuf *t, const char *name,
                        const struct cpu_seg *s)
{
    text_add(t, "%-3s=%04x %08x %08x %08x\n", name, s->sel, (uint32_t)s->base,
        s->limit, (s->attr & 0xffu) << 8 | (s->attr & 0xf00u) << 12);
}

static void put_general(struct textbuf *t, const struct cpu *c)
{
    uint32_t f = (uint32_t)c->rflags;

    text_add(t, "EAX=%08x EBX=%08x ECX=%08x EDX=%08x\n", (uint32_t)c->gpr[RAX],
        (uint32_t)c->gpr[RBX], (uint32_t)c->gpr[RCX], (uint32_t)c->gpr[RDX]);
    text_add(t, "ESI=%08x EDI=%08x EBP=%08x ESP=%08x\n", (uint32_t)c->gpr[RSI],
        (uint32_t)c->gpr[RDI], (uint32_t)c->gpr[RBP], (uint32_t)c->gpr[RSP]);
    text_add(t, "EIP=%08x EFL=%08x [%c%c%c%c%c%c%c] CPL=%d II=%d A20=1 SMM=0 "
        "HLT=%d\n", (uint32_t)c->rip, f, f & FLAG_DF ? 'D' : '-',
        f & FLAG_OF ? 'O' : '-', f & FLAG_SF ? 'S' : '-',
        f & FLAG_ZF ? 'Z' : '-', f & FLAG_AF ? 'A' : '-',
        f & FLAG_PF ? 'P' : '-', f & FLAG_CF ? 'C' : '-', c->cpl,
        c->inhibit != 0, c->halted);
}

static void put_fpu(struct textbuf *t, const struct cpu_fpu *f)
{
    text_add(t, "FCW=%04x FSW=%04x [ST=%d] FTW=%02x MXCSR=%08x\n", f->fcw,
             f->fsw, f->fsw >> 11 & 7, f->ftw, f->mxcsr);
    for (unsigned n = 0; n < 8; n++) {
        uint64_t mantissa;
        uint16_t exponent;

        memcpy(&mantissa, f->st[n], 8);
        memcpy(&exponent, f->st[n] + 8, 2);
        text_add(t, "FPR%u=%016llx %04x%c", n, (unsigned long long)mantissa,
            exponent, n % 2 ? '\n' : ' ');
    }
    for (unsigned n = 0; n < 8; n++) {
        uint64_t half[2];

        memcpy(half, f->xmm[n], 16);
        text_add(t, "XMM%02u=%016llx%016llx%c", n, (unsigned long long)half[1],
            (unsigned long long)half[0], n % 2 ? '\n' : ' ');
    }
}

int cpu_format_registers(const struct cpu *c, char *buf, size_t size)
{
    static const char *const names[SEG_COUNT] = { "ES", "CS", "SS", "DS",
                                                  "FS", "GS" };
    struct textbuf t = { buf, size, 0 };

    put_general(&t, c);
    for (unsigned s = 0; s < SEG_COUNT; s++)
        put_segment(&t, names[s], &c->seg[s]);
    put_segment(&t, "LDT", &c->ldtr);
    put_segment(&t, "TR", &c->tr);
    text_add(&t, "GDT=     %08x %08x\n", (uint32_t)c->gdtr.base, c->gdtr.limit);
    text_add(&t, "IDT=     %08x %08x\n", (uint32_t)c->idtr.base, c->idtr.limit);
    text_add(&t, "CR0=%08x CR2=%08x CR3=%08x CR4=%08x\n", (uint32_t)c->cr0,
        (uint32_t)c->cr2, (uint32_t)c->cr3, (uint32_t)c->cr4);
    text_add(&t, "DR0=%08x DR1=%08x DR2=%08x DR3=%08x\n", (uint32_t)c->dr[0],
        (uint32_t)c->dr[1], (uint32_t)c->dr[2], (uint32_t)c->dr[3]);
    text_add(&t, "DR6=%08x DR7=%08x\n", (uint32_t)c->dr[6], (uint32_t)c->dr[7]);
    text_add(&t, "EFER=%016llx\n", (unsigned long long)c->efer);
    put_fpu(&t, &c->fpu);
    return (int)t.wanted;
}
