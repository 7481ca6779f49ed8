/*
 * FAT: what mkfs.fat and mtools make is read, what is replaced they read, and
 * fsck.fat finds nothing (kernel/disk/fat*.c).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/disk/fat.h"
#include "kernel/disk/fat_used.h"
#include "kernel/disk/fat_dir.h"
#include "tests/unit/fake_cut.h"

#define CONF "trestle.conf"
#define BIG_BYTES 300001u
#define USED_SECTORS 4096u      /* of an image; zeros follow */

static const struct kind {
    const char *options;        /* of mkfs.fat */
    unsigned kib;
    unsigned bits;
} kinds[] = {
    { "-F 12 -s 4 -i 1234abcd", 2048, 12 },
    { "-F 16 -s 2 -i 1234abcd", 8192, 16 },
    { "-F 32 -s 1 -i 1234abcd", 34000, 32 },
    { "-F 16 -S 4096 -s 1 -i 1234abcd", 18000, 16 },
};
#define KINDS (sizeof kinds / sizeof *kinds)

static char folder[] = "/tmp/test_fat.XXXXXX";
static struct fake_cut disk;
static struct fat fat;
static uint8_t big[BIG_BYTES];

/* ---- The other side: a file, and tools -------------------------------------- */

/* They may lie where only root looks for them. */
static void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *fmt, ...)
{
    char command[600];
    int n = snprintf(command, sizeof command, "cd %s && PATH=$PATH:/sbin:"
                     "/usr/sbin && export MTOOLS_SKIP_CHECK=1 && ( ", folder);
    va_list ap;

    va_start(ap, fmt);
    n += vsnprintf(command + n, sizeof command - (size_t)n, fmt, ap);
    va_end(ap);
    snprintf(command + n, sizeof command - (size_t)n, " ) >log 2>&1");
    if (system(command)) {
        snprintf(command, sizeof command, "cat %s/log", folder);
        system(command);
        fail();
    }
}

static FILE *open_in_folder(const char *name, const char *mode)
{
    char path[100];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, mode);
    assert_non_null(f);
    return f;
}

