/* The scripts of -net tap: script= and downscript=, as qemu runs them. */
#ifndef KERNEL_HOSTED_TAP_SCRIPT_H
#define KERNEL_HOSTED_TAP_SCRIPT_H

#include <stddef.h>

#define TAP_SCRIPT_BYTES 256u

/*
 * The script to run, from the value that was given (NULL: none was) and the
 * default's path: "" means none - "no" or nothing was given, or the default is
 * not there. 0, or -ENAMETOOLONG.
 */
int tap_script_choose(const char *given, const char *by_default,
                      char out[TAP_SCRIPT_BYTES]);

/*
 * Run `script` with the interface's name as its argument, and wait for its
 * end. "" does nothing. 0, or -errno, -EIO for a script that ends badly, and
 * `why`.
 */
int tap_script_run(const char *script, const char *ifname, char *why,
                   size_t size);

#endif
