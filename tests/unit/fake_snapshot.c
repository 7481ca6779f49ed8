/* See fake_snapshot.h. */
#include "tests/unit/fake_snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emu/dev/device.h"

static int sink_write(void *ctx, const void *buf, size_t len)
{
    struct fake_snapshot *f = ctx;

    if (len > f->fail_at || f->len > f->fail_at - len)
        return -ENOSPC;
    if (!len)                   /* there may be no bytes at all yet */
        return 0;
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
    if (!len)
        return 0;
    memcpy(buf, f->bytes + offset, len);
    if (f->reads++ >= f->flip_after)
        ((uint8_t *)buf)[len / 2] ^= 1;
    return 0;
}

void fake_snapshot_init(struct fake_snapshot *f)
{
    *f = (struct fake_snapshot){ .fail_at = SIZE_MAX, .flip_after = ~0u };
    f->sink = (struct state_sink){ .ctx = f, .write = sink_write };
    f->source = (struct state_source){ .ctx = f, .read = source_read };
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

/* ---- One device ---------------------------------------------------------- */

static struct state *new_state(void)
{
    struct state *s = malloc(sizeof *s);

    if (!s)
        abort();
    return s;
}

void fake_snapshot_save(struct fake_snapshot *f, void *device)
{
    struct state *s = new_state();

    fake_snapshot_init(f);
    state_open_save(s, &f->sink);
    state_device(s, device, "device");
    state_finish(s);
    if (state_close(s))
        abort();
    free(s);
    fake_snapshot_rewind(f);
}

int fake_snapshot_read(const struct fake_snapshot *f, enum state_mode mode,
                       void *device, char *why)
{
    struct device *dev = device;
    struct state *s = new_state();
    int error;

    state_open_read(s, mode, &f->source);
    state_device(s, dev, "device");
    state_finish(s);
    error = state_close(s);
    strcpy(why, s->why);
    free(s);
    if (!error && mode == STATE_LOAD && dev->ops->loaded)
        dev->ops->loaded(dev);
    return error;
}
