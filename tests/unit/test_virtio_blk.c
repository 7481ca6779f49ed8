/* The virtio block driver against a model of the device, legacy and modern, one
 * that works and one that lies. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/block/virtio_blk.h"
#include "drivers/block/virtio_blk_regs.h"
#include "drivers/virtio/virtio_pci.h"
#include "drivers/virtio/virtio_pci_regs.h"
#include "tests/unit/disk_driver_harness.h"
#include "tests/unit/fake_dma.h"
#include "tests/unit/fake_virtio.h"

#define SECTORS 512u
#define REQUESTS 21u            /* of three descriptors each */

static struct {
    uint64_t capacity;
    uint32_t size_max, seg_max, block;
    uint8_t exponent;
    const char *id;             /* NULL: it does not know */
    bool hold, no_answer;
    uint8_t status;             /* of requests */
    bool no_status;             /* it writes none */
    int len_more;               /* that it says */
    unsigned torn;              /* reads of a capacity that changes */
    unsigned flushes, pieces;
    uint8_t data[SECTORS * 512];
} blk;

static struct disk *disk;
static uint8_t *area;           /* what requests read into */

/* ---- What the device does ---------------------------------------------------- */

static uint8_t config(uint32_t at)
{
    uint8_t bytes[VIRTIO_BLK_CONFIG_BYTES] = { 0 };
    uint64_t capacity = blk.capacity;

    if (blk.torn && at == VIRTIO_BLK_CAPACITY + 4) {
        blk.torn--;
        capacity = UINT64_MAX;
    }
    assert_true(at < sizeof bytes);
    memcpy(bytes + VIRTIO_BLK_CAPACITY, &capacity, 8);
    memcpy(bytes + VIRTIO_BLK_SIZE_MAX, &blk.size_max, 4);
    memcpy(bytes + VIRTIO_BLK_SEG_MAX, &blk.seg_max, 4);
    memcpy(bytes + VIRTIO_BLK_BLOCK_SIZE, &blk.block, 4);
    bytes[VIRTIO_BLK_PHYSICAL_EXP] = blk.exponent;
    return bytes[at];
}

/* The pieces of data of chain `head`, to or from `data`: how many bytes. */
static uint32_t transfer(const struct virtq_desc *d, uint8_t *data,
                         uint32_t limit, bool to_host)
{
    struct queue *q = &model.q[0];
    uint32_t bytes = 0;

    for (blk.pieces = 0; d->flags & VIRTQ_DESC_NEXT; d = &q->desc[d->next]) {
        assert_int_equal(d->flags & VIRTQ_DESC_WRITE,
                         to_host ? VIRTQ_DESC_WRITE : 0);
        assert_true(d->len && bytes + d->len <= limit);
        assert_false(disk_bench.is_no_master);
        if (to_host)
            memcpy(fake_dma_at((uint32_t)d->addr), data + bytes, d->len);
        else
            memcpy(data + bytes, fake_dma_at((uint32_t)d->addr), d->len);
        if (model.features & VIRTIO_BLK_F_SIZE_MAX)
            assert_true(d->len <= blk.size_max);
        bytes += d->len;
        blk.pieces++;
    }
    if (model.features & VIRTIO_BLK_F_SEG_MAX)
        assert_true(blk.pieces <= blk.seg_max);
    assert_int_equal(d->len, 1);
    assert_int_equal(d->flags, VIRTQ_DESC_WRITE);
    if (!blk.no_status)
        *(uint8_t *)fake_dma_at((uint32_t)d->addr) = blk.status;
    return bytes;
}

