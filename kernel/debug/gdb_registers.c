/* See gdb_registers.h. */
#include "kernel/debug/gdb_registers.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "emu/cpu/cpu.h"
#include "emu/cpu/poke.h"

/* What a debugger may change of RFLAGS: not the mode that VM and IOPL make. */
#define FLAGS_OPEN (FLAGS_ARITH | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_NT | \
                    FLAG_RF | FLAG_AC | FLAG_ID)

enum { FS_BASE = 0xc0000100, GS_BASE = 0xc0000101 };      /* MSRs */

enum kind {
    GENERAL, IP, FLAGS, SEGMENT, X87, X87_CONTROL, XMM, MXCSR, BASE, SYSTEM
};

enum x87_control { FCTRL, FSTAT, FTAG, FISEG, FIOFF, FOSEG, FOOFF, FOP };

/* A run of registers of one kind, in the order of their numbers. */
struct group {
    enum kind kind;
    uint8_t count[2];           /* [wide] */
    uint8_t bytes[2];
    const char *feature;        /* that begins here, or NULL */
    const char *const *names[2];
    const char *type[2];
};

static const char *const general32[] = { "eax", "ecx", "edx", "ebx", "esp",
                                         "ebp", "esi", "edi" };
static const char *const general64[] = {
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10",
    "r11", "r12", "r13", "r14", "r15"
};
static const uint8_t order64[] = { RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP,
                                   R8, R9, R10, R11, R12, R13, R14, R15 };
static const char *const ip32[] = { "eip" }, *const ip64[] = { "rip" };
static const char *const flags[] = { "eflags" };
static const char *const segments[] = { "cs", "ss", "ds", "es", "fs", "gs" };
static const uint8_t segment_order[] = { CS, SS, DS, ES, FS, GS };
static const char *const x87[] = { "st0", "st1", "st2", "st3", "st4", "st5",
                                   "st6", "st7" };
static const char *const controls[] = { "fctrl", "fstat", "ftag", "fiseg",
                                        "fioff", "foseg", "fooff", "fop" };
static const char *const xmm[] = {
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
    "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
};
static const char *const mxcsr[] = { "mxcsr" };
static const char *const bases[] = { "fs_base", "gs_base" };
static const char *const systems[] = { "cr0", "cr2", "cr3", "cr4", "efer",
                                       "cr8", "k_gs_base" };
enum system { CR0, CR2, CR3, CR4, EFER, CR8, K_GS_BASE };

static const struct group groups[] = {
    { GENERAL, { 8, 16 }, { 4, 8 }, "org.gnu.gdb.i386.core",
      { general32, general64 }, { "int32", "int64" } },
    { IP, { 1, 1 }, { 4, 8 }, NULL, { ip32, ip64 },
      { "code_ptr", "code_ptr" } },
    { FLAGS, { 1, 1 }, { 4, 4 }, NULL, { flags, flags },
      { "i386_eflags", "i386_eflags" } },
    { SEGMENT, { 6, 6 }, { 4, 4 }, NULL, { segments, segments },
      { "int32", "int32" } },
    { X87, { 8, 8 }, { 10, 10 }, NULL, { x87, x87 },
      { "i387_ext", "i387_ext" } },
    { X87_CONTROL, { 8, 8 }, { 4, 4 }, NULL, { controls, controls },
      { "int", "int" } },
    { XMM, { 8, 16 }, { 16, 16 }, "org.gnu.gdb.i386.sse", { xmm, xmm },
      { "vec128", "vec128" } },
    { MXCSR, { 1, 1 }, { 4, 4 }, NULL, { mxcsr, mxcsr }, { "int", "int" } },
    { BASE, { 0, 2 }, { 4, 8 }, "org.gnu.gdb.i386.segments", { bases, bases },
      { "int32", "int64" } },
    { SYSTEM, { 5, 7 }, { 4, 8 }, "trestle.system", { systems, systems },
      { "uint32", "uint64" } },
};
#define GROUPS (sizeof groups / sizeof *groups)

/* The group of register n, which becomes its number there; NULL: none. */
static const struct group *find(bool wide, unsigned *n)
{
    for (size_t i = 0; i < GROUPS; i++) {
        if (*n < groups[i].count[wide])
            return &groups[i];
        *n -= groups[i].count[wide];
    }
    return NULL;
}

unsigned gdb_register_bytes(bool wide, unsigned n)
{
    const struct group *g = find(wide, &n);

    return g ? g->bytes[wide] : 0;
}

/* ---- x87 ----------------------------------------------------------------- */

