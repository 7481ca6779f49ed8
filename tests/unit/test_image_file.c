/*
 * Images by name and format: what is guessed and what never is, chains of files
 * that are based on each other, and headers that are refused, with the reason.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/disk/commit.h"
#include "kernel/disk/image.h"
#include "kernel/disk/qcow2.h"
#include "tests/unit/disk_harness.h"
#include "tests/unit/qcow2_harness.h"

#define SECTORS 100u

static char folder[] = "/tmp/trestle-image-XXXXXX";
static uint8_t head[4 * 4096];          /* of the image that is made next */
static char why[400];

static const char *path(const char *name)
{
    static char full[4][300];
    static unsigned n;

    n = (n + 1) % 4;
    snprintf(full[n], sizeof full[n], "%s/%s", folder, name);
    return full[n];
}

static void put_file(const char *name, const void *data, size_t bytes)
{
    FILE *f = fopen(path(name), "w");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, bytes, f), bytes);
    fclose(f);
}

/* An empty image in `head`, to be changed and put somewhere. */
static int make_head(void **state)
{
    const struct qcow2_shape shape = { 3, 12, 4, SECTORS };
    struct fake_cut f;

    fake_cut_init(&f, 0, sizeof head / 512);
    qcow2_make(&f, &shape);
    memcpy(head, f.data, sizeof head);
    fake_cut_free(&f);
    return 0;
}

/* Based on `name` of `format` (NULL: it does not say). */
static void put_backing(const char *name, const char *format)
{
    uint8_t *p = head + 104;

    if (format) {
        put_be32(p, 0xe2792aca);
        put_be32(p + 4, strlen(format));
        memcpy(p + 8, format, strlen(format));
    }
    put_be64(head + 8, 1000);
    put_be32(head + 16, strlen(name));
    memcpy(head + 1000, name, strlen(name));
}

static int open_as(const char *name, enum image_format format,
                   struct image_file *f)
{
    memset(f, 0, sizeof *f);
    *why = '\0';
    return image_file_open(path(name), format, true, f, why, sizeof why);
}

static void refused(int error, enum image_format format, const char *words)
{
    struct image_file f;

    put_file("refused", head, sizeof head);
    assert_int_equal(open_as("refused", format, &f), error);
    if (!strstr(why, words) || !strstr(why, "/refused'"))
        fail_msg("'%s' lacks '%s'", why, words);
}

/* ---- Headers --------------------------------------------------------------- */

