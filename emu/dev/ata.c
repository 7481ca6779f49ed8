/*
 * ATA disk commands (ATA/ATAPI-6 chapter 8).
 *
 * Sectors go through the channel's buffer in chunks of up to 256. If a chunk
 * fails it is done again one sector at a time, so that what is good arrives
 * and the registers name the sector that is not.
 */
#include <string.h>

#include "emu/dev/ide_internal.h"

enum ata_flag {
    F_EXT = 0x01,               /* 48-bit addresses, 16-bit counts */
    F_WRITE = 0x02,
    F_DMA = 0x04,
    F_MULTIPLE = 0x08,
    F_VERIFY = 0x10,            /* read, but nothing to the guest */
};

#define LBA28_SECTORS (1u << 28)
#define MULTIPLE_MAX 16u

static void chunk_start(struct ide_channel *ch);

/* ---- Addresses ---------------------------------------------------------- */

static uint64_t lba_from_registers(const struct ide_channel *ch, bool ext)
{
    const struct ide_unit *u = ch->active;
    const uint8_t (*r)[2] = u->reg;
    uint32_t low = r[REG_LBA_LOW][0], mid = r[REG_LBA_MID][0];
    uint32_t high = r[REG_LBA_HIGH][0], top = ch->device & 15;

    if (ext)
        return low | mid << 8 | high << 16 |
               (uint64_t)r[REG_LBA_LOW][1] << 24 |
               (uint64_t)r[REG_LBA_MID][1] << 32 |
               (uint64_t)r[REG_LBA_HIGH][1] << 40;
    if (ch->device & DH_LBA)
        return low | mid << 8 | high << 16 | top << 24;
    /* CHS: sectors count from 1; what is not on the disk is no address. */
    if (low == 0 || low > u->now.sectors || top >= u->now.heads ||
        (mid | high << 8) >= u->now.cylinders)
        return UINT64_MAX;
    return ((uint64_t)(mid | high << 8) * u->now.heads + top) *
           u->now.sectors + low - 1;
}

static void lba_to_registers(struct ide_channel *ch, uint64_t lba, bool ext)
{
    struct ide_unit *u = ch->active;
    uint8_t (*r)[2] = u->reg;

    if (!ext && !(ch->device & DH_LBA)) {
        uint32_t track = lba / u->now.sectors;

        r[REG_LBA_LOW][0] = lba % u->now.sectors + 1;
        ch->device = (ch->device & 0xf0) | track % u->now.heads;
        track /= u->now.heads;
        r[REG_LBA_MID][0] = track;
        r[REG_LBA_HIGH][0] = track >> 8;
        return;
    }
    r[REG_LBA_LOW][0] = lba;
    r[REG_LBA_MID][0] = lba >> 8;
    r[REG_LBA_HIGH][0] = lba >> 16;
    if (ext) {
        r[REG_LBA_LOW][1] = lba >> 24;
        r[REG_LBA_MID][1] = lba >> 32;
        r[REG_LBA_HIGH][1] = lba >> 40;
    } else {
        ch->device = (ch->device & 0xf0) | ((lba >> 24) & 15);
    }
}

static uint32_t count_from_registers(const struct ide_unit *u, bool ext)
{
    uint32_t n = u->reg[REG_COUNT][0];

    if (!ext)
        return n ? n : 256;
    n |= u->reg[REG_COUNT][1] << 8;
    return n ? n : 65536;
}

/* ---- Commands that move sectors ----------------------------------------- */

static void transfer_end(struct ide_channel *ch)
{
    const struct ata_transfer *t = &ch->ata;

    lba_to_registers(ch, t->lba - 1, t->flags & F_EXT);
    ch->active->reg[REG_COUNT][0] = ch->active->reg[REG_COUNT][1] = 0;
    /* PIO reads have announced their last block already. */
    ide_finish(ch, t->flags & (F_WRITE | F_DMA | F_VERIFY));
}

