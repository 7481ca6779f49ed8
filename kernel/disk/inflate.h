/* Raw deflate data (RFC 1951), without a header or checksum, by zlib. */
#ifndef KERNEL_DISK_INFLATE_H
#define KERNEL_DISK_INFLATE_H

#include <stddef.h>

struct inflate;

/* NULL: no memory. */
struct inflate *inflate_new(void);
/* `i` may be NULL. */
void inflate_free(struct inflate *i);
/*
 * Unpack `out_len` bytes from the `in_len` at `in`, of which not all need
 * belong to it. 0; -EIO: they do not give so many; -ENOMEM.
 */
int inflate_all(struct inflate *i, const void *in, size_t in_len, void *out,
                size_t out_len);

#endif