static void test_headers(void **state)
{
    static const struct {
        unsigned at, bytes;
        uint64_t value;
        int error;
        const char *words;
    } headers[] = {
        { 0, 4, 0, -EINVAL, "is it format=raw?" },
        { 4, 4, 1, -ENOTSUP, "qcow version 1" },
        { 4, 4, 4, -ENOTSUP, "qcow version 4" },
        { 20, 4, 8, -EINVAL, "2^8 bytes" },
        { 20, 4, 22, -EINVAL, "2^22 bytes" },
        { 24, 8, 0, -EINVAL, "no sectors" },
        { 24, 8, 1ull << 40, -EINVAL, "L1 table of 1 entries is too short" },
        { 24, 8, UINT64_MAX, -EINVAL, "too short" },
        { 32, 4, 1, -ENOTSUP, "encrypted (AES)" },
        { 32, 4, 2, -ENOTSUP, "encrypted (LUKS)" },
        { 36, 4, UINT32_MAX, -EINVAL, "L1 table is too large" },
        { 40, 8, 0, -EINVAL, "at no place" },
        { 40, 8, 4097, -EINVAL, "at no place" },
        { 40, 8, 1ull << 56, -EINVAL, "at no place" },
        { 40, 8, 1ull << 40, -EINVAL, "it is cut off" },
        { 48, 8, 1, -EINVAL, "refcount table" },
        { 56, 4, 0, -EINVAL, "refcount table" },
        { 56, 4, 1u << 20, -EINVAL, "refcount table is too large" },
        { 72, 8, 1, -ENOTSUP, "not closed, with lazy refcounts" },
        { 72, 8, 2, -ENOTSUP, "is marked as corrupt" },
        { 72, 8, 4, -ENOTSUP, "'external data file'" },
        { 72, 8, 8, -ENOTSUP, "(zstd)" },
        { 72, 8, 16, -ENOTSUP, "'extended L2 entries'" },
        { 72, 8, 1ull << 63, -ENOTSUP, "'without name' (bit 63)" },
        { 96, 4, 7, -EINVAL, "2^7 bits" },
        { 100, 4, 72, -EINVAL, "72 bytes" },
        { 100, 4, 108, -EINVAL, "108 bytes" },
        { 100, 4, 8192, -EINVAL, "8192 bytes" },
        { 108, 4, 5000, -EINVAL, "longer than its cluster" },
    };

    for (unsigned i = 0; i < sizeof headers / sizeof *headers; i++) {
        make_head(NULL);
        put_be32(head + 104, headers[i].at == 108);     /* an extension */
        if (headers[i].bytes == 4)
            put_be32(head + headers[i].at, headers[i].value);
        else
            put_be64(head + headers[i].at, headers[i].value);
        refused(headers[i].error, IMAGE_QCOW2, headers[i].words);
    }
    make_head(NULL);
    put_be32(head + 100, 112);
    head[104] = 1;
    refused(-EINVAL, IMAGE_QCOW2, "compression type 1");
}

static void test_unknown_feature_by_its_own_name(void **state)
{
    uint8_t *p = head + 104;

    put_be64(head + 72, 1 << 9);
    put_be32(p, 0x6803f857);
    put_be32(p + 4, 96);
    p[8 + 48 + 1] = 9;
    strcpy((char *)p + 8 + 48 + 2, "holograms\n");
    refused(-ENOTSUP, IMAGE_QCOW2, "'holograms' (bit 9)");
}

/* What may be wrong inside is no reason not to read it. */
static void test_dirty_and_corrupt_are_read_only(void **state)
{
    struct image_file f;

    for (unsigned bits = 1; bits < 4; bits++) {
        head[79] = bits;
        put_file("dirty", head, sizeof head);
        assert_int_equal(image_file_open(path("dirty"), IMAGE_GUESS, false, &f,
                                         why, sizeof why), 0);
        assert_true(f.block->read_only);
        block_close(f.block);
        assert_int_equal(open_as("dirty", IMAGE_GUESS, &f), -ENOTSUP);
        assert_non_null(strstr(why, "qemu-img check -r all"));
        assert_non_null(strstr(why, "snapshot=on"));
    }
}

/* ---- Tables ---------------------------------------------------------------- */

/* Entries that make no sense are errors of reading, and no more. */
static void test_hostile_tables(void **state)
{
    static const struct { uint64_t l1, l2; } entries[] = {
        { 1ull << 60, 0 }, { 0x4200, 0 }, { 0x100000, 0 },
        { 0x3000, 0x4200 }, { 0x3000, 1ull << 60 }, { 0x3000, 1ull << 63 },
        { 0x3000, 2 }, { 0x3000, 1ull << 62 | 1ull << 57 },
        { 0x3000, 1ull << 62 | 0x1000 },
    };
    struct image_file f;
    uint8_t buf[512];

    for (unsigned i = 0; i < sizeof entries / sizeof *entries; i++) {
        make_head(NULL);
        put_be64(head + 0x3000, entries[i].l1);
        put_be64(head + 0x3008, entries[i].l2);
        put_file("hostile", head, sizeof head);
        assert_int_equal(image_file_open(path("hostile"), IMAGE_QCOW2, false,
                                         &f, why, sizeof why), 0);
        assert_int_equal(block_read(f.block, i < 3 ? 0 : 8, 1, buf), -EIO);
        assert_int_equal(block_read(f.block, i < 3 ? 0 : 8, 1, buf), -EIO);
        block_close(f.block);
    }
}

