/* USB mass storage, hubs, and the drivers of xHCI and EHCI controllers, against
 * models of controllers and of a stick: one that works, one that lies, one that
 * stalls, hangs or is pulled out at each transfer. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/usb/ehci.h"
#include "drivers/usb/usb.h"
#include "drivers/usb/xhci.h"
#include "tests/unit/disk_driver_harness.h"
#include "tests/unit/fake_ehci.h"
#include "tests/unit/fake_usb.h"
#include "tests/unit/fake_xhci.h"

#define MS 1000000u
#define AREA (128 * 512)

static const struct bus_info info = {
    .vendor = 0x1b36, .device = 0x000d, .slot = "00:14.0",
};
static bool is_ehci;
static struct disk *disk;
static uint8_t *area;

static void make(void)
{
    disk_bench_make();
    fake_usb_make();
    fake_xhci_make();
    fake_ehci_make();
    disk = NULL;
    area = disk_bench_buffer(AREA, 0);
}

static int create(void)
{
    int r = disk_bench_create(is_ehci ? &ehci_driver : &xhci_driver,
                              is_ehci ? &fake_ehci_bus : &fake_xhci_bus,
                              &info, 120);

    disk = disk_bench.disks ? disk_bench.disk[0] : NULL;
    return r;
}

static void start(void)
{
    assert_int_equal(create(), 0);
    assert_int_equal(disk_bench.disks, 1);
    assert_int_equal(disk->ops->open(disk), 0);
}

static int setup_xhci(void **state) { is_ehci = false; make(); return 0; }
static int setup_ehci(void **state) { is_ehci = true; make(); return 0; }

static void anew(void)
{
    disk_bench_teardown(NULL);
    make();
}

static void plug(bool in)
{
    fake_usb_plug(in);
    if (fake_usb.has_hub)
        return;
    if (is_ehci)
        fake_ehci_plugged();
    else
        fake_xhci_plugged();
}

static void poll_for(unsigned ms)
{
    struct disk_controller *c = disk_bench.controller;

    for (unsigned i = 0; i < ms; i++) {
        disk_bench.now += MS;
        c->poll(c);
    }
}

/* As block_phys.c does it, with a shorter patience. */
static int run(enum disk_op op, uint64_t sector, uint32_t count)
{
    struct bench_request r = bench_request(op, sector, count, area);
    int error;

    r.req.ctx = &r;
    if (!disk->is_open) {
        error = disk->ops->open(disk);
        if (error)
            return error;
    }
    error = disk->ops->submit(disk, &r.req);
    if (error)
        return error;
    for (unsigned i = 0; i < 2000 && !r.dones; i++) {
        disk_bench.now += 20 * MS;
        disk->ops->poll(disk);
        if (i == 100 && !r.dones)
            disk->ops->recover(disk);
    }
    assert_int_equal(r.dones, 1);
    assert_true(r.error <= 0);
    return r.error;
}

static void assert_works(void)
{
    memset(area, 0x5a, AREA);
    assert_int_equal(run(DISK_WRITE, 8, 128), 0);
    assert_int_equal(fake_usb.data[8 * 512], 0x5a);
    assert_int_equal(fake_usb.data[136 * 512 - 1], 0x5a);
    memset(area, 0, AREA);
    assert_int_equal(run(DISK_READ, 8, 128), 0);
    assert_int_equal(area[0], 0x5a);
    assert_memory_equal(area, area + 1, AREA - 1);
    assert_int_equal(run(DISK_FLUSH, 0, 0), 0);
}

/* ---- One that works ------------------------------------------------------ */

