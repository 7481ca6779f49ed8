/*
 * Host code that all traces share: entering and leaving, and calls of C. The
 * host's stack is aligned to 16 bytes wherever translated code runs.
 */
#include "emu/jit/gen.h"

static const uint8_t kept[] = { RBX, RBP, R12, R13, R14, R15 };
#define KEPT (sizeof(kept) / sizeof(kept[0]))
#define ALIGN 8                 /* KEPT and the return address are 7 words */

static void push(struct code *a, unsigned reg)
{
    asm_r(a, 0x50, 0, reg);
}

static void pop(struct code *a, unsigned reg)
{
    asm_r(a, 0x58, 0, reg);
}

static void add_rsp(struct code *a, int v)
{
    asm_rr(a, 0x83, ASM_W, 0, RSP);
    asm_8(a, (uint8_t)v);
}

static void spill(struct code *a)
{
    for (unsigned r = RAX; r <= RDI; r++)
        asm_store(a, AT(gpr[r]), host_reg(r));
    asm_rm(a, 0x89, ASM_W, R13, AT(run.left));
}

/* No flags are changed. */
static void reload(struct code *a)
{
    for (unsigned r = RAX; r <= RDI; r++)
        asm_load(a, host_reg(r), AT(gpr[r]));
    asm_load64(a, R13, AT(run.left));
}

static void call_c(const struct jit *j, struct code *a, uintptr_t fn)
{
    fpu_leave(j, a);
    asm_rr(a, 0x89, ASM_W, R14, RDI);                   /* MOV RDI, R14 */
    asm_mov_ri64(a, RAX, fn);
    asm_rr(a, 0xff, 0, 2, RAX);                         /* CALL RAX */
}

static void go(struct code *a, unsigned reg)
{
    asm_rr(a, 0xff, 0, 4, reg);                         /* JMP */
}

/* enter(cpu, base, where). */
static void emit_enter(struct code *a)
{
    for (unsigned n = 0; n < KEPT; n++)
        push(a, kept[n]);
    add_rsp(a, -ALIGN);
    asm_rr(a, 0x89, ASM_W, RDI, R14);
    asm_rr(a, 0x89, ASM_W, RSI, R15);
    asm_rr(a, 0x89, ASM_W, RDX, R8);
    reload(a);
    go(a, R8);
}

static void emit_leave_common(const struct jit *j, struct code *a)
{
    spill(a);
    fpu_leave(j, a);
    add_rsp(a, ALIGN);
    for (unsigned n = KEPT; n-- > 0;)
        pop(a, kept[n]);
    asm_8(a, 0xc3);
}

/* R8: where the guest goes on, between traces. */
static void emit_leave_at(struct jit *j, struct code *a)
{
    asm_rm(a, 0x89, ASM_W, R8, AT(rip));
    asm_load64(a, R9, AT(run.limit));
    asm_rr(a, 0x29, ASM_W, R13, R9);                    /* SUB */
    asm_rm(a, 0x89, ASM_W, R9, AT(run.count));
    asm_jmp_to(a, j->leave);
}

/* C was called and has said in RAX where to go on. */
static void go_where_it_says(struct code *a)
{
    asm_rr(a, 0x89, ASM_W, RAX, R8);
    reload(a);
    mem_base(a);                /* of its CPL */
    go(a, R8);
}

/* Return with the flags and registers of the guest. */
static void go_back(struct code *a)
{
    asm_load(a, RAX, AT(run.saved.a));
    asm_8(a, 0x04);                                     /* ADD AL, 7Fh */
    asm_8(a, 0x7f);
    asm_8(a, 0x9e);                                     /* SAHF */
    reload(a);
    asm_8(a, 0xc3);
}

/* fn(cpu, R8, R9), in what is called itself. The jump if that says where. */
static uint8_t *call_handler(const struct jit *j, struct code *a, uintptr_t fn)
{
    spill(a);
    add_rsp(a, -8);
    asm_mov_rr(a, RSI, R8);
    asm_mov_rr(a, RDX, R9);
    call_c(j, a, fn);
    add_rsp(a, 8);
    asm_rr(a, 0x85, ASM_W, RAX, RAX);                   /* TEST */
    return asm_jcc(a, COND_NZ);
}

