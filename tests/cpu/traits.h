/*
 * What the manuals leave to the processor or do not tell, and processors do
 * differently: found out at the start by running a probe of each on this one.
 */
#ifndef TESTS_CPU_TRAITS_H
#define TESTS_CPU_TRAITS_H

#include <stdbool.h>

/* False: as the emulator does it. */
enum trait {
    TRAIT_PUSH_SEG16, TRAIT_LAR_LIMIT, TRAIT_ARPL_KEEPS, TRAIT_BOUND_LOWER,
    TRAIT_FLAT_END, TRAIT_REPE_FLAGS, TRAIT_REPNE_FLAGS, TRAIT_CMPS_ORDER,
    TRAIT_MOVU_NO_AC, TRAIT_MASKMOV_ORDER, TRAIT_MMX_TOP,
    TRAIT_X87_NO_STORE, TRAIT_X87_PARTS, TRAIT_NULL_CLEARED,
    TRAIT_INT1_FAULT, TRAIT_COUNT
};
extern bool traits[TRAIT_COUNT];

/* Run the probes, tell on stdout what they found. */
void traits_find(void);

#endif
