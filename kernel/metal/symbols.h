/* Names for code addresses, from the table that tools/symtab.py embeds. */
#ifndef KERNEL_METAL_SYMBOLS_H
#define KERNEL_METAL_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Function that `address` lies in and the offset into it; NULL: none. */
const char *symbol_find(uint64_t address, uint64_t *offset);

/* The linker's build id as hexadecimal digits; "" if it has none. */
void build_id_text(char *buf, size_t size);

#endif
