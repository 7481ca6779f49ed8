/*
 * EFLAGS beyond the arithmetic flags, and segment registers read, in translated
 * code. Privilege is the trace's: at CPL 0 all is permitted, at CPL 3 what
 * needs IOPL is the handler's; so are CPL 1 and 2.
 */
#include "emu/jit/gen.h"

#include "emu/cpu/features.h"

/* The byte of the guest's EFLAGS that has IF and DF. */
static struct mem eflags_high(void)
{
    return cpu_at(offsetof(struct cpu, rflags) + 1);
}

static bool is_cpl0(const struct gen *g)
{
    return g->trace->mode & TRACE_CPL0;
}

/* Group 1 on a byte in memory. */
static void byte_op(struct gen *g, unsigned op, struct mem m, uint8_t v)
{
    flags_lose_host(g);
    asm_rm(&g->code, 0x80, 0, op, m);
    asm_8(&g->code, v);
}

static void set_bits(struct gen *g, uint32_t flag)
{
    byte_op(g, 1, eflags_high(), (uint8_t)(flag >> 8)); /* OR */
}

static void clear_bits(struct gen *g, uint32_t flag)
{
    byte_op(g, 4, eflags_high(), (uint8_t)~(flag >> 8));        /* AND */
}

bool emit_cli(struct gen *g, const struct insn *i)
{
    if (!is_cpl0(g))
        return false;
    clear_bits(g, FLAG_IF);
    return true;
}

/*
 * The next instruction is of the same trace, and nobody looks for interrupts
 * before it is done: that is STI's shadow. What is pending already is the
 * handler's.
 */
bool emit_sti(struct gen *g, const struct insn *i)
{
    struct code *a = &g->code;
    uint8_t *done;

    if (!is_cpl0(g) || g->k + 1u >= g->trace->n)
        return false;
    flags_lose_host(g);
    asm_rm(a, 0xf6, 0, 0, eflags_high());               /* TEST */
    asm_8(a, FLAG_IF >> 8);
    done = asm_jcc(a, COND_NZ);
    asm_cmp_mi(a, AT(exact_count), 0xff);
    stub_new(g, STUB_SLOW, asm_jcc(a, COND_NBE));
    set_bits(g, FLAG_IF);
    asm_patch(done, a->p);
    return true;
}

/* CLD, STD. */
bool emit_direction(struct gen *g, const struct insn *i)
{
    if (g->op & 1)
        set_bits(g, FLAG_DF);
    else
        clear_bits(g, FLAG_DF);
    return true;
}

/* ---- PUSHF, POPF --------------------------------------------------------------- */

static void alu_r11(struct gen *g, unsigned op, uint32_t v)
{
    asm_alu_ri(&g->code, op, 4, R11, v);
}

void flags_image(struct gen *g)
{
    const uint32_t hidden = FLAGS_ARITH | FLAG_RF | FLAG_VM;
    struct code *a = &g->code;

    flags_to_host(g);
    flags_will_write(g, R11);
    flags_lose_host(g);
    asm_8(a, 0x9c);                                     /* PUSHFQ */
    asm_r(a, 0x58, 0, R11);                             /* POP */
    alu_r11(g, 4, FLAGS_ARITH);                         /* AND */
    asm_load(a, R9, AT(rflags));
    asm_alu_ri(a, 4, 4, R9, ~hidden);
    asm_alu_rr(a, 1, 4, R11, R9);                       /* OR */
}

bool emit_pushf(struct gen *g, const struct insn *i)
{
    struct code *a = &g->code;

    if (i->flags & INSN_OP16)
        return false;
    flags_image(g);
    asm_store(a, mem_stack(g, -4, ACCESS_WRITE), R11);
    flags_will_write(g, R12);
    asm_lea(a, R12, asm_at(R12, -4));
    return true;
}

/* R11's arithmetic flags into run.saved, as SAVED_FLAGS. */
static void save_r11(struct gen *g)
{
    struct code *a = &g->code;

    asm_rr(a, 0xb6, ASM_0F, R9, R11);                   /* MOVZX */
    asm_rr(a, 0xc1, 0, 4, R9);                          /* SHL */
    asm_8(a, 8);
    asm_rr(a, 0xc1, 0, 5, R11);                         /* SHR */
    asm_8(a, 11);
    _Static_assert(FLAG_OF == 1u << 11, "is bit 0 then");
    alu_r11(g, 4, 1);                                   /* AND */
    asm_alu_rr(a, 1, 4, R9, R11);                       /* OR */
    asm_store(a, AT(run.saved.a), R9);
    asm_store_i(a, AT(run.saved.how), saved_how(SAVED_FLAGS, 1));
    g->flags = (struct flag_state){ .saved = true };
}

