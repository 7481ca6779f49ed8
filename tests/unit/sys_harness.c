#include "tests/unit/sys_harness.h"

_Static_assert(offsetof(struct harness, cpu) == 0, "sys_harness_of");

struct sys_caught sys_caught;

static jmp_buf insn_env;

jmp_buf *sys_env(struct harness *h)
{
    return sys_by_insn ? &insn_env : &h->cpu.interp->env;
}

void sys_faulted(struct harness *h, unsigned vector, uint32_t error)
{
    sys_caught.vector = (int)vector;
    sys_caught.error = error;
    longjmp(insn_env, 1);
}

uint8_t *sys_snapshot(struct harness *h)
{
    static uint8_t *copy;
    static size_t size;

    if (size < h->ram_bytes) {
        free(copy);
        size = h->ram_bytes;
        copy = malloc(size);
        if (!copy)
            abort();
    }
    memcpy(copy, h->ram, h->ram_bytes);
    return copy;
}

void sys_enter(struct harness *h)
{
    struct interp *e = h->cpu.interp;

    sys_caught = (struct sys_caught){ .vector = NO_FAULT };
    if (sys_by_insn)
        return;
    e->delivering = false;
    e->fault.valid = false;
    h->cpu.run.cur = NULL;
    h->cpu.run.debug = 0;
}

void sys_note_fault(struct harness *h)
{
    if (sys_by_insn)
        return;                 /* sys_faulted did */
    sys_caught.vector = h->cpu.interp->fault.vector;
    sys_caught.error = h->cpu.interp->fault.error;
    h->cpu.interp->fault.valid = false;
}

void sys_start(struct harness *h, bool user, uint32_t directory,
               const uint8_t *code, unsigned len)
{
    if (user)
        harness_user(h);
    else
        harness_protected(h);
    harness_paging(h, directory);
    h->ram[HARNESS_CODE + len] = 0xf4;
    harness_code(h, code, len);
}
