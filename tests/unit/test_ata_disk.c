/* What IDENTIFY DEVICE tells, and the commands that follow from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/block/ata_disk.h"
#include "tests/unit/fake_ata.h"

static struct fake_ata fake;
static struct ata_identity id;

static const char *identify(uint64_t sectors, uint32_t block, unsigned features)
{
    fake_ata_make(&fake, "SERIAL", sectors, block, features);
    return ata_disk_identify(fake.words, &id);
}

static void test_what_it_tells(void **state)
{
    assert_null(identify(UINT64_C(1) << 40, 512, FAKE_ATA_ALL));
    assert_true(id.sectors == UINT64_C(1) << 40);
    assert_true(id.lba48 && id.dma && id.write_cache && id.flush_ext);
    assert_false(id.removable);
    assert_string_equal(id.model, "FAKE DISK");
    assert_string_equal(id.serial, "SERIAL");
    assert_true(ata_disk_identify_is_sure(fake.words));
    fake.words[30] ^= 1;
    assert_false(ata_disk_identify_is_sure(fake.words));

    assert_null(identify(4096, 4096, FAKE_ATA_ALL));
    assert_int_equal(id.block_bytes, 4096);
    assert_int_equal(id.sectors, 4096);
    /* 512e: physical sectors of 4096 bytes are none of our business. */
    assert_null(identify(4096, 512, FAKE_ATA_ALL));
    fake.words[106] = 0x6003;
    assert_null(ata_disk_identify(fake.words, &id));
    assert_int_equal(id.block_bytes, 512);

    assert_null(identify(5000, 512, 0));
    assert_false(id.lba48 || id.flush_ext || id.write_cache);
    assert_int_equal(id.sectors, 5000);
    assert_false(ata_disk_identify_is_sure(fake.words));
    /* One that tells nothing of its cache may have one. */
    fake.words[87] = 0;
    assert_null(ata_disk_identify(fake.words, &id));
    assert_true(id.write_cache);
    /* What is not valid says nothing. */
    fake.words[83] = 0xffff;
    assert_null(ata_disk_identify(fake.words, &id));
    assert_false(id.lba48);
}

static void refused_with(unsigned word, uint16_t value, const char *why)
{
    identify(5000, 512, FAKE_ATA_ALL);
    fake.words[word] = value;
    assert_string_equal(ata_disk_identify(fake.words, &id), why);
}

static void test_refused(void **state)
{
    refused_with(0, 0x8580, "it is no ATA disk");
    refused_with(49, 0x100, "it has no LBA");
    refused_with(128, 7, "it is locked by a password");
    refused_with(100, 0, "it tells no size that can be");
    refused_with(103, 0x8000, "it tells no size that can be");
    assert_string_equal(identify(0, 512, 0), "it tells no size that can be");
    refused_with(106, 0x5000,
                 "its sectors have neither 512 nor 4096 bytes");
    identify(5000, 512, FAKE_ATA_ALL);
    fake.words[128] = 4;                        /* not supported: not set */
    fake.words[0] = 0x848a;                     /* CompactFlash */
    assert_null(ata_disk_identify(fake.words, &id));
}

/* Whatever the words are, what comes of them can be used. */
static void test_any_words(void **state)
{
    unsigned taken = 0;

    srand(1);
    for (unsigned i = 0; i < 100000; i++) {
        struct disk disk = { 0 };

        identify(1u << i % 28, i % 2 ? 512 : 4096, (unsigned)i % 8);
        for (unsigned k = 0; k < i % 40; k++)
            fake.words[(unsigned)rand() % 256] = (uint16_t)rand();
        if (ata_disk_identify(fake.words, &id))
            continue;
        taken++;
        ata_disk_describe(&id, &disk, 8192);
        assert_true(disk.sectors && disk.sectors <= UINT64_C(8) << 48);
        assert_true(disk.block_bytes == 512 || disk.block_bytes == 4096);
        assert_int_equal(disk.sectors % (disk.block_bytes / 512), 0);
        assert_in_range(disk.max_sectors, 256, 8192);
        assert_true(ata_disk_is_same(&id, &disk));
        for (const char *c = disk.model; *c; c++)
            assert_true(*c >= ' ' && *c <= '~');
    }
    assert_true(taken > 1000);
}

static void test_commands(void **state)
{
    struct disk_request r = { .op = DISK_READ, .sector = 80, .count = 65536 };
    struct ata_command c;

    identify(UINT64_C(1) << 40, 512, FAKE_ATA_ALL);
    c = ata_disk_command(&id, &r, true);
    assert_int_equal(c.command, ATA_READ_DMA_EXT);
    assert_int_equal(c.count, 0);
    assert_true(c.lba == 80 && c.is_48 && !c.is_write);
    r.op = DISK_WRITE;
    r.count = 16;
    c = ata_disk_command(&id, &r, false);
    assert_int_equal(c.command, ATA_WRITE_EXT);
    assert_true(c.count == 16 && c.is_write);
    identify(1 << 20, 4096, FAKE_ATA_ALL);
    c = ata_disk_command(&id, &r, true);
    assert_true(c.lba == 10 && c.count == 2);
    identify(1 << 20, 512, 0);
    r.count = 256;
    c = ata_disk_command(&id, &r, true);
    assert_int_equal(c.command, ATA_WRITE_DMA);
    assert_true(c.count == 0 && !c.is_48);
    assert_int_equal(c.device, ATA_DEVICE_LBA);
    r.op = DISK_FLUSH;
    c = ata_disk_command(&id, &r, true);
    assert_int_equal(c.command, ATA_FLUSH);
    assert_false(c.is_48 || c.is_write);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_tells),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_any_words),
        cmocka_unit_test(test_commands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
