/*
 * Numbers that nobody outside can guess, from some that he has seen: ports,
 * identifications, and TCP's first sequence numbers. Not for secrets that must
 * outlive the run. I/O core only.
 */
#ifndef KERNEL_NET_RANDOM_H
#define KERNEL_NET_RANDOM_H

#include <stdint.h>

/* SipHash-2-4 (Aumasson and Bernstein 2012) of `n` words, least byte first. */
uint64_t siphash(const uint64_t key[2], const uint64_t *words, unsigned n);

/* net_random: arch/cc.h. net_tcp_isn: lwip_hooks.h. */

#endif
