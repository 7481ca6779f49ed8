/* The store of snapshots: place, names, damage, cuts at every sector. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/snapshot/store.h"
#include "tests/unit/fake_cut.h"

#define CLUSTER SNAPSHOT_CLUSTER
#define SECTORS(clusters) ((clusters) * (CLUSTER / 512))
#define SIZE 12u                /* clusters, two of them the record's */

static struct fake_cut disk;
static struct snapshot_store *store;
static char why[200];

static int open_store(bool init)
{
    return snapshot_store_open(&disk.block, init, &store, why, sizeof why);
}

static int start(void **state)
{
    fake_cut_init(&disk, SECTORS(SIZE), SECTORS(SIZE));
    return open_store(false);
}

static int end(void **state)
{
    if (store)
        snapshot_store_close(store);
    store = NULL;
    fake_cut_free(&disk);
    return 0;
}

static void reopen(void)
{
    snapshot_store_close(store);
    store = NULL;
    if (open_store(false))
        fail_msg("%s", why);
}

/* A snapshot of machine `machine` with bytes that follow from `seed`. */
static int save(const char *machine, const char *tag, uint8_t seed,
                uint64_t vm, uint64_t disks)
{
    struct snapshot p = { .date = 1000 + seed, .clock_ns = seed,
                          .vm_bytes = vm, .disk_bytes = disks };
    int r = snapshot_begin(store);

    snprintf(p.tag, sizeof p.tag, "%s", tag);
    snprintf(p.machine, sizeof p.machine, "%s", machine);
    for (uint64_t at = 0; at < vm + disks && !r; ) {
        uint8_t buf[5000];
        size_t n = vm + disks - at < sizeof buf ? vm + disks - at
                                                : sizeof buf;

        for (size_t i = 0; i < n; i++)
            buf[i] = seed + (at + i) % 251;
        r = snapshot_append(store, buf, n);
        at += n;
    }
    if (!r)
        return snapshot_commit(store, &p);
    snapshot_abort(store);
    return r;
}

static const struct snapshot *find(const char *machine, const char *name)
{
    return snapshot_find(snapshot_store_index(store), machine, name);
}

