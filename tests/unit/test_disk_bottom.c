/*
 * Disk images over what no file of a test's can be: a device, a module, a file
 * that fails, a disk of the PC's own.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/disk/image.h"
#include "kernel/platform.h"
#include "tests/unit/disk_harness.h"
#include "tests/unit/fake_physical.h"

#define FILE_SECTORS 5000u
#define ROOM 50000u
#define FULL 42336u             /* as put_seed_mbr asks for */

static struct disk_image img;
static char why[200];

/* ---- The platform: one file, one disk, no task ----------------------------- */

static struct platform_file file;
static uint8_t content[ROOM * 512];
static int flush_error, read_error;     /* of the next one */
static struct fake_physical physical;

uint64_t platform_now_ns(void) { return fake_physical_now; }
int64_t platform_wall_seconds(void) { return 0; }
void platform_log(const char *fmt, ...) { }

int platform_file_open(const char *name, bool writable,
                       struct platform_file *out)
{
    *out = file;
    return 0;
}

void platform_file_close(struct platform_file *f) { }

int platform_file_create(const char *name) { return -ENOTSUP; }
int platform_file_remove(struct platform_file *f) { return -ENOTSUP; }

int platform_file_set_writable(struct platform_file *f, bool writable)
{
    f->read_only = !writable;
    return 0;
}

int platform_file_read(struct platform_file *f, uint64_t offset, void *buf,
                       size_t len)
{
    int error = read_error;

    assert_true(offset + len <= sizeof content);
    memcpy(buf, content + offset, len);
    read_error = 0;
    return error;
}

int platform_file_write(struct platform_file *f, uint64_t offset,
                        const void *buf, size_t len)
{
    assert_true(offset + len <= sizeof content);
    assert_false(f->fixed_size && offset + len > f->size);
    memcpy(content + offset, buf, len);
    if (offset + len > file.size)
        file.size = offset + len;
    return 0;
}

int platform_file_flush(struct platform_file *f)
{
    int error = flush_error;

    flush_error = 0;
    return error;
}

void *platform_pages_alloc(size_t bytes) { return calloc(1, bytes); }
void platform_pages_free(void *pages, size_t bytes) { free(pages); }

void *platform_dma_alloc(size_t bytes, uint64_t max_address, uint64_t *phys)
{
    return fake_physical_memory(bytes, phys);
}

struct disk *platform_disk(unsigned i) { return i ? NULL : &physical.disk; }

int platform_task_start(void (*run)(void *arg), void *arg,
                        struct platform_task **out)
{
    return -EAGAIN;
}

void platform_task_wait(uint64_t deadline) { fake_physical_wait(deadline); }
void platform_task_poke(struct platform_task *t) { }
void platform_task_free(struct platform_task *t) { }
void platform_wake(void) { }
uint64_t platform_tasks_run(void) { return UINT64_MAX; }
unsigned platform_core_index(void) { return 0; }
void platform_wait(uint64_t deadline) { fake_physical_wait(deadline); }

/* ---- Requests -------------------------------------------------------------- */

static int request(enum block_op op, uint64_t sector, uint32_t count,
                   uint8_t *buf)
{
    return disk_request(&img.dev, op, sector, count, buf);
}

static int start(void **state)
{
    memset(content, 0, sizeof content);
    put_seed_mbr(content);
    file = (struct platform_file){ .size = FILE_SECTORS * 512 };
    flush_error = read_error = 0;
    fake_physical_make(&physical, 512);
    return 0;
}

static void open_file(void)
{
    assert_int_equal(disk_image_open(&img, "file", 0, why, sizeof why), 0);
    assert_int_equal(img.dev.sectors, FULL);
}

/* A table with one partition to `end`, and a reset. */
static void new_table(uint32_t end)
{
    uint8_t mbr[512] = { 0 };

    put_lba_entry(mbr, 0, 0x83, 63, end - 63);
    assert_int_equal(request(BLOCK_WRITE, 0, 1, mbr), 0);
    assert_int_equal(request(BLOCK_RESIZE, 0, 0, NULL), 0);
    assert_int_equal(img.dev.sectors, FULL);
}

/* ---- Tests ----------------------------------------------------------------- */

/* What a smaller table leaves over is in memory: as the guest wrote it. */
static void test_smaller_table_on_a_device(void **state)
{
    uint8_t buf[512];
    char text[512];

    file.fixed_size = true;
    open_file();
    new_table(2000);
    disk_image_format(&img, "hda", text, sizeof text);
    assert_null(strstr(text, "in RAM"));        /* nothing was written there */
    memset(buf, 0x5a, sizeof buf);
    assert_int_equal(request(BLOCK_WRITE, FULL - 1, 1, buf), 0);
    disk_image_format(&img, "hda", text, sizeof text);
    assert_non_null(strstr(text, "what was grown is in RAM"));
    new_table(2000);
    memset(buf, 0, sizeof buf);
    assert_int_equal(request(BLOCK_READ, FULL - 1, 1, buf), 0);
    assert_int_equal(buf[511], 0x5a);
    disk_image_close(&img);
}

/* A module has no next start that it would have to be as large for. */
static void test_smaller_table_on_a_module(void **state)
{
    file.volatile_data = true;
    open_file();
    new_table(2000);
    assert_int_equal(file.size, FILE_SECTORS * 512);
    disk_image_close(&img);
}

/* A reset finds the table unreadable: all is as it was. */
static void test_unreadable_table(void **state)
{
    char text[512];

    open_file();
    read_error = -EIO;
    assert_int_equal(request(BLOCK_RESIZE, 0, 0, NULL), -EIO);
    assert_int_equal(img.dev.sectors, FULL);
    disk_image_format(&img, "hda", text, sizeof text);
    assert_non_null(strstr(text, "42336 sectors, grown to what its partition "
                           "table says\n    file: 5000 sectors; MBR, asks for "
                           "42336, 16 heads"));
    disk_image_close(&img);
}

/* The system tells of what it could not write, and dropped, once. */
static void test_failed_flush(void **state)
{
    open_file();
    assert_int_equal(request(BLOCK_FLUSH, 0, 0, NULL), 0);
    flush_error = -EIO;
    assert_int_equal(request(BLOCK_FLUSH, 0, 0, NULL), -EIO);
    assert_int_equal(request(BLOCK_FLUSH, 0, 0, NULL), -EIO);
    assert_int_equal(img.errors, 2);
    disk_image_close(&img);
}

/* Its driver is the I/O core's; a file may be flushed on any. */
static void test_no_task(void **state)
{
    open_file();
    assert_int_equal(disk_image_start_worker(&img), 0);
    assert_int_equal(request(BLOCK_FLUSH, 0, 0, NULL), 0);
    disk_image_close(&img);
    assert_int_equal(disk_image_open(&img, "disk:0", 0, why, sizeof why), 0);
    assert_int_equal(disk_image_start_worker(&img), -EAGAIN);
    disk_image_close(&img);
}

/* Memory for DMA is never given back. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_smaller_table_on_a_device, start),
        cmocka_unit_test_setup(test_smaller_table_on_a_module, start),
        cmocka_unit_test_setup(test_unreadable_table, start),
        cmocka_unit_test_setup(test_failed_flush, start),
        cmocka_unit_test_setup(test_no_task, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
