/* Which disk is the Trestle medium, and its slots (kernel/disk/medium.c). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/disk/backup_target.h"
#include "kernel/disk/disk_name.h"
#include "kernel/disk/gpt.h"
#include "kernel/disk/medium.h"
#include "kernel/platform.h"
#include "tests/unit/disk_harness.h"
#include "tests/unit/fake_physical.h"

#define DISKS 3u
#define ENTRIES 8u

static struct fake_physical fake[DISKS];
static struct medium medium;
static char why[200];

uint64_t platform_now_ns(void) { return fake_physical_now; }

void *platform_dma_alloc(size_t bytes, uint64_t max_address, uint64_t *phys)
{
    return fake_physical_memory(bytes, phys);
}

void platform_log(const char *fmt, ...) {}

struct disk *platform_disk(unsigned i)
{
    return i < DISKS ? &fake[i].disk : NULL;
}

static void put64(uint8_t *p, uint64_t v) { memcpy(p, &v, 8); }

static void seal(uint8_t *data)
{
    uint32_t crc = gpt_crc32(0, data + 1024, ENTRIES * 128);

    data[512 + 80] = ENTRIES;
    memcpy(data + 512 + 88, &crc, 4);
    put_gpt_crc(data + 512);
}

static void put_part(uint8_t *data, enum medium_part part, uint64_t start,
                     uint64_t count)
{
    const struct medium_part_kind *kind = &medium_part_kinds[part];
    uint8_t *e = data + 1024 + part * 128;

    memset(e, 0, 128);
    memcpy(e, kind->type, 16);
    put64(e + 32, start);
    put64(e + 40, start + count - 1);
    for (unsigned i = 0; kind->name[i]; i++)
        e[56 + 2 * i] = kind->name[i];
    seal(data);
}

/* As a stick has it, but smaller. */
static void put_medium(unsigned disk, uint32_t serial)
{
    uint8_t *data = fake[disk].data;

    put_gpt(data, FAKE_PHYSICAL_SECTORS, 99);
    put_part(data, MEDIUM_BIOS_BOOT, 40, 10);
    put_part(data, MEDIUM_ESP, 50, 100);
    put_part(data, MEDIUM_STATE, 150, 10);
    put_part(data, MEDIUM_SLOT_A, 160, 300);
    put_fat16(data + 50 * 512, serial);
}

static int setup(void **state)
{
    for (unsigned i = 0; i < DISKS; i++)
        fake_physical_make(&fake[i], 512);
    medium_select(NULL);
    strcpy(why, "nothing");
    return 0;
}

static int find(void)
{
    return medium_find(fake_physical_wait, &medium, why, sizeof why);
}

static void assert_why(const char *text)
{
    if (!strstr(why, text))
        fail_msg("'%s' is not in '%s'", text, why);
}

static void test_serials(void **state)
{
    static const char *const wrong[] = { "", "1234-ABC", "1234-ABCDE",
                                         "1234ABCD0", "1234-ABCG", "12345ABCD",
                                         "-234-ABCD" };
    uint32_t n;

    assert_true(medium_parse_serial("1234-ABCd", &n));
    assert_int_equal(n, 0x1234abcd);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(medium_parse_serial(wrong[i], &n));
}

static void test_none(void **state)
{
    put_gpt(fake[0].data, FAKE_PHYSICAL_SECTORS, 99);
    put_medium(1, 0x12340001);
    fake[1].data[512 + 40]++;           /* a checksum that is wrong */
    put_medium(2, 0x12340002);
    fake[2].away = true;
    assert_int_equal(find(), -ENOENT);
    assert_why("no disk of the PC's is a Trestle medium, as 'make stick'");
}

static void test_the_only_one(void **state)
{
    put_medium(1, 0x1234abcd);
    assert_int_equal(find(), 0);
    assert_ptr_equal(medium.disk, &fake[1].disk);
    assert_int_equal(medium.number, 1);
    assert_int_equal(medium.serial, 0x1234abcd);
    assert_int_equal(medium.part[MEDIUM_ESP].first, 50);
    assert_int_equal(medium.part[MEDIUM_SLOT_A].first, 160);
    assert_int_equal(medium.part[MEDIUM_SLOT_A].count, 300);
    assert_int_equal(medium.part[MEDIUM_SLOT_B].count, 0);
    /* Without a file system that can be read it is one all the same. */
    memset(fake[1].data + 50 * 512, 0, 512);
    assert_int_equal(find(), 0);
    assert_int_equal(medium.serial, 0);
}

static void test_several(void **state)
{
    put_medium(0, 0x12340001);
    put_medium(2, 0x12340002);
    assert_int_equal(find(), -EINVAL);
    assert_why("disk0 and disk2 both are Trestle media: take one out");
    medium_select("1234-0002");
    assert_int_equal(find(), 0);
    assert_int_equal(medium.number, 2);
    medium_select("1234-0003");
    assert_int_equal(find(), -ENOENT);
    assert_why("no disk of the PC's is the Trestle medium 1234-0003");
    medium_select("sda1");
    assert_int_equal(find(), -EINVAL);
    assert_why("-medium: 'sda1' is no serial number like 1234-ABCD");
    put_medium(2, 0x12340001);
    medium_select("1234-0001");
    assert_int_equal(find(), -EINVAL);
    assert_why("disk2 both are Trestle media with the serial number 1234-0001");
}