static void put_file(const char *name, const char *mode, const void *data,
                     size_t len)
{
    FILE *f = open_in_folder(name, mode);

    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void load_image(unsigned kib)
{
    FILE *f = open_in_folder("img", "rb");

    fake_cut_init(&disk, kib * 2, kib * 2);
    assert_int_equal(fread(disk.data, 512, USED_SECTORS, f), USED_SECTORS);
    fclose(f);
    assert_int_equal(fat_open(&fat, &disk.block), 0);
}

static void save_image(void)
{
    put_file("img", "r+b", disk.data, USED_SECTORS * 512);
}

/* The image has these files, some of them in pieces. */
static void make_image(const struct kind *kind)
{
    run("rm -f img && mkfs.fat -C %s img %u", kind->options, kind->kib);
    put_file("big", "wb", big, sizeof big);
    put_file("piece", "wb", big, 3000);
    put_file(CONF, "wb", "m 64\n[r]\nhda slot\n", 18);
    run("mmd -i img ::boot ::boot/grub && for i in 1 2 3 4 5 6 7 8 9; do "
        "mcopy -i img piece \"::boot/grub/a piece, number $i\"; done && "
        "mdel -i img '::boot/grub/*4' '::boot/grub/*6' '::boot/grub/*8' && "
        "mcopy -i img big '::boot/grub/The Big One.img' && "
        "mcopy -i img " CONF " :: && mcopy -i img piece ::SHORT.TXT && "
        ": >empty && mcopy -i img empty ::");
    load_image(kind->kib);
}

static int start(void **state)
{
    uint32_t x = 1;

    for (size_t i = 0; i < sizeof big; i++) {
        x = x * 1664525 + 1013904223;
        big[i] = x >> 24;
    }
    return !mkdtemp(folder);
}

static int end(void **state)
{
    chdir("/");
    run("rm -f *");
    return rmdir(folder);
}

static int stop(void **state)
{
    fake_cut_free(&disk);
    memset(&disk, 0, sizeof disk);
    return 0;
}

/* ---- Reading ----------------------------------------------------------------- */

/* In pieces of `piece` bytes. */
static bool has_content(const char *path, const uint8_t *data, size_t len,
                        size_t piece)
{
    uint8_t *buf = malloc(len + piece);
    struct fat_file file;
    size_t at = 0;
    long n;
    bool same;

    assert_int_equal(fat_open_file(&fat, path, &file), 0);
    do {
        assert_true(at <= len);
        n = fat_read(&fat, &file, buf + at, piece);
        assert_true(n >= 0);
        at += (size_t)n;
    } while ((size_t)n == piece);
    same = at == len && file.size == len && !memcmp(buf, data, len);
    free(buf);
    return same;
}

static void test_read(void **state)
{
    for (unsigned k = 0; k < KINDS; k++) {
        make_image(&kinds[k]);
        assert_int_equal(fat.boot.bits, kinds[k].bits);
        assert_int_equal(fat.boot.serial, 0x1234abcd);
        assert_true(has_content("SHORT.TXT", big, 3000, 4000));
        assert_true(has_content("/short.txt", big, 3000, 1));
        assert_true(has_content("boot/grub/the big one.IMG", big, BIG_BYTES,
                                1000));
        assert_true(has_content("boot//grub/The Big One.img", big, BIG_BYTES,
                                BIG_BYTES));
        assert_true(has_content("boot/grub/thebig~1.img", big, BIG_BYTES,
                                7000));
        assert_true(has_content("boot/grub/a piece, number 9", big, 3000,
                                3000));
        assert_true(has_content("empty", big, 0, 100));
        stop(NULL);
    }
}

/* What is behind it nobody misses. */
static void test_used(void **state)
{
    uint64_t used;

    for (unsigned k = 0; k < KINDS; k++) {
        make_image(&kinds[k]);
        assert_int_equal(fat_used(&fat, &used), 0);
        assert_true(used > BIG_BYTES / 512 && used < disk.block.sectors);
        memset(disk.data + used * 512, 0xee,
               (disk.block.sectors - used) * 512);
        assert_true(has_content("SHORT.TXT", big, 3000, 4000));
        assert_true(has_content("boot/grub/the big one.IMG", big, BIG_BYTES,
                                1000));
        save_image();
        run("fsck.fat -nv img");
        stop(NULL);
    }
}

static void test_not_found(void **state)
{
    static const struct { const char *path; int error; } wrong[] = {
        { "", -ENOENT }, { "/", -ENOENT }, { "nothing", -ENOENT },
        { "empty2", -ENOENT }, { "empt", -ENOENT }, { ".", -ENOENT },
        { "boot/grub/..", -ENOENT }, { "boot/grub", -EISDIR },
        { "boot/grub/", -EISDIR }, { "boot/grub/a piece, number 4", -ENOENT },
        { "short.txt/x", -ENOTDIR }, { "trestle.con", -ENOENT },
        { "boot/grub/The Big One.img2", -ENOENT },
    };
    struct fat_file file;

    make_image(&kinds[2]);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (fat_open_file(&fat, wrong[i].path, &file) != wrong[i].error)
            fail_msg("'%s'", wrong[i].path);
}

/* ---- Replacing --------------------------------------------------------------- */

static void check_by_tools(const uint8_t *data, size_t len)
{
    save_image();
    put_file("wanted", "wb", data, len);
    run("mtype -i img ::" CONF " | cmp - wanted");
    run("mtype -i img '::boot/grub/The Big One.img' | cmp - big");
    run("fsck.fat -nv img");
}

static void test_replace(void **state)
{
    static const size_t lens[] = { 0, 1, 512, 513, 5000, 100000, 2048, 0, 0,
                                   20 };

    for (unsigned k = 0; k < KINDS; k++) {
        make_image(&kinds[k]);
        for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
            assert_int_equal(fat_replace(&fat, CONF, big + i, lens[i]), 0);
            assert_true(has_content(CONF, big + i, lens[i], 999));
            check_by_tools(big + i, lens[i]);
        }
        stop(NULL);
    }
}

static void test_replace_refused(void **state)
{
    uint8_t *much = calloc(1, 9u << 20);

    make_image(&kinds[1]);
    assert_int_equal(fat_replace(&fat, CONF, much, 9u << 20), -ENOSPC);
    assert_int_equal(fat_replace(&fat, CONF, much, 8000u << 10), -ENOSPC);
    assert_int_equal(fat_replace(&fat, "nothing", "", 0), -ENOENT);
    assert_int_equal(fat_replace(&fat, "boot", "", 0), -EISDIR);
    disk.block.read_only = true;
    assert_int_equal(fat_replace(&fat, CONF, "", 0), -EROFS);
    assert_int_equal(disk.written, 0);
    check_by_tools((const uint8_t *)"m 64\n[r]\nhda slot\n", 18);
    free(much);
}

