/* The way out of user-mode networks on the bare machine. */
#include "kernel/net/user/outside.h"

#include <stddef.h>

const struct user_outside_ops *const user_outside_default = NULL;
