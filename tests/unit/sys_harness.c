#include "tests/unit/sys_harness.h"

struct sys_caught sys_caught;

void sys_enter(struct harness *h)
{
    struct interp *e = h->cpu.interp;

    e->delivering = false;
    e->fault.valid = false;
    h->cpu.run.cur = NULL;
    h->cpu.run.debug = 0;
    sys_caught = (struct sys_caught){ .vector = NO_FAULT };
}

void sys_note_fault(struct harness *h)
{
    sys_caught.vector = h->cpu.interp->fault.vector;
    sys_caught.error = h->cpu.interp->fault.error;
    h->cpu.interp->fault.valid = false;
}