static void execute(int head)
{
    struct queue *q = &model.q[0];
    const struct virtq_desc *h = &q->desc[head], *next = &q->desc[h->next];
    struct virtio_blk_header header;
    uint8_t id[VIRTIO_BLK_ID_BYTES] = { 0 };
    uint32_t len = 0;

    assert_int_equal(h->flags, VIRTQ_DESC_NEXT);
    assert_int_equal(h->len, sizeof header);
    memcpy(&header, fake_dma_at((uint32_t)h->addr), sizeof header);
    switch (header.type) {
    case VIRTIO_BLK_T_IN:
    case VIRTIO_BLK_T_OUT:
        assert_true(header.sector < SECTORS);
        len = transfer(next, blk.data + header.sector * 512,
                       (uint32_t)(SECTORS - header.sector) * 512,
                       header.type == VIRTIO_BLK_T_IN);
        assert_int_equal(len % (model.features & VIRTIO_BLK_F_BLK_SIZE
                                    ? blk.block : 512), 0);
        if (header.type == VIRTIO_BLK_T_OUT)
            len = 0;
        break;
    case VIRTIO_BLK_T_FLUSH:
        assert_true(model.features & VIRTIO_BLK_F_FLUSH);
        assert_true(header.sector == 0);
        transfer(next, NULL, 0, true);
        blk.flushes++;
        break;
    case VIRTIO_BLK_T_GET_ID:
        if (blk.no_answer)
            return;
        if (blk.id)
            memcpy(id, blk.id, strlen(blk.id));
        blk.status = blk.id ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_UNSUPP;
        len = transfer(next, id, sizeof id, true);
        blk.status = VIRTIO_BLK_S_OK;
        break;
    default:
        fail_msg("request %u", header.type);
    }
    /* Legacy devices say what they like (2.6.8.3). */
    model_push_used(q, (uint32_t)head,
                    model.modern ? len + 1 + (uint32_t)blk.len_more : 0x1234);
}

static void run(void)
{
    int head;

    while ((head = model_pop_avail(&model.q[0])) >= 0)
        execute(head);
}

static void notified(unsigned index)
{
    if (!blk.hold)
        run();
}

static void *page_of(uint32_t number) { return fake_dma_at(number << 12); }
static bool is_deaf(void) { return disk_bench.is_deaf; }

static bool is_silent(uint32_t *v)
{
    *v = disk_bench.is_gone ? ~0u : disk_bench.is_noise ? disk_bench_noise()
                                                        : 0;
    return disk_bench.is_gone || disk_bench.is_noise;
}

static const struct model_hooks hooks = {
    .config = config, .notified = notified, .page = page_of,
    .is_deaf = is_deaf, .is_silent = is_silent,
};

static const struct bus *window(void *ctx, unsigned bar);

static const struct bus bus = { MODEL_BUS, DISK_BENCH_BUS, .window = window };

static const struct bus *window(void *ctx, unsigned bar)
{
    return model_has_bar(bar) ? &bus : NULL;
}

/* ---- Making one -------------------------------------------------------------- */

static void make(bool modern, bool msix)
{
    disk_bench_teardown(NULL);
    disk_bench_make();
    memset(&blk, 0, sizeof blk);
    blk.capacity = SECTORS;
    blk.size_max = 65536;
    blk.seg_max = 126;
    blk.block = 512;
    blk.id = "serial 7";
    model_new(&hooks, modern, msix, 1,
              VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_BLK_SIZE |
              VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_TOPOLOGY |
              1u << 11 | 1u << 13 | 1,          /* and some not for us */
              VIRTIO_BLK_CONFIG_BYTES);
    area = disk_bench_buffer(256 * 512, 0);
}

static int create(void)
{
    struct bus_info info = {
        .vendor = 0x1af4, .device = model.modern ? 0x1042 : 0x1001,
        .slot = "00:05.0"
    };
    int r = disk_bench_create(&virtio_blk_driver, &bus, &info, 5);

    disk = disk_bench.disk[0];
    return r;
}

static void create_open(void)
{
    assert_int_equal(create(), 0);
    assert_int_equal(disk_bench.disks, 1);
    assert_int_equal(disk->ops->open(disk), 0);
}

