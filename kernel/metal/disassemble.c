/* The appliance has no disassembler: reports show an instruction's bytes. */
#include "kernel/platform.h"

void platform_disassemble(const uint8_t *code, unsigned len, uint32_t rip,
                          char *text, size_t size)
{
    text[0] = '\0';
}