/* Partitions that lie outside of the disk are none. */
static void test_outside(void **state)
{
    put_medium(0, 1);
    put_part(fake[0].data, MEDIUM_SLOT_A, 900, 125);
    put_part(fake[0].data, MEDIUM_SLOT_B, UINT64_MAX - 10, 5);
    put_part(fake[0].data, MEDIUM_SLOT_C, 924, 100);
    assert_int_equal(find(), 0);
    assert_int_equal(medium.part[MEDIUM_SLOT_A].count, 0);
    assert_int_equal(medium.part[MEDIUM_SLOT_B].count, 0);
    assert_int_equal(medium.part[MEDIUM_SLOT_C].count, 100);
}

static void opens(const char *name, uint64_t first, uint64_t count)
{
    uint8_t sector[512];
    struct block *b;

    memset(fake[0].data + first * 512, 0x77, 512);
    assert_true(disk_name_is(name));
    assert_int_equal(disk_name_open(name, BLOCK_PHYS_WRITE, fake_physical_wait,
                                    &b, why, sizeof why), 0);
    assert_int_equal(b->sectors, count);
    assert_int_equal(block_read(b, 0, 1, sector), 0);
    assert_memory_equal(sector, fake[0].data + first * 512, 512);
    block_close(b);
}

static void refused(const char *name, int error, const char *text)
{
    struct block *b;

    assert_int_equal(disk_name_open(name, BLOCK_PHYS_WRITE, fake_physical_wait,
                                    &b, why, sizeof why), error);
    assert_why(text);
}

static void test_slots(void **state)
{
    struct block *b;

    assert_false(disk_name_is("slots"));
    assert_false(disk_name_is("slo"));
    refused("slot", -ENOENT, "no disk of the PC's is a Trestle medium");
    put_medium(0, 1);
    put_part(fake[0].data, MEDIUM_SLOT_C, 500, 20);
    opens("slot", 160, 300);
    opens("slot:a", 160, 300);
    opens("slot:c", 500, 20);
    refused("slot:b", -ENOENT, "disk0, a Trestle medium, has no partition "
            "'trestle-b'");
    refused("slot:d", -EINVAL, "'slot:d' is no slot: use slot, slot:a");
    refused("slot:", -EINVAL, "'slot:' is no slot");
    refused("slot:ab", -EINVAL, "'slot:ab' is no slot");
    assert_int_equal(find(), 0);
    assert_int_equal(medium_open(&medium, MEDIUM_SLOT_A, BLOCK_PHYS_WRITE,
                                 fake_physical_wait, &b, why, sizeof why), 0);
    refused("slot", -EBUSY, "cannot open partition 'trestle-a' of disk0: it is "
            "in use");
    block_close(b);
}

static int open_target(const char *name)
{
    struct block *b = NULL;
    int r = backup_target_open(name, true, fake_physical_wait, &b, why,
                               sizeof why);

    block_close(b);
    return r;
}

/* A backup overwrites nothing of what Trestle was started from. */
static void test_backup_target(void **state)
{
    static const char *const refused_ones[] = {
        "disk:0", "disk:0,part=1", "disk:0,part=2", "disk:0,part=3",
        "disk:0,part=4",
    };
    struct block *b;

    put_medium(0, 1);
    put_part(fake[0].data, MEDIUM_SLOT_C, 500, 20);
    fake[0].data[1024 + MEDIUM_SLOT_C * 128]++;         /* another type */
    seal(fake[0].data);
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned k = 0; k < 5; k++) {
            assert_int_equal(open_target(refused_ones[k]), -EBUSY);
            assert_why("it is in use, or a part of it");
        }
        assert_int_equal(open_target("disk:0,part=6"), 0);
        assert_int_equal(open_target("disk:1"), 0);
        /* The same while a machine has the slot. */
        assert_int_equal(find(), 0);
        if (!i)
            assert_int_equal(medium_open(&medium, MEDIUM_SLOT_A,
                                         BLOCK_PHYS_WRITE, fake_physical_wait,
                                         &b, why, sizeof why), 0);
    }
    block_close(b);
    put_medium(2, 2);
    assert_int_equal(open_target("disk:1"), -EINVAL);
    assert_why("disk0 and disk2 both are Trestle media");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serials),
        cmocka_unit_test_setup(test_none, setup),
        cmocka_unit_test_setup(test_the_only_one, setup),
        cmocka_unit_test_setup(test_several, setup),
        cmocka_unit_test_setup(test_outside, setup),
        cmocka_unit_test_setup(test_slots, setup),
        cmocka_unit_test_setup(test_backup_target, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
