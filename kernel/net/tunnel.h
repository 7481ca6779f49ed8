/*
 * -net socket: an Ethernet segment that goes on elsewhere, over TCP or UDP, on
 * the wire as qemu's. A tunnel is a port of a bridge like a NIC, over
 * transport.h. I/O core only.
 *
 * TCP (listen=, connect=): frames as in tunnel_frames.h. A listener has up to
 * TUNNEL_PEERS peers, which are one segment: a frame from one goes to the
 * bridge and to the others. A peer that does not read loses frames, and holds
 * nobody else. A connection that ends is made again, after longer and longer
 * times.
 *
 * UDP (udp=, mcast=): a frame a datagram, no more.
 */
#ifndef KERNEL_NET_TUNNEL_H
#define KERNEL_NET_TUNNEL_H

#include <stddef.h>

#include "drivers/net/nic.h"

#define TUNNEL_PEERS 16u

/*
 * Make one from the settings of -net socket; *out is a closed NIC, whose ops
 * `destroy` frees it. 0, or negative errno with the reason in `why`.
 *
 * On Linux a connect= that is refused at once is an error, as with qemu: more
 * likely the address is wrong than the other end late.
 */
int tunnel_create(const char *params, struct nic **out, char *why,
                  size_t size);

#endif
