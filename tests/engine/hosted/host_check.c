/* Linux looks after its own registers; see host_check.h. */
#include "tests/engine/host_check.h"

#include <stddef.h>

bool host_check_init(void) { return true; }
const char *host_check(bool thorough) { return NULL; }
