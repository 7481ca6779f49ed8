/* See ata_channel.h. Clauses are those of ATA/ATAPI-8 ACS and APT. */
#include "drivers/block/ata_channel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/block/disk_dma.h"

#define MS UINT64_C(1000000)
#define SELECT_US 1u                    /* 400 ns until status is its own */
#define RESET_US 10u                    /* SRST: 5 us */
#define AFTER_RESET_US 2000u
#define READY_NS (15000 * MS)           /* a disk that spins up */
#define IDENTIFY_NS (5000 * MS)
#define SHORT_NS (10 * MS)
#define SOON_US 10u
#define PIO_BLOCKS 8u                   /* at a time */
#define PIO_SECTORS 256u                /* of a request */
#define MAX_DMA_FAILURES 3u
#define MAX_STEPS 8u
#define BELOW_4G (UINT64_C(1) << 32)
/* What is left in LBA_MID and _HIGH: by a disk, and by one on SATA. */
enum { SIGNATURE = 0x0000, SIGNATURE_SATA = 0xc33c };

static const struct disk_ops ata_ops;

static uint8_t get(const struct ata_channel *c, uint32_t reg)
{
    return bus_read8(c->block, reg);
}

static void put(const struct ata_channel *c, uint32_t reg, uint8_t v)
{
    bus_write8(c->block, reg, v);
}

static uint8_t alt_status(const struct ata_channel *c)
{
    return bus_read8(c->control, c->control_reg);
}

static uint8_t master_status(const struct ata_channel *c)
{
    return bus_read8(c->master, c->master_reg + BM_STATUS);
}

static bool is_late(const struct ata_channel *c)
{
    return bus_now(c->block) >= c->deadline;
}

bool ata_channel_is_settled(const struct ata_channel *c)
{
    return c->state != CHANNEL_READY && c->state != CHANNEL_IDENTIFY &&
           !c->looks_again;
}

static void enter(struct ata_channel *c, enum ata_channel_state state,
                  uint64_t ns)
{
    c->state = state;
    c->deadline = bus_now(c->block) + ns;
    if (!ata_channel_is_settled(c))
        c->controller->is_settled = false;
}

static void select_device(struct ata_channel *c, unsigned i, uint8_t more)
{
    put(c, ATA_DEVICE, ATA_DEVICE_OBSOLETE | more | (i ? ATA_DEVICE_1 : 0));
    bus_delay(c->block, SELECT_US);
}

/* ---- Requests ------------------------------------------------------------ */

static void finish(struct ata_channel *c, int error)
{
    struct disk_request *req = c->current;

    c->current = NULL;
    c->by_pio = false;
    disk_done(c->owner->disk, req, error);
}

static void device_gone(struct ata_channel *c, struct ata_device *d)
{
    if (!d->disk)
        return;
    disk_gone(d->disk);
    if (c->current && d == c->owner)
        finish(c, -ENODEV);
    disk_queue_done(&d->waiting, d->disk, -ENODEV);
}

/* Two writes for each register of a 48-bit command, the high bytes first. */
static void command(struct ata_channel *c, const struct ata_command *cmd)
{
    if (cmd->is_48) {
        put(c, ATA_COUNT, (uint8_t)(cmd->count >> 8));
        put(c, ATA_LBA_LOW, (uint8_t)(cmd->lba >> 24));
        put(c, ATA_LBA_MID, (uint8_t)(cmd->lba >> 32));
        put(c, ATA_LBA_HIGH, (uint8_t)(cmd->lba >> 40));
    }
    put(c, ATA_COUNT, (uint8_t)cmd->count);
    put(c, ATA_LBA_LOW, (uint8_t)cmd->lba);
    put(c, ATA_LBA_MID, (uint8_t)(cmd->lba >> 8));
    put(c, ATA_LBA_HIGH, (uint8_t)(cmd->lba >> 16));
    put(c, ATA_COMMAND, cmd->command);
    bus_delay(c->block, SELECT_US);
}

static bool may_dma(struct ata_channel *c, const struct ata_device *d)
{
    return c->master && d->dma && !c->by_pio &&
           c->current->op != DISK_FLUSH && ata_dma_is_free(c);
}

/* SRST, for both devices; no DMA of theirs is under way. */
static void reset(struct ata_channel *c)
{
    if (c->master)
        ata_dma_stop(c);
    bus_write8(c->control, c->control_reg, ATA_SRST | ATA_NIEN);
    bus_delay(c->block, RESET_US);
    bus_write8(c->control, c->control_reg, ATA_NIEN);
    bus_delay(c->block, AFTER_RESET_US);
    for (unsigned i = 0; i < 2; i++) {
        c->device[i].found = false;
        if (c->device[i].disk)
            c->device[i].disk->counters.resets++;
    }
    c->at = 0;
    enter(c, CHANNEL_READY, READY_NS);
}

