/*
 * INT n and IRET in translated code, between flat segments of levels 3 and 0
 * (SDM vol. 2): as cpu_interrupt and cpu_iret do it where nothing faults and no
 * descriptor changes. The rest is the handler's.
 *
 * Called as jit_leaf is, so nothing here may use the FPU's registers.
 */
#pragma GCC target("general-regs-only")
#pragma GCC optimize("no-tree-loop-distribute-patterns")

#include "emu/jit/gen.h"

#include "emu/cpu/seg.h"

/* Gates of 32 bits by their access byte, but for DPL and whether they keep IF. */
#define GATE_MASK 0x9eu
#define GATE_32 (SEG_P | SYS_INT32)
#define GATE_KEEPS_IF 1u
/* What IRET at level 0 takes from the stack. */
#define IRET_FLAGS (FLAGS_ARITH | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | \
                    FLAG_NT | FLAG_AC | FLAG_VIF | FLAG_VIP | FLAG_ID)

/* The host's address of so many bytes for the supervisor, or NULL. */
static uint8_t *reach(const struct cpu *c, uint32_t lin, uint32_t bytes,
                   bool write)
{
    const struct tlb_entry *e = tlb_slot(c, lin, false);

    return ((lin + bytes - 1) & MMU_PAGE_MASK) == (write ? e->write : e->read) ?
           tlb_host(e, lin) : NULL;
}

/* Not memcpy: a call of it might use the FPU's registers. */
static void put_words(uint8_t *to, const uint32_t *words, unsigned count)
{
    for (unsigned n = 0; n < count; n++)
        store32(to + 4 * n, words[n]);
}

static void get_words(uint32_t *words, const uint8_t *from, unsigned count)
{
    for (unsigned n = 0; n < count; n++)
        words[n] = load32(from + 4 * n);
}

/* Does `sel` name 4 GiB of this type, 32-bit, accessed, for level `cpl`? */
static bool find_flat(const struct cpu *c, uint16_t sel, unsigned cpl,
                      unsigned type, struct cpu_seg *seg)
{
    const unsigned mask = SEG_DB | 0xff;

    return !SEL_IS_NULL(sel) && jit_find_segment(c, sel, seg) &&
           (seg->attr & mask) == (SEG_DB | SEG_P | SEG_S | cpl << 5 | type) &&
           seg->base == 0 && seg->limit == 0xffffffffu;
}

static bool find_code(const struct cpu *c, uint16_t sel, unsigned cpl,
                      struct cpu_seg *seg)
{
    bool found = find_flat(c, sel, cpl,
                           SEG_TYPE_CODE | SEG_TYPE_R | SEG_TYPE_A, seg);

    seg->sel = (uint16_t)(SEL_ERROR(sel) | cpl);
    return found;
}

static bool find_stack(const struct cpu *c, uint16_t sel, unsigned cpl,
                       struct cpu_seg *seg)
{
    return SEL_RPL(sel) == cpl &&
           find_flat(c, sel, cpl, SEG_TYPE_W | SEG_TYPE_A, seg);
}

/* Level `cpl` from here on: as read_mode in emu/cpu/interp.c does it. */
static void enter_level(struct cpu *c, unsigned cpl)
{
    c->cpl = (uint8_t)cpl;
    c->run.mode &= ~(TRACE_USER | TRACE_CPL0);
    c->run.mode |= cpl ? TRACE_USER : TRACE_CPL0;
    c->run.tlb = ((struct mmu *)c->mmu)->tlb[cpl == 3];
    jump_key_update(c);
}

/* ---- INT n ------------------------------------------------------------------ */

/* The gate of vector `v`, if level 3 may use it: its two words. */
static bool find_gate(const struct cpu *c, uint32_t v, uint32_t words[2])
{
    const uint8_t *gate = reach(c, (uint32_t)c->idtr.base + v * 8, 8, false);

    if (v * 8 + 7 > c->idtr.limit || !gate)
        return false;
    get_words(words, gate, 2);
    return (words[1] >> 8 & GATE_MASK) == GATE_32 &&
           SEG_DPL(words[1] >> 8) == 3;
}

/* SS0:ESP0. */
static bool find_stack0(const struct cpu *c, struct cpu_seg *ss, uint32_t *sp)
{
    const uint8_t *p = reach(c, (uint32_t)c->tr.base + 4, 8, false);
    uint32_t words[2];

    if (!p || (c->tr.attr & (SEG_P | SYS_32BIT)) != (SEG_P | SYS_32BIT) ||
        c->tr.limit < 11)
        return false;
    get_words(words, p, 2);
    *sp = words[0];
    return find_stack(c, (uint16_t)words[1], 0, ss);
}

