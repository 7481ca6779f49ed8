/* See virtio_blk.h. Numbers in comments are sections of virtio 1.1. */
#include "drivers/block/virtio_blk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/block/disk_dma.h"
#include "drivers/block/disk_queue.h"
#include "drivers/block/virtio_blk_regs.h"
#include "drivers/virtio/virtio_pci.h"

#define SLOTS 64u               /* requests under way */
#define MAX_BYTES (128u * 1024)     /* of a request */
#define PIECES 32u              /* of its data */
#define LOOK_POLLS 64u          /* the status is read at every n-th */
#define ID_NS UINT64_C(2000000000)  /* for the serial number */
#define NO_STATUS 0xffu         /* the device did not write one */
#define CAPACITY_TRIES 10u
#define CLOSE_TRIES 50u
#define CLOSE_STEP_US 100u

/* What the device reads and writes of a request, but for its data. */
struct shared {
    struct virtio_blk_header header;
    uint8_t id[VIRTIO_BLK_ID_BYTES];
    uint8_t status;
};

struct slot {
    struct virtio_blk *owner;
    struct disk_request *req;   /* NULL: free */
};

struct virtio_blk {
    struct disk_controller controller;
    struct disk disk;
    struct disk_sink *sink;
    struct virtio_pci pci;
    struct virtq q;
    uint64_t features;          /* agreed on */
    volatile struct shared *shared;     /* by slot */
    uint64_t shared_phys;
    uint32_t piece_bytes;       /* of data */
    unsigned pieces;            /* in a request, at most */
    struct slot slot[SLOTS];
    unsigned slots;
    struct disk_queue ended;    /* within submit: done at the next poll */
    uint64_t deadline;          /* of the serial number */
    bool armed;
    bool is_busy;               /* starting anew */
    unsigned polls;
    uint64_t bad_lengths, unsupported, bad_statuses, broken;
};

/* ---- Starting and stopping --------------------------------------------------- */

static void give_back(void *token)
{
    struct slot *slot = token;
    struct virtio_blk *v = slot->owner;
    struct disk_request *req = slot->req;

    slot->req = NULL;
    if (req)
        disk_done(&v->disk, req, v->disk.is_gone ? -ENODEV : -EIO);
}

/* Requests come back once it cannot reach them any more. */
static int stop(struct virtio_blk *v)
{
    int r = virtio_pci_reset(&v->pci);

    v->armed = false;
    disk_queue_done(&v->ended, &v->disk, 0);
    if (!disk_dma_ended(&v->disk.counters, v->pci.bus, !r))
        return r;
    virtq_reset(&v->q, give_back);
    return r;
}

static int start(struct virtio_blk *v)
{
    int r;

    disk_dma_allow(v->pci.bus);
    if ((r = virtio_pci_begin(&v->pci, v->features)) ||
        (r = virtio_pci_queue_start(&v->pci, &v->q)))
        return r;
    virtio_pci_ready(&v->pci);
    return 0;
}

/* After an error, as far as it goes. */
static void start_anew(struct virtio_blk *v)
{
    int r;

    v->disk.counters.resets++;
    v->is_busy = true;
    r = stop(v);
    if (!r)
        r = start(v);
    v->is_busy = false;
    v->disk.is_gone = false;
    if (r)
        disk_gone(&v->disk);
}

/* ---- Requests ---------------------------------------------------------------- */

static int free_slot(const struct virtio_blk *v)
{
    for (unsigned i = 0; i < v->slots; i++)
        if (!v->slot[i].req)
            return (int)i;
    return -1;
}

/* 5.2.6: header, data, status. */
static int send(struct virtio_blk *v, unsigned i, uint32_t type,
                uint64_t sector, uint64_t phys, uint32_t bytes)
{
    uint64_t at = v->shared_phys + i * sizeof *v->shared;
    struct virtq_piece piece[PIECES + 2] = {
        { at + offsetof(struct shared, header), sizeof v->shared->header,
          false },
    };
    unsigned n = 1;
    int r;

    v->shared[i].header.type = type;
    v->shared[i].header.reserved = 0;
    v->shared[i].header.sector = sector;
    v->shared[i].status = NO_STATUS;
    while (bytes) {
        uint32_t len = bytes < v->piece_bytes ? bytes : v->piece_bytes;

        piece[n++] = (struct virtq_piece){ phys, len,
                                           type != VIRTIO_BLK_T_OUT };
        phys += len;
        bytes -= len;
    }
    piece[n++] = (struct virtq_piece){ at + offsetof(struct shared, status), 1,
                                       true };
    r = virtq_add(&v->q, piece, n, &v->slot[i]);
    if (!r)
        virtio_pci_notify(&v->pci, &v->q);
    return r;
}

