/* The monitor's command `install`, with disks in the test's memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "kernel/disk/gpt_make.h"
#include "kernel/disk/medium.h"
#include "kernel/options.h"
#include "kernel/platform.h"
#include "tests/unit/console_harness.h"
#include "tests/unit/disk_harness.h"
#include "tests/unit/fake_physical.h"

#define TO_SECTORS (5 * MEDIUM_ALIGN)

enum { FROM, TO, OTHER, DISKS };

static struct fake_physical fake[DISKS];
static uint8_t target[TO_SECTORS * 512];
static unsigned stopped_when_read;      /* a bit for each machine */
static unsigned disk_count;
static bool no_task;
static unsigned fail_at;        /* this write of the target, from 1 */

/* ---- In place of the platform: a task is on the I/O core ------------------- */

int platform_task_start(void (*run)(void *arg), void *arg,
                        struct platform_task **out)
{
    if (no_task)
        return -EAGAIN;
    run(arg);
    return 0;
}

bool platform_task_has_ended(const struct platform_task *t) { return true; }
void platform_task_free(struct platform_task *t) {}
void platform_task_poke(struct platform_task *t) {}
void platform_task_wait(uint64_t deadline_ns) {}
uint64_t platform_tasks_run(void) { return UINT64_MAX; }

struct disk *platform_disk(unsigned i)
{
    return i < disk_count ? &fake[i].disk : NULL;
}

/* ---- A small medium -------------------------------------------------------- */

static const struct { uint64_t first, count; } parts[] = {
    [MEDIUM_BIOS_BOOT] = { 40, 10 }, [MEDIUM_ESP] = { 50, 100 },
    [MEDIUM_STATE] = { 150, 32 }, [MEDIUM_SLOT_A] = { 200, 300 },
};
#define PARTS (sizeof parts / sizeof *parts)

static void put_medium(uint8_t *data, enum medium_part without)
{
    static const uint8_t guid[16] = { 1 };
    uint8_t *entries = data + 1024;

    memset(data, 0, FAKE_PHYSICAL_SECTORS * 512);
    gpt_make_protective(data, FAKE_PHYSICAL_SECTORS);
    for (unsigned i = 0; i < PARTS; i++)
        if (i != without)
            gpt_make_entry(entries, i, medium_part_kinds[i].type, guid,
                           parts[i].first, parts[i].count,
                           medium_part_kinds[i].name);
    gpt_make_header(data + 512, false, FAKE_PHYSICAL_SECTORS, guid, entries);
    put_fat16(data + 50 * 512, 0x1234abcd);
    memset(data + 200 * 512, 0x5a, 300 * 512);
}

static struct disk_ops ops;
static int (*submit)(struct disk *disk, struct disk_request *req);

static int look(struct disk *disk, struct disk_request *req)
{
    if (disk == &fake[TO].disk && req->op == DISK_WRITE && fail_at &&
        !--fail_at)
        fake[TO].error = -EIO;
    /* Is the image read now, and who waits then? */
    if (disk == &fake[FROM].disk && req->op == DISK_READ &&
        req->sector >= 200 && req->sector < 500)
        for (unsigned i = 0; i < 2; i++)
            if (guest_is_stopped(guests[i]))
                stopped_when_read |= 1u << i;
    return submit(disk, req);
}

static int setup(void **state)
{
    *state = (void *)&two_machines;
    disk_count = 0;             /* for the machines */
    if (console_setup(state))
        return -1;
    for (unsigned i = 0; i < DISKS; i++) {
        fake_physical_make(&fake[i], 512);
        fake[i].polls_each = 1;
        fake[i].disk.dma_below = UINT64_MAX;    /* the program's own memory */
    }
    disk_count = DISKS;
    put_medium(fake[FROM].data, MEDIUM_PARTS);
    ops = *fake[FROM].disk.ops;
    submit = ops.submit;
    ops.submit = look;
    fake[FROM].disk.ops = fake[TO].disk.ops = &ops;
    memset(target, 0, sizeof target);
    memset(target, 0x77, 512);
    fake[TO].bytes = target;
    fake[TO].disk.sectors = TO_SECTORS;
    stopped_when_read = fail_at = 0;
    no_task = false;
    medium_select("1234-ABCD");
    return 0;
}

