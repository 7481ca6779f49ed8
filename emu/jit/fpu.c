/*
 * The guest's x87, MMX and XMM state while translated code runs. It goes into
 * the host's registers when an instruction first needs it there, and back
 * before any C is called, as C uses these registers too, and its handlers look
 * at struct cpu. There it executes natively what cannot raise an exception:
 * all of them are masked, TS and EM are clear. With any other state,
 * instructions go by their handlers.
 *
 * FXSAVE would tell where the host executed the last x87 instruction. The
 * guest's own FIP and so on are kept beside (run.fpu), and written when code is
 * about to be left.
 */
#include "emu/jit/gen.h"

#include "emu/cpu/host_fpu.h"
#include "emu/cpu/x87.h"

/* ---- At run time ------------------------------------------------------------ */

static unsigned fit(const struct cpu *c)
{
    const struct cpu_fpu *f = &c->fpu;
    unsigned what = 0;

    if (c->cr0 & (CR0_TS | CR0_EM))
        return 0;
    if ((f->fcw & FSW_EXC) == FSW_EXC)
        what |= FPU_X87;
    if ((c->cr4 & CR4_OSFXSR) && (f->mxcsr & MXCSR_MASKS) == MXCSR_MASKS)
        what |= FPU_SSE;
    return what;
}

const void *jit_fpu_load(struct cpu *c, uint32_t site)
{
    unsigned want = site >> JIT_OPERAND_SHIFT, have = fit(c);

    if (want & ~have)
        return jit_run_rest(c, JIT_SITE(site));
    c->interp->jit->counts.fpu_loads++;
    c->fpu.mxcsr &= MXCSR_VALID;
    memcpy(&c->run.fpu.fip, &c->fpu.fip, 16);
    c->run.fpu.fop = c->fpu.fop;
    c->run.fpu.host_fcw = FCW_INIT;
    c->run.fpu.host_mxcsr = MXCSR_DEFAULT;
    c->run.fpu.live = (uint8_t)have;
    return NULL;
}
_Static_assert(offsetof(struct cpu_run, fpu.fds) -
               offsetof(struct cpu_run, fpu.fip) ==
               offsetof(struct cpu_fpu, fds) - offsetof(struct cpu_fpu, fip),
               "copied as a whole");

/* ---- Common code -------------------------------------------------------------- */

static void test_live(struct code *a, unsigned what)
{
    asm_rm(a, 0xf6, 0, 0, AT(run.fpu.live));            /* TEST */
    asm_8(a, (uint8_t)what);
}

static void copy(struct code *a, size_t to, size_t from)
{
    asm_load64(a, RAX, cpu_at(from));
    asm_rm(a, 0x89, ASM_W, RAX, cpu_at(to));
}

/*
 * Called when something is live; uses RAX. EMMS waits for pending exceptions,
 * which FPU_X87 excludes, and is much faster than FNINIT.
 */
void fpu_common_save(struct jit *j, struct code *a)
{
    uint8_t *slow, *done;

    asm_rm(a, 0xae, ASM_0F, 0, AT(fpu));                /* FXSAVE */
    test_live(a, FPU_X87);
    slow = asm_jcc(a, COND_Z);
    asm_8(a, 0x0f);                                     /* EMMS */
    asm_8(a, 0x77);
    asm_rm(a, 0xd9, 0, 5, AT(run.fpu.host_fcw));        /* FLDCW */
    done = asm_jmp(a);
    asm_patch(slow, a->p);
    asm_8(a, 0xdb);                                     /* FNINIT */
    asm_8(a, 0xe3);
    asm_patch(done, a->p);
    asm_rm(a, 0xae, ASM_0F, 2, AT(run.fpu.host_mxcsr)); /* LDMXCSR */
    copy(a, offsetof(struct cpu, fpu.fip), offsetof(struct cpu, run.fpu.fip));
    copy(a, offsetof(struct cpu, fpu.fdp), offsetof(struct cpu, run.fpu.fdp));
    asm_rm(a, 0x8b, ASM_16, RAX, AT(run.fpu.fop));
    asm_rm(a, 0x89, ASM_16, RAX, AT(fpu.fop));
    asm_store_i(a, AT(fpu.mxcsr_mask), MXCSR_VALID);
    asm_rm(a, 0xc6, 0, 0, AT(run.fpu.live));            /* MOV */
    asm_8(a, 0);
    asm_8(a, 0xc3);
}

void fpu_leave(const struct jit *j, struct code *a)
{
    uint8_t *none;

    test_live(a, 0xff);
    none = asm_jcc(a, COND_Z);
    asm_call_to(a, j->fpu_save);
    asm_patch(none, a->p);
}

/* ---- In traces ------------------------------------------------------------------ */

static void need(struct gen *g, unsigned bit)
{
    struct code *a = &g->code;
    struct stub *s;

    if (g->fpu.live & bit)
        return;
    flags_lose_host(g);
    test_live(a, bit);
    s = stub_new(g, STUB_FPU, asm_jcc(a, COND_Z));
    s->fpu.live |= bit;
    s->back = a->p;
    g->fpu.live |= bit;
}

void fpu_need(struct gen *g, unsigned what)
{
    if (what & FPU_X87)
        need(g, FPU_X87);
    if (what & FPU_SSE)
        need(g, FPU_SSE);
}

void fpu_again(struct gen *g, const struct fpu_state *f, unsigned k)
{
    if (!f->live)
        return;
    asm_mov_ri(&g->code, R8, insn_site(g, k) |
                             (uint32_t)f->live << JIT_OPERAND_SHIFT);
    asm_call_to(&g->code, g->jit->fpu_load);
}

void fpu_point(struct gen *g, const struct insn *i, bool data)
{
    g->fpu.code = (uint8_t)(g->k + 1);
    if (!data)
        return;
    mem_linear(g, R9, mem_address(i));
    asm_store(&g->code, AT(run.fpu.fdp), R9);
    g->fpu.data = (uint8_t)(g->k + 1);
}

/* The selector of `seg` into a field of 16 bits. */
static void store_selector(struct code *a, struct mem to, unsigned seg)
{
    asm_rm(a, 0xb7, ASM_0F, R9,                         /* MOVZX */
           cpu_at(offsetof(struct cpu, seg) + seg * sizeof(struct cpu_seg) +
                  offsetof(struct cpu_seg, sel)));
    asm_rm(a, 0x89, ASM_16, R9, to);
}

void fpu_settle(struct gen *g, struct fpu_state *f)
{
    struct code *a = &g->code;
    const struct insn *i;

    if (f->code) {
        i = &g->trace->insn[f->code - 1];
        asm_store_i(a, AT(run.fpu.fip), i->rip);
        asm_rm(a, 0xc7, ASM_16, 0, AT(run.fpu.fop));    /* MOV */
        asm_16(a, (uint16_t)((i->opcode & 7) << 8 | i->modrm));
        store_selector(a, AT(run.fpu.fcs), CS);
    }
    if (f->data)
        store_selector(a, AT(run.fpu.fds), g->trace->insn[f->data - 1].seg);
    f->code = f->data = 0;
}
