/* The NVMe driver against a model of a controller: one that works, one that
 * lies, one that hangs or is pulled out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/block/nvme.h"
#include "tests/unit/disk_driver_harness.h"
#include "tests/unit/fake_nvme.h"

#define SLOTS 63u               /* requests that it takes at once */

static const struct bus_info info = {
    .vendor = 0x1b36, .device = 0x0010, .slot = "00:04.0",
    .class_code = 0x010802,
};
static struct disk *disk, *big;         /* namespaces 1 and 2 */
static uint8_t *area;                   /* what requests read into */

static int create(void)
{
    return disk_bench_create(&nvme_driver, &fake_nvme_bus, &info, 60);
}

static int setup_none(void **state)
{
    disk_bench_make();
    fake_nvme_make();
    area = disk_bench_buffer(SLOTS * 512, 0);
    return 0;
}

static int start(bool msix)
{
    setup_none(NULL);
    fake_nvme.msix = msix;
    fake_nvme.ready_after = 3;
    if (create() || disk_bench.disks != 2)
        return -1;
    disk = disk_bench.disk[0];
    big = disk_bench.disk[1];
    return disk->ops->open(disk) || big->ops->open(big) ? -1 : 0;
}

static int setup(void **state) { return start(true); }
static int setup_line(void **state) { return start(false); }

/* r[i] reads sector i into the i-th sector of `area`. */
static void submitted(struct bench_request *r, unsigned i)
{
    r[i] = bench_request(DISK_READ, i, 1, area + i * 512);
    r[i].req.ctx = &r[i];
    assert_int_equal(disk->ops->submit(disk, &r[i].req), 0);
}

/* One request that the controller has, and what it got. */
static struct nvme_command *held(struct bench_request *r)
{
    fake_nvme.hold = true;
    submitted(r, 0);
    return fake_nvme_next();
}

static void assert_works(void)
{
    uint8_t *buf = disk_bench_buffer(4096, 0);

    fake_nvme.hold = false;
    for (unsigned i = 0; i < 70; i++) {
        memset(buf, (int)i, 4096);
        assert_int_equal(disk_bench_do(disk, DISK_WRITE, i, 8, buf), 0);
        memset(buf, 0xee, 4096);
        assert_int_equal(disk_bench_do(disk, DISK_READ, i, 8, buf), 0);
        assert_int_equal(buf[0], i);
        assert_memory_equal(buf, buf + 1, 4095);
    }
    assert_false(disk->is_gone);
}

/* ---- One that works ---------------------------------------------------------- */

static void test_identity(void **state)
{
    assert_string_equal(disk->label, "nvme namespace 1 at 00:04.0");
    assert_string_equal(big->label, "nvme namespace 2 at 00:04.0");
    assert_string_equal(disk->slot, "00:04.0");
    assert_int_equal(big->unit, 2);
    assert_string_equal(disk->serial, "S3R1AL 42");
    assert_string_equal(disk->model, "Model of a disk");
    assert_true(disk->sectors == FAKE_NVME_BYTES / 512);
    assert_true(big->sectors == FAKE_NVME_BYTES / 512);
    assert_int_equal(disk->block_bytes, 512);
    assert_int_equal(big->block_bytes, 4096);
    assert_int_equal(disk->max_sectors, 256);
    assert_false(disk->read_only);
    assert_true(disk->dma_below == UINT64_MAX);
    assert_int_equal(disk_bench.left_outs, 0);
}

/* Any beginning within a page, any length: one PRP, two, a list. */
static void test_every_shape(void **state)
{
    static const unsigned offsets[] = { 0, 4, 512, 2048, 3584, 4092 };
    static const uint32_t counts[] = { 1, 7, 8, 9, 15, 16, 17, 24, 128, 255,
                                       256 };
    struct fake_namespace *ns = &fake_nvme_ns[0];
    uint32_t n = 7;

    for (unsigned o = 0; o < 6; o++)
        for (unsigned c = 0; c < 11; c++) {
            uint32_t bytes = counts[c] * 512, sector = n % 200;
            uint8_t *buf = disk_bench_buffer(bytes, offsets[o]);

            for (uint32_t i = 0; i < bytes; i++)
                buf[i] = (uint8_t)((n = n * 1103515245 + 12345) >> 16);
            assert_int_equal(disk_bench_do(disk, DISK_WRITE, sector,
                                           counts[c], buf), 0);
            assert_memory_equal(ns->data + sector * 512, buf, bytes);
            for (uint32_t i = 0; i < bytes; i++)
                ns->data[sector * 512 + i] ^= 0x5a;
            assert_int_equal(disk_bench_do(disk, DISK_READ, sector, counts[c],
                                           buf), 0);
            assert_memory_equal(ns->data + sector * 512, buf, bytes);
            disk_bench_teardown(NULL);          /* the driver's, too: anew */
            start(true);
        }
}