/*
 * The power goes after `sectors` of the replacement, or by an odd `seed` in the
 * flush behind them, if there is one. False: it was done before.
 */
static bool cut_replacement(const struct kind *kind, uint64_t sectors,
                            uint32_t seed, size_t len)
{
    static const uint8_t old[] = "m 64\n[r]\nhda slot\n";
    bool was_cut;

    load_image(kind->kib);
    disk.cut_at = sectors;
    disk.cut_in_flush = seed & 1;
    was_cut = fat_replace(&fat, CONF, big, len) != 0;
    assert_int_equal(was_cut, disk.is_off);
    fake_cut_power(&disk, seed);
    disk.cut_in_flush = false;
    assert_int_equal(fat_open(&fat, &disk.block), 0);
    if (!has_content(CONF, big, len, len)) {
        assert_true(was_cut);
        assert_true(has_content(CONF, old, sizeof old - 1, len));
    }
    assert_true(has_content("boot/grub/The Big One.img", big, BIG_BYTES,
                            BIG_BYTES));
    /* And it can be done again. */
    assert_int_equal(fat_replace(&fat, CONF, big + 5, len), 0);
    assert_true(has_content(CONF, big + 5, len, len));
    stop(NULL);
    return was_cut;
}

static void test_cut_at_every_sector(void **state)
{
    for (unsigned k = 0; k < KINDS; k++) {
        uint64_t sectors = 0;
        unsigned cuts = 0;

        make_image(&kinds[k]);
        stop(NULL);
        while (cut_replacement(&kinds[k], sectors, 2, 5000)) {
            for (uint32_t seed = 3; seed < (k < 2 ? 8 : 4); seed++)
                cut_replacement(&kinds[k], sectors, seed, 5000);
            sectors++;
            cuts++;
        }
        assert_true(cuts > 10);
    }
}

/* ---- Damage ------------------------------------------------------------------ */

static uint32_t first_of(const char *path)
{
    struct fat_entry e;

    assert_int_equal(fat_find(&fat, path, &e), 0);
    return e.cluster;
}

static void read_fails(const char *path, const char *fault)
{
    uint8_t *buf = malloc(BIG_BYTES);
    struct fat_file file;
    long r = fat_open_file(&fat, path, &file);

    if (!r)
        r = fat_read(&fat, &file, buf, BIG_BYTES);
    free(buf);
    assert_int_equal(r, -EBADMSG);
    if (!strstr(fat.fault, fault))
        fail_msg("'%s' is not in '%s'", fault, fat.fault);
}

static void test_damaged_chains(void **state)
{
    static const char path[] = "boot/grub/the big one.img";

    for (unsigned k = 0; k < KINDS; k++) {
        uint32_t c, second, free = 0, value = 1;

        make_image(&kinds[k]);
        c = first_of(path);
        assert_int_equal(fat_get(&fat, c, &second), 0);
        fat_set(&fat, second, c);
        read_fails(path, "leads round");
        fat_set(&fat, second, second);
        read_fails(path, "leads round");
        fat_set(&fat, second, FAT_LAST);
        read_fails(path, "fewer clusters than its size wants");
        fat_set(&fat, second, FAT_FREE);
        read_fails(path, "leads astray");
        fat_set(&fat, second, 1);
        read_fails(path, "leads astray");
        fat_set(&fat, second, fat.boot.clusters + 2);
        read_fails(path, "leads astray");
        /* A folder that leads round without an end, and one that is nowhere. */
        c = first_of("boot/grub");
        for (free = 2; value && free < fat.boot.clusters; free++)
            assert_int_equal(fat_get(&fat, free, &value), 0);
        assert_int_equal(fat_set(&fat, c, c), 0);
        memset(disk.data + fat_cluster_sector(&fat, c) * 512, 0xe5,
               fat.boot.cluster_sectors * 512);
        read_fails("boot/grub/none", "leads round");
        stop(NULL);
    }
}