/* Data where tables are: reading is harmless, writing is not done. */
static void test_data_in_place_of_a_table(void **state)
{
    static const uint64_t places[] = { 0x1000, 0x3000 };
    struct image_file f;
    uint8_t buf[512] = { 0 };

    for (unsigned i = 0; i < 2; i++) {
        make_head(NULL);
        put_be64(head + 0x3000, 1ull << 63 | 0x3000);
        put_be64(head + 0x3008, 1ull << 63 | places[i]);
        put_file("table", head, sizeof head);
        assert_int_equal(open_as("table", IMAGE_QCOW2, &f), 0);
        assert_int_equal(block_read(f.block, 8, 1, buf), 0);
        assert_int_equal(block_write(f.block, 8, 1, buf), -EIO);
        block_close(f.block);
        assert_int_equal(open_as("table", IMAGE_QCOW2, &f), -ENOTSUP);
        assert_non_null(strstr(why, "is marked as corrupt"));
    }
}

/* ---- Chains ---------------------------------------------------------------- */

static void test_names_of_what_it_is_based_on(void **state)
{
    static const struct {
        const char *name, *format;
        int error;
        const char *words;
    } names[] = {
        { "x", NULL, -EINVAL, "does not say of which format" },
        { "x", "vmdk", -ENOTSUP, "of format 'vmdk'" },
        { "nbd:localhost", "raw", -ENOTSUP, "'nbd:localhost', which is no" },
        { "json:{}", "raw", -ENOTSUP, "no file" },
        { "not-there", "raw", -ENOENT, "not-there': No such file" },
        { "refused", "qcow2", -ELOOP, "based on itself" },
    };

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        make_head(NULL);
        put_backing(names[i].name, names[i].format);
        refused(names[i].error, IMAGE_QCOW2, names[i].words);
    }
    make_head(NULL);
    put_backing("x", "raw");
    put_be32(head + 16, 1024);
    refused(-EINVAL, IMAGE_QCOW2, "1024 bytes");
    put_be32(head + 16, 2);
    refused(-EINVAL, IMAGE_QCOW2, "zero in it");
}

static void test_chains(void **state)
{
    static uint8_t base[SECTORS * 512];
    struct image_file f;
    uint8_t buf[512];
    char name[20], below[20];

    /* a -> b -> a, by paths. */
    mkdir(path("sub"), 0700);
    put_backing("sub/b", "qcow2");
    put_file("refused", head, sizeof head);
    make_head(NULL);
    put_backing(path("refused"), "qcow2");
    put_file("sub/b", head, sizeof head);
    assert_int_equal(open_as("refused", IMAGE_QCOW2, &f), -ELOOP);
    assert_non_null(strstr(why, "based on itself"));

    memset(base, 0x5a, sizeof base);
    put_file("c0", base, sizeof base);
    for (unsigned i = 1; i < 11; i++) {
        make_head(NULL);
        snprintf(below, sizeof below, "c%u", i - 1);
        snprintf(name, sizeof name, "c%u", i);
        put_backing(below, i == 1 ? "raw" : "qcow2");
        put_file(name, head, sizeof head);
    }
    assert_int_equal(open_as("c7", IMAGE_QCOW2, &f), 0);
    assert_int_equal(block_read(f.block, SECTORS - 1, 1, buf), 0);
    assert_int_equal(buf[0], 0x5a);
    assert_string_equal(image_file_backing(&f), "c6");
    block_close(f.block);
    assert_int_equal(open_as("c8", IMAGE_QCOW2, &f), -ELOOP);
    assert_non_null(strstr(why, "more than 8 images"));
}

/* ---- Guesses --------------------------------------------------------------- */

