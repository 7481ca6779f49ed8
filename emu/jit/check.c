/* See check.h. */
#include "emu/jit/check.h"

#include <stdlib.h>

#include "emu/cpu/compare.h"
#include "emu/cpu/debug.h"
#include "emu/cpu/undefined.h"

#define FAR_AWAY 0x1000u        /* more than two traces have instructions */

struct jit_check *jit_check_new(unsigned every)
{
    struct jit_check *ch = calloc(1, sizeof(*ch));

    if (!ch)
        return NULL;
    ch->every = every;
    dry_run_init(&ch->dry);
    ch->by_handler = calloc(TRACE_ARENA_BYTES / sizeof(struct insn),
                            sizeof(*ch->by_handler));
    if (ch->by_handler)
        return ch;
    free(ch);
    return NULL;
}

void jit_check_free(struct jit_check *ch)
{
    if (ch)
        free(ch->by_handler);
    free(ch);
}

/* All that instructions change, but not what other threads write. */
static void check_copy(struct cpu *to, const struct cpu *from)
{
    memcpy(to, from, offsetof(struct cpu, intr));
    to->fpu = from->fpu;
}

/* ---- The interpreter's way --------------------------------------------------- */

static struct cpu *head_of(struct check_state *s)
{
    return (struct cpu *)(void *)s->head;
}

/* At instruction k; `gone`: or behind the branch that k - 1 is. */
static void record(struct cpu *c, struct jit_check *ch, unsigned k, bool gone)
{
    struct check_state *s = &ch->at[k];
    struct cpu *head = head_of(s);

    memcpy(s->head, c, sizeof(s->head));
    s->writes = ch->dry.count;
    s->own_fpu = memcmp(&c->fpu, &ch->start.fpu, sizeof(c->fpu)) != 0;
    if (s->own_fpu)
        s->fpu = c->fpu;
    head->rflags = cpu_flags(c);
    head->run.count += gone ? 0 : k;
    if (!gone)
        head->rip = ch->trace->insn[k].rip;
    ch->last = k;
    ch->left_trace = gone;
}

static void steps(struct cpu *c, struct jit *j)
{
    struct jit_check *ch = j->check;
    struct trace *t = ch->trace;
    const size_t base = jit_number(j, t->insn);

    record(c, ch, ch->first, false);
    for (unsigned k = ch->first; k < t->n && !ch->left_trace; k++) {
        const struct insn *i = &t->insn[k];

        if (ch->by_handler[base + k])
            return;
        j->plain[base + k](c, i);
        dry_run_settle(&ch->dry);
        record(c, ch, k + 1, c->run.next != i + 1);
    }
}

/* Handlers may raise, and the memory unit refuse: then this is as far as it goes. */
static void handlers_first(struct cpu *c, struct jit *j)
{
    struct interp *e = j->interp;
    struct jit_check *ch = j->check;
    struct insn *link = e->link;
    bool indirect = e->indirect;
    jmp_buf env, refused;

    memcpy(env, e->env, sizeof(env));
    ch->faulted = false;
    ch->cut = true;
    ch->dry.refused = &refused;
    dry_run_begin(c, &ch->dry);
    if (setjmp(refused) == 0) {
        if (setjmp(e->env) == 0) {
            steps(c, j);
            ch->cut = false;
        } else {
            ch->faulted = true;
        }
    }
    dry_run_end(c, &ch->dry);
    dry_run_undo(&ch->dry);
    check_copy(&ch->end, c);
    memcpy(e->env, env, sizeof(env));
    e->fault.valid = false;
    e->link = link;
    e->indirect = indirect;
}

static bool its_turn(struct jit_check *ch)
{
    if (ch->left > 1) {
        ch->left--;
        return false;
    }
    ch->left = ch->every;
    return true;
}

void jit_check_begin(struct cpu *c, struct trace *t, unsigned k)
{
    struct jit *j = c->interp->jit;
    struct jit_check *ch = j->check;

    if (!its_turn(ch) || debug_enabled(c))
        return;
    ch->trace = t;
    ch->first = k;
    check_copy(&ch->start, c);
    c->run.limit = 0;           /* branches leave, there and here */
    handlers_first(c, j);
    check_copy(c, &ch->start);
    ch->limit = c->run.limit;
    c->run.limit = c->run.count - FAR_AWAY;     /* as if long over */
    c->run.left = -(int64_t)FAR_AWAY - t->n;
    ch->open = true;
}

