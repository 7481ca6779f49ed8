/* See usb_disk.h: requests as SCSI commands, one at a time. */
#include "drivers/usb/usb_disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/usb/usb_regs.h"

#define MAX_DISKS 16u           /* of a controller, ever */
#define TRIES 5u
#define AGAIN_NS (100 * USB_MS)
#define READY_TRIES 100u        /* of those: 10 s for one that is not ready */
#define CLOSE_TRIES 50u
#define CLOSE_STEP_US 100u

static uint64_t now(const struct usb_disk *d) { return bus_now(d->host->bus); }

/* ---- A request ends ------------------------------------------------------ */

static void finish(struct usb_disk *d, int error)
{
    struct disk_request *req = d->current;

    d->current = NULL;
    d->phase = PHASE_IDLE;
    d->is_ending = false;
    d->tries = 0;
    if (!error && req->op == DISK_WRITE)
        d->unflushed = !d->has_no_cache;
    if (!error && req->op == DISK_FLUSH)
        d->unflushed = false;
    disk_done(&d->disk, req, error);
}

static uint32_t bytes_of(const struct disk_request *req)
{
    return req->op == DISK_FLUSH ? 0 : req->count * DISK_SECTOR;
}

static void begin(struct usb_disk *d)
{
    const struct disk_request *req = d->current;
    uint32_t unit = d->disk.block_bytes / DISK_SECTOR;
    struct bot_command c = {
        .from_device = req->op == DISK_READ, .bytes = bytes_of(req),
        .phys = req->phys,
    };

    c.cdb_bytes = (uint8_t)(
        req->op == DISK_FLUSH
            ? scsi_cdb(c.cdb, SCSI_SYNCHRONIZE_CACHE_10)
            : scsi_cdb_blocks(c.cdb, req->op == DISK_WRITE,
                              req->sector / unit, req->count / unit));
    d->phase = PHASE_COMMAND;
    bot_begin(&d->storage->bot, &c);
}

/* Not within submit if there is nothing to send. True: something happened. */
static bool start_next(struct usb_disk *d, bool may_finish)
{
    if (!d->storage || d->phase != PHASE_IDLE)
        return false;
    if (!d->current)
        d->current = disk_queue_take(&d->waiting);
    if (!d->current)
        return false;
    if (d->current->op == DISK_FLUSH && (d->has_no_cache || d->lost)) {
        int error = d->lost ? -EIO : 0;

        if (!may_finish)
            return false;
        d->lost = false;
        finish(d, error);
        return true;
    }
    begin(d);
    return true;
}

/* ---- Commands that failed ------------------------------------------------ */

static void ask_sense(struct usb_disk *d)
{
    struct usb_device *device = d->storage->device;
    struct bot_command c = {
        .from_device = true, .bytes = SCSI_SENSE_BYTES,
        .phys = device->phys + BOT_DATA_AT,
    };

    c.cdb_bytes = (uint8_t)scsi_cdb(c.cdb, SCSI_REQUEST_SENSE);
    d->phase = PHASE_SENSE;
    bot_begin(&d->storage->bot, &c);
}

static void pause_and_retry(struct usb_disk *d, unsigned tries, uint64_t ns)
{
    if (++d->tries > tries || d->is_ending) {
        finish(d, -EIO);
        return;
    }
    d->phase = PHASE_PAUSE;
    d->until = now(d) + ns;
}

static void medium_changed(struct usb_disk *d)
{
    struct usb_storage *s = d->storage;

    usb_disk_unplugged(d);
    usb_storage_ask_again(s);
}

static void attention(struct usb_disk *d, const struct scsi_sense *sense)
{
    d->attentions++;
    if (sense->asc == SCSI_ASC_MEDIUM_CHANGED) {
        medium_changed(d);
        return;
    }
    if (sense->asc == SCSI_ASC_RESET) {
        d->lost |= d->unflushed;
        d->unflushed = false;
    }
    pause_and_retry(d, TRIES, 0);
}

static void sensed(struct usb_disk *d, size_t len)
{
    const uint8_t *p = d->storage->device->page + BOT_DATA_AT;
    struct scsi_sense sense = scsi_read_sense(p, len);

    memcpy(d->last_sense, &sense, sizeof d->last_sense);
    switch (sense.key) {
    case SCSI_NOT_READY:
        if (sense.asc == SCSI_ASC_NO_MEDIUM)
            medium_changed(d);
        else
            pause_and_retry(d, READY_TRIES, AGAIN_NS);
        break;
    case SCSI_UNIT_ATTENTION:
        attention(d, &sense);
        break;
    case SCSI_ILLEGAL_REQUEST:
        d->has_no_cache |= d->current->op == DISK_FLUSH;
        finish(d, d->current->op == DISK_FLUSH ? 0 : -EIO);
        break;
    case SCSI_DATA_PROTECT:
        finish(d, d->current->op == DISK_WRITE ? -EROFS : -EIO);
        break;
    case SCSI_NO_SENSE:
    case SCSI_RECOVERED:
    case SCSI_ABORTED:
        pause_and_retry(d, TRIES, 0);
        break;
    default:
        finish(d, -EIO);
        break;
    }
}