static int virtio_blk_submit(struct disk *disk, struct disk_request *req)
{
    static const uint32_t type[] = {
        [DISK_READ] = VIRTIO_BLK_T_IN, [DISK_WRITE] = VIRTIO_BLK_T_OUT,
        [DISK_FLUSH] = VIRTIO_BLK_T_FLUSH,
    };
    struct virtio_blk *v = disk->driver;
    bool is_flush = req->op == DISK_FLUSH;
    int i, r;

    if (!disk->is_open || disk->is_gone)
        return -ENODEV;
    if ((r = disk_refuse(disk, req)))
        return r;
    /* A device that does not offer it has written all that is done
     * (5.2.6.2). */
    if (is_flush && !(v->features & VIRTIO_BLK_F_FLUSH)) {
        disk_queue_put(&v->ended, req);
        return 0;
    }
    i = free_slot(v);
    if (i < 0 || v->is_busy || v->q.is_broken)
        return -EBUSY;
    r = send(v, (unsigned)i, type[req->op], is_flush ? 0 : req->sector,
             req->phys, is_flush ? 0 : req->count * DISK_SECTOR);
    if (r)
        return -EBUSY;
    v->slot[i].req = req;
    return 0;
}

/* Legacy devices may say any length (2.6.8.3). */
static bool length_is_right(const struct virtio_blk *v, uint32_t len,
                            uint32_t bytes)
{
    return !v->pci.is_modern || len == bytes + 1;
}

static int error_of(struct virtio_blk *v, unsigned i, uint32_t len)
{
    const struct disk_request *req = v->slot[i].req;

    switch (v->shared[i].status) {
    case VIRTIO_BLK_S_OK:
        if (length_is_right(v, len, req->op == DISK_READ
                                        ? req->count * DISK_SECTOR : 0))
            return 0;
        v->bad_lengths++;
        return -EIO;
    case VIRTIO_BLK_S_IOERR:
        return -EIO;
    case VIRTIO_BLK_S_UNSUPP:
        v->unsupported++;
        return -EIO;
    }
    v->bad_statuses++;
    return -EIO;
}

static bool complete(struct virtio_blk *v)
{
    bool any = v->ended.first;
    struct slot *slot;
    uint32_t len;

    disk_queue_done(&v->ended, &v->disk, 0);
    for (unsigned n = 0; n < SLOTS && (slot = virtq_take(&v->q, &len)); n++) {
        struct disk_request *req = slot->req;
        int error = error_of(v, (unsigned)(slot - v->slot), len);

        slot->req = NULL;
        disk_done(&v->disk, req, error);
        any = true;
    }
    return any;
}

/* ---- The disk ---------------------------------------------------------------- */

/* 2.4.1: both halves belong together if they read the same twice. */
static uint64_t read_capacity(const struct virtio_blk *v)
{
    uint64_t last = 0, now = 0;

    for (unsigned i = 0; i < CAPACITY_TRIES && (!i || now != last); i++) {
        last = now;
        now = virtio_pci_config32(&v->pci, VIRTIO_BLK_CAPACITY) |
              (uint64_t)virtio_pci_config32(&v->pci, VIRTIO_BLK_CAPACITY + 4)
                  << 32;
    }
    return now;
}

static int virtio_blk_open(struct disk *disk)
{
    struct virtio_blk *v = disk->driver;
    int r;

    disk->is_open = false;
    r = stop(v);
    if (!r)
        r = start(v);
    if (!r && read_capacity(v) < disk->sectors)
        r = -ENODEV;
    if (r && virtio_pci_is_gone(&v->pci))
        r = -ENODEV;
    disk->is_gone = r;
    disk->is_open = !r;
    if (r)
        stop(v);
    return r;
}

static void virtio_blk_close(struct disk *disk)
{
    struct virtio_blk *v = disk->driver;

    disk->is_open = false;
    for (unsigned i = 0; v->q.in_flight && i < CLOSE_TRIES; i++) {
        complete(v);
        if (v->q.is_broken)
            break;
        bus_delay(v->pci.bus, CLOSE_STEP_US);
    }
    stop(v);
}

static void disarm(struct virtio_blk *v)
{
    virtq_interrupts(&v->q, false);
    virtio_pci_acknowledge(&v->pci);
    v->armed = false;
}

