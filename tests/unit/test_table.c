/* Partition tables: MBR, EBRs, GPT, and what size they ask for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/disk/table.h"
#include "tests/unit/disk_harness.h"

#define SECTORS 300u

static uint8_t data[SECTORS * 512];
static struct memory_block disk;
static struct table table;

static int start(void **state)
{
    memset(data, 0, sizeof data);
    memory_block_init(&disk, data, SECTORS);
    return 0;
}

static uint64_t asked(void)
{
    struct table_size t;

    assert_int_equal(table_read_size(&disk.block, &t), 0);
    return t.asked;
}

static void assert_fault(const char *words)
{
    assert_int_equal(table_read(&disk.block, 512, &table), 0);
    assert_non_null(table.size.fault);
    assert_string_equal(table.size.fault, words);
}

/* ---- MBR ------------------------------------------------------------------- */

static void test_seed_page(void **state)
{
    put_seed_mbr(data);
    assert_int_equal(table_read(&disk.block, 512, &table), 0);
    assert_int_equal(table.size.kind, TABLE_MBR);
    assert_int_equal(table.size.asked, 42336);
    assert_int_equal(table.size.heads, 16);
    assert_int_equal(table.size.sectors, 63);
    assert_int_equal(table.count, 2);
    assert_int_equal(table.partition[0].count, 9009);   /* 4504+ blocks */
    assert_int_equal(table.partition[1].count, 33201);  /* 16600+ blocks */
    assert_int_equal(table.partition[1].number, 2);
    assert_null(table.size.fault);
}

/* A last partition that ends inside a cylinder: fdisk shows all of that. */
static void test_rounds_up_to_cylinders(void **state)
{
    put_chs_entry(data, 0, 63, 9 * 1008 - 63, 16, 63);
    put_chs_entry(data, 1, 9 * 1008, 33 * 1008 - 500, 16, 63);
    assert_int_equal(asked(), 42336);
}

static void test_lba_ends_where_it_ends(void **state)
{
    put_lba_entry(data, 3, 0x83, 2048, 1000);
    assert_int_equal(asked(), 3048);
    /* A multiple of 63, which is no geometry where CHS says nothing. */
    put_lba_entry(data, 3, 0x83, 2048, 63 * 100 - 2048);
    assert_int_equal(asked(), 6300);
    /* The usual 255 heads of today, ending anywhere. */
    put_chs_entry(data, 3, 2048, 40000, 255, 63);
    assert_int_equal(asked(), 42048);
    /* Beyond CHS's reach. */
    memset(data, 0, 512);
    put_chs_entry(data, 0, 63, 1000 * 1008 - 63, 16, 63);
    put_lba_entry(data, 1, 0x83, 1000 * 1008, 500 * 1008 + 5);
    assert_int_equal(asked(), 1500 * 1008 + 5);
}

static void test_odd_tables(void **state)
{
    assert_int_equal(asked(), 0);
    put_seed_mbr(data);
    data[510] = 0;
    assert_int_equal(asked(), 0);
    put_seed_mbr(data);
    data[446] = 0x12;                           /* a boot sector */
    assert_int_equal(asked(), 0);
    memset(data, 0, 512);
    put_lba_entry(data, 0, 0x83, 0xffffffff, 0xffffffff);
    assert_int_equal(asked(), 0x1fffffffeull);  /* no overflow */
    disk.block.sectors = 0;
    assert_int_equal(asked(), 0);
}

static void test_read_error(void **state)
{
    struct table_size t;

    put_gpt(data, 5000, 4900);
    disk.bad_sector = 1;
    assert_int_equal(table_read_size(&disk.block, &t), -EIO);
    disk.bad_sector = 0;
    assert_int_equal(table_read(&disk.block, 512, &table), -EIO);
}

/* ---- Extended partitions ---------------------------------------------------- */