/* A device that is at something else is reset first. */
static void issue(struct ata_channel *c)
{
    struct ata_device *d = c->owner;
    bool dma = may_dma(c, d);
    struct ata_command cmd = ata_disk_command(&d->id, c->current, dma);

    select_device(c, d != c->device, cmd.device |
                  (cmd.is_48 ? 0 : (uint8_t)(cmd.lba >> 24 & 0xf)));
    if (alt_status(c) & (ATA_BSY | ATA_DRQ)) {
        reset(c);
        return;
    }
    c->blocks = 0;
    c->short_since = 0;
    if (dma)
        ata_dma_prepare(c, c->current);
    command(c, &cmd);
    if (dma)
        ata_dma_start(c, cmd.is_write);
    else
        d->by_pio += c->current->op != DISK_FLUSH;
    enter(c, dma ? CHANNEL_DMA : CHANNEL_PIO, 0);
}

/* The other device first, so that one does not keep both. */
static bool take_next(struct ata_channel *c)
{
    for (unsigned i = 0; i < 2 && !c->current; i++) {
        c->owner = &c->device[c->owner == c->device];
        if (c->owner->found)
            c->current = disk_queue_take(&c->owner->waiting);
    }
    return c->current;
}

/* `may_finish`: not within submit. True: something is done or begun. */
static bool start_next(struct ata_channel *c, bool may_finish)
{
    bool nothing_to_flush;

    if (c->state != CHANNEL_IDLE || (!c->current && !take_next(c)))
        return false;
    nothing_to_flush = c->current->op == DISK_FLUSH &&
                       !c->owner->id.write_cache;
    if (!nothing_to_flush)
        issue(c);
    else if (may_finish)
        finish(c, 0);
    else
        return false;
    return true;
}

/* ---- What is there ------------------------------------------------------- */

/* The request that runs ends with `error`, or is begun again if that is 0. */
static void abort_current(struct ata_channel *c, int error)
{
    bool by_dma = c->state == CHANNEL_DMA || c->state == CHANNEL_HUNG;

    if (by_dma && !ata_dma_stop(c)) {
        if (c->state == CHANNEL_HUNG ||
            !disk_dma_ended(&c->owner->disk->counters, c->master, false)) {
            c->error = error;
            enter(c, CHANNEL_HUNG, 0);
            return;
        }
        *c->master_off = true;
    }
    reset(c);
    if (error)
        finish(c, error);
}

static bool step_hung(struct ata_channel *c)
{
    abort_current(c, c->error);
    return c->state != CHANNEL_HUNG;
}

/* Device `at` has been looked at. */
static void next_device(struct ata_channel *c)
{
    if (!c->device[c->at].found)
        device_gone(c, &c->device[c->at]);
    if (++c->at < 2) {
        enter(c, CHANNEL_READY, READY_NS);
        return;
    }
    c->at = 0;
    enter(c, c->device[0].found || c->device[1].found ? CHANNEL_IDLE
                                                      : CHANNEL_EMPTY, 0);
}

/* What is there cannot be used, and why is told. */
static void leave_out(struct ata_channel *c, const char *why)
{
    char text[80];

    snprintf(text, sizeof text, "channel %u device %u left out: %s", c->index,
             c->at, why);
    c->sink->left_out(c->sink, text);
}

static bool step_ready(struct ata_channel *c)
{
    static const struct ata_command identify = { .command = ATA_IDENTIFY };
    uint8_t status;
    unsigned signature;

    select_device(c, c->at, 0);
    status = alt_status(c);
    if (status != 0xff && (status & ATA_BSY) && !is_late(c))
        return false;
    if (status != 0xff && (status & ATA_BSY))
        leave_out(c, "it does not get ready");
    signature = get(c, ATA_LBA_MID) | (unsigned)get(c, ATA_LBA_HIGH) << 8;
    if (!status || (status & ATA_BSY) ||
        (signature != SIGNATURE && signature != SIGNATURE_SATA)) {
        next_device(c);
        return true;
    }
    command(c, &identify);
    enter(c, CHANNEL_IDENTIFY, IDENTIFY_NS);
    return true;
}

/* A DMA mode was set, by the firmware (words 53, 63, 88). */
static bool has_dma_mode(const uint16_t *w)
{
    return (w[63] & 0x0700) || ((w[53] & 4) && (w[88] & 0x7f00));
}