static void test_identity(void **state)
{
    start();
    assert_string_equal(disk->label, "usb port 2 at 00:14.0");
    assert_string_equal(disk->model, "Maker Stick of tests");
    assert_string_equal(disk->serial, "SERIAL 42");
    assert_int_equal(disk->sectors, FAKE_USB_BYTES / 512);
    assert_int_equal(disk->block_bytes, 512);
    assert_int_equal(disk->max_sectors, 128);
    assert_true(disk->removable && !disk->read_only);
    assert_int_equal(disk_bench.left_outs, 0);
    assert_works();
    assert_int_equal(fake_usb.flushes, 1);
    assert_int_equal(disk_bench_counter(disk, "usb_errors"), 0);
    assert_int_equal(disk_bench_counter(disk, "usb_bad_events"), 0);
    disk->ops->close(disk);
    assert_works();
}

/* Over pages and boundaries of 64 KiB, from any multiple of 4. */
static void test_every_shape(void **state)
{
    static const unsigned offsets[] = { 0, 4, 512, 3584, 4092, 65532, 61440 };
    static const uint32_t counts[] = { 1, 7, 8, 9, 31, 32, 33, 127, 128 };

    start();
    fake_usb.device[0].is_there = true;
    for (unsigned o = 0; o < 7; o++)
        for (unsigned c = 0; c < 9; c++) {
            uint32_t bytes = counts[c] * 512, sector = 3 * o + c;

            area = (uint8_t *)disk_bench_buffer(2 * 65536, 0) + offsets[o];
            for (uint32_t i = 0; i < bytes; i++)
                area[i] = (uint8_t)(i * 7 + i / 512 + o);
            assert_int_equal(run(DISK_WRITE, sector, counts[c]), 0);
            assert_memory_equal(fake_usb.data + sector * 512, area, bytes);
            for (uint32_t i = 0; i < bytes; i++)
                fake_usb.data[sector * 512 + i] ^= 0xa5;
            assert_int_equal(run(DISK_READ, sector, counts[c]), 0);
            assert_memory_equal(fake_usb.data + sector * 512, area, bytes);
            anew();
            start();
        }
}

static void test_contexts_of_64_bytes(void **state)
{
    fake_xhci.context_bytes = 64;
    start();
    assert_works();
}

static void test_blocks_of_4096(void **state)
{
    fake_usb.block_bytes = 4096;
    fake_usb.blocks = FAKE_USB_BYTES / 4096;
    start();
    assert_int_equal(disk->block_bytes, 4096);
    assert_int_equal(disk->sectors, FAKE_USB_BYTES / 512);
    assert_int_equal(run(DISK_READ, 4, 8), -EINVAL);
    assert_works();
}

/* Blocks beyond 32 bits, by the commands of 16 bytes. */
static void test_large(void **state)
{
    fake_usb.blocks = UINT64_C(1) << 33;
    start();
    assert_true(disk->sectors == UINT64_C(1) << 33);
    area[0] = 0x77;
    assert_int_equal(run(DISK_WRITE, (UINT64_C(1) << 32) + 8, 1), 0);
    assert_int_equal(fake_usb.cdb[0], 0x8a);
    assert_int_equal(fake_usb.data[8 * 512], 0x77);
    assert_int_equal(run(DISK_READ, (UINT64_C(1) << 32) - 1, 1), 0);
    assert_int_equal(fake_usb.cdb[0], 0x28);
}

static void test_write_protected(void **state)
{
    fake_usb.read_only = true;
    start();
    assert_true(disk->read_only);
    assert_int_equal(run(DISK_WRITE, 0, 1), -EROFS);
    disk->read_only = false;            /* as if it had not said so */
    assert_int_equal(run(DISK_WRITE, 0, 1), -EROFS);
    assert_int_equal(run(DISK_READ, 0, 1), 0);
}

static void test_no_flush(void **state)
{
    fake_usb.no_flush = true;
    start();
    assert_works();
    assert_int_equal(fake_usb.flushes, 0);
}

static void test_units(void **state)
{
    fake_usb.max_lun = 3;
    start();
    assert_string_equal(disk_bench.left_out, "port 2 left out: all units of "
                        "it but the first of 4");
    assert_works();
}