static int start(bool modern, bool msix)
{
    make(modern, msix);
    return create() || disk->ops->open(disk);
}

static int setup_legacy(void **state) { return start(false, false); }
static int setup_legacy_msix(void **state) { return start(false, true); }
static int setup_modern(void **state) { return start(true, true); }
static int setup_modern_line(void **state) { return start(true, false); }
static int setup_none(void **state) { make(true, true); return 0; }

static void submitted(struct bench_request *r, unsigned i)
{
    r[i] = bench_request(DISK_READ, i, 1, area + i * 512);
    r[i].req.ctx = &r[i];
    assert_int_equal(disk->ops->submit(disk, &r[i].req), 0);
}

static void assert_works(void)
{
    blk.hold = false;
    for (unsigned i = 0; i < 70; i++) {
        memset(area, (int)i, 4096);
        assert_int_equal(disk_bench_do(disk, DISK_WRITE, i * 3, 8, area), 0);
        assert_int_equal(blk.data[i * 3 * 512 + 4095], i);
        memset(area, 0xee, 4096);
        assert_int_equal(disk_bench_do(disk, DISK_READ, i * 3, 8, area), 0);
        assert_int_equal(area[0], i);
        assert_memory_equal(area, area + 1, 4095);
    }
}

/* ---- A device that works ----------------------------------------------------- */

static void test_identity(void **state)
{
    assert_string_equal(disk->label, "virtio at 00:05.0");
    assert_string_equal(disk->slot, "00:05.0");
    assert_string_equal(disk->serial, "serial 7");
    assert_string_equal(disk->model, "");
    assert_true(disk->sectors == SECTORS);
    assert_int_equal(disk->block_bytes, 512);
    assert_int_equal(disk->max_sectors, 256);
    assert_false(disk->read_only);
    assert_true(model.status & VIRTIO_STATUS_DRIVER_OK);
    /* Nothing that the driver does not understand. */
    assert_true(model.features ==
                (VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_BLK_SIZE |
                 VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_TOPOLOGY |
                 (model.modern ? VIRTIO_F_VERSION_1 : 0)));
}

static void test_reads_and_writes(void **state)
{
    uint32_t n = 3;

    for (uint32_t count = 1; count <= 256; count = count * 3 - 1 + (count == 1)) {
        for (uint32_t i = 0; i < count * 512; i++)
            area[i] = (uint8_t)((n = n * 1103515245 + 12345) >> 16);
        assert_int_equal(disk_bench_do(disk, DISK_WRITE, 100, count, area), 0);
        assert_memory_equal(blk.data + 51200, area, count * 512);
        memset(area, 0, count * 512);
        assert_int_equal(disk_bench_do(disk, DISK_READ, 100, count, area), 0);
        assert_memory_equal(blk.data + 51200, area, count * 512);
        assert_int_equal(blk.pieces, 1);
    }
    assert_works();
    assert_int_equal(disk_bench_do(disk, DISK_READ, SECTORS - 1, 2, area),
                     -EINVAL);
}

static void test_flush(void **state)
{
    assert_int_equal(disk_bench_do(disk, DISK_FLUSH, 0, 0, NULL), 0);
    assert_int_equal(blk.flushes, 1);
    blk.status = VIRTIO_BLK_S_IOERR;
    assert_int_equal(disk_bench_do(disk, DISK_FLUSH, 0, 0, NULL), -EIO);
}