static struct disk *new_disk(struct ata_channel *c, struct ata_device *d)
{
    struct disk *disk = calloc(1, sizeof *disk);
    unsigned i = d != c->device;

    if (!disk)
        return NULL;
    disk->ops = &ata_ops;
    disk->driver = d;
    disk->unit = c->index * 2 + i;
    disk->dma_below = BELOW_4G;
    memcpy(disk->slot, c->info->slot, sizeof disk->slot);
    snprintf(disk->label, sizeof disk->label, "ata channel %u device %u at "
             "%.15s", c->index, i, disk->slot);
    ata_disk_describe(&d->id, disk,
                      d->dma && c->master ? ATA_DMA_SECTORS : PIO_SECTORS);
    return disk;
}

/* It is a disk: the one that was there, or a new one where there was none. */
static void use(struct ata_channel *c, const struct ata_identity *id,
                bool has_mode)
{
    struct ata_device *d = &c->device[c->at];

    if (d->disk) {
        d->found = ata_disk_is_same(id, d->disk);
        d->disk->is_gone = !d->found;
        d->dma &= has_mode;
        return;
    }
    d->id = *id;
    d->dma = id->dma && has_mode;
    d->disk = new_disk(c, d);
    d->found = d->disk;
    if (d->found)
        c->sink->add(c->sink, d->disk);
}

static bool step_identify(struct ata_channel *c)
{
    uint16_t words[ATA_IDENTIFY_WORDS];
    uint8_t status = alt_status(c);
    struct ata_identity id;
    const char *why;

    if ((status & ATA_BSY) && status != 0xff && !is_late(c))
        return false;
    if ((status & (ATA_BSY | ATA_DRQ | ATA_ERR)) == ATA_DRQ) {
        for (unsigned i = 0; i < ATA_IDENTIFY_WORDS; i++)
            words[i] = bus_read16(c->block, ATA_DATA);
        why = get(c, ATA_STATUS) & (ATA_ERR | ATA_DRQ)
                  ? "it does not end what it says of itself"
                  : ata_disk_identify(words, &id);
        if (why)
            leave_out(c, why);
        else
            use(c, &id, has_dma_mode(words));
    }
    next_device(c);
    return true;
}

/* ---- At work ------------------------------------------------------------- */

/* The device failed it; one that still wants data needs a reset. */
static void failed(struct ata_channel *c, uint8_t status)
{
    if (status & (ATA_DRQ | ATA_BSY)) {
        abort_current(c, -EIO);
        return;
    }
    enter(c, CHANNEL_IDLE, 0);
    finish(c, -EIO);
}

static void move_block(struct ata_channel *c)
{
    size_t bytes = c->owner->id.block_bytes;
    uint8_t *at = (uint8_t *)c->current->buf + c->blocks++ * bytes;

    for (size_t i = 0; i < bytes; i += 2) {
        uint16_t word;

        if (c->current->op == DISK_READ) {
            word = bus_read16(c->block, ATA_DATA);
            memcpy(at + i, &word, sizeof word);
        } else {
            memcpy(&word, at + i, sizeof word);
            bus_write16(c->block, ATA_DATA, word);
        }
    }
    bus_delay(c->block, SELECT_US);
}

static uint32_t blocks_of(const struct ata_channel *c)
{
    uint32_t per_block = c->owner->id.block_bytes / DISK_SECTOR;

    return c->current->op == DISK_FLUSH ? 0 : c->current->count / per_block;
}

/* Between two blocks a disk is busy for some microseconds. */
static uint8_t status_soon(const struct ata_channel *c)
{
    uint8_t status = alt_status(c);

    for (unsigned i = 0; i < SOON_US && c->blocks && (status & ATA_BSY);
         i += SELECT_US) {
        bus_delay(c->block, SELECT_US);
        status = alt_status(c);
    }
    return status;
}

static bool step_pio(struct ata_channel *c)
{
    for (unsigned i = 0; i < PIO_BLOCKS; i++) {
        uint8_t status = status_soon(c);
        bool is_last = c->blocks == blocks_of(c);

        if (status & ATA_BSY)
            return i;
        status = get(c, ATA_STATUS);
        if ((status & (ATA_ERR | ATA_DF)) || !(status & ATA_DRQ) != is_last) {
            failed(c, status);
            return true;
        }
        if (is_last) {
            enter(c, CHANNEL_IDLE, 0);
            finish(c, 0);
            return true;
        }
        move_block(c);
    }
    return true;
}

/* By the cable or the master: again by PIO, and in future, if it goes on. */
static void dma_failed(struct ata_channel *c)
{
    struct ata_device *d = c->owner;

    d->crc_errors++;
    if (++d->dma_failures >= MAX_DMA_FAILURES)
        d->dma = false;
    c->by_pio = true;
    abort_current(c, 0);
}

