/* For what makes random code: its bytes, and choices out of tables. */
#ifndef TESTS_ENGINE_FUZZ_OUT_H
#define TESTS_ENGINE_FUZZ_OUT_H

#include "tests/engine/fuzz_code.h"

#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))
#define PICK(r, a) ((a)[fuzz_below(r, COUNT(a))])

/* Room for one step of the generator: an instruction with its preparation. */
#define STEP_MAX 40u

struct out {
    uint8_t b[STEP_MAX];
    unsigned n;
};

static inline void put(struct out *o, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes && o->n < STEP_MAX; i++)
        o->b[o->n++] = (uint8_t)(v >> (8 * i));
}

#endif
