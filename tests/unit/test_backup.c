/* A copy of a disk as it was, while a guest writes to it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/disk/backup.h"
#include "kernel/disk/backup_target.h"
#include "kernel/disk/block_file.h"
#include "kernel/platform.h"
#include "tests/unit/disk_harness.h"
#include "tests/unit/poll_until.h"

/* Some steps of 16 clusters; the last cluster is not whole. */
#define CLUSTERS 41u
#define SECTORS ((CLUSTERS - 1) * 128u + 5)
#define LARGER (SECTORS + 9)

/* The tests work in a folder of their own: names in it are theirs alone. */
static const char path[] = "disk.img", copy_path[] = "copy.img";
static uint8_t disk[SECTORS * 512], old[SECTORS * 512], want[SECTORS * 512];
static uint8_t copied[LARGER * 512];
static struct memory_block source, target;
static struct disk_image img;
static struct block *opened;    /* the stack that `source` is in place of */
static uint32_t seed;
static char why[200];

static uint32_t random32(void)
{
    return seed = seed * 1664525 + 1013904223;
}

static void fill(uint8_t *buf, size_t len)
{
    for (size_t i = 0; i < len; i += 4) {
        uint32_t x = random32();

        memcpy(buf + i, &x, 4);
    }
}

static int setup(void **state)
{
    seed = 1;
    fill(disk, sizeof disk);
    memcpy(old, disk, sizeof disk);
    memcpy(want, disk, sizeof disk);
    memset(copied, 0x5a, sizeof copied);
    memory_block_init(&source, disk, SECTORS);
    memory_block_init(&target, copied, LARGER);
    if (truncate(path, 0) || truncate(path, 512) ||
        disk_image_open(&img, path, 0, why, sizeof why))
        return -1;
    opened = img.top;
    img.top = &source.block;
    img.dev.sectors = SECTORS;
    return 0;
}

static int teardown(void **state)
{
    assert_null(img.watch);
    img.top = opened;
    disk_image_close(&img);
    return 0;
}

/* ---- The guest --------------------------------------------------------------- */

static int last_error;

static void done(struct block_request *req, int error) { last_error = error; }

static bool take_back(void)
{
    img.dev.poll(&img.dev);
    return last_error != 1;
}

static int request(enum block_op op, uint64_t at, uint32_t count, void *buf)
{
    struct block_request req = { op, at, count, buf, done, NULL };

    last_error = 1;
    img.dev.submit(&img.dev, &req);
    if (last_error == 1)
        POLL_UNTIL_BY(take_back, 1, last_error != 1);
    return last_error;
}

static void guest_writes(uint32_t at, uint32_t count)
{
    uint8_t *buf = want + at * 512;

    fill(buf, count * 512);
    assert_int_equal(request(BLOCK_WRITE, at, count, buf), 0);
}

static void write_somewhere(void)
{
    uint32_t at = random32() % SECTORS, n = 1 + random32() % 256;

    guest_writes(at, n > SECTORS - at ? SECTORS - at : n);
}

/* ---- The job ----------------------------------------------------------------- */

static unsigned steps, stop_at;
static void (*between)(void);
static uint64_t last_done, last_total;

static bool go_on(void *ctx, uint64_t did, uint64_t total)
{
    assert_ptr_equal(ctx, &img);
    assert_in_range(did, last_done, total);
    assert_int_equal(total, img.dev.sectors * 512);
    last_done = did;
    last_total = total;
    if (between)
        between();
    return ++steps != stop_at;
}

static int backup_with(struct backup_config c)
{
    c.img = &img;
    c.target_name = "copy.img";
    c.go_on = go_on;
    c.ctx = &img;
    steps = 0;
    last_done = 0;
    *why = '\0';
    return disk_backup(&c, why, sizeof why);
}

static int backup(unsigned stop, void (*f)(void), uint32_t most)
{
    stop_at = stop;
    between = f;
    return backup_with((struct backup_config){
        .target = &target.block, .kept_most = most,
    });
}

/* The target has the old content and nothing behind it, the disk the new one. */
static void assert_copied(void)
{
    assert_memory_equal(copied, old, sizeof old);
    assert_int_equal(copied[sizeof old], 0x5a);
    assert_memory_equal(copied + sizeof old, copied + sizeof old + 1,
                        sizeof copied - sizeof old - 1);
    assert_memory_equal(disk, want, sizeof want);
    assert_null(img.watch);
}

