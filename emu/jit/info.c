/* "info engine" of the translator: what it has done. */
#include "emu/jit/check.h"
#include "emu/jit/window.h"
#include "emu/textbuf.h"

static unsigned percent(uint64_t part, uint64_t other)
{
    return part + other ? (unsigned)(part * 100 / (part + other)) : 0;
}

static void window_info(struct textbuf *t, const struct jit_window *w)
{
    text_add(t, "window: user %s, supervisor %s; used %llu times, ended %llu\n"
             "traces put into it: %llu; they had %llu faults and %llu pages,\n"
             "  %llu had no use of it\n",
             w->view[1].active ? "on" : "off", w->view[0].active ? "on" : "off",
             (unsigned long long)w->counts.activated,
             (unsigned long long)w->counts.dropped,
             (unsigned long long)w->counts.promoted,
             (unsigned long long)w->counts.faults,
             (unsigned long long)w->counts.mapped,
             (unsigned long long)w->counts.refused);
}

int jit_info(struct engine *engine, char *buf, size_t size)
{
    const struct jit *j = ((struct interp *)engine)->jit;
    const struct jit_counts *n = &j->counts;
    const uint64_t all = j->interp->cpu->icount;
    struct textbuf t = { buf, size, 0 };

    text_add(
        &t,
        "translated: %llu traces, %u KiB of %u in use, %llu flushes\n"
        "instructions in them: %llu native, %llu by handler (%u%%)\n"
        "executed by host code: %llu of %llu, %u%% by interp\n"
        "entered from the loop: %llu\n"
        "left for: handler %llu, direct branch not linked %llu,\n"
        "  indirect branch %llu, trace not translated %llu,\n"
        "  limit or interrupt %llu\n"
        "FPU state loaded: %llu\n",
        (unsigned long long)n->translated,
        (unsigned)((j->next - j->start) >> 10), JIT_CODE_BYTES >> 10,
        (unsigned long long)n->flushes, (unsigned long long)n->native,
        (unsigned long long)n->by_handler, percent(n->by_handler, n->native),
        (unsigned long long)n->ran, (unsigned long long)all,
        percent(all > n->ran ? all - n->ran : 0, n->ran),
        (unsigned long long)n->entered, (unsigned long long)n->handlers,
        (unsigned long long)n->unlinked, (unsigned long long)n->indirect,
        (unsigned long long)n->cold, (unsigned long long)n->left,
        (unsigned long long)n->fpu_loads);
    if (j->window)
        window_info(&t, j->window);
    if (j->check)
        text_add(&t, "checked: %llu stretches with %llu instructions; "
                 "%llu could not be\n",
                 (unsigned long long)j->check->compared,
                 (unsigned long long)j->check->insns,
                 (unsigned long long)j->check->unknown);
    return (int)t.wanted;
}
