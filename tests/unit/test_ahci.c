/* The AHCI driver against a register model, which may fail in many ways. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/block/ahci.h"
#include "drivers/block/ahci_regs.h"
#include "tests/unit/disk_driver_harness.h"
#include "tests/unit/fake_ahci.h"

#define BIG (UINT64_C(3) << 30)         /* sectors: beyond 28 bits */

static const struct bus_info info = { .vendor = 0x8086, .device = 0x2922,
                                      .slot = "00:1f.2" };
static struct fake_ata ata[3];
static uint8_t *buf;

static int setup_empty(void **state)
{
    disk_bench_make();
    fake_ahci_make();
    fake_ata_make(&ata[0], "ONE", 1000, 512, FAKE_ATA_ALL);
    fake_ata_make(&ata[1], "TWO", BIG, 4096, FAKE_ATA_ALL);
    fake_ata_make(&ata[2], "THREE", 1000, 512, FAKE_ATA_ALL);
    buf = disk_bench_buffer(65536, 0);
    return 0;
}

static int create(void)
{
    return disk_bench_create(&ahci_driver, &fake_ahci_bus, &info, 40);
}

/* Disks at ports 1 and 4, open. */
static int setup(void **state)
{
    setup_empty(state);
    fake_ahci.port[1].disk = &ata[0];
    fake_ahci.port[4].disk = &ata[1];
    if (create() || disk_bench.disks != 2)
        return -1;
    for (unsigned i = 0; i < 2; i++)
        if (disk_bench.disk[i]->ops->open(disk_bench.disk[i]))
            return -1;
    return 0;
}

static struct disk *disk(unsigned i) { return disk_bench.disk[i]; }

static void test_found(void **state)
{
    assert_string_equal(disk(0)->label, "ahci port 1 at 00:1f.2");
    assert_string_equal(disk(0)->model, "FAKE DISK");
    assert_string_equal(disk(0)->serial, "ONE");
    assert_int_equal(disk(0)->sectors, 1000);
    assert_int_equal(disk(0)->block_bytes, 512);
    assert_int_equal(disk(0)->unit, 1);
    assert_true(disk(0)->dma_below == UINT64_MAX);
    assert_string_equal(disk(1)->label, "ahci port 4 at 00:1f.2");
    assert_true(disk(1)->sectors == BIG);
    assert_int_equal(disk(1)->block_bytes, 4096);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(ata[i].writes + ata[i].reads + ata[i].flushes, 0);
    assert_int_equal(fake_ahci.bohc & BOHC_BOS, 0);
}

/* A 32-bit HBA that forgets its ports in a reset; a CD drive is no disk. */
static void test_old_hba(void **state)
{
    fake_ahci.cap &= ~CAP_S64A;
    fake_ahci.cap2 = 0;
    fake_ahci.loses_pi = true;
    fake_ahci.port[0] = (struct fake_ahci_port){ .disk = &ata[2],
                                                 .is_atapi = true };
    fake_ahci.port[5].disk = &ata[0];
    assert_int_equal(create(), 0);
    assert_int_equal(disk_bench.disks, 1);
    assert_true(disk(0)->dma_below == UINT64_C(1) << 32);
    assert_int_equal(ata[2].identifies, 0);
    assert_int_equal(fake_ahci.bohc, BOHC_BOS);         /* not asked for */
}

/* Firmware that does not give the HBA away loses it; one that is busy gets its
 * two seconds. */
static void test_handoff(void **state)
{
    fake_ahci.gave_up = false;
    fake_ahci.port[0].disk = &ata[0];
    assert_int_equal(create(), 0);
    assert_int_equal(disk_bench.disks, 1);
    assert_true(disk_bench.now < UINT64_C(1000000000));
    setup_empty(state);
    fake_ahci.gave_up = false;
    fake_ahci.bohc |= BOHC_BB;
    fake_ahci.port[0].disk = &ata[0];
    assert_int_equal(create(), 0);
    assert_int_equal(disk_bench.disks, 1);
    assert_true(disk_bench.now > UINT64_C(2000000000));
}

