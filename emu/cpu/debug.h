/* Debug registers (SDM vol. 3, chapter 17): what the rest of emu/cpu asks. */
#ifndef EMU_CPU_DEBUG_H
#define EMU_CPU_DEBUG_H

#include "emu/cpu/cpu.h"

#define DR6_B0 0x0001u          /* .. B3: the breakpoint's condition was met */
#define DR6_BD 0x2000u
#define DR6_BS 0x4000u
#define DR6_BT 0x8000u
#define DR7_ENABLES 0xffu       /* L0 G0 .. L3 G3 */
#define DR7_GD 0x2000u
/* What MOV to DR6 and DR7 keeps, and the bits that are always one. */
#define DR6_WRITABLE 0x0000e00fu
#define DR6_ONES     0xffff0ff0u
#define DR7_WRITABLE 0xffff23ffu
#define DR7_ONES     0x00000400u

#define DEBUG_WATCH_READ  1u
#define DEBUG_WATCH_WRITE 2u

/* Is any breakpoint enabled, or anything watched for a debugger? */
bool debug_enabled(const struct cpu *c);
/* Which accesses to this linear page must be compared with breakpoints. */
unsigned debug_page_watched(const struct cpu *c, uint32_t page);
/* Note data breakpoints hit by an access (cpu_debug_pending). */
void debug_check_data(struct cpu *c, uint32_t lin, unsigned n, bool write);
/* Note I/O breakpoints (CR4.DE) hit by an access to ports. */
void debug_check_io(struct cpu *c, uint16_t port, unsigned size);

#endif
