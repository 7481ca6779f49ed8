/* Block requests of an IDE channel. */
#include <stdlib.h>

#include "emu/dev/ide_internal.h"

static void io_done(struct block_request *req, int error);

struct ide_io *ide_io_create(struct ide_channel *ch)
{
    struct ide_io *io = calloc(1, sizeof *io);

    if (!io)
        return NULL;
    io->ch = ch;
    io->req.done = io_done;
    io->req.ctx = io;
    return io;
}

void ide_io_destroy(struct ide_io *io)
{
    if (!io)
        return;
    io->ch = NULL;
    if (!io->in_flight)
        free(io);
}

/*
 * Submit and go on until a request stays in flight or none is wanted. A loop,
 * so that a disk which completes inside submit does not nest one stack frame
 * per chunk of a long command.
 */
static void io_run(struct ide_io *io)
{
    if (io->running)
        return;
    io->running = true;
    while (io->wanted && !io->in_flight) {
        io->wanted = false;
        io->in_flight = true;
        io->disk->submit(io->disk, &io->req);
        if (!io->in_flight)
            io->then(io->ch, io->error);
    }
    io->running = false;
}

static void io_done(struct block_request *req, int error)
{
    struct ide_io *io = req->ctx;

    io->in_flight = false;
    io->error = error;
    if (!io->ch) {
        free(io);
        return;
    }
    if (io->running)
        return;
    io->running = true;
    io->then(io->ch, error);
    io->running = false;
    io_run(io);
}

static void io_account(struct ide_unit *u, enum block_op op, uint32_t count)
{
    uint64_t bytes = (uint64_t)count * BLOCK_SECTOR_SIZE;

    switch (op) {
    case BLOCK_READ:
        u->rd_ops++;
        u->rd_bytes += bytes;
        break;
    case BLOCK_WRITE:
        u->wr_ops++;
        u->wr_bytes += bytes;
        break;
    case BLOCK_FLUSH:
        u->flush_ops++;
        break;
    case BLOCK_RESIZE:
        break;
    }
}

void ide_io_start(struct ide_channel *ch, enum block_op op, uint64_t sector,
                  uint32_t count, uint32_t offset,
                  void (*then)(struct ide_channel *ch, int error))
{
    struct ide_io *io = ch->io;

    io->disk = ch->active->disk;
    io->req.op = op;
    io->req.sector = sector;
    io->req.count = count;
    io->req.buf = io->buf + offset;
    io->then = then;
    io->wanted = true;
    io_account(ch->active, op, count);
    io_run(io);
}