static void test_blocks_of_4096(void **state)
{
    uint8_t *buf = disk_bench_buffer(8192, 0);

    memset(buf, 0x77, 8192);
    assert_int_equal(disk_bench_do(big, DISK_WRITE, 16, 16, buf), 0);
    assert_int_equal(fake_nvme_ns[1].data[8192], 0x77);
    assert_int_equal(fake_nvme_ns[1].data[16383], 0x77);
    assert_int_equal(fake_nvme_ns[1].data[16384], 0);
    assert_int_equal(disk_bench_do(big, DISK_READ, 4, 8, buf), -EINVAL);
    assert_int_equal(disk_bench_do(big, DISK_READ, 8, 4, buf), -EINVAL);
    assert_int_equal(fake_nvme_ns[0].data[8192], 0);
}

/* Block numbers of 64 bits reach the controller whole. */
static void test_large(void **state)
{
    uint8_t *buf = disk_bench_buffer(512, 0);
    struct bench_request r[1];
    struct nvme_command *c;

    fake_nvme_ns[0].blocks = UINT64_C(1) << 40;
    disk_bench_teardown(NULL);
    disk_bench_make();
    assert_int_equal(create(), 0);
    disk = disk_bench.disk[0];
    assert_true(disk->sectors == UINT64_C(1) << 40);
    assert_int_equal(disk->ops->open(disk), 0);
    buf = disk_bench_buffer(512, 0);
    fake_nvme.hold = true;
    r[0] = bench_request(DISK_WRITE, 0x123456789au, 1, buf);
    r[0].req.ctx = r;
    assert_int_equal(disk->ops->submit(disk, &r[0].req), 0);
    c = fake_nvme_next();
    assert_int_equal(c->cdw10, 0x3456789a);
    assert_int_equal(c->cdw11, 0x12);
    assert_int_equal(disk_bench_do(disk, DISK_READ, UINT64_C(1) << 40, 1, buf),
                     -EINVAL);
}

static void test_flush(void **state)
{
    assert_int_equal(disk_bench_do(disk, DISK_FLUSH, 0, 0, NULL), 0);
    assert_int_equal(fake_nvme.flushes, 1);
    assert_int_equal(disk->counters.flushes, 1);
    fake_nvme.fail_io = 0x006;                  /* internal error */
    assert_int_equal(disk_bench_do(disk, DISK_FLUSH, 0, 0, NULL), -EIO);
}

static void test_flush_without_cache(void **state)
{
    fake_nvme.vwc = 0;
    assert_int_equal(create(), 0);
    disk = disk_bench.disk[0];
    assert_int_equal(disk->ops->open(disk), 0);
    assert_int_equal(disk_bench_do(disk, DISK_FLUSH, 0, 0, NULL), 0);
    assert_int_equal(fake_nvme.flushes, 0);
}

/* It has ended, whatever becomes of the controller. */
static void test_flush_without_cache_and_close(void **state)
{
    struct bench_request r[2];

    for (unsigned i = 0; i < 2; i++) {
        disk_bench_teardown(NULL);
        setup_none(NULL);
        fake_nvme.vwc = 0;
        assert_int_equal(create(), 0);
        disk = disk_bench.disk[0];
        assert_int_equal(disk->ops->open(disk), 0);
        disk_bench_do(disk, DISK_FLUSH, 0, 0, NULL);    /* it is ready */
        r[0] = bench_request(DISK_FLUSH, 0, 0, NULL);
        r[0].req.ctx = r;
        assert_int_equal(disk->ops->submit(disk, &r[0].req), 0);
        disk_bench.is_deaf = disk_bench.keeps_master = i;
        if (i)
            disk->ops->recover(disk);
        else
            disk->ops->close(disk);
        assert_int_equal(r[0].dones, 1);
        assert_int_equal(r[0].error, 0);
    }
}

static void test_many_in_any_order(void **state)
{
    struct bench_request r[SLOTS], more;
    struct nvme_command *c[SLOTS];

    fake_nvme.hold = true;
    for (unsigned i = 0; i < SLOTS; i++) {
        submitted(r, i);
        memset(fake_nvme_ns[0].data + i * 512, (int)i + 1, 512);
    }
    more = bench_request(DISK_READ, 0, 1, area);
    assert_int_equal(disk->ops->submit(disk, &more.req), -EBUSY);
    for (unsigned i = 0; i < SLOTS; i++)
        c[i] = fake_nvme_next();
    assert_null(fake_nvme_next());
    for (unsigned i = SLOTS; i-- > 0;) {
        assert_int_equal(fake_nvme_execute(1, c[i]), 0);
        fake_nvme_post(c[i]->cdw0 >> 16, 0);
    }
    assert_true(disk->ops->poll(disk));
    for (unsigned i = 0; i < SLOTS; i++) {
        assert_int_equal(r[i].dones, 1);
        assert_int_equal(r[i].error, 0);
        assert_int_equal(area[i * 512 + 511], i + 1);
    }
    assert_false(disk->ops->poll(disk));
    assert_works();
}