static void write_through_done(struct ide_channel *ch, int error)
{
    if (!error) {
        transfer_end(ch);
        return;
    }
    ch->active->errors++;
    ide_fail(ch, ER_ABRT);
    ch->active->status |= ST_DF;
}

/* Sector t->lba is bad: ATA/ATAPI-6 says UNC for reads, a fault for writes. */
static void transfer_fail(struct ide_channel *ch)
{
    const struct ata_transfer *t = &ch->ata;
    bool write = t->flags & F_WRITE;

    ch->active->errors++;
    lba_to_registers(ch, t->lba, t->flags & F_EXT);
    ch->active->reg[REG_COUNT][0] = t->left;
    ch->active->reg[REG_COUNT][1] = t->left >> 8;
    ide_fail(ch, write ? ER_ABRT : ER_UNC);
    if (write)
        ch->active->status |= ST_DF;
}

/* All of the chunk is where it belongs. */
static void chunk_end(struct ide_channel *ch)
{
    struct ata_transfer *t = &ch->ata;

    t->lba += t->good;
    t->left -= t->good;
    if (t->failed)
        transfer_fail(ch);
    else if (t->left)
        chunk_start(ch);
    else if ((t->flags & F_WRITE) && !ch->active->write_cache)
        ide_io_start(ch, BLOCK_FLUSH, 0, 0, 0, write_through_done);
    else
        transfer_end(ch);
}

/* The guest has taken the PIO block that ended at xfer.end; offer the next. */
static void pio_read_block(struct ide_channel *ch)
{
    struct ata_transfer *t = &ch->ata;
    uint32_t block = t->block * BLOCK_SECTOR_SIZE;
    uint32_t good = t->good * BLOCK_SECTOR_SIZE;
    uint32_t pos = ch->xfer.end, n = good - pos;

    if (n > block)
        n = block;
    /* A block is announced only whole: the guest reads all of it unasked. */
    if (n == 0 || (t->failed && n < block)) {
        chunk_end(ch);
        return;
    }
    ide_pio_start(ch, true, pos, pos + n, pio_read_block);
    ide_interrupt(ch, true);
}

/* The disk's part of the chunk is done. */
static void chunk_done(struct ide_channel *ch)
{
    struct ata_transfer *t = &ch->ata;

    if (t->flags & (F_WRITE | F_VERIFY)) {
        chunk_end(ch);
    } else if (!(t->flags & F_DMA)) {
        ch->xfer.end = 0;
        pio_read_block(ch);
    } else if (t->good) {
        ide_dma_start(ch, true, 0, t->good * BLOCK_SECTOR_SIZE, chunk_end);
    } else {
        chunk_end(ch);
    }
}

static void chunk_io_done(struct ide_channel *ch, int error)
{
    struct ata_transfer *t = &ch->ata;
    enum block_op op = t->flags & F_WRITE ? BLOCK_WRITE : BLOCK_READ;

    if (!error)
        t->good += t->single ? 1 : t->chunk;
    else if (!t->single && t->chunk > 1)
        t->single = true;
    else
        t->failed = true;
    if (t->failed || t->good == t->chunk)
        chunk_done(ch);
    else
        ide_io_start(ch, op, t->lba + t->good, 1, t->good * BLOCK_SECTOR_SIZE,
                     chunk_io_done);
}

static void chunk_io(struct ide_channel *ch)
{
    struct ata_transfer *t = &ch->ata;

    ide_io_start(ch, t->flags & F_WRITE ? BLOCK_WRITE : BLOCK_READ, t->lba,
                 t->chunk, 0, chunk_io_done);
}

/* Take one more PIO block of the chunk from the guest, or write the chunk. */
static void pio_write_block(struct ide_channel *ch)
{
    struct ata_transfer *t = &ch->ata;
    uint32_t pos = ch->xfer.end;
    uint32_t n = t->chunk * BLOCK_SECTOR_SIZE - pos;

    if (n == 0) {
        chunk_io(ch);
        return;
    }
    if (n > t->block * BLOCK_SECTOR_SIZE)
        n = t->block * BLOCK_SECTOR_SIZE;
    ide_pio_start(ch, false, pos, pos + n, pio_write_block);
    /* The command's first block is asked for without an interrupt. */
    if (t->asked)
        ide_interrupt(ch, true);
    t->asked = true;
}

