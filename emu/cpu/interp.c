/*
 * The interpreter's loop: which instruction comes next, interrupts and
 * exceptions between instructions, single-stepping, and the end of a run.
 */
#include <stdlib.h>

#include "emu/cpu/debug.h"
#include "emu/cpu/interp.h"
#include "emu/cpu/stops.h"

/* ---- Flags (exec.h) -------------------------------------------------------- */

uint32_t cpu_flags(struct cpu *c)
{
    if (!c->run.lazy)
        return (uint32_t)c->rflags;
    return ((uint32_t)c->rflags & ~FLAGS_ARITH) | flags_arith(c);
}

void cpu_flags_set(struct cpu *c, uint32_t value, uint32_t mask)
{
    uint32_t f = (cpu_flags(c) & ~mask) | (value & mask) | FLAG_1;

    c->rflags = f;
    if (c->run.lazy && (mask & FLAGS_ARITH))
        flags_set_arith(c, f);
}

/* ---- Faults ---------------------------------------------------------------- */

static bool has_error_code(unsigned v)
{
    return v == EXC_DF || (v >= EXC_TS && v <= EXC_PF) || v == EXC_AC;
}

_Noreturn void cpu_raise(struct cpu *c, enum cpu_vector v, uint32_t error)
{
    struct interp *e = c->interp;
    struct fault f = { .valid = true, .vector = (uint8_t)v,
                       .kind = INT_EXCEPTION, .has_error = has_error_code(v),
                       .error = error };

    if (!e->delivering) {
        e->fault = f;
        longjmp(e->env, 1);
    }
    /* A fault while delivering one: SDM vol. 3, table 6-5. */
    e->second = f;
    longjmp(e->env, 2);
}

void cpu_commit(struct cpu *c)
{
    c->run.cur = NULL;
}

void cpu_debug_pending(struct cpu *c, uint32_t b)
{
    c->run.debug |= b;
    end_trace(c);
}

enum fault_class { BENIGN, CONTRIBUTORY, PAGE_FAULT, DOUBLE_FAULT };

static enum fault_class class_of(const struct fault *f)
{
    if (f->kind != INT_EXCEPTION)
        return BENIGN;
    switch (f->vector) {
    case EXC_DE: case EXC_TS: case EXC_NP: case EXC_SS: case EXC_GP:
        return CONTRIBUTORY;
    case EXC_PF:
        return PAGE_FAULT;
    case EXC_DF:
        return DOUBLE_FAULT;
    }
    return BENIGN;
}

/* What e->second makes of the delivery of e->fault. */
static void combine_faults(struct interp *e)
{
    enum fault_class first = class_of(&e->fault);
    enum fault_class second = class_of(&e->second);

    e->delivering = false;
    if (first == DOUBLE_FAULT && second != BENIGN) {
        e->fault.valid = false;
        e->cpu->shutdown = true;
        return;
    }
    if ((first == CONTRIBUTORY && second == CONTRIBUTORY) ||
        (first == PAGE_FAULT && second != BENIGN))
        e->second = (struct fault){ .valid = true, .vector = EXC_DF,
                                    .kind = INT_EXCEPTION, .has_error = true };
    e->fault = e->second;
}

/* A handler raised e->fault: put back what it must not have changed. */
static void unwind_insn(struct cpu *c)
{
    const struct insn *i = c->run.cur;

    if (c->run.flags_saved) {
        c->run.flags_saved = false;
        c->interp->translator->unwound(c);
    }
    if (!i)
        return;
    c->rip = i->rip;
    c->run.count += insn_number(c, i);
    c->run.cur = NULL;
    c->run.debug = 0;           /* of an instruction that did not happen */
    if (c->stops)
        c->stops->watch_hit = false;
}

/* What runs next is not what the last branch led to. */
static void forget_link(struct interp *e)
{
    e->link = NULL;
    e->indirect = false;
}

