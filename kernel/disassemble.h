/* A second part of platform.h: instructions in words, for the monitor. */
#ifndef KERNEL_DISASSEMBLE_H
#define KERNEL_DISASSEMBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False: there is no disassembler here (the bare machine). */
extern const bool platform_has_disassembler;
/*
 * The instruction of 16, 32 or 64 `bits` at `rip`, of at most `len` bytes, in
 * words, size > 0. How many bytes it has; 0 and "": it is none.
 */
unsigned platform_disassemble_next(const uint8_t *code, unsigned len,
                                   uint64_t rip, unsigned bits, char *text,
                                   size_t size);

#endif
