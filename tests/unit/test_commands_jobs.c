/* The monitor's commands that work on a machine's disks as jobs. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/console/job.h"
#include "kernel/platform.h"
#include "tests/unit/console_harness.h"
#include "tests/unit/disk_harness.h"
#include "tests/unit/poll_until.h"

/* The tests work in a folder of their own: names in it are theirs alone. */
static const char *const path[2] = { "hda.img", "hdc.img" };

static bool poll(void) { return mux_poll(&mux); }

/* Type, let the job come to its end, and give what was printed. */
static const char *do_job(const char *text)
{
    type(text);
    POLL_UNTIL_BY(poll, 10, !job_is_running());
    return line.out;
}

static void read_sector(unsigned disk, uint8_t buf[512])
{
    FILE *f = fopen(path[disk], "r");

    assert_non_null(f);
    assert_int_equal(fread(buf, 1, 512, f), 512);
    fclose(f);
}

/* hda and hdc are under -snapshot; each has 64 sectors. */
static int setup(void **state)
{
    char why[200];

    if (console_setup(state))
        return -1;
    for (unsigned i = 0; i < 2; i++)
        if (truncate(path[i], 0) || truncate(path[i], 64 * 512))
            return -1;
    return disk_image_open(&guest->disk[0], path[0], DISK_SNAPSHOT, why,
                           sizeof why) ||
           disk_image_open(&guest->disk[2], path[1], DISK_SNAPSHOT, why,
                           sizeof why);
}

static void write_all(uint8_t byte)
{
    uint8_t buf[512];

    memset(buf, byte, sizeof buf);
    for (unsigned i = 0; i < 3; i += 2)
        assert_int_equal(block_write(guest->disk[i].top, 0, 1, buf), 0);
}

static void assert_files(uint8_t first, uint8_t second)
{
    uint8_t buf[512];

    read_sector(0, buf);
    assert_int_equal(buf[511], first);
    read_sector(1, buf);
    assert_int_equal(buf[511], second);
}

static void test_commit(void **state)
{
    write_all(1);
    type("\001c");
    assert_shows(type("commit\r"), "use commit all|DISK");
    assert_shows(type("commit hdb\r"), "no such disk: 'hdb'; 'info block'");
    assert_shows(type("commit hda hdc\r"), "no such disk: 'hda hdc'");
    assert_files(0, 0);
    assert_shows(do_job("commit hdc\r"), "commit hdc: done, 65 KB in 0.");
    assert_files(0, 1);
    assert_shows(do_job("commit all\r"), "commit all: done, 65 KB in 0.");
    assert_files(1, 1);
    assert_shows(do_job("commit all\r"), "commit all: done, in 0.");
}

/* From the guest's console, and from the monitor's line. */
static void test_key(void **state)
{
    write_all(2);
    assert_shows(do_job("\001s"), "\r\n[commit all: done, 131 KB in 0.");
    assert_files(2, 2);
    write_all(3);
    type("\001cinfo ver");
    assert_shows(do_job("\001s"), "commit all: done, 131 KB in 0.");
    assert_shows(line.out, "\r\n(trestle) info ver");
    assert_files(3, 3);
    assert_shows(type("\001h"), "C-a s    commit all disks");
    mux.monitor = NULL;
    assert_shows(type("\001s"), "needs the monitor, which is not on this line");
}

/* A job would leave room for little of what is pasted. */
static void test_key_in_a_text(void **state)
{
    write_all(4);
    type("\001cconfig import\r# one");
    assert_shows(do_job("\001s"), "[no commit in the middle of a text: Ctrl-C "
                 "drops it]\r\n");
    assert_null(strstr(line.out, "(trestle)"));
    assert_files(0, 0);
    assert_shows(type("\x03"), "^C\r\n(trestle) ");
    assert_shows(do_job("\001s"), "commit all: done, 131 KB in 0.");
    assert_files(4, 4);
}

static void test_without_overlays(void **state)
{
    char why[200];

    for (unsigned i = 0; i < 3; i += 2)
        disk_image_close(&guest->disk[i]);
    assert_int_equal(disk_image_open(&guest->disk[0], path[0], 0, why,
                                     sizeof why), 0);
    type("\001c");
    assert_shows(type("commit hda\r"), "hda: no overlay (-snapshot)");
    assert_shows(type("commit all\r"), "all: no overlay (-snapshot)");
}

static void test_tab(void **state)
{
    type("\001c");
    assert_shows(type("commit \t"), "\r\nall  hda  hdc  \r\n(trestle) commit ");
    assert_shows(type("a\t"), "ll ");
    assert_shows(do_job("\r"), "commit all: done");
}

static void test_failure(void **state)
{
    write_all(4);
    unlink(path[1]);
    type("\001c");
    assert_shows(do_job("commit all\r"), "commit all: failed, 65 KB in 0.");
    assert_shows(line.out, "\r\n  hdc: 'hdc.img': No such file or directory\r\n"
                 "(trestle) ");
    close(open(path[1], O_CREAT | O_RDWR, 0600));
}

static const char copy[] = "copy.img";

