/* Control registers: what sysreg.c and msr.c share with creg.c. */
#ifndef EMU_CPU_CREG_H
#define EMU_CPU_CREG_H

#include "emu/cpu/cpu.h"

/* #GP(0) unless at CPL 0. */
void cpu_need_cpl0(struct cpu *c);
/* MOV to CR0, CR2, CR3 or CR4 with all its checks and consequences. */
void cpu_set_cr(struct cpu *c, unsigned n, uint32_t v);

#endif
