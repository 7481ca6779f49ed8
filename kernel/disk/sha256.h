/* SHA-256 (FIPS 180-4). */
#ifndef KERNEL_DISK_SHA256_H
#define KERNEL_DISK_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32u

struct sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];          /* what does not fill one yet */
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t len);
void sha256_end(struct sha256 *s, uint8_t digest[SHA256_BYTES]);

#endif
