/* See sys_insn.h. */
#define SYS_INSN_FUNCTIONS
#include "tests/unit/sys_harness.h"

bool sys_by_insn;

/* An instruction being put together, for the mode that the CPU is in. */
struct bytes {
    uint8_t b[16];
    unsigned n;
};

static bool is_wide(const struct cpu *c)
{
    return c->seg[CS].attr & SEG_DB;
}

static void put(struct bytes *o, uint32_t v, unsigned n)
{
    for (; n; n--, v >>= 8)
        o->b[o->n++] = (uint8_t)v;
}

static struct bytes begin(const struct cpu *c, bool op16)
{
    struct bytes o = { .n = 0 };

    if (op16 == is_wide(c))
        put(&o, 0x66, 1);
    return o;
}

void sys_only_interp(const char *reason)
{
    print_message("  interp only: %s\n", reason);
    skip();
}

/* ---- Executing one --------------------------------------------------------- */

/* 32-bit frame of a delivery at its largest, or a 16-bit one and more. */
#define FRAME_BYTES 44u
#define NO_VECTOR 0x100u

static bool has_error(const struct cpu *c, unsigned v)
{
    return (c->cr0 & CR0_PE) &&
           (v == EXC_DF || (v >= EXC_TS && v <= EXC_PF) || v == EXC_AC);
}

/* The vector whose stub the CPU is about to execute, or NO_VECTOR. */
static unsigned vector_reached(const struct cpu *c)
{
    uint64_t at = c->seg[CS].base + c->rip - HARNESS_STUBS;

    return at < 16 * 32 && at % 16 == 0 ? (unsigned)(at / 16) : NO_VECTOR;
}

/* What at_level took from the CPU for one access. */
static struct {
    bool active;
    uint8_t cpl;
    uint64_t rax;
    struct cpu_seg seg[SEG_COUNT];
} borrowed;

static void give_back(struct cpu *c)
{
    if (!borrowed.active)
        return;
    borrowed.active = false;
    memcpy(c->seg, borrowed.seg, sizeof(c->seg));
    c->cpl = borrowed.cpl;
    c->gpr[RAX] = borrowed.rax;
}

/*
 * The engine has delivered exception `v`: note it and take the delivery back.
 * What the CPU reports outside its frame - CR2, DR6, DR7 - stays.
 */
static void take_back(struct harness *h, const struct cpu *before,
                      const uint8_t *ram, unsigned v)
{
    struct cpu *c = &h->cpu;
    uint32_t sp = (uint32_t)(c->seg[SS].base + c->gpr[RSP]), code = 0;

    if (has_error(c, v))
        code = harness_r32(h, sp);
    memcpy(h->ram + sp, ram + sp, FRAME_BYTES);
    memcpy(c->gpr, before->gpr, sizeof(c->gpr));
    memcpy(c->seg, before->seg, sizeof(c->seg));
    c->rip = before->rip;
    c->rflags = before->rflags;
    c->cpl = before->cpl;
    c->halted = false;
    give_back(c);
    sys_caught.error_unknown = !(c->cr0 & CR0_PE);
    sys_faulted(h, v, code);
}

/*
 * Execute the bytes at linear address `at`, which the CPU is then taken to.
 * `wanted`: the vector that an INT names, or NO_VECTOR.
 */
static void execute(struct cpu *c, const struct bytes *o, uint64_t rip,
                    uint64_t insns, unsigned wanted)
{
    struct harness *h = sys_harness_of(c);
    uint32_t at = (uint32_t)(c->seg[CS].base + rip);
    struct cpu before;
    uint8_t *ram;
    unsigned v;

    if (at + 16 > h->ram_bytes)
        sys_only_interp("the instruction would lie outside of memory");
    before = *c;
    ram = sys_snapshot(h);
    memcpy(h->ram + at, o->b, o->n);
    h->ops->memory_changed(h->engine, at, o->n);
    c->rip = rip;
    c->halted = false;
    harness_step(h, (unsigned)insns);
    memcpy(h->ram + at, ram + at, o->n);
    h->ops->memory_changed(h->engine, at, o->n);
    v = vector_reached(c);
    if (c->shutdown || v == EXC_DF) {
        c->shutdown = false;
        sys_only_interp("the fault itself cannot be delivered here");
    }
    if (v != NO_VECTOR && v != wanted)
        take_back(h, &before, ram, v);
}

/* What transfers control: the instruction ends where the function is called. */
static void execute_before(struct cpu *c, const struct bytes *o, unsigned wanted)
{
    execute(c, o, c->rip >= o->n ? c->rip - o->n : c->rip, 1, wanted);
}