static void test_hub(void **state)
{
    fake_usb_add_hub();
    start();
    assert_string_equal(disk->label, "usb port 2.2 at 00:14.0");
    assert_works();
    plug(false);
    poll_for(500);
    assert_true(disk->is_gone);
    plug(true);
    poll_for(2000);
    assert_false(disk->is_gone);
    assert_works();
    /* The hub itself. */
    fake_usb.device[0] = (struct fake_usb_device){ .is_there = false };
    if (is_ehci)
        fake_ehci_plugged();
    else
        fake_xhci_plugged();
    poll_for(1000);
    assert_true(disk->is_gone);
}

static void test_wakeup(void **state)
{
    struct bench_request r;

    start();
    r = bench_request(DISK_READ, 0, 1, area);
    r.req.ctx = &r;
    assert_int_equal(disk->ops->submit(disk, &r.req), 0);
    disk->ops->arm(disk);
    disk->ops->arm(disk);
    assert_int_equal(disk_bench.irq_armed, 1);
    for (unsigned i = 0; i < 100 && !r.dones; i++)
        disk->ops->poll(disk);
    assert_int_equal(r.error, 0);
    if (is_ehci)
        assert_int_equal(fake_ehci.intr, 0);
    else
        assert_int_equal(fake_xhci.iman, 0);
}

/* ---- From the firmware --------------------------------------------------- */

static void test_handoff(void **state)
{
    fake_xhci.legacy |= 1u << 16;
    fake_ehci.legacy |= 1u << 16;
    start();
    assert_int_equal(is_ehci ? fake_ehci.legacy >> 16
                             : fake_xhci.legacy >> 16, 0x100);
    assert_works();
    anew();
    fake_xhci.legacy |= 1u << 16;
    fake_ehci.legacy |= 1u << 16;
    fake_xhci.firmware_stays = fake_ehci.firmware_stays = true;
    start();
    assert_works();
}

static void test_not_wanted(void **state)
{
    usb_is_wanted = false;
    assert_int_equal(create(), -ENOTSUP);
    usb_is_wanted = true;
    start();
}

/* ---- Faults at each transfer --------------------------------------------- */

/* It is plugged in, and another one if it did not tell all of itself before. */
static void assert_back(void)
{
    assert_in_range(disk_bench.disks, 1, 2);
    disk = disk_bench.disk[disk_bench.disks - 1];
    if (disk->is_gone)
        disk = disk_bench.disk[0];
    assert_works();
}

/* What it does until it is read and written, and then works again. */
static void with_fault(unsigned at, unsigned more, enum fake_usb_result fault,
                       bool unplugs)
{
    anew();
    fake_usb.fault_at = at;
    fake_usb.fault_count = more;
    fake_usb.fault = fault;
    fake_usb.unplugs = unplugs;
    assert_int_equal(create(), 0);
    for (unsigned i = 0; disk && i < (fault == FAKE_NAK ? 1 : 3); i++) {
        run(DISK_WRITE, 8, 128);
        run(DISK_READ, 8, 128);
        run(DISK_FLUSH, 0, 0);
    }
    fake_usb.fault_at = 0;
    plug(false);
    poll_for(2000);
    plug(true);
    poll_for(4000);
    assert_back();
}

static unsigned transfers(void)
{
    start();
    assert_works();
    return fake_usb.transfers;
}

static void test_stalls(void **state)
{
    unsigned n = transfers();

    assert_in_range(n, 25, 60);
    for (unsigned i = 1; i <= n; i++)
        with_fault(i, 0, FAKE_STALL, false);
    for (unsigned i = 1; i <= n; i++)
        with_fault(i, 3, FAKE_STALL, false);
}

static void test_errors(void **state)
{
    unsigned n = transfers();

    for (unsigned i = 1; i <= n; i++) {
        with_fault(i, 0, FAKE_ERROR, false);
        with_fault(i, 6, FAKE_ERROR, false);
        with_fault(i, 0, FAKE_BABBLE, false);
    }
}

static void test_silence(void **state)
{
    unsigned n = transfers();

    for (unsigned i = 1; i <= n; i++)
        with_fault(i, 1000000, FAKE_NAK, false);
}

