/* A record in two copies: what is found, damage, cuts at every sector. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/disk/bytes.h"
#include "kernel/disk/gpt.h"
#include "kernel/disk/twin.h"
#include "tests/unit/fake_cut.h"

#define FIRST 3u
#define COPY 4u                 /* sectors */
#define MAGIC "TESTTWIN"

static struct fake_cut disk;
static uint8_t record[COPY * 512];
static size_t len;

static int start(void **state)
{
    fake_cut_init(&disk, 32, 32);
    return 0;
}

static int end(void **state)
{
    fake_cut_free(&disk);
    return 0;
}

/* What a start finds; the record's first byte, or an error. */
static int look(void)
{
    struct twin t;
    int r = twin_open(&t, &disk.block, FIRST, COPY, MAGIC, record, &len);

    twin_close(&t);
    return r ? r : record[0];
}

/* Write a record of `size` bytes of `value`. */
static int put(uint8_t value, size_t size)
{
    struct twin t;
    int r;

    twin_open(&t, &disk.block, FIRST, COPY, MAGIC, record, &len);
    memset(record, value, sizeof record);
    r = twin_write(&t, record, size);
    twin_close(&t);
    return r;
}

static uint8_t *copy(unsigned n)
{
    return disk.data + (FIRST + n * COPY) * 512;
}

static void test_write_and_find(void **state)
{
    assert_int_equal(look(), -ENODATA);
    for (int i = 1; i < 9; i++) {
        assert_int_equal(put(i, 100 * i), 0);
        assert_int_equal(look(), i);
        assert_int_equal(len, 100 * i);
    }
    assert_int_equal(put(9, COPY * 512 - TWIN_HEADER), 0);
    assert_int_equal(look(), 9);
    assert_int_equal(put(10, COPY * 512 - TWIN_HEADER + 1), -EFBIG);
    assert_int_equal(look(), 9);
    /* Nothing else was written. */
    for (unsigned i = 0; i < 32 * 512; i++)
        if (i < FIRST * 512 || i >= (FIRST + 2 * COPY) * 512)
            assert_int_equal(disk.data[i], 0);
}

/* Any byte of the newer copy: the older one counts. Of both: refused. */
static void test_damage(void **state)
{
    put(1, 700);                /* both copies */
    put(2, 700);                /* the first one */
    for (unsigned i = 0; i < TWIN_HEADER + 700; i++) {
        copy(0)[i] ^= 0x10;
        assert_int_equal(look(), 1);
        copy(1)[50] ^= 1;
        assert_int_equal(look(), -EBADMSG);
        copy(1)[50] ^= 1;
        copy(0)[i] ^= 0x10;
    }
    assert_int_equal(look(), 2);
    /* The next one goes over what is damaged. */
    copy(0)[40] ^= 1;
    put(3, 700);
    copy(1)[40] ^= 1;
    assert_int_equal(look(), 3);
}

static void set_header(unsigned n, uint64_t sequence, uint32_t bytes)
{
    bytes_put_le32(copy(n) + 8, bytes);
    bytes_put_le64(copy(n) + 16, sequence);
    bytes_put_le32(copy(n) + 24, gpt_crc32(0, copy(n), 24));
}

static void test_hostile(void **state)
{
    memset(copy(0), 0x55, 512);
    assert_int_equal(look(), -EILSEQ);
    put(1, 10);
    put(2, 10);
    set_header(1, UINT64_MAX, 10);      /* the next would be 0 */
    assert_int_equal(look(), 2);
    set_header(1, 0, 10);
    assert_int_equal(look(), 2);
    set_header(1, 9, UINT32_MAX);
    assert_int_equal(look(), 2);
    set_header(1, 9, COPY * 512 - TWIN_HEADER + 1);
    assert_int_equal(look(), 2);
}

static void test_errors(void **state)
{
    struct twin t;

    put(1, 10);
    disk.is_off = true;
    assert_int_equal(look(), -EIO);
    disk.is_off = false;
    twin_open(&t, &disk.block, FIRST, COPY, MAGIC, record, &len);
    record[0] = 2;
    disk.is_off = true;
    assert_int_equal(twin_write(&t, record, 10), -EIO);
    disk.is_off = false;
    assert_int_equal(look(), 1);
    record[0] = 3;
    assert_int_equal(twin_write(&t, record, 10), 0);
    assert_int_equal(look(), 3);
    twin_close(&t);
}

/* Written but not flushed, as far as one knows: what comes next is newer. */
static void test_doubt(void **state)
{
    struct twin t;

    put(1, 10);
    twin_open(&t, &disk.block, FIRST, COPY, MAGIC, record, &len);
    record[0] = 2;
    disk.flush_fails = true;
    assert_int_equal(twin_write(&t, record, 10), -EIO);
    disk.flush_fails = false;
    assert_int_equal(look(), 2);
    record[0] = 1;
    assert_int_equal(twin_write(&t, record, 10), 0);
    assert_int_equal(look(), 1);
    twin_close(&t);
}

/* The first write of all, cut at every sector: it is there or nothing is. */
static void test_first_cuts(void **state)
{
    for (unsigned seed = 0; seed < 40; seed++)
        for (unsigned at = 0; at <= 2 * COPY + 2; at++) {
            int r, found;

            end(NULL);
            start(NULL);
            disk.cut_at = disk.written + at;
            r = put(7, 1900);
            fake_cut_power(&disk, seed);
            found = look();
            if (!r || found != -ENODATA)
                assert_int_equal(found, 7);
            assert_int_equal(put(8, 1900), 0);
            assert_int_equal(look(), 8);
            copy(0)[60] ^= 1;           /* later damage is not taken for that */
            copy(1)[60] ^= 1;
            assert_int_equal(look(), -EBADMSG);
        }
}

/* At every sector: the old one or the new one; the new one if it was said. */
static void test_cuts(void **state)
{
    put(1, 10);
    for (unsigned seed = 0; seed < 40; seed++)
        for (unsigned at = 0; at <= COPY; at++) {
            int before = look(), r, found;
            uint8_t value = 1 + (seed * 7 + at) % 200;

            disk.cut_at = disk.written + at;
            r = put(value, 1 + (seed * 191 + at) % 1500);
            fake_cut_power(&disk, seed);
            found = look();
            if (!r || found != value)
                assert_int_equal(found, r ? before : value);
            assert_true(!r == (at >= COPY));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_write_and_find, start, end),
        cmocka_unit_test_setup_teardown(test_damage, start, end),
        cmocka_unit_test_setup_teardown(test_hostile, start, end),
        cmocka_unit_test_setup_teardown(test_errors, start, end),
        cmocka_unit_test_setup_teardown(test_doubt, start, end),
        cmocka_unit_test_setup_teardown(test_first_cuts, start, end),
        cmocka_unit_test_setup_teardown(test_cuts, start, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
