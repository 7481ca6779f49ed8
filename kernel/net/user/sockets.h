/*
 * The way out as the host itself, by transport.h: no right of root is needed.
 * TCP of the guest ends here, in lwIP, and goes on as a connection of the
 * host's; UDP goes on as datagrams, ping as the host's own ping.
 */
#ifndef KERNEL_NET_USER_SOCKETS_H
#define KERNEL_NET_USER_SOCKETS_H

#include "kernel/net/user/outside.h"

extern const struct user_outside_ops user_sockets;

#endif