static void test_unplugged_at_each(void **state)
{
    unsigned n = transfers();

    for (unsigned i = 1; i <= n; i++)
        with_fault(i, 0, FAKE_ERROR, true);
}

/* ---- Statuses that lie --------------------------------------------------- */

/* Once: the request is tried once more; what it was is counted. */
static void lies(bool *what, const char *counter)
{
    uint64_t before;

    anew();
    start();
    before = disk_bench_counter(disk, counter);
    *what = true;
    assert_int_equal(run(DISK_READ, 0, 8), 0);
    assert_int_equal(disk_bench_counter(disk, counter), before + 1);
    assert_int_equal(disk_bench_counter(disk, "usb_recoveries"), 1);
    assert_works();
}

static void test_statuses(void **state)
{
    lies(&fake_usb.bad_tag, "usb_bad_tags");
    lies(&fake_usb.bad_signature, "usb_bad_status");
    lies(&fake_usb.bad_residue, "usb_bad_status");
    lies(&fake_usb.short_status, "usb_bad_status");
    lies(&fake_usb.phase_error, "usb_phase_errors");
    fake_usb.empty_status = true;
    assert_works();
    assert_int_equal(disk_bench_counter(disk, "usb_recoveries"), 1);
}

static void test_short_read(void **state)
{
    start();
    fake_usb.short_read = true;
    assert_int_equal(run(DISK_READ, 0, 8), -EIO);
    assert_int_equal(run(DISK_READ, 0, 128), -EIO);
    assert_int_equal(disk_bench_counter(disk, "usb_short_transfers"), 2);
    assert_int_equal(disk->counters.read_errors, 2);
    fake_usb.short_read = false;
    assert_works();
}

/* ---- Commands that fail -------------------------------------------------- */

static void next_sense(uint8_t key, uint8_t asc, uint8_t ascq, unsigned times)
{
    fake_usb.senses_told = 0;
    fake_usb.senses = times;
    for (unsigned i = 0; i < times; i++)
        memcpy(fake_usb.sense[i], (uint8_t[]){ key, asc, ascq }, 3);
}

static void test_sense(void **state)
{
    start();
    next_sense(3, 0x11, 0, 1);
    assert_int_equal(run(DISK_READ, 0, 8), -EIO);
    assert_int_equal(disk_bench_counter(disk, "usb_last_sense"), 0x031100);
    next_sense(4, 0x44, 0, 1);
    assert_int_equal(run(DISK_WRITE, 0, 8), -EIO);
    next_sense(5, 0x24, 0, 1);
    assert_int_equal(run(DISK_READ, 0, 8), -EIO);
    next_sense(2, 4, 1, 4);             /* becoming ready */
    assert_int_equal(run(DISK_READ, 0, 8), 0);
    next_sense(6, 0x2a, 1, 2);
    assert_int_equal(run(DISK_READ, 0, 8), 0);
    next_sense(0xb, 0, 0, 4);
    assert_int_equal(run(DISK_WRITE, 0, 8), 0);
    next_sense(0xb, 0, 0, 10);
    assert_int_equal(run(DISK_WRITE, 0, 8), -EIO);
    next_sense(0, 0, 0, 0);
    assert_works();
}

/* It was reset: what it had in its cache may be lost, and a flush says so. */
static void test_attention_of_reset(void **state)
{
    start();
    assert_int_equal(run(DISK_WRITE, 0, 8), 0);
    next_sense(6, 0x29, 0, 1);
    assert_int_equal(run(DISK_READ, 0, 8), 0);
    assert_int_equal(run(DISK_FLUSH, 0, 0), -EIO);
    assert_int_equal(run(DISK_FLUSH, 0, 0), 0);
    next_sense(6, 0x29, 0, 1);
    assert_int_equal(run(DISK_READ, 0, 8), 0);
    assert_int_equal(run(DISK_FLUSH, 0, 0), 0);
}

