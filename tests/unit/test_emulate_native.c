/*
 * The one-instruction emulator against this processor: random 64-bit
 * instructions with a memory operand, run natively on a buffer and emulated on
 * a guest that has the same bytes at the same addresses. The guest's buffer is
 * RAM or MMIO by turns. TEST_COUNT sets how many, TEST_SEED which.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "tests/unit/emul_harness.h"

#define DATA_BYTES 0x2000u      /* two pages */
#define GUEST_CODE 0x4000u
#define GUEST_RAM  0x10000u

/* ---- The native side ------------------------------------------------------ */

struct native {
    uint64_t gpr[16];
    uint64_t flags;
    struct cpu_fpu fpu;
};

struct native native_state;
uint64_t native_host_rsp;
void *native_code;
void native_run(void);
extern char native_back[];

/*
 * Load native_state, jump to native_code, whose last instruction jumps to
 * native_back; store it again.
 */
__asm__(
    ".text\n"
    "native_run:\n\t"
    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n\t"
    "mov %rsp, native_host_rsp(%rip)\n\t"
    "fxrstor64 native_state+144(%rip)\n\t"
    "push native_state+128(%rip); popfq\n\t"
    "mov native_state+0(%rip), %rax; mov native_state+8(%rip), %rcx\n\t"
    "mov native_state+16(%rip), %rdx; mov native_state+24(%rip), %rbx\n\t"
    "mov native_state+40(%rip), %rbp\n\t"
    "mov native_state+48(%rip), %rsi; mov native_state+56(%rip), %rdi\n\t"
    "mov native_state+64(%rip), %r8; mov native_state+72(%rip), %r9\n\t"
    "mov native_state+80(%rip), %r10; mov native_state+88(%rip), %r11\n\t"
    "mov native_state+96(%rip), %r12; mov native_state+104(%rip), %r13\n\t"
    "mov native_state+112(%rip), %r14; mov native_state+120(%rip), %r15\n\t"
    "mov native_state+32(%rip), %rsp\n\t"
    "jmp *native_code(%rip)\n"
    "native_back:\n\t"
    "mov %rax, native_state+0(%rip); mov %rcx, native_state+8(%rip)\n\t"
    "mov %rdx, native_state+16(%rip); mov %rbx, native_state+24(%rip)\n\t"
    "mov %rsp, native_state+32(%rip); mov %rbp, native_state+40(%rip)\n\t"
    "mov %rsi, native_state+48(%rip); mov %rdi, native_state+56(%rip)\n\t"
    "mov %r8, native_state+64(%rip); mov %r9, native_state+72(%rip)\n\t"
    "mov %r10, native_state+80(%rip); mov %r11, native_state+88(%rip)\n\t"
    "mov %r12, native_state+96(%rip); mov %r13, native_state+104(%rip)\n\t"
    "mov %r14, native_state+112(%rip); mov %r15, native_state+120(%rip)\n\t"
    "mov native_host_rsp(%rip), %rsp\n\t"
    "pushfq; popq native_state+128(%rip); cld\n\t"
    "fxsave64 native_state+144(%rip)\n\t"
    "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n\t"
    "ret\n");
_Static_assert(offsetof(struct native, fpu) == 144, "as the code above has it");

/* ---- Random numbers ------------------------------------------------------- */

static uint64_t random_state;

