#include "tests/cpu/compare.h"

#include <stdio.h>
#include <string.h>

#include "emu/cpu/x87.h"
#include "tests/cpu/traits.h"

/* Where qemu-i386 puts the program's stack and what it maps without being told
 * where, and a page below it: accesses may reach into it. */
#define QEMU_MEMORY 0x3ffff000u
#define QEMU_MEMORY_SIZE 0x10000000u

struct area areas[AREA_COUNT] = {
    [AREA_DATA] = { .base = DATA_BASE, .size = DATA_SIZE },
    [AREA_STACK] = { .base = STACK_BASE, .size = STACK_SIZE },
    [AREA_LOWDATA] = { .base = LOWDATA_BASE, .size = LOWDATA_SIZE },
};

bool area_at(uint32_t linear, uint8_t **native, uint8_t **emulated)
{
    for (unsigned n = 0; n < AREA_COUNT; n++) {
        uint32_t off = linear - areas[n].base;

        if (off < areas[n].size && areas[n].native) {
            *native = areas[n].native + off;
            *emulated = areas[n].emulated + off;
            return true;
        }
    }
    return false;
}

void area_write(uint32_t linear, const void *bytes, unsigned n)
{
    const uint8_t *from = bytes;
    uint8_t *native, *emulated;

    for (unsigned k = 0; k < n; k++)
        if (area_at(linear + k, &native, &emulated))
            *native = *emulated = from[k];
}

static void area_copy(uint32_t linear, unsigned n)
{
    uint8_t *native, *emulated;

    for (unsigned k = 0; k < n; k++)
        if (area_at(linear + k, &native, &emulated))
            *emulated = *native;
}

void areas_equal(void)
{
    for (unsigned n = 0; n < AREA_COUNT; n++)
        if (areas[n].native)
            memcpy(areas[n].emulated, areas[n].native, areas[n].size);
}

/* ---- Differences ------------------------------------------------------ */

struct differ {
    bool quiet, found;
};

static void differ(struct differ *d, const char *what, unsigned n,
                   uint64_t native, uint64_t emulated)
{
    if (!d->quiet)
        printf("    %s%u: native %#llx, emulated %#llx\n", what, n,
               (unsigned long long)native, (unsigned long long)emulated);
    d->found = true;
}

static void check(struct differ *d, const char *what, unsigned n,
                  uint64_t native, uint64_t emulated)
{
    if (native != emulated)
        differ(d, what, n, native, emulated);
}

static void check_bytes(struct differ *d, const char *what, unsigned n,
                        const uint8_t *native, const uint8_t *emulated,
                        unsigned bytes)
{
    if (!memcmp(native, emulated, bytes))
        return;
    d->found = true;
    if (d->quiet)
        return;
    printf("    %s%u:", what, n);
    for (unsigned side = 0; side < 2; side++) {
        printf(side ? ", emulated " : " native ");
        for (unsigned k = bytes; k-- > 0;)
            printf("%02x", (side ? emulated : native)[k]);
    }
    printf("\n");
}

static void check_fpu(struct differ *d, const struct cpu_fpu *native,
                      const struct cpu_fpu *emulated)
{
    check(d, "fcw", 0, native->fcw, emulated->fcw);
    check(d, "fsw", 0, native->fsw, emulated->fsw);
    check(d, "ftw", 0, native->ftw, emulated->ftw);
    check(d, "mxcsr", 0, native->mxcsr & 0xffff, emulated->mxcsr & 0xffff);
    for (unsigned n = 0; n < 8; n++) {
        check_bytes(d, "st", n, native->st[n], emulated->st[n], 10);
        check_bytes(d, "xmm", n, native->xmm[n], emulated->xmm[n], 16);
    }
}

static void check_memory(struct differ *d)
{
    for (unsigned n = 0; n < AREA_COUNT; n++) {
        const struct area *a = &areas[n];

        if (!a->native || !memcmp(a->native, a->emulated, a->size))
            continue;
        for (uint32_t k = 0; k < a->size && !d->quiet; k++) {
            if (a->native[k] == a->emulated[k])
                continue;
            differ(d, "first byte in area ", n, a->native[k], a->emulated[k]);
            printf("      at %#x\n", a->base + k);
            break;
        }
        d->found = true;
    }
}

/*
 * The x87 pointers that an image in memory has: the host's are those of its
 * own instructions or absent, ours are tested by tests/unit/test_cpu_fpu.c.
 */
static void forget_pointers(const struct test *t)
{
    static const uint8_t zero[32];
    const struct form *f = t->form;
    bool stores_env = !f->map && f->rm == RM_MEM && f->ext == 6 &&
                      f->hint == H_ENV;

    if (stores_env && f->op16) {
        area_write(t->target + 6, zero, 8);
    } else if (stores_env) {
        area_write(t->target + 12, zero, 16);
    } else if (f->hint == H_FXSAVE) {
        area_write(t->target + 6, zero, 18);
        area_write(t->target + 28, zero, 4);
        if (t->long_mode)       /* XMM8 to XMM15 */
            area_copy(t->target + 288, 128);
    }
}

