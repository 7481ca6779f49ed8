/* x87 instructions done with a part of the state (x87_fast.c). */
#ifndef EMU_CPU_X87_FAST_H
#define EMU_CPU_X87_FAST_H

#include "emu/cpu/exec.h"

/*
 * Each returns false, with nothing done, if the instruction or the state is
 * not one it handles. The x87 pointers are the caller's.
 */
bool x87_fast_reg(struct cpu *c, const struct insn *i);
/* Memory forms that read: `buf` has the operand. */
bool x87_fast_load(struct cpu_fpu *f, const struct insn *i, void *buf);
/* Memory forms that store: `buf` gets it; x87_fast_stored commits the rest. */
struct x87_store {
    uint16_t fsw;
    bool pops;
};
bool x87_fast_store(struct cpu_fpu *f, const struct insn *i, void *buf,
                    struct x87_store *s);
void x87_fast_stored(struct cpu_fpu *f, const struct x87_store *s);

#endif