static void test_copy(void **state)
{
    assert_int_equal(backup(0, NULL, 0), 0);
    assert_copied();
    assert_in_range(steps, 4, 4);
    assert_int_equal(last_done, last_total);
    assert_int_equal(target.flushes, 1);
}

/* ---- Writes meanwhile -------------------------------------------------------- */

static unsigned write_in_step;
static uint32_t write_at, write_count;

static void write_there(void)
{
    if (steps == write_in_step)
        guest_writes(write_at, write_count);
}

/* In each step at each cluster: within it, into the next one, and over it. */
static void test_write_at_every_place(void **state)
{
    static const struct { int32_t at; uint32_t count; } places[] = {
        { 3, 2 }, { -1, 2 }, { -1, 130 }, { 0, 256 },
    };

    for (unsigned i = 0; i < CLUSTERS * 4 * 4; i++) {
        int32_t at = i / 16 * 128 + places[i % 4].at;

        write_in_step = i / 4 % 4;
        write_at = at < 0 ? 0 : at;
        write_count = places[i % 4].count;
        if (write_count > SECTORS - write_at)
            write_count = SECTORS - write_at;
        memset(copied, 0x5a, sizeof copied);
        memcpy(old, disk, sizeof old);
        assert_int_equal(backup(0, write_there, 3), 0);
        assert_copied();
    }
}

static void write_some(void)
{
    for (unsigned i = 0; i < 7; i++)
        write_somewhere();
}

static void test_writes_everywhere(void **state)
{
    for (unsigned i = 0; i < 20; i++) {
        memset(copied, 0x5a, sizeof copied);
        memcpy(old, disk, sizeof old);
        assert_int_equal(backup(0, write_some, CLUSTERS), 0);
        assert_copied();
        assert_int_equal(last_done, last_total);
    }
}

/* What is refused is not written, and not kept. */
static void write_behind(void)
{
    uint8_t buf[2 * 512] = { 0 };

    assert_int_equal(request(BLOCK_WRITE, SECTORS - 1, 2, buf), -EINVAL);
    assert_int_equal(request(BLOCK_WRITE, SECTORS, 1, buf), -EINVAL);
    assert_int_equal(request(BLOCK_WRITE, UINT64_MAX, 2, buf), -EINVAL);
}

static void test_writes_behind_the_end(void **state)
{
    assert_int_equal(backup(0, write_behind, 1), 0);
    assert_copied();
}

static atomic_bool begun, wrote;
static int task_result;

/* From the first time on the guest writes, and is waited for. */
static bool go_on_beside(void *ctx, uint64_t did, uint64_t total)
{
    uint64_t end = platform_now_ns() + PATIENCE_NS;

    atomic_store(&begun, true);
    platform_wake();
    while (!atomic_load(&wrote) && platform_now_ns() < end)
        platform_task_wait(platform_now_ns() + MS / 10);
    return true;
}

static void backup_main(void *arg)
{
    const struct backup_config c = {
        .img = &img, .target = &target.block, .target_name = "copy.img",
        .kept_most = CLUSTERS, .go_on = go_on_beside,
    };

    task_result = disk_backup(&c, why, sizeof why);
}

/* As it is in earnest: the guest's core, the disk's worker and the job. */
static void test_beside_the_guest(void **state)
{
    struct platform_task *task;

    img.top->waits = BLOCK_FLUSH_WAITS;
    assert_int_equal(disk_image_start_worker(&img), 0);
    for (unsigned i = 0; i < 20; i++) {
        memset(copied, 0x5a, sizeof copied);
        memcpy(old, disk, sizeof old);
        atomic_store(&begun, false);
        atomic_store(&wrote, false);
        assert_int_equal(platform_task_start(backup_main, NULL, &task), 0);
        POLL_UNTIL_BY(take_back, 1, atomic_load(&begun));
        do {
            write_somewhere();
            assert_int_equal(request(BLOCK_FLUSH, 0, 0, NULL), 0);
            atomic_store(&wrote, true);
        } while (!platform_task_has_ended(task));
        platform_task_free(task);
        assert_int_equal(task_result, 0);
        assert_copied();
    }
    worker_stop(&img.worker);
}

/* ---- It ends early ----------------------------------------------------------- */

static void test_no_memory(void **state)
{
    write_in_step = 0;
    write_at = 7 * 128;
    write_count = 4 * 128;
    assert_int_equal(backup(0, write_there, 4), 0);
    assert_copied();
    memcpy(old, disk, sizeof old);
    write_count++;
    assert_int_equal(backup(0, write_there, 4), -ENOBUFS);
    assert_string_equal(why, "the guest writes faster than 'copy.img', and "
                        "there is no memory to keep more than 256 KiB for it");
    assert_memory_equal(disk, want, sizeof want);
    assert_int_equal(steps, 1);
    /* And goes on. */
    write_some();
    assert_memory_equal(disk, want, sizeof want);
}