/* The device is not at it any more, but the master may be: data that it holds,
 * or that will never come. */
static bool is_short(struct ata_channel *c)
{
    uint64_t now = bus_now(c->block);

    if (!c->short_since)
        c->short_since = now + 1;
    return now - c->short_since >= SHORT_NS && now >= c->short_since;
}

static bool step_dma(struct ata_channel *c)
{
    uint8_t status = alt_status(c), master = master_status(c);

    if (master & BM_ERROR) {
        dma_failed(c);
        return true;
    }
    if (status & (ATA_BSY | ATA_DRQ))
        return false;
    status = get(c, ATA_STATUS);
    if (status & (ATA_ERR | ATA_DF)) {
        if (get(c, ATA_ERROR) & ATA_ERROR_ICRC)
            dma_failed(c);
        else
            abort_current(c, -EIO);
        return true;
    }
    if (master & BM_ACTIVE) {
        if (!is_short(c))
            return false;
        abort_current(c, -EIO);
        return true;
    }
    ata_dma_stop(c);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    enter(c, CHANNEL_IDLE, 0);
    finish(c, 0);
    return true;
}

static bool look_again(struct ata_channel *c)
{
    c->looks_again = false;
    reset(c);
    return true;
}

static bool step_once(struct ata_channel *c)
{
    switch (c->state) {
    case CHANNEL_HUNG:
        return step_hung(c);
    case CHANNEL_READY:
        return step_ready(c);
    case CHANNEL_IDENTIFY:
        return step_identify(c);
    case CHANNEL_IDLE:
        return c->looks_again ? look_again(c) : start_next(c, true);
    case CHANNEL_PIO:
        return step_pio(c);
    case CHANNEL_DMA:
        return step_dma(c);
    case CHANNEL_EMPTY:
        return c->looks_again && look_again(c);
    }
    return false;
}

bool ata_channel_step(struct ata_channel *c)
{
    bool any = false;

    for (unsigned i = 0; i < MAX_STEPS && step_once(c); i++)
        any = true;
    return any;
}

int ata_channel_init(struct ata_channel *c)
{
    size_t bytes = (ATA_DMA_SECTORS * DISK_SECTOR / BM_BORDER + 1) *
                   sizeof *c->table;

    for (unsigned i = 0; i < 2; i++)
        c->device[i].channel = c;
    c->owner = c->device;
    if (c->master) {
        c->table = c->master->dma_alloc(c->master->ctx, bytes, BELOW_4G,
                                        &c->table_phys);
        if (!c->table)
            return -ENOMEM;
    }
    reset(c);
    return 0;
}

/* ---- The disks' operations ----------------------------------------------- */

static int ata_open(struct disk *disk)
{
    struct ata_device *d = disk->driver;

    if (disk->is_gone) {
        d->channel->looks_again = true;
        d->channel->controller->is_settled = false;
        return -ENODEV;
    }
    disk->is_open = true;
    return 0;
}

static void ata_recover(struct disk *disk)
{
    struct ata_device *d = disk->driver;
    struct ata_channel *c = d->channel;

    disk_queue_done(&d->waiting, disk, -EIO);
    if (!c->current || c->owner != d)
        return;
    if (c->state == CHANNEL_PIO || c->state == CHANNEL_DMA ||
        c->state == CHANNEL_HUNG)
        abort_current(c, -EIO);
    else
        finish(c, -EIO);
}

static void ata_close(struct disk *disk)
{
    disk->is_open = false;
    ata_recover(disk);
}

static int ata_submit(struct disk *disk, struct disk_request *req)
{
    struct ata_device *d = disk->driver;
    int error;

    if (disk->is_gone || !disk->is_open)
        return -ENODEV;
    error = disk_refuse(disk, req);
    if (error)
        return error;
    disk_queue_put(&d->waiting, req);
    start_next(d->channel, false);
    return 0;
}

static bool ata_poll(struct disk *disk)
{
    struct ata_device *d = disk->driver;

    return ata_channel_step(d->channel);
}

static const char *ata_counter(const struct disk *disk, unsigned i,
                               uint64_t *value)
{
    const struct ata_device *d = disk->driver;

    if (i > 1)
        return NULL;
    *value = i ? d->by_pio : d->crc_errors;
    return i ? "by_pio" : "crc_errors";
}

static const struct disk_ops ata_ops = {
    .name = "ata", .open = ata_open, .close = ata_close,
    .submit = ata_submit, .poll = ata_poll, .recover = ata_recover,
    .counter = ata_counter,
};
