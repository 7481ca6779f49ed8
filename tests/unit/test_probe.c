/* File systems and boot loaders by their first bytes; SHA-256. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/disk/probe.h"
#include "kernel/disk/sha256.h"

static uint8_t data[PROBE_BYTES];
static struct probe_fs fs;

static int start(void **state)
{
    memset(data, 0, sizeof data);
    return 0;
}

/*
 * The first `len` bytes are just enough for it to be `kind`: no more are looked
 * at, and with fewer it is nothing. In memory of that size, so that reading
 * behind the end is seen.
 */
static void assert_needs(const char *kind, size_t len)
{
    for (size_t n = len - 1; n <= len; n++) {
        uint8_t *exact = malloc(n);

        memcpy(exact, data, n);
        assert_int_equal(probe_fs(exact, n, &fs), n == len);
        free(exact);
    }
    assert_string_equal(fs.kind, kind);
}

static void put32(size_t at, uint32_t v) { memcpy(data + at, &v, 4); }

static void test_shortest(void **state)
{
    memcpy(data, "hsqs", 4);
    data[28] = 3;
    assert_needs("squashfs", 96);
    assert_string_equal(fs.detail, "version 3");
    start(NULL);
    memcpy(data, "\x85\x19\x03\x20", 4);
    assert_needs("jffs2", 12);
    start(NULL);
    memcpy(data + 1024 + 56, "\x53\xef", 2);
    assert_needs("ext2", 1024 + 264);
    start(NULL);
    memcpy(data + 4086, "SWAPSPACE2", 10);
    assert_needs("swap", 4096);
    start(NULL);
    memcpy(data + 32768, "\1CD001", 6);
    assert_needs("ISO 9660", 32768 + 2048);
    assert_false(probe_fs(data, 0, &fs));
}

/* A field that is out of its range is another thing's. */
static void test_refused(void **state)
{
    memcpy(data + 1024 + 56, "\x53\xef", 2);
    data[1024 + 24] = 7;                        /* blocks of 128 KiB */
    assert_false(probe_fs(data, sizeof data, &fs));
    start(NULL);
    memcpy(data, "\x85\x19\x05\x20", 4);        /* no such node */
    assert_false(probe_fs(data, sizeof data, &fs));
}

static void put_fat(void)
{
    static const uint8_t bpb[] = {
        0xeb, 0x3c, 0x90, 'm', 'k', 'd', 'o', 's', 'f', 's', 0,
        0, 2, 1, 1, 0, 2, 224, 0, 0x40, 0x0b, 0xf0, 9, 0,
    };

    start(NULL);
    memcpy(data, bpb, sizeof bpb);
    memcpy(data + 43, "A LABEL    ", 11);
    memcpy(data + 510, "\x55\xaa", 2);
}

static void test_fat(void **state)
{
    static const struct { unsigned at; uint8_t value; } wrong[] = {
        { 11, 1 }, { 12, 3 }, { 12, 0x20 }, { 13, 3 }, { 13, 0 }, { 14, 0 },
        { 16, 0 }, { 16, 3 }, { 20, 0 }, { 21, 0x80 }, { 22, 0 },
        { 23, 0xff }, { 510, 0 },
    };

    put_fat();
    assert_needs("FAT12", 512);
    assert_string_equal(fs.label, "A LABEL");
    assert_int_equal(fs.bytes, 2880 * 512);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        put_fat();
        data[wrong[i].at] = wrong[i].value;
        if (wrong[i].at == 20)
            data[19] = 30;                      /* less than its tables */
        assert_false(probe_fs(data, sizeof data, &fs));
    }
    /* Clusters by the largest numbers: no overflow. */
    put_fat();
    put32(19, 0x00f00000);
    data[22] = data[23] = 0;
    put32(32, 0xffffffff);
    put32(36, 0x01000000);
    assert_true(probe_fs(data, sizeof data, &fs));
    assert_string_equal(fs.kind, "FAT32");
    assert_int_equal(fs.bytes, 0xffffffffull * 512);
}

static void put_grub(void)
{
    start(NULL);
    memcpy(data + 0x180, "GRUB \0Geom\0", 11);
    memcpy(data + 510, "\x55\xaa", 2);
}

static void test_grub(void **state)
{
    char text[96];

    assert_false(probe_boot(data, sizeof data, text, sizeof text));
    put_grub();
    assert_false(probe_boot(data, 511, text, sizeof text));
    assert_true(probe_boot(data, 512, text, sizeof text));
    assert_string_equal(text, "GRUB 2");
    data[0x3e] = 3;
    data[0x3f] = 2;
    data[0x43] = 0x20;
    assert_true(probe_boot(data, 512, text, sizeof text));
    assert_string_equal(text, "GRUB legacy, stage 1 version 3.2, stage 1.5 "
                        "not embedded");
    data[1024 + 6] = 3;
    data[1024 + 7] = 2;
    memset(data + 1024 + 0x12, '9', 100);
    assert_true(probe_boot(data, sizeof data, text, sizeof text));
    assert_string_equal(text, "GRUB legacy 9999999999999999, stage 1 version "
                        "3.2");
}

static void hash(char text[65], const char *piece, size_t len, unsigned times)
{
    struct sha256 s;
    uint8_t digest[SHA256_BYTES];

    sha256_init(&s);
    while (times--)
        sha256_add(&s, piece, len);
    sha256_end(&s, digest);
    for (unsigned i = 0; i < SHA256_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

/* FIPS 180-4's examples, and the lengths around a block's end. */
static void test_sha256(void **state)
{
    static const char two_blocks[] =
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    char text[65], other[65], a[130];

    hash(text, "", 0, 1);
    assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb924"
                              "27ae41e4649b934ca495991b7852b855");
    hash(text, "abc", 3, 1);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223"
                              "b00361a396177a9cb410ff61f20015ad");
    hash(text, two_blocks, 56, 1);
    assert_string_equal(text, "248d6a61d20638b8e5c026930c3e6039"
                              "a33ce45964ff2167f6ecedd419db06c1");
    hash(text, "aaaaaaaaaa", 10, 100000);
    assert_string_equal(text, "cdc76e5c9914fb9281a1c7e284d73e67"
                              "f1809a48a497200e046d39ccc7112cd0");
    memset(a, 'a', sizeof a);
    for (unsigned len = 50; len < sizeof a; len++) {
        hash(text, a, len, 1);
        hash(other, a, 1, len);
        assert_string_equal(text, other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_shortest, start),
        cmocka_unit_test_setup(test_refused, start),
        cmocka_unit_test_setup(test_fat, start),
        cmocka_unit_test_setup(test_grub, start),
        cmocka_unit_test(test_sha256),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
