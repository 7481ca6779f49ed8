/* What all that listens for TCP on Linux needs. I/O core. */
#ifndef KERNEL_HOSTED_SOCKETS_H
#define KERNEL_HOSTED_SOCKETS_H

#include <sys/socket.h>

/* A dead peer of the connection `fd` is found after 120 seconds of silence. */
#define SOCKET_DEAD_S 120u
void socket_keep_alive(int fd);

/* Once, before socket_accept: what it needs where all descriptors are taken. */
void socket_keep_spare(void);
/*
 * The next connection at a listener that does not block: its descriptor, which
 * does not block either, with who it is in `from`. -EAGAIN: none waits. -EMFILE:
 * there was no descriptor for it, or no memory, and it was turned away. Another
 * -errno is of one connection, which is gone.
 */
int socket_accept(int listener, struct sockaddr *from, socklen_t *len);

#endif
