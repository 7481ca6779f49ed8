#include "tests/unit/fault_harness.h"

#include <signal.h>
#include <stddef.h>

static struct sigaction kept, others;

void fault_harness_keep(void)
{
    sigaction(SIGSEGV, NULL, &kept);
}

void fault_harness_take(void)
{
    sigaction(SIGSEGV, &kept, &others);
}

void fault_harness_give_back(void)
{
    sigaction(SIGSEGV, &others, NULL);
}
