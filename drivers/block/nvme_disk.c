/* The disks of an NVMe controller: requests. See nvme_ctrl.h; numbers in
 * comments are sections of NVMe 1.4. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/block/nvme_ctrl.h"

#define RETRIES 5u              /* of a request */
#define RETRY_NS UINT64_C(100000000)
#define CLOSE_TRIES 50u
#define CLOSE_STEP_US 100u

/* ---- Requests ---------------------------------------------------------------- */

static void done(const struct nvme_slot *slot, int error)
{
    struct nvme_disk *d = slot->disk;

    d->under_way--;
    disk_done(&d->disk, slot->req, error);
}

/* 4.3: the first page may begin anywhere, the others at their start. */
static void describe(struct nvme *n, unsigned slot, struct nvme_command *c,
                     const struct disk_request *req)
{
    uint64_t at = (req->phys | (NVME_PAGE - 1)) + 1;
    uint64_t end = req->phys + (uint64_t)req->count * DISK_SECTOR;

    c->prp1 = req->phys;
    if (end <= at)
        return;
    if (end - at <= NVME_PAGE) {
        c->prp2 = at;
        return;
    }
    c->prp2 = n->list_phys + slot * sizeof *n->list;
    for (unsigned i = 0; at < end; i++, at += NVME_PAGE)
        n->list[slot][i] = at;
}

static struct nvme_command command(const struct nvme_disk *d,
                                   const struct disk_request *req)
{
    uint32_t per_block = d->disk.block_bytes / DISK_SECTOR;
    uint64_t lba = req->sector / per_block;
    struct nvme_command c = { .nsid = d->nsid };

    if (req->op == DISK_FLUSH) {
        c.cdw0 = NVME_FLUSH;            /* 6.8 */
        return c;
    }
    c.cdw0 = req->op == DISK_READ ? NVME_READ : NVME_WRITE; /* 6.9, 6.15 */
    c.cdw10 = (uint32_t)lba;
    c.cdw11 = lba >> 32;
    c.cdw12 = req->count / per_block - 1;
    return c;
}

/* 0, or -EBUSY. */
static int send(struct nvme *n, const struct nvme_slot *what)
{
    struct nvme_command c = command(what->disk, what->req);
    int slot = nvme_queue_slot(&n->io);

    if (slot < 0)
        return -EBUSY;
    if (what->req->op != DISK_FLUSH)
        describe(n, (unsigned)slot, &c, what->req);
    n->slot[slot] = *what;
    return nvme_queue_push(&n->io, &c, &n->slot[slot]);
}

static int nvme_submit(struct disk *disk, struct disk_request *req)
{
    struct nvme_disk *d = disk->driver;
    struct nvme *n = d->nvme;
    int r;

    if (!disk->is_open || disk->is_gone)
        return -ENODEV;
    if ((r = disk_refuse(disk, req)))
        return r;
    if (n->state != NVME_READY || !d->is_known)
        return -EBUSY;
    if (req->op == DISK_FLUSH && !n->has_cache) {
        disk_queue_put(&d->ended, req);
        return 0;
    }
    /* Each that it has may fail, and then is to be kept. */
    if (n->io.outstanding + n->retries >= NVME_SLOTS)
        return -EBUSY;
    r = send(n, &(struct nvme_slot){ req, d, 0 });
    if (!r)
        d->under_way++;
    return r;
}

/* 4.6.1.2 */
static int error_of(struct nvme *n, struct nvme_disk *d, uint16_t status)
{
    status &= NVME_STATUS;
    if (status == NVME_SC_SUCCESS)
        return 0;
    n->counters.last_status = status;
    if (NVME_SCT(status) == NVME_SCT_MEDIA)
        n->counters.media_errors++;
    else
        n->counters.command_errors++;
    if (status == NVME_SC_WRITE_PROTECTED)
        return -EROFS;
    if (status == NVME_SC_INVALID_NAMESPACE) {
        disk_gone(&d->disk);            /* detached: the rest fails so, too */
        return -ENODEV;
    }
    return -EIO;
}

/* ---- Once more --------------------------------------------------------------- */

/* It may not be ready yet, say (82h). What a medium cannot do, it has tried. */
static bool is_worth_it(const struct nvme_slot *slot, uint16_t status)
{
    uint16_t code = status & NVME_STATUS;

    return code != NVME_SC_SUCCESS && !(status & NVME_DNR) &&
           NVME_SCT(status) == NVME_SCT_GENERIC &&
           code != NVME_SC_INVALID_NAMESPACE &&
           code != NVME_SC_WRITE_PROTECTED && slot->tries < RETRIES;
}

