/* Instructions in words, by Zydis. See kernel/platform.h. */
#include <Zydis/Zydis.h>

#include "kernel/platform.h"

void platform_disassemble(const uint8_t *code, unsigned len, uint32_t rip,
                          char *text, size_t size)
{
    ZydisDecoder decoder;
    ZydisFormatter formatter;
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

    text[0] = '\0';
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_32,
                     ZYDIS_STACK_WIDTH_32);
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_ATT);
    if (ZYAN_SUCCESS(ZydisDecoderDecodeFull(
            &decoder, code, len, &insn, operands)))
        ZydisFormatterFormatInstruction(&formatter, &insn, operands,
                                        insn.operand_count_visible, text,
                                        size, rip, NULL);
}
