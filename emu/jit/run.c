/* Between translated code and the interpreter's handlers. */
#include "emu/jit/check.h"
#include "emu/jit/gen.h"
#include "emu/jit/window.h"

/* ---- Flags ------------------------------------------------------------------ */

static uint32_t mask(unsigned bits)
{
    return bits == 32 ? ~0u : (1u << bits) - 1;
}

void jit_flags_to_lazy(struct cpu *c)
{
    enum saved_kind kind = saved_kind_of(c->run.saved.how);
    unsigned bits = saved_bits(c->run.saved.how);
    uint32_t a = c->run.saved.a, b = c->run.saved.b, r;
    uint32_t carry = !c->run.saved.no_carry;

    switch (kind) {
    case SAVED_FLAGS:
        flags_set_arith(c, (a >> 8 & FLAGS_ARITH & 0xff) |
                           (a & 1 ? FLAG_OF : 0));
        return;
    case SAVED_LOGIC:
        flags_logic(c, a, bits);
        return;
    case SAVED_TEST:
        flags_logic(c, a & b, bits);
        return;
    case SAVED_INC: case SAVED_DEC:
        flags_set_cf(c, carry);
        a &= mask(bits);
        if (kind == SAVED_INC)
            flags_inc_dec(c, a, bits, a == 1u << (bits - 1), !(a & 15));
        else
            flags_inc_dec(c, a, bits, a == (1u << (bits - 1)) - 1,
                          (a & 15) == 15);
        return;
    case SAVED_CMP:
        r = a - b;
        break;
    case SAVED_SUB: case SAVED_SBB:
        r = a;
        a = r + b + (kind == SAVED_SBB ? carry : 0);
        break;
    default:
        r = a;
        a = r - b - (kind == SAVED_ADC ? carry : 0);
        break;
    }
    a &= mask(bits);
    b &= mask(bits);
    r &= mask(bits);
    flags_carries(c, r, kind == SAVED_ADD || kind == SAVED_ADC ?
                  carries(a, b, r) : borrows(a, b, r), bits);
}

void jit_flags_from_lazy(struct cpu *c)
{
    jit_save_flags(c, flags_arith(c));
}

/* ---- From translated code ---------------------------------------------------- */

static struct jit *jit_of(const struct cpu *c)
{
    return c->interp->jit;
}

/* The instruction at work; run.count is before its trace, as handlers want it. */
static struct insn *insn_of(const struct jit *j, struct cpu *c, uint32_t site)
{
    struct trace *t = (struct trace *)(void *)(j->arena + (site >> 7) * 64ull);

    c->run.trace = t;
    c->run.count = c->run.limit - (uint64_t)c->run.left - t->n;
    return &t->insn[site & 127];
}

/* In run.trace the host goes on, at instruction k. */
static void resume(struct cpu *c, struct jit *j, unsigned k)
{
    c->run.left = (int64_t)(c->run.limit - c->run.count - c->run.trace->n);
    j->running = true;
    j->from = c->run.count + k;
    jit_serialize(j);
    if (j->check)
        jit_check_begin(c, c->run.trace, k);
}

/* As jit_check_end. */
static void came_back(struct cpu *c, struct jit *j, unsigned k, uint32_t rip,
                      uint64_t count)
{
    j->running = false;
    j->counts.ran += count - j->from;
    if (j->check)
        jit_check_end(c, k, rip, count);
}

/* ... before instruction `i`. */
static void came_before(struct cpu *c, struct jit *j, const struct insn *i)
{
    unsigned k = insn_number(c, i);

    came_back(c, j, k, i->rip, c->run.count + k);
}

/* A handler has left: the host code to go on with. */
static const void *next_trace(struct cpu *c, struct jit *j)
{
    const struct trace *t = interp_next_trace(c);

    if (!t || !t->body || j->full)
        return jit_exec(j, j->leave);
    resume(c, j, 0);
    return t->body;
}

/*
 * Handlers have run, from `i` on, until they left or came to translated code:
 * where does the host go on? NULL: behind `i`.
 */
static const void *go_on(struct cpu *c, struct jit *j, const struct insn *i)
{
    const struct insn *n = c->run.next;

    while (n && n->fn != jit_enter) {
        n->fn(c, n);
        n = c->run.next;
    }
    jit_flags_from_lazy(c);
    if (!n)
        return next_trace(c, j);
    if (i && n == i + 1) {
        resume(c, j, insn_number(c, n));
        return NULL;
    }
    resume(c, j, 0);
    return c->run.trace->body;
}

/*
 * The operand that a handler has just used, if that can be read twice and is
 * what may have been written, which it is not in ROM.
 */
static bool peek(struct cpu *c, uint32_t lin, unsigned size)
{
    uint32_t v = 0;

    for (unsigned n = 0; n < size; n++, lin++) {
        const struct tlb_entry *e = tlb_slot(c, lin, c->cpl == 3);
        const uint8_t *p;

        if (e->page != (lin & MMU_PAGE_MASK))
            return false;
        p = c->bus->ram_page(c->bus->ctx, e->phys, false);
        if (!p || p != c->bus->ram_page(c->bus->ctx, e->phys, true))
            return false;
        v |= (uint32_t)p[lin & ~MMU_PAGE_MASK] << 8 * n;
    }
    c->run.operand = v;
    return true;
}