static void test_guesses(void **state)
{
    static uint8_t zeros[4096];
    struct image_file f;
    char text[IMAGE_FILE_TEXT];

    put_file("raw", zeros, sizeof zeros);
    put_file("qcow2", head, sizeof head);
    assert_int_equal(open_as("raw", IMAGE_GUESS, &f), 0);
    assert_true(f.format == IMAGE_RAW && f.is_guess);
    block_close(f.block);
    assert_int_equal(open_as("qcow2", IMAGE_GUESS, &f), 0);
    assert_true(f.format == IMAGE_QCOW2 && f.block->sectors == SECTORS);
    image_file_text(&f, text);
    assert_string_equal(text, "qcow2 version 3, clusters of 4096 bytes");
    block_close(f.block);
    assert_int_equal(open_as("qcow2", IMAGE_RAW, &f), 0);
    assert_true(f.format == IMAGE_RAW && !f.is_guess);
    block_close(f.block);
    assert_int_equal(open_as("raw", IMAGE_QCOW2, &f), -EINVAL);
    /* What a guest may have put there gets at no file of the host's. */
    put_backing("/etc/passwd", "raw");
    refused(-EPERM, IMAGE_GUESS, "format=qcow2,file=");
    assert_int_equal(open_as("refused", IMAGE_QCOW2, &f), 0);
    block_close(f.block);
}

static int last_error;

static void keep_error(struct block_request *req, int error)
{
    last_error = error;
}

static int write_first(struct disk_image *img, const uint8_t *sector)
{
    struct block_request req = { .op = BLOCK_WRITE, .count = 1,
                                 .buf = (uint8_t *)sector, .done = keep_error };

    last_error = 1;
    img->dev.submit(&img->dev, &req);
    return last_error;
}

static void test_a_guest_cannot_make_a_raw_disk_look_like_qcow2(void **state)
{
    static uint8_t zeros[4096];
    static struct disk_image img;
    char name[300];

    put_file("guest", zeros, sizeof zeros);
    snprintf(name, sizeof name, "%s", path("guest"));
    assert_int_equal(disk_image_open(&img, name, 0, why, sizeof why), 0);
    assert_int_equal(write_first(&img, head), -EPERM);
    assert_int_equal(write_first(&img, zeros), 0);
    assert_int_equal(img.errors, 1);
    assert_int_equal(img.disguises, 1);
    disk_image_close(&img);
    assert_int_equal(disk_image_open(&img, name, DISK_RAW, why, sizeof why), 0);
    assert_int_equal(write_first(&img, head), 0);
    disk_image_close(&img);
}

/* Its size in the header is the table's, once the guest has such a table. */
static void test_table_makes_the_image_larger(void **state)
{
    static struct disk_image img;
    uint8_t mbr[512] = { 0 };
    char name[300], text[600];

    put_file("grows", head, sizeof head);
    snprintf(name, sizeof name, "%s", path("grows"));
    put_lba_entry(mbr, 0, 0x83, 1, 4999);
    assert_int_equal(disk_image_open(&img, name, 0, why, sizeof why), 0);
    assert_int_equal(img.dev.sectors, SECTORS);
    assert_int_equal(write_first(&img, mbr), 0);
    disk_image_close(&img);
    assert_int_equal(disk_image_open(&img, name, 0, why, sizeof why), 0);
    assert_int_equal(img.dev.sectors, 5000);
    assert_int_equal(img.file->sectors, 5000);
    disk_image_format(&img, "hda", text, sizeof text);
    assert_non_null(strstr(text, "ro=0 drv=qcow2\n    qcow2 version 3, clusters "
                           "of 4096 bytes\n    5000 sectors"));
    disk_image_close(&img);
    /* Also where it is not written. */
    put_file("grows", head, sizeof head);
    assert_int_equal(disk_image_open(&img, name, DISK_SNAPSHOT, why,
                                     sizeof why), 0);
    assert_int_equal(img.dev.sectors, SECTORS);
    assert_int_equal(write_first(&img, mbr), 0);
    disk_image_close(&img);
}