static void keep(struct nvme *n, const struct nvme_slot *slot)
{
    struct nvme_retry *r = &n->retry[n->retries++];

    n->counters.retries++;
    r->slot = *slot;
    r->slot.tries++;
    r->when = bus_now(n->bus) + RETRY_NS;
}

static bool send_again(struct nvme *n)
{
    bool any = false;

    for (unsigned i = 0; i < n->retries;) {
        struct nvme_retry *r = &n->retry[i];

        if (bus_now(n->bus) < r->when || send(n, &r->slot)) {
            i++;
            continue;
        }
        *r = n->retry[--n->retries];
        any = true;
    }
    return any;
}

bool nvme_disk_has_more(const struct nvme *n)
{
    for (unsigned i = 0; i < n->disk_count; i++)
        if (n->disks[i]->ended.first)
            return true;
    return n->retries;
}

static bool give_ended(struct nvme *n)
{
    bool any = false;

    for (unsigned i = 0; i < n->disk_count; i++) {
        any |= n->disks[i]->ended.first != NULL;
        disk_queue_done(&n->disks[i]->ended, &n->disks[i]->disk, 0);
    }
    return any;
}

void nvme_disk_give_others(struct nvme *n, int error)
{
    give_ended(n);
    while (n->retries) {
        struct nvme_slot slot = n->retry[--n->retries].slot;

        done(&slot, error);
    }
}

/* ---- What has ended ---------------------------------------------------------- */

/* All are taken, and those that fail kept, before the first is done, which may
 * submit more. */
bool nvme_disk_complete(struct nvme *n)
{
    struct nvme_slot ended[NVME_SLOTS], *slot;
    uint16_t status[NVME_SLOTS];
    unsigned count = 0;
    uint32_t result;
    bool any = give_ended(n) | send_again(n);

    while (count < NVME_SLOTS &&
           (slot = nvme_queue_take(&n->io, &status[count], &result)))
        ended[count++] = *slot;
    if (!count)
        return any;
    nvme_queue_taken(&n->io);
    for (unsigned i = 0; i < count; i++)
        if (is_worth_it(&ended[i], status[i])) {
            keep(n, &ended[i]);
            ended[i].req = NULL;
        }
    for (unsigned i = 0; i < count; i++)
        if (ended[i].req)
            done(&ended[i], error_of(n, ended[i].disk, status[i]));
    return true;
}

static void give_back(void *ctx, void *token)
{
    struct nvme_slot ended = *(struct nvme_slot *)token;

    done(&ended, *(const int *)ctx);
}

void nvme_disk_give_back(struct nvme *n, int error)
{
    nvme_queue_reset(&n->admin, NULL, NULL);
    nvme_queue_reset(&n->io, give_back, &error);
}

/* ---- The disk ---------------------------------------------------------------- */

static bool any_is_open(const struct nvme *n)
{
    for (unsigned i = 0; i < n->disk_count; i++)
        if (n->disks[i]->disk.is_open)
            return true;
    return false;
}

static int nvme_open(struct disk *disk)
{
    struct nvme_disk *d = disk->driver;
    int r = nvme_wake_up(d->nvme);

    if (r)
        return r;
    if (disk->is_gone && d->nvme->state == NVME_READY) {
        /* Only this one was: to look anew ends what others have under way. */
        if (any_is_open(d->nvme))
            return -ENODEV;
        nvme_restart(d->nvme);
    }
    disk->is_gone = false;
    disk->is_open = true;
    return 0;
}

static void nvme_close(struct disk *disk)
{
    struct nvme_disk *d = disk->driver;
    struct nvme *n = d->nvme;

    disk->is_open = false;
    give_ended(n);
    for (unsigned i = 0; d->under_way && i < CLOSE_TRIES; i++) {
        nvme_poll(n, true);
        if (d->under_way)
            bus_delay(n->bus, CLOSE_STEP_US);
    }
    if (d->under_way)
        nvme_restart(n);
    else if (!any_is_open(n))
        nvme_shut_down(n);
}

static bool disk_poll(struct disk *disk)
{
    struct nvme_disk *d = disk->driver;

    return nvme_poll(d->nvme, false);
}

static void disk_arm(struct disk *disk)
{
    struct nvme_disk *d = disk->driver;

    nvme_arm(d->nvme);
}

static void nvme_recover(struct disk *disk)
{
    struct nvme_disk *d = disk->driver;

    nvme_restart(d->nvme);
}

static const char *nvme_counter(const struct disk *disk, unsigned i,
                                uint64_t *value)
{
    const struct nvme_disk *d = disk->driver;
    const struct nvme_counters *c = &d->nvme->counters;
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {
        { "nvme_media_errors", c->media_errors },
        { "nvme_command_errors", c->command_errors },
        { "nvme_last_status", c->last_status },
        { "nvme_retries", c->retries },
        { "nvme_bad_completions", c->bad_completions },
        { "nvme_fatal", c->fatal },
    };

    if (i >= sizeof all / sizeof *all)
        return NULL;
    *value = all[i].value;
    return all[i].name;
}

