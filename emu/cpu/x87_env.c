/*
 * x87 state as a whole: environment and save images in their four layouts
 * (Intel SDM vol. 1, figures 8-9 to 8-12), FXSAVE (table 10-2), tags, FNINIT.
 */
#include "emu/cpu/x87.h"

#include <string.h>

#include "emu/cpu/host_fpu.h"

#define FXSAVE_BYTES 288        /* up to XMM7; the rest stays as it is */
#define ENV_MAX 28
#define FSAVE_REGS 80

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, (uint16_t)v);
    put16(p + 2, (uint16_t)(v >> 16));
}

void x87_set_top(struct cpu_fpu *f, unsigned top)
{
    unsigned shift = (top - x87_top(f)) & 7;
    uint8_t old[8][16];

    f->fsw = (uint16_t)((f->fsw & ~FSW_TOP) | top << 11);
    if (!shift)
        return;
    memcpy(old, f->st, sizeof(old));
    for (unsigned n = 0; n < 8; n++)
        memcpy(f->st[n], old[(n + shift) & 7], 16);
}

void x87_sync_summary(struct cpu *c)
{
    struct cpu_fpu *f = &c->fpu;

    if (x87_pending(f)) {
        f->fsw |= FSW_ES | FSW_B;
        return;
    }
    f->fsw &= (uint16_t)~(FSW_ES | FSW_B);
    if (!(c->cr0 & CR0_NE))
        c->bus->ferr(c->bus->ctx, false);
}

void x87_init(struct cpu *c)
{
    struct cpu_fpu *f = &c->fpu;

    x87_set_top(f, 0);
    f->fcw = FCW_INIT;
    f->fsw = 0;
    f->ftw = 0;
    f->fop = 0;
    f->fip = f->fdp = 0;
    f->fcs = f->fds = 0;
    x87_sync_summary(c);
}

/* Tag of one non-empty register (SDM vol. 1, 8.1.7). */
static unsigned tag_of(const uint8_t *r)
{
    unsigned exp = get16(r + 8) & 0x7fff;
    uint32_t hi = get32(r + 4), lo = get32(r);

    if (exp == 0)
        return hi | lo ? 2 : 1;
    return exp == 0x7fff || !(hi >> 31) ? 2 : 0;
}

uint16_t x87_full_tags(const struct cpu_fpu *f)
{
    unsigned top = x87_top(f), tags = 0;

    for (unsigned n = 0; n < 8; n++) {
        unsigned tag = f->ftw >> n & 1 ? tag_of(f->st[(n - top) & 7]) : 3;

        tags |= tag << (2 * n);
    }
    return (uint16_t)tags;
}

static uint8_t abridge_tags(uint16_t full)
{
    unsigned tags = 0;

    for (unsigned n = 0; n < 8; n++)
        if ((full >> (2 * n) & 3) != 3)
            tags |= 1u << n;
    return (uint8_t)tags;
}

static bool real_layout(const struct cpu *c)
{
    return !(c->cr0 & CR0_PE) || c->rflags & FLAG_VM;
}

/* The real-mode layouts hold linear addresses. */
static uint32_t linear(uint16_t sel, uint32_t off)
{
    return ((uint32_t)sel << 4) + off;
}

/* Build the environment in `p`; returns 14 or 28 bytes. */
static unsigned env_build(const struct cpu *c, bool op16, uint8_t *p)
{
    const struct cpu_fpu *f = &c->fpu;
    unsigned w = op16 ? 2 : 4;
    uint32_t ip = f->fip, cs = f->fcs, dp = f->fdp, ds = f->fds;

    if (real_layout(c)) {
        uint32_t lip = linear(f->fcs, f->fip), ldp = linear(f->fds, f->fdp);

        ip = lip & 0xffff;
        cs = lip >> 16 << 12 | f->fop;
        dp = ldp & 0xffff;
        ds = ldp >> 16 << 12;
        if (!op16) {            /* reserved halves read as ones */
            ip |= 0xffff0000u;
            dp |= 0xffff0000u;
        }
    } else if (!op16) {
        cs |= (uint32_t)f->fop << 16;
        ds |= 0xffff0000u;
    }
    memset(p, 0xff, ENV_MAX);
    put16(p, f->fcw);
    put16(p + w, f->fsw);
    put16(p + 2 * w, x87_full_tags(f));
    if (op16) {
        put16(p + 6, (uint16_t)ip);
        put16(p + 8, (uint16_t)cs);
        put16(p + 10, (uint16_t)dp);
        put16(p + 12, (uint16_t)ds);
        return 14;
    }
    put32(p + 12, ip);
    put32(p + 16, cs);
    put32(p + 20, dp);
    put32(p + 24, ds);
    return 28;
}