/* Ends its trace, so that the next one's entry sees interrupts. */
bool emit_popf(struct gen *g, const struct insn *i)
{
    uint32_t rare = FLAG_TF | FLAG_NT | FLAG_AC | FLAG_ID;
    uint32_t mine = FLAG_DF;
    struct code *a = &g->code;

    if ((i->flags & INSN_OP16) ||
        !(g->trace->mode & (TRACE_CPL0 | TRACE_USER)))
        return false;
    if (is_cpl0(g)) {
        rare |= FLAG_IOPL;
        mine |= FLAG_IF;
    } else {
        rare |= FLAG_IF;        /* by IOPL */
    }
    flags_lose_host(g);
    flags_will_write(g, R11);
    asm_load(a, R11, mem_stack(g, 0, ACCESS_READ));
    asm_mov_rr(a, R9, R11);
    asm_rm(a, 0x33, 0, R9, AT(rflags));                 /* XOR */
    asm_rr(a, 0xf7, 0, 0, R9);                          /* TEST */
    asm_32(a, rare);
    stub_new(g, STUB_SLOW, asm_jcc(a, COND_NZ));
    asm_alu_ri(a, 4, 4, R9, mine);                      /* AND */
    asm_rm(a, 0x31, 0, R9, AT(rflags));                 /* XOR */
    save_r11(g);
    asm_lea(a, R12, asm_at(R12, 4));
    return true;
}

/* ---- RDTSC ------------------------------------------------------------------------ */

static void alu64(struct gen *g, unsigned op, struct mem m)
{
    asm_rm(&g->code, op, ASM_W, RAX, m);
}

static void shift64(struct gen *g, unsigned op, unsigned reg)
{
    asm_rr(&g->code, 0xc1, ASM_W, op, reg);
    asm_8(&g->code, 32);
}

/* What is refused, and time that the host's TSC does not tell: the handler's. */
static void check_tsc(struct gen *g)
{
    struct code *a = &g->code;

    flags_lose_host(g);
    if (!is_cpl0(g)) {
        asm_rm(a, 0xf6, 0, 0, AT(cr4));                 /* TEST */
        asm_8(a, CR4_TSD);
        stub_new(g, STUB_SLOW, asm_jcc(a, COND_NZ));
    }
    asm_rm(a, 0x83, ASM_W, 7, AT(tsc.rate));            /* CMP */
    asm_8(a, 0);
    stub_new(g, STUB_SLOW, asm_jcc(a, COND_Z));
}

/* As struct cpu_tsc says. Two readings are not equal: not for check=on. */
bool emit_rdtsc(struct gen *g, const struct insn *i)
{
    struct code *a = &g->code;

    if (g->jit->check || !cpu_has(g->jit->interp->cpu, CPUID_TSC))
        return false;
    check_tsc(g);
    flags_will_write(g, RAX);
    flags_will_write(g, RDX);
    asm_8(a, 0x0f);                                     /* RDTSC */
    asm_8(a, 0x31);
    shift64(g, 4, RDX);                                 /* SHL */
    asm_rr(a, 0x09, ASM_W, RDX, RAX);                   /* OR RAX, RDX */
    alu64(g, 0x2b, AT(tsc.host));                       /* SUB */
    alu64(g, 0x3b, AT(tsc.limit));                      /* CMP */
    stub_new(g, STUB_SLOW, asm_jcc(a, COND_NBE));
    asm_rm(a, 0xf7, ASM_W, 4, AT(tsc.rate));            /* MUL */
    asm_rr(a, 0xac, ASM_0F | ASM_W, RDX, RAX);          /* SHRD */
    asm_8(a, 32);
    alu64(g, 0x03, AT(tsc.guest));                      /* ADD */
    alu64(g, 0x3b, AT(tsc.last));                       /* CMP */
    asm_rm(a, 0x42, ASM_0F | ASM_W, RAX, AT(tsc.last)); /* CMOVB */
    alu64(g, 0x89, AT(tsc.last));                       /* MOV */
    alu64(g, 0x03, AT(tsc_offset));
    asm_rr(a, 0x89, ASM_W, RAX, RDX);
    shift64(g, 5, RDX);                                 /* SHR */
    asm_mov_rr(a, RAX, RAX);
    return true;
}

/* ---- Segment registers ------------------------------------------------------------ */

static void load_selector(struct gen *g, unsigned to, unsigned seg, unsigned how)
{
    flags_will_write(g, to);
    asm_rm(&g->code, how & ASM_16 ? 0x8b : 0xb7, how & ASM_16 ? how : ASM_0F,
           to, AT(seg[seg].sel));
}

/* 8C. */
bool emit_mov_from_seg(struct gen *g, const struct insn *i)
{
    unsigned seg = insn_reg(i);

    if (insn_mod(i) == 3) {
        load_selector(g, host_reg(insn_rm(i)), seg,
                      i->flags & INSN_OP16 ? ASM_16 : 0);
        return true;
    }
    if (!mem_native(g, i, ACCESS_WRITE))
        return false;
    load_selector(g, R11, seg, 0);
    asm_rm(&g->code, 0x89, ASM_16, R11, mem_operand(g, i, 2, ACCESS_WRITE));
    return true;
}

/* 06, 0E, 16, 1E, 0F A0, 0F A8. */
bool emit_push_seg(struct gen *g, const struct insn *i)
{
    unsigned seg = g->op < 0xa0 ? g->op >> 3 : g->op < 0xa8 ? FS : GS;

    if (i->flags & INSN_OP16)
        return false;
    load_selector(g, R11, seg, 0);
    asm_store(&g->code, mem_stack(g, -4, ACCESS_WRITE), R11);
    flags_will_write(g, R12);
    asm_lea(&g->code, R12, asm_at(R12, -4));
    return true;
}