static void test_medium_changed(void **state)
{
    start();
    next_sense(6, 0x28, 0, 1);
    assert_int_equal(run(DISK_READ, 0, 8), -ENODEV);
    assert_true(disk->is_gone && !disk->is_open);
    poll_for(100);
    assert_false(disk->is_gone);        /* the same size: known again */
    assert_works();
    next_sense(2, 0x3a, 0, 1);
    fake_usb.blocks--;
    assert_int_equal(run(DISK_READ, 0, 8), -ENODEV);
    poll_for(2000);
    assert_true(disk->is_gone);
    assert_int_equal(disk_bench.disks, 2);
    disk = disk_bench.disk[1];
    assert_works();
}

static void test_no_medium(void **state)
{
    next_sense(2, 0x3a, 0, 3);
    assert_int_equal(create(), 0);
    assert_int_equal(disk_bench.disks, 0);
    assert_int_equal(disk_bench.left_outs, 0);
    poll_for(5000);
    assert_int_equal(disk_bench.disks, 1);
    disk = disk_bench.disk[0];
    assert_works();
}

static void test_left_out(void **state)
{
    fake_usb.inquiry_type = 5;
    assert_int_equal(create(), 0);
    assert_string_equal(disk_bench.left_out,
                        "port 2 left out: mass storage that is no disk");
    anew();
    fake_usb.block_bytes = 2048;
    assert_int_equal(create(), 0);
    assert_string_equal(disk_bench.left_out, "port 2 left out: its blocks are "
                        "neither of 512 nor of 4096 bytes");
    anew();
    fake_usb.blocks = UINT64_C(1) << 60;
    assert_int_equal(create(), 0);
    assert_string_equal(disk_bench.left_out,
                        "port 2 left out: its capacity is impossible");
    anew();
    fake_usb.config[14] = 3;            /* a keyboard */
    assert_int_equal(create(), 0);
    assert_string_equal(disk_bench.left_out,
                        "port 2 left out: no driver for the device 0781:5567");
    assert_int_equal(disk_bench.disks, 0);
}

/* ---- Descriptors that lie ------------------------------------------------ */

/* Each byte of each, as several others: it is a disk, or is left out. */
static void test_descriptors(void **state)
{
    static const uint8_t values[] = { 0, 1, 2, 7, 9, 0x7f, 0x81, 0xff };
    unsigned disks = 0;

    for (unsigned i = 0; i < 18 + 32 + 6; i++)
        for (unsigned v = 0; v < sizeof values; v++) {
            uint8_t *at;

            anew();
            at = i < 18 ? &fake_usb.descriptor[i]
                 : i < 50 ? &fake_usb.config[i - 18] : &fake_usb.serial[i - 50];
            *at = values[v];
            fake_usb.config[2] = i == 20 && values[v] > FAKE_USB_CONFIG
                                     ? FAKE_USB_CONFIG : fake_usb.config[2];
            fake_usb.serial[0] = i == 50 && values[v] > 64 ? 64
                                                   : fake_usb.serial[0];
            assert_int_equal(create(), 0);
            if (disk) {
                assert_int_equal(disk->ops->open(disk), 0);
                assert_works();
                disks++;
            } else {
                assert_true(disk_bench.left_outs);
            }
        }
    assert_in_range(disks, 100, 400);
}

/* ---- Plugged in and out -------------------------------------------------- */

static void test_unplugged(void **state)
{
    struct bench_request r;

    start();
    r = bench_request(DISK_READ, 0, 1, area);
    r.req.ctx = &r;
    fake_usb.fault_at = fake_usb.transfers + 1;
    fake_usb.fault_count = 1000;
    fake_usb.fault = FAKE_NAK;
    assert_int_equal(disk->ops->submit(disk, &r.req), 0);
    poll_for(10);
    assert_int_equal(r.dones, 0);
    plug(false);
    poll_for(100);
    assert_int_equal(r.dones, 1);
    assert_int_equal(r.error, -ENODEV);
    assert_true(disk->is_gone);
    assert_int_equal(disk->ops->open(disk), -ENODEV);
    fake_usb.fault_at = 0;
    plug(true);
    poll_for(2000);
    assert_false(disk->is_gone);
    assert_int_equal(disk_bench.disks, 1);
    assert_works();
    plug(false);
    poll_for(1000);
    fake_usb.serial[2] = 'X';
    plug(true);
    poll_for(2000);
    assert_int_equal(disk_bench.disks, 2);
    assert_true(disk->is_gone);
    assert_string_equal(disk_bench.disk[1]->serial, "XERIAL 42");
}