/* The tag of a register that is not empty (SDM vol. 1, 8.1.7). */
static unsigned tag_of(const uint8_t st[10])
{
    uint64_t mantissa;
    uint16_t exponent;

    memcpy(&mantissa, st, 8);
    memcpy(&exponent, st + 8, 2);
    exponent &= 0x7fff;
    if (!exponent && !mantissa)
        return 1;
    return exponent && exponent != 0x7fff && mantissa >> 63 ? 0 : 2;
}

static uint32_t full_tags(const struct cpu_fpu *f)
{
    unsigned top = f->fsw >> 11 & 7;
    uint32_t tags = 0;

    for (unsigned n = 0; n < 8; n++) {
        unsigned tag = f->ftw >> n & 1 ? tag_of(f->st[(n - top) & 7]) : 3;

        tags |= tag << 2 * n;
    }
    return tags;
}

static uint8_t short_tags(uint32_t tags)
{
    uint8_t ftw = 0;

    for (unsigned n = 0; n < 8; n++)
        if ((tags >> 2 * n & 3) != 3)
            ftw |= (uint8_t)(1 << n);
    return ftw;
}

static uint32_t get_control(const struct cpu *c, bool wide, unsigned n)
{
    const struct cpu_fpu *f = &c->fpu;

    switch ((enum x87_control)n) {
    case FCTRL:
        return f->fcw;
    case FSTAT:
        return f->fsw;
    case FTAG:
        return full_tags(f);
    case FISEG:
        return wide ? (uint32_t)(f->fip64 >> 32) : f->fcs;
    case FIOFF:
        return f->fip;
    case FOSEG:
        return wide ? (uint32_t)(f->fdp64 >> 32) : f->fds;
    case FOOFF:
        return f->fdp;
    case FOP:
        break;
    }
    return f->fop;
}

static bool set_control(struct cpu *c, bool wide, unsigned n, uint32_t v)
{
    struct cpu_fpu *f = &c->fpu;

    switch ((enum x87_control)n) {
    case FCTRL:
        f->fcw = (uint16_t)((v & 0x1f3f) | 0x40);
        return true;
    case FSTAT:
        f->fsw = (uint16_t)v;
        return true;
    case FTAG:
        f->ftw = short_tags(v);
        return true;
    default:
        return get_control(c, wide, n) == v;
    }
}

/* ---- Values -------------------------------------------------------------- */

static uint64_t get_system(const struct cpu *c, unsigned n)
{
    switch ((enum system)n) {
    case CR0:
        return c->cr0;
    case CR2:
        return c->cr2;
    case CR3:
        return c->cr3;
    case CR4:
        return c->cr4;
    case EFER:
        return c->efer;
    case CR8:
        return cpu_cr8_read(c);
    case K_GS_BASE:
        break;
    }
    return c->kernel_gs_base;
}

/* As MOV to the register does, or WRMSR. */
static bool set_system(struct cpu *c, unsigned n, uint64_t v)
{
    static const struct {
        bool is_msr;
        uint32_t number;
    } registers[] = {
        [CR0] = { false, 0 }, [CR2] = { false, 2 }, [CR3] = { false, 3 },
        [CR4] = { false, 4 }, [EFER] = { true, 0xc0000080 },
        [CR8] = { false, 8 }, [K_GS_BASE] = { true, 0xc0000102 },
    };

    return registers[n].is_msr ? cpu_msr_write(c, registers[n].number, v)
                               : cpu_cr_write(c, registers[n].number, v);
}

/* All but the long ones. */
static uint64_t get_number(const struct cpu *c, bool wide, enum kind kind,
                           unsigned n)
{
    switch (kind) {
    case GENERAL:
        return c->gpr[wide ? order64[n] : n];
    case IP:
        return c->rip;
    case FLAGS:
        return c->rflags;
    case SEGMENT:
        return c->seg[segment_order[n]].sel;
    case X87_CONTROL:
        return get_control(c, wide, n);
    case MXCSR:
        return c->fpu.mxcsr;
    case BASE:
        return c->seg[n ? GS : FS].base;
    default:
        return get_system(c, n);
    }
}

static bool set_number(struct cpu *c, bool wide, enum kind kind, unsigned n,
                       uint64_t v)
{
    if (get_number(c, wide, kind, n) == v)
        return true;            /* a segment's hidden part stays, too */
    switch (kind) {
    case GENERAL:
        c->gpr[wide ? order64[n] : n] = v;
        return true;
    case IP:
        if (!cpu_canonical(v))
            return false;
        c->rip = cpu_in_64bit_mode(c) ? v : (uint32_t)v;
        return true;
    case FLAGS:
        c->rflags = (c->rflags & ~(uint64_t)FLAGS_OPEN) | (v & FLAGS_OPEN);
        return true;
    case X87_CONTROL:
        return set_control(c, wide, n, (uint32_t)v);
    case MXCSR:
        c->fpu.mxcsr = (uint32_t)v & c->fpu.mxcsr_mask;
        return true;
    case SEGMENT:
        return !(v >> 16) &&
               cpu_poke_segment(c, (enum cpu_segreg)segment_order[n],
                                (uint16_t)v);
    case BASE:
        return cpu_msr_write(c, n ? GS_BASE : FS_BASE, v);
    default:
        return set_system(c, n, v);
    }
}