static void test_read_write_flush(void **state)
{
    for (unsigned i = 0; i < 16384; i++)
        buf[i] = (uint8_t)(i * 7);
    assert_int_equal(disk_bench_do(disk(0), DISK_WRITE, 999, 1, buf), 0);
    assert_memory_equal(ata[0].data + 511 * 512, buf, 512);
    assert_int_equal(disk_bench_do(disk(1), DISK_WRITE, BIG - 32, 32, buf), 0);
    assert_memory_equal(ata[1].data + (512 - 32) * 512, buf, 32 * 512);
    memset(buf, 0, 32 * 512);
    assert_int_equal(disk_bench_do(disk(1), DISK_READ, BIG - 8, 8, buf), 0);
    assert_int_equal(buf[1], (uint8_t)(24 * 512 + 1) * 7 % 256);
    assert_int_equal(ata[1].by_48, 2);
    assert_int_equal(disk_bench_do(disk(1), DISK_READ, 4, 8, buf), -EINVAL);
    assert_int_equal(disk_bench_do(disk(0), DISK_READ, 1000, 1, buf), -EINVAL);
    assert_int_equal(disk_bench_do(disk(0), DISK_FLUSH, 0, 0, NULL), 0);
    assert_int_equal(ata[0].flushes, 1);
    assert_int_equal(disk(0)->counters.flushes, 1);
    assert_int_equal(disk(1)->counters.sectors_written, 32);
}

/* No cache: no command for a flush, but it is done by poll, not in submit. */
static void test_no_cache(void **state)
{
    fake_ata_make(&ata[0], "ONE", 1000, 512, FAKE_ATA_ALL & ~FAKE_ATA_CACHE);
    fake_ahci.port[1].disk = &ata[0];
    assert_int_equal(create(), 0);
    disk(0)->ops->open(disk(0));
    assert_int_equal(disk_bench_do(disk(0), DISK_WRITE, 0, 1, buf), 0);
    assert_int_equal(disk_bench_do(disk(0), DISK_FLUSH, 0, 0, NULL), 0);
    assert_int_equal(ata[0].flushes, 0);
}

static void test_28_bits(void **state)
{
    fake_ata_make(&ata[0], "OLD", 1000, 512, FAKE_ATA_CACHE);
    fake_ahci.port[1].disk = &ata[0];
    assert_int_equal(create(), 0);
    disk(0)->ops->open(disk(0));
    assert_int_equal(disk(0)->max_sectors, 256);
    assert_int_equal(disk_bench_do(disk(0), DISK_WRITE, 0, 128, buf), 0);
    assert_int_equal(disk_bench_do(disk(0), DISK_READ, 999, 1, buf), 0);
    assert_int_equal(disk_bench_do(disk(0), DISK_FLUSH, 0, 0, NULL), 0);
    assert_int_equal(ata[0].by_48, 0);
    assert_int_equal(ata[0].flushes, 1);
}

#define QUEUED 5u
static struct bench_request queued[QUEUED];

static void submit_all(struct disk *d)
{
    for (unsigned i = 0; i < QUEUED; i++) {
        queued[i] = bench_request(i == 3 ? DISK_FLUSH : DISK_WRITE, 8 * i, 8,
                                  buf + 4096 * i);
        queued[i].req.ctx = &queued[i];
        assert_int_equal(d->ops->submit(d, &queued[i].req), 0);
    }
}

static void poll_for(struct disk *d, unsigned ms)
{
    for (unsigned i = 0; i < ms; i++) {
        disk_bench.now += 1000000;
        d->ops->poll(d);
    }
}

static void all_are(int error)
{
    for (unsigned i = 0; i < QUEUED; i++) {
        assert_int_equal(queued[i].dones, 1);
        assert_int_equal(queued[i].error, error);
    }
}

static void test_queue(void **state)
{
    fake_ahci.port[1].holds = true;
    submit_all(disk(0));
    poll_for(disk(0), 10);
    assert_int_equal(queued[0].dones, 0);
    fake_ahci_resume(1);
    poll_for(disk(0), 10);
    all_are(0);
    assert_int_equal(ata[0].flushes, 1);
}

/* The one that fails is told so, those behind it are done. */
static void test_medium_error(void **state)
{
    for (unsigned busy = 0; busy < 2; busy++) {
        unsigned comresets = fake_ahci.port[1].comresets;

        fake_ahci.port[1].stays_busy = busy;
        ata[0].bad = 12;
        fake_ahci.port[1].holds = true;
        submit_all(disk(0));
        fake_ahci_resume(1);
        poll_for(disk(0), 20);
        for (unsigned i = 0; i < QUEUED; i++)
            assert_int_equal(queued[i].error, i == 1 ? -EIO : 0);
        assert_int_equal(fake_ahci.port[1].comresets - comresets, busy);
    }
    assert_int_equal(disk(0)->counters.write_errors, 2);
    assert_int_equal(disk(0)->counters.resets, 1);
}