static uint64_t rnd(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static unsigned below(unsigned n) { return (unsigned)(rnd() >> 20) % n; }

/* Operands worth trying: near the ends of each size, or anything. */
static uint64_t operand(void)
{
    static const uint64_t edges[] = {
        0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff,
        0x80000000, 0xffffffff, INT64_MAX, 1ull << 63, UINT64_MAX,
    };

    return below(3) ? rnd() : edges[below(14)];
}

/* ---- Instructions --------------------------------------------------------- */

enum form {
    RM,                         /* ModRM with memory, any reg field */
    GROUP,                      /* the same with reg field `n` */
    BIT,                        /* RM whose register is a bit number */
    MOFFS, STRING, PUSH_POP, MASKMOV, WIDE
};

struct pattern {
    uint8_t map, first, last, prefix, form, n;
    char imm;                   /* B, Z, or 0 */
    uint8_t align;              /* of the operand */
    bool fixed_size;            /* no 66 or REX.W */
    bool wide;                  /* no 66, but perhaps REX.W */
    uint16_t undefined;         /* flags that the processor may set at will */
};
#define AFTER_IMUL (FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF)
#define AFTER_SHIFT (FLAG_OF | FLAG_AF)
#define AFTER_BIT (FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF)

static const struct pattern patterns[] = {
    { 0, 0x00, 0x03, .form = RM }, { 0, 0x08, 0x0b, .form = RM },
    { 0, 0x10, 0x13, .form = RM }, { 0, 0x18, 0x1b, .form = RM },
    { 0, 0x20, 0x23, .form = RM }, { 0, 0x28, 0x2b, .form = RM },
    { 0, 0x30, 0x33, .form = RM }, { 0, 0x38, 0x3b, .form = RM },
    { 0, 0x63, 0x63, .form = RM },
    { 0, 0x69, 0x69, .form = RM, .imm = 'Z', .undefined = AFTER_IMUL },
    { 0, 0x6b, 0x6b, .form = RM, .imm = 'B', .undefined = AFTER_IMUL },
    { 0, 0x80, 0x80, .form = RM, .imm = 'B' },
    { 0, 0x81, 0x81, .form = RM, .imm = 'Z' },
    { 0, 0x83, 0x83, .form = RM, .imm = 'B' },
    { 0, 0x84, 0x8b, .form = RM },
    { 0, 0xa0, 0xa3, .form = MOFFS },
    { 0, 0xa4, 0xa7, .form = STRING }, { 0, 0xaa, 0xaf, .form = STRING },
    { 0, 0xc0, 0xc1, .form = RM, .imm = 'B', .undefined = AFTER_SHIFT },
    { 0, 0xc6, 0xc6, .form = GROUP, .imm = 'B' },
    { 0, 0xc7, 0xc7, .form = GROUP, .imm = 'Z' },
    { 0, 0xd0, 0xd3, .form = RM, .undefined = AFTER_SHIFT },
    { 0, 0xf6, 0xf6, .form = GROUP, .imm = 'B' },
    { 0, 0xf7, 0xf7, .form = GROUP, .imm = 'Z' },
    { 0, 0xf6, 0xf7, .form = GROUP, .n = 2 },
    { 0, 0xf6, 0xf7, .form = GROUP, .n = 3 },
    { 0, 0xf6, 0xf7, .form = GROUP, .n = 4, .undefined = AFTER_IMUL },
    { 0, 0xf6, 0xf7, .form = GROUP, .n = 5, .undefined = AFTER_IMUL },
    { 0, 0xf6, 0xf7, .form = GROUP, .n = 6, .undefined = FLAGS_ARITH },
    { 0, 0xf6, 0xf7, .form = GROUP, .n = 7, .undefined = FLAGS_ARITH },
    { 0, 0xfe, 0xff, .form = GROUP, .n = 0 },
    { 0, 0xfe, 0xff, .form = GROUP, .n = 1 },
    { 0, 0xff, 0xff, .form = GROUP, .n = 6 },
    { 0, 0x8f, 0x8f, .form = GROUP, .n = 0 },
    { 0, 0x50, 0x5f, .form = PUSH_POP },
    { 0, 0x68, 0x68, .form = PUSH_POP, .imm = 'Z' },
    { 0, 0x6a, 0x6a, .form = PUSH_POP, .imm = 'B' },
    { 1, 0x40, 0x4f, .form = RM }, { 1, 0x90, 0x9f, .form = RM },
    { 1, 0xa3, 0xa3, .form = BIT, .undefined = AFTER_BIT },
    { 1, 0xab, 0xab, .form = BIT, .undefined = AFTER_BIT },
    { 1, 0xb3, 0xb3, .form = BIT, .undefined = AFTER_BIT },
    { 1, 0xbb, 0xbb, .form = BIT, .undefined = AFTER_BIT },
    { 1, 0xba, 0xba, .form = GROUP, .n = 4, .imm = 'B',
      .undefined = AFTER_BIT },
    { 1, 0xba, 0xba, .form = GROUP, .n = 5, .imm = 'B',
      .undefined = AFTER_BIT },
    { 1, 0xba, 0xba, .form = GROUP, .n = 6, .imm = 'B',
      .undefined = AFTER_BIT },
    { 1, 0xba, 0xba, .form = GROUP, .n = 7, .imm = 'B',
      .undefined = AFTER_BIT },
    { 1, 0xaf, 0xaf, .form = RM, .undefined = AFTER_IMUL },
    { 1, 0xb0, 0xb1, .form = RM },
    { 1, 0xb6, 0xb7, .form = RM }, { 1, 0xbe, 0xbf, .form = RM },
    { 1, 0xc0, 0xc1, .form = RM },
    { 1, 0xc7, 0xc7, .form = WIDE, .n = 1, .align = 16 },
    { 1, 0xc3, 0xc3, .form = RM, .n = 9 },
    { 1, 0x10, 0x13, .form = RM, .fixed_size = true },
    { 1, 0x10, 0x13, 0x66, RM, .fixed_size = true },
    { 1, 0x10, 0x11, 0xf3, RM, .fixed_size = true },
    { 1, 0x10, 0x11, 0xf2, RM, .fixed_size = true },
    { 1, 0x12, 0x12, 0xf2, RM, .fixed_size = true },
    { 1, 0x12, 0x12, 0xf3, RM, .align = 16, .fixed_size = true },
    { 1, 0x16, 0x16, 0xf3, RM, .align = 16, .fixed_size = true },
    { 1, 0x16, 0x17, .form = RM, .fixed_size = true },
    { 1, 0x28, 0x29, .form = RM, .align = 16, .fixed_size = true },
    { 1, 0x2b, 0x2b, 0x66, RM, .align = 16, .fixed_size = true },
    { 1, 0x6e, 0x6f, .form = RM, .wide = true },
    { 1, 0x7e, 0x7f, .form = RM, .wide = true },
    { 1, 0xe7, 0xe7, .form = RM, .fixed_size = true },
    { 1, 0xc4, 0xc4, .form = RM, .imm = 'B', .fixed_size = true },
    { 1, 0xc4, 0xc4, 0x66, RM, .imm = 'B', .fixed_size = true },
    { 1, 0xf7, 0xf7, .form = MASKMOV },
    { 1, 0xf7, 0xf7, .prefix = 0x66, .form = MASKMOV },
    { 1, 0x6e, 0x6e, 0x66, RM, .wide = true },
    { 1, 0x7e, 0x7e, 0x66, RM, .wide = true },
    { 1, 0x6e, 0x6f, 0x66, RM, .align = 16, .fixed_size = true },
    { 1, 0x6f, 0x6f, 0xf3, RM, .fixed_size = true },
    { 1, 0x7e, 0x7f, 0x66, RM, .align = 16, .fixed_size = true },
    { 1, 0x7e, 0x7f, 0xf3, RM, .fixed_size = true },
    { 1, 0xd6, 0xd6, 0x66, RM, .fixed_size = true },
    { 1, 0xe7, 0xe7, 0x66, RM, .align = 16, .fixed_size = true },
    { 1, 0xf0, 0xf0, 0xf2, RM, .fixed_size = true },
    { 2, 0x2a, 0x2a, 0x66, RM, .align = 16, .fixed_size = true },
    { 2, 0xf0, 0xf1, .form = RM },
};

/* One instruction under construction, and the state to run it in. */
struct trial {
    struct emul_harness *h;
    uint8_t *code;              /* executable, native */
    uint8_t *data;              /* DATA_BYTES */
    uint8_t bytes[16];
    unsigned len;
    struct native start;
    uint8_t content[DATA_BYTES];
    bool mmio;
    const struct pattern *pattern;
};

static void put(struct trial *t, uint64_t v, unsigned size)
{
    memcpy(t->bytes + t->len, &v, size);
    t->len += size;
}

static void put_opcode(struct trial *t, const struct pattern *p,
                       uint8_t opcode, unsigned rex)
{
    if (p->prefix)
        put(t, p->prefix, 1);
    if (rex)
        put(t, 0x40 | rex, 1);
    if (p->map)
        put(t, 0x0f, 1);
    if (p->map > 1)
        put(t, p->map == 2 ? 0x38 : 0x3a, 1);
    put(t, opcode, 1);
}

static unsigned imm_size(const struct pattern *p, bool word)
{
    return p->imm == 'B' ? 1 : p->imm == 'Z' ? word ? 2 : 4 : 0;
}

/* Where the operand may be: 64 bytes from either end, and on the border. */
static uint64_t pick_target(struct trial *t, unsigned align)
{
    uint64_t at = below(4) ? 64 + below(DATA_BYTES - 128) : 0xff1 + below(15);

    if (align > 1)
        at &= ~(uint64_t)(align - 1);
    return (uint64_t)(uintptr_t)t->data + at;
}

/* ModRM, SIB and displacement that lead to `target`; sets base and index. */
static void put_memory(struct trial *t, unsigned reg, unsigned base,
                       unsigned index, uint64_t target, unsigned after)
{
    unsigned mod = below(3), scale = below(4), kind = below(3);
    int disp = mod == 1 ? (int8_t)rnd()
             : mod == 2 ? (int)below(0x2000) - 4096 : 0;

    if (kind == 0) {            /* RIP-relative */
        uint64_t next = (uint64_t)(uintptr_t)t->code + t->len + 5 + after;

        put(t, (reg & 7) << 3 | 5, 1);
        put(t, target - next, 4);
        return;
    }
    if (mod == 0 && (base & 7) == RBP)
        mod = 1;
    if (kind == 1 && (base & 7) != RSP) {
        put(t, mod << 6 | (reg & 7) << 3 | (base & 7), 1);
        t->start.gpr[base] = target - (uint64_t)(int64_t)disp;
    } else {
        bool no_index = index == RSP || index == base;

        put(t, mod << 6 | (reg & 7) << 3 | 4, 1);
        put(t, scale << 6 | (no_index ? 4 : index & 7) << 3 | (base & 7), 1);
        if (!no_index)
            t->start.gpr[index] = operand();
        t->start.gpr[base] = target - (uint64_t)(int64_t)disp -
                             (no_index ? 0 : t->start.gpr[index] << scale);
    }
    if (mod)
        put(t, (uint64_t)(int64_t)disp, mod == 1 ? 1 : 4);
}

static unsigned pick_reg_not(unsigned a, unsigned b)
{
    unsigned n;

    do
        n = below(16);
    while (n == a || n == b || n == RSP);
    return n;
}

static void make_rm(struct trial *t, const struct pattern *p, uint8_t opcode)
{
    bool word = !p->fixed_size && !p->wide && p->n != 9 && !below(4);
    unsigned reg = p->form == GROUP || p->form == WIDE ? p->n : below(16);
    unsigned base = pick_reg_not(p->form == BIT ? reg : RCX, reg),
             index, rex;
    uint64_t target = pick_target(t, p->align);
    bool high = reg >= 4 && reg < 8;    /* AH.. is part of another register */

    if (high && base == reg - 4)
        base = pick_reg_not(reg, base);
    do
        index = below(16);
    while (index == base || index == reg || (index != RSP && index == RCX) ||
           (high && index == reg - 4));
    rex = (reg & 8) >> 1 | (index & 8) >> 2 | (base & 8) >> 3;
    if (p->form == GROUP || p->form == WIDE)
        rex &= 3;
    if (!p->fixed_size && !below(3) && opcode != 0x8f &&
        !(opcode == 0xff && p->n == 6))
        rex |= 8;
    if (p->form == WIDE)
        word = false;
    if (p->form == BIT)
        t->start.gpr[reg] = (uint64_t)(int64_t)((int)below(512) - 256);
    if (word)
        put(t, 0x66, 1);
    put_opcode(t, p, opcode, rex);
    put_memory(t, reg, base, index, target, imm_size(p, word && !(rex & 8)));
    if (imm_size(p, word && !(rex & 8)))
        put(t, operand(), imm_size(p, word && !(rex & 8)));
}

static void make_string(struct trial *t, uint8_t opcode)
{
    unsigned rep = below(3), size = opcode & 1 ? 4 : 1;
    unsigned count = rep ? below(40) : 1;
    bool down = t->start.flags & FLAG_DF;

    if (below(3) == 0) {
        put(t, 0x66, 1);
        size = opcode & 1 ? 2 : 1;
    }
    if (rep)
        put(t, 0xf1 + rep, 1);
    if (below(2)) {
        put(t, 0x48, 1);
        size = opcode & 1 ? 8 : 1;
    }
    put(t, opcode, 1);
    t->start.gpr[RCX] = rep ? count : operand();
    for (unsigned n = RSI; n <= RDI; n++)
        t->start.gpr[n] = (uint64_t)(uintptr_t)t->data + 512 +
                          below(DATA_BYTES - 1024) +
                          (down ? size * count : 0) - (down ? 0 : 256);
}

static void make_push_pop(struct trial *t, const struct pattern *p,
                          uint8_t opcode)
{
    bool word = !below(4);

    if (word)
        put(t, 0x66, 1);
    if (!p->imm && below(2))
        put(t, 0x41, 1);
    put(t, opcode, 1);
    if (p->imm)
        put(t, operand(), imm_size(p, word));
}

/* Registers only; memory is at RDI. */
static void make_maskmov(struct trial *t, const struct pattern *p,
                         uint8_t opcode)
{
    put_opcode(t, p, opcode, below(16) & 5);
    put(t, 0xc0 | below(64), 1);
    t->start.gpr[RDI] = pick_target(t, 1);
}

/* MM registers and their tags as x87 instructions left them; all of XMM. */
static void make_fpu(struct cpu_fpu *f)
{
    memset(f, 0, sizeof(*f));
    f->fcw = 0x37f;
    f->fsw = (uint16_t)(below(8) << 11);
    f->ftw = (uint8_t)rnd();
    f->mxcsr = 0x1f80;
    for (unsigned n = 0; n < 80; n++)
        f->st[n / 10][n % 10] = (uint8_t)rnd();
    for (unsigned n = 0; n < 256; n++)
        f->xmm[n / 16][n % 16] = (uint8_t)rnd();
}

static void make_trial(struct trial *t)
{
    const struct pattern *p = &patterns[below(sizeof(patterns) /
                                              sizeof(patterns[0]))];
    uint8_t opcode = p->first + below(p->last - p->first + 1);
    const uint64_t flags = FLAGS_ARITH | FLAG_DF;

    t->pattern = p;
    t->len = 0;
    for (unsigned n = 0; n < 16; n++)
        t->start.gpr[n] = operand();
    t->start.gpr[RSP] = (uint64_t)(uintptr_t)t->data + 64 +
                        below(DATA_BYTES - 128);
    t->start.flags = (rnd() & flags) | FLAG_1 | FLAG_IF;
    make_fpu(&t->start.fpu);
    for (unsigned n = 0; n < DATA_BYTES; n += 8) {
        uint64_t v = operand();

        memcpy(t->content + n, &v, 8);
    }
    if (p->form == MOFFS) {
        if (below(2))
            put(t, 0x48, 1);
        put(t, opcode, 1);
        put(t, pick_target(t, 1), 8);
    } else if (p->form == STRING) {
        make_string(t, opcode);
    } else if (p->form == PUSH_POP) {
        make_push_pop(t, p, opcode);
    } else if (p->form == MASKMOV) {
        make_maskmov(t, p, opcode);
    } else {
        make_rm(t, p, opcode);
    }
    t->mmio = below(2);
}

/* ---- Running both --------------------------------------------------------- */

static sigjmp_buf divide_error;

static void on_divide_error(int signal)
{
    siglongjmp(divide_error, 1);
}

/* Division may fault: on a stack of its own, as RSP is a trial's. */
static void catch_divide_errors(void)
{
    static uint8_t stack[1 << 16];
    const stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };
    const struct sigaction action = { .sa_handler = on_divide_error,
                                      .sa_flags = SA_ONSTACK };

    assert_int_equal(sigaltstack(&alt, NULL), 0);
    assert_int_equal(sigaction(SIGFPE, &action, NULL), 0);
}