static void test_both_namespaces(void **state)
{
    uint8_t *buf = disk_bench_buffer(4096, 0);

    for (unsigned i = 0; i < 200; i++) {
        memset(buf, (int)i, 4096);
        assert_int_equal(disk_bench_do(i & 1 ? big : disk, DISK_WRITE, 8, 8,
                                       buf), 0);
    }
    assert_int_equal(fake_nvme_ns[0].data[4096], 198);
    assert_int_equal(fake_nvme_ns[1].data[4096], 199);
    assert_int_equal(disk->counters.writes, 100);
    assert_int_equal(big->counters.sectors_written, 800);
}

static void test_wakeup(void **state)
{
    struct bench_request r[2];
    struct nvme_command *c;

    assert_true(fake_nvme.q[1].interrupts);
    disk->ops->poll(disk);
    c = held(r);
    disk->ops->arm(disk);
    disk->ops->arm(disk);
    assert_int_equal(disk_bench.irq_armed, 1);
    assert_int_equal(disk_bench.woken, 0);
    assert_int_equal(fake_nvme.masked, false);
    fake_nvme_execute(1, c);
    fake_nvme_post(c->cdw0 >> 16, 0);
    assert_true(disk->ops->poll(disk));
    assert_int_equal(fake_nvme.masked, !fake_nvme.msix);
    /* What came before it was armed may have no interrupt. */
    submitted(r, 1);
    fake_nvme_run();
    disk->ops->arm(disk);
    assert_int_equal(disk_bench.woken, 1);
    assert_int_equal(!fake_nvme.mask_writes, fake_nvme.msix);
    disk->ops->poll(disk);
}

/* ---- Starting ---------------------------------------------------------------- */

static void test_slow_start(void **state)
{
    fake_nvme.ready_after = 5000;               /* looks, a millisecond each */
    assert_int_equal(create(), 0);
    assert_int_equal(disk_bench.disks, 2);
}

static void test_never_ready(void **state)
{
    fake_nvme.never_ready = true;
    assert_int_equal(create(), 0);              /* after CAP.TO: 10 s */
    assert_in_range(disk_bench.now / 1000000, 10000, 10100);
    assert_int_equal(disk_bench.disks, 0);
    assert_string_equal(disk_bench.left_out, "nvme at 00:04.0 left out: it "
                        "does not become ready: CSTS.RDY stays 0");
}

/* Firmware has just enabled it: disabled now, anything might happen. */
static void test_left_half_started(void **state)
{
    fake_nvme.cc = NVME_CC_ENTRIES | NVME_CC_EN;
    fake_nvme.reads_left = 50;
    assert_int_equal(create(), 0);
    assert_int_equal(disk_bench.disks, 2);
    assert_int_equal(fake_nvme.starts, 1);
}

static void test_left_failed(void **state)
{
    fake_nvme.cc = NVME_CC_ENTRIES | NVME_CC_EN;
    fake_nvme.csts = NVME_CSTS_CFS;
    fake_nvme.reads_left = 5;
    assert_int_equal(create(), 0);
    assert_int_equal(disk_bench.disks, 2);
}

static void test_not_ours(void **state)
{
    uint64_t good = fake_nvme.cap;

    fake_nvme.cap = good | UINT64_C(1) << 48;   /* pages of 8 KiB */
    assert_int_equal(create(), -ENOTSUP);
    fake_nvme.cap = good & ~(UINT64_C(1) << 37);
    assert_int_equal(create(), -ENOTSUP);
    fake_nvme.cap = good & ~UINT64_C(0xffff);   /* queues of one entry */
    assert_int_equal(create(), -EIO);
    disk_bench.is_gone = true;
    assert_int_equal(create(), -EIO);
}

static void test_smallest_queues(void **state)
{
    struct bench_request r[2];

    fake_nvme.cap = (fake_nvme.cap & ~UINT64_C(0xffff)) | 1;
    assert_int_equal(create(), 0);
    disk = disk_bench.disk[0];
    assert_int_equal(disk->ops->open(disk), 0);
    held(r);
    r[1] = bench_request(DISK_READ, 0, 1, disk_bench_buffer(512, 0));
    assert_int_equal(disk->ops->submit(disk, &r[1].req), -EBUSY);
    disk->ops->recover(disk);
    assert_works();
}