/* For all but branches: rip stays, as where a function is called. */
static void execute_here(struct cpu *c, const struct bytes *o)
{
    uint64_t rip = c->rip;

    execute(c, o, rip, 1, NO_VECTOR);
    c->rip = rip;
}

/* ---- System instructions ----------------------------------------------------- */

/* 0F opcodes without ModRM. */
static bool is_plain(uint8_t opcode)
{
    return opcode == 0x06 || opcode == 0x08 || opcode == 0x09 ||
           (opcode >= 0x30 && opcode <= 0x35) || opcode == 0xa2;
}

void sys_call(struct cpu *c, void (*op)(struct cpu *, const struct insn *),
              const struct insn *i)
{
    struct bytes o;

    if (!sys_by_insn) {
        op(c, i);
        return;
    }
    o = begin(c, i->flags & INSN_OP16);
    if (!is_wide(c))
        put(&o, 0x67, 1);
    if (i->opcode != 0x63)      /* ARPL */
        put(&o, 0x0f, 1);
    put(&o, i->opcode, 1);
    if (!is_plain(i->opcode)) {
        put(&o, i->modrm, 1);
        if (i->modrm >> 6 != 3)
            put(&o, i->disp, 4);
    }
    if (i->opcode == 0x34 || i->opcode == 0x35)
        execute(c, &o, c->rip, 1, NO_VECTOR);
    else
        execute_here(c, &o);
}

void sys_io_check(struct cpu *c, uint16_t port, unsigned size)
{
    uint64_t rax = c->gpr[RAX], rdx = c->gpr[RDX];
    struct bytes o;

    if (!sys_by_insn) {
        io_check(c, port, size);
        return;
    }
    o = begin(c, size == 2);
    c->gpr[RDX] = port;
    put(&o, size == 1 ? 0xec : 0xed, 1);
    execute_here(c, &o);
    c->gpr[RAX] = rax;
    c->gpr[RDX] = rdx;
}

/* ---- Segments and far transfers ----------------------------------------------- */

void sys_seg_load(struct cpu *c, enum cpu_segreg s, uint16_t sel)
{
    uint64_t rax = c->gpr[RAX];
    struct bytes o = { { 0x8e, (uint8_t)(0xc0 | s << 3) }, 2 };

    if (!sys_by_insn) {
        seg_load(c, s, sel);
        return;
    }
    c->gpr[RAX] = sel;
    execute_here(c, &o);
    c->gpr[RAX] = rax;
    c->inhibit = 0;
}

static struct bytes far_pointer(const struct cpu *c, uint8_t opcode,
                                uint16_t sel, uint32_t off, bool op16)
{
    struct bytes o = begin(c, op16);

    put(&o, opcode, 1);
    put(&o, off, op16 ? 2 : 4);
    put(&o, sel, 2);
    return o;
}

void sys_far_jmp(struct cpu *c, uint16_t sel, uint32_t off, bool op16)
{
    struct bytes o;

    if (!sys_by_insn) {
        far_jmp(c, sel, off, op16);
        return;
    }
    o = far_pointer(c, 0xea, sel, off, op16);
    execute_before(c, &o, NO_VECTOR);
}

void sys_far_call(struct cpu *c, uint16_t sel, uint32_t off, bool op16,
                  uint32_t ret_rip)
{
    struct bytes o;

    if (!sys_by_insn) {
        far_call(c, sel, off, op16, ret_rip);
        return;
    }
    o = far_pointer(c, 0x9a, sel, off, op16);
    execute(c, &o, ret_rip > 16 ? ret_rip - o.n : c->rip, 1, NO_VECTOR);
}

void sys_far_ret(struct cpu *c, uint16_t pop_bytes, bool op16)
{
    struct bytes o;

    if (!sys_by_insn) {
        far_ret(c, pop_bytes, op16);
        return;
    }
    o = begin(c, op16);
    put(&o, 0xca, 1);
    put(&o, pop_bytes, 2);
    execute_before(c, &o, NO_VECTOR);
}

void sys_iret(struct cpu *c, bool op16)
{
    struct bytes o;

    if (!sys_by_insn) {
        cpu_iret(c, op16);
        return;
    }
    o = begin(c, op16);
    put(&o, 0xcf, 1);
    execute_before(c, &o, NO_VECTOR);
}

void sys_interrupt(struct cpu *c, unsigned v, enum int_kind kind,
                   bool has_code, uint32_t error)
{
    struct harness *h = sys_harness_of(c);
    struct bytes o = { { 0xcd, (uint8_t)v }, 2 };

    if (!sys_by_insn) {
        cpu_interrupt(c, v, kind, has_code, error);
        return;
    }
    switch (kind) {
    case INT_SOFTWARE:
        execute_before(c, &o, v);
        return;
    case INT_HARDWARE:
        h->vector = v;
        c->intr = true;
        c->rflags |= FLAG_IF;
        o.n = 0;
        execute(c, &o, c->rip, 0, v);
        return;
    default:
        sys_only_interp("no instruction raises a given exception");
    }
}