static bool go_on(void *ctx, uint64_t done, uint64_t total) { return true; }

/* An overlay's content goes into the image, which then is read only again. */
static void test_commit(void **state)
{
    static struct disk_image img;
    struct image_file f;
    uint8_t sector[512];
    char name[300];

    memset(sector, 0x77, sizeof sector);
    for (unsigned dirty = 2; dirty-- > 0;) {
        head[79] = dirty;
        put_file("commit", head, sizeof head);
        snprintf(name, sizeof name, "%s", path("commit"));
        assert_int_equal(disk_image_open(&img, name, DISK_SNAPSHOT, why,
                                         sizeof why), 0);
        assert_int_equal(write_first(&img, sector), 0);
        assert_int_equal(disk_commit(&img, go_on, NULL, why, sizeof why),
                         dirty ? -EROFS : 0);
        assert_true(img.file->read_only);
        disk_image_close(&img);
    }
    assert_int_equal(image_file_open(path("commit"), IMAGE_QCOW2, false, &f,
                                     why, sizeof why), 0);
    memset(sector, 0, sizeof sector);
    assert_int_equal(block_read(f.block, 0, 1, sector), 0);
    assert_int_equal(sector[511], 0x77);
    block_close(f.block);
}

/*
 * What the image cannot get larger for stays in the overlay: a commit that put
 * it into memory would lose it at the end.
 */
static void test_commit_to_what_cannot_grow(void **state)
{
    static struct disk_image img;
    uint8_t mbr[512] = { 0 }, sector[512];
    char name[300], over[300];

    put_be32(head + 60, 1);             /* a snapshot is in it */
    put_file("fixed", head, sizeof head);
    snprintf(name, sizeof name, "%s", path("fixed"));
    snprintf(over, sizeof over, "%s", path("over"));
    put_lba_entry(mbr, 0, 0x83, 1, 4999);
    for (unsigned i = 0; i < 4; i++) {
        const char *overlay = i < 3 ? over : NULL;

        assert_int_equal(disk_image_open_over(&img, name, DISK_SNAPSHOT,
                                              overlay, false, why,
                                              sizeof why), 0);
        if (i == 0 || i == 3)
            assert_int_equal(write_first(&img, mbr), 0);
        if (i == 3)
            assert_int_equal(block_grow(img.top, 5000), 0);
        memset(sector, 0x77, sizeof sector);
        if (i == 1 || i == 3) {
            assert_int_equal(img.top->sectors, 5000);
            assert_int_equal(block_write(img.top, 4999, 1, sector), 0);
            assert_int_equal(disk_commit(&img, go_on, NULL, why, sizeof why),
                             -ENOSPC);
            assert_non_null(strstr(why, "cannot get larger"));
        }
        if (i) {
            assert_int_equal(block_read(img.top, 4999, 1, sector), 0);
            assert_int_equal(sector[511], 0x77);
        }
        disk_image_close(&img);
    }
}

static int make_folder(void **state) { return !mkdtemp(folder); }

static int remove_folder(void **state)
{
    char line[300];

    snprintf(line, sizeof line, "rm -rf %s", folder);
    return system(line);
}

int main(void)
{
#define T(t) cmocka_unit_test_setup(t, make_head)
    const struct CMUnitTest tests[] = {
        T(test_headers), T(test_unknown_feature_by_its_own_name),
        T(test_dirty_and_corrupt_are_read_only), T(test_hostile_tables),
        T(test_data_in_place_of_a_table),
        T(test_names_of_what_it_is_based_on), T(test_chains), T(test_guesses),
        T(test_a_guest_cannot_make_a_raw_disk_look_like_qcow2),
        T(test_table_makes_the_image_larger), T(test_commit),
        T(test_commit_to_what_cannot_grow),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
