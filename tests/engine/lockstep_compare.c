/* See lockstep_compare.h. */
#include "tests/engine/lockstep_compare.h"

#include <string.h>

#include "kernel/platform.h"
#include "tests/cpu/undefined.h"

/* ---- Registers ------------------------------------------------------------ */

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
                    unsigned size, bool say)
{
    if (memcmp(a, b, size) == 0)
        return false;
    if (say)
        platform_log("  %-12s %016llx | %016llx", name,
                     (unsigned long long)value(a, size),
                     (unsigned long long)value(b, size));
    return true;
}

/* An absent segment's hidden part has no meaning but its absence. */
static bool segment_differs(const char *name, const struct cpu_seg *a,
                            const struct cpu_seg *b, bool say)
{
    if (a->sel == b->sel && !((a->attr | b->attr) & SEG_P))
        return false;
    if (a->sel == b->sel && a->attr == b->attr && a->limit == b->limit &&
        a->base == b->base)
        return false;
    if (say)
        platform_log("  %-4s %04x %03x %08x %08llx | %04x %03x %08x %08llx",
                     name, a->sel, a->attr, a->limit,
                     (unsigned long long)a->base, b->sel, b->attr, b->limit,
                     (unsigned long long)b->base);
    return true;
}

static bool segments_differ(const struct cpu *a, const struct cpu *b,
                            bool say)
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
static bool x87_differs(const struct cpu *a, const struct cpu *b, bool say)
{
    bool any = false;

    for (unsigned n = 0; n < 8; n++) {
        unsigned physical = ((a->fpu.fsw >> 11) + n) & 7;

        if (a->fpu.ftw >> physical & 1)
            any |= differs("ST", a->fpu.st[n], b->fpu.st[n], 10, say);
    }
    return any;
}

bool lockstep_same_cpu(const struct cpu *a, const struct cpu *b,
                       uint32_t undefined, uint32_t *flags, bool say)
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

/* ---- Code ----------------------------------------------------------------- */

static uint64_t phys_read(const struct cpu *c, uint64_t addr, unsigned size)
{
    const uint8_t *page = c->bus->ram_page(c->bus->ctx, addr & ~0xfffull,
                                           false);

    return page ? value(page + (addr & 0xfff), size) : 0;
}

#define PTE_P 1u
#define PTE_PS 0x80u
#define PTE_ADDR 0x000ffffffffff000ull

/* Physical address of `lin`, or all ones. Rights do not matter here. */
static uint64_t translate(const struct cpu *c, uint32_t lin)
{
    bool pae = c->cr4 & CR4_PAE;
    unsigned bytes = pae ? 8 : 4, bits = pae ? 9 : 10, large = 12 + bits;
    uint64_t table = c->cr3 & ~0xfffull, e;

    if (!(c->cr0 & CR0_PG))
        return lin;
    if (pae) {
        e = phys_read(c, (c->cr3 & ~0x1full) + (lin >> 30) * 8, 8);
        if (!(e & PTE_P))
            return ~0ull;
        table = e & PTE_ADDR;
    }
    e = phys_read(c, table + (lin >> large & ((1u << bits) - 1)) * bytes,
                  bytes);
    if (!(e & PTE_P))
        return ~0ull;
    if ((e & PTE_PS) && (pae || (c->cr4 & CR4_PSE)))
        return (e & PTE_ADDR & ~((1ull << large) - 1)) |
               (lin & ((1u << large) - 1));
    e = phys_read(c, (e & PTE_ADDR) +
                  (lin >> 12 & ((1u << bits) - 1)) * bytes, bytes);
    return e & PTE_P ? (e & PTE_ADDR) | (lin & 0xfff) : ~0ull;
}

unsigned lockstep_code(const struct cpu *c, uint8_t code[15])
{
    uint32_t lin = (uint32_t)(c->seg[CS].base + c->rip);
    const uint8_t *page = NULL;

    for (unsigned n = 0; n < 15; n++, lin++) {
        if (n == 0 || (lin & 0xfff) == 0) {
            uint64_t addr = translate(c, lin);

            page = addr == ~0ull ? NULL
                : c->bus->ram_page(c->bus->ctx, addr & ~0xfffull, false);
        }
        if (!page)
            return n;
        code[n] = page[lin & 0xfff];
    }
    return 15;
}

static bool is_prefix(uint8_t b)
{
    return b == 0x66 || b == 0x67 || b == 0xf0 || b == 0xf2 || b == 0xf3 ||
           b == 0x26 || b == 0x2e || b == 0x36 || b == 0x3e || b == 0x64 ||
           b == 0x65;
}

/* Length of ModRM with SIB and displacement. */
static unsigned modrm_length(const uint8_t *p, bool addr16)
{
    unsigned mod = p[0] >> 6, rm = p[0] & 7, n = 1;

    if (mod == 3)
        return 1;
    if (addr16)
        return n + (mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0);
    if (rm == 4 && n++ && mod == 0 && (p[1] & 7) == 5)
        return n + 4;
    return n + (mod == 1 ? 1 : mod == 2 || rm == 5 ? 4 : 0);
}

static int shift_count(const struct undefined_insn *i, const uint8_t *modrm,
                       bool addr16, const struct cpu *before)
{
    bool imm = i->map ? i->opcode == 0xa4 || i->opcode == 0xac
                      : (i->opcode & 0xfe) == 0xc0;
    bool cl = i->map ? i->opcode == 0xa5 || i->opcode == 0xad
                     : (i->opcode & 0xfe) == 0xd2;

    if (!i->map && (i->opcode & 0xfe) == 0xd0)
        return 1;
    if (imm)
        return modrm[modrm_length(modrm, addr16)] & 31;
    return cl ? (int)(before->gpr[RCX] & 31) : -1;
}

uint32_t lockstep_undefined(const uint8_t *code, unsigned len,
                            const struct cpu *before)
{
    bool wide = before->seg[CS].attr & SEG_DB, op16 = !wide, addr16 = !wide;
    struct undefined_insn i = { 0 };
    uint8_t padded[32] = { 0 };
    const uint8_t *p = padded;

    memcpy(padded, code, len);
    for (; is_prefix(*p); p++) {
        op16 ^= *p == 0x66 && op16 == !wide;
        addr16 ^= *p == 0x67 && addr16 == !wide;
    }
    if (*p == 0x0f) {
        i.map = 1;
        p++;
    }
    i.opcode = *p++;
    i.ext = *p >> 3 & 7;
    i.bits = !i.map && !(i.opcode & 1) ? 8 : op16 ? 16 : 32;
    i.count = shift_count(&i, p, addr16, before);
    return undefined_flags(&i);
}