static uint8_t *long_one(struct cpu *c, enum kind kind, unsigned n)
{
    return kind == X87 ? c->fpu.st[n] : kind == XMM ? c->fpu.xmm[n] : NULL;
}

void gdb_register_get(const struct cpu *c, bool wide, unsigned n,
                      uint8_t *out)
{
    const struct group *g = find(wide, &n);
    const uint8_t *p = g ? long_one((struct cpu *)c, g->kind, n) : NULL;
    uint64_t v;

    if (!g)
        return;
    if (p) {
        memcpy(out, p, g->bytes[wide]);
        return;
    }
    v = get_number(c, wide, g->kind, n);
    memcpy(out, &v, g->bytes[wide]);
}

bool gdb_register_set(struct cpu *c, bool wide, unsigned n, const uint8_t *in)
{
    const struct group *g = find(wide, &n);
    uint8_t *p = g ? long_one(c, g->kind, n) : NULL;
    uint64_t v = 0;

    if (!g)
        return false;
    if (p) {
        memcpy(p, in, g->bytes[wide]);
        return true;
    }
    memcpy(&v, in, g->bytes[wide]);
    return set_number(c, wide, g->kind, n, v);
}

/* ---- The description ----------------------------------------------------- */

struct text {
    char *out;
    size_t size, len;
};

static void add(struct text *t, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    t->len += (size_t)vsnprintf(t->len < t->size ? t->out + t->len : NULL,
                                t->len < t->size ? t->size - t->len : 0, fmt,
                                ap);
    va_end(ap);
}

static void add_flags(struct text *t)
{
    static const struct {
        const char *name;
        uint8_t first, last;
    } fields[] = {
        { "CF", 0, 0 }, { "PF", 2, 2 }, { "AF", 4, 4 }, { "ZF", 6, 6 },
        { "SF", 7, 7 }, { "TF", 8, 8 }, { "IF", 9, 9 }, { "DF", 10, 10 },
        { "OF", 11, 11 }, { "NT", 14, 14 }, { "RF", 16, 16 },
        { "VM", 17, 17 }, { "AC", 18, 18 }, { "ID", 21, 21 },
    };

    add(t, "<flags id=\"i386_eflags\" size=\"4\">");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        add(t, "<field name=\"%s\" start=\"%u\" end=\"%u\"/>", fields[i].name,
            fields[i].first, fields[i].last);
    add(t, "</flags>\n");
}

static void add_vector(struct text *t)
{
    static const struct {
        const char *id, *type;
        unsigned count;
    } views[] = {
        { "v4_float", "ieee_single", 4 }, { "v2_double", "ieee_double", 2 },
        { "v16_int8", "int8", 16 }, { "v8_int16", "int16", 8 },
        { "v4_int32", "int32", 4 }, { "v2_int64", "int64", 2 },
    };
    const size_t count = sizeof views / sizeof *views;

    for (size_t i = 0; i < count; i++)
        add(t, "<vector id=\"%s\" type=\"%s\" count=\"%u\"/>", views[i].id,
            views[i].type, views[i].count);
    add(t, "<union id=\"vec128\">");
    for (size_t i = 0; i < count; i++)
        add(t, "<field name=\"%s\" type=\"%s\"/>", views[i].id, views[i].id);
    add(t, "<field name=\"uint128\" type=\"uint128\"/></union>\n");
}

static void add_group(struct text *t, const struct group *g, bool wide)
{
    for (unsigned n = 0; n < g->count[wide]; n++)
        add(t, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"/>\n",
            g->names[wide][n], g->bytes[wide] * 8, g->type[wide]);
}

size_t gdb_registers_xml(bool wide, char *out, size_t size)
{
    struct text t = { out, size, 0 };
    bool in_feature = false;

    add(&t, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM "
        "\"gdb-target.dtd\">\n<target><architecture>%s</architecture>\n",
        wide ? "i386:x86-64" : "i386");
    for (size_t i = 0; i < GROUPS; i++) {
        const struct group *g = &groups[i];

        if (!g->count[wide])
            continue;
        if (g->feature) {
            add(&t, "%s<feature name=\"%s\">\n",
                in_feature ? "</feature>\n" : "", g->feature);
            in_feature = true;
        }
        if (g->kind == GENERAL)
            add_flags(&t);
        if (g->kind == XMM)
            add_vector(&t);
        add_group(&t, g, wide);
    }
    add(&t, "</feature></target>\n");
    return t.len;
}