/* Extended: sectors 100 to 299; logical ones in [110, 150) and [210, 220). */
static void put_extended(void)
{
    put_lba_entry(data, 0, 0x83, 10, 50);
    put_lba_entry(data, 2, 0x0f, 100, 200);
    put_lba_entry(data + 100 * 512, 0, 0x83, 10, 40);
    put_lba_entry(data + 100 * 512, 1, 0x05, 100, 50);
    put_lba_entry(data + 200 * 512, 0, 0x82, 10, 10);
}

static void test_extended(void **state)
{
    put_extended();
    assert_int_equal(table_read(&disk.block, 512, &table), 0);
    assert_null(table.size.fault);
    assert_int_equal(table.size.asked, 300);
    assert_int_equal(table.count, 4);
    assert_int_equal(table.partition[2].number, 5);
    assert_int_equal(table.partition[2].start, 110);
    assert_int_equal(table.partition[3].number, 6);
    assert_int_equal(table.partition[3].start, 210);
    assert_int_equal(table.partition[3].type, 0x82);
}

static void test_wrong_links(void **state)
{
    static const char damaged[] =
        "an extended partition's table is damaged";

    put_extended();                             /* back to itself */
    put_lba_entry(data + 200 * 512, 1, 0x05, 100, 50);
    assert_fault(damaged);
    put_lba_entry(data + 200 * 512, 1, 0x05, 0, 50);    /* to the first */
    assert_fault(damaged);
    put_lba_entry(data + 200 * 512, 1, 0x05, 200, 50);  /* behind it */
    assert_fault(damaged);
    put_lba_entry(data + 200 * 512, 1, 0x05, 0xffffffff, 50);
    assert_fault(damaged);
    put_extended();                             /* a partition too long */
    put_lba_entry(data + 200 * 512, 0, 0x82, 10, 91);
    assert_fault(damaged);
    put_extended();
    data[200 * 512 + 510] = 0;
    assert_fault(damaged);
    assert_int_equal(table.size.asked, 300);
    /* In what a short image lacks: nothing is wrong. */
    disk.block.sectors = 200;
    assert_int_equal(table_read(&disk.block, 512, &table), 0);
    assert_null(table.size.fault);
    assert_int_equal(table.count, 3);
}

static void test_too_many_logical(void **state)
{
    put_lba_entry(data, 0, 0x05, 10, 290);
    for (unsigned i = 10; i < 299; i++) {
        put_lba_entry(data + i * 512, 0, 0x83, 0, 1);
        put_lba_entry(data + i * 512, 1, 0x05, i - 9, 1);
    }
    assert_int_equal(table_read(&disk.block, 512, &table), 0);
    assert_non_null(table.size.fault);
    assert_int_equal(table.count, TABLE_PARTITIONS);
}

/* ---- GPT -------------------------------------------------------------------- */

/* The table counts blocks of 4096 bytes. */
static void test_large_blocks(void **state)
{
    uint8_t small[3 * 512];

    put_gpt(small, 60, 49);
    memcpy(data, small, 512);
    memcpy(data + 4096, small + 512, 512);
    memcpy(data + 2 * 4096, small + 2 * 512, 512);
    assert_int_equal(table_read(&disk.block, 4096, &table), 0);
    assert_null(table.size.fault);
    assert_int_equal(table.size.kind, TABLE_GPT);
    assert_int_equal(table.size.asked, 60 * 8);
    assert_int_equal(table.count, 1);
    assert_int_equal(table.partition[0].start, 40 * 8);
    assert_int_equal(table.partition[0].count, 10 * 8);
    /* One that starts where no disk does is not somewhere else. */
    memset(data + 2 * 4096 + 128 + 32, 0xff, 7);
    data[2 * 4096 + 128 + 32 + 7] = 0x7f;
    memset(data + 2 * 4096 + 128 + 40, 0xff, 8);
    assert_int_equal(table_read(&disk.block, 4096, &table), 0);
    assert_true(table.partition[0].start == UINT64_MAX);
}