static void deliver(struct interp *e)
{
    struct cpu *c = e->cpu;

    e->delivering = true;
    c->halted = false;
    c->inhibit = 0;
    c->run.cur = NULL;
    forget_link(e);
    /* Counted, so that a guest that only faults still uses up its budget. */
    if (e->fault.kind == INT_EXCEPTION && c->run.count < e->limit)
        c->run.count++;
    c->icount = c->run.count;
    cpu_interrupt(c, e->fault.vector, (enum int_kind)e->fault.kind,
                  e->fault.has_error, e->fault.error);
    e->delivering = false;
    e->fault.valid = false;
}

static void deliver_interrupt(struct interp *e, unsigned vector)
{
    e->fault = (struct fault){ .valid = true, .vector = (uint8_t)vector,
                               .kind = INT_HARDWARE };
    deliver(e);
}

/* ---- Debug ------------------------------------------------------------------ */

static void raise_debug(struct interp *e, uint32_t bits)
{
    e->cpu->dr[6] |= bits;
    e->fault = (struct fault){ .valid = true, .vector = EXC_DB,
                               .kind = INT_EXCEPTION };
}

/*
 * Must a debugger's guest stop before the instruction at rip? Not in front of
 * an exception: what raised it is not over before that is delivered.
 */
static bool stop_is_due(const struct interp *e)
{
    return !e->fault.valid && cpu_stops_due(e->cpu->stops);
}

/* The same of breakpoints: an interrupt comes first, that will come back. */
static bool break_is_due(const struct cpu *c)
{
    if (c->stops->step ||
        !cpu_stops_break(c->stops, (uint32_t)(c->seg[CS].base + c->rip)))
        return false;
    c->stops->reason = CPU_BROKE;
    return true;
}

/* Is the loop to look before the next instruction, and let it be one alone? */
static bool stops_single(const struct cpu *c)
{
    return c->stops &&
           (c->stops->step || c->stops->watch_hit ||
            cpu_stops_near(c->stops, (uint32_t)(c->seg[CS].base + c->rip)));
}

/* A debugger's step goes by interrupts, but where HLT waits for one. */
static bool holds_interrupts(const struct cpu *c)
{
    return c->stops && c->stops->step && !c->halted;
}

/* ---- Executing -------------------------------------------------------------- */

static void execute(struct cpu *c, struct trace *t)
{
    const struct insn *i = t->insn;

    c->run.trace = t;
    c->run.end_trace = false;
#ifdef INTERP_NO_CHAIN
    c->run.next = i;
    while ((i = c->run.next))
        i->fn(c, i);
#else
    i->fn(c, i);
#endif
}

/*
 * May `link` always go to `t` until the next generation? To another page only
 * while a CS offset is one linear address.
 */
static bool may_link(const struct cpu *c, const struct insn *link)
{
    return link->imm2 == LINK_PAGE || (c->run.mode & TRACE_FLAT) ||
           !(c->cr0 & CR0_PG);
}

/*
 * Where the branch `i` to c->rip led in an earlier generation, if it still does:
 * renewing a link costs less than the way through the loop. Else NULL.
 */
static struct trace *renew_link(struct cpu *c, struct insn *i, bool direct)
{
    struct jump_cache *j = &c->interp->jumps[jump_hash((uint32_t)c->rip)];
    struct trace *t = direct ? i->link : j->trace;

    if (!t || (direct && !may_link(c, i)) || !may_enter(c, t) ||
        !trace_is_current(c, t))
        return NULL;
    if (!direct || i->imm2 != LINK_PAGE)
        trace_far_target(c, t);
    if (direct)
        i->link_gen = c->run.gen[i->imm2];
    else
        j->key = c->run.jump_key | t->rip;
    return t;
}