static void test_many_in_any_order(void **state)
{
    struct bench_request r[REQUESTS + 1];
    int head[REQUESTS];

    for (unsigned round = 0; round < 5; round++) {
        blk.hold = true;
        for (unsigned i = 0; i < REQUESTS; i++) {
            submitted(r, i);
            memset(blk.data + i * 512, (int)(i + round), 512);
        }
        r[REQUESTS] = bench_request(DISK_READ, 0, 1, area);
        assert_int_equal(disk->ops->submit(disk, &r[REQUESTS].req), -EBUSY);
        for (unsigned i = 0; i < REQUESTS; i++)
            head[i] = model_pop_avail(&model.q[0]);
        for (unsigned i = 0; i < REQUESTS; i++)
            execute(head[(i * 5 + round) % REQUESTS]);
        assert_true(disk->ops->poll(disk));
        for (unsigned i = 0; i < REQUESTS; i++) {
            assert_int_equal(r[i].dones, 1);
            assert_int_equal(r[i].error, 0);
            assert_int_equal(area[i * 512 + 511], i + round);
        }
    }
    assert_works();
}

static void test_wakeup(void **state)
{
    struct bench_request r[2];
    struct queue *q = &model.q[0];

    disk->ops->poll(disk);
    assert_int_equal(q->avail->flags, VIRTQ_AVAIL_NO_INTERRUPT);
    blk.hold = true;
    submitted(r, 0);
    disk->ops->arm(disk);
    disk->ops->arm(disk);
    assert_int_equal(disk_bench.irq_armed, 1);
    assert_int_equal(disk_bench.woken, 0);
    assert_int_equal(q->avail->flags, 0);
    run();
    assert_true(disk->ops->poll(disk));
    assert_int_equal(q->avail->flags, VIRTQ_AVAIL_NO_INTERRUPT);
    assert_int_equal(model.isr_reads, model.msix ? 0 : 1);
    /* What came before it was armed has no interrupt. */
    submitted(r, 1);
    run();
    disk->ops->arm(disk);
    assert_int_equal(disk_bench.woken, 1);
    disk->ops->poll(disk);
    assert_int_equal(q->vector, 0);
}

/* ---- What it says of itself -------------------------------------------------- */

static void test_without_flush(void **state)
{
    struct bench_request r[1] = { bench_request(DISK_FLUSH, 0, 0, NULL) };

    model.offered &= ~(uint64_t)VIRTIO_BLK_F_FLUSH;
    create_open();
    r->req.ctx = r;
    assert_int_equal(disk->ops->submit(disk, &r->req), 0);
    disk->ops->arm(disk);
    assert_int_equal(disk_bench.woken, 1);
    assert_int_equal(r->dones, 0);              /* never within submit */
    assert_true(disk->ops->poll(disk));
    assert_int_equal(r->error, 0);
    assert_int_equal(blk.flushes, 0);
}

static void test_without_flush_and_deaf(void **state)
{
    struct bench_request r[1] = { bench_request(DISK_FLUSH, 0, 0, NULL) };

    model.offered &= ~(uint64_t)VIRTIO_BLK_F_FLUSH;
    create_open();
    r->req.ctx = r;
    assert_int_equal(disk->ops->submit(disk, &r->req), 0);
    disk_bench.is_deaf = disk_bench.keeps_master = true;
    disk->ops->close(disk);
    assert_int_equal(r->dones, 1);
    assert_int_equal(r->error, 0);
}

static void test_read_only(void **state)
{
    model.offered |= VIRTIO_BLK_F_RO;
    create_open();
    assert_true(disk->read_only);
    assert_int_equal(disk_bench_do(disk, DISK_WRITE, 0, 1, area), -EROFS);
    assert_int_equal(disk_bench_do(disk, DISK_READ, 0, 1, area), 0);
}

static void test_block_sizes(void **state)
{
    static const uint32_t blocks[] = { 1024, 2048, 4096 };

    for (unsigned i = 0; i < 3; i++) {
        make(true, true);
        blk.block = blocks[i];
        blk.capacity = SECTORS - 2;
        create_open();
        assert_int_equal(disk->block_bytes, 4096);
        assert_true(disk->sectors == SECTORS - 8);
        assert_int_equal(disk_bench_do(disk, DISK_READ, 8, 4, area), -EINVAL);
        assert_int_equal(disk_bench_do(disk, DISK_READ, 8, 16, area), 0);
    }
}

