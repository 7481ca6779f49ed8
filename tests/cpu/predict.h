/* What the emulator's run would be with this processor's traits. */
#ifndef TESTS_CPU_PREDICT_H
#define TESTS_CPU_PREDICT_H

#include "tests/cpu/generate.h"

/*
 * The run of `t` on the emulator, and then what traits (traits.h) change in
 * it, its memory included. `native`: the processor's run, for what may vary.
 */
void predict_run(const struct test *t, const struct run_state *native,
                 struct run_state *out);

#endif
