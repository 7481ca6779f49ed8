/* The guest's kernel: tables, ring 3 and handlers for the system operations. */
#ifndef TESTS_BENCH_SYSTEM_H
#define TESTS_BENCH_SYSTEM_H

#include <stdint.h>

#define SYSTEM_PAGE 4096u
#define SYSTEM_WINDOW 0x10000000u   /* one page table's worth, pages absent */

/*
 * Paging (4 KiB pages, the lower 64 MiB mapped to themselves), segments of both
 * rings, gates, SYSENTER, SSE and x87. Interrupts stay off.
 */
void system_start(void);

/* The page table of SYSTEM_WINDOW, and the address spaces, alike but for CR3. */
extern uint32_t system_window[1024];
extern uint32_t system_directory[2][1024];

/* Sets the handler of page faults: one of those below. */
void system_on_fault(const char *entry);
extern const char fault_skip[];     /* goes on behind a two-byte instruction */
extern const char fault_map[];      /* maps the page to its own low frame */
extern uint32_t system_calls;       /* what the handlers counted */

/*
 * Runs `entry`, a loop of `count`, in ring 3. The loops: system calls of either
 * kind, a store to a page that is absent.
 */
void ring3_run(const char *entry, uint32_t count);
extern const char user_int80[], user_sysenter[], user_fault[];

#endif
