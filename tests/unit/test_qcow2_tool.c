/*
 * qcow2 images that qemu-img made are read and written, and what becomes of
 * them is judged by qemu-img check and compare; also after cuts of power.
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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/disk/commit.h"
#include "kernel/disk/qcow2.h"
#include "tests/unit/qcow2_harness.h"

#define SECTORS 2000u
#define BYTES (SECTORS * 512u)
#define CAPACITY (4u << 20)

/* In memory: a disk flushes for minutes. */
static char dir[] = "/dev/shm/trestle-qcow2-XXXXXX";
static uint8_t model[BYTES];
static uint32_t seed = 1;

/* ---- Tools ----------------------------------------------------------------- */

/* Run it in the test's folder; its exit status. */
__attribute__((format(printf, 1, 2)))
static int run(const char *format, ...)
{
    char line[1024];
    va_list args;
    int n = snprintf(line, sizeof line, "cd %s && ( ", dir), status;

    va_start(args, format);
    n += vsnprintf(line + n, sizeof line - n, format, args);
    va_end(args);
    snprintf(line + n, sizeof line - n, " ) > log 2>&1");
    status = system(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void ok(int status)
{
    char line[600];

    if (!status)
        return;
    snprintf(line, sizeof line, "cat %s/log", dir);
    if (system(line))
        fail_msg("and no log");
    fail_msg("exit status %d", status);
}

static const char *path(const char *name)
{
    static char full[300];

    snprintf(full, sizeof full, "%s/%s", dir, name);
    return full;
}

static void put_file(const char *name, const void *data, size_t bytes)
{
    FILE *f = fopen(path(name), "w");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, bytes, f), bytes);
    fclose(f);
}

static uint32_t random32(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    return seed ^= seed << 5;
}

static void randomize(uint8_t *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)random32();
}

/* Text that compresses, zeros, noise, by turns; as base.raw, too. */
static void make_base(void)
{
    seed = 1;
    for (unsigned at = 0; at < BYTES; at += 4096) {
        unsigned kind = at / 4096 % 7;

        if (kind < 3)
            randomize(model + at, 4096);
        else
            memset(model + at, kind < 5 ? 0 : at >> 12 & 0xff, 4096);
    }
    put_file("base.raw", model, BYTES);
}

/* ---- Through the layer ----------------------------------------------------- */

static struct image_file image;
static char name[300];

static void open_file(const char *file)
{
    char why[400];

    snprintf(name, sizeof name, "%s", path(file));
    if (image_file_open(name, IMAGE_QCOW2, true, &image, why, sizeof why))
        fail_msg("%s", why);
    assert_int_equal(image.block->sectors, SECTORS);
}

static void assert_same(struct block *b)
{
    static uint8_t buf[BYTES];

    assert_int_equal(block_read(b, 0, SECTORS, buf), 0);
    for (unsigned i = 0; i < SECTORS; i++)
        if (memcmp(buf + i * 512, model + i * 512, 512))
            fail_msg("sector %u differs", i);
}

static void write_some(struct block *b, unsigned count)
{
    while (count--) {
        uint32_t n = random32() % 60 + 1, at = random32() % (SECTORS - n);

        randomize(model + at * 512, n * 512);
        assert_int_equal(block_write(b, at, n, model + at * 512), 0);
        if (count % 7 == 0)
            assert_int_equal(block_flush(b), 0);
    }
}

/* Read all, write, and let qemu-img say what it thinks of it. */
static void use_file(const char *file)
{
    open_file(file);
    assert_same(image.block);
    write_some(image.block, 40);
    assert_same(image.block);
    block_close(image.block);
    ok(run("qemu-img check -f qcow2 %s", file));
    put_file("model.raw", model, BYTES);
    ok(run("qemu-img compare -f qcow2 -F raw %s model.raw", file));
    open_file(file);
    assert_same(image.block);
    block_close(image.block);
}

/* ---- Shapes ---------------------------------------------------------------- */

static void test_shapes(void **state)
{
    static const char *const shapes[] = {
        "-o cluster_size=64k", "-o compat=0.10", "-c", "-c -o cluster_size=512",
        "-c -o cluster_size=4k,compat=0.10", "-c -o cluster_size=2M",
        "-o cluster_size=512", "-o cluster_size=512,refcount_bits=64",
        "-o cluster_size=1k,refcount_bits=1", "-o cluster_size=2M",
        "-o cluster_size=4k,refcount_bits=2", "-o refcount_bits=32",
        "-o cluster_size=8k,refcount_bits=4", "-o refcount_bits=8",
        "-o preallocation=metadata", "-o preallocation=falloc",
        "-o lazy_refcounts=on", "-S 0", "-c -o cluster_size=128k",
    };

    for (unsigned i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        make_base();
        print_message("%s\n", shapes[i]);
        ok(run("qemu-img convert -f raw -O qcow2 %s base.raw x.qcow2",
               shapes[i]));
        use_file("x.qcow2");
    }
}

