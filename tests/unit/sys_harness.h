/*
 * Calls into emu/cpu without an instruction around them: TRY(h, stmt) runs
 * `stmt` and catches what cpu_raise throws. Under another engine than interp,
 * sys_insn.h makes instructions of the calls.
 */
#ifndef TESTS_UNIT_SYS_HARNESS_H
#define TESTS_UNIT_SYS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "emu/cpu/exec.h"
#include "emu/cpu/interp.h"
#include "emu/cpu/mmu.h"
#include "emu/cpu/seg.h"
#include "tests/unit/cpu_harness.h"
#include "tests/unit/sys_insn.h"

#define NO_FAULT (-1)

struct sys_caught {
    int vector;                 /* NO_FAULT: it returned */
    uint32_t error;
    bool error_unknown;         /* real mode's frames have no error code */
};
extern struct sys_caught sys_caught;

void sys_enter(struct harness *h);
void sys_note_fault(struct harness *h);
/* Where TRY catches. */
jmp_buf *sys_env(struct harness *h);
/* sys_insn.c's: the engine has raised this. */
_Noreturn void sys_faulted(struct harness *h, unsigned vector, uint32_t error);
static inline struct harness *sys_harness_of(struct cpu *c)
{
    return (struct harness *)c;         /* its first member */
}
/* A copy of the RAM as it is now, valid until the next call. */
uint8_t *sys_snapshot(struct harness *h);

#define TRY(h, stmt) do { \
        sys_enter(h); \
        if (setjmp(*sys_env(h)) == 0) { \
            stmt; \
        } else { \
            sys_note_fault(h); \
        } \
    } while (0)
#define EXPECT_FAULT(h, v, e, stmt) do { \
        TRY(h, stmt); \
        assert_int_equal(sys_caught.vector, v); \
        if (!sys_caught.error_unknown) \
            assert_int_equal(sys_caught.error, e); \
    } while (0)
#define EXPECT_OK(h, stmt) do { \
        TRY(h, stmt); \
        assert_int_equal(sys_caught.vector, NO_FAULT); \
    } while (0)

/* Of rand()'s sequence; sys_below: less than n. */
static inline uint32_t sys_random32(void)
{
    return (uint32_t)rand() << 16 ^ (uint32_t)rand();
}

static inline unsigned sys_below(unsigned n)
{
    return sys_random32() % n;
}

/*
 * Flat protected mode at CPL 0 or 3 with paging by tables at `directory`, and
 * the code, with HLT behind it, at HARNESS_CODE.
 */
void sys_start(struct harness *h, bool user, uint32_t directory,
               const uint8_t *code, unsigned len);

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

#endif