/* The trace at work, if a fault that was not mapped has led here. */
static struct trace *missing(struct cpu *c, struct jit *j)
{
    if (!j->window || !j->window->missed)
        return NULL;
    j->window->missed = false;
    return c->run.trace;
}

const void *jit_run_handler(struct cpu *c, uint32_t site, uint32_t lin)
{
    struct jit *j = jit_of(c);
    unsigned operand = site >> JIT_OPERAND_SHIFT;
    const struct insn *i = insn_of(j, c, JIT_SITE(site));
    struct trace *t = missing(c, j);
    const void *where;

    j->counts.handlers++;
    jit_flags_to_lazy(c);
    came_before(c, j, i);
    /* Of ADC, INC and their like; others leave it to the source that has it. */
    if (operand)
        c->run.saved.no_carry = !flag_cf(c);
    j->plain[jit_number(j, i)](c, i);
    if (t)
        jit_window_missed(c, t);
    where = go_on(c, j, i);
    if (where)
        return where;
    if (operand && !peek(c, lin, operand)) {
        /* A device's register: the code behind it cannot know the flags. */
        j->running = false;
        jit_check_cancel(c);
        leave_to(c, i, insn_next(i));
        return jit_exec(j, j->leave);
    }
    return NULL;
}

/* The flags stay where they are, in run.saved. */
const void *jit_run_light(struct cpu *c, uint32_t site)
{
    struct jit *j = jit_of(c);
    const struct insn *i = insn_of(j, c, site);

    j->counts.handlers++;
    if (j->check)
        jit_flags_to_lazy(c);
    came_before(c, j, i);
    c->run.flags_saved = true;
    j->plain[jit_number(j, i)](c, i);
    c->run.flags_saved = false;
    if (!c->run.next)
        return next_trace(c, j);
    resume(c, j, insn_number(c, i) + 1);
    return NULL;
}

static void direct(struct cpu *c, const struct insn *i)
{
    return go_direct(c, i);
}

static void indirect(struct cpu *c, const struct insn *i, uint32_t rip)
{
    return go_indirect(c, i, rip);
}

const void *jit_run_rest(struct cpu *c, uint32_t site)
{
    struct jit *j = jit_of(c);
    const struct insn *i = insn_of(j, c, site);
    const struct insn *end = &c->run.trace->insn[c->run.trace->n];

    jit_flags_to_lazy(c);
    came_before(c, j, i);
    do {
        if (i == end)
            direct(c, i);
        else
            j->plain[jit_number(j, i)](c, i);
    } while (c->run.next == ++i);
    return go_on(c, j, NULL);
}

const void *jit_run_direct(struct cpu *c, uint32_t site)
{
    struct jit *j = jit_of(c);
    const struct insn *i = insn_of(j, c, site);
    unsigned k = insn_number(c, i);

    j->counts.unlinked++;
    jit_flags_to_lazy(c);
    came_back(c, j, k < c->run.trace->n ? k + 1 : k, i->imm,
                  c->run.count + i->count);
    direct(c, i);
    if (!c->run.end_trace)      /* else it may be gone */
        jit_link(c, i);
    return go_on(c, j, NULL);
}

const void *jit_run_indirect(struct cpu *c, uint32_t site, uint32_t rip)
{
    struct jit *j = jit_of(c);
    const struct insn *i = insn_of(j, c, site);
    unsigned k = insn_number(c, i);

    j->counts.indirect++;
    jit_flags_to_lazy(c);
    came_back(c, j, k + 1, rip, c->run.count + k + 1);
    indirect(c, i, rip);
    return go_on(c, j, NULL);
}

/* A branch, counted already, leads to a trace that has no host code. */
const void *jit_run_cold(struct cpu *c, struct trace *t)
{
    struct jit *j = jit_of(c);

    j->counts.cold++;
    c->run.count = c->run.limit - (uint64_t)c->run.left;
    jit_flags_to_lazy(c);
    came_back(c, j, CHECK_GONE, t->rip, c->run.count);
    if (!may_enter(c, t)) {
        c->rip = t->rip;
        return jit_exec(j, j->leave);
    }
    c->run.trace = t;
    t->insn->fn(c, t->insn);
    return go_on(c, j, NULL);
}

/* ---- Into translated code ---------------------------------------------------- */

/*
 * The handler of a translated trace's instructions. Below translated code it
 * only says where that goes on.
 */
void jit_enter(struct cpu *c, const struct insn *i)
{
    struct jit *j = jit_of(c);
    void (*enter)(struct cpu *, uintptr_t, const void *);

    if (c->run.native) {
        c->run.next = i;
        return;
    }
    j->counts.entered++;
    c->run.native = true;
    jit_flags_from_lazy(c);
    resume(c, j, 0);
    *(const void **)&enter = jit_exec(j, j->enter);
    enter(c, (uintptr_t)c->run.tlb + JIT_BASE, c->run.trace->body);
    jit_flags_to_lazy(c);
    if (j->running) {           /* no C was called: limit or attention */
        j->counts.left++;
        came_back(c, j, CHECK_GONE, (uint32_t)c->rip, c->run.count);
    }
    c->run.native = false;
    c->run.next = NULL;
}