static void test_refused_commands(void **state)
{
    static const uint8_t opcodes[] = { NVME_SET_FEATURES, NVME_CREATE_CQ,
                                       NVME_CREATE_SQ, NVME_IDENTIFY };

    for (unsigned i = 0; i < sizeof opcodes; i++) {
        disk_bench_teardown(NULL);
        setup_none(NULL);
        fake_nvme.fail_opcode = opcodes[i];
        fake_nvme.fail_admin = 0x001;
        assert_int_equal(create(), 0);
        assert_int_equal(disk_bench.disks, 0);
        assert_int_equal(disk_bench.left_outs, 1);
        assert_false(fake_nvme.cc & NVME_CC_EN);
    }
}

/* Controllers before 1.1, and those that do not know the list. */
static void test_without_list(void **state)
{
    for (unsigned i = 0; i < 2; i++) {
        setup_none(NULL);
        fake_nvme.no_list = true;
        fake_nvme.vs = i ? 0x00010000 : 0x00010400;
        fake_nvme.nn = 3;
        fake_nvme_ns[2].blocks = 0;             /* 3 is not there */
        assert_int_equal(create(), 0);
        assert_int_equal(disk_bench.disks, 2);
        disk_bench_teardown(NULL);
    }
}

static void test_mdts(void **state)
{
    uint8_t *buf = disk_bench_buffer(16384, 0);

    fake_nvme.mdts = 1;
    assert_int_equal(create(), 0);
    disk = disk_bench.disk[0];
    assert_int_equal(disk->max_sectors, 16);
    assert_int_equal(disk->ops->open(disk), 0);
    assert_int_equal(disk_bench_do(disk, DISK_READ, 0, 17, buf), -EINVAL);
    assert_int_equal(disk_bench_do(disk, DISK_READ, 0, 16, buf), 0);
    fake_nvme.mdts = 200;                       /* more than there can be */
    disk_bench_make();
    assert_int_equal(create(), 0);
    assert_int_equal(disk_bench.disk[0]->max_sectors, 256);
}

/* ---- Namespaces -------------------------------------------------------------- */

static void left_out(const char *why)
{
    disk_bench_teardown(NULL);
    disk_bench_make();
    assert_int_equal(create(), 0);
    assert_int_equal(disk_bench.disks, 1);
    assert_int_equal(disk_bench.left_outs, 1);
    assert_string_equal(disk_bench.left_out, why);
}

static void test_formats(void **state)
{
    struct fake_namespace *ns = &fake_nvme_ns[1];

    ns->metadata = 8;
    left_out("nvme namespace 2 at 00:04.0 is left out: blocks of 2^12 bytes "
             "with 8 of metadata; format it with 512 or 4096 and none");
    ns->metadata = 0;
    ns->block_bits = 11;
    left_out("nvme namespace 2 at 00:04.0 is left out: blocks of 2^11 bytes "
             "with 0 of metadata; format it with 512 or 4096 and none");
    ns->block_bits = 0;
    left_out("nvme namespace 2 at 00:04.0 is left out: blocks of 2^0 bytes "
             "with 0 of metadata; format it with 512 or 4096 and none");
    ns->block_bits = 255;
    left_out("nvme namespace 2 at 00:04.0 is left out: blocks of 2^255 bytes "
             "with 0 of metadata; format it with 512 or 4096 and none");
    ns->block_bits = 12;
    ns->blocks = UINT64_C(1) << 51;
    left_out("nvme namespace 2 at 00:04.0 is left out: 2^63 bytes or more");
    ns->blocks = 0;
    fake_nvme.bad_format = 15;
    disk_bench_make();
    assert_int_equal(create(), 0);
    assert_int_equal(disk_bench.disks, 0);
    assert_string_equal(disk_bench.left_out, "nvme namespace 1 at 00:04.0 is "
                        "left out: its format 15 is none of its own");
}

static void test_write_protected(void **state)
{
    uint8_t *buf = disk_bench_buffer(512, 0);

    fake_nvme_ns[0].read_only = true;
    assert_int_equal(create(), 0);
    disk = disk_bench.disk[0];
    assert_true(disk->read_only);
    assert_int_equal(disk->ops->open(disk), 0);
    assert_int_equal(disk_bench_do(disk, DISK_WRITE, 0, 1, buf), -EROFS);
    assert_int_equal(disk_bench_do(disk, DISK_READ, 0, 1, buf), 0);
}