static void test_cancel(void **state)
{
    unsigned n = 1;
    int r;

    while ((r = backup(n, write_some, CLUSTERS)) == -ECANCELED) {
        assert_memory_equal(disk, want, sizeof want);
        assert_int_equal(target.flushes, 0);
        n++;
    }
    assert_int_equal(r, 0);
    assert_in_range(n, 5, 60);
}

static void test_source_error(void **state)
{
    source.bad_sector = SECTORS - 1;
    assert_int_equal(backup(0, NULL, 1), -EIO);
    assert_non_null(strstr(why, "' cannot be read: Input/output error"));
    /* For the guest that read was not. */
    source.bad_sector = 128 * 40;
    write_in_step = 0;
    write_at = 128 * 40 + 1;
    write_count = 2;
    assert_int_equal(backup(0, write_there, 1), -EIO);
    assert_non_null(strstr(why, "' cannot be read: Input/output error"));
    assert_memory_equal(disk, want, sizeof want);
}

static int no_flush(struct block *b) { return -EIO; }

static void test_target_errors(void **state)
{
    const struct block_ops *good = target.block.ops;
    struct block_ops ops = *good;

    target.bad_sector = 20 * 128;
    assert_int_equal(backup(0, write_some, CLUSTERS), -EIO);
    assert_string_equal(why, "'copy.img' cannot be written: Input/output "
                        "error");
    target.bad_sector = UINT64_MAX;
    ops.flush = no_flush;
    target.block.ops = &ops;
    assert_int_equal(backup(0, NULL, 1), -EIO);
    assert_int_equal(last_done, last_total);
    assert_string_equal(why, "'copy.img' cannot be written: Input/output "
                        "error");
    target.block.ops = good;
    target.block.read_only = true;
    assert_int_equal(backup(0, NULL, 1), -EROFS);
    target.block.read_only = false;
    memset(copied, 0x5a, sizeof copied);
    target.block.sectors = SECTORS - 1;
    assert_int_equal(backup(0, NULL, 1), -ENOSPC);
    assert_non_null(strstr(why, "'copy.img' has 5124 sectors, and '"));
    assert_non_null(strstr(why, "' needs 5125"));
    assert_int_equal(copied[0], 0x5a);
    target.block.sectors = SECTORS;
    memcpy(old, disk, sizeof old);
    assert_int_equal(backup(0, NULL, 1), 0);
    assert_copied();
}

static void exchange(void)
{
    if (steps == 1)
        img.watch->replaced(img.watch);
}

static void test_another_slot(void **state)
{
    assert_int_equal(backup(0, exchange, 1), -ESTALE);
    assert_non_null(strstr(why, "the machine was reset, and has another slot"));
}

/* ---- Files ------------------------------------------------------------------- */

#define FULL 42336u             /* that the seed page's table asks for */

static uint8_t byte;            /* that the guest writes */

static void write_ends(void)
{
    uint8_t buf[512];

    memset(buf, ++byte, sizeof buf);
    assert_int_equal(request(BLOCK_WRITE, 1, 1, buf), 0);
    assert_int_equal(request(BLOCK_WRITE, FULL - 1, 1, buf), 0);
}

static void open_grown(unsigned flags)
{
    uint8_t mbr[512];
    FILE *f = fopen(path, "w");

    img.top = opened;
    disk_image_close(&img);
    put_seed_mbr(mbr);
    assert_non_null(f);
    fwrite(mbr, 1, sizeof mbr, f);
    fclose(f);
    assert_int_equal(truncate(path, 5000 * 512), 0);
    assert_int_equal(disk_image_open(&img, path, flags, why, sizeof why), 0);
    assert_int_equal(img.dev.sectors, FULL);
    opened = img.top;
    byte = 0;
    write_ends();
}

static void read_copy(uint64_t sector, uint8_t want_byte)
{
    uint8_t buf[512];
    FILE *f = fopen(copy_path, "r");

    assert_non_null(f);
    assert_int_equal(fseek(f, sector * 512, SEEK_SET), 0);
    assert_int_equal(fread(buf, 1, 512, f), 512);
    fclose(f);
    assert_int_equal(buf[0], want_byte);
    assert_int_equal(buf[511], want_byte);
}

