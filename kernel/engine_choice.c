/* See engine_choice.h. */
#include "kernel/engine_choice.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "emu/cpu/cpu.h"
#include "emu/cpu/engine.h"
#include "kernel/guest.h"
#include "kernel/platform.h"

const struct cpu_model *engine_choice_model(const struct guest *g)
{
    const char *name = g->options->cpu;

    return cpu_model_find(name ? name : CPU_MODEL_DEFAULT);
}

/* "vmx: reason; svm: reason", as far as there is room. */
static void note_refusal(struct guest *g, const char *name, const char *reason)
{
    size_t used = strlen(g->engine_note);

    snprintf(g->engine_note + used, sizeof g->engine_note - used, "%s%s: %s",
             used ? "; " : "", name, reason);
}

static int no_such_engine(const char *want, char *why, size_t size)
{
    char names[64] = "";

    for (unsigned i = 0; platform_engines[i]; i++) {
        size_t used = strlen(names);

        snprintf(names + used, sizeof names - used, " %s",
                 platform_engines[i]->name);
    }
    snprintf(why, size, "-accel %s: no such engine here; there are:%s", want,
             names);
    return -EINVAL;
}

/* Can this engine be had here, and does it run the model? 0 or `reason`. */
static int try_engine(const struct guest *g, const struct engine_ops *e,
                      char *reason, size_t size)
{
    const struct cpu_model *model = engine_choice_model(g);

    if (cpu_model_is_64bit(model) && !e->long_mode) {
        snprintf(reason, size, "it does not run 64-bit CPUs (-cpu %s)",
                 model->name);
        return -ENODEV;
    }
    if (g->options->check_every && !e->check) {
        snprintf(reason, size, "check= is for a translator: jit");
        return -EINVAL;
    }
    if (g->options->window && !e->window) {
        snprintf(reason, size, "window= is for a translator: jit");
        return -EINVAL;
    }
    return e->probe(reason, size);
}

/* Is there memory for what only makes it faster? 0 or `reason`. */
static int try_memory(const struct guest *g, const struct engine_ops *e,
                      char *reason, size_t size)
{
    uint64_t need = e->extra_memory + guest_memory(g->options) + g->reserve;

    if (!e->extra_memory || platform_memory_free() >= need)
        return 0;
    snprintf(reason, size, "no memory to spare");
    return -ENOMEM;
}

/* The first from platform_engines[i] on that nobody has to ask for. */
static const struct engine_ops *first_from(struct guest *g, unsigned i)
{
    for (; platform_engines[i]; i++) {
        const struct engine_ops *e = platform_engines[i];
        char reason[96] = "";

        if (!try_engine(g, e, reason, sizeof reason) &&
            !try_memory(g, e, reason, sizeof reason))
            return e;
        note_refusal(g, e->name, reason);
    }
    return NULL;
}

static int choose_named(struct guest *g, const char *want, char *why,
                        size_t size)
{
    for (unsigned i = 0; platform_engines[i]; i++) {
        const struct engine_ops *e = platform_engines[i];
        char reason[96] = "";

        if (strcmp(want, e->name))
            continue;
        if (try_engine(g, e, reason, sizeof reason)) {
            snprintf(why, size, "-accel %s: %s", want, reason);
            return -ENODEV;
        }
        g->engine = e;
        return 0;
    }
    return no_such_engine(want, why, size);
}

int engine_choose(struct guest *g, char *why, size_t size)
{
    if (*g->options->accel)
        return choose_named(g, g->options->accel, why, size);
    g->engine = first_from(g, 0);
    if (g->engine)
        return 0;
    snprintf(why, size, "no CPU engine: %s", g->engine_note);
    return -ENODEV;
}

bool engine_choose_next(struct guest *g, const char *reason)
{
    const struct engine_ops *next;
    unsigned i = 0;

    if (*g->options->accel)
        return false;
    while (platform_engines[i] != g->engine)
        i++;
    note_refusal(g, g->engine->name, reason);
    next = first_from(g, i + 1);
    if (next)
        g->engine = next;
    return next;
}
