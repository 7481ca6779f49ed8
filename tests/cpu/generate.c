#include "tests/cpu/generate.h"

#include <string.h>

#include "tests/cpu/encode.h"
#include "tests/cpu/random.h"
#include "tests/cpu/traits.h"

/* ---- State ------------------------------------------------------------ */

static void random_fpu(struct cpu_fpu *f)
{
    memset(f, 0, sizeof(*f));
    f->fcw = (uint16_t)(0x37f ^ (one_in(3) ? random64() & 0xf00 : 0));
    if (one_in(6))
        f->fcw &= (uint16_t)~(random64() & 0x3f);
    f->fsw = (uint16_t)(random64() & 0x3800);
    if (one_in(3))
        f->fsw |= random64() & 0x477f & (f->fcw | 0x4740);
    f->ftw = one_in(3) ? (uint8_t)random64() : 0xff;
    if (one_in(8))
        f->ftw = 0;
    if (one_in(64)) {           /* pending */
        f->fsw |= 0x8080 | (1u << random_below(6));
        f->fcw &= (uint16_t)~(f->fsw & 0x3f);
    }
    f->mxcsr = 0x1f80;
    if (one_in(3))
        f->mxcsr |= random64() & 0xe07f;
    if (one_in(6))
        f->mxcsr &= ~(random64() & 0x1f80);
    f->mxcsr_mask = 0xffff;
    for (unsigned n = 0; n < 8; n++) {
        random_real80(f->st[n]);
        random_bytes(f->xmm[n], 16, true);
    }
}

static void random_state(struct test *t)
{
    struct run_state *s = &t->in;

    memset(s, 0, sizeof(*s));
    random_fpu(&s->fpu);
    for (unsigned n = 0; n < 8; n++)
        s->gpr[n] = random_int();
    s->gpr[RSP] = STACK_BASE + PAGE + 64 * random_below(8);
    if (one_in(16))
        s->gpr[RSP] += random_below(64);
    if (one_in(64))
        s->gpr[RSP] = STACK_BASE + random_below(STACK_SIZE);
    s->eflags = FLAG_1 | FLAG_IF | (random64() & FLAGS_ARITH);
    if (one_in(4))
        s->eflags |= FLAG_DF;
    if (one_in(32))
        s->eflags |= FLAG_AC;
    if (one_in(16))
        s->eflags |= FLAG_ID;
    s->seg[CS] = SEL_CODE;
    s->seg[SS] = s->seg[DS] = s->seg[ES] = s->seg[GS] = SEL_DATA;
    t->insn = CODE_START + random_below(64);
    t->code.len = t->code64.len = 0;
    t->insns = 0;
    t->target = 0;
}

/* ---- Memory operands -------------------------------------------------- */

static uint32_t pick_data(const struct build *b)
{
    uint32_t base = b->addr16 ? LOWDATA_BASE : DATA_BASE;
    uint32_t middle = base + PAGE / 2 + 16 * random_below(64);

    switch (random_below(16)) {
    case 0:
        return middle + random_below(16);
    case 1:
        return middle + 4 * random_below(16);
    case 2:                     /* across the two pages */
        return base + PAGE - random_below(20);
    case 3:
        if (!one_in(4))
            return middle;
        return base - 8 + random_below(16);     /* first bytes are absent */
    case 4:
        if (!one_in(4))
            return middle;
        return base + DATA_RW - random_below(20);
    case 5:
        return one_in(4) ? base + DATA_SIZE - random_below(20) : middle;
    default:
        return middle;
    }
}

static void fill_target(const struct build *b)
{
    uint8_t bytes[64];

    random_bytes(bytes, sizeof(bytes), b->f->hint == H_FLOAT ||
                 b->f->hint == H_ENV);
    area_write(b->t->target, bytes, sizeof(bytes));
}

/* ---- Preparations by hint --------------------------------------------- */

static uint32_t code_target(const struct form *f)
{
    if (f->op16)
        return LOWCODE_BASE + random_below(PAGE);
    return CODE_BASE + random_below(0x600);
}

static void put32(uint32_t at, uint32_t v)
{
    area_write(at, &v, 4);
}

/* Words of the operand size from `at` on. */
static void put_words(const struct form *f, uint32_t at, const uint32_t *v,
                      unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        area_write(at + k * (f->op16 ? 2 : 4), &v[k], f->op16 ? 2 : 4);
}

static uint32_t pick_selector(void)
{
    /* beyond the GDT, in an LDT that is not there, other privileges */
    static const uint16_t selectors[] = { SEL_DATA & ~3u, SEL_DATA & ~2u,
                                          SEL_CODE, SEL_CODE & ~3u, 0, 1, 3,
                                          0x0c, 0xfff8, 0x7ffb };

    return one_in(2) ? SEL_DATA
        : selectors[random_below(sizeof(selectors) / sizeof(selectors[0]))];
}

static void prepare_fxrstor(uint32_t at)
{
    struct cpu_fpu image;

    random_fpu(&image);
    image.fip = image.fdp = 0;
    if (one_in(16))
        image.mxcsr |= 1u << (18 + random_below(14));
    area_write(at, &image, 288);
}

