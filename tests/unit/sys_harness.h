/*
 * Calls into emu/cpu without an instruction around them: TRY(h, stmt) runs
 * `stmt` and catches what cpu_raise throws.
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
#include "tests/unit/cpu_harness.h"

#define NO_FAULT (-1)

struct sys_caught {
    int vector;                 /* NO_FAULT: it returned */
    uint32_t error;
};
extern struct sys_caught sys_caught;

void sys_enter(struct harness *h);
void sys_note_fault(struct harness *h);

#define TRY(h, stmt) do { \
        sys_enter(h); \
        if (setjmp((h)->cpu.interp->env) == 0) { \
            stmt; \
        } else { \
            sys_note_fault(h); \
        } \
    } while (0)
#define EXPECT_FAULT(h, v, e, stmt) do { \
        TRY(h, stmt); \
        assert_int_equal(sys_caught.vector, v); \
        assert_int_equal(sys_caught.error, e); \
    } while (0)
#define EXPECT_OK(h, stmt) do { \
        TRY(h, stmt); \
        assert_int_equal(sys_caught.vector, NO_FAULT); \
    } while (0)

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

#endif
