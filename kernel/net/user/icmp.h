/* ICMP of the inside's own hosts (RFC 792): packets in, packets out. */
#ifndef KERNEL_NET_USER_ICMP_H
#define KERNEL_NET_USER_ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/net/icmp_types.h"

enum {
    ICMP_NET = 0, ICMP_HOST = 1, ICMP_PROTOCOL = 2, ICMP_PORT = 3,
    ICMP_FRAGMENTATION_NEEDED = 4, ICMP_PROHIBITED = 13,
};
/* RFC 1812 4.3.2.3: an error is at most that long, with its IP header. */
#define ICMP_ERROR_MAX 576u

/*
 * Turn the echo request in the whole packet `ip` (its header is checked) into
 * its reply, in place. False: it is none, or its checksum is wrong.
 */
bool icmp_echo_reply(uint8_t *ip, size_t len);

/*
 * Write an error about the packet `ip` from `source` to `out` (of
 * ICMP_ERROR_MAX bytes); `rest` is the header's second word. Its length, or 0:
 * there must be none (RFC 1122 3.2.2: about an ICMP error, a fragment but the
 * first, or to what is not one host).
 */
size_t icmp_error(uint8_t *out, uint32_t source, uint8_t type, uint8_t code,
                  uint32_t rest, const uint8_t *ip, size_t len);

#endif