static const struct disk_ops nvme_ops = {
    .name = "nvme", .open = nvme_open, .close = nvme_close,
    .submit = nvme_submit, .poll = disk_poll, .arm = disk_arm,
    .recover = nvme_recover, .counter = nvme_counter,
};

/* ---- Finding them ------------------------------------------------------------ */

struct format {
    uint64_t sectors;
    uint32_t block_bytes;
    bool read_only;
};

static uint64_t get64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static void leave_out(struct nvme *n, uint32_t nsid, const char *why)
{
    char what[192];

    snprintf(what, sizeof what, "nvme namespace %u at %.8s is left out: %s",
             (unsigned)nsid, n->info->slot, why);
    n->sink->left_out(n->sink, what);
}

/* 5.15.2.1. NULL, or why it cannot be used. */
static const char *read_format(const uint8_t *page, struct format *f,
                               char *why, size_t why_size)
{
    unsigned index = page[NVME_NS_FLBAS] & 0xf;
    const uint8_t *lbaf = page + NVME_NS_LBAF + 4 * index;
    unsigned metadata = lbaf[NVME_LBAF_METADATA] |
                        lbaf[NVME_LBAF_METADATA + 1] << 8;
    unsigned bits = lbaf[NVME_LBAF_DATA];
    uint64_t blocks = get64(page + NVME_NS_SIZE);

    if (index > page[NVME_NS_NLBAF]) {
        snprintf(why, why_size, "its format %u is none of its own", index);
        return why;
    }
    if ((bits != 9 && bits != 12) || metadata) {
        snprintf(why, why_size, "blocks of 2^%u bytes with %u of metadata; "
                 "format it with 512 or 4096 and none", bits, metadata);
        return why;
    }
    if (blocks > (uint64_t)INT64_MAX >> bits) {
        snprintf(why, why_size, "2^63 bytes or more");
        return why;
    }
    f->block_bytes = 1u << bits;
    f->sectors = blocks << (bits - 9);
    f->read_only = page[NVME_NS_ATTR] & 1;
    return NULL;
}

static struct nvme_disk *earlier(struct nvme *n, uint32_t nsid)
{
    for (unsigned i = 0; i < n->disk_count; i++)
        if (n->disks[i]->nsid == nsid)
            return n->disks[i];
    return NULL;
}

static void know_again(struct nvme_disk *d, const struct format *f)
{
    struct disk *disk = &d->disk;

    d->is_known = disk->sectors == f->sectors &&
                  disk->block_bytes == f->block_bytes &&
                  disk->max_sectors <= d->nvme->max_bytes / DISK_SECTOR &&
                  !strcmp(disk->serial, d->nvme->serial) &&
                  !strcmp(disk->model, d->nvme->model);
    if (!d->is_known)
        return;
    disk->is_gone = false;
    disk->read_only = f->read_only;
}

void nvme_disk_found(struct nvme *n, uint32_t nsid, const uint8_t *page)
{
    struct nvme_disk *d = earlier(n, nsid);
    struct format f;
    char text[120];
    const char *why;

    if (!get64(page + NVME_NS_SIZE))
        return;                         /* not active */
    why = read_format(page, &f, text, sizeof text);
    if (d && !why)
        know_again(d, &f);
    if (d)
        return;
    if (!why && n->disk_count == NVME_DISKS)
        why = "too many are in use";
    if (!why && !(d = calloc(1, sizeof *d)))
        why = "no memory";
    if (why) {
        leave_out(n, nsid, why);
        return;
    }
    d->nvme = n;
    d->nsid = nsid;
    d->is_known = true;
    d->disk = (struct disk){
        .ops = &nvme_ops, .driver = d, .unit = nsid, .sectors = f.sectors,
        .block_bytes = f.block_bytes, .read_only = f.read_only,
        .max_sectors = n->max_bytes / DISK_SECTOR, .dma_below = UINT64_MAX,
    };
    snprintf(d->disk.label, sizeof d->disk.label,
             "nvme namespace %u at %.8s", (unsigned)nsid, n->info->slot);
    memcpy(d->disk.slot, n->info->slot, sizeof d->disk.slot);
    memcpy(d->disk.model, n->model, sizeof d->disk.model);
    memcpy(d->disk.serial, n->serial, sizeof d->disk.serial);
    n->disks[n->disk_count++] = d;
    n->sink->add(n->sink, &d->disk);
}
