/* By Zydis. See disassemble.h. */
#include "kernel/disassemble.h"

#include <Zydis/Decoder.h>
#include <Zydis/Formatter.h>

unsigned disassemble_next(const uint8_t *code, unsigned len, uint64_t rip,
                          unsigned bits, char *text, size_t size)
{
    ZydisDecoder decoder;
    ZydisFormatter formatter;
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

    text[0] = '\0';
    if (bits == 64)
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
                         ZYDIS_STACK_WIDTH_64);
    else if (bits == 16)
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_16,
                         ZYDIS_STACK_WIDTH_16);
    else
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_32,
                         ZYDIS_STACK_WIDTH_32);
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_ATT);
    if (ZYAN_SUCCESS(ZydisDecoderDecodeFull(
            &decoder, code, len, &insn, operands)) &&
        ZYAN_SUCCESS(ZydisFormatterFormatInstruction(
            &formatter, &insn, operands, insn.operand_count_visible, text,
            size, rip, NULL)))
        return insn.length;
    text[0] = '\0';
    return 0;
}

void disassemble(const uint8_t *code, unsigned len, uint32_t rip, char *text,
                 size_t size)
{
    disassemble_next(code, len, rip, 32, text, size);
}