static void test_topology(void **state)
{
    blk.exponent = 3;
    create_open();
    assert_string_equal(disk->label, "virtio at 00:05.0, in physical blocks of "
                        "4096");
    make(true, true);
    blk.exponent = 255;
    create_open();
    assert_string_equal(disk->label, "virtio at 00:05.0");
}

/* size_max and seg_max: as many pieces as it takes. */
static void test_pieces(void **state)
{
    static const struct { uint32_t size, count, sectors, pieces; } t[] = {
        { 4096, 126, 256, 32 }, { 4096, 4, 32, 4 }, { 5000, 4, 36, 4 },
        { 512, 1, 1, 1 }, { 0xffffffff, 0xffffffff, 256, 1 },
        { 100000, 1, 195, 1 }, { 1000, 200, 32, 32 },
    };

    for (unsigned i = 0; i < sizeof t / sizeof *t; i++) {
        make(i & 1, true);
        model.offered |= VIRTIO_BLK_F_SIZE_MAX;
        blk.size_max = t[i].size;
        blk.seg_max = t[i].count;
        create_open();
        assert_int_equal(disk->max_sectors, t[i].sectors);
        memset(area, 0x11 + (int)i, t[i].sectors * 512);
        assert_int_equal(disk_bench_do(disk, DISK_WRITE, 7, t[i].sectors,
                                       area), 0);
        assert_int_equal(blk.pieces, t[i].pieces);
        assert_int_equal(blk.data[7 * 512], 0x11 + i);
        assert_int_equal(blk.data[(7 + t[i].sectors) * 512 - 1], 0x11 + i);
        assert_int_equal(blk.data[(7 + t[i].sectors) * 512], 0);
    }
}

static void test_no_serial(void **state)
{
    blk.id = NULL;
    create_open();
    assert_string_equal(disk->serial, "");
    make(true, true);
    blk.no_answer = true;
    create_open();                              /* after a while */
    assert_string_equal(disk->serial, "");
    assert_works();
    make(true, true);
    blk.id = "exactly 20 bytes ok.";
    create_open();
    assert_string_equal(disk->serial, "exactly 20 bytes ok.");
}

static void test_capacity_changes(void **state)
{
    blk.torn = 1;
    create_open();
    assert_true(disk->sectors == SECTORS);
}

static void test_refused(void **state)
{
    static const uint32_t blocks[] = { 0, 256, 513, 1536, 8192, 0x80000000 };

    for (unsigned i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        make(true, true);
        blk.block = blocks[i];
        assert_int_equal(create(), -ENOTSUP);
    }
    make(true, true);
    blk.capacity = 0;
    assert_int_equal(create(), -ENOTSUP);
    blk.capacity = UINT64_C(1) << 60;
    assert_int_equal(create(), -ENOTSUP);
    make(true, true);
    blk.seg_max = 0;
    assert_int_equal(create(), -ENOTSUP);
    make(true, true);
    model.offered |= VIRTIO_BLK_F_SIZE_MAX;
    blk.size_max = 511;
    assert_int_equal(create(), -ENOTSUP);
    make(true, true);
    model.offered &= ~VIRTIO_F_VERSION_1;
    assert_int_equal(create(), -EIO);
    make(true, true);
    model.refuse_features = true;
    assert_int_equal(create(), -EIO);
    make(true, true);
    model.stays_busy = true;
    assert_int_equal(create(), -EIO);
    assert_int_equal(disk_bench.disks, 0);
}

/* ---- Errors, and one that lies ----------------------------------------------- */