static void test_link_errors(void **state)
{
    fake_ahci.port[1].link_errors = 3;
    assert_int_equal(disk_bench_do(disk(0), DISK_WRITE, 1, 1, buf), 0);
    assert_int_equal(disk_bench_counter(disk(0), "link_errors"), 3);
    fake_ahci.port[1].link_errors = 4;
    assert_int_equal(disk_bench_do(disk(0), DISK_WRITE, 1, 1, buf), -EIO);
    assert_int_equal(disk_bench_do(disk(0), DISK_WRITE, 1, 1, buf), 0);
}

/* An error that ends nothing is none of the request's. */
static void test_harmless_error(void **state)
{
    fake_ahci.port[1].holds = true;
    submit_all(disk(0));
    fake_ahci.port[1].is |= IS_INFS;
    poll_for(disk(0), 10);
    fake_ahci_resume(1);
    poll_for(disk(0), 10);
    all_are(0);
}

static void test_short(void **state)
{
    fake_ahci.port[1].is_short = true;
    assert_int_equal(disk_bench_do(disk(0), DISK_READ, 0, 8, buf), -EIO);
    assert_int_equal(disk_bench_counter(disk(0), "short_transfers"), 1);
    fake_ahci.port[1].is_short = false;
    assert_int_equal(disk_bench_do(disk(0), DISK_READ, 0, 8, buf), 0);
}

/* An HBA that does not count is believed where the disk's own sum is right. */
static void test_no_count(void **state)
{
    fake_ata_make(&ata[2], "THREE", 1000, 512, FAKE_ATA_ALL & ~FAKE_ATA_SUM);
    fake_ahci.port[0] = (struct fake_ahci_port){ .disk = &ata[0],
                                                 .no_count = true };
    fake_ahci.port[1] = (struct fake_ahci_port){ .disk = &ata[2],
                                                 .no_count = true };
    assert_int_equal(create(), 0);
    assert_int_equal(disk_bench.disks, 1);
    disk(0)->ops->open(disk(0));
    assert_int_equal(disk_bench_do(disk(0), DISK_READ, 0, 8, buf), 0);
}

static void test_not_usable(void **state)
{
    ata[0].words[49] = 0;                                       /* no LBA */
    ata[1].words[117] = 260;                                    /* 520 bytes */
    memset(ata[2].words, 0xff, sizeof ata[2].words);
    for (unsigned i = 0; i < 3; i++)
        fake_ahci.port[i].disk = &ata[i];
    fake_ahci.port[4] = (struct fake_ahci_port){ .disk = &ata[0],
                                                 .never_ready = true };
    fake_ahci.port[5] = (struct fake_ahci_port){ .disk = &ata[0],
                                                 .no_link = true };
    assert_int_equal(create(), 0);
    assert_int_equal(disk_bench.disks, 0);
    assert_int_equal(disk_bench.left_outs, 4);
    assert_string_equal(disk_bench.left_out,
                        "port 4 left out: it does not get ready");
    /* It is not asked again and again. */
    for (unsigned i = 0; i < 20; i++) {
        disk_bench.now += UINT64_C(1000000000);
        disk_bench.controller->poll(disk_bench.controller);
    }
    assert_int_equal(ata[1].identifies, 1);
}

