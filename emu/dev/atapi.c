/*
 * ATAPI: how packet commands and their data travel (ATA/ATAPI-6 chapter 9).
 * What the commands do is in atapi_command.c.
 */
#include <string.h>

#include "emu/dev/ide_internal.h"

/* Interrupt reason, in the sector count register (ATA/ATAPI-6 chapter 7). */
enum { REASON_COMMAND = 0x01, REASON_TO_HOST = 0x02,
       REASON_STATUS = REASON_COMMAND | REASON_TO_HOST };

#define CHUNK_MAX (IDE_BUF_BYTES / CD_SECTOR_SIZE)

static void read_chunk(struct ide_channel *ch);

/* ---- End of a packet command -------------------------------------------- */

void atapi_done(struct ide_channel *ch)
{
    ch->active->reg[REG_COUNT][0] = REASON_STATUS;
    ide_finish(ch, true);
}

void atapi_check(struct ide_channel *ch, enum atapi_sense sense)
{
    uint8_t key = sense >> 16;

    ch->active->sense = sense;
    ch->active->reg[REG_COUNT][0] = REASON_STATUS;
    ide_fail(ch, key << 4 | (key == 5 ? ER_ABRT : 0));
}

/* ---- Data to the guest -------------------------------------------------- */

static void send_data(struct ide_channel *ch);

static void data_taken(struct ide_channel *ch)
{
    struct atapi_transfer *a = &ch->atapi;

    a->pos = ch->xfer.end;
    if (a->pos < a->end)
        send_data(ch);
    else if (a->left)
        read_chunk(ch);
    else
        atapi_done(ch);
}

static void send_data(struct ide_channel *ch)
{
    struct atapi_transfer *a = &ch->atapi;
    uint8_t (*r)[2] = ch->active->reg;
    uint32_t n = a->end - a->pos;

    r[REG_COUNT][0] = REASON_TO_HOST;
    if (a->dma) {
        ide_dma_start(ch, true, a->pos, a->end, data_taken);
        return;
    }
    if (n > a->byte_limit)
        n = a->byte_limit;
    r[REG_LBA_MID][0] = n;
    r[REG_LBA_HIGH][0] = n >> 8;
    ide_pio_start(ch, true, a->pos, a->pos + n, data_taken);
    ide_interrupt(ch, true);
}

void atapi_reply(struct ide_channel *ch, uint32_t len, uint32_t room)
{
    struct atapi_transfer *a = &ch->atapi;

    a->pos = 0;
    a->end = len < room ? len : room;
    if (a->end)
        send_data(ch);
    else
        atapi_done(ch);
}

static void chunk_read(struct ide_channel *ch, int error)
{
    struct atapi_transfer *a = &ch->atapi;

    if (error && a->chunk > 1) {
        /* Sector by sector, so that all before the bad one arrive. */
        a->chunk_max = 1;
        read_chunk(ch);
        return;
    }
    if (error) {
        ch->active->errors++;
        atapi_check(ch, SENSE_READ_ERROR);
        return;
    }
    a->lba += a->chunk;
    a->left -= a->chunk;
    a->pos = 0;
    a->end = a->chunk * CD_SECTOR_SIZE;
    send_data(ch);
}

static void read_chunk(struct ide_channel *ch)
{
    struct atapi_transfer *a = &ch->atapi;

    a->chunk = a->left < a->chunk_max ? a->left : a->chunk_max;
    ide_io_start(ch, BLOCK_READ, (uint64_t)a->lba * CD_BLOCKS,
                 a->chunk * CD_BLOCKS, 0, chunk_read);
}

void atapi_read(struct ide_channel *ch, uint32_t lba, uint32_t count)
{
    struct atapi_transfer *a = &ch->atapi;

    if (!count) {
        atapi_done(ch);
        return;
    }
    a->lba = lba;
    a->left = count;
    a->chunk_max = CHUNK_MAX;
    read_chunk(ch);
}

/* ---- Commands of the drive's own ---------------------------------------- */

static void packet_taken(struct ide_channel *ch)
{
    memcpy(ch->atapi.cdb, ch->io->buf, sizeof ch->atapi.cdb);
    atapi_packet(ch);
}