void jit_check_cancel(struct cpu *c)
{
    struct jit_check *ch = c->interp->jit->check;

    if (!ch || !ch->open)
        return;
    ch->open = false;
    c->run.limit = ch->limit;
}

/* ---- What the host code left -------------------------------------------------- */

static void put_native(const struct jit_check *ch)
{
    for (unsigned n = 0; n < ch->dry.count; n++)
        memcpy(ch->dry.write[n].host, ch->native[n], ch->dry.write[n].len);
}

/* Memory gets the interpreter's values, which are the same if all is well. */
static bool memory_differs(struct jit_check *ch, unsigned k)
{
    const struct dry_run *d = &ch->dry;
    bool differs = false;

    for (unsigned n = 0; n < d->count; n++)
        memcpy(ch->native[n], d->write[n].host, d->write[n].len);
    dry_run_undo(d);
    dry_run_redo(d, ch->at[k].writes);
    for (unsigned n = 0; n < d->count; n++)
        differs |= memcmp(ch->native[n], d->write[n].host,
                          d->write[n].len) != 0;
    return differs;
}

/*
 * Flags that are undefined at state k. False: an instruction before it depends
 * on such a flag, so that all may differ.
 */
static bool find_undefined(struct jit_check *ch, unsigned k)
{
    struct trace *t = ch->trace;
    const uint8_t *code = trace_code(t);
    bool used = false;

    ch->undefined = 0;
    for (unsigned n = 0; n < k && !used; n++) {
        uint8_t len = t->insn[n].len;

        if (n >= ch->first) {
            memcpy(&ch->interp, ch->at[n].head, sizeof(ch->at[n].head));
            ch->undefined = undefined_carry(ch->undefined, code, len,
                                            &ch->interp, &used);
        }
        code += len;
    }
    return !used;
}

/* What the interpreter makes of the CPU up to k. False: not all was kept. */
static bool make_expected(struct cpu *c, struct jit_check *ch, unsigned k)
{
    const struct check_state *s = &ch->at[k];
    const size_t head = sizeof(s->head);

    check_copy(&ch->interp, &ch->end);
    memcpy(&ch->interp, s->head, head);
    ch->interp.fpu = s->own_fpu ? s->fpu : ch->start.fpu;
    ch->interp.icount = ch->interp.run.count;
    ch->interp.intr = c->intr;
    return (k == ch->last && !ch->cut) ||
           !memcmp((uint8_t *)&ch->start + head, (uint8_t *)&ch->end + head,
                   offsetof(struct cpu, event_ext) - head);
}

/* Which state is to be compared; or ch->last + 1: none. */
static unsigned find_state(struct cpu *c, struct jit_check *ch, unsigned k)
{
    if (k == CHECK_GONE && (ch->left_trace || ch->last == ch->trace->n))
        return ch->last;
    if (k <= ch->last)
        return k;
    if (!ch->faulted && !ch->left_trace)
        return ch->last + 1;
    if (find_undefined(ch, ch->last)) {
        make_expected(c, ch, ch->last);
        check_report(c, ch->last, ch->faulted ? "the interpreter raises a fault"
                                              : "the interpreter branches");
    }
    return ch->last + 1;
}

static void compare(struct cpu *c, struct jit_check *ch, unsigned k)
{
    uint32_t flags;
    bool memory, complete;

    memory = memory_differs(ch, k);
    complete = make_expected(c, ch, k);
    if (!memory && complete &&
        cpu_same(&ch->interp, &ch->jit, FLAGS_ARITH, &flags, NULL) && !flags) {
        ch->compared++;
        ch->insns += k - ch->first;
        return;
    }
    if (!complete || !find_undefined(ch, k)) {
        put_native(ch);
        ch->unknown++;
        return;
    }
    make_expected(c, ch, k);
    if (memory ||
        !cpu_same(&ch->interp, &ch->jit, ch->undefined, &flags, NULL))
        check_report(c, k, NULL);
}

void jit_check_end(struct cpu *c, unsigned k, uint32_t rip, uint64_t count)
{
    struct jit_check *ch = c->interp->jit->check;

    if (!ch->open)
        return;
    ch->open = false;
    c->run.limit = ch->limit;
    check_copy(&ch->jit, c);
    ch->jit.rflags = cpu_flags(c);
    ch->jit.rip = rip;
    ch->jit.icount = count;
    ch->jit.intr = c->intr;
    k = find_state(c, ch, k);
    if (k <= ch->last)
        compare(c, ch, k);
    else
        ch->unknown++;
}