static void test_gpt(void **state)
{
    put_gpt(data, 5000, 4900);
    assert_int_equal(table_read(&disk.block, 512, &table), 0);
    assert_null(table.size.fault);
    assert_int_equal(table.size.kind, TABLE_GPT);
    assert_int_equal(table.size.asked, 5000);
    assert_int_equal(table.count, 1);
    assert_int_equal(table.partition[0].number, 2);
    assert_int_equal(table.partition[0].start, 40);
    assert_int_equal(table.partition[0].count, 4861);
    assert_string_equal(table.partition[0].name, "root");
    /* Its backup is somewhere in front: there must be room for one. */
    data[512 + 32] = 0xff;
    data[512 + 33] = 0x13;                      /* 5119 */
    data[512 + 48] = 5116 & 255;
    data[512 + 49] = 5116 >> 8;
    put_gpt_crc(data + 512);
    assert_int_equal(asked(), 5120);
}

static void test_gpt_damaged(void **state)
{
    put_gpt(data, 5000, 4900);
    data[512 + 48] ^= 1;
    assert_fault("the checksum of the GPT's header is wrong");
    assert_int_equal(table.size.kind, TABLE_MBR);
    assert_int_equal(table.size.asked, 0);
    data[512] = 'X';
    assert_fault("the GPT's header is missing");
    put_gpt(data, 5000, 4900);
    data[1024 + 128 + 60] ^= 1;
    assert_fault("the checksum of the GPT's entries is wrong");
    assert_int_equal(table.size.asked, 5000);
    put_gpt(data, 5000, 4900);
    data[512 + 72] = 0xff;                      /* entries at 255 of 300 */
    data[512 + 81] = 1;                         /* 260 of them: 65 sectors */
    put_gpt_crc(data + 512);
    assert_fault("the GPT's entries lie behind the end");
}

static void test_gpt_contradictions(void **state)
{
    /* Offset in the header, value of the byte there. */
    static const struct { unsigned at; uint8_t value; } changes[] = {
        { 24, 2 },              /* it says it is elsewhere */
        { 41, 0xff },           /* first usable behind the last */
        { 49, 0xff },           /* last usable behind the backup */
        { 72, 0 }, { 79, 0xff },        /* entries at 0, at the end of time */
        { 80, 0 }, { 82, 1 },   /* none; too many */
        { 84, 64 }, { 84, 129 }, { 87, 1 },     /* entries of odd sizes */
    };

    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        put_gpt(data, 5000, 4900);
        data[512 + changes[i].at] = changes[i].value;
        put_gpt_crc(data + 512);
        assert_fault("the GPT's header contradicts itself");
        assert_int_equal(table.size.asked, 0);
    }
    put_gpt(data, 5000, 4900);
    data[512 + 12] = 91;
    assert_fault("the checksum of the GPT's header is wrong");
    data[512 + 13] = 0xff;
    assert_fault("the checksum of the GPT's header is wrong");
    disk.block.sectors = 1;
    assert_fault("the GPT's header is missing");
}

static void test_too_large(void **state)
{
    put_gpt(data, 1ull << 40, 4900);
    assert_fault("asks for more than 16 TiB");
    assert_int_equal(table.size.asked, 0);
    put_gpt(data, UINT64_MAX, 4900);
    assert_fault("asks for more than 16 TiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_seed_page, start),
        cmocka_unit_test_setup(test_rounds_up_to_cylinders, start),
        cmocka_unit_test_setup(test_lba_ends_where_it_ends, start),
        cmocka_unit_test_setup(test_odd_tables, start),
        cmocka_unit_test_setup(test_read_error, start),
        cmocka_unit_test_setup(test_extended, start),
        cmocka_unit_test_setup(test_wrong_links, start),
        cmocka_unit_test_setup(test_too_many_logical, start),
        cmocka_unit_test_setup(test_large_blocks, start),
        cmocka_unit_test_setup(test_gpt, start),
        cmocka_unit_test_setup(test_gpt_damaged, start),
        cmocka_unit_test_setup(test_gpt_contradictions, start),
        cmocka_unit_test_setup(test_too_large, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
