/* The driver of PCI IDE controllers against a register model. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/block/ata_pci.h"
#include "drivers/block/ata_regs.h"
#include "tests/unit/disk_driver_harness.h"
#include "tests/unit/fake_ata_pci.h"

#define BIG (UINT64_C(3) << 30)         /* sectors: beyond 28 bits */
#define COMPATIBLE 0x010180u
#define NATIVE 0x01018fu

static const char *const names[] = { "ONE", "TWO", "OLD" };
static struct fake_ata ata[3];
static struct fake_channel *const first = &fake_ata_pci.channel[0];
static struct fake_channel *const second = &fake_ata_pci.channel[1];
static uint8_t *buf;

static int setup_empty(void **state)
{
    disk_bench_make();
    fake_ata_pci_make();
    fake_ata_make(&ata[0], "ONE", 1000, 512, FAKE_ATA_ALL);
    fake_ata_make(&ata[1], "TWO", BIG, 4096, FAKE_ATA_ALL);
    fake_ata_make(&ata[2], "OLD", 1000, 512, FAKE_ATA_CACHE);
    buf = disk_bench_buffer(256 * 1024, 512);
    return 0;
}

static int create(uint32_t class_code)
{
    static struct bus_info info;

    info = (struct bus_info){ .vendor = 0x8086, .device = 0x7010,
                              .slot = "00:01.1", .class_code = class_code };
    return disk_bench_create(&ata_pci_driver, &fake_ata_pci_bus, &info, 60);
}

static struct disk *disk(unsigned i) { return disk_bench.disk[i]; }

static struct disk *by_serial(const char *serial)
{
    for (unsigned i = 0; i < disk_bench.disks; i++)
        if (!strcmp(disk(i)->serial, serial))
            return disk(i);
    fail_msg("no disk %s", serial);
    return NULL;
}

/* Two on the first channel, one on the second, open. */
static int setup(void **state)
{
    setup_empty(state);
    first->disk[0] = &ata[0];
    first->disk[1] = &ata[1];
    second->disk[1] = &ata[2];
    if (create(COMPATIBLE) || disk_bench.disks != 3)
        return -1;
    for (unsigned i = 0; i < 3; i++)
        if (disk(i)->ops->open(disk(i)))
            return -1;
    return 0;
}

static void test_found(void **state)
{
    struct disk *d = by_serial("TWO");

    assert_string_equal(d->label, "ata channel 0 device 1 at 00:01.1");
    assert_int_equal(d->unit, 1);
    assert_true(d->sectors == BIG);
    assert_int_equal(d->block_bytes, 4096);
    assert_true(d->dma_below == UINT64_C(1) << 32);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(ata[i].writes + ata[i].reads + ata[i].flushes, 0);
}

static void write_and_read(struct disk *d, struct fake_ata *a)
{
    uint32_t n = d->max_sectors < 256 ? d->max_sectors : 256;
    static uint8_t copy[256 * 512];

    for (unsigned i = 0; i < n * 512; i++)
        buf[i] = (uint8_t)(i * 13 + i / 512);
    memcpy(copy, buf, n * 512);
    assert_int_equal(disk_bench_do(d, DISK_WRITE, d->sectors - n, n, buf), 0);
    assert_memory_equal(a->data + (FAKE_ATA_STORED - n) * 512, copy, n * 512);
    memset(buf, 0, n * 512);
    assert_int_equal(disk_bench_do(d, DISK_READ, d->sectors - n, n, buf), 0);
    assert_memory_equal(buf, copy, n * 512);
    memset(buf, 0x5a, 4096);
    assert_int_equal(disk_bench_do(d, DISK_WRITE, 8, 8, buf), 0);
    assert_int_equal(a->data[8 * 512], 0x5a);
    assert_int_equal(disk_bench_do(d, DISK_FLUSH, 0, 0, NULL), 0);
    assert_int_equal(a->flushes, 1);
}

static void test_by_dma(void **state)
{
    for (unsigned i = 0; i < 3; i++) {
        write_and_read(by_serial(names[i]), &ata[i]);
        assert_int_equal(ata[i].by_dma, 3);
        assert_int_equal(ata[i].by_48, i == 2 ? 0 : 3);
    }
    assert_int_equal(disk_bench_do(by_serial("TWO"), DISK_READ, 4, 8, buf),
                     -EINVAL);
}

/* No bus master, or a disk that is set to no DMA mode; slow status. */
static void test_by_pio(void **state)
{
    fake_ata_pci.is_native = fake_ata_pci.no_master = true;
    first->disk[0] = &ata[0];
    first->disk[1] = &ata[1];
    second->disk[0] = &ata[2];
    first->slow = 3;
    assert_int_equal(create(NATIVE), 0);
    assert_int_equal(disk_bench.disks, 3);
    for (unsigned i = 0; i < 3; i++) {
        struct disk *d = by_serial(names[i]);

        d->ops->open(d);
        write_and_read(d, &ata[i]);
        assert_int_equal(ata[i].by_dma, 0);
        assert_int_equal(d->max_sectors, 256);
    }
    setup_empty(state);
    ata[0].words[88] = 0x3f;
    first->disk[0] = &ata[0];
    assert_int_equal(create(COMPATIBLE), 0);
    disk(0)->ops->open(disk(0));
    write_and_read(disk(0), &ata[0]);
    assert_int_equal(ata[0].by_dma, 0);
}