static void test_zero_clusters(void **state)
{
    make_base();
    ok(run("qemu-img convert -f raw -O qcow2 -o cluster_size=4k base.raw "
           "z.qcow2"));
    /* Zeros that keep their cluster, and some that do not. */
    ok(run("qemu-io -f qcow2 -c 'write -z 0 200k' -c 'write -z -u 300k 200k' "
           "-c 'discard 600k 40k' z.qcow2"));
    memset(model, 0, 200 << 10);
    memset(model + (300 << 10), 0, 200 << 10);
    memset(model + (600 << 10), 0, 40 << 10);
    use_file("z.qcow2");
}

static void test_snapshots_stay(void **state)
{
    static const char *const shapes[] = {
        "-o cluster_size=4k", "-c -o cluster_size=4k", "-c -o cluster_size=512",
        "-o compat=0.10,cluster_size=1k",
    };

    for (unsigned i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        make_base();
        ok(run("qemu-img convert -f raw -O qcow2 %s base.raw s.qcow2",
               shapes[i]));
        ok(run("qemu-img snapshot -c one s.qcow2"));
        use_file("s.qcow2");
        ok(run("qemu-img convert -f qcow2 -l one -O raw s.qcow2 one.raw && "
               "cmp one.raw base.raw"));
        ok(run("qemu-img snapshot -a one s.qcow2 && "
               "qemu-img check -f qcow2 s.qcow2 && "
               "qemu-img compare -f qcow2 -F raw s.qcow2 base.raw"));
        open_file("s.qcow2");
        /* Its snapshots have another size: not done. */
        assert_int_equal(block_grow(image.block, SECTORS + 1), -ENOTSUP);
        block_close(image.block);
    }
}

static void test_growth(void **state)
{
    make_base();
    ok(run("qemu-img convert -f raw -O qcow2 -o cluster_size=512 base.raw "
           "g.qcow2"));
    open_file("g.qcow2");
    assert_int_equal(block_grow(image.block, SECTORS * 10), 0);
    assert_int_equal(block_write(image.block, SECTORS * 10 - 1, 1, model), 0);
    assert_same(image.block);
    block_close(image.block);
    ok(run("qemu-img check -f qcow2 g.qcow2"));
    ok(run("truncate -s %u base.raw && dd if=base.raw of=base.raw bs=512 "
           "count=1 seek=%u conv=notrunc && qemu-img compare -f qcow2 -F raw "
           "g.qcow2 base.raw", BYTES * 10, SECTORS * 10 - 1));
}

/* ---- Files below ----------------------------------------------------------- */

static void test_backing_files(void **state)
{
    make_base();
    ok(run("mkdir -p sub && cp base.raw sub/base.raw && "
           "qemu-img create -f qcow2 -b base.raw -F raw sub/a.qcow2 && "
           "qemu-img create -f qcow2 -b sub/a.qcow2 -F qcow2 "
           "-o cluster_size=4k b.qcow2"));
    use_file("b.qcow2");
    ok(run("cmp sub/base.raw base.raw"));
    ok(run("qemu-img compare -f qcow2 -F raw sub/a.qcow2 base.raw"));
    /* One that is longer than what it is based on, and one that is shorter. */
    make_base();
    ok(run("truncate -s 300000 base.raw && "
           "qemu-img create -f qcow2 -b base.raw -F raw c.qcow2 %u && "
           "qemu-img create -f qcow2 -b b.qcow2 -F qcow2 d.qcow2 512000",
           BYTES));
    memset(model + 300000, 0, BYTES - 300000);
    use_file("c.qcow2");
    ok(run("qemu-img compare -f qcow2 -F qcow2 d.qcow2 d.qcow2"));
}

/* ---- Under -snapshot ------------------------------------------------------ */

static bool always(void *ctx, uint64_t done, uint64_t total) { return true; }

static void commit_to(const char *file)
{
    static struct disk_image img;
    char why[400];

    snprintf(name, sizeof name, "%s", path(file));
    if (disk_image_open(&img, name, DISK_SNAPSHOT | DISK_QCOW2, why,
                        sizeof why))
        fail_msg("%s", why);
    write_some(img.top, 20);
    ok(run("qemu-img compare -f qcow2 -F raw %s base.raw", file));
    for (unsigned i = 0; i < 2; i++) {
        if (disk_commit(&img, always, NULL, why, sizeof why))
            fail_msg("%s", why);
        ok(run("qemu-img check -f qcow2 %s", file));
        put_file("model.raw", model, BYTES);
        ok(run("qemu-img compare -f qcow2 -F raw %s model.raw", file));
        write_some(img.top, 20);
        assert_same(img.top);
    }
    disk_image_close(&img);
    ok(run("qemu-img check -f qcow2 %s", file));
    ok(run("qemu-img compare -f qcow2 -F raw %s model.raw", file));
}