static void chunk_start(struct ide_channel *ch)
{
    struct ata_transfer *t = &ch->ata;

    t->chunk = t->left < IDE_CHUNK_SECTORS ? t->left : IDE_CHUNK_SECTORS;
    t->good = 0;
    t->single = t->failed = false;
    if (!(t->flags & F_WRITE)) {
        chunk_io(ch);
    } else if (t->flags & F_DMA) {
        ide_dma_start(ch, false, 0, t->chunk * BLOCK_SECTOR_SIZE, chunk_io);
    } else {
        ch->xfer.end = 0;
        pio_write_block(ch);
    }
}

static void cmd_transfer(struct ide_channel *ch, uint8_t flags)
{
    struct ide_unit *u = ch->active;
    struct ata_transfer *t = &ch->ata;
    uint64_t sectors = u->disk->sectors;

    if ((flags & F_WRITE) && u->read_only) {
        ide_refuse(ch, "ide: write to read-only disk");
        ide_fail(ch, ER_ABRT);
        return;
    }
    if ((flags & F_MULTIPLE) && !u->multiple) {
        ide_fail(ch, ER_ABRT);
        return;
    }
    *t = (struct ata_transfer){
        .lba = lba_from_registers(ch, flags & F_EXT),
        .left = count_from_registers(u, flags & F_EXT),
        .block = flags & F_MULTIPLE ? u->multiple : 1,
        .flags = flags,
    };
    if (t->lba >= sectors || t->left > sectors - t->lba) {
        ide_refuse(ch, "ide: sector outside disk");
        ide_fail(ch, ER_IDNF);
        return;
    }
    chunk_start(ch);
}

/* ---- Commands without data ---------------------------------------------- */

static void cmd_abort(struct ide_channel *ch, uint8_t flags)
{
    ide_fail(ch, ER_ABRT);
}

static void cmd_ok(struct ide_channel *ch, uint8_t flags)
{
    ide_finish(ch, true);
}

static void cmd_seek(struct ide_channel *ch, uint8_t flags)
{
    if (lba_from_registers(ch, false) >= ch->active->disk->sectors)
        ide_fail(ch, ER_IDNF);
    else
        ide_finish(ch, true);
}

static void identify_taken(struct ide_channel *ch)
{
    ide_finish(ch, false);
}

static void cmd_identify(struct ide_channel *ch, uint8_t flags)
{
    struct ide_unit *u = ch->active;
    unsigned n = 2 * (ch - ch->ide->channel) + (u - ch->unit);

    ata_identify(u, n, ch->io->buf);
    ide_pio_start(ch, true, 0, 512, identify_taken);
    ide_interrupt(ch, true);
}

static void flush_done(struct ide_channel *ch, int error)
{
    if (error) {
        ch->active->errors++;
        ide_fail(ch, ER_ABRT);
        ch->active->status |= ST_DF;
    } else {
        ide_finish(ch, true);
    }
}

static void cmd_flush(struct ide_channel *ch, uint8_t flags)
{
    ide_io_start(ch, BLOCK_FLUSH, 0, 0, 0, flush_done);
}

/* A drive that is put to sleep or to standby empties its cache first. */
static void cmd_standby(struct ide_channel *ch, uint8_t flags)
{
    ch->active->asleep = true;
    cmd_flush(ch, flags);
}

static void cmd_idle(struct ide_channel *ch, uint8_t flags)
{
    ch->active->asleep = false;
    ide_finish(ch, true);
}

static void cmd_check_power(struct ide_channel *ch, uint8_t flags)
{
    ch->active->reg[REG_COUNT][0] = ch->active->asleep ? 0x00 : 0xff;
    ide_finish(ch, true);
}

