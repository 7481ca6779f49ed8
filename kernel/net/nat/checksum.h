/*
 * The update of an Internet checksum where 16-bit words of what it covers
 * change (RFC 1624, equation 3). A `delta` is a sum of ~old + new; it needs no
 * folding for up to 2^15 words.
 */
#ifndef KERNEL_NET_NAT_CHECKSUM_H
#define KERNEL_NET_NAT_CHECKSUM_H

#include <stdint.h>

#include "kernel/net/packet.h"

static inline uint16_t checksum_fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (sum & 0xffff) + (sum >> 16);
}

/* Of a word, and of an address as its two words. */
static inline uint32_t checksum_delta16(uint16_t old, uint16_t new)
{
    return (uint16_t)~old + (uint32_t)new;
}

static inline uint32_t checksum_delta32(uint32_t old, uint32_t new)
{
    return checksum_delta16(old >> 16, new >> 16) +
           checksum_delta16(old, new);
}

/* The checksum at `at` after words changed by `delta`. */
static inline void checksum_apply(uint8_t *at, uint32_t delta)
{
    put16(at, ~checksum_fold((uint16_t)~get16(at) + delta));
}

#endif