/* False: #DE. */
static bool run_native(struct trial *t)
{
    static const uint8_t jump[] = { 0xff, 0x25, 0, 0, 0, 0 };
    uintptr_t back = (uintptr_t)native_back;

    memcpy(t->code, t->bytes, t->len);
    memcpy(t->code + t->len, jump, sizeof(jump));
    memcpy(t->code + t->len + sizeof(jump), &back, 8);
    memcpy(t->data, t->content, DATA_BYTES);
    native_state = t->start;
    native_code = t->code;
    if (sigsetjmp(divide_error, 1))
        return false;
    native_run();
    return true;
}

static enum emul_status run_emulated(struct trial *t, struct emul_raise *raise)
{
    struct emul_harness *h = t->h;
    uint64_t data = (uint64_t)(uintptr_t)t->data;
    uint64_t phys = t->mmio ? EMUL_MMIO : GUEST_RAM;
    struct cpu *c = &h->cpu;

    memcpy(h->ram + GUEST_CODE, t->bytes, t->len);
    memcpy(h->ram + phys, t->content, DATA_BYTES);
    for (uint64_t n = 0; n < DATA_BYTES; n += 0x1000)
        emul_harness_map(h, data + n, phys + n, PTE_RW);
    memcpy(c->gpr, t->start.gpr, sizeof(t->start.gpr));
    c->rflags = t->start.flags;
    c->fpu = t->start.fpu;
    c->rip = (uint64_t)(uintptr_t)t->code;
    return emul_step(c, raise);
}

