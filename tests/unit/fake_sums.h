/*
 * The checksums of an IPv4 packet, computed as a whole (RFC 1071) and by
 * themselves: the code under test is not asked.
 */
#ifndef TESTS_UNIT_FAKE_SUMS_H
#define TESTS_UNIT_FAKE_SUMS_H

#include <stddef.h>
#include <stdint.h>

/* Big endian, as packets are. */
static inline void w16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void w32(uint8_t *p, uint32_t v)
{
    w16(p, (uint16_t)(v >> 16));
    w16(p + 2, (uint16_t)v);
}

/* The folded one's complement sum; 0xffff over what has its checksum right. */
uint16_t fake_header_sum(const uint8_t *ip);
/* The same of the transport part behind the header, of a packet of `len`. */
uint16_t fake_transport_sum(const uint8_t *ip, size_t len);

#endif
