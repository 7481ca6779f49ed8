/*
 * The calls of sys_harness.h's tests by real instructions, for engines that
 * have no functions to call: each puts an instruction where the CPU is, lets
 * the engine execute it, and tells a fault by the vector's stub that it ends
 * in; then the CPU is put back to the fault, as a call leaves it.
 *
 * With sys_by_insn false they are the interpreter's functions themselves.
 */
#ifndef TESTS_UNIT_SYS_INSN_H
#define TESTS_UNIT_SYS_INSN_H

#include "emu/cpu/exec.h"

extern bool sys_by_insn;

/* End the test here unless the interpreter's own parts can be looked at. */
#define INTERP_ONLY(reason) do { \
        if (sys_by_insn) \
            sys_only_interp(reason); \
    } while (0)
void sys_only_interp(const char *reason);

void sys_call(struct cpu *c, void (*op)(struct cpu *, const struct insn *),
              const struct insn *i);
void sys_seg_load(struct cpu *c, enum cpu_segreg s, uint16_t sel);
void sys_far_jmp(struct cpu *c, uint16_t sel, uint32_t off, bool op16);
void sys_far_call(struct cpu *c, uint16_t sel, uint32_t off, bool op16,
                  uint32_t ret_rip);
void sys_far_ret(struct cpu *c, uint16_t pop_bytes, bool op16);
void sys_iret(struct cpu *c, bool op16);
/* INT_EXCEPTION ends the test: no instruction raises a given one. */
void sys_interrupt(struct cpu *c, unsigned v, enum int_kind kind,
                   bool has_error, uint32_t error);
void sys_io_check(struct cpu *c, uint16_t port, unsigned size);
uint64_t sys_mem_read(struct cpu *c, unsigned seg, uint32_t off,
                      unsigned size);
void sys_mem_write(struct cpu *c, unsigned seg, uint32_t off, uint64_t v,
                   unsigned size);
uint64_t sys_lin_read(struct cpu *c, uint32_t lin, unsigned size, bool user);
void sys_lin_write(struct cpu *c, uint32_t lin, uint64_t v, unsigned size,
                   bool user);
void sys_flush(struct cpu *c, bool keep_global);
void sys_flush_page(struct cpu *c, uint32_t lin);
void sys_mode_changed(struct cpu *c);

#ifndef SYS_INSN_FUNCTIONS      /* sys_insn.c itself calls them */
#define seg_load sys_seg_load
#define far_jmp sys_far_jmp
#define far_call sys_far_call
#define far_ret sys_far_ret
#define cpu_iret sys_iret
#define cpu_interrupt sys_interrupt
#define io_check sys_io_check
#define mem_read8(c, s, o) sys_mem_read(c, s, o, 1)
#define mem_read16(c, s, o) sys_mem_read(c, s, o, 2)
#define mem_read32(c, s, o) sys_mem_read(c, s, o, 4)
#define mem_write8(c, s, o, v) sys_mem_write(c, s, o, v, 1)
#define mem_write16(c, s, o, v) sys_mem_write(c, s, o, v, 2)
#define mem_write32(c, s, o, v) sys_mem_write(c, s, o, v, 4)
#define lin_read8(c, l, u) sys_lin_read(c, l, 1, u)
#define lin_read16(c, l, u) sys_lin_read(c, l, 2, u)
#define lin_read32(c, l, u) sys_lin_read(c, l, 4, u)
#define lin_write8(c, l, v, u) sys_lin_write(c, l, v, 1, u)
#define lin_write16(c, l, v, u) sys_lin_write(c, l, v, 2, u)
#define lin_write32(c, l, v, u) sys_lin_write(c, l, v, 4, u)
#define mmu_flush sys_flush
#define mmu_flush_page sys_flush_page
#define mmu_mode_changed sys_mode_changed
#endif

#endif