/* The old chain leads into free clusters, which the new content then takes. */
static void test_damaged_replaced(void **state)
{
    for (unsigned k = 0; k < KINDS; k++) {
        uint32_t c, free = FAT_FIRST_CLUSTER, value;
        const size_t len = 40000;

        make_image(&kinds[k]);
        c = first_of(CONF);
        for (; !fat_get(&fat, free, &value) && value != FAT_FREE; free++)
            ;
        assert_int_equal(fat_set(&fat, c, free), 0);
        assert_int_equal(fat_replace(&fat, CONF, big, len), 0);
        assert_true(has_content(CONF, big, len, len));
        /* It keeps its clusters. */
        assert_int_equal(fat_replace(&fat, "short.txt", big + 7, len), 0);
        assert_true(has_content("short.txt", big + 7, len, len));
        assert_true(has_content(CONF, big, len, len));
        stop(NULL);
    }
}

static void test_damaged_entries(void **state)
{
    struct fat_entry e;
    uint8_t *p;

    make_image(&kinds[2]);
    assert_int_equal(fat_find(&fat, "short.txt", &e), 0);
    p = disk.data + e.sector * 512 + e.offset;
    memset(p + 26, 0, 2);
    read_fails("short.txt", "begins where no cluster is");
    memset(p + 26, 0xff, 2);
    memset(p + 20, 0xff, 2);
    read_fails("short.txt", "begins where no cluster is");
    memset(p + 28, 0, 4);                       /* empty: it needs none */
    assert_true(has_content("short.txt", big, 0, 10));
    p[11] |= 0x10;
    read_fails("short.txt/x", "begins where no cluster is");
    /* A long name whose short one is another's is none. */
    assert_int_equal(fat_find(&fat, CONF, &e), 0);
    disk.data[e.sector * 512 + e.offset - 32 + 13]++;
    assert_int_equal(fat_find(&fat, CONF, &e), -ENOENT);
}

static void refused(const uint8_t *good, unsigned at, uint32_t value,
                    unsigned bytes, const char *fault)
{
    uint8_t sector[512];
    struct fat_boot boot;
    const char *said;

    memcpy(sector, good, 512);
    memcpy(sector + at, &value, bytes);
    said = fat_boot_parse(sector, &boot);
    if (!said || !strstr(said, fault))
        fail_msg("at %u, %u: '%s' is not in '%s'", at, value, fault,
                 said ? said : "");
}

static void test_boot_sector(void **state)
{
    static const char none[] = "there is no FAT file system";
    const uint8_t *s;

    make_image(&kinds[2]);
    s = disk.data;
    refused(s, 510, 0, 2, none);
    refused(s, 11, 0, 2, none);
    refused(s, 11, 511, 2, none);
    refused(s, 11, 8192, 2, none);
    refused(s, 13, 0, 1, none);
    refused(s, 13, 3, 1, none);
    refused(s, 14, 0, 2, none);
    refused(s, 16, 0, 1, none);
    refused(s, 16, 5, 1, none);
    refused(s, 17, 512, 2, none);
    refused(s, 36, 0, 4, none);
    refused(s, 32, 0, 4, none);
    refused(s, 19, 40, 2, "no room for files");
    refused(s, 36, 1, 4, "too small for its clusters");
    refused(s, 36, 0x1fffffff, 4, "no room for files");
    refused(s, 40, 0x80, 2, "only one copy");
    refused(s, 44, 1, 4, "root folder lies outside");
    refused(s, 44, 0x0fffffff, 4, "root folder lies outside");
    disk.block.sectors -= 1;
    assert_int_equal(fat_open(&fat, &disk.block), -EBADMSG);
    assert_string_equal(fat.fault, "the FAT is larger than its partition");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_used),
        cmocka_unit_test_teardown(test_not_found, stop),
        cmocka_unit_test(test_replace),
        cmocka_unit_test_teardown(test_replace_refused, stop),
        cmocka_unit_test(test_cut_at_every_sector),
        cmocka_unit_test(test_damaged_chains),
        cmocka_unit_test(test_damaged_replaced),
        cmocka_unit_test_teardown(test_damaged_entries, stop),
        cmocka_unit_test_teardown(test_boot_sector, stop),
    };

    return cmocka_run_group_tests(tests, start, end);
}
