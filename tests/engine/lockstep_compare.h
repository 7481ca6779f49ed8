/* What must be equal between two CPUs in lockstep. */
#ifndef TESTS_ENGINE_LOCKSTEP_COMPARE_H
#define TESTS_ENGINE_LOCKSTEP_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "emu/cpu/cpu.h"

/*
 * All registers, hidden parts included. `say`: log each difference. Flags in
 * `undefined` may differ; *flags gets those that did.
 */
bool lockstep_same_cpu(const struct cpu *a, const struct cpu *b,
                       uint32_t undefined, uint32_t *flags, bool say);

/*
 * The bytes of the instruction that `c` is about to execute, at most 15, read
 * without side effects; returns how many can be read.
 */
unsigned lockstep_code(const struct cpu *c, uint8_t code[15]);

/*
 * FLAG_* that the instruction in `code` leaves undefined, were it executed in
 * the state `before`.
 */
uint32_t lockstep_undefined(const uint8_t *code, unsigned len,
                            const struct cpu *before);

#endif