/* Many others, one after the other: no more than are kept, no line for each. */
static void test_many(void **state)
{
    start();
    for (unsigned i = 0; i < 40; i++) {
        plug(false);
        poll_for(300);
        fake_usb.serial[2] = (uint8_t)('A' + i);
        plug(true);
        poll_for(2000);
    }
    assert_int_equal(disk_bench.disks, 16);
    assert_int_equal(disk_bench.left_outs, 8);
}

static void test_companion(void **state)
{
    fake_ehci.full_speed = true;
    assert_int_equal(create(), 0);
    assert_int_equal(disk_bench.disks, 0);
    assert_string_equal(disk_bench.left_out, "port 2 left out: full or low "
                        "speed: a companion controller has it, which nobody "
                        "drives");
    fake_ehci.full_speed = false;
    plug(false);
    poll_for(500);
    plug(true);
    poll_for(2000);
    assert_int_equal(disk_bench.disks, 1);
}

/* ---- Controllers that fail ----------------------------------------------- */

static void test_pulled_out(void **state)
{
    struct bench_request r;

    start();
    r = bench_request(DISK_READ, 0, 1, area);
    r.req.ctx = &r;
    fake_usb.fault_at = fake_usb.transfers + 1;
    fake_usb.fault_count = 1000;
    fake_usb.fault = FAKE_NAK;
    assert_int_equal(disk->ops->submit(disk, &r.req), 0);
    disk_bench.is_gone = true;
    disk_bench_look(disk);
    assert_int_equal(r.error, -ENODEV);
    assert_true(disk->is_gone);
    assert_int_equal(disk->ops->open(disk), -ENODEV);
    disk->ops->recover(disk);
    disk->ops->arm(disk);
    disk_bench.is_gone = false;
    fake_usb.fault_at = 0;
    disk_bench.now += UINT64_C(30000) * MS;
    poll_for(10000);
    assert_false(disk->is_gone);
    assert_works();
}

/* It has failed, and does not answer its reset: buffers go back when its DMA
 * cannot be under way. */
static void fails(bool keeps_master)
{
    struct bench_request r;

    anew();
    start();
    r = bench_request(DISK_READ, 0, 1, area);
    r.req.ctx = &r;
    fake_usb.fault_at = fake_usb.transfers + 1;
    fake_usb.fault_count = 1000;
    fake_usb.fault = FAKE_NAK;
    assert_int_equal(disk->ops->submit(disk, &r.req), 0);
    disk_bench.is_deaf = true;
    disk_bench.keeps_master = keeps_master;
    fake_xhci.sts |= 1u << 2;
    fake_ehci.sts |= 1u << 4;
    poll_for(6000);
    assert_int_equal(r.dones, !keeps_master);
    assert_int_equal(disk->counters.resets_unanswered, 1);
    assert_int_equal(disk->counters.dma_unstopped, keeps_master);
    disk_bench.is_deaf = disk_bench.is_no_master = false;
    fake_xhci.cmd = fake_ehci.cmd = 0;
    fake_usb.fault_at = 0;
    fake_xhci.sts &= ~(1u << 2);
    fake_ehci.sts &= ~(1u << 4);
    disk_bench.now += UINT64_C(30000) * MS;
    fake_xhci.sts |= 1;
    fake_ehci.sts |= 1u << 12;
    poll_for(10000);
    assert_int_equal(r.dones, 1);
    assert_int_equal(r.error, -ENODEV);
    assert_works();
    assert_int_equal(disk_bench_counter(disk, "usb_host_restarts"), 1);
}