static void cmd_set_multiple(struct ide_channel *ch, uint8_t flags)
{
    uint8_t n = ch->active->reg[REG_COUNT][0];

    if (n > MULTIPLE_MAX || (n & (n - 1))) {
        ide_fail(ch, ER_ABRT);
        return;
    }
    ch->active->multiple = n;
    ide_finish(ch, true);
}

/* INITIALIZE DEVICE PARAMETERS: the geometry that CHS addresses mean. */
static void cmd_set_geometry(struct ide_channel *ch, uint8_t flags)
{
    struct ide_unit *u = ch->active;
    struct ide_geometry g = {
        .heads = (ch->device & 15) + 1,
        .sectors = u->reg[REG_COUNT][0],
    };
    uint64_t cylinders;

    if (!g.sectors || g.sectors > 63) {
        ide_fail(ch, ER_ABRT);
        return;
    }
    cylinders = u->disk->sectors / (g.heads * g.sectors);
    g.cylinders = cylinders > 65535 ? 65535 : cylinders;
    u->now = g;
    ide_finish(ch, true);
}

static void cmd_native_max(struct ide_channel *ch, uint8_t flags)
{
    uint64_t last = ch->active->disk->sectors - 1;

    if (!ch->active->disk->sectors) {
        ide_fail(ch, ER_ABRT);
        return;
    }
    if (!(flags & F_EXT) && last >= LBA28_SECTORS)
        last = LBA28_SECTORS - 1;
    lba_to_registers(ch, last, flags & F_EXT);
    ide_finish(ch, true);
}

static void cmd_set_features(struct ide_channel *ch, uint8_t flags)
{
    struct ide_unit *u = ch->active;
    bool ok = true;

    switch (u->reg[REG_FEATURE][0]) {
    case 0x02:
        u->write_cache = true;
        break;
    case 0x82:                  /* what the cache holds goes to the medium */
        u->write_cache = false;
        cmd_flush(ch, 0);
        return;
    case 0xaa:
        u->look_ahead = true;
        break;
    case 0x55:
        u->look_ahead = false;
        break;
    case 0x66: case 0xcc:       /* settings survive a soft reset, or not */
        break;
    case 0x03:
        ok = ide_set_transfer_mode(u, u->reg[REG_COUNT][0]);
        break;
    default:
        ok = false;
        break;
    }
    if (ok)
        ide_finish(ch, true);
    else
        ide_fail(ch, ER_ABRT);
}

/* ---- Dispatch ----------------------------------------------------------- */