static void print_run(const struct test *t, const struct run_state *native,
                      const struct run_state *emulated)
{
    const struct run_state *in = &t->in;
    char name[32];

    form_name(t->form, name, sizeof(name));
    printf("  MISMATCH %s at %#x:", name, t->insn);
    for (unsigned n = 0; n < t->code.len; n++)
        printf(" %02x", t->code.bytes[n]);
    printf("\n    in: eax %08x ecx %08x edx %08x ebx %08x esp %08x ebp %08x"
           " esi %08x edi %08x\n    efl %08x fcw %04x fsw %04x ftw %02x "
           "mxcsr %08x target %08x\n    ends: native vector %d error %#x "
           "eip %#x, emulated vector %d error %#x eip %#x\n",
           in->gpr[0], in->gpr[1], in->gpr[2], in->gpr[3], in->gpr[4],
           in->gpr[5], in->gpr[6], in->gpr[7], in->eflags, in->fpu.fcw,
           in->fpu.fsw, in->fpu.ftw, in->fpu.mxcsr, t->target, native->vector,
           native->error, native->eip, emulated->vector, emulated->error,
           emulated->eip);
}

/*
 * Accesses memory in an order of its own: which byte faults first is open.
 * ARPL is a load and, if RPL grows, a store; or one access that is both.
 */
static bool microcoded(const struct form *f)
{
    bool arpl = !f->map && f->opcode == 0x63;

    return f->hint == H_ENV || f->hint == H_FXSAVE || f->hint == H_FXRSTOR ||
           arpl;
}

/* Where IA-32 code would be at that address of the code for 64-bit mode. */
static uint32_t map_eip(const struct test *t, uint32_t eip)
{
    for (unsigned n = 0; t->long_mode && n <= t->insns; n++) {
        uint32_t beyond = eip - t->insn - t->code64.start[n];

        if (beyond == 0 || (beyond == 1 && n == t->insns))
            return t->insn + t->code.start[n] + beyond;
    }
    return eip;
}

/*
 * Where the helper says nothing: it has memory of its own where the test has
 * none. Under QEMU's user mode it moreover does not know the end of a segment,
 * pops POPA's registers one by one, and lets ENTER leave ESP where a write
 * would fault, which is a #PF (SDM vol. 2, ENTER, exceptions in protected
 * mode).
 */
static bool reference_is_off(const struct test *t,
                             const struct run_state *native,
                             const struct run_state *emulated)
{
    bool page_fault = native->vector == EXC_PF;

    if (t->long_mode)
        return false;
    if (!ia32_under_qemu)
        return emulated->vector == EXC_PF && ia32_owns(emulated->cr2);
    if (emulated->vector == EXC_PF &&
        emulated->cr2 - QEMU_MEMORY < QEMU_MEMORY_SIZE)
        return true;
    if (t->form->hint == H_ENTER && !page_fault &&
        emulated->vector == EXC_PF && emulated->cr2 == native->gpr[RSP])
        return true;
    return page_fault &&
           (native->cr2 >= 0xfffffff0 ||
            (t->form->hint == H_POPA && emulated->vector == EXC_PF));
}

/* The host may have an interrupt in the middle of a run. */
static bool interrupt_cleared(unsigned s, uint16_t native, uint16_t emulated)
{
    return traits[TRAIT_NULL_CLEARED] && s != CS && s != SS && !native &&
           emulated <= 3;
}

static void check_all(struct differ *d, const struct test *t,
                      const struct run_state *native,
                      const struct run_state *emulated)
{
    uint32_t ignored = t->undefined | FLAG_RF | FLAG_IF;
    bool page_fault = native->vector == EXC_PF;
    uint32_t error_mask = page_fault ? 7 : ~0u;

    if (reference_is_off(t, native, emulated))
        return;
    /* Of #PF and #AC, either may be first (Intel and AMD differ). */
    bool both = native->vector == EXC_AC && emulated->vector == EXC_PF;

    if (!t->long_mode)
        check(d, "class", 0, (uint64_t)native->vector,
              (uint64_t)vector_class(emulated->vector));
    else if (!both)
        check(d, "vector", 0, (uint64_t)native->vector,
              (uint64_t)emulated->vector);
    if (native->vector == emulated->vector &&
        !(page_fault && microcoded(t->form)))
        check(d, "error", 0, native->error & error_mask,
              emulated->error & error_mask);
    if (page_fault && !microcoded(t->form))
        check(d, "cr2 ", 0, native->cr2, emulated->cr2);
    check(d, "eip", 0, map_eip(t, native->eip), emulated->eip);
    check(d, "eflags", 0, native->eflags & ~ignored,
          emulated->eflags & ~ignored);
    for (unsigned s = 0; !t->long_mode && s < SEG_COUNT; s++)
        if (!interrupt_cleared(s, native->seg[s], emulated->seg[s]))
            check(d, "seg", s, native->seg[s], emulated->seg[s]);
    if (t->long_mode)
        check_fpu(d, &native->fpu, &emulated->fpu);
    if (t->result_undefined)
        return;
    for (unsigned n = 0; n < 8; n++)
        check(d, "gpr", n, native->gpr[n], emulated->gpr[n]);
    check_memory(d);
}

bool compare_run(const struct test *t, const struct run_state *native,
                 const struct run_state *emulated, bool quiet)
{
    struct differ d = { .quiet = true };

    forget_pointers(t);
    check_all(&d, t, native, emulated);
    if (d.found && !quiet) {
        print_run(t, native, emulated);
        d.quiet = false;
        check_all(&d, t, native, emulated);
    }
    if (d.found || t->result_undefined)
        areas_equal();
    return !d.found;
}
