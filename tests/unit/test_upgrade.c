/* An image into a slot: kernel/slots/upgrade.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "kernel/slots/upgrade.h"
#include "tests/unit/disk_harness.h"
#include "tests/unit/fake_cut.h"

#define ROOM 600u
#define IMAGE (400u * 512 + 7)

static uint8_t image[700 * 512];
static struct fake_cut slot;
static struct upgrade u;
static struct receiver from;
static size_t given, image_len;
static unsigned steps, stop_at;
static int read_error;

static ssize_t give(struct receiver *r, void *buf, size_t size)
{
    size_t n = image_len - given < size ? image_len - given : size;

    if (n > 1000)
        n = 1000;
    if (!n && read_error) {
        strcpy(r->why, "the line is cut");
        return read_error;
    }
    memcpy(buf, image + given, n);
    given += n;
    return (ssize_t)n;
}

static bool progress(void *ctx, uint64_t done, uint64_t total)
{
    return ++steps != stop_at;
}

static void make_image(size_t len)
{
    unsigned seed = 9;

    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(rand_r(&seed) >> 8);
    memset(image + 446, 0, 64);
    put_lba_entry(image, 0, 0x83, 63, 500);
    image[510] = 0x55;
    image[511] = 0xaa;
    image_len = len;
}

static int setup(void **state)
{
    fake_cut_init(&slot, ROOM, ROOM);
    memset(slot.data, 0xee, ROOM * 512);
    make_image(IMAGE);
    from = (struct receiver){ .read = give, .size = IMAGE };
    u = (struct upgrade){ .from = &from, .room = ROOM, .progress = progress };
    given = 0;
    steps = stop_at = 0;
    read_error = 0;
    return 0;
}

static int teardown(void **state)
{
    upgrade_end(&u);
    fake_cut_free(&slot);
    return 0;
}

static void assert_slot(void)
{
    assert_memory_equal(slot.data, image, image_len);
    for (size_t i = image_len; i < ROOM * 512; i++)
        assert_int_equal(slot.data[i], 0);
}

static void test_whole(void **state)
{
    struct sha256 hash;
    uint8_t digest[SHA256_BYTES];

    assert_int_equal(upgrade_begin(&u), 0);
    assert_int_equal(slot.written, 0);
    assert_int_equal(upgrade_write(&u, &slot.block), 0);
    assert_int_equal(slot.unflushed_count, 0);
    assert_slot();
    assert_int_equal(u.bytes, IMAGE);
    sha256_init(&hash);
    sha256_add(&hash, image, IMAGE);
    sha256_end(&hash, digest);
    assert_memory_equal(u.sha256, digest, sizeof digest);
    assert_int_equal(upgrade_verify(&u, &slot.block), 0);
    /* One bit, of the image or behind it. */
    slot.data[IMAGE - 1] ^= 4;
    assert_int_equal(upgrade_verify(&u, &slot.block), -EIO);
    slot.data[IMAGE - 1] ^= 4;
    slot.data[IMAGE] ^= 4;
    assert_int_equal(upgrade_verify(&u, &slot.block), -EIO);
    assert_non_null(strstr(u.why, "something else"));
    slot.data[IMAGE] ^= 4;
    slot.data[ROOM * 512 - 1] ^= 4;
    assert_int_equal(upgrade_verify(&u, &slot.block), -EIO);
}

/* Shorter than a chunk, as long as one, of unknown size, filling the slot. */
static void test_lengths(void **state)
{
    static const size_t lengths[] = { 512, 1000, 65536, 65537, ROOM * 512 };

    for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        teardown(NULL);
        setup(NULL);
        image_len = lengths[i];
        from.size = RECEIVER_UNKNOWN;
        assert_int_equal(upgrade_begin(&u), 0);
        assert_int_equal(upgrade_write(&u, &slot.block), 0);
        assert_int_equal(upgrade_verify(&u, &slot.block), 0);
        assert_slot();
    }
}

static void refused(int error, const char *why)
{
    assert_int_equal(upgrade_begin(&u), error);
    if (!strstr(u.why, why))
        fail_msg("%s", u.why);
    assert_int_equal(slot.written, 0);
    teardown(NULL);
    setup(NULL);
}

static void test_refused(void **state)
{
    image[510] = 0;
    refused(-EINVAL, "has no partition table");
    memset(image + 446, 0, 64);
    refused(-EINVAL, "partition table is empty");
    memcpy(image, "\x1f\x8b\x08", 3);
    refused(-EINVAL, "packed by gzip");
    memcpy(image, "\xfd" "7zXZ", 5);
    refused(-EINVAL, "packed by xz");
    image_len = 0;
    refused(-EINVAL, "is empty");
    image_len = 511;
    refused(-EINVAL, "no partition table");
    put_lba_entry(image, 0, 0x83, 63, 538);
    refused(-EFBIG, "asks for 307 KB, and the slot has 307 KB");
    put_lba_entry(image, 0, 0x83, 63, 537);
    assert_int_equal(upgrade_begin(&u), 0);
    teardown(NULL);
    setup(NULL);
    from.size = ROOM * 512 + 1;
    refused(-EFBIG, "the file has 307 KB");
    image_len = 5000;
    read_error = -EPIPE;
    refused(-EPIPE, "the line is cut");
    stop_at = 2;
    refused(-ECANCELED, "cancelled");
    put_gpt(image, ROOM, 500);
    image[512 + 20] ^= 1;
    refused(-EINVAL, "GPT is damaged");
    put_gpt(image, ROOM + 1, 500);
    refused(-EFBIG, "asks for");
    put_gpt(image, ROOM, 500);
    assert_int_equal(upgrade_begin(&u), 0);
}

static void fails(int error, const char *why)
{
    assert_int_equal(upgrade_begin(&u), 0);
    assert_int_equal(upgrade_write(&u, &slot.block), error);
    if (!strstr(u.why, why))
        fail_msg("%s", u.why);
    teardown(NULL);
    setup(NULL);
}

static void test_failed(void **state)
{
    image_len = 300 * 512;
    read_error = -ETIMEDOUT;
    fails(-ETIMEDOUT, "the line is cut");
    slot.cut_at = 300;
    fails(-EIO, "cannot write the slot");
    slot.cut_at = 450;
    fails(-EIO, "cannot write the slot");
    stop_at = 150;
    fails(-ECANCELED, "cancelled");
    from.size = RECEIVER_UNKNOWN;
    image_len = ROOM * 512 + 1;
    fails(-EFBIG, "the file has more than 307 KB");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_whole),
        TEST(test_lengths),
        TEST(test_refused),
        TEST(test_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