static void copy_to_file(bool is_there)
{
    struct block *to;

    assert_int_equal(backup_target_open(copy_path, is_there,
                                        platform_task_wait, &to, why,
                                        sizeof why), 0);
    stop_at = 0;
    between = write_ends;
    assert_int_equal(backup_with((struct backup_config){
        .target = to, .is_new = !is_there, .kept_most = 2,
    }), 0);
    block_close(to);
}

/* Through the overlay, in the size that the guest sees; and sparse if new. */
static void test_grown(void **state)
{
    for (unsigned i = 0; i < 2; i++) {
        uint8_t was;
        struct stat st;

        unlink(copy_path);
        open_grown(i ? DISK_SNAPSHOT : 0);
        copy_to_file(false);
        assert_int_equal(stat(copy_path, &st), 0);
        assert_int_equal(st.st_size, (off_t)FULL * 512);
        assert_in_range(st.st_blocks, 8, 3 * 128);
        read_copy(1, 1);
        read_copy(FULL - 1, 1);
        read_copy(3000, 0);
        was = byte;
        copy_to_file(true);
        read_copy(1, was);
        read_copy(FULL - 1, was);
        assert_in_range(byte, was + 1, 255);
    }
    unlink(copy_path);
}

static int open_target(const char *name, bool is_there)
{
    struct block *to = NULL;
    int r = backup_target_open(name, is_there, platform_task_wait, &to, why,
                               sizeof why);

    block_close(to);
    return r;
}

static void test_target_names(void **state)
{
    unlink(copy_path);
    assert_int_equal(open_target(copy_path, true), -ENOENT);
    assert_non_null(strstr(why, "without -n a file is made"));
    assert_int_equal(open_target("/nowhere/copy", false), -ENOENT);
    assert_int_equal(open_target(copy_path, false), 0);
    assert_int_equal(open_target(copy_path, false), -EEXIST);
    assert_non_null(strstr(why, "' is there: -n overwrites it"));
    assert_int_equal(open_target(copy_path, true), 0);
    assert_int_equal(open_target("/tmp", true), -EISDIR);
    /* The source. */
    assert_int_equal(open_target(path, true), -EBUSY);
    assert_non_null(strstr(why, "' is in use"));
    assert_int_equal(open_target("disk:0", false), -EEXIST);
    assert_int_equal(open_target("disk:7", true), -ENOENT);
    assert_non_null(strstr(why, "there is no disk '7' among the PC's"));
    assert_int_equal(open_target("slot:b", true), -EINVAL);
    assert_non_null(strstr(why, "slots are for 'upgrade'"));
    assert_int_equal(chmod(copy_path, 0400), 0);
    if (geteuid()) {
        assert_int_equal(open_target(copy_path, true), -EROFS);
        assert_non_null(strstr(why, "' cannot be written"));
    }
    unlink(copy_path);
}

/* What was made is removed, and nothing that took its name. */
static void test_target_is_removed(void **state)
{
    struct block *to;

    for (unsigned other = 0; other < 2; other++) {
        unlink(copy_path);
        assert_int_equal(backup_target_open(copy_path, false,
                                            platform_task_wait, &to, why,
                                            sizeof why), 0);
        if (other) {
            assert_int_equal(unlink(copy_path), 0);
            close(open(copy_path, O_CREAT | O_RDWR, 0600));
        }
        assert_int_equal(block_file_remove(to), other ? -ESTALE : 0);
        block_close(to);
        assert_int_equal(access(copy_path, F_OK), other ? 0 : -1);
    }
    unlink(copy_path);
}

int main(void)
{
    char folder[] = "/tmp/trestle-backup-XXXXXX";
    const struct CMUnitTest tests[] = {
#define BACKUP_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        BACKUP_TEST(test_copy), BACKUP_TEST(test_write_at_every_place),
        BACKUP_TEST(test_writes_everywhere),
        BACKUP_TEST(test_writes_behind_the_end),
        BACKUP_TEST(test_beside_the_guest), BACKUP_TEST(test_no_memory),
        BACKUP_TEST(test_cancel), BACKUP_TEST(test_source_error),
        BACKUP_TEST(test_target_errors), BACKUP_TEST(test_another_slot),
        BACKUP_TEST(test_grown), BACKUP_TEST(test_target_names),
        BACKUP_TEST(test_target_is_removed),
    };
    int failed;

    if (!mkdtemp(folder) || chdir(folder))
        return 1;
    close(open(path, O_CREAT | O_RDWR, 0600));
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return rmdir(folder) ? 1 : failed;
}