/* What came of a command but by its sense. */
static void ended(struct usb_disk *d, int error)
{
    if (error == -EPROTO) {
        ask_sense(d);
    } else if (error) {
        pause_and_retry(d, 1, 0);       /* the transport was recovered */
    } else if (d->storage->bot.moved != bytes_of(d->current)) {
        d->short_transfers++;
        finish(d, -EIO);
    } else {
        finish(d, 0);
    }
}

static bool step_command(struct usb_disk *d)
{
    struct usb_storage *s = d->storage;
    int error = bot_poll(&s->bot);

    if (error == -EAGAIN)
        return false;
    if (error == -ENODEV) {             /* it is told soon */
        d->phase = PHASE_PAUSE;
        d->until = UINT64_MAX;
        return false;
    }
    if (s->bot.is_broken) {
        s->bot.is_broken = false;
        usb_device_failed(s->device);
        finish(d, -EIO);
    } else if (d->phase == PHASE_COMMAND) {
        ended(d, error);
    } else {
        sensed(d, error ? 0 : s->bot.moved);
    }
    return true;
}

bool usb_disk_step(struct usb_disk *d)
{
    switch (d->phase) {
    case PHASE_IDLE:
        return start_next(d, true);
    case PHASE_PAUSE:
        if (now(d) < d->until)
            return false;
        begin(d);
        return true;
    default:
        return step_command(d);
    }
}

/* ---- The disk's operations ----------------------------------------------- */

static int usb_open(struct disk *disk)
{
    struct usb_disk *d = disk->driver;

    if (!d->storage || disk->is_gone)
        return -ENODEV;
    d->lost = d->unflushed = false;
    disk->is_open = true;
    return 0;
}

/* What the device has ends as soon as it can, the rest at once. */
static void end_all(struct usb_disk *d)
{
    disk_queue_done(&d->waiting, &d->disk, -EIO);
    if (!d->current)
        return;
    d->is_ending = true;
    if (d->phase == PHASE_IDLE || d->phase == PHASE_PAUSE)
        finish(d, -EIO);
    else
        bot_abort(&d->storage->bot);
}

static void usb_recover(struct disk *disk)
{
    struct usb_disk *d = disk->driver;

    if (d->storage) {
        disk->counters.resets += d->current != NULL;
        end_all(d);
    }
}

static void usb_close(struct disk *disk)
{
    struct usb_disk *d = disk->driver;

    disk->is_open = false;
    if (d->storage)
        end_all(d);
    for (unsigned i = 0; d->current && i < CLOSE_TRIES; i++) {
        usb_host_poll(d->host);
        if (d->current)
            bus_delay(d->host->bus, CLOSE_STEP_US);
    }
}

static int usb_submit_request(struct disk *disk, struct disk_request *req)
{
    struct usb_disk *d = disk->driver;
    int error;

    if (!d->storage || disk->is_gone || !disk->is_open)
        return -ENODEV;
    error = disk_refuse(disk, req);
    if (error)
        return error;
    disk_queue_put(&d->waiting, req);
    start_next(d, false);
    return 0;
}

static bool usb_poll(struct disk *disk)
{
    struct usb_disk *d = disk->driver;

    return usb_host_poll(d->host);
}

static void usb_arm(struct disk *disk)
{
    struct usb_disk *d = disk->driver;
    const struct bus *bus = d->host->bus;

    if (!bus->arm_irq)
        return;
    usb_host_arm(d->host);
    if (d->storage && d->phase == PHASE_IDLE &&
        (d->current || d->waiting.first))
        bus->wake(bus->ctx);
}

