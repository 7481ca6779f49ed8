/* Programs of the host's that the user asked for: scripts and commands. */
#ifndef KERNEL_HOSTED_SPAWN_H
#define KERNEL_HOSTED_SPAWN_H

#include <sys/types.h>

/*
 * Start argv[0], with all signals as at its login. Its input, output and errors
 * are the socket `fd`, or our terminal if that is negative; it gets none of our
 * other files. 0 or -errno.
 */
int spawn(char *const argv[], int fd, pid_t *pid);

#endif
