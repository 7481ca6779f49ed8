/* See inflate.h. */
#include "kernel/disk/inflate.h"

#include <errno.h>
#include <stdlib.h>

#include <zlib.h>

#define WINDOW_BITS 15          /* the largest there is; negative: raw */

struct inflate {
    z_stream z;
};

struct inflate *inflate_new(void)
{
    struct inflate *i = calloc(1, sizeof *i);

    if (i && inflateInit2(&i->z, -WINDOW_BITS) != Z_OK) {
        free(i);
        return NULL;
    }
    return i;
}

void inflate_free(struct inflate *i)
{
    if (i)
        inflateEnd(&i->z);
    free(i);
}

int inflate_all(struct inflate *i, const void *in, size_t in_len, void *out,
                size_t out_len)
{
    int r;

    inflateReset(&i->z);
    i->z.next_in = (Bytef *)in;
    i->z.avail_in = in_len;
    i->z.next_out = out;
    i->z.avail_out = out_len;
    r = inflate(&i->z, Z_FINISH);
    if (r == Z_MEM_ERROR)
        return -ENOMEM;
    return i->z.avail_out ? -EIO : 0;
}