static void test_commit(void **state)
{
    static const char *const shapes[] = {
        "-o cluster_size=64k", "-o compat=0.10,cluster_size=4k", "-c",
        "-c -o cluster_size=512", "-o lazy_refcounts=on",
    };

    for (unsigned i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        make_base();
        ok(run("qemu-img convert -f raw -O qcow2 %s base.raw m.qcow2",
               shapes[i]));
        commit_to("m.qcow2");
    }
    make_base();
    ok(run("qemu-img create -f qcow2 -b base.raw -F raw m.qcow2"));
    commit_to("m.qcow2");
    make_base();
    ok(run("cp base.raw old.raw && qemu-img create -f qcow2 -b old.raw -F raw "
           "n.qcow2 && qemu-img snapshot -c one n.qcow2"));
    commit_to("n.qcow2");
    ok(run("cmp base.raw old.raw && qemu-img convert -f qcow2 -l one -O raw "
           "n.qcow2 one.raw && cmp one.raw base.raw"));
}

/* ---- Cuts ------------------------------------------------------------------ */

static struct fake_cut file;
static struct block *top;
static uint8_t flushed[BYTES];

static void load(const char *from)
{
    int fd = open(path(from), O_RDONLY);
    off_t n = lseek(fd, 0, SEEK_END);

    assert_true(fd >= 0 && n > 0 && n <= CAPACITY);
    fake_cut_init(&file, (n + 511) / 512, CAPACITY / 512);
    assert_int_equal(pread(fd, file.data, n, 0), n);
    close(fd);
}

static void open_cut(void)
{
    char why[300];

    if (qcow2_open(&file.block, "cut", true, &top, why, sizeof why))
        fail_msg("%s", why);
}

/* What was not flushed may be there or not: so each sector is written once. */
static void work_until_cut(void)
{
    seed = 9;
    for (unsigned i = 0; i < 60; i++) {
        uint32_t n = random32() % 16 + 1, at = i * 32 + random32() % 16;

        randomize(model + at * 512, n * 512);
        if (block_write(top, at, n, model + at * 512))
            return;
        if (i % 6)
            continue;
        if (block_flush(top))
            return;
        memcpy(flushed, model, BYTES);
    }
}

static void assert_flushed(const uint8_t *before)
{
    static uint8_t buf[BYTES];

    assert_int_equal(block_read(top, 0, SECTORS, buf), 0);
    for (unsigned i = 0; i < SECTORS * 512; i += 512)
        if (memcmp(buf + i, flushed + i, 512) &&
            (memcmp(buf + i, model + i, 512) ||
             memcmp(flushed + i, before + i, 512)))
            fail_msg("sector %u is lost", i / 512);
}

static void cut_image(const char *from, unsigned step, unsigned *tool)
{
    static uint8_t before[BYTES];
    uint64_t at = 0, total;

    memcpy(before, model, BYTES);
    do {
        struct qcow2_findings f;

        load(from);
        open_cut();
        memcpy(model, before, BYTES);
        memcpy(flushed, before, BYTES);
        file.cut_at = at;
        work_until_cut();
        fake_cut_close_quietly(top);
        total = file.written;
        fake_cut_power(&file, at + 3);
        qcow2_check(file.data, file.block.sectors * 512, &f);
        if (f.bad)
            fail_msg("cut at %u: %s", (unsigned)at, f.first);
        if (at % (step * 16) == 0) {
            put_file("cut.qcow2", file.data, file.block.sectors * 512);
            /* 3: only leaks. */
            if (run("qemu-img check -f qcow2 cut.qcow2") != 3)
                ok(run("qemu-img check -f qcow2 cut.qcow2"));
            ++*tool;
        }
        open_cut();
        assert_flushed(before);
        block_close(top);
        fake_cut_free(&file);
        at += step;
    } while (at - step <= total);
}

static void test_cuts(void **state)
{
    static const struct { const char *shape; unsigned step; } shapes[] = {
        { "-c -o cluster_size=4k", 17 }, { "-o cluster_size=4k", 17 },
        { "-c -o cluster_size=512,refcount_bits=64", 5 },
    };

    for (unsigned i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (unsigned snapshot = 0; snapshot < 2; snapshot++) {
            unsigned tool = 0;

            make_base();
            ok(run("qemu-img convert -f raw -O qcow2 %s base.raw k.qcow2",
                   shapes[i].shape));
            if (snapshot)
                ok(run("qemu-img snapshot -c one k.qcow2"));
            cut_image("k.qcow2", shapes[i].step, &tool);
            print_message("%s: %u by qemu-img\n", shapes[i].shape, tool);
        }
}

static int make_folder(void **state) { return !mkdtemp(dir); }

static int remove_folder(void **state)
{
    char line[300];

    snprintf(line, sizeof line, "rm -rf %s", dir);
    return system(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_zero_clusters),
        cmocka_unit_test(test_snapshots_stay),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_backing_files),
        cmocka_unit_test(test_commit),
        cmocka_unit_test(test_cuts),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
