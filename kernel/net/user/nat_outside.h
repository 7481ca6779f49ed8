/*
 * The way out of user-mode networks through an address of Trestle's own: that
 * of a VLAN of the machine (via=N), or of a physical NIC. All user nets that
 * go out through one bridge share its address and its translator
 * (kernel/net/nat/), each with its own flows.
 */
#ifndef KERNEL_NET_USER_NAT_OUTSIDE_H
#define KERNEL_NET_USER_NAT_OUTSIDE_H

#include "kernel/net/user/outside.h"

extern const struct user_outside_ops user_outside_nat;

#endif
