/*
 * Types of ICMP (RFC 792). By themselves, as lwIP's headers use some of the
 * names otherwise.
 */
#ifndef KERNEL_NET_ICMP_TYPES_H
#define KERNEL_NET_ICMP_TYPES_H

enum {
    ICMP_ECHO_REPLY = 0, ICMP_UNREACHABLE = 3, ICMP_ECHO = 8,
    ICMP_TIME_EXCEEDED = 11, ICMP_PARAMETER = 12,
};
#define ICMP_HEADER 8u

#endif
