/* The way out of user-mode networks on the bare machine. */
#include "kernel/net/user/nat_outside.h"

const struct user_outside_ops *const user_outside_default = &user_outside_nat;

/* Those that the translator's backend knows. */
unsigned user_host_nameservers(uint32_t *out, unsigned max) { return 0; }