void go_slow(struct cpu *c, const struct insn *i, uint32_t rip, bool direct)
{
    struct insn *link = (struct insn *)i;
    struct trace *t;

    if (rip > c->seg[CS].limit) {
        sync(c, i);
        cpu_raise(c, EXC_GP, 0);
    }
    c->run.count += direct ? i->count : insn_number(c, i) + 1;
    c->rip = rip;
    c->run.next = NULL;
    if (c->run.end_trace)
        return;                 /* `i` itself may be gone */
    c->run.cur = NULL;          /* done: what is raised now is its target's */
    t = renew_link(c, link, direct);
    if (t) {
        c->run.trace = t;
        CHAIN(c, t->insn);
    }
    if (c->run.end_trace)
        return;
    if (direct)
        c->interp->link = link;
    else
        c->interp->indirect = true;
}

/* Host code tests the kind of link that it was made for. */
static bool is_translated(const struct interp *e, const struct insn *link)
{
    return e->translator && link->fn == e->translator->handler;
}

/* Let the branch that led here come directly next time. */
static void link_trace(struct interp *e, struct trace *t, bool linkable)
{
    struct cpu *c = e->cpu;
    struct insn *link = e->link;

    if (linkable && link && may_link(c, link) &&
        !(link->imm2 == LINK_PAGE && t->paddr2 != NO_PAGE &&
          is_translated(e, link))) {
        if (t->paddr2 != NO_PAGE)
            link->imm2 = (uint8_t)far_kind(t->mode);
        trace_link(c, link, t);
    }
    if (linkable && e->indirect && (c->run.mode & TRACE_FLAT)) {
        trace_far_target(c, t);
        e->jumps[jump_hash(t->rip)] = (struct jump_cache){
            c->run.jump_key | t->rip, t };
    }
    forget_link(e);
}

/* INT n and such clear TF and are not followed by the trap. */
static bool is_software_int(const struct insn *i)
{
    return i->map == 0 && ((i->opcode >= 0xcc && i->opcode <= 0xce) ||
                           i->opcode == 0xf1);
}

/*
 * One instruction, with all that can happen around it: TF, instruction
 * breakpoints, RF (SDM vol. 3, 17.3.1). `shadowed`: MOV SS came before.
 */
static void step(struct interp *e, bool shadowed)
{
    struct cpu *c = e->cpu;
    bool tf = c->rflags & FLAG_TF, linkable;
    struct trace *t;

    if (!(c->rflags & FLAG_RF) && !shadowed) {
        uint32_t hits = cpu_debug_fetch(
            c, (uint32_t)(c->seg[CS].base + c->rip));

        if (hits) {
            raise_debug(e, hits);
            return;
        }
    }
    t = trace_find(c, true, &linkable);
    c->rflags &= ~(uint64_t)FLAG_RF;
    c->run.step = tf;
    c->run.limit = c->run.count + 1;
    execute(c, t);
    forget_link(e);
    if (tf && ((c->rflags & FLAG_TF) || !is_software_int(t->insn)))
        c->run.debug |= DR6_BS;
}

static void run_trace(struct interp *e)
{
    struct cpu *c = e->cpu;
    bool linkable;
    struct trace *t;

    if (e->translator && e->translator->is_full(c))
        code_flush_all(c);
    t = jump_find(c);
    linkable = t;
    if (!t) {
        t = trace_find(c, false, &linkable);
        e->indirect = true;     /* jump_find's, next time */
    }
    link_trace(e, t, linkable);
    if (e->translator && linkable)
        e->translator->visit(c, t);
    if (c->run.count + t->n > e->limit) {
        if (c->exact_count) {
            step(e, false);
            return;
        }
        c->run.limit = c->run.count + t->n;
    }
    c->rflags &= ~(uint64_t)FLAG_RF;
    execute(c, t);
    if (!linkable)
        forget_link(e);         /* a private trace has no lasting branches */
}

/* What decoded and translated code is made for, or looks at. */
static void read_mode(struct cpu *c)
{
    c->run.mode = trace_mode(c);
    jump_key_update(c);
    c->run.tlb = ((struct mmu *)c->mmu)->tlb[c->cpl == 3];
    c->run.open[0] = seg_is_open(&c->seg[FS]);
    c->run.open[1] = seg_is_open(&c->seg[GS]);
}