static void set_disk(unsigned machine, const char *name)
{
    struct options *o = (struct options *)guests[machine]->options;

    strcpy(o->drive[0].file, name);
}

static const char *install(void)
{
    type("\001c");
    assert_shows(type("install disk1\r"), "ALL of it will be lost.");
    assert_shows(type("y\r"), "To begin, type the disk's name, disk1:");
    return type("disk1\r");
}

/* ---- Tests ----------------------------------------------------------------- */

static void test_whole(void **state)
{
    assert_shows(install(), "install disk1: done");
    assert_shows(line.out, "take this medium out, and start from disk1.");
    assert_int_equal(target[MEDIUM_ALIGN * 512], 0x5a);
    assert_int_equal(stopped_when_read, 0);
}

/* Whatever the name by which it has the medium, or a part of it. */
static void test_machines_wait(void **state)
{
    static const struct { const char *name[2]; unsigned waits; } cases[] = {
        { { "slot", "router.img" }, 1 }, { { "slot:a", "disk:2" }, 1 },
        { { "disk:0,part=4", "slot:b" }, 3 },
        { { "disk:9", "disk:0" }, 2 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_disk(0, cases[i].name[0]);
        set_disk(1, cases[i].name[1]);
        stopped_when_read = 0;
        assert_shows(install(), "' waits while the image is copied\r\n");
        assert_shows(line.out, "install disk1: done");
        assert_int_equal(stopped_when_read, cases[i].waits);
        assert_false(guest_is_stopped(guests[0]));
        assert_false(guest_is_stopped(guests[1]));
        type("\001c");
    }
}

/* It was stopped before, and stays so. */
static void test_stopped(void **state)
{
    set_disk(0, "slot:a");
    assert_true(guest_stop(guests[0]));
    assert_shows(install(), "install disk1: done");
    assert_null(strstr(line.out, "waits while"));
    assert_true(guest_is_stopped(guests[0]));
}

/* The first and the last: whether the disk takes them is not known. */
static void test_left(void **state)
{
    static const struct { unsigned at; const char *says; } cases[] = {
        { 1, "Nobody knows what starts from disk1 now. 'install disk1' can be "
          "tried again." },
        { 3, "Nothing starts from disk1 now. 'install disk1' can be tried "
          "again." },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fail_at = cases[i].at;
        assert_shows(install(), "install disk1: failed");
        assert_shows(line.out, cases[i].says);
        type("\001c");
    }
    no_task = true;
    memset(target, 0x77, 512);
    assert_shows(install(), "install disk1: cannot start a task");
    assert_shows(line.out, "Nothing was written to disk1.");
    assert_null(strstr(line.out, "starts from"));
    assert_int_equal(target[0], 0x77);
}

static void refused(const char *disk, const char *why)
{
    char text[40];

    snprintf(text, sizeof text, "install %s\r", disk);
    assert_shows(type(text), why);
    assert_shows(line.out, "\r\n(trestle) ");
    assert_null(strstr(line.out, "ALL of it"));
}

static void test_refused(void **state)
{
    type("\001c");
    refused("disk0", "install disk0: Trestle was started from it");
    refused("disk2", "install disk2: the disk has 524 KB, and 4.2 MB are "
            "needed");
    refused("disk9", "install: 'disk9' is no disk");
    fake[TO].disk.block_bytes = 4096;
    refused("disk1", "install disk1: its blocks, or the medium's, are of 4096 "
            "bytes: GRUB does not start there");
    fake[TO].disk.block_bytes = 512;
    fake[TO].disk.read_only = true;
    refused("disk1", "install disk1: it is write-protected");
    fake[TO].disk.read_only = false;
    put_medium(fake[FROM].data, MEDIUM_BIOS_BOOT);
    refused("disk1", "install disk1: the medium has no partition "
            "'trestle-bios', so that a disk made from it would not start by "
            "BIOS: start from one that 'make stick' made");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define INSTALL_TEST(f) cmocka_unit_test_setup_teardown(f, setup, console_teardown)
        INSTALL_TEST(test_whole), INSTALL_TEST(test_machines_wait),
        INSTALL_TEST(test_stopped), INSTALL_TEST(test_left),
        INSTALL_TEST(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