static void test_too_many(void **state)
{
    fake_nvme.nn = FAKE_NVME_NAMESPACES;
    for (unsigned i = 2; i < FAKE_NVME_NAMESPACES; i++) {
        fake_nvme_ns[i].blocks = 64;
        fake_nvme_ns[i].block_bits = 9;
    }
    assert_int_equal(create(), 0);
    assert_int_equal(disk_bench.disks, 16);
    assert_int_equal(disk_bench.left_outs, 1);
    assert_string_equal(disk_bench.left_out, "nvme at 00:04.0: namespaces from "
                        "17 on are left out: only 16 are used");
}

/* ---- Errors ------------------------------------------------------------------ */

static void test_status(void **state)
{
    uint8_t *buf = disk_bench_buffer(512, 0);

    fake_nvme.fail_io = 0x281;                  /* unrecovered read error */
    assert_int_equal(disk_bench_do(disk, DISK_READ, 0, 1, buf), -EIO);
    assert_int_equal(disk_bench_counter(disk, "nvme_media_errors"), 1);
    assert_int_equal(disk_bench_counter(disk, "nvme_last_status"), 0x281);
    fake_nvme.fail_io = 0x4080;
    assert_int_equal(disk_bench_do(disk, DISK_READ, 0, 1, buf), -EIO);
    assert_int_equal(disk_bench_counter(disk, "nvme_last_status"), 0x080);
    fake_nvme.fail_io = 0x700;                  /* a vendor's */
    assert_int_equal(disk_bench_do(disk, DISK_READ, 0, 1, buf), -EIO);
    fake_nvme.fail_io = 0x020;
    assert_int_equal(disk_bench_do(disk, DISK_WRITE, 0, 1, buf), -EROFS);
    assert_int_equal(disk_bench_counter(disk, "nvme_command_errors"), 3);
    assert_int_equal(disk->counters.read_errors, 3);
    assert_int_equal(disk->counters.write_errors, 1);
    assert_int_equal(disk_bench_counter(disk, "nvme_retries"), 0);
    fake_nvme.fail_io = 0;
    assert_works();
    fake_nvme.fail_io = 0x00b;                  /* no such namespace */
    assert_int_equal(disk_bench_do(disk, DISK_READ, 0, 1, buf), -ENODEV);
    assert_true(disk->is_gone && !disk->is_open);
    assert_int_equal(disk_bench_do(disk, DISK_READ, 0, 1, buf), -ENODEV);
}

/* Not ready, say, until it is; five times at most, a tenth of a second apart. */
static void test_once_more(void **state)
{
    struct bench_request r[1];
    uint64_t began = disk_bench.now;

    fake_nvme.fail_io = 0x082;
    fake_nvme_post(held(r)->cdw0 >> 16, 0x082);
    disk->ops->poll(disk);
    disk->ops->arm(disk);
    assert_int_equal(disk_bench.woken, 1);      /* nobody else tells of it */
    assert_int_equal(r->dones, 0);
    fake_nvme.hold = false;
    for (unsigned i = 0; i < 1000 && !r->dones; i++) {
        disk_bench.now += 1000000;
        disk->ops->poll(disk);
        if (disk_bench_counter(disk, "nvme_retries") == 3)
            fake_nvme.fail_io = 0;
    }
    assert_int_equal(r->error, 0);
    assert_in_range((disk_bench.now - began) / 1000000, 300, 320);
    fake_nvme.fail_io = 0x082;
    assert_int_equal(disk_bench_do(disk, DISK_READ, 0, 1, area), -EIO);
    assert_int_equal(disk_bench_counter(disk, "nvme_retries"), 8);
    assert_int_equal(disk_bench_counter(disk, "nvme_command_errors"), 1);
    fake_nvme.fail_io = 0x4082;                 /* it says not to */
    assert_int_equal(disk_bench_do(disk, DISK_READ, 0, 1, area), -EIO);
    assert_int_equal(disk_bench_counter(disk, "nvme_retries"), 8);
    fake_nvme.fail_io = 0;
    assert_works();
}