bool jit_int(struct cpu *c, uint32_t vector)
{
    uint32_t gate[2], sp, frame[5];
    struct cpu_seg cs, ss;
    uint8_t *to;

    if (!cpu_protected(c) || !find_gate(c, vector, gate) ||
        !find_code(c, (uint16_t)(gate[0] >> 16), 0, &cs) ||
        !find_stack0(c, &ss, &sp))
        return false;
    sp -= sizeof(frame);
    to = reach(c, sp, sizeof(frame), true);
    if (!to)
        return false;
    frame[0] = (uint32_t)c->rip;
    frame[1] = c->seg[CS].sel;
    frame[2] = c->run.operand;
    frame[3] = R32(c, RSP);
    frame[4] = c->seg[SS].sel;
    put_words(to, frame, 5);
    c->rflags &= ~(uint64_t)(FLAG_TF | FLAG_NT | FLAG_RF);
    if (!(gate[1] >> 8 & GATE_KEEPS_IF))
        c->rflags &= ~(uint64_t)FLAG_IF;
    c->seg[CS] = cs;
    c->seg[SS] = ss;
    R32(c, RSP) = sp;
    c->rip = (gate[0] & 0xffff) | (gate[1] & 0xffff0000u);
    enter_level(c, 0);
    return true;
}

/* ---- IRET ------------------------------------------------------------------- */

/* EIP, CS, EFLAGS and, for another level, ESP and SS. */
static bool pop_frame(const struct cpu *c, uint32_t frame[5])
{
    uint32_t sp = R32(c, RSP);
    const uint8_t *p = reach(c, sp, 12, false);

    if (!p)
        return false;
    get_words(frame, p, 3);
    if (SEL_RPL(frame[1]) == 0)
        return true;
    p = reach(c, sp, 20, false);
    if (p)
        get_words(frame, p, 5);
    return p;
}

/* Would a return to level 3 leave it as it is? A null one it makes null. */
static bool is_kept(const struct cpu_seg *s)
{
    return SEG_DPL(s->attr) == 3 || seg_is_conforming(s) ||
           !(s->sel | s->attr | s->base | s->limit);
}

/*
 * RF is for the next instruction, and no native code runs while there are
 * breakpoints; it is dropped at once, which is seen if anything else comes next.
 */
static bool may_set(const struct cpu *c, uint32_t flags)
{
    if (flags & (FLAG_VM | FLAG_TF))
        return false;
    if (((flags ^ c->rflags) & FLAG_AC) && (c->cr0 & CR0_AM))
        return false;
    return !(flags & FLAG_RF) ||
           (c->run.left >= (int64_t)TRACE_INSNS && !c->nmi &&
            !c->stop_request && !(c->intr && (flags & FLAG_IF)));
}

/* To level 3, or no other than it. */
static bool return_out(struct cpu *c, const uint32_t *frame)
{
    struct cpu_seg cs, ss;

    if (SEL_RPL(frame[1]) != 3 || !find_code(c, (uint16_t)frame[1], 3, &cs) ||
        !find_stack(c, (uint16_t)frame[4], 3, &ss) ||
        !is_kept(&c->seg[ES]) || !is_kept(&c->seg[DS]) ||
        !is_kept(&c->seg[FS]) || !is_kept(&c->seg[GS]))
        return false;
    c->seg[CS] = cs;
    c->seg[SS] = ss;
    R32(c, RSP) = frame[3];
    enter_level(c, 3);
    return true;
}

static bool return_here(struct cpu *c, const uint32_t *frame)
{
    struct cpu_seg cs;

    if (!find_code(c, (uint16_t)frame[1], 0, &cs))
        return false;
    c->seg[CS] = cs;
    R32(c, RSP) += 12;
    return true;
}

bool jit_iret(struct cpu *c, uint32_t unused)
{
    uint32_t frame[5];

    if (!cpu_protected(c) || (c->rflags & FLAG_NT) || !pop_frame(c, frame) ||
        !may_set(c, frame[2]) ||
        !(SEL_RPL(frame[1]) ? return_out(c, frame) : return_here(c, frame)))
        return false;
    c->rip = frame[0];
    c->nmi_blocked = false;
    c->rflags = (c->rflags & ~(uint64_t)IRET_FLAGS) | (frame[2] & IRET_FLAGS);
    jit_save_flags(c, frame[2]);
    return true;
}

/* ---- In traces ------------------------------------------------------------------ */

static void transfer(struct gen *g, jit_leaf *fn, uint32_t what)
{
    call_leaf(g, fn, what);
    stub_new(g, STUB_SLOW, asm_jcc(&g->code, COND_Z));
    mem_base(&g->code);         /* of its CPL */
    asm_load(&g->code, R11, AT(rip));
    g->flags = (struct flag_state){ .saved = true };
    branch_indirect(g);
    g->ended = true;
}

/* CD. */
bool emit_int(struct gen *g, const struct insn *i)
{
    if (!(g->trace->mode & TRACE_USER))
        return false;
    flags_to_saved(g);
    flags_image(g);
    asm_store_i(&g->code, AT(rip), insn_next(i));
    transfer(g, jit_int, (uint8_t)i->imm);
    return true;
}

/* CF. */
bool emit_iret(struct gen *g, const struct insn *i)
{
    if (!(g->trace->mode & TRACE_CPL0) || (i->flags & INSN_OP16))
        return false;
    flags_lose_host(g);
    transfer(g, jit_iret, 0);
    return true;
}
