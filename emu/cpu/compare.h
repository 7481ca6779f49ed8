/* Are two CPUs in the same state? For tests of one engine by another. */
#ifndef EMU_CPU_COMPARE_H
#define EMU_CPU_COMPARE_H

#include "emu/cpu/cpu.h"

struct cpu_say {
    void *ctx;
    void (*line)(void *ctx, const char *line);  /* without newline */
};

/*
 * All registers, hidden parts included. `say`: what gets a line for each
 * difference, or NULL. Flags in `undefined` may differ; *flags gets those that
 * did.
 */
bool cpu_same(const struct cpu *a, const struct cpu *b, uint32_t undefined,
              uint32_t *flags, const struct cpu_say *say);

#endif
