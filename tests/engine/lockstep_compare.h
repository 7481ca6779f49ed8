/* The guest's code, for the reports of lockstep.c. */
#ifndef TESTS_ENGINE_LOCKSTEP_COMPARE_H
#define TESTS_ENGINE_LOCKSTEP_COMPARE_H

#include "emu/cpu/cpu.h"

/*
 * The bytes of the instruction that `c` is about to execute, at most 15, read
 * without side effects; returns how many can be read.
 */
unsigned lockstep_code(const struct cpu *c, uint8_t code[15]);

#endif