static bool virtio_blk_poll(struct disk *disk)
{
    struct virtio_blk *v = disk->driver;
    bool look = v->armed || ++v->polls % LOOK_POLLS == 0;
    bool any;

    if (!disk->is_open || disk->is_gone)
        return false;
    if (v->armed)
        disarm(v);
    any = complete(v);
    if (!v->q.is_broken && !(look && virtio_pci_has_failed(&v->pci)))
        return any;
    v->broken++;
    disk->is_gone = virtio_pci_is_gone(&v->pci);
    start_anew(v);
    return true;
}

static void virtio_blk_arm(struct disk *disk)
{
    struct virtio_blk *v = disk->driver;
    const struct bus *bus = v->pci.bus;

    if (v->armed || !disk->is_open || disk->is_gone)
        return;
    v->armed = true;
    if (!bus->arm_irq)
        return;
    bus->arm_irq(bus->ctx);
    virtq_interrupts(&v->q, true);
    /* For what came since the last poll there is no interrupt (2.6.7.2). */
    if (virtq_pending(&v->q) || v->ended.first)
        bus->wake(bus->ctx);
}

static void virtio_blk_recover(struct disk *disk)
{
    if (disk->is_open)
        start_anew(disk->driver);
}

static const char *virtio_blk_counter(const struct disk *disk, unsigned i,
                                      uint64_t *value)
{
    const struct virtio_blk *v = disk->driver;
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {
        { "virtio_bad_lengths", v->bad_lengths },
        { "virtio_unsupported", v->unsupported },
        { "virtio_bad_statuses", v->bad_statuses },
        { "virtio_broken", v->broken },
    };

    if (i >= sizeof all / sizeof *all)
        return NULL;
    *value = all[i].value;
    return all[i].name;
}

static const struct disk_ops virtio_blk_ops = {
    .name = "virtio", .open = virtio_blk_open, .close = virtio_blk_close,
    .submit = virtio_blk_submit, .poll = virtio_blk_poll,
    .arm = virtio_blk_arm, .recover = virtio_blk_recover,
    .counter = virtio_blk_counter,
};

/* ---- Making one -------------------------------------------------------------- */

static int choose_features(struct virtio_blk *v)
{
    uint64_t offered = virtio_pci_features(&v->pci);

    v->features = offered & (VIRTIO_BLK_F_SIZE_MAX | VIRTIO_BLK_F_SEG_MAX |
                             VIRTIO_BLK_F_RO | VIRTIO_BLK_F_BLK_SIZE |
                             VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_TOPOLOGY);
    if (!v->pci.is_modern)
        return 0;
    v->features |= VIRTIO_F_VERSION_1;
    return offered & VIRTIO_F_VERSION_1 ? 0 : -EIO;
}

/* A configuration field that goes with a feature. */
static uint32_t field(const struct virtio_blk *v, uint32_t feature,
                      uint32_t offset, uint32_t otherwise)
{
    return v->features & feature ? virtio_pci_config32(&v->pci, offset)
                                 : otherwise;
}

/* Blocks of 1 or 2 KiB are driven as if they had 4. */
static int read_sizes(struct virtio_blk *v)
{
    uint32_t block = field(v, VIRTIO_BLK_F_BLK_SIZE, VIRTIO_BLK_BLOCK_SIZE,
                           DISK_SECTOR);
    uint64_t capacity = read_capacity(v);
    unsigned exponent;

    if (block < DISK_SECTOR || block > 4096 || (block & (block - 1)) ||
        !capacity || capacity > INT64_MAX / DISK_SECTOR)
        return -ENOTSUP;
    v->disk.block_bytes = block == DISK_SECTOR ? DISK_SECTOR : 4096;
    v->disk.sectors = capacity & ~(uint64_t)(v->disk.block_bytes /
                                             DISK_SECTOR - 1);
    v->disk.read_only = v->features & VIRTIO_BLK_F_RO;
    if (!(v->features & VIRTIO_BLK_F_TOPOLOGY))
        return 0;
    exponent = virtio_pci_config8(&v->pci, VIRTIO_BLK_PHYSICAL_EXP);
    if (exponent && exponent < 16) {
        size_t n = strlen(v->disk.label);

        snprintf(v->disk.label + n, sizeof v->disk.label - n,
                 ", in physical blocks of %u", block << exponent);
    }
    return 0;
}