static void prepare_stack(struct build *b)
{
    uint32_t words[10];
    uint32_t esp = b->t->in.gpr[RSP];

    for (unsigned n = 0; n < 10; n++)
        words[n] = random_int();
    switch (b->f->hint) {
    case H_RETN:
    case H_RETF:
        words[0] = code_target(b->f);
        words[1] = SEL_CODE;
        break;
    case H_IRET:
        words[0] = code_target(b->f);
        words[1] = SEL_CODE;
        words[2] = random_below(2) ? 0x202 : (random64() & 0x250fd7) | 2;
        words[2] &= ~FLAG_TF;
        break;
    case H_POPF:
        words[0] &= ~(FLAG_TF | FLAG_NT);
        break;
    case H_POP_SREG:
        words[0] = pick_selector();
        break;
    case H_LEAVE:
        b->t->in.gpr[RBP] = esp + 4 * random_below(16);
        break;
    default:
        break;
    }
    put_words(b->f, esp, words, 10);
}

static void prepare_memory(struct build *b)
{
    uint32_t at = b->t->target, words[2] = { random_int(), SEL_DATA };

    switch (b->f->hint) {
    case H_JMP_RM:
    case H_FAR_MEM:
        words[0] = code_target(b->f);
        words[1] = SEL_CODE;
        put_words(b->f, at, words, 2);
        break;
    case H_LXS:
        words[1] = pick_selector();
        put_words(b->f, at, words, 2);
        break;
    case H_SREG:
    case H_SELECTOR:
        put32(at, pick_selector());
        break;
    case H_BOUND:
        words[0] = -random_below(64);
        words[1] = random_below(64);
        put_words(b->f, at, words, 2);
        break;
    case H_CMPXCHG:
        if (one_in(2)) {
            put32(at, b->t->in.gpr[RAX]);
            put32(at + 4, b->t->in.gpr[RDX]);
        }
        break;
    case H_LDMXCSR:
        put32(at, (uint32_t)random64() & 0xffff);
        break;
    case H_FXRSTOR:
        prepare_fxrstor(at);
        break;
    default:
        break;
    }
}

/* Register values an instruction needs to get anywhere. */
static void prepare_registers(struct build *b)
{
    uint32_t *gpr = b->t->in.gpr;
    uint32_t near = pick_data(b), other = pick_data(b);

    switch (b->f->hint) {
    case H_STRING:
        gpr[RSI] = near;
        gpr[RDI] = one_in(4) ? near + random_below(16) : other;
        gpr[RCX] = one_in(32) ? random_int() : random_below(24);
        break;
    case H_MASKMOV:
        gpr[RDI] = near;
        break;
    case H_XLAT:
        gpr[RBX] = near;
        break;
    case H_DIV:
        if (!one_in(4))
            gpr[RDX] = one_in(2) ? 0 : (uint32_t)((int32_t)gpr[RAX] >> 31);
        break;
    case H_DIV_AL:
        if (!one_in(4))
            gpr[RAX] = (uint32_t)(int8_t)gpr[RAX];
        break;
    case H_CMPXCHG:
        break;
    default:
        return;
    }
    b->t->target = near;
    fill_target(b);
    b->t->target = other;
    fill_target(b);
}

static void prepare_rm_register(struct build *b, unsigned rm)
{
    uint32_t *gpr = b->t->in.gpr;

    switch (b->f->hint) {
    case H_JMP_RM:
        gpr[rm] = code_target(b->f);
        break;
    case H_SREG:
    case H_SELECTOR:
        gpr[rm] = pick_selector();
        break;
    case H_CMPXCHG:
        if (one_in(2))
            gpr[RAX] = gpr[rm];
        break;
    case H_DIV:
        if (rm == RDX || rm == RAX)
            gpr[rm] = 1 + random_below(1000);
        break;
    default:
        break;
    }
}

/* ---- Instructions ----------------------------------------------------- */

/*
 * What an x87 store that faults leaves behind is predicted of an instruction
 * alone (predict.c): in a sequence none must fault.
 */
static uint32_t pick_operand(struct build *b)
{
    bool stops = traits[TRAIT_X87_NO_STORE] || traits[TRAIT_X87_PARTS];

    b->absolute = b->sequence && stops && form_x87_store(b->f);
    return b->absolute ? DATA_BASE + PAGE / 2 + 16 * random_below(64)
                       : pick_data(b);
}

static void emit_modrm(struct build *b)
{
    const struct form *f = b->f;
    unsigned reg = f->ext >= 0 ? (unsigned)f->ext : random_below(8);
    unsigned rm = random_below(8);

    if (reg == RSP && f->ext < 0 && (b->sequence || !one_in(8)))
        reg = RBX;
    if (f->rm == RM_FIXED) {
        encode_value(b, f->modrm, 1);
        return;
    }
    if (f->rm == RM_REG) {
        if (rm == RSP && (b->sequence || !one_in(8)))
            rm = RBX;
        if (!b->sequence)
            prepare_rm_register(b, rm);
        encode_value(b, 0xc0 | reg << 3 | rm, 1);
        return;
    }
    if (f->hint == H_BT && !b->sequence && !one_in(4))
        b->t->in.gpr[reg] = (uint32_t)((int)random_below(2048) - 1024);
    if (f->hint == H_BOUND && !one_in(4))
        b->t->in.gpr[reg] = (uint32_t)((int)random_below(128) - 64);
    b->t->target = pick_operand(b);
    fill_target(b);
    prepare_memory(b);
    encode_memory(b, reg);
}

