/* The names of a PC's keys, as qemu's sendkey has them. */
#ifndef KERNEL_CONSOLE_KEY_NAMES_H
#define KERNEL_CONSOLE_KEY_NAMES_H

#include "kernel/guest_keys.h"

/* 0 or -ENOENT. A number ("0x1e") is a code of scan code set 1. */
int key_by_name(const char *name, guest_key *key);
/* The i-th name, or NULL: no more. */
const char *key_name(unsigned i);

#endif
