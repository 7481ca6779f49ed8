/* Numbers in what lies on a disk, at any alignment. */
#ifndef KERNEL_DISK_BYTES_H
#define KERNEL_DISK_BYTES_H

#include <stdint.h>

static inline uint16_t bytes_le16(const uint8_t *p)
{
    return p[0] | p[1] << 8;
}

static inline uint32_t bytes_le32(const uint8_t *p)
{
    return bytes_le16(p) | (uint32_t)bytes_le16(p + 2) << 16;
}

static inline uint64_t bytes_le64(const uint8_t *p)
{
    return bytes_le32(p) | (uint64_t)bytes_le32(p + 4) << 32;
}

static inline uint16_t bytes_be16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

static inline uint32_t bytes_be32(const uint8_t *p)
{
    return (uint32_t)bytes_be16(p) << 16 | bytes_be16(p + 2);
}

static inline void bytes_put_le32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static inline void bytes_put_le64(uint8_t *p, uint64_t v)
{
    bytes_put_le32(p, (uint32_t)v);
    bytes_put_le32(p + 4, (uint32_t)(v >> 32));
}

static inline uint64_t bytes_be64(const uint8_t *p)
{
    return (uint64_t)bytes_be32(p) << 32 | bytes_be32(p + 4);
}

static inline void bytes_put_be32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static inline void bytes_put_be64(uint8_t *p, uint64_t v)
{
    bytes_put_be32(p, (uint32_t)(v >> 32));
    bytes_put_be32(p + 4, (uint32_t)v);
}

#endif
