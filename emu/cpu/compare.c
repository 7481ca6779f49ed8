/* See compare.h. */
#include "emu/cpu/compare.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void __attribute__((format(printf, 2, 3)))
say_line(const struct cpu_say *say, const char *fmt, ...)
{
    char line[80];
    va_list ap;

    if (!say)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    say->line(say->ctx, line);
}

#define FIELD(name, member) \
    { name, offsetof(struct cpu, member), sizeof(((struct cpu *)0)->member) }

static const struct {
    const char *name;
    uint16_t offset, size;
} fields[] = {
    FIELD("EAX", gpr[RAX]), FIELD("ECX", gpr[RCX]), FIELD("EDX", gpr[RDX]),
    FIELD("EBX", gpr[RBX]), FIELD("ESP", gpr[RSP]), FIELD("EBP", gpr[RBP]),
    FIELD("ESI", gpr[RSI]), FIELD("EDI", gpr[RDI]), FIELD("EIP", rip),
    FIELD("R8", gpr[R8]), FIELD("R9", gpr[R9]), FIELD("R10", gpr[R10]),
    FIELD("R11", gpr[R11]), FIELD("R12", gpr[R12]), FIELD("R13", gpr[R13]),
    FIELD("R14", gpr[R14]), FIELD("R15", gpr[R15]),
    FIELD("GDTR base", gdtr.base), FIELD("GDTR limit", gdtr.limit),
    FIELD("IDTR base", idtr.base), FIELD("IDTR limit", idtr.limit),
    FIELD("CR0", cr0), FIELD("CR2", cr2), FIELD("CR3", cr3),
    FIELD("CR4", cr4), FIELD("EFER", efer), FIELD("CPL", cpl),
    FIELD("DR0", dr[0]), FIELD("DR1", dr[1]), FIELD("DR2", dr[2]),
    FIELD("DR3", dr[3]), FIELD("DR6", dr[6]), FIELD("DR7", dr[7]),
    FIELD("SYSENTER_CS", sysenter_cs), FIELD("SYSENTER_ESP", sysenter_esp),
    FIELD("SYSENTER_EIP", sysenter_eip), FIELD("PAT", pat),
    FIELD("TSC offset", tsc_offset), FIELD("halted", halted),
    FIELD("NMI blocked", nmi_blocked), FIELD("inhibit", inhibit),
    FIELD("icount", icount), FIELD("INTR", intr),
    FIELD("FCW", fpu.fcw), FIELD("FSW", fpu.fsw), FIELD("FTW", fpu.ftw),
    FIELD("MXCSR", fpu.mxcsr), FIELD("XMM0", fpu.xmm[0]),
    FIELD("XMM1", fpu.xmm[1]), FIELD("XMM2", fpu.xmm[2]),
    FIELD("XMM3", fpu.xmm[3]), FIELD("XMM4", fpu.xmm[4]),
    FIELD("XMM5", fpu.xmm[5]), FIELD("XMM6", fpu.xmm[6]),
    FIELD("XMM7", fpu.xmm[7]),
};

static uint64_t value(const void *p, unsigned size)
{
    uint64_t v = 0;

    memcpy(&v, p, size < 8 ? size : 8);
    return v;
}

static bool differs(const char *name, const void *a, const void *b,
                    unsigned size, const struct cpu_say *say)
{
    if (memcmp(a, b, size) == 0)
        return false;
    say_line(say, "  %-12s %016llx | %016llx", name,
             (unsigned long long)value(a, size),
             (unsigned long long)value(b, size));
    return true;
}

/* An absent segment's hidden part has no meaning but its absence. */
static bool segment_differs(const char *name, const struct cpu_seg *a,
                            const struct cpu_seg *b, const struct cpu_say *say)
{
    if (a->sel == b->sel && !((a->attr | b->attr) & SEG_P))
        return false;
    if (a->sel == b->sel && a->attr == b->attr && a->limit == b->limit &&
        a->base == b->base)
        return false;
    say_line(say, "  %-4s %04x %03x %08x %08llx | %04x %03x %08x %08llx",
             name, a->sel, a->attr, a->limit, (unsigned long long)a->base,
             b->sel, b->attr, b->limit, (unsigned long long)b->base);
    return true;
}

static bool segments_differ(const struct cpu *a, const struct cpu *b,
                            const struct cpu_say *say)
{
    static const char *const names[SEG_COUNT] = { "ES", "CS", "SS", "DS",
                                                  "FS", "GS" };
    bool any = segment_differs("LDTR", &a->ldtr, &b->ldtr, say);

    any |= segment_differs("TR", &a->tr, &b->tr, say);
    for (unsigned s = 0; s < SEG_COUNT; s++)
        any |= segment_differs(names[s], &a->seg[s], &b->seg[s], say);
    return any;
}

/* x87 registers in use; fpu.st is relative to TOP, ftw is not. */
static bool x87_differs(const struct cpu *a, const struct cpu *b,
                        const struct cpu_say *say)
{
    bool any = false;

    for (unsigned n = 0; n < 8; n++) {
        unsigned physical = ((a->fpu.fsw >> 11) + n) & 7;

        if (a->fpu.ftw >> physical & 1)
            any |= differs("ST", a->fpu.st[n], b->fpu.st[n], 10, say);
    }
    return any;
}

bool cpu_same(const struct cpu *a, const struct cpu *b, uint32_t undefined,
              uint32_t *flags, const struct cpu_say *say)
{
    uint64_t wrong = a->rflags ^ b->rflags;
    bool any = false;

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        any |= differs(fields[i].name,
                       (const uint8_t *)a + fields[i].offset,
                       (const uint8_t *)b + fields[i].offset, fields[i].size,
                       say);
    *flags = (uint32_t)wrong & undefined;
    if (wrong & ~(uint64_t)undefined)
        any |= differs("EFLAGS", &a->rflags, &b->rflags, 8, say);
    any |= segments_differ(a, b, say);
    any |= x87_differs(a, b, say);
    return !any;
}