static void test_fails(void **state)
{
    fails(false);
    fails(true);
}

static void test_dead_at_start(void **state)
{
    disk_bench.is_deaf = true;
    fake_xhci.cmd = fake_ehci.cmd = 2;
    assert_int_equal(create(), 0);
    assert_string_equal(disk_bench.left_out,
                        "left out: it does not answer its reset");
    anew();
    disk_bench.is_gone = true;
    assert_int_equal(create(), -EIO);
}

static void test_noise(void **state)
{
    start();
    disk_bench.is_noise = true;
    poll_for(3000);
    disk_bench.is_noise = false;
    disk_bench.now += UINT64_C(30000) * MS;
    fake_xhci.sts |= 1;
    fake_ehci.sts |= 1u << 12;
    disk_bench.is_no_master = false;
    poll_for(15000);
    disk = disk_bench.disk[0];
    assert_works();
}

/* Commands that fail or get no answer: once, and for ever. */
static void test_commands_fail(void **state)
{
    static const uint8_t types[] = {
        TRB_ENABLE_SLOT, TRB_ADDRESS_DEVICE, TRB_CONFIGURE_ENDPOINT,
        TRB_STOP_ENDPOINT, TRB_RESET_ENDPOINT, TRB_SET_TR_DEQUEUE,
        TRB_DISABLE_SLOT,
    };
    static const uint8_t codes[] = { CODE_TRB, 0 };

    for (unsigned i = 0; i < sizeof types * 4; i++) {
        anew();
        fake_xhci.fail_type = types[i / 4];
        fake_xhci.fail_code = codes[i & 1];
        fake_xhci.fail_count = i & 2 ? 1 : 5;
        fake_usb.fault_at = 12;                 /* for those of errors */
        fake_usb.fault = FAKE_STALL;
        fake_usb.fault_count = 1;
        create();
        plug(false);
        poll_for(1000);
        plug(true);
        poll_for(30000);
        fake_xhci.fail_type = 0;
        plug(false);
        poll_for(1000);
        plug(true);
        poll_for(4000);
        assert_back();
    }
}

/* Events of no transfer, slot or command. */
static void test_events_lie(void **state)
{
    start();
    fake_xhci_event(0x1230, 1u << 24, TRB_TYPE(TRB_TRANSFER_EVENT) |
                    TRB_SLOT(200) | TRB_ENDPOINT(9));
    fake_xhci_event(0x1230, 1u << 24, TRB_TYPE(TRB_COMMAND_EVENT));
    fake_xhci_event(0x1230, 1u << 24, TRB_TYPE(63));
    assert_works();
    assert_int_equal(disk_bench_counter(disk, "usb_bad_events"), 3);
    for (unsigned i = 0; i < 3000; i++)
        fake_xhci_event(disk_bench_noise(), disk_bench_noise() | 1u << 24,
                        (disk_bench_noise() & ~1u & ~(0x3fu << 10)) |
                        TRB_TYPE(TRB_TRANSFER_EVENT)),
        disk->ops->poll(disk);
    assert_works();
    fake_xhci.bad_pointers = true;
    assert_int_equal(run(DISK_READ, 0, 1), -EIO);
    fake_xhci.bad_pointers = false;
    poll_for(10000);
    assert_works();
}

/* More is left of a transfer than there was; a doorbell that is not heard. */
static void test_ehci_lies(void **state)
{
    start();
    fake_ehci.lies = true;
    run(DISK_READ, 0, 1);
    fake_ehci.lies = false;
    poll_for(10000);
    assert_works();
    assert_true(disk_bench_counter(disk, "usb_bad_events") > 0);
    fake_ehci.deaf_doorbell = true;
    plug(false);
    poll_for(5000);
    fake_ehci.deaf_doorbell = false;
    assert_true(disk->is_gone);
    plug(true);
    poll_for(8000);
    assert_works();
}