/* It is there, whole, with the bytes of `seed`. */
static void expect(const char *machine, const char *tag, uint8_t seed)
{
    const struct snapshot *p = find(machine, tag);
    uint64_t bytes;

    assert_non_null(p);
    assert_int_equal(p->clock_ns, seed);
    assert_int_equal(p->date, 1000 + seed);
    bytes = p->vm_bytes + p->disk_bytes;
    for (uint64_t at = 0; at < bytes; ) {
        static uint8_t buf[70000];
        size_t n = bytes - at < sizeof buf ? bytes - at : sizeof buf;

        assert_int_equal(snapshot_read(store, p, at, buf, n), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(buf[i], (uint8_t)(seed + (at + i) % 251));
        at += n;
    }
}

static void expect_why(const char *words)
{
    if (!strstr(snapshot_store_why(store), words))
        fail_msg("'%s' does not say '%s'", snapshot_store_why(store), words);
}

static unsigned count(void) { return snapshot_store_index(store)->count; }

static uint64_t free_clusters(void)
{
    return snapshot_store_free(store) / CLUSTER;
}

static void test_several(void **state)
{
    assert_int_equal(count(), 0);
    assert_int_equal(free_clusters(), SIZE - 2);
    assert_int_equal(save("a", "one", 1, 3, 0), 0);
    assert_int_equal(save("a", "two", 2, CLUSTER, CLUSTER), 0);
    assert_int_equal(save("b", "one", 3, 10, 2 * CLUSTER - 10), 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(count(), 3);
        expect("a", "one", 1);
        expect("a", "two", 2);
        expect("b", "one", 3);
        assert_int_equal(free_clusters(), SIZE - 2 - 5);
        reopen();
    }
    assert_ptr_equal(find("a", "2"), find("a", "two"));
    assert_null(find("b", "2"));        /* another machine's */
    assert_null(find("a", "9"));
    assert_int_equal(snapshot_delete(store, find("a", "two")->id), 0);
    assert_null(find("a", "two"));
    assert_int_equal(free_clusters(), SIZE - 2 - 3);
    expect("b", "one", 3);
    assert_int_equal(save("a", "new", 4, 5 * CLUSTER, 7), 0);
    assert_int_equal(find("a", "new")->id, 4);
    reopen();
    expect("a", "one", 1);
    expect("a", "new", 4);
    expect("b", "one", 3);
}

/* A tag that is there is replaced; a number is no tag. */
static void test_replace(void **state)
{
    assert_int_equal(save("a", "t", 1, 4 * CLUSTER, 0), 0);
    assert_int_equal(save("a", "1", 9, 1, 0), 0);
    assert_int_equal(count(), 2);
    expect("a", "t", 1);
    assert_int_equal(save("a", "t", 2, 5 * CLUSTER, 0), 0);
    assert_int_equal(count(), 2);
    expect("a", "t", 2);
    /* The old one stays until the new one is there. */
    assert_int_equal(save("a", "t", 3, 5 * CLUSTER, 0), -ENOSPC);
    expect_why("no room for all of the snapshot: 'delvm' makes some");
    expect("a", "t", 2);
    reopen();
    expect("a", "t", 2);
    expect("a", "1", 9);
}

static void test_full(void **state)
{
    assert_int_equal(save("a", "all", 1, (SIZE - 2) * CLUSTER, 0), 0);
    assert_int_equal(free_clusters(), 0);
    assert_int_equal(save("a", "more", 2, 1, 0), -ENOSPC);
    expect_why("no room for a snapshot");
    assert_int_equal(snapshot_delete(store, 1), 0);
    for (unsigned i = 0; i < SIZE - 2; i++) {
        char tag[8];

        snprintf(tag, sizeof tag, "t%u", i);
        assert_int_equal(save("a", tag, i, 1, 0), 0);
    }
    for (unsigned i = 0; i < SIZE - 2; i += 2)
        assert_int_equal(snapshot_delete(store, 2 + i), 0);
    assert_int_equal(save("a", "pieces", 99, 5 * CLUSTER, 0), 0);
    assert_int_equal(find("a", "pieces")->extents, 5);
    reopen();
    expect("a", "pieces", 99);
    expect("a", "t1", 1);
}

static void test_too_many(void **state)
{
    end(NULL);
    fake_cut_init(&disk, SECTORS(SNAPSHOT_MAX + 4),
                  SECTORS(SNAPSHOT_MAX + 4));
    assert_int_equal(open_store(false), 0);
    for (unsigned i = 0; i < SNAPSHOT_MAX; i++) {
        char tag[8];

        snprintf(tag, sizeof tag, "t%u", i);
        assert_int_equal(save("a", tag, i, 1, 0), 0);
    }
    assert_int_equal(save("a", "more", 2, 1, 0), -ENOSPC);
    expect_why("there are 32 snapshots already");
    assert_int_equal(save("a", "t3", 77, 1, 0), 0);
    expect("a", "t3", 77);
}

/* A file grows, as far as its disk lets it. */
static void test_growing(void **state)
{
    end(NULL);
    fake_cut_init(&disk, 0, SECTORS(SIZE));
    assert_int_equal(open_store(false), 0);
    assert_true(snapshot_store_free(store) == UINT64_MAX);
    assert_int_equal(save("a", "one", 1, 100, 100), 0);
    assert_int_equal(save("a", "big", 2, SIZE * CLUSTER, 0), -ENOSPC);
    expect("a", "one", 1);
    disk.block.sectors = SECTORS(3);
    reopen();
    expect("a", "one", 1);
    /* Cut short. */
    disk.block.sectors = SECTORS(3) - 1;
    reopen();
    assert_int_equal(snapshot_read(store, find("a", "one"), 0, why, 1),
                     -EINVAL);
    expect_why("was cut short");
}

/* What is free in the middle of a file is used before the file grows. */
static void test_growing_no_more_than_needed(void **state)
{
    uint64_t most;

    end(NULL);
    fake_cut_init(&disk, 0, SECTORS(100));
    assert_int_equal(open_store(false), 0);
    assert_int_equal(save("a", "kept", 1, CLUSTER, 0), 0);
    assert_int_equal(save("a", "one", 2, 3 * CLUSTER, 0), 0);
    assert_int_equal(save("a", "one", 3, 3 * CLUSTER, 0), 0);
    most = disk.block.sectors;
    for (uint8_t i = 4; i < 40; i++)
        assert_int_equal(save("a", "one", i, 3 * CLUSTER, 0), 0);
    expect("a", "one", 39);
    assert_int_equal(disk.block.sectors, most);
    /* One that needs more gets both. */
    assert_int_equal(save("a", "two", 40, 5 * CLUSTER, 0), 0);
    expect("a", "two", 40);
    expect("a", "kept", 1);
    assert_int_equal(disk.block.sectors, SECTORS(2 + 1 + 3 + 5));
}

static void test_what_is_no_store(void **state)
{
    end(NULL);
    fake_cut_init(&disk, SECTORS(2), SECTORS(2));
    assert_int_equal(open_store(false), -ENOSPC);
    assert_non_null(strstr(why, "too small"));
    fake_cut_free(&disk);
    fake_cut_init(&disk, SECTORS(SIZE), SECTORS(SIZE));
    memset(disk.data + 1000, 7, 20);
    assert_int_equal(open_store(false), -EINVAL);
    assert_non_null(strstr(why, "something that is no store"));
    assert_int_equal(open_store(true), 0);
    assert_int_equal(save("a", "one", 1, 100, 100), 0);
    snapshot_store_close(store);
    assert_int_equal(open_store(true), 0);      /* a good one stays */
    expect("a", "one", 1);
    snapshot_store_close(store);
    store = NULL;
    disk.data[100] ^= 1;
    disk.data[CLUSTER + 100] ^= 1;
    assert_int_equal(open_store(false), -EINVAL);
    assert_non_null(strstr(why, "both copies of its table are damaged"));
    disk.is_off = true;
    assert_int_equal(open_store(true), -EIO);
    disk.is_off = false;
    assert_int_equal(open_store(true), 0);
    assert_int_equal(count(), 0);
}

static void test_read_only(void **state)
{
    assert_int_equal(save("a", "one", 1, 100, 100), 0);
    disk.block.read_only = true;
    reopen();
    expect("a", "one", 1);
    assert_int_equal(save("a", "two", 1, 100, 100), -EROFS);
    assert_int_equal(snapshot_delete(store, 1), -EROFS);
    expect_why("read-only");
}

static void test_marks(void **state)
{
    assert_int_equal(save("a", "one", 1, 100, 100), 0);
    assert_int_equal(save("a", "two", 2, 100, 100), 0);
    assert_int_equal(snapshot_mark(store, 1, 5), 0);
    reopen();
    assert_int_equal(snapshot_store_index(store)->restoring, 1);
    assert_int_equal(snapshot_store_index(store)->restoring_units, 5);
    assert_int_equal(snapshot_delete(store, 1), -EBUSY);
    assert_int_equal(save("a", "one", 3, 100, 100), -EBUSY);
    expect_why("'loadvm' it again");
    assert_int_equal(snapshot_delete(store, 2), 0);
    assert_int_equal(snapshot_mark(store, 7, 1), -EINVAL);
    assert_int_equal(snapshot_mark(store, 1, 16), -EINVAL);
    assert_int_equal(snapshot_mark(store, 0, 0), 0);
    assert_int_equal(snapshot_delete(store, 1), 0);
}

static void test_bad_names(void **state)
{
    assert_int_equal(save("a", "", 1, 1, 0), -EINVAL);
    assert_int_equal(save("a", " x", 1, 1, 0), -EINVAL);
    assert_int_equal(save("a", "x\n", 1, 1, 0), -EINVAL);
    assert_int_equal(save("", "x", 1, 1, 0), -EINVAL);
    expect_why("a machine's name that is none");
    assert_int_equal(count(), 0);
    assert_int_equal(save("a", "x", 1, 1, 0), 0);
}

/* ---- Cuts ---------------------------------------------------------------- */

/* What is changed, and what is there before and after. */
static int change_save(void) { return save("a", "new", 5, CLUSTER, 9); }
static int change_replace(void) { return save("a", "one", 5, CLUSTER, 9); }
static int change_delete(void) { return snapshot_delete(store, 1); }
static int change_mark(void) { return snapshot_mark(store, 2, 3); }

static void base(void)
{
    end(NULL);
    start(NULL);
    assert_int_equal(save("a", "one", 1, 20, 2 * CLUSTER), 0);
    assert_int_equal(save("b", "two", 2, 10, 20), 0);
}

static bool has(const char *tag, uint8_t seed)
{
    const struct snapshot *p = find("a", tag);

    if (!p || p->clock_ns != seed)
        return false;
    expect("a", tag, seed);
    return true;
}

/* Afterwards it is as before or as it was to be; which of the two? */
static bool is_changed(int (*change)(void))
{
    bool one = has("one", 1), new = has("new", 5), replaced = has("one", 5);
    bool marked = snapshot_store_index(store)->restoring == 2;

    expect("b", "two", 2);
    if (change == change_save) {
        assert_true(one);
        return new;
    }
    if (change == change_replace) {
        assert_true(one != replaced);
        return replaced;
    }
    assert_true(one || change == change_delete);
    return change == change_delete ? !one : marked;
}

/* After `at` sectors, or in the flush behind them, if there is one. */
static void cut(int (*change)(void), unsigned at, bool in_flush,
                unsigned seed)
{
    int r;

    base();
    disk.cut_at = disk.written + at;
    disk.cut_in_flush = in_flush;
    r = change();
    assert_int_equal(r, disk.is_off ? -EIO : 0);
    fake_cut_power(&disk, seed);
    disk.cut_in_flush = false;
    reopen();
    if (!r)
        assert_true(is_changed(change));
    else
        is_changed(change);
    /* It goes on from there. */
    if (change != change_mark)
        assert_int_equal(save("a", "later", 8, 3 * CLUSTER, 1), 0);
    is_changed(change);
}

static void test_cuts(void **state)
{
    int (*const changes[])(void) = {
        change_save, change_replace, change_delete, change_mark
    };

    for (unsigned i = 0; i < 4; i++) {
        uint64_t steps;

        base();
        steps = disk.written;
        assert_int_equal(changes[i](), 0);
        steps = disk.written - steps;
        assert_in_range(steps, 128, 1000);
        for (unsigned at = 0; at <= steps; at++)
            for (unsigned flush = 0; flush < 2; flush++)
                cut(changes[i], at, flush, at + flush);
    }
}

/*
 * A change that failed may be on the medium: what it gave up is not written to
 * before the old record is there again.
 */
static void test_doubt(void **state)
{
    base();
    disk.flush_fails = true;
    assert_int_equal(snapshot_delete(store, 1), -EIO);
    disk.flush_fails = false;
    expect("a", "one", 1);
    assert_int_equal(save("a", "big", 7, 6 * CLUSTER, 0), 0);
    reopen();
    expect("a", "one", 1);
    expect("a", "big", 7);
}

/* The table's bytes: each flipped one is refused or changes nothing. */
static void test_damage(void **state)
{
    base();
    snapshot_store_close(store);
    store = NULL;
    for (unsigned i = 0; i < 700; i++) {
        disk.data[i] ^= 4;
        assert_int_equal(open_store(false), 0);
        assert_in_range(count(), 1, 2);
        snapshot_store_close(store);
        disk.data[i] ^= 4;
    }
    store = NULL;
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_several), TEST(test_replace), TEST(test_full),
        TEST(test_too_many), TEST(test_growing),
        TEST(test_growing_no_more_than_needed), TEST(test_what_is_no_store),
        TEST(test_read_only), TEST(test_marks), TEST(test_bad_names),
        TEST(test_cuts), TEST(test_doubt), TEST(test_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
