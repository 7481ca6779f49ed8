/* LOOP, LOOPE, LOOPNE and JECXZ in translated code. None changes flags. */
#include "emu/jit/gen.h"

#define JMP_SHORT 0xebu
#define JMP_NEAR_BYTES 5u
#define JMP_SHORT_BYTES 2u

/* Over the next `bytes` of code; by JECXZ or a condition, as `op` says. */
static void skip(struct gen *g, unsigned op, unsigned bytes)
{
    asm_8(&g->code, (uint8_t)op);
    asm_8(&g->code, (uint8_t)bytes);
}

/* E0 to E3. RCX is zero where ECX is: its upper half is. */
bool emit_loop(struct gen *g, const struct insn *i)
{
    unsigned op = g->op & 3;

    if (g->addr16[g->k])
        return false;
    if (op < 2)
        flags_to_host(g);
    if (op < 3) {
        flags_will_write(g, RCX);
        asm_lea(&g->code, RCX, asm_at(RCX, -1));
    }
    if (op < 2) {               /* RCX zero: past JZ or JNZ, and JMP */
        skip(g, 0xe3, JMP_SHORT_BYTES + JMP_NEAR_BYTES);
        skip(g, 0x70 | (op == 0 ? COND_Z : COND_NZ), JMP_NEAR_BYTES);
    } else if (op == 2) {
        skip(g, 0xe3, JMP_NEAR_BYTES);
    } else {
        skip(g, 0xe3, JMP_SHORT_BYTES);
        skip(g, JMP_SHORT, JMP_NEAR_BYTES);
    }
    stub_new(g, STUB_TAKEN, asm_jmp(&g->code));
    return true;
}