static void wild(uint32_t *offset, uint32_t value, const char *what)
{
    *offset = value;
    assert_int_equal(create(), -EIO);
    assert_int_equal(disk_bench.left_outs, 1);
    if (!strstr(disk_bench.left_out, what) ||
        !strstr(disk_bench.left_out, "are not among its 0x2100 bytes"))
        fail_msg("%#x: %s", value, disk_bench.left_out);
    assert_int_equal(fake_xhci.starts, 0);
    anew();
}

/* Registers that begin or end outside, and a list that leads there. */
static void test_wild_offsets(void **state)
{
    static const uint32_t outside[] = { 0, 0x1c, FAKE_XHCI_BYTES,
                                        0x80000000u, 0xffffffe0u };
    static const struct bus_info any = { .slot = "00:14.0" };
    struct bus small = fake_xhci_bus;

    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        wild(&fake_xhci.run, outside[i], "left out: its runtime registers "
             "(RTSOFF) (64 bytes at ");
        wild(&fake_xhci.doorbell, outside[i], "left out: its doorbells (DBOFF) "
             "(36 bytes at ");
    }
    wild(&fake_xhci.run, FAKE_XHCI_BYTES - 0x20, "RTSOFF");
    wild(&fake_xhci.doorbell, FAKE_XHCI_BYTES - 0x20, "DBOFF");
    wild(&fake_xhci.op, 0x1f, "operational registers (CAPLENGTH) (1056 bytes");
    wild(&fake_xhci.op, 0, "CAPLENGTH");
    wild(&fake_xhci.xecp, 0x1c, "extended capabilities (4 bytes at 0x1c)");
    wild(&fake_xhci.xecp, FAKE_XHCI_BYTES, "extended capabilities");
    wild(&fake_xhci.xecp, 0x3fffc, "capabilities (4 bytes at 0x3fffc)");
    wild(&fake_xhci.xecp, FAKE_XHCI_BYTES - 4, "capabilities (8 bytes");
    fake_xhci.xecp = FAKE_XHCI_BYTES - 8;       /* and the next is behind */
    wild(&fake_xhci.legacy, XCAP_LEGACY | 2 << 8, "extended capabilities");
    small.size = 0x400;
    assert_int_equal(disk_bench_create(&xhci_driver, &small, &any, 1), -EIO);
    assert_string_equal(disk_bench.left_out, "left out: its operational "
                        "registers (CAPLENGTH) (1056 bytes at 0x20) are not "
                        "among its 0x400 bytes of registers");
}

#define ONLY(host, f) { #f " (" #host ")", f, setup_##host, \
                        disk_bench_teardown, NULL }
#define BOTH(f) ONLY(xhci, f), ONLY(ehci, f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_identity),
        BOTH(test_every_shape),
        ONLY(xhci, test_contexts_of_64_bytes),
        BOTH(test_blocks_of_4096),
        BOTH(test_large),
        BOTH(test_write_protected),
        BOTH(test_no_flush),
        BOTH(test_units),
        BOTH(test_hub),
        BOTH(test_wakeup),
        BOTH(test_handoff),
        BOTH(test_not_wanted),
        BOTH(test_stalls),
        BOTH(test_errors),
        BOTH(test_silence),
        BOTH(test_unplugged_at_each),
        BOTH(test_statuses),
        BOTH(test_short_read),
        BOTH(test_sense),
        BOTH(test_attention_of_reset),
        BOTH(test_medium_changed),
        BOTH(test_no_medium),
        BOTH(test_left_out),
        BOTH(test_descriptors),
        BOTH(test_unplugged),
        BOTH(test_many),
        ONLY(ehci, test_companion),
        BOTH(test_pulled_out),
        BOTH(test_fails),
        BOTH(test_dead_at_start),
        BOTH(test_noise),
        ONLY(xhci, test_commands_fail),
        ONLY(xhci, test_events_lie),
        ONLY(xhci, test_wild_offsets),
        ONLY(ehci, test_ehci_lies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