/* Has the loop anything to do before the instruction at rip? */
static bool loop_is_needed(const struct interp *e)
{
    const struct cpu *c = e->cpu;

    return e->link || e->indirect || e->fault.valid || c->run.debug ||
           c->inhibit || c->halted || c->shutdown || attention(c) ||
           (c->rflags & FLAG_TF) || cpu_debug_fetch_armed(c) ||
           stops_single(c) || cpu_in_long_mode(c);
}

struct trace *interp_next_trace(struct cpu *c)
{
    struct interp *e = c->interp;
    struct trace *t;

    if (loop_is_needed(e))
        return NULL;
    read_mode(c);
    t = jump_find(c);
    if (!t || c->run.count + t->n > e->limit)
        return NULL;
    c->rflags &= ~(uint64_t)FLAG_RF;
    c->run.cur = NULL;
    c->run.limit = e->limit;
    c->run.end_trace = false;
    c->run.trace = t;
    return t;
}

/* Something to deliver before the next instruction? Then it is. */
static bool take_event(struct interp *e)
{
    struct cpu *c = e->cpu;

    if (c->run.debug && c->inhibit != INHIBIT_SS) {
        raise_debug(e, c->run.debug);
        c->run.debug = 0;
    }
    if (e->fault.valid) {
        deliver(e);
        return true;
    }
    if (c->inhibit || holds_interrupts(c))
        return false;
    if (c->nmi && !c->nmi_blocked) {
        c->nmi = false;
        c->nmi_blocked = true;
        deliver_interrupt(e, EXC_NMI);
        return true;
    }
    if (c->intr && (c->rflags & FLAG_IF)) {
        c->icount = c->run.count;
        deliver_interrupt(e, c->bus->intack(c->bus->ctx));
        return true;
    }
    return false;
}

static void execute_some(struct interp *e)
{
    struct cpu *c = e->cpu;
    uint8_t shadow = c->inhibit;

    read_mode(c);
    c->inhibit = 0;
    if ((c->rflags & FLAG_TF) || c->run.debug || cpu_debug_fetch_armed(c) ||
        stops_single(c) || (shadow && (c->intr || c->nmi)))
        step(e, shadow == INHIBIT_SS);
    else
        run_trace(e);
}

static enum engine_exit loop(struct interp *e)
{
    struct cpu *c = e->cpu;
    bool event;

    switch (setjmp(e->env)) {
    case 1:
        unwind_insn(c);
        break;
    case 2:
        combine_faults(e);
        break;
    case INTERP_FAILED:
        return ENGINE_FAILED;
    }
    c->run.native = false;
    for (;;) {
        c->run.cur = NULL;
        c->run.step = false;
        c->run.limit = e->limit;
        if (c->shutdown)
            return ENGINE_SHUTDOWN;
        /* From long mode on it is the hardware engine's, run.debug too. */
        if (cpu_in_long_mode(c))
            return ENGINE_BUDGET;
        if (unlikely(c->stops) && stop_is_due(e))
            return ENGINE_DEBUG;
        event = take_event(e);
        if (__atomic_load_n(&c->stop_request, __ATOMIC_RELAXED))
            return ENGINE_KICKED;
        if (!event && c->halted)
            return ENGINE_HALTED;
        /* After an event too: its delivery may make another one due. */
        if (c->run.count >= e->limit)
            return ENGINE_BUDGET;
        if (unlikely(c->stops)) {
            if (!event && break_is_due(c))
                return ENGINE_DEBUG;
            c->stops->went_on = true;
        }
        if (!event)
            execute_some(e);
    }
}

/* ---- The engine ---------------------------------------------------------- */

static int interp_probe(char *why, size_t size)
{
    return 0;
}