static const struct {
    uint8_t first, last;
    uint8_t flags;
    void (*run)(struct ide_channel *ch, uint8_t flags);
} ata_commands[] = {
    { 0x10, 0x1f, 0, cmd_ok },                          /* RECALIBRATE */
    { 0x20, 0x21, 0, cmd_transfer },                    /* READ SECTORS */
    { 0x24, 0x24, F_EXT, cmd_transfer },
    { 0x25, 0x25, F_EXT | F_DMA, cmd_transfer },        /* READ DMA EXT */
    { 0x27, 0x27, F_EXT, cmd_native_max },
    { 0x29, 0x29, F_EXT | F_MULTIPLE, cmd_transfer },
    { 0x30, 0x31, F_WRITE, cmd_transfer },              /* WRITE SECTORS */
    { 0x34, 0x34, F_WRITE | F_EXT, cmd_transfer },
    { 0x35, 0x35, F_WRITE | F_EXT | F_DMA, cmd_transfer },
    { 0x39, 0x39, F_WRITE | F_EXT | F_MULTIPLE, cmd_transfer },
    { 0x40, 0x41, F_VERIFY, cmd_transfer },             /* READ VERIFY */
    { 0x42, 0x42, F_VERIFY | F_EXT, cmd_transfer },
    { 0x70, 0x7f, 0, cmd_seek },
    { 0x91, 0x91, 0, cmd_set_geometry },
    { 0x94, 0x94, 0, cmd_standby },                     /* STANDBY IMMEDIATE */
    { 0x95, 0x95, 0, cmd_idle },                        /* IDLE IMMEDIATE */
    { 0x96, 0x96, 0, cmd_standby },
    { 0x97, 0x97, 0, cmd_idle },
    { 0x98, 0x98, 0, cmd_check_power },
    { 0x99, 0x99, 0, cmd_standby },                     /* SLEEP */
    { 0xc4, 0xc4, F_MULTIPLE, cmd_transfer },
    { 0xc5, 0xc5, F_WRITE | F_MULTIPLE, cmd_transfer },
    { 0xc6, 0xc6, 0, cmd_set_multiple },
    { 0xc8, 0xc9, F_DMA, cmd_transfer },                /* READ DMA */
    { 0xca, 0xcb, F_WRITE | F_DMA, cmd_transfer },
    { 0xe0, 0xe0, 0, cmd_standby },
    { 0xe1, 0xe1, 0, cmd_idle },
    { 0xe2, 0xe2, 0, cmd_standby },
    { 0xe3, 0xe3, 0, cmd_idle },
    { 0xe5, 0xe5, 0, cmd_check_power },
    { 0xe6, 0xe6, 0, cmd_standby },
    { 0xe7, 0xe7, 0, cmd_flush },
    { 0xea, 0xea, F_EXT, cmd_flush },                   /* FLUSH CACHE EXT */
    { 0xec, 0xec, 0, cmd_identify },
    { 0xef, 0xef, 0, cmd_set_features },
    { 0xf8, 0xf8, 0, cmd_native_max },
    /* Known, and optional: NOP, SMART, packet commands, passwords, HPA. */
    { 0x00, 0x00, 0, cmd_abort },
    { 0x08, 0x08, 0, cmd_abort },
    { 0xa0, 0xa1, 0, cmd_abort },
    { 0xb0, 0xb0, 0, cmd_abort },
    { 0xf1, 0xf6, 0, cmd_abort },
    { 0xf9, 0xf9, 0, cmd_abort },
};

void ata_command(struct ide_channel *ch, uint8_t command)
{
    for (unsigned i = 0; i < sizeof ata_commands / sizeof ata_commands[0]; i++)
        if (command >= ata_commands[i].first &&
            command <= ata_commands[i].last) {
            ata_commands[i].run(ch, ata_commands[i].flags);
            return;
        }
    ide_refuse(ch, "ide: unknown command");
    ide_fail(ch, ER_ABRT);
}

void ata_reset(struct ide_unit *u)
{
    u->multiple = 0;
    u->transfer_mode = 0x0c;    /* PIO 4 */
    u->write_cache = true;
    u->look_ahead = true;
    u->asleep = false;
    u->error = 0;
    u->now = u->native;
}

/* ---- Snapshots ---------------------------------------------------------- */

const struct ide_step ata_steps[] = {
    { XFER_PIO_IN, pio_read_block }, { XFER_PIO_OUT, pio_write_block },
    { XFER_DMA_IN, chunk_end },      { XFER_DMA_OUT, chunk_io },
    { XFER_PIO_IN, identify_taken }, { XFER_NONE, NULL },
};

bool ata_step_is_possible(const struct ide_channel *ch)
{
    const struct ide_unit *u = ch->active;
    const struct ata_transfer *t = &ch->ata;
    bool in = ch->xfer.kind == XFER_PIO_IN || ch->xfer.kind == XFER_DMA_IN;
    uint32_t sectors = in ? t->good : t->chunk;

    if (ch->xfer.then == identify_taken)
        return ch->xfer.end == BLOCK_SECTOR_SIZE;
    return t->chunk && t->chunk <= IDE_CHUNK_SECTORS && t->good <= t->chunk &&
           t->chunk <= t->left && t->block && t->block <= MULTIPLE_MAX &&
           t->lba < u->disk->sectors &&
           t->left <= u->disk->sectors - t->lba &&
           !!(t->flags & F_WRITE) != in &&
           /* Or its steps would not end at the chunk's end. */
           (in || (!t->good && !t->single && !t->failed)) &&
           !((t->flags & F_WRITE) && u->read_only) &&
           ch->xfer.end <= sectors * BLOCK_SECTOR_SIZE;
}