static void test_status(void **state)
{
    static const uint8_t bad[] = { VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_UNSUPP, 3,
                                   0xfe };

    for (unsigned i = 0; i < sizeof bad; i++) {
        blk.status = bad[i];
        assert_int_equal(disk_bench_do(disk, DISK_READ, 0, 1, area), -EIO);
    }
    blk.status = 0;
    assert_int_equal(disk_bench_counter(disk, "virtio_unsupported"), 1);
    assert_int_equal(disk_bench_counter(disk, "virtio_bad_statuses"), 2);
    /* It says that it is done, but not how that went. */
    blk.no_status = true;
    assert_int_equal(disk_bench_do(disk, DISK_WRITE, 0, 1, area), -EIO);
    assert_int_equal(disk_bench_counter(disk, "virtio_bad_statuses"), 3);
    blk.no_status = false;
    assert_works();
    assert_int_equal(disk->counters.resets, 0);
}

static void test_lengths(void **state)
{
    for (int more = -2; more <= 2; more++) {
        blk.len_more = more;
        assert_int_equal(disk_bench_do(disk, DISK_READ, 0, 8, area),
                         more ? -EIO : 0);
        assert_int_equal(disk_bench_do(disk, DISK_WRITE, 0, 8, area),
                         more ? -EIO : 0);
    }
    assert_int_equal(disk_bench_counter(disk, "virtio_bad_lengths"), 8);
    blk.len_more = 0;
    assert_works();
}

static void assert_started_anew(const struct bench_request *r, unsigned times)
{
    disk_bench_look(disk);
    assert_int_equal(r->dones, 1);
    assert_int_equal(r->error, -EIO);
    assert_int_equal(disk->counters.resets, times);
    assert_false(disk->is_gone);
    assert_works();
}

static void test_lies(void **state)
{
    struct queue *q = &model.q[0];
    struct bench_request r[1];
    int head;

    blk.hold = true;
    submitted(r, 0);
    q->used->idx += 2;                          /* more than it has */
    assert_started_anew(r, 1);
    blk.hold = true;
    submitted(r, 0);
    model_push_used(q, MODEL_QUEUE, 513);
    assert_started_anew(r, 2);
    blk.hold = true;
    submitted(r, 0);
    head = model_pop_avail(q);
    model_push_used(q, q->desc[head].next, 513);        /* no chain's head */
    assert_started_anew(r, 3);
    blk.hold = true;
    submitted(r, 0);
    model.status |= VIRTIO_STATUS_NEEDS_RESET;
    assert_started_anew(r, 4);
    assert_int_equal(disk_bench_counter(disk, "virtio_broken"), 4);
}

static void test_noise_in_used(void **state)
{
    for (unsigned n = 0; n < 500; n++) {
        struct queue *q = &model.q[0];
        struct bench_request r[1];
        uint16_t idx;

        blk.hold = true;
        submitted(r, 0);
        idx = q->used->idx;
        for (unsigned i = 0; i < MODEL_QUEUE; i++)
            q->used->ring[i] = (struct virtq_used_elem){
                disk_bench_noise() % (n % 3 ? 2 * MODEL_QUEUE : UINT32_MAX),
                disk_bench_noise(),
            };
        q->used->idx = idx + disk_bench_noise() % (n % 2 ? 3 : 65536);
        disk->ops->poll(disk);
        disk->ops->recover(disk);
        assert_int_equal(r->dones, 1);
    }
    assert_works();
}

static void test_noise(void **state)
{
    struct bench_request r[1];

    blk.hold = true;
    submitted(r, 0);
    disk_bench.is_noise = true;
    for (unsigned i = 0; i < 2000; i++) {
        disk->ops->arm(disk);
        disk->ops->poll(disk);
        if (i % 100 == 99)
            disk->ops->recover(disk);
    }
    assert_int_equal(r->dones, 1);
    disk_bench.is_noise = false;
    model.stays_busy = false;
    assert_int_equal(disk->ops->open(disk), 0);
    assert_works();
}

/* ---- One that hangs, or is pulled out ---------------------------------------- */

static void test_stuck(void **state)
{
    struct bench_request r[2];

    blk.hold = true;
    submitted(r, 0);
    submitted(r, 1);
    disk_bench_look(disk);
    assert_int_equal(r[0].dones, 0);
    disk->ops->recover(disk);
    assert_int_equal(r[0].error, -EIO);
    assert_started_anew(&r[1], 1);
}