static void test_nothing_there(void **state)
{
    first->disk[0] = &ata[0];
    first->is_atapi = true;
    assert_int_equal(create(COMPATIBLE), 0);
    assert_int_equal(disk_bench.disks, 0);
    assert_int_equal(ata[0].identifies, 0);
    assert_true(disk_bench.now < UINT64_C(1000000000));
    setup_empty(state);
    second->disk[0] = &ata[1];
    second->never_ready = true;
    assert_int_equal(create(COMPATIBLE), 0);
    assert_int_equal(disk_bench.disks, 0);
    assert_string_equal(disk_bench.left_out, "channel 1 device 0 left out: "
                        "it does not get ready");
    assert_int_equal(disk_bench.left_outs, 1);
    setup_empty(state);
    memset(ata[0].words, 0xff, sizeof ata[0].words);
    first->disk[0] = &ata[0];
    first->disk[1] = &ata[1];
    assert_int_equal(create(COMPATIBLE), 0);
    assert_int_equal(disk_bench.disks, 1);
    assert_string_equal(disk_bench.left_out, "channel 0 device 0 left out: "
                        "it is no ATA disk");
}

static void test_medium_error(void **state)
{
    struct disk *d = by_serial("ONE");

    ata[0].bad = 12;
    assert_int_equal(disk_bench_do(d, DISK_READ, 8, 8, buf), -EIO);
    assert_int_equal(disk_bench_do(d, DISK_WRITE, 12, 1, buf), -EIO);
    assert_int_equal(disk_bench_do(d, DISK_READ, 0, 8, buf), 0);
    assert_int_equal(d->counters.read_errors, 1);
    assert_int_equal(d->counters.write_errors, 1);
}

/* What the cable or the master did is done again by PIO; after the third time
 * there is no more DMA. */
static void test_dma_fails(void **state)
{
    struct disk *d = by_serial("ONE");

    first->crc_errors = 2;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(disk_bench_do(d, DISK_READ, 0, 8, buf), 0);
    assert_int_equal(disk_bench_counter(d, "crc_errors"), 2);
    assert_int_equal(disk_bench_counter(d, "by_pio"), 2);
    first->master_errors = 1;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(disk_bench_do(d, DISK_WRITE, 0, 8, buf), 0);
    assert_int_equal(disk_bench_counter(d, "by_pio"), 6);
}

/* A disk that says it is done while the master waits for more. */
static void test_short(void **state)
{
    struct disk *d = by_serial("ONE");

    first->is_short = true;
    assert_int_equal(disk_bench_do(d, DISK_READ, 0, 8, buf), -EIO);
    first->is_short = false;
    assert_int_equal(disk_bench_do(d, DISK_READ, 0, 8, buf), 0);
}

static void test_pio_lies(void **state)
{
    fake_ata_pci.no_master = true;
    first->disk[0] = &ata[0];
    assert_int_equal(create(COMPATIBLE), 0);
    disk(0)->ops->open(disk(0));
    first->wants_more = true;
    assert_int_equal(disk_bench_do(disk(0), DISK_WRITE, 0, 8, buf), -EIO);
    first->wants_more = false;
    first->wants_less = true;
    assert_int_equal(disk_bench_do(disk(0), DISK_READ, 0, 8, buf), -EIO);
    first->wants_less = false;
    assert_int_equal(disk_bench_do(disk(0), DISK_READ, 0, 8, buf), 0);
}

static void poll_for(struct disk *d, unsigned ms)
{
    for (unsigned i = 0; i < ms; i++) {
        disk_bench.now += 1000000;
        d->ops->poll(d);
    }
}

static struct bench_request submit(struct disk *d, enum disk_op op)
{
    return bench_request(op, 0, 8, buf);
}

/* One disk hangs: its requests fail, the other's on the channel is done. */
static void test_recover(void **state)
{
    struct disk *d = by_serial("ONE"), *other = by_serial("TWO");
    struct bench_request r[3] = { submit(d, DISK_READ), submit(d, DISK_WRITE),
                                  submit(other, DISK_READ) };

    for (unsigned i = 0; i < 3; i++) {
        struct disk *of = i < 2 ? d : other;

        r[i].req.ctx = &r[i];
        first->holds = true;
        assert_int_equal(of->ops->submit(of, &r[i].req), 0);
    }
    poll_for(d, 100);
    assert_int_equal(r[0].dones, 0);
    first->holds = false;
    d->ops->recover(d);
    assert_int_equal(r[0].error, -EIO);
    assert_int_equal(r[1].error, -EIO);
    assert_int_equal(r[2].dones, 0);
    poll_for(other, 100);
    assert_int_equal(r[2].error, 0);
    assert_int_equal(disk_bench_do(d, DISK_READ, 0, 8, buf), 0);
    assert_int_equal(d->counters.resets, 1);
}

