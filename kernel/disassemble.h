/* Instructions in words, AT&T's way. */
#ifndef KERNEL_DISASSEMBLE_H
#define KERNEL_DISASSEMBLE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The instruction of 16, 32 or 64 `bits` at `rip`, of at most `len` bytes, in
 * words, size > 0. How many bytes it has; 0 and "": it is none. Any core.
 */
unsigned disassemble_next(const uint8_t *code, unsigned len, uint64_t rip,
                          unsigned bits, char *text, size_t size);
/* The same of 32-bit code: machine_host's. */
void disassemble(const uint8_t *code, unsigned len, uint32_t rip, char *text,
                 size_t size);

#endif