/* There it goes on, and not behind the call. */
static void go_elsewhere(struct code *a, uint8_t *from)
{
    asm_patch(from, a->p);
    add_rsp(a, 8);
    go_where_it_says(a);
}

/*
 * Called with R8, the site, and R9, the address of its operand; returns with
 * flags in RFLAGS too. R11 is kept, or gets the operand.
 */
static void emit_handle(const struct jit *j, struct code *a)
{
    uint8_t *elsewhere;

    asm_store(a, AT(run.operand), R11);
    elsewhere = call_handler(j, a, (uintptr_t)jit_run_handler);
    asm_load(a, R11, AT(run.operand));
    go_back(a);
    go_elsewhere(a, elsewhere);
}

/*
 * Called with R8, the site and what shall be live; returns as emit_handle does.
 * R11 is kept.
 */
static void emit_fpu_load(const struct jit *j, struct code *a)
{
    uint8_t *elsewhere;

    asm_store(a, AT(run.operand), R11);
    elsewhere = call_handler(j, a, (uintptr_t)jit_fpu_load);
    asm_rm(a, 0xae, ASM_0F, 1, AT(fpu));                /* FXRSTOR */
    asm_load(a, R11, AT(run.operand));
    go_back(a);
    go_elsewhere(a, elsewhere);
}

/* As emit_handle with R8 alone; RFLAGS and R11 are lost. */
static void emit_light(const struct jit *j, struct code *a)
{
    uint8_t *elsewhere = call_handler(j, a, (uintptr_t)jit_run_light);

    reload(a);
    asm_8(a, 0xc3);
    go_elsewhere(a, elsewhere);
}

/*
 * Called with R8, what a jit_leaf wants, and R9, its address; returns with ZF
 * as that said: clear if true. R11 is kept.
 */
static void emit_leaf(struct code *a)
{
    spill(a);
    asm_store(a, AT(run.operand), R11);
    add_rsp(a, -8);
    asm_rr(a, 0x89, ASM_W, R14, RDI);
    asm_mov_rr(a, RSI, R8);
    asm_rr(a, 0xff, 0, 2, R9);                          /* CALL */
    add_rsp(a, 8);
    asm_rr(a, 0x84, 0, RAX, RAX);                       /* TEST AL */
    reload(a);
    asm_load(a, R11, AT(run.operand));
    asm_8(a, 0xc3);
}

/* Jumped to with R8, the site or trace, and R11, a target. */
static void emit_call_out(const struct jit *j, struct code *a, uintptr_t fn)
{
    spill(a);
    asm_rr(a, 0x89, ASM_W, R8, RSI);
    asm_mov_rr(a, RDX, R11);
    call_c(j, a, fn);
    go_where_it_says(a);
}

static uint8_t *start(struct code *a)
{
    while ((uintptr_t)a->p % 16)
        asm_8(a, 0xcc);
    return a->p;
}

void jit_common(struct jit *j)
{
    struct code code = { j->write, j->end, false }, *a = &code;

    j->fpu_save = start(a);
    fpu_common_save(j, a);
    j->enter = start(a);
    emit_enter(a);
    j->leave = start(a);
    emit_leave_common(j, a);
    j->leave_at = start(a);
    emit_leave_at(j, a);
    j->handle = start(a);
    emit_handle(j, a);
    j->light = start(a);
    emit_light(j, a);
    j->leaf = start(a);
    emit_leaf(a);
    j->replay = start(a);
    flags_replay_routines(a);
    j->fpu_load = start(a);
    emit_fpu_load(j, a);
    j->unlinked = start(a);
    emit_call_out(j, a, (uintptr_t)jit_run_direct);
    j->indirect = start(a);
    emit_call_out(j, a, (uintptr_t)jit_run_indirect);
    j->cold = start(a);
    emit_call_out(j, a, (uintptr_t)jit_run_cold);
    j->start = j->next = start(a);
}
