/*
 * The CPU's registers as text, in qemu's shape: of 32 bits, or in long mode of
 * 64 and three to a line.
 */
#include <string.h>

#include "emu/cpu/cpu.h"
#include "emu/cpu/seg.h"
#include "emu/textbuf.h"

/* Digits of an address or a general register. */
static int digits(const struct cpu *c)
{
    return cpu_in_long_mode(c) ? 16 : 8;
}

/* "NAME=value", of the mode's width, and what separates it from the next. */
static void put_value(struct textbuf *t, const struct cpu *c,
                      const char *name, uint64_t v, char after)
{
    if (!cpu_in_long_mode(c))
        v = (uint32_t)v;
    text_add(t, "%s=%0*llx%c", name, digits(c), (unsigned long long)v, after);
}

/* What a code or data segment is, and its rights. */
static void put_rights(struct textbuf *t, const struct cpu *c, uint32_t attr)
{
    bool is_code = attr & SEG_TYPE_CODE;
    const char *what = is_code ? attr & SEG_L ? "CS64"
                                 : attr & SEG_DB ? "CS32" : "CS16"
                       : attr & SEG_DB || cpu_in_long_mode(c) ? "DS  " : "DS16";

    text_add(t, "%s [%c%c%c]", what,
             attr & SEG_TYPE_E ? is_code ? 'C' : 'E' : '-',
             attr & SEG_TYPE_W ? is_code ? 'R' : 'W' : '-',
             attr & SEG_TYPE_A ? 'A' : '-');
}

/* Those that LDTR and TR can hold. */
static const char *system_segment(const struct cpu *c, uint32_t attr)
{
    bool wide = cpu_in_long_mode(c);

    switch (SEG_TYPE(attr)) {
    case SYS_TSS16:
        return "TSS16-avl";
    case SYS_LDT:
        return "LDT";
    case SYS_TSS16_BUSY:
        return "TSS16-busy";
    case SYS_TSS32:
        return wide ? "TSS64-avl" : "TSS32-avl";
    case SYS_TSS32_BUSY:
        return wide ? "TSS64-busy" : "TSS32-busy";
    default:
        return "Reserved";
    }
}

/* Attributes as in a descriptor's upper half, where some of the limit is, too. */
static void put_segment(struct textbuf *t, const struct cpu *c,
                        const char *name, const struct cpu_seg *s)
{
    uint32_t limit = s->attr & SEG_G ? s->limit >> 28 : s->limit >> 16 & 0xf;

    text_add(t, "%-3s=%04x %0*llx %08x %08x", name, s->sel, digits(c),
             (unsigned long long)s->base, s->limit,
             (s->attr & 0xffu) << 8 | limit << 16 | (s->attr & 0xf00u) << 12);
    if (c->cr0 & CR0_PE && s->attr & SEG_P) {
        text_add(t, " DPL=%u ", SEG_DPL(s->attr));
        if (s->attr & SEG_S)
            put_rights(t, c, s->attr);
        else
            text_add(t, "%s", system_segment(c, s->attr));
    }
    text_add(t, "\n");
}

static void put_general(struct textbuf *t, const struct cpu *c)
{
    static const char *const names[] = {
        "AX", "BX", "CX", "DX", "SI", "DI", "BP", "SP"
    };
    static const uint8_t order[] = { RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP };
    bool wide = cpu_in_long_mode(c);
    unsigned count = wide ? 16 : 8, per_line = wide ? 3 : 4;

    for (unsigned n = 0; n < count; n++) {
        bool last = n % per_line == per_line - 1 || n == count - 1;
        char name[4];

        if (n < 8)
            snprintf(name, sizeof(name), "%c%s", wide ? 'R' : 'E', names[n]);
        else
            snprintf(name, sizeof(name), "R%-2u", n);
        put_value(t, c, name, c->gpr[n < 8 ? order[n] : n], last ? '\n' : ' ');
    }
}

static void put_flags(struct textbuf *t, const struct cpu *c)
{
    uint32_t f = (uint32_t)c->rflags;
    char first = cpu_in_long_mode(c) ? 'R' : 'E';

    put_value(t, c, first == 'R' ? "RIP" : "EIP", c->rip, ' ');
    text_add(t, "%cFL=%08x [%c%c%c%c%c%c%c]%cCPL=%d II=%d A20=1 SMM=0 "
        "HLT=%d\n", first, f, f & FLAG_DF ? 'D' : '-',
        f & FLAG_OF ? 'O' : '-', f & FLAG_SF ? 'S' : '-',
        f & FLAG_ZF ? 'Z' : '-', f & FLAG_AF ? 'A' : '-',
        f & FLAG_PF ? 'P' : '-', f & FLAG_CF ? 'C' : '-',
        first == 'R' ? '\n' : ' ', c->cpl, c->inhibit != 0, c->halted);
}

static void put_system(struct textbuf *t, const struct cpu *c)
{
    text_add(t, "GDT=     %0*llx %08x\n", digits(c),
             (unsigned long long)c->gdtr.base, c->gdtr.limit);
    text_add(t, "IDT=     %0*llx %08x\n", digits(c),
             (unsigned long long)c->idtr.base, c->idtr.limit);
    text_add(t, "CR0=%08x ", (uint32_t)c->cr0);
    put_value(t, c, "CR2", c->cr2, ' ');
    put_value(t, c, "CR3", c->cr3, ' ');
    text_add(t, "CR4=%08x\n", (uint32_t)c->cr4);
    put_value(t, c, "DR0", c->dr[0], ' ');
    put_value(t, c, "DR1", c->dr[1], cpu_in_long_mode(c) ? '\n' : ' ');
    put_value(t, c, "DR2", c->dr[2], ' ');
    put_value(t, c, "DR3", c->dr[3], '\n');
    text_add(t, "DR6=%08x DR7=%08x\n", (uint32_t)c->dr[6],
             (uint32_t)c->dr[7]);
    text_add(t, "EFER=%016llx\n", (unsigned long long)c->efer);
}

static void put_fpu(struct textbuf *t, const struct cpu *c)
{
    const struct cpu_fpu *f = &c->fpu;
    unsigned xmms = cpu_in_long_mode(c) ? 16 : 8;

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
    for (unsigned n = 0; n < xmms; n++) {
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
    put_flags(&t, c);
    for (unsigned s = 0; s < SEG_COUNT; s++)
        put_segment(&t, c, names[s], &c->seg[s]);
    put_segment(&t, c, "LDT", &c->ldtr);
    put_segment(&t, c, "TR", &c->tr);
    put_system(&t, c);
    put_fpu(&t, c);
    return (int)t.wanted;
}
