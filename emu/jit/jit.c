/* The engine "jit": an interpreter with a translator behind it. */
#include <errno.h>
#include <stdlib.h>

#include "emu/jit/check.h"
#include "emu/jit/gen.h"
#include "emu/jit/window.h"

#define JIT_THRESHOLD 16u       /* executions that make a trace hot */
/* Four tables, each a quarter of the arena of traces, and the code. */
#define JIT_EXTRA_BYTES (TRACE_ARENA_BYTES + JIT_CODE_BYTES)

/* Modes that are translated: flat 32-bit code and stack. */
#define JIT_MODE (TRACE_CS32 | TRACE_SS32 | TRACE_FLAT | TRACE_IP4G)

static struct jit *jit_of(const struct cpu *c)
{
    return c->interp->jit;
}

/* The first handler of a trace that is not hot yet: it counts. */
static void warm_up(struct cpu *c, const struct insn *i)
{
    struct trace *t = c->run.trace;

    if (t->heat < jit_of(c)->threshold) {
        t->heat++;
        return t->first(c, i);
    }
    c->rip = t->rip;            /* the loop will have it translated */
    c->run.next = NULL;
}

static void jit_built(struct cpu *c, struct trace *t)
{
    struct jit *j = jit_of(c);

    t->entry = jit_exec(j, j->cold);
    t->body = NULL;
    t->heat = 0;
    t->first = t->insn->fn;
    jit_forget_forms(j, t);
    if ((t->mode & JIT_MODE) == JIT_MODE)
        t->insn->fn = warm_up;
}

static void jit_visit(struct cpu *c, struct trace *t)
{
    struct jit *j = jit_of(c);

    if (!t->body && t->heat >= j->threshold &&
        (t->mode & JIT_MODE) == JIT_MODE && !jit_translate(j, t, &memory_tlb)) {
        j->full = true;         /* go on by handlers until it is emptied */
        t->heat = 0;
    }
    if (t->body && j->window && !j->full)
        jit_window_visit(c, t);
}

static bool jit_is_full(struct cpu *c)
{
    return jit_of(c)->full;
}

static void jit_flushed(struct cpu *c)
{
    struct jit *j = jit_of(c);

    j->next = j->start;
    j->end = j->write + JIT_CODE_BYTES;
    j->full = false;
    j->counts.flushes++;
    if (j->window)
        jit_window_flushed(c);
}

static void jit_mapping_changed(struct cpu *c)
{
    if (jit_of(c)->window)
        jit_window_changed(c);
}

static void jit_page_changed(struct cpu *c, uint32_t lin, bool large)
{
    if (jit_of(c)->window)
        jit_window_page_changed(c, lin, large);
}

static void jit_page_tracked(struct cpu *c, uint64_t page)
{
    if (jit_of(c)->window)
        jit_window_page_tracked(c, page);
}

static const struct translator translator = {
    .handler = jit_enter, .built = jit_built, .visit = jit_visit,
    .is_full = jit_is_full, .flushed = jit_flushed, .unlinked = jit_unlinked,
    .unwound = jit_flags_to_lazy, .mapping_changed = jit_mapping_changed,
    .page_changed = jit_page_changed, .page_tracked = jit_page_tracked,
};

static int jit_probe(char *why, size_t size)
{
    return 0;
}

static void jit_free(struct jit *j, const struct cpu_bus *bus)
{
    jit_window_free(j);
    if (j->write)
        bus->code_memory_free(j->write, JIT_CODE_BYTES);
    jit_check_free(j->check);
    free(j->plain);
    free(j->branches);
    free(j->other_branches);
    free(j->other);
    free(j->gen);
    free(j);
}

static struct jit *jit_new(struct interp *e)
{
    const struct cpu_bus *bus = e->cpu->bus;
    struct jit *j = calloc(1, sizeof(*j));
    uint8_t *exec;

    if (!j)
        return NULL;
    j->interp = e;
    j->threshold = JIT_THRESHOLD;
    j->arena = trace_arena(e->cache);
    j->plain = calloc(TRACE_ARENA_BYTES / sizeof(struct insn),
                      sizeof(*j->plain));
    j->branches = calloc(TRACE_ARENA_BYTES / sizeof(struct insn),
                         sizeof(*j->branches));
    j->other_branches = calloc(TRACE_ARENA_BYTES / sizeof(struct insn),
                               sizeof(*j->branches));
    j->other = calloc(TRACE_ARENA_BYTES / 64, sizeof(*j->other));
    j->gen = calloc(1, sizeof(*j->gen));
    if (!j->plain || !j->branches || !j->other_branches || !j->other ||
        !j->gen || !bus->code_memory ||
        bus->code_memory(JIT_CODE_BYTES, &j->write, &exec) < 0) {
        jit_free(j, bus);
        return NULL;
    }
    j->exec = exec - j->write;
    j->end = j->write + JIT_CODE_BYTES;
    jit_common(j);
    j->window = jit_window_new(j);
    return j;
}

static struct engine *jit_create(struct cpu *cpu)
{
    struct engine *engine = engine_interp.create(cpu);
    struct interp *e = (struct interp *)engine;

    if (!e)
        return NULL;
    e->jit = jit_new(e);
    if (!e->jit) {
        engine_interp.destroy(engine);
        return NULL;
    }
    e->translator = &translator;
    cpu->run.jumps = e->jumps;
    cpu->run.replay = (uintptr_t)jit_exec(e->jit, e->jit->replay);
    return engine;
}

static void jit_destroy(struct engine *engine)
{
    struct interp *e = (struct interp *)engine;

    jit_free(e->jit, e->cpu->bus);
    e->jit = NULL;
    engine_interp.destroy(engine);
}

static enum engine_exit jit_run(struct engine *e, uint64_t max_insns,
                                uint64_t max_ns)
{
    struct jit_window *w = ((struct interp *)e)->jit->window;

    if (w)
        w->sample = true;
    return engine_interp.run(e, max_insns, max_ns);
}

static void jit_memory_changed(struct engine *e, uint64_t addr, uint64_t len)
{
    engine_interp.memory_changed(e, addr, len);
}

static void jit_map_changed(struct engine *e)
{
    engine_interp.map_changed(e);
}

static void jit_kick(struct engine *e)
{
    engine_interp.kick(e);
}

void jit_set_threshold(struct engine *e, unsigned executions)
{
    ((struct interp *)e)->jit->threshold = executions;
}

static int jit_check(struct engine *e, unsigned every)
{
    struct jit *j = ((struct interp *)e)->jit;

    j->check = jit_check_new(every);
    return j->check ? 0 : -ENOMEM;
}

static int jit_window(struct engine *e, enum engine_window window)
{
    struct jit *j = ((struct interp *)e)->jit;

    if (window == ENGINE_WINDOW_ON && !j->window)
        return -ENOTSUP;
    if (window == ENGINE_WINDOW_OFF)
        jit_window_free(j);
    return 0;
}

const struct engine_ops engine_jit = {
    .name = "jit",
    .counts_insns = true,
    .extra_memory = JIT_EXTRA_BYTES,
    .probe = jit_probe,
    .create = jit_create,
    .destroy = jit_destroy,
    .run = jit_run,
    .memory_changed = jit_memory_changed,
    .map_changed = jit_map_changed,
    .kick = jit_kick,
    .check = jit_check,
    .window = jit_window,
    .info = jit_info,
};