/* As many as it takes fail, while more come: none is lost. */
static void test_many_once_more(void **state)
{
    struct bench_request r[SLOTS + 2];

    fake_nvme.fail_io = 0x082;
    for (unsigned i = 0; i < SLOTS + 1; i++) {
        r[i] = bench_request(DISK_READ, i, 1, area);
        r[i].req.ctx = &r[i];
        assert_int_equal(disk->ops->submit(disk, &r[i].req), 0);
        disk->ops->poll(disk);
    }
    r[SLOTS + 1] = r[0];
    assert_int_equal(disk->ops->submit(disk, &r[SLOTS + 1].req), -EBUSY);
    fake_nvme.fail_io = 0;
    for (unsigned i = 0; i < 110; i++) {
        disk_bench.now += 1000000;
        disk->ops->poll(disk);
    }
    for (unsigned i = 0; i < SLOTS + 1; i++) {
        assert_int_equal(r[i].dones, 1);
        assert_int_equal(r[i].error, 0);
    }
    fake_nvme.fail_io = 0x082;
    submitted(r, 0);
    submitted(r, 1);
    disk->ops->poll(disk);
    disk->ops->close(disk);
    assert_int_equal(r[0].error, -EIO);
    assert_int_equal(r[1].error, -EIO);
    fake_nvme.fail_io = 0;
    assert_int_equal(disk->ops->open(disk), 0);
    assert_works();
}

static struct bench_request others[SLOTS];
static unsigned others_sent;

static void send_others(struct disk_request *req, int error)
{
    for (; others_sent < SLOTS; others_sent++) {
        struct bench_request *r = &others[others_sent];

        *r = bench_request(DISK_READ, 0, 1, area);
        r->req.ctx = r;
        if (disk->ops->submit(disk, &r->req))
            return;
    }
}

static void post_all(uint16_t first, uint16_t rest)
{
    struct nvme_command *c;

    for (unsigned i = 0; (c = fake_nvme_next()); i++)
        fake_nvme_post(c->cdw0 >> 16, i ? rest : first);
}

/* The first that is done sends as many more before the others are looked at. */
static void test_once_more_and_more(void **state)
{
    struct bench_request r[SLOTS];

    others_sent = 0;
    fake_nvme.hold = true;
    for (unsigned i = 0; i < SLOTS; i++)
        submitted(r, i);
    r[0].req.done = send_others;
    post_all(0, 0x082);
    disk->ops->poll(disk);
    post_all(0x082, 0x082);
    disk->ops->poll(disk);
    fake_nvme.hold = false;
    for (unsigned i = 0; i < 300; i++) {
        disk_bench.now += 1000000;
        disk->ops->poll(disk);
    }
    assert_in_range(others_sent, 1, SLOTS);
    for (unsigned i = 1; i < SLOTS; i++)
        assert_int_equal(r[i].dones, 1);
    for (unsigned i = 0; i < others_sent; i++)
        assert_int_equal(others[i].error, 0);
    assert_works();
}

/* ---- One that lies ----------------------------------------------------------- */

static void assert_started_anew(const struct bench_request *r, unsigned times)
{
    disk->ops->poll(disk);
    assert_int_equal(r->dones, 1);
    assert_int_equal(r->error, -EIO);
    assert_int_equal(disk->counters.resets, times);
    assert_int_equal(disk_bench_counter(disk, "nvme_bad_completions"), times);
    assert_works();
}

static void test_lies(void **state)
{
    struct bench_request r[1];
    struct nvme_completion c;
    uint16_t cid;

    for (unsigned i = 0; i < 6; i++) {
        cid = held(r)->cdw0 >> 16;
        c = (struct nvme_completion){ .cid = cid, .sq_id = 1, .sq_head =
                                      fake_nvme.q[1].sq_head };
        switch (i) {
        case 0: c.cid = (uint16_t)(cid + 1); break;
        case 1: c.cid = (uint16_t)(cid + 64); break;    /* its slot's next */
        case 2: c.cid = 0xffff; break;
        case 3: c.sq_id = 0; break;
        case 4: c.sq_head = 64; break;
        case 5: c.sq_head += 1; break;          /* more than it was given */
        }
        fake_nvme_post_raw(c, true);
        assert_started_anew(r, i + 1);
    }
}

/* The one that is right first, then the same once more. */
static void test_completes_twice(void **state)
{
    struct bench_request r[2];
    uint16_t cid = held(r)->cdw0 >> 16;

    submitted(r, 1);
    fake_nvme_post(cid, 0);
    fake_nvme_post(cid, 0);
    disk->ops->poll(disk);
    assert_int_equal(r[0].dones, 1);
    assert_int_equal(r[0].error, 0);
    assert_started_anew(&r[1], 1);
}

static void test_wrong_phase(void **state)
{
    struct bench_request r[1];
    uint16_t cid = held(r)->cdw0 >> 16;

    fake_nvme_post_raw((struct nvme_completion){
        .cid = cid, .sq_id = 1, .sq_head = fake_nvme.q[1].sq_head }, false);
    disk_bench_look(disk);
    assert_int_equal(r->dones, 0);              /* nothing is there yet */
    fake_nvme_post(cid, 0);
    disk->ops->poll(disk);
    assert_int_equal(r->error, 0);
    assert_works();
}