static const char *usb_counter(const struct disk *disk, unsigned i,
                               uint64_t *value)
{
    const struct usb_disk *d = disk->driver;
    const struct bot_counters *c = &d->counters;
    const struct usb_counters *h = &d->host->counters;
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {
        { "usb_errors", c->errors },
        { "usb_stalls", c->stalls },
        { "usb_recoveries", c->recoveries },
        { "usb_phase_errors", c->phase_errors },
        { "usb_bad_tags", c->bad_tags },
        { "usb_bad_status", c->bad_status },
        { "usb_residues", c->residues },
        { "usb_short_transfers", d->short_transfers },
        { "usb_attentions", d->attentions },
        { "usb_last_sense", d->last_sense[0] << 16 | d->last_sense[1] << 8 |
                            d->last_sense[2] },
        { "usb_port_resets", h->resets },
        { "usb_bad_descriptors", h->bad_descriptors },
        { "usb_bad_events", h->bad_events },
        { "usb_host_restarts", h->restarts },
    };

    if (i >= sizeof all / sizeof *all)
        return NULL;
    *value = all[i].value;
    return all[i].name;
}

static const struct disk_ops usb_ops = {
    .name = "usb", .open = usb_open, .close = usb_close,
    .submit = usb_submit_request, .poll = usb_poll, .arm = usb_arm,
    .recover = usb_recover, .counter = usb_counter,
};

/* ---- Coming and going ---------------------------------------------------- */

static uint64_t sectors_of(const struct scsi_capacity *c)
{
    return c->blocks * (c->block_bytes / DISK_SECTOR);
}

/* Without a serial number, it must be where it was. */
static bool is_same(const struct usb_disk *d, const struct usb_storage *s)
{
    return !d->storage && d->disk.sectors == sectors_of(&s->capacity) &&
           d->disk.block_bytes == s->capacity.block_bytes &&
           !strcmp(d->disk.model, s->model) &&
           !strcmp(d->disk.serial, s->device->serial) &&
           (*s->device->serial || !strcmp(d->path, s->device->path));
}

static struct usb_disk *known(const struct usb_storage *s)
{
    struct usb_disk *d = s->device->host->disks;

    while (d && !is_same(d, s))
        d = d->next;
    return d;
}

static unsigned count(const struct usb_host *h)
{
    unsigned n = 0;

    for (const struct usb_disk *d = h->disks; d; d = d->next)
        n++;
    return n;
}

static struct usb_disk *new_disk(const struct usb_storage *s)
{
    struct usb_device *device = s->device;
    struct usb_host *h = device->host;
    struct usb_disk *d = count(h) < MAX_DISKS ? calloc(1, sizeof *d) : NULL;

    if (!d)
        return NULL;
    d->host = h;
    d->disk = (struct disk){
        .ops = &usb_ops, .driver = d,
        .unit = device->root_port << 20 | device->route,
        .sectors = sectors_of(&s->capacity),
        .block_bytes = s->capacity.block_bytes,
        .max_sectors = USB_MAX_TRANSFER / DISK_SECTOR,
        .dma_below = h->dma_below, .removable = true,
    };
    memcpy(d->disk.slot, h->info->slot, sizeof d->disk.slot);
    memcpy(d->disk.model, s->model, sizeof d->disk.model);
    memcpy(d->disk.serial, device->serial, sizeof d->disk.serial);
    d->next = h->disks;
    h->disks = d;
    h->dma_counters = &d->disk.counters;
    return d;
}

static void add_counters(struct bot_counters *to, const struct bot_counters *c)
{
    to->stalls += c->stalls;
    to->phase_errors += c->phase_errors;
    to->bad_tags += c->bad_tags;
    to->bad_status += c->bad_status;
    to->residues += c->residues;
    to->errors += c->errors;
    to->recoveries += c->recoveries;
}

struct usb_disk *usb_disk_plugged(struct usb_storage *s)
{
    struct usb_disk *old = known(s), *d = old ? old : new_disk(s);

    if (!d)
        return NULL;
    d->storage = s;
    d->phase = PHASE_IDLE;
    d->disk.read_only = s->read_only;
    d->disk.is_gone = false;
    memcpy(d->path, s->device->path, sizeof d->path);
    snprintf(d->disk.label, sizeof d->disk.label, "usb port %.20s at %.15s",
             d->path, d->disk.slot);
    add_counters(&d->counters, &s->counters);
    memset(&s->counters, 0, sizeof s->counters);
    s->bot.counters = &d->counters;
    if (!old)
        d->host->sink->add(d->host->sink, &d->disk);
    return d;
}

void usb_disk_unplugged(struct usb_disk *d)
{
    d->storage->bot.counters = &d->storage->counters;
    d->storage = NULL;
    d->lost = d->unflushed = false;
    disk_gone(&d->disk);
    disk_queue_done(&d->waiting, &d->disk, -ENODEV);
    if (d->current)
        finish(d, -ENODEV);
    d->phase = PHASE_IDLE;
}
