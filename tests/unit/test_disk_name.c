/* How options name the PC's own disks (kernel/disk/disk_name.c). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/disk/disk_name.h"
#include "kernel/platform.h"
#include "tests/unit/disk_harness.h"
#include "tests/unit/fake_physical.h"

#define DISKS 4u

static struct fake_physical fake[DISKS];
static struct block *block;
static char why[200];

uint64_t platform_now_ns(void) { return fake_physical_now; }

void *platform_dma_alloc(size_t bytes, uint64_t max_address, uint64_t *phys)
{
    return fake_physical_memory(bytes, phys);
}

struct disk *platform_disk(unsigned i)
{
    return i < DISKS ? &fake[i].disk : NULL;
}

/* A GPT, an MBR, one of blocks of 4096 bytes, and nothing. */
static int setup(void **state)
{
    static const char *const slots[] = { "00:1f.2", "00:1f.2", "00:03.0", "" };
    static const char *const serials[] = { "S0", "S1", "S1", "" };

    for (unsigned i = 0; i < DISKS; i++) {
        fake_physical_make(&fake[i], i == 2 ? 4096 : 512);
        strcpy(fake[i].disk.slot, slots[i]);
        strcpy(fake[i].disk.serial, serials[i]);
    }
    put_gpt(fake[0].data, FAKE_PHYSICAL_SECTORS, 99);
    put_lba_entry(fake[1].data, 0, 0x83, 8, 16);
    put_lba_entry(fake[1].data, 1, 0x83, 1000, 25);
    put_lba_entry(fake[2].data, 0, 0x83, 8, 16);
    fake[1].data[510] = 0x55;
    fake[1].data[511] = 0xaa;
    return 0;
}

static int open_name(const char *name)
{
    strcpy(why, "nothing");
    return disk_name_open(name, BLOCK_PHYS_WRITE, fake_physical_wait, &block,
                          why, sizeof why);
}

/* It is `disk`, from `first` on, of `count` sectors. */
static void names(const char *name, unsigned disk, uint64_t first,
                  uint64_t count)
{
    uint8_t sector[512];

    memset(fake[disk].data + first * 512, 0x77, 512);
    assert_int_equal(open_name(name), 0);
    assert_true(block->sectors == count);
    assert_int_equal(block_read(block, 0, 1, sector), 0);
    assert_memory_equal(sector, fake[disk].data + first * 512, 512);
    block_close(block);
    setup(NULL);
}

static void test_names(void **state)
{
    assert_true(disk_name_is("disk:0"));
    assert_false(disk_name_is("disk0.img"));
    names("disk:0", 0, 0, FAKE_PHYSICAL_SECTORS);
    names("disk:3", 3, 0, FAKE_PHYSICAL_SECTORS);
    names("disk:serial=S0", 0, 0, FAKE_PHYSICAL_SECTORS);
    names("disk:00:03.0", 2, 0, FAKE_PHYSICAL_SECTORS);
    names("disk:0,label=root", 0, 40, 60);
    names("disk:0,part=2", 0, 40, 60);
    names("disk:1,part=1", 1, 8, 16);
    names("disk:2,part=1", 2, 64, 128);         /* blocks of 4096 bytes */
}

static void refused(const char *name, int error, const char *text)
{
    assert_int_equal(open_name(name), error);
    if (!strstr(why, text))
        fail_msg("'%s' is not in '%s'", text, why);
}

static void test_refused(void **state)
{
    char longest[300];

    refused("disk:4", -ENOENT, "no disk '4' among the PC's 4, which 'info");
    refused("disk:", -ENOENT, "no disk ''");
    refused("disk:-1", -ENOENT, "no disk '-1'");
    refused("disk:99999999999999999999", -ENOENT, "no disk '9");
    refused("disk:serial=", -ENOENT, "no disk 'serial='");
    refused("disk:serial=S1", -EINVAL, "disk1 and disk2 both are 'serial=S1'");
    refused("disk:00:1f.2", -EINVAL, "disk0 and disk1 both are '00:1f.2'");
    refused("disk:0,part=3", -ENOENT, "disk '0' has no partition 'part=3'");
    refused("disk:0,label=", -ENOENT, "no partition 'label='");
    refused("disk:0,part=x", -ENOENT, "no partition 'part=x'");
    refused("disk:0,size=3", -EINVAL, "'size=3' in the name of disk '0' is");
    refused("disk:1,part=2", -EINVAL, "partition 2 of disk '1' ends behind");
    refused("disk:3,part=1", -ENOENT, "no partition 'part=1' among its 0");
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    memcpy(longest, "disk:", 5);
    refused(longest, -EINVAL, "is no name of a disk");
    fake[0].error = -EIO;
    refused("disk:0,part=2", -EIO, "cannot read disk '0'");
    fake[0].away = true;
    refused("disk:0", -ENODEV, "it is gone");
    fake[0].disk.read_only = true;
    refused("disk:0", -EROFS, "write-protected");
}

/* A partition is looked up while another is in use. */
static void test_in_use(void **state)
{
    struct block *first;

    assert_int_equal(open_name("disk:1,part=1"), 0);
    first = block;
    refused("disk:1,part=1", -EBUSY, "it is in use, or a part of it");
    refused("disk:1", -EBUSY, "it is in use, or a part of it");
    put_lba_entry(fake[1].data, 1, 0x83, 500, 25);
    assert_int_equal(open_name("disk:1,part=2"), 0);
    block_close(block);
    block_close(first);
    assert_int_equal(open_name("disk:1"), 0);
    block_close(block);
}

/* Memory for DMA is never given back. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_names, setup),
        cmocka_unit_test_setup(test_refused, setup),
        cmocka_unit_test_setup(test_in_use, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
