/* The data port: programmed I/O, an element or a block at a time. */
#include <string.h>

#include "emu/dev/ide_internal.h"

void ide_pio_start(struct ide_channel *ch, bool in, uint32_t pos, uint32_t end,
                   void (*then)(struct ide_channel *ch))
{
    ch->xfer = (struct ide_xfer){
        .kind = in ? XFER_PIO_IN : XFER_PIO_OUT,
        .pos = pos,
        .end = end,
        .then = then,
    };
    ch->active->status = ST_READY | ST_DRQ;
}

/* Is the selected unit the one that moves data, and in this direction? */
static bool data_expected(const struct ide_channel *ch, enum ide_xfer_kind kind)
{
    const struct ide_unit *selected = &ch->unit[!!(ch->device & DH_DEV1)];

    return ch->xfer.kind == kind && selected == ch->active;
}

/*
 * After a run of `done` bytes: at the block's end, go on with the command.
 * Returns how many bytes of the last element the block did not have.
 */
static size_t data_moved(struct ide_channel *ch, unsigned size, size_t done)
{
    struct ide_xfer *x = &ch->xfer;

    if (x->pos < x->end)
        return 0;
    x->kind = XFER_NONE;
    ch->active->status = ST_BSY;
    x->then(ch);
    return (size - done % size) % size;
}

void ide_data_read(struct ide_channel *ch, unsigned size, uint8_t *buf,
                   size_t len)
{
    struct ide_xfer *x = &ch->xfer;
    size_t done = 0;

    while (done < len) {
        size_t n = len - done, rest;

        if (!data_expected(ch, XFER_PIO_IN)) {
            ide_refuse(ch, "ide: data read without DRQ");
            memset(buf + done, 0xff, n);
            return;
        }
        if (n > x->end - x->pos)
            n = x->end - x->pos;
        memcpy(buf + done, ch->io->buf + x->pos, n);
        x->pos += n;
        done += n;
        rest = data_moved(ch, size, done);
        memset(buf + done, 0, rest);
        done += rest;
    }
}

void ide_data_write(struct ide_channel *ch, unsigned size, const uint8_t *buf,
                    size_t len)
{
    struct ide_xfer *x = &ch->xfer;
    size_t done = 0;

    while (done < len) {
        size_t n = len - done;

        if (!data_expected(ch, XFER_PIO_OUT)) {
            ide_refuse(ch, "ide: data write without DRQ");
            return;
        }
        if (n > x->end - x->pos)
            n = x->end - x->pos;
        memcpy(ch->io->buf + x->pos, buf + done, n);
        x->pos += n;
        done += n;
        done += data_moved(ch, size, done);
    }
}