static void env_apply(struct cpu *c, bool op16, const uint8_t *p)
{
    struct cpu_fpu *f = &c->fpu;
    unsigned w = op16 ? 2 : 4;
    uint16_t fsw = get16(p + w);
    uint32_t v[4];              /* IP, CS, DP, DS words */

    for (unsigned n = 0; n < 4; n++)
        v[n] = op16 ? get16(p + 6 + 2 * n) : get32(p + 12 + 4 * n);
    f->fcw = get16(p);
    x87_fix_fcw(f);
    x87_set_top(f, (fsw & FSW_TOP) >> 11);
    f->fsw = fsw;
    f->ftw = abridge_tags(get16(p + 2 * w));
    if (real_layout(c)) {
        f->fip = (v[0] & 0xffff) | v[1] >> 12 << 16;
        f->fop = v[1] & 0x7ff;
        f->fdp = (v[2] & 0xffff) | v[3] >> 12 << 16;
        f->fcs = f->fds = 0;
    } else {
        f->fip = v[0];
        f->fcs = (uint16_t)v[1];
        f->fop = op16 ? 0 : v[1] >> 16 & 0x7ff;
        f->fdp = v[2];
        f->fds = (uint16_t)v[3];
    }
    x87_sync_summary(c);
}

void x87_fldenv(struct cpu *c, const struct insn *i)
{
    bool op16 = i->flags & INSN_OP16;
    uint8_t env[ENV_MAX];

    fpu_read(c, i, insn_ea(c, i), env, op16 ? 14 : 28, op16 ? 2 : 4);
    env_apply(c, op16, env);
}

void x87_fnstenv(struct cpu *c, const struct insn *i)
{
    uint8_t env[ENV_MAX];
    bool op16 = i->flags & INSN_OP16;
    unsigned n = env_build(c, op16, env);

    fpu_write(c, i, insn_ea(c, i), env, n, op16 ? 2 : 4);
    c->fpu.fcw |= FSW_EXC;      /* masks all */
    x87_sync_summary(c);
}

void x87_frstor(struct cpu *c, const struct insn *i)
{
    bool op16 = i->flags & INSN_OP16;
    unsigned n = op16 ? 14 : 28;
    uint8_t image[ENV_MAX + FSAVE_REGS];

    fpu_read(c, i, insn_ea(c, i), image, n + FSAVE_REGS, op16 ? 2 : 4);
    env_apply(c, op16, image);
    for (unsigned r = 0; r < 8; r++)
        memcpy(c->fpu.st[r], image + n + 10 * r, 10);
}

void x87_fnsave(struct cpu *c, const struct insn *i)
{
    uint8_t image[ENV_MAX + FSAVE_REGS];
    bool op16 = i->flags & INSN_OP16;
    unsigned n = env_build(c, op16, image);

    for (unsigned r = 0; r < 8; r++)
        memcpy(image + n + 10 * r, c->fpu.st[r], 10);
    fpu_write(c, i, insn_ea(c, i), image, n + FSAVE_REGS, op16 ? 2 : 4);
    x87_init(c);
}

void x87_fxsave(struct cpu *c, const struct insn *i)
{
    uint32_t ea = insn_ea(c, i);
    struct cpu_fpu image;

    fpu_check_ac(c, i, ea, 4);
    x87_check_align16(c, i, ea);
    image = c->fpu;
    image.reserved0 = 0;
    image.reserved1 = image.reserved2 = 0;
    image.mxcsr_mask = MXCSR_VALID;
    for (unsigned r = 0; r < 8; r++)
        memset(image.st[r] + 10, 0, 6);
    mem_write(c, i->seg, ea, &image, FXSAVE_BYTES);
}

void x87_fxrstor(struct cpu *c, const struct insn *i)
{
    uint32_t ea = insn_ea(c, i);
    struct cpu_fpu image;

    fpu_check_ac(c, i, ea, 4);
    x87_check_align16(c, i, ea);
    mem_read(c, i->seg, ea, &image, FXSAVE_BYTES);
    if (image.mxcsr & ~MXCSR_VALID)
        cpu_raise(c, EXC_GP, 0);
    memcpy(&c->fpu, &image, FXSAVE_BYTES);
    c->fpu.fop &= 0x7ff;
    c->fpu.mxcsr_mask = MXCSR_VALID;
    x87_fix_fcw(&c->fpu);
    x87_sync_summary(c);
}