static void cmd_packet(struct ide_channel *ch)
{
    struct atapi_transfer *a = &ch->atapi;
    uint8_t (*r)[2] = ch->active->reg;
    uint8_t features = r[REG_FEATURE][0];
    uint32_t limit = r[REG_LBA_MID][0] | r[REG_LBA_HIGH][0] << 8;

    if (features & ~0x05u) {    /* overlap, which IDENTIFY denies */
        ide_fail(ch, ER_ABRT);
        return;
    }
    limit &= ~1u;
    *a = (struct atapi_transfer){
        .dma = features & 0x01,
        .byte_limit = limit ? limit : 0xfffe,
    };
    r[REG_COUNT][0] = REASON_COMMAND;
    ide_pio_start(ch, false, 0, sizeof a->cdb, packet_taken);
}

static void identify_taken(struct ide_channel *ch)
{
    ide_finish(ch, false);
}

static void cmd_identify(struct ide_channel *ch)
{
    struct ide_unit *u = ch->active;
    unsigned n = 2 * (ch - ch->ide->channel) + (u - ch->unit);
    uint8_t *out = ch->io->buf;

    memset(out, 0, 512);
    /* Packet device, CD-ROM, removable, DRQ within 50 us, 12-byte packets. */
    ide_put_word(out, 0, 0x85c0);
    ide_put_word(out, 82, 0x4218);      /* NOP, DEVICE RESET, PACKET, power */
    ide_put_word(out, 83, 0x4000);
    ide_put_word(out, 84, 0x4000);
    ide_put_word(out, 85, 0x4218);
    ide_put_word(out, 87, 0x4000);
    ide_identify_common(u, n, "TRESTLE CD-ROM", out);
    ide_pio_start(ch, true, 0, 512, identify_taken);
    ide_interrupt(ch, true);
}

static void cmd_set_features(struct ide_channel *ch)
{
    struct ide_unit *u = ch->active;

    if (u->reg[REG_FEATURE][0] == 0x03 &&
        ide_set_transfer_mode(u, u->reg[REG_COUNT][0]))
        ide_finish(ch, true);
    else
        ide_fail(ch, ER_ABRT);
}

void atapi_command(struct ide_channel *ch, uint8_t command)
{
    switch (command) {
    case 0xa0:
        cmd_packet(ch);
        break;
    case 0xa1:
        cmd_identify(ch);
        break;
    case 0x20: case 0xec:       /* answered with the signature */
        ide_signature(ch->active);
        ide_fail(ch, ER_ABRT);
        break;
    case 0xe0: case 0xe1: case 0xe2: case 0xe3: case 0xe6:
        ide_finish(ch, true);
        break;
    case 0xe5:                  /* CHECK POWER MODE: active */
        ch->active->reg[REG_COUNT][0] = 0xff;
        ide_finish(ch, true);
        break;
    case 0xef:
        cmd_set_features(ch);
        break;
    case 0x00:
        ide_fail(ch, ER_ABRT);
        break;
    default:
        ide_refuse(ch, "ide: unknown command");
        ide_fail(ch, ER_ABRT);
        break;
    }
}

void atapi_reset(struct ide_unit *u)
{
    u->transfer_mode = 0x0c;
    u->error = 0;
    u->sense = SENSE_NONE;
    u->attention = SENSE_RESET;
}

/* ---- Snapshots ---------------------------------------------------------- */

const struct ide_step atapi_steps[] = {
    { XFER_PIO_IN, data_taken }, { XFER_DMA_IN, data_taken },
    { XFER_PIO_OUT, packet_taken }, { XFER_PIO_IN, identify_taken },
    { XFER_NONE, NULL },
};

bool atapi_step_is_possible(const struct ide_channel *ch)
{
    const struct ide_unit *u = ch->active;
    const struct atapi_transfer *a = &ch->atapi;
    uint64_t there = u->disk ? u->disk->sectors / CD_BLOCKS : 0;

    if (a->byte_limit < 2)
        return false;
    /* What is left would be read behind the answer to any command. */
    if (ch->xfer.then == packet_taken)
        return ch->xfer.end == sizeof a->cdb && !a->left;
    if (ch->xfer.then == identify_taken)
        return ch->xfer.end == BLOCK_SECTOR_SIZE;
    return ch->xfer.end <= a->end && a->end <= IDE_BUF_BYTES &&
           (!a->left || (a->chunk_max && a->chunk_max <= CHUNK_MAX &&
                         a->lba < there && a->left <= there - a->lba));
}