static void test_noise_in_completions(void **state)
{
    for (unsigned n = 0; n < 500; n++) {
        struct bench_request r[1];

        held(r);
        for (unsigned i = 0; i < 64; i++) {
            uint32_t *c = (uint32_t *)(uintptr_t)fake_nvme.q[1].cq + 4 * i;

            for (unsigned w = 0; w < 4; w++)
                c[w] = disk_bench_noise();
        }
        disk->ops->poll(disk);
        disk->ops->recover(disk);
        assert_int_equal(r->dones, 1);
        fake_nvme.hold = false;                 /* and until it is ready: */
        assert_int_equal(disk_bench_do(disk, DISK_FLUSH, 0, 0, NULL), 0);
    }
    assert_works();
}

static void test_noise_in_registers(void **state)
{
    struct bench_request r[1];

    held(r);
    disk_bench.is_noise = true;
    for (unsigned i = 0; i < 2000; i++) {
        disk_bench.now += 1000000;
        disk->ops->poll(disk);
        disk_bench.controller->poll(disk_bench.controller);
        if (i % 100 == 99)
            disk->ops->recover(disk);
    }
    disk->ops->close(disk);
    assert_int_equal(r->dones, 1);
}

/* ---- One that hangs ---------------------------------------------------------- */

static void test_stuck(void **state)
{
    struct bench_request r[3];

    held(r);
    submitted(r, 1);
    disk_bench_look(disk);
    assert_int_equal(r[0].dones, 0);
    disk->ops->recover(disk);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(r[i].dones, 1);
        assert_int_equal(r[i].error, -EIO);
    }
    assert_int_equal(disk->counters.resets, 1);
    assert_int_equal(big->counters.resets, 1);
    assert_int_equal(disk->counters.resets_unanswered, 0);
    /* Not ready yet; nor does it help to say so twice. */
    r[2] = bench_request(DISK_READ, 0, 1, disk_bench_buffer(512, 0));
    assert_int_equal(disk->ops->submit(disk, &r[2].req), -EBUSY);
    disk->ops->recover(disk);
    assert_int_equal(disk->counters.resets, 1);
    assert_works();
}

/* It does not stop: its DMA is turned off first, and back on for the start. */
static void test_deaf(void **state)
{
    struct bench_request r[1];

    held(r);
    disk_bench.is_deaf = true;
    disk->ops->recover(disk);
    assert_int_equal(r->error, -EIO);
    assert_true(disk_bench.is_no_master);
    assert_int_equal(disk->counters.resets_unanswered, 1);
    for (unsigned i = 0; i < 11000; i++) {
        disk_bench.now += 1000000;
        disk->ops->poll(disk);
    }
    assert_true(disk->is_gone && big->is_gone);
    assert_false(disk->is_open || big->is_open);
    disk_bench.is_deaf = false;
    assert_int_equal(disk->ops->open(disk), 0);
    assert_works();
}

/* Nor can that be turned off: the buffers stay its own until it answers. */
static void test_deaf_master(void **state)
{
    struct bench_request r[1];

    held(r);
    disk_bench.is_deaf = disk_bench.keeps_master = true;
    disk->ops->recover(disk);
    disk->ops->poll(disk);
    assert_int_equal(r->dones, 0);
    assert_int_equal(disk->counters.dma_unstopped, 1);
    disk->ops->close(disk);
    assert_int_equal(r->dones, 0);
    disk_bench.is_deaf = false;
    fake_nvme.cc = 0;
    disk->ops->poll(disk);
    assert_int_equal(r->dones, 1);
    assert_int_equal(r->error, -EIO);
    assert_int_equal(disk->ops->open(disk), 0);
    assert_works();
}

static void test_fatal(void **state)
{
    struct bench_request r[1];

    held(r);
    fake_nvme.csts |= NVME_CSTS_CFS;
    disk_bench_look(disk);
    assert_int_equal(r->error, -EIO);
    assert_int_equal(disk_bench_counter(disk, "nvme_fatal"), 1);
    assert_works();
}

/* ---- One that is pulled out -------------------------------------------------- */

static void pull_out(void)
{
    struct bench_request r[1];

    held(r);
    disk_bench.is_gone = true;
    disk_bench_look(disk);
    assert_int_equal(r->dones, 1);
    assert_int_equal(r->error, -ENODEV);
    assert_true(disk->is_gone && big->is_gone);
    assert_false(disk->is_open || big->is_open);
    assert_int_equal(disk->ops->submit(disk, &r->req), -ENODEV);
    assert_int_equal(disk->ops->open(disk), -ENODEV);
    disk->ops->recover(disk);
    disk->ops->arm(disk);
    assert_false(disk->ops->poll(disk));
    /* What is put in comes up disabled. */
    disk_bench.is_gone = false;
    fake_nvme.cc = fake_nvme.csts = 0;
}