/* The master goes on though it was told to stop: the buffer comes back when it
 * may not master the bus, or, if that does not help, when it has stopped. */
static void test_dma_goes_on(void **state)
{
    struct disk *d = by_serial("ONE");

    for (unsigned keeps = 0; keeps < 2; keeps++) {
        struct bench_request r = submit(d, DISK_READ);

        r.req.ctx = &r;
        first->holds = first->keeps_dma = true;
        disk_bench.keeps_master = keeps;
        assert_int_equal(d->ops->submit(d, &r.req), 0);
        d->ops->recover(d);
        assert_int_equal(r.dones, !keeps);
        poll_for(d, 100);
        assert_int_equal(r.dones, !keeps);
        first->holds = false;
        if (!keeps) {           /* it may not begin where that one left off */
            assert_int_equal(disk_bench_do(d, DISK_READ, 0, 8, buf), 0);
            assert_int_equal(disk_bench_counter(d, "by_pio"), 1);
            assert_true(disk_bench.is_no_master);
        }
        first->keeps_dma = disk_bench.keeps_master = false;
        first->bm_status = 0;
        poll_for(d, 100);
        assert_int_equal(r.dones, 1);
        assert_int_equal(r.error, -EIO);
        assert_int_equal(disk_bench_do(d, DISK_READ, 0, 8, buf), 0);
        assert_int_equal(disk_bench_counter(d, "by_pio"), 1);
    }
    assert_int_equal(d->counters.dma_unstopped, 1);
}

static void test_gone(void **state)
{
    struct disk *d = by_serial("ONE");
    struct bench_request r = submit(d, DISK_READ);

    r.req.ctx = &r;
    first->holds = true;
    assert_int_equal(d->ops->submit(d, &r.req), 0);
    disk_bench.is_gone = true;
    poll_for(d, 100);
    d->ops->recover(d);
    poll_for(d, 100);
    assert_int_equal(r.error, -ENODEV);
    assert_true(d->is_gone && by_serial("TWO")->is_gone);
    assert_false(d->is_open);
    assert_int_equal(d->ops->open(d), -ENODEV);
    assert_int_equal(disk_bench_do(d, DISK_READ, 0, 8, buf), -ENODEV);
    disk_bench.is_gone = first->holds = false;
    assert_true(disk_bench_settle(2000));
    if (d->ops->open(d)) {
        assert_true(disk_bench_settle(2000));
        assert_int_equal(d->ops->open(d), 0);
    }
    assert_int_equal(disk_bench_do(d, DISK_READ, 0, 8, buf), 0);
}

static void test_close(void **state)
{
    struct disk *d = by_serial("ONE");
    struct bench_request r = submit(d, DISK_WRITE);

    r.req.ctx = &r;
    first->holds = true;
    assert_int_equal(d->ops->submit(d, &r.req), 0);
    d->ops->close(d);
    assert_int_equal(r.error, -EIO);
    assert_int_equal(disk_bench_do(d, DISK_READ, 0, 8, buf), -ENODEV);
    first->holds = false;
    assert_int_equal(d->ops->open(d), 0);
    assert_int_equal(disk_bench_do(d, DISK_READ, 0, 8, buf), 0);
}

static void test_noise(void **state)
{
    for (unsigned round = 0; round < 50; round++) {
        struct disk *d = disk(round % 3);
        struct bench_request r = submit(d, round & 1 ? DISK_READ : DISK_FLUSH);

        r.req.ctx = &r;
        if (d->is_open)
            d->ops->submit(d, &r.req);
        disk_bench.is_noise = true;
        poll_for(d, 50);
        d->ops->recover(d);
        disk_bench.is_noise = false;
        disk_bench.controller->poll(disk_bench.controller);
        disk_bench_settle(60000);
        poll_for(d, 100);
        assert_true(r.dones <= 1);
        if (d->ops->open(d)) {
            assert_true(disk_bench_settle(60000));
            assert_int_equal(d->ops->open(d), 0);
        }
        assert_int_equal(disk_bench_do(d, DISK_READ, 0, 8, buf), 0);
    }
}

#define TEST(f) \
    cmocka_unit_test_setup_teardown(f, setup, disk_bench_teardown)
#define TEST_EMPTY(f) \
    cmocka_unit_test_setup_teardown(f, setup_empty, disk_bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_found), TEST(test_by_dma), TEST_EMPTY(test_by_pio),
        TEST_EMPTY(test_nothing_there), TEST(test_medium_error),
        TEST(test_dma_fails), TEST(test_short), TEST_EMPTY(test_pio_lies),
        TEST(test_recover), TEST(test_dma_goes_on), TEST(test_gone),
        TEST(test_close), TEST(test_noise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
