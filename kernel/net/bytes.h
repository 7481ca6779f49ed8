/*
 * Bytes of packets: fields in network order, and the Internet checksum
 * (packet.c). Nothing here checks lengths; whoever calls has done so. Names of
 * headers' fields are in packet.h, as Linux's headers have some of them, too.
 */
#ifndef KERNEL_NET_BYTES_H
#define KERNEL_NET_BYTES_H

#include <stddef.h>
#include <stdint.h>

static inline uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | p[2] << 8 | p[3];
}

static inline void put16(uint8_t *p, uint16_t v)
{
    p[0] = v >> 8;
    p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, (uint16_t)v);
}

/* RFC 1071: the sum of `len` bytes, not folded, added to `sum`. */
uint32_t sum_bytes(uint32_t sum, const uint8_t *p, size_t len);
/* Fold and complement: what goes into the header's field. */
uint16_t sum_finish(uint32_t sum);
/* The checksum of `len` bytes; 0 over bytes that hold a right one. */
uint16_t checksum(const uint8_t *p, size_t len);
/*
 * Update the checksum at `sum` for `len` bytes (an even number, at even places)
 * that were `before` and are now `after` (RFC 1624, equation 3).
 */
void sum_update(uint8_t *sum, const uint8_t *before, const uint8_t *after,
                size_t len);

#endif
