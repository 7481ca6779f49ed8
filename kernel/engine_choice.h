/* Which CPU engine runs a guest. I/O core. */
#ifndef KERNEL_ENGINE_CHOICE_H
#define KERNEL_ENGINE_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

struct guest;
struct cpu_model;

/* The model that -cpu asks for, or the default; NULL: no such model. */
const struct cpu_model *engine_choice_model(const struct guest *g);

/*
 * Into g->engine: what -accel names, else the first of platform_engines that
 * can be had here, runs the CPU model, and leaves the memory that is needed
 * elsewhere (g->reserve). Why others were passed over is added to
 * g->engine_note. 0, or negative errno with a sentence in `why`.
 */
int engine_choose(struct guest *g, char *why, size_t size);

/*
 * No machine could be made with g->engine, for this `reason`: take the next
 * that will do. False: none, or -accel asked for that one; nothing changed.
 */
bool engine_choose_next(struct guest *g, const char *reason);

#endif