static bool same(const struct trial *t, enum emul_status status)
{
    const struct emul_harness *h = t->h;
    const struct cpu *c = &h->cpu;
    uint64_t phys = t->mmio ? EMUL_MMIO : GUEST_RAM;
    const uint64_t flags = (FLAGS_ARITH | FLAG_DF) & ~t->pattern->undefined;

    return status == EMUL_DONE &&
           c->rip == (uint64_t)(uintptr_t)t->code + t->len &&
           !memcmp(c->gpr, native_state.gpr, sizeof(native_state.gpr)) &&
           !((c->rflags ^ native_state.flags) & flags) &&
           c->fpu.fsw == native_state.fpu.fsw &&
           c->fpu.ftw == native_state.fpu.ftw &&
           !memcmp(c->fpu.st, native_state.fpu.st, sizeof(c->fpu.st)) &&
           !memcmp(c->fpu.xmm, native_state.fpu.xmm, 256) &&
           !memcmp(h->ram + phys, t->data, DATA_BYTES);
}

/* The processor raised #DE and changed nothing. */
static bool same_error(const struct trial *t, enum emul_status status,
                       const struct emul_raise *raise)
{
    const struct cpu *c = &t->h->cpu;

    return status == EMUL_RAISE && raise->vector == EXC_DE &&
           c->rip == (uint64_t)(uintptr_t)t->code &&
           !memcmp(c->gpr, t->start.gpr, sizeof(t->start.gpr));
}

