/*
 * One trace into host code. Its instructions are decoded once more from the
 * bytes that it keeps, as the handlers that it has may do two at once, and
 * branches have links where their opcodes were.
 */
#include "emu/jit/check.h"
#include "emu/jit/gen.h"
#include "emu/jit/window.h"

/* Behind the prefixes, which may be all of it. */
static void raw_opcode(struct gen *g, unsigned k, const uint8_t *p)
{
    const uint8_t *last = p + g->trace->insn[k].len - 1;
    static const uint8_t prefixes[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
                                        0x66, 0x67, 0xf0, 0xf2, 0xf3 };

    g->op16[k] = g->addr16[k] = false;
    while (p < last && memchr(prefixes, *p, sizeof(prefixes))) {
        g->op16[k] |= *p == 0x66;
        g->addr16[k] |= *p == 0x67;
        p++;
    }
    g->maps[k] = *p == 0x0f && p < last;
    g->ops[k] = g->maps[k] ? p[1] : p[0];
}

static void scan(struct gen *g)
{
    const struct trace *t = g->trace;
    const uint8_t *p = trace_code(g->trace);

    for (unsigned k = 0; k < t->n; k++) {
        raw_opcode(g, k, p);
        p += t->insn[k].len;
    }
}

/*
 * Stubs of the instruction that go on behind it learn where that is, and
 * whether the flags follow from what it has read or written, in R11.
 */
static void set_back(struct gen *g, unsigned first)
{
    const struct flag_source *f = &g->flags.source;
    bool operand = g->flags_made && f->kind && (f->a == R11 || f->b == R11);

    for (unsigned n = first; n < g->stub_count; n++) {
        struct stub *s = &g->stubs[n];

        if (s->kind != STUB_SLOW || s->back)
            continue;           /* or of one that was emitted for it (cycle.c) */
        s->back = g->code.p;
        s->operand = operand ? g->size : 0;
    }
}

static const uint8_t *bytes_of(struct trace *t, unsigned k)
{
    return trace_code(t) + (t->insn[k].rip - t->rip);
}

void gen_insn(struct gen *g)
{
    unsigned k = g->k, first = g->stub_count;
    struct insn *i = &g->trace->insn[k], fresh;
    const uint8_t *bytes = bytes_of(g->trace, k);
    const struct native *e = native_find(g->maps[k], g->ops[k]);
    size_t n = jit_number(g->jit, i);
    bool native;

    if (decode_insn(&fresh, bytes, i->len, i->rip, g->trace->mode) ==
        DECODE_MORE)
        fresh.fn = op_too_long;
    g->jit->plain[n] = fresh.fn;
    g->flags_made = false;
    g->op = g->ops[k];
    g->size = fresh.flags & INSN_OP16 ? 2 : 4;
    if ((e->attr & NATIVE_BYTE) && !(g->op & 1))
        g->size = 1;
    native = e->emit && fresh.fn != op_invalid &&
             fresh.fn != op_too_long && e->emit(g, &fresh);
    if (g->jit->check)
        g->jit->check->by_handler[n] = !native;
    if (native) {
        g->jit->counts.native++;
    } else {
        if (e->attr & NATIVE_LIGHT)
            emit_light_handler(g, k);
        else
            emit_handler(g, k);
        g->jit->counts.by_handler++;
    }
    set_back(g, first);
}

static void translate_all(struct gen *g)
{
    struct trace *t = g->trace;

    branch_entry(g, t->n);
    g->body = g->code.p;
    for (g->k = 0; g->k < t->n && !g->ended; g->k++)
        gen_insn(g);
    if (!g->ended) {
        flags_to_saved(g);
        branch_direct(g, t->n);
    }
    if (g->memory->faults)
        window_code_ends(g);
    stubs_emit(g);
}

/* From now on whoever comes to it runs the host code. */
static void install(struct gen *g, const uint8_t *start)
{
    struct trace *t = g->trace;

    for (unsigned k = 0; k <= t->n; k++)
        t->insn[k].fn = jit_enter;
    t->entry = jit_exec(g->jit, start);
    t->body = jit_exec(g->jit, g->body);
}

/* Of a trace's branches, below those of others. */
#define CELLS_MAX ((TRACE_INSNS + 1) * sizeof(struct jit_cell))

bool jit_translate(struct jit *j, struct trace *t,
                   const struct memory_strategy *memory)
{
    unsigned sites = j->window ? j->window->site_count : 0;
    uint8_t *start = j->next;
    struct gen *g = j->gen;

    if ((size_t)(j->end - j->next) < JIT_TRACE_ROOM ||
        sites + GEN_STUBS >= WINDOW_SITES)
        return false;
    *g = (struct gen){ .jit = j, .trace = t, .memory = memory,
                       .flags = { .saved = true } };
    g->code = (struct code){ .p = start, .end = j->end - CELLS_MAX };
    scan(g);
    translate_all(g);
    if (g->code.full) {
        memset(jit_branch(j, t->insn), 0, (t->n + 1u) * sizeof(*j->branches));
        if (j->window)
            j->window->site_count = sites;
        return false;
    }
    j->next = start + ((g->code.p - start + 15) & ~(ptrdiff_t)15);
    j->counts.translated++;
    j->written = true;
    install(g, start);
    return true;
}