static void test_pulled_out(void **state)
{
    pull_out();
    assert_int_equal(disk->ops->open(disk), 0);
    assert_works();
    /* Whoever has that one is told when it goes on with it. */
    assert_false(big->is_gone || big->is_open);
    assert_int_equal(disk_bench.disks, 2);
}

static void test_idle_pulled_out(void **state)
{
    disk_bench.is_gone = true;
    disk_bench.controller->poll(disk_bench.controller);
    assert_true(disk->is_gone && big->is_gone);
}

static void assert_another(void)
{
    uint8_t *buf = disk_bench_buffer(512, 0);

    pull_out();
    assert_int_equal(disk->ops->open(disk), 0);
    assert_int_equal(disk_bench_do(disk, DISK_WRITE, 0, 1, buf), -ENODEV);
    assert_true(disk->is_gone && !disk->is_open);
    assert_int_equal(fake_nvme.writes, 0);
}

static void test_another_put_in(void **state)
{
    fake_nvme.serial = "ANOTHER";
    assert_another();
}

static void test_changed_size(void **state)
{
    fake_nvme_ns[0].blocks--;
    assert_another();
    assert_false(big->is_gone);
}

static void test_changed_format(void **state)
{
    fake_nvme_ns[0].block_bits = 12;
    fake_nvme_ns[0].blocks /= 8;
    assert_another();
}

/* ---- Closing ----------------------------------------------------------------- */

static void test_close(void **state)
{
    disk->ops->close(disk);
    assert_int_equal(fake_nvme.shutdowns, 0);   /* the other one is open */
    big->ops->close(big);
    assert_int_equal(fake_nvme.shutdowns, 1);
    assert_int_equal(disk->ops->poll(disk), false);
    assert_int_equal(disk->ops->open(disk), 0);
    assert_works();
}

static void test_close_with_requests(void **state)
{
    struct bench_request r[2];

    held(r);
    r[1] = bench_request(DISK_FLUSH, 0, 0, NULL);
    r[1].req.ctx = &r[1];
    assert_int_equal(big->ops->submit(big, &r[1].req), 0);
    disk->ops->close(disk);
    assert_int_equal(r[0].dones, 1);
    assert_int_equal(r[0].error, -EIO);
    assert_int_equal(disk->ops->submit(disk, &r[0].req), -ENODEV);
    /* They share the queue. */
    assert_int_equal(r[1].error, -EIO);
    assert_int_equal(disk->ops->open(disk), 0);
    assert_works();
}

#define TEST(f, setup) cmocka_unit_test_setup_teardown(f, setup, \
                                                       disk_bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_identity, setup),
        TEST(test_every_shape, setup),
        TEST(test_blocks_of_4096, setup),
        TEST(test_large, setup),
        TEST(test_flush, setup),
        TEST(test_flush_without_cache, setup_none),
        TEST(test_flush_without_cache_and_close, setup_none),
        TEST(test_many_in_any_order, setup),
        TEST(test_both_namespaces, setup),
        TEST(test_wakeup, setup),
        { "test_wakeup (line)", test_wakeup, setup_line, disk_bench_teardown,
          NULL },
        TEST(test_slow_start, setup_none),
        TEST(test_never_ready, setup_none),
        TEST(test_left_half_started, setup_none),
        TEST(test_left_failed, setup_none),
        TEST(test_not_ours, setup_none),
        TEST(test_smallest_queues, setup_none),
        TEST(test_refused_commands, setup_none),
        TEST(test_without_list, setup_none),
        TEST(test_mdts, setup_none),
        TEST(test_formats, setup_none),
        TEST(test_write_protected, setup_none),
        TEST(test_too_many, setup_none),
        TEST(test_status, setup),
        TEST(test_once_more, setup),
        TEST(test_many_once_more, setup),
        TEST(test_once_more_and_more, setup),
        TEST(test_lies, setup),
        TEST(test_completes_twice, setup),
        TEST(test_wrong_phase, setup),
        TEST(test_noise_in_completions, setup),
        TEST(test_noise_in_registers, setup),
        TEST(test_stuck, setup),
        TEST(test_deaf, setup),
        TEST(test_deaf_master, setup),
        TEST(test_fatal, setup),
        TEST(test_pulled_out, setup),
        TEST(test_idle_pulled_out, setup),
        TEST(test_another_put_in, setup),
        TEST(test_changed_size, setup),
        TEST(test_changed_format, setup),
        TEST(test_close, setup),
        TEST(test_close_with_requests, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