static void report(const struct trial *t, enum emul_status status)
{
    const struct cpu *c = &t->h->cpu;
    uint64_t phys = t->mmio ? EMUL_MMIO : GUEST_RAM;

    printf("insn");
    for (unsigned n = 0; n < t->len; n++)
        printf(" %02x", t->bytes[n]);
    printf(": status %d\n", status);
    for (unsigned n = 0; n < 16; n++)
        printf("%2u: %016llx -> native %016llx emulated %016llx\n", n,
               (unsigned long long)t->start.gpr[n],
               (unsigned long long)native_state.gpr[n],
               (unsigned long long)c->gpr[n]);
    printf("flags %llx -> %llx %llx\n", (unsigned long long)t->start.flags,
           (unsigned long long)native_state.flags,
           (unsigned long long)c->rflags);
    for (unsigned n = 0; n < DATA_BYTES; n++)
        if (t->h->ram[phys + n] != t->data[n])
            printf("byte %x: %02x -> %02x %02x\n", n, t->content[n],
                   t->data[n], t->h->ram[phys + n]);
}

static unsigned long setting(const char *name, unsigned long otherwise)
{
    const char *v = getenv(name);

    return v ? strtoul(v, NULL, 0) : otherwise;
}

static void test_against_processor(void **state)
{
    unsigned long count = setting("TEST_COUNT", 300000), errors = 0;
    static struct trial t;

    catch_divide_errors();
    random_state = setting("TEST_SEED", 0x1234567) | 1;
    t.h = emul_harness_new();
    emul_harness_long(t.h);
    t.code = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE | PROT_EXEC,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    t.data = mmap(NULL, DATA_BYTES, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(t.code != MAP_FAILED && t.data != MAP_FAILED);
    emul_harness_map(t.h, (uint64_t)(uintptr_t)t.code, GUEST_CODE, PTE_RW);
    for (unsigned long n = 0; n < count; n++) {
        struct emul_raise raise = { 0 };
        enum emul_status status;
        bool ended;

        make_trial(&t);
        ended = run_native(&t);
        status = run_emulated(&t, &raise);
        errors += !ended;
        if (!(ended ? same(&t, status) : same_error(&t, status, &raise))) {
            report(&t, status);
            fail_msg("trial %lu differs", n);
        }
    }
    assert_true(errors > count / 200);
    assert_true(t.h->mmio_reads > count / 4 && t.h->mmio_writes > count / 4);
    munmap(t.code, 0x1000);
    munmap(t.data, DATA_BYTES);
    emul_harness_free(t.h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_processor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