/* ---- Memory --------------------------------------------------------------------- */

static const uint8_t seg_prefix[SEG_COUNT] = { 0x26, 0x2e, 0x36, 0x3e, 0x64,
                                               0x65 };

/* MOV between the accumulator and [seg:off]. */
static void move(struct cpu *c, unsigned seg, uint32_t off, unsigned size,
                 bool write)
{
    struct bytes o = begin(c, size == 2 || (size == 1 && !is_wide(c)));

    if (!is_wide(c))
        put(&o, 0x67, 1);
    put(&o, seg_prefix[seg], 1);
    put(&o, (write ? 0xa2 : 0xa0) | (size != 1), 1);
    put(&o, off, 4);
    execute_here(c, &o);
}

uint64_t sys_mem_read(struct cpu *c, unsigned seg, uint32_t off,
                      unsigned size)
{
    uint64_t rax = c->gpr[RAX], v;

    if (!sys_by_insn)
        return size == 1 ? mem_read8(c, seg, off) :
               size == 2 ? mem_read16(c, seg, off) : mem_read32(c, seg, off);
    move(c, seg, off, size, false);
    v = c->gpr[RAX];
    c->gpr[RAX] = rax;
    return v;
}

void sys_mem_write(struct cpu *c, unsigned seg, uint32_t off, uint64_t v,
                   unsigned size)
{
    uint64_t rax = c->gpr[RAX];

    if (sys_by_insn) {
        c->gpr[RAX] = (uint32_t)v;
        move(c, seg, off, size, true);
        c->gpr[RAX] = rax;
    } else if (size == 1) {
        mem_write8(c, seg, off, (uint8_t)v);
    } else if (size == 2) {
        mem_write16(c, seg, off, (uint16_t)v);
    } else {
        mem_write32(c, seg, off, (uint32_t)v);
    }
}

/* At the level asked for, with flat segments, and back. */
static uint64_t at_level(struct cpu *c, uint32_t lin, uint64_t v,
                         unsigned size, bool user, bool write)
{
    borrowed.active = true;
    borrowed.cpl = c->cpl;
    borrowed.rax = c->gpr[RAX];
    memcpy(borrowed.seg, c->seg, sizeof(c->seg));
    for (unsigned s = 0; s < SEG_COUNT; s++)
        c->seg[s] = (struct cpu_seg){
            .sel = user ? HARNESS_UDS32 : HARNESS_DS32,
            .attr = user ? 0xcf3 : 0xc93, .limit = 0xffffffff
        };
    c->seg[CS].sel = user ? HARNESS_UCS32 : HARNESS_CS32;
    c->seg[CS].attr = user ? 0xcfb : 0xc9b;
    c->cpl = user ? 3 : 0;
    c->gpr[RAX] = v;
    move(c, DS, lin, size, write);
    v = c->gpr[RAX];
    give_back(c);
    return v;
}

uint64_t sys_lin_read(struct cpu *c, uint32_t lin, unsigned size, bool user)
{
    if (sys_by_insn)
        return at_level(c, lin, 0, size, user, false);
    return size == 1 ? lin_read8(c, lin, user) :
           size == 2 ? lin_read16(c, lin, user) : lin_read32(c, lin, user);
}

void sys_lin_write(struct cpu *c, uint32_t lin, uint64_t v, unsigned size,
                   bool user)
{
    if (sys_by_insn)
        at_level(c, lin, (uint32_t)v, size, user, true);
    else if (size == 1)
        lin_write8(c, lin, (uint8_t)v, user);
    else if (size == 2)
        lin_write16(c, lin, (uint16_t)v, user);
    else
        lin_write32(c, lin, (uint32_t)v, user);
}

/* ---- What the test changed behind the CPU's back --------------------------------- */

void sys_flush(struct cpu *c, bool keep_global)
{
    struct harness *h = sys_harness_of(c);

    if (!sys_by_insn)
        mmu_flush(c, keep_global);
    else if (keep_global)
        sys_only_interp("flushes the TLB but for global pages");
    else
        h->ops->map_changed(h->engine);
}

void sys_flush_page(struct cpu *c, uint32_t lin)
{
    if (sys_by_insn)
        sys_flush(c, false);
    else
        mmu_flush_page(c, lin);
}

void sys_mode_changed(struct cpu *c)
{
    if (sys_by_insn)
        sys_flush(c, false);
    else
        mmu_mode_changed(c);
}