static void test_unplug(void **state)
{
    struct disk_controller *c = disk_bench.controller;

    fake_ahci.port[1].holds = true;
    submit_all(disk(0));
    fake_ahci_plug(1, NULL);
    poll_for(disk(0), 2000);
    all_are(-ENODEV);
    assert_true(disk(0)->is_gone);
    assert_false(disk(0)->is_open);
    assert_int_equal(disk(0)->ops->open(disk(0)), -ENODEV);
    assert_int_equal(disk_bench_do(disk(0), DISK_READ, 0, 1, buf), -ENODEV);
    c->poll(c);
    assert_true(c->is_settled);

    fake_ahci.port[1].holds = false;
    fake_ahci_plug(1, &ata[0]);                 /* the same again */
    c->poll(c);
    assert_true(disk_bench_settle(2000));
    assert_false(disk(0)->is_gone);
    assert_int_equal(disk(0)->ops->open(disk(0)), 0);
    assert_int_equal(disk_bench_do(disk(0), DISK_READ, 0, 1, buf), 0);
    assert_int_equal(disk_bench.disks, 2);

    fake_ahci_plug(1, &ata[2]);                 /* another, quickly */
    c->poll(c);
    assert_true(disk_bench_settle(2000));
    assert_int_equal(disk_bench.disks, 3);
    assert_string_equal(disk(2)->serial, "THREE");
    assert_true(disk(0)->is_gone);
    assert_int_equal(disk(0)->ops->open(disk(0)), -ENODEV);
    assert_int_equal(disk_bench_do(disk(0), DISK_READ, 0, 1, buf), -ENODEV);
    disk(0)->ops->recover(disk(0));
    disk(0)->ops->close(disk(0));
    assert_false(disk(0)->ops->poll(disk(0)));
    assert_int_equal(disk(2)->ops->open(disk(2)), 0);
    assert_int_equal(disk_bench_do(disk(2), DISK_READ, 0, 1, buf), 0);
}

/* The disk had no power for a moment: what was written but not flushed may be
 * gone, and the next flush says so. */
static void test_power_glitch(void **state)
{
    assert_int_equal(disk_bench_do(disk(0), DISK_WRITE, 0, 1, buf), 0);
    fake_ahci_plug(1, &ata[0]);
    poll_for(disk(0), 100);
    assert_true(disk(0)->is_open);
    assert_int_equal(disk_bench_do(disk(0), DISK_FLUSH, 0, 0, NULL), -EIO);
    assert_int_equal(disk_bench_do(disk(0), DISK_FLUSH, 0, 0, NULL), 0);
    fake_ahci_plug(1, &ata[0]);
    poll_for(disk(0), 100);
    assert_int_equal(disk_bench_do(disk(0), DISK_FLUSH, 0, 0, NULL), 0);
}

static void test_recover(void **state)
{
    fake_ahci.port[1].holds = true;
    submit_all(disk(0));
    disk(0)->ops->recover(disk(0));
    all_are(-EIO);
    fake_ahci.port[1].holds = false;
    assert_int_equal(disk_bench_do(disk(0), DISK_READ, 0, 1, buf), 0);
    assert_int_equal(disk(0)->counters.resets, 1);
    assert_int_equal(fake_ahci.resets, 1);
}

/* A port that does not stop keeps its buffers until the whole HBA is reset;
 * the other disk's request is begun again. */
static void test_port_hangs(void **state)
{
    struct bench_request other = bench_request(DISK_READ, 0, 8, buf);

    other.req.ctx = &other;
    fake_ahci.port[1].holds = fake_ahci.port[4].holds = true;
    fake_ahci.port[1].hangs = true;
    submit_all(disk(0));
    assert_int_equal(disk(1)->ops->submit(disk(1), &other.req), 0);
    disk(0)->ops->recover(disk(0));
    assert_int_equal(queued[0].dones, 0);
    poll_for(disk(0), 600);
    assert_int_equal(queued[0].dones, 0);
    fake_ahci.port[1].holds = fake_ahci.port[4].holds = false;
    disk_bench.controller->poll(disk_bench.controller);
    assert_true(disk_bench_settle(1000));
    all_are(-EIO);
    assert_int_equal(fake_ahci.resets, 2);
    poll_for(disk(1), 10);
    assert_int_equal(other.error, 0);
    assert_int_equal(disk_bench_do(disk(0), DISK_READ, 0, 1, buf), 0);
}

/* Nor does the HBA answer: its DMA ends with its mastering of the bus. */
static void test_deaf(void **state)
{
    for (unsigned keeps = 0; keeps < 2; keeps++) {
        fake_ahci.port[1].holds = fake_ahci.port[1].hangs = true;
        submit_all(disk(0));
        disk(0)->ops->recover(disk(0));
        disk_bench.is_deaf = true;
        disk_bench.keeps_master = keeps;
        poll_for(disk(0), 600);
        for (unsigned i = 0; i < 1200; i++) {
            disk_bench.now += 1000000;
            disk_bench.controller->poll(disk_bench.controller);
        }
        assert_int_equal(queued[0].dones, !keeps);
        assert_int_equal(disk_bench.left_outs, 1 + keeps);
        disk_bench.is_deaf = disk_bench.keeps_master = false;
        fake_ahci.port[1].holds = false;
        disk_bench.now += UINT64_C(30000000000);        /* it is tried again */
        disk_bench.controller->poll(disk_bench.controller);
        assert_true(disk_bench_settle(3000));
        for (unsigned i = 0; i < QUEUED; i++)
            assert_int_equal(queued[i].dones, 1);
        assert_int_equal(disk(0)->ops->open(disk(0)), 0);
        assert_int_equal(disk_bench_do(disk(0), DISK_READ, 0, 1, buf), 0);
    }
}