/* How much data a request may have, in how many pieces. */
static int read_limits(struct virtio_blk *v)
{
    uint32_t piece = field(v, VIRTIO_BLK_F_SIZE_MAX, VIRTIO_BLK_SIZE_MAX,
                           MAX_BYTES);
    uint32_t pieces = field(v, VIRTIO_BLK_F_SEG_MAX, VIRTIO_BLK_SEG_MAX,
                            PIECES);
    uint32_t block = v->disk.block_bytes;

    if (pieces > PIECES)
        pieces = PIECES;
    if (pieces + 2 > v->q.limit)
        pieces = v->q.limit < 2 ? 0 : v->q.limit - 2;
    if (piece > MAX_BYTES)
        piece = MAX_BYTES;
    if (pieces > MAX_BYTES / block)
        pieces = MAX_BYTES / block;
    piece -= piece % DISK_SECTOR;
    if (!piece || (uint64_t)piece * pieces < block)
        return -ENOTSUP;
    if (pieces > (MAX_BYTES + piece - 1) / piece)
        pieces = (MAX_BYTES + piece - 1) / piece;
    v->piece_bytes = piece;
    v->pieces = pieces;
    v->disk.max_sectors = (piece * pieces < MAX_BYTES ? piece * pieces
                                                      : MAX_BYTES) /
                          block * (block / DISK_SECTOR);
    v->slots = v->q.limit / (pieces + 2);
    if (v->slots > SLOTS)
        v->slots = SLOTS;
    return 0;
}

static int allocate(struct virtio_blk *v)
{
    const struct bus *bus = v->pci.bus;
    int r = virtio_pci_queue_init(&v->pci, 0, &v->q);

    if (r)
        return r;
    v->shared = bus->dma_alloc(bus->ctx, SLOTS * sizeof *v->shared, UINT64_MAX,
                               &v->shared_phys);
    for (unsigned i = 0; i < SLOTS; i++)
        v->slot[i].owner = v;
    return v->shared ? 0 : -ENOMEM;
}

/* ---- Its serial number ------------------------------------------------------- */

/* 5.2.6: VIRTIO_BLK_T_GET_ID, which it need not know. */
static int ask_id(struct virtio_blk *v)
{
    int r = start(v);

    v->deadline = bus_now(v->pci.bus) + ID_NS;
    if (r)
        return r;
    return send(v, 0, VIRTIO_BLK_T_GET_ID, 0,
                v->shared_phys + offsetof(struct shared, id),
                VIRTIO_BLK_ID_BYTES);
}

static void look(struct disk_controller *controller)
{
    struct virtio_blk *v = controller->driver;
    char id[VIRTIO_BLK_ID_BYTES];
    uint32_t len;

    if (controller->is_settled)
        return;
    if (!virtq_take(&v->q, &len)) {
        if (!v->q.is_broken && bus_now(v->pci.bus) < v->deadline)
            return;
    } else if (v->shared[0].status == VIRTIO_BLK_S_OK &&
               length_is_right(v, len, VIRTIO_BLK_ID_BYTES)) {
        for (unsigned i = 0; i < sizeof id; i++)
            id[i] = (char)v->shared[0].id[i];
        disk_text(v->disk.serial, sizeof v->disk.serial, id, sizeof id);
    }
    stop(v);
    controller->is_settled = true;
    v->sink->add(v->sink, &v->disk);
}

static int create(const struct bus *bus, const struct bus_info *info,
                  struct disk_sink *sink, struct disk_controller **out)
{
    struct virtio_blk *v = calloc(1, sizeof *v);
    int r = -ENOMEM;

    if (!v)
        return r;
    v->sink = sink;
    v->controller = (struct disk_controller){ .poll = look, .driver = v };
    v->disk.ops = &virtio_blk_ops;
    v->disk.driver = v;
    v->disk.dma_below = UINT64_MAX;
    memcpy(v->disk.slot, info->slot, sizeof v->disk.slot);
    snprintf(v->disk.label, sizeof v->disk.label, "virtio at %.8s", info->slot);
    /* The features may be read once it is told that it has a driver (3.1). */
    if ((r = virtio_pci_find(&v->pci, bus)) ||
        (r = virtio_pci_reset(&v->pci)) || (r = choose_features(v)) ||
        (r = virtio_pci_begin(&v->pci, v->features)) || (r = read_sizes(v)) ||
        (r = allocate(v)) || (r = read_limits(v)) || (r = ask_id(v))) {
        virtio_pci_reset(&v->pci);
        free(v);
        return r;
    }
    *out = &v->controller;
    return 0;
}

static const struct disk_match match[] = {
    { .vendor = 0x1af4, .device = 0x1001 },     /* legacy, transitional */
    { .vendor = 0x1af4, .device = 0x1042 },
};

const struct disk_driver virtio_blk_driver = {
    .name = "virtio", .match = match,
    .match_count = sizeof match / sizeof *match, .create = create,
    .unsupported = "it has no sectors, or no usable sizes of blocks and requests",
};