static struct interp *interp_of(struct engine *engine)
{
    return (struct interp *)engine;
}

static void interp_destroy(struct engine *engine)
{
    struct interp *e = interp_of(engine);

    if (e->cpu->mmu)
        mmu_destroy(e->cpu);
    if (e->cache)
        trace_cache_destroy(e->cache);
    free(e->links);
    free(e->jumps);
    e->cpu->interp = NULL;
    free(e);
}

static struct engine *interp_create(struct cpu *cpu)
{
    struct interp *e = calloc(1, sizeof(*e));

    if (!e)
        return NULL;
    e->cpu = cpu;
    cpu->mmu = NULL;
    cpu->run = (struct cpu_run){ .gen = { 1, 1, 1 } };
    e->cache = trace_cache_create();
    e->jumps = calloc(JUMP_CACHE, sizeof(*e->jumps));
    e->links = e->cache ? links_create(e->cache) : NULL;
    if (!e->links || !e->jumps || mmu_create(cpu) < 0) {
        interp_destroy((struct engine *)e);
        return NULL;
    }
    cpu->interp = e;
    return (struct engine *)e;
}

static enum engine_exit interp_run(struct engine *engine, uint64_t max_insns,
                                   uint64_t max_ns)
{
    struct interp *e = interp_of(engine);
    struct cpu *c = e->cpu;
    enum engine_exit why;

    forget_link(e);
    if (c->event.valid)         /* left by a hardware engine */
        interp_raise(engine, c->event.vector,
                     c->event.kind != CPU_EVENT_EXCEPTION, c->event.has_error,
                     c->event.error);
    c->event.valid = false;
    c->run.count = c->icount;
    e->limit = c->icount + max_insns;
    flags_set_arith(c, (uint32_t)c->rflags);
    c->run.lazy = true;
    why = loop(e);
    c->rflags = cpu_flags(c);
    c->run.lazy = false;
    c->icount = c->run.count;
    if (why == ENGINE_KICKED)
        cpu_ask_stop(c, false);
    return why;
}

static void interp_memory_changed(struct engine *e, uint64_t addr,
                                  uint64_t len)
{
    struct cpu *c = interp_of(e)->cpu;

    while (len > 0) {
        uint64_t n = MMU_PAGE_SIZE - addr % MMU_PAGE_SIZE;

        if (n > len)
            n = len;
        code_written(c, addr, (unsigned)n);
        addr += n;
        len -= n;
    }
}

static void interp_map_changed(struct engine *e)
{
    struct cpu *c = interp_of(e)->cpu;

    mmu_flush(c, false);
    mmu_mode_changed(c);
    code_flush_all(c);
}

void interp_resync(struct engine *engine)
{
    struct interp *e = interp_of(engine);

    e->resyncs++;
    mmu_mode_changed(e->cpu);
    /* Without paging, nothing that a guest does changes a translation. */
    if ((e->cpu->cr0 & CR0_PG) || debug_enabled(e->cpu))
        mmu_flush(e->cpu, false);
    code_distrust(e->cpu);
}

uint32_t interp_mapping(const struct engine *engine)
{
    return ((const struct interp *)engine)->mapping;
}

void interp_raise(struct engine *engine, unsigned vector, bool external,
                  bool has_error, uint32_t error)
{
    interp_of(engine)->fault = (struct fault){
        .valid = true, .vector = (uint8_t)vector,
        .kind = external ? INT_HARDWARE : INT_EXCEPTION,
        .has_error = has_error, .error = error
    };
}

static void interp_kick(struct engine *e)
{
    cpu_ask_stop(interp_of(e)->cpu, true);
}

const struct engine_ops engine_interp = {
    .name = "interp",
    .counts_insns = true,
    .probe = interp_probe,
    .create = interp_create,
    .destroy = interp_destroy,
    .run = interp_run,
    .memory_changed = interp_memory_changed,
    .map_changed = interp_map_changed,
    .kick = interp_kick,
};
