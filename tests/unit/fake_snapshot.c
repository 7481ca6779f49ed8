/* See fake_snapshot.h. */
#include "tests/unit/fake_snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int sink_write(void *ctx, const void *buf, size_t len)
{
    struct fake_snapshot *f = ctx;

    if (len > f->fail_at || f->len > f->fail_at - len)
        return -ENOSPC;
    if (f->len + len > f->room) {
        f->room = 2 * (f->len + len);
        f->bytes = realloc(f->bytes, f->room);
        if (!f->bytes)
            abort();
    }
    memcpy(f->bytes + f->len, buf, len);
    f->len += len;
    return 0;
}

static int source_read(void *ctx, uint64_t offset, void *buf, size_t len)
{
    struct fake_snapshot *f = ctx;

    if (offset > f->source.size || len > f->source.size - offset)
        abort();                /* the reader looked beyond the end */
    memcpy(buf, f->bytes + offset, len);
    if (f->reads++ >= f->flip_after)
        ((uint8_t *)buf)[len / 2] ^= 1;
    return 0;
}

void fake_snapshot_init(struct fake_snapshot *f)
{
    *f = (struct fake_snapshot){ .fail_at = SIZE_MAX, .flip_after = ~0u };
    f->sink = (struct state_sink){ f, sink_write };
    f->source = (struct state_source){ f, 0, source_read };
}

void fake_snapshot_free(struct fake_snapshot *f)
{
    free(f->bytes);
    f->bytes = NULL;
}

void fake_snapshot_rewind(struct fake_snapshot *f)
{
    f->source.size = f->len;
    f->reads = 0;
}