static void test_deaf(void **state)
{
    struct bench_request r[1];

    blk.hold = true;
    submitted(r, 0);
    disk_bench.is_deaf = true;
    disk->ops->recover(disk);
    assert_int_equal(r->error, -EIO);
    assert_int_equal(disk->counters.resets_unanswered, 1);
    assert_true(disk->is_gone && !disk->is_open);
    assert_int_equal(disk->ops->open(disk), -EIO);
    disk_bench.is_deaf = false;
    model.status = 0;
    assert_int_equal(disk->ops->open(disk), 0);
    assert_works();
}

/* Nor can its DMA be turned off: the buffers stay its own. */
static void test_deaf_master(void **state)
{
    struct bench_request r[1];

    blk.hold = true;
    submitted(r, 0);
    disk_bench.is_deaf = disk_bench.keeps_master = true;
    disk->ops->recover(disk);
    disk->ops->close(disk);
    assert_int_equal(r->dones, 0);
    assert_int_equal(disk->counters.dma_unstopped, 2);
    disk_bench.is_deaf = false;
    assert_int_equal(disk->ops->open(disk), 0);
    assert_int_equal(r->dones, 1);
    assert_works();
}

static void test_pulled_out(void **state)
{
    struct bench_request r[1];

    blk.hold = true;
    submitted(r, 0);
    disk_bench.is_gone = true;
    disk_bench_look(disk);
    assert_int_equal(r->dones, 1);
    assert_int_equal(r->error, -ENODEV);
    assert_true(disk->is_gone && !disk->is_open);
    assert_int_equal(disk->ops->submit(disk, &r->req), -ENODEV);
    assert_int_equal(disk->ops->open(disk), -ENODEV);
    assert_false(disk->ops->poll(disk));
    disk_bench.is_gone = false;
    assert_int_equal(disk->ops->open(disk), 0);
    assert_works();
}

static void test_shrunk(void **state)
{
    disk->ops->close(disk);
    blk.capacity--;
    assert_int_equal(disk->ops->open(disk), -ENODEV);
    assert_true(disk->is_gone);
    assert_int_equal(disk_bench_do(disk, DISK_READ, 0, 1, area), -ENODEV);
}

static void test_close(void **state)
{
    struct bench_request r[1];

    blk.hold = true;
    submitted(r, 0);
    disk->ops->close(disk);
    assert_int_equal(r->error, -EIO);
    assert_int_equal(model.status, 0);
    assert_int_equal(disk->ops->submit(disk, &r->req), -ENODEV);
    assert_false(disk->ops->poll(disk));
    assert_int_equal(disk->ops->open(disk), 0);
    assert_works();
}

#define TEST(f, kind) \
    { #f " (" #kind ")", f, setup_##kind, disk_bench_teardown, NULL }
#define EACH(f) TEST(f, legacy), TEST(f, legacy_msix), TEST(f, modern), \
                TEST(f, modern_line)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(test_identity),
        EACH(test_reads_and_writes),
        EACH(test_flush),
        EACH(test_many_in_any_order),
        EACH(test_wakeup),
        TEST(test_without_flush, none),
        TEST(test_without_flush_and_deaf, none),
        TEST(test_read_only, none),
        TEST(test_block_sizes, none),
        TEST(test_topology, none),
        TEST(test_pieces, none),
        TEST(test_no_serial, none),
        TEST(test_capacity_changes, none),
        TEST(test_refused, none),
        EACH(test_status),
        TEST(test_lengths, modern),
        EACH(test_lies),
        EACH(test_noise_in_used),
        EACH(test_noise),
        EACH(test_stuck),
        EACH(test_deaf),
        EACH(test_deaf_master),
        EACH(test_pulled_out),
        EACH(test_shrunk),
        EACH(test_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