static void emit_imm(struct build *b)
{
    const struct form *f = b->f;
    static const uint8_t vectors[] = { 0, 3, 3, 4, 4, 6, 13, 0x30, 0xff };
    uint32_t imm = random_int();

    switch (f->hint) {
    case H_REL8:                /* not back into the instruction */
        imm = random_below(108) + 2;
        encode_relative(b, b->t->insn + (one_in(2) ? 16 + imm : -imm));
        return;
    case H_RELZ:
        encode_relative(b, code_target(f));
        return;
    case H_FAR_IMM:
        encode_value(b, code_target(f), f->imm - 2);
        encode_value(b, one_in(8) ? pick_selector() : SEL_CODE, 2);
        return;
    case H_ENTER:
        encode_value(b, random_below(128), 2);
        encode_value(b, one_in(2) ? 0 : random_below(4), 1);
        if (!one_in(8) || ia32_under_qemu)
            b->t->in.gpr[RBP] = b->t->in.gpr[RSP] + 4 * random_below(16);
        return;
    case H_RETN:
    case H_RETF:
        imm = random_below(256);
        break;
    case H_INT:                 /* some others are system calls */
        imm = vectors[random_below(sizeof(vectors))];
        break;
    default:
        break;
    }
    encode_value(b, imm, f->imm);
}

static void emit_moffs(struct build *b)
{
    b->t->target = pick_data(b);
    fill_target(b);
    encode_value(b, b->t->target, b->addr16 ? 2 : 4);
}

/* GS in place of the default changes nothing; CS makes writes fault. */
static void pick_prefixes(struct build *b)
{
    static const uint8_t segments[] = { 0x26, 0x36, 0x3e, 0x65, 0x2e };
    bool ia32 = !b->t->long_mode;
    bool code_segment = ia32 && !ia32_under_qemu && one_in(8);

    if (!encode_has_address(b->f))
        return;
    b->addr16 = ia32 && one_in(4);
    if (one_in(8))
        b->override = segments[random_below(code_segment ? 5 : 4)];
}

static void build_insn(struct test *t, const struct form *f, bool sequence)
{
    struct build b = { .t = t, .f = f, .sequence = sequence };

    t->form = f;
    pick_prefixes(&b);
    if (!sequence)
        prepare_registers(&b);
    encode_prefixes(&b);
    encode_opcode(&b);
    if (f->rm != RM_NONE)
        emit_modrm(&b);
    if (f->hint == H_MOFFS)
        emit_moffs(&b);
    if (f->imm)
        emit_imm(&b);
    if (!sequence)
        prepare_stack(&b);
    encode_end(&b);
}

void generate_one(struct test *t, const struct form *f, bool long_mode)
{
    random_state(t);
    t->long_mode = long_mode;
    if (!long_mode)             /* Linux's sigreturn leaves ID alone */
        t->in.eflags &= ~(FLAG_AC | FLAG_ID);
    build_insn(t, f, false);
    t->in.eip = t->insn;
    undefined_find(t);
}

/* ---- Sequences -------------------------------------------------------- */

/* Faults, jumps and addresses out of registers end a program too early. */
static bool fits_sequence(const struct form *f)
{
    bool stack = !f->map && ((f->opcode >= 0x50 && f->opcode <= 0x5f) ||
                             f->opcode == 0x9c || f->opcode == 0x60);

    /* results undefined by count or operand size */
    bool loose = f->map && f->op16 &&
                 ((f->opcode & 0xf6) == 0xa4 || (f->opcode & 0xf8) == 0xc8);

    bool esp = f->rm == RM_NONE && (f->opcode & 7) == RSP;

    if (f->hint == H_FLOAT)
        return true;
    if (loose || esp)
        return false;
    return f->hint == H_NONE && f->good && !f->faults && !stack;
}

static const struct form *pick_form(bool long_mode)
{
    const struct form *f;

    do
        f = &forms[random_below(forms_count)];
    while (!fits_sequence(f) || (long_mode && !encode_long_mode(f)));
    return f;
}

void generate_sequence(struct test *t, unsigned n, bool long_mode)
{
    random_state(t);
    t->long_mode = long_mode;
    t->in.eflags &= ~FLAG_AC;
    for (unsigned k = 0; k < n; k++) {
        build_insn(t, pick_form(long_mode), true);
        encode_bytes(t, "\x39\xd0", 2);     /* CMP EAX, EDX: all flags */
    }
    t->in.eip = t->insn;
    t->undefined = 0;
    t->result_undefined = false;
}