static void test_pulled_out(void **state)
{
    fake_ahci.port[1].holds = true;
    submit_all(disk(0));
    disk_bench.is_gone = true;
    poll_for(disk(0), 2);
    disk_bench.controller->poll(disk_bench.controller);
    assert_true(disk_bench_settle(2000));
    all_are(-ENODEV);
    assert_true(disk(0)->is_gone && disk(1)->is_gone);
    assert_string_equal(disk_bench.left_out, "it was pulled out");
    assert_int_equal(disk_bench_do(disk(1), DISK_READ, 0, 1, buf), -ENODEV);
    setup_empty(state);
    disk_bench.is_gone = true;
    assert_int_equal(create(), -EIO);
}

static void test_close(void **state)
{
    fake_ahci.port[1].holds = true;
    submit_all(disk(0));
    disk(0)->ops->close(disk(0));
    all_are(-EIO);
    assert_int_equal(disk_bench_do(disk(0), DISK_READ, 0, 1, buf), -ENODEV);
    fake_ahci.port[1].holds = false;
    assert_int_equal(disk(0)->ops->open(disk(0)), 0);
    assert_int_equal(disk_bench_do(disk(0), DISK_READ, 0, 1, buf), 0);
}

static void test_interrupt(void **state)
{
    struct bench_request r = bench_request(DISK_READ, 0, 1, buf);

    r.req.ctx = &r;
    fake_ahci.port[1].holds = true;
    disk(0)->ops->submit(disk(0), &r.req);
    disk(0)->ops->arm(disk(0));
    assert_int_equal(disk_bench.irq_armed, 1);
    assert_int_equal(disk_bench.woken, 0);
    assert_true(fake_ahci.ghc & GHC_IE);
    assert_true(fake_ahci.port[1].ie & IS_DONE);
    fake_ahci_resume(1);
    disk(0)->ops->poll(disk(0));
    assert_int_equal(r.error, 0);
    assert_int_equal(fake_ahci.port[1].ie, 0);
    /* It ended before it was armed for. */
    r = bench_request(DISK_READ, 0, 1, buf);
    r.req.ctx = &r;
    disk(0)->ops->submit(disk(0), &r.req);
    disk(0)->ops->arm(disk(0));
    assert_int_equal(disk_bench.woken, 1);
    disk(0)->ops->poll(disk(0));
    assert_int_equal(r.error, 0);
}

/* Registers that say anything: nothing is done twice, and what answers again
 * works again. */
static void test_noise(void **state)
{
    for (unsigned round = 0; round < 50; round++) {
        struct disk *d = disk(disk_bench.disks > 2 ? 0 : round % 2);

        if (d->is_open)
            submit_all(d);
        disk_bench.is_noise = true;
        poll_for(d, 50);
        disk_bench.controller->poll(disk_bench.controller);
        d->ops->arm(d);
        d->ops->recover(d);
        disk_bench.is_noise = false;
        disk_bench.controller->poll(disk_bench.controller);
        assert_true(disk_bench_settle(20000));
        for (unsigned i = 0; i < QUEUED && queued[i].req.ctx; i++)
            assert_int_equal(queued[i].dones, 1);
        if (d->ops->open(d)) {
            assert_true(disk_bench_settle(20000));
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
        TEST(test_found), TEST_EMPTY(test_old_hba), TEST_EMPTY(test_handoff),
        TEST(test_read_write_flush), TEST_EMPTY(test_no_cache),
        TEST_EMPTY(test_28_bits), TEST(test_queue), TEST(test_medium_error),
        TEST(test_link_errors), TEST(test_harmless_error),
        TEST(test_short), TEST_EMPTY(test_no_count),
        TEST_EMPTY(test_not_usable), TEST(test_unplug),
        TEST(test_power_glitch), TEST(test_recover), TEST(test_port_hangs),
        TEST(test_deaf), TEST(test_pulled_out), TEST(test_close),
        TEST(test_interrupt), TEST(test_noise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