static void test_backup(void **state)
{
    char text[100];
    uint8_t buf[512];
    FILE *f;

    unlink(copy);
    write_all(5);
    type("\001c");
    assert_shows(do_job("drive_backup hda copy.img\r"),
                 "drive_backup hda: done, 32 KB in 0.");
    assert_files(0, 0);
    f = fopen(copy, "r");
    assert_non_null(f);
    assert_int_equal(fread(buf, 1, 512, f), 512);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    assert_int_equal(ftell(f), 64 * 512);
    fclose(f);
    assert_int_equal(buf[0], 5);
    assert_shows(type("drive_backup hdc copy.img\r"),
                 "drive_backup: 'copy.img' is there: -n over");
    assert_shows(do_job("drive_backup -n -f hdc copy.img raw\r"),
                 "drive_backup hdc: done, 32 KB in 0.");
    assert_int_equal(truncate(copy, 63 * 512), 0);
    assert_shows(do_job("drive_backup -n hdc copy.img\r"),
                 "drive_backup hdc: failed, in 0.");
    assert_shows(line.out, "'copy.img' is no whole copy\r\n");
    assert_shows(line.out, "'copy.img' has 63 sectors, and '");
    unlink(copy);
    snprintf(text, sizeof text, "drive_backup -n hda %s\r", path[1]);
    assert_shows(type(text), "' is in use");
}

/* The guest's disk cannot be read, or somebody presses Ctrl-c. */
static void test_backup_fails(void **state)
{
    struct block *good = guest->disk[0].top;
    static struct memory_block bad;
    static uint8_t data[64 * 512];

    memory_block_init(&bad, data, 64);
    bad.bad_sector = 7;
    guest->disk[0].top = &bad.block;
    type("\001c");
    unlink(copy);
    assert_shows(do_job("drive_backup hda copy.img\r"),
                 "drive_backup hda: failed, in 0.");
    assert_shows(line.out, "\r\n'copy.img' was removed\r\n");
    assert_null(strstr(line.out, "whole copy"));
    assert_int_equal(access(copy, F_OK), -1);
    /* One that was there stays. */
    close(open(copy, O_CREAT | O_RDWR, 0600));
    assert_int_equal(truncate(copy, 64 * 512), 0);
    assert_shows(do_job("drive_backup -n hda copy.img\r"),
                 "drive_backup hda: failed, in 0.");
    assert_shows(line.out, "'copy.img' is no whole copy\r\n");
    assert_null(strstr(line.out, "removed"));
    assert_int_equal(unlink(copy), 0);
    bad.bad_sector = UINT64_MAX;
    /* Before the task has begun; whether it has is up to the system. */
    type("drive_backup hda copy.img\r\003");
    POLL_UNTIL_BY(poll, 10, !job_is_running());
    assert_int_equal(access(copy, F_OK),
                     strstr(line.out, ": cancelled, ") ? -1 : 0);
    unlink(copy);
    guest->disk[0].top = good;
}

static void test_backup_refused(void **state)
{
    static const char *const wrong[][2] = {
        { "drive_backup\r", "use drive_backup [-n] [-f] DISK TARGET [raw]" },
        { "drive_backup hda\r", "use drive_backup [-n]" },
        { "drive_backup -n hda \r", "use drive_backup [-n]" },
        { "drive_backup hda a raw b\r", "use drive_backup [-n]" },
        { "drive_backup hdb a\r", "no such disk: 'hdb'; 'info block'" },
        { "drive_backup hda a qcow2\r", "'qcow2': a copy is raw" },
        { "drive_backup -c hda a\r", "-c: a raw copy is not compressed" },
        { "drive_backup -x hda a\r", "no such flag: '-x'" },
        { "drive_backup hda disk:0\r", "'disk:0' is there: -n overwrites" },
        { "drive_backup -n hda disk:0\r", "there is no disk '0' among" },
        { "drive_backup hda /nowhere/a\r", "there is no '/nowhere/a', or no "
          "folder" },
    };

    type("\001c");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_shows(type(wrong[i][0]), wrong[i][1]);
        assert_false(job_is_running());
    }
    assert_int_equal(access("a", F_OK), -1);
}

static void test_backup_tab(void **state)
{
    type("\001c");
    assert_shows(type("drive\t"), "_backup ");
    assert_shows(type("\t"), "\r\n-f   -n   hda  hdc  \r\n");
    assert_shows(type("-n -f h\t"), "d");
    assert_shows(type("c\t"), " ");
    assert_string_equal(type("\t"), "");
}

int main(void)
{
    char folder[] = "/tmp/trestle-jobs-XXXXXX";
    const struct CMUnitTest tests[] = {
#define JOB_TEST(f) cmocka_unit_test_setup_teardown(f, setup, console_teardown)
        JOB_TEST(test_commit), JOB_TEST(test_key),
        JOB_TEST(test_key_in_a_text),
        JOB_TEST(test_without_overlays), JOB_TEST(test_tab),
        JOB_TEST(test_failure), JOB_TEST(test_backup),
        JOB_TEST(test_backup_fails), JOB_TEST(test_backup_refused), JOB_TEST(test_backup_tab),
    };
    int failed;

    if (!mkdtemp(folder) || chdir(folder))
        return 1;
    for (unsigned i = 0; i < 2; i++)
        close(open(path[i], O_CREAT | O_RDWR, 0600));
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (unsigned i = 0; i < 2; i++)
        unlink(path[i]);
    return rmdir(folder) ? 1 : failed;
}
