/* The appliance has no disassembler: reports show an instruction's bytes. */
#include "kernel/disassemble.h"
#include "kernel/platform.h"

const bool platform_has_disassembler = false;

unsigned platform_disassemble_next(const uint8_t *code, unsigned len,
                                   uint64_t rip, unsigned bits, char *text,
                                   size_t size)
{
    text[0] = '\0';
    return 0;
}

void platform_disassemble(const uint8_t *code, unsigned len, uint32_t rip,
                          char *text, size_t size)
{
    text[0] = '\0';
}
