/*
 * SYSENTER and SYSEXIT in translated code (SDM vol. 2). All segments that they
 * do not make up are flat already, so that the mode behind them is known.
 */
#include "emu/cpu/features.h"
#include "emu/cpu/seg.h"
#include "emu/jit/gen.h"

#define SELECTOR_BITS 0xfffcu

static void store_word(struct gen *g, struct mem m, uint16_t v)
{
    asm_rm(&g->code, 0xc7, ASM_16, 0, m);
    asm_16(&g->code, v);
}

/* The selector is in R9. */
static void make_segment(struct gen *g, unsigned s, unsigned cpl)
{
    unsigned type = SEG_TYPE_A | SEG_TYPE_W | (s == CS ? SEG_TYPE_CODE : 0);
    struct code *a = &g->code;

    asm_rm(a, 0x89, ASM_16, R9, AT(seg[s].sel));
    store_word(g, AT(seg[s].attr), (uint16_t)(SEG_G | SEG_DB | SEG_P | SEG_S |
                                              cpl << 5 | type));
    asm_store_i(a, AT(seg[s].limit), 0xffffffffu);
    asm_rm(a, 0xc7, ASM_W, 0, AT(seg[s].base));         /* MOV */
    asm_32(a, 0);
}

static void make_segments(struct gen *g, unsigned offset, unsigned cpl)
{
    struct code *a = &g->code;

    asm_load(a, R9, AT(sysenter_cs));
    asm_alu_ri(a, 4, 4, R9, SELECTOR_BITS);             /* AND */
    asm_lea(a, R9, asm_at(R9, (int32_t)(offset + cpl)));
    make_segment(g, CS, cpl);
    asm_lea(a, R9, asm_at(R9, 8));
    make_segment(g, SS, cpl);
    asm_rm(a, 0xc6, 0, 0, AT(cpl));                     /* MOV */
    asm_8(a, (uint8_t)cpl);
}

/* As read_mode in emu/cpu/interp.c does it. */
static void set_mode(struct gen *g, uint32_t mode)
{
    bool from_user = g->trace->mode & TRACE_USER, to_user = mode & TRACE_USER;
    const struct mmu *mmu = g->jit->interp->cpu->mmu;
    struct code *a = &g->code;

    asm_store_i(a, AT(run.mode), mode);
    asm_load(a, R9, AT(run.gen[far_kind(mode)]));
    asm_rr(a, 0xc1, 0, 4, R9);                          /* SHL */
    asm_8(a, 8);
    asm_alu_ri(a, 1, 4, R9, mode);                      /* OR */
    asm_store(a, cpu_at(offsetof(struct cpu, run.jump_key) + 4), R9);
    if (from_user == to_user)
        return;
    asm_mov_ri64(a, R15, (uintptr_t)mmu->tlb[to_user]);
    asm_rm(a, 0x89, ASM_W, R15, AT(run.tlb));
    asm_lea_add(a, R15, JIT_BASE);
}

/* What would fault is the handler's. */
static void check(struct gen *g)
{
    struct code *a = &g->code;

    flags_to_saved(g);
    flags_lose_host(g);
    asm_rm(a, 0xf6, 0, 0, AT(cr0));                     /* TEST */
    asm_8(a, CR0_PE);
    stub_new(g, STUB_SLOW, asm_jcc(a, COND_Z));
    asm_rm(a, 0xf7, 0, 0, AT(sysenter_cs));
    asm_32(a, SELECTOR_BITS);
    stub_new(g, STUB_SLOW, asm_jcc(a, COND_Z));
}

/* 0F 34, 0F 35. */
bool emit_sysenter(struct gen *g, const struct insn *i)
{
    const uint32_t flat = TRACE_CS32 | TRACE_SS32 | TRACE_FLAT | TRACE_IP64K |
                          TRACE_IP4G;
    struct code *a = &g->code;
    bool exits = g->op & 1;

    if (!cpu_has(g->jit->interp->cpu, CPUID_SEP) ||
        (exits && !(g->trace->mode & TRACE_CPL0)))
        return false;
    check(g);
    if (exits) {
        make_segments(g, 16, 3);
        asm_mov_rr(a, R11, RDX);
        asm_mov_rr(a, R12, RCX);
    } else {
        make_segments(g, 0, 0);
        asm_rm(a, 0x81, 0, 4, AT(rflags));              /* AND */
        asm_32(a, ~(uint32_t)(FLAG_VM | FLAG_IF | FLAG_RF));
        asm_load(a, R11, AT(sysenter_eip));
        asm_load(a, R12, AT(sysenter_esp));
    }
    set_mode(g, flat | (exits ? TRACE_USER : TRACE_CPL0));
    branch_indirect(g);
    g->ended = true;
    return true;
}
