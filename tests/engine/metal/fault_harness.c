/* There are no windows on the bare machine, and so no faults to look after. */
#include "tests/unit/fault_harness.h"

void fault_harness_keep(void) {}
void fault_harness_take(void) {}
void fault_harness_give_back(void) {}
