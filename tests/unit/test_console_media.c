/* CDs that come and go while the machine runs, by the monitor. */
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

#include "emu/dev/ide_internal.h"
#include "emu/machine_internal.h"
#include "tests/unit/console_harness.h"

#define CD_SECTORS 40u

static char folder[] = "/tmp/mediaXXXXXX", first[64], second[64];
static const struct console_variant with_cd = { false, 1, first, NULL };
static const struct console_variant without = { false, 1, NULL, NULL };

static void make(char path[64], const char *name, char content)
{
    char data[CD_SECTORS * 512];
    FILE *f;

    snprintf(path, 64, "%s/%s", folder, name);
    f = fopen(path, "w");
    assert_non_null(f);
    memset(data, content, sizeof data);
    assert_int_equal(fwrite(data, 1, sizeof data, f), sizeof data);
    fclose(f);
}

static char slow[120];
static const struct console_variant counted = { false, 1, NULL, slow };

static int make_files(void **state)
{
    if (!mkdtemp(folder))
        return -1;
    make(first, "first.iso", 'a');
    make(second, "second.iso", 'b');
    snprintf(slow, sizeof slow, "file=%s,media=cdrom,index=2,bps=1000", first);
    return 0;
}

static int remove_files(void **state)
{
    unlink(first);
    unlink(second);
    return rmdir(folder);
}

/* hdc. */
static struct ide_unit *drive(void)
{
    return &guest->machine->d.ide->channel[1].unit[0];
}

static const char *says(const char *format, const char *file)
{
    static char command[200];

    snprintf(command, sizeof command, format, file);
    return type(command);
}

static void test_change_and_eject(void **state)
{
    type("\001c");
    assert_shows(type("info block\r"), "first.iso");
    assert_ptr_equal(drive()->disk, &guest->disk[2].dev);
    assert_null(strstr(says("change hdc %s\r", second), "Device"));
    assert_shows(type("info block\r"), "second.iso");
    assert_ptr_equal(drive()->disk, &guest->disk[2].dev);
    assert_int_equal(drive()->attention, SENSE_MEDIUM_CHANGED);
    assert_false(drive()->tray_open);
    assert_false(machine_is_stopped(guest->machine));
    type("eject cdrom\r");
    assert_shows(type("info block\r"), "[not inserted]");
    assert_null(drive()->disk);
    assert_true(drive()->tray_open);
    assert_false(machine_is_stopped(guest->machine));
    /* Once more, and into an empty drive; one that is paused stays so. */
    type("stop\reject ide1-cd0\r");
    says("change hdc %s\r", first);
    assert_shows(type("info block\r"), "first.iso");
    assert_true(machine_is_stopped(guest->machine));
    says("change hdc %s\r", second);       /* is given back at the end */
}

static void test_refused(void **state)
{
    type("\001c");
    assert_shows(type("change hdc /nonsense/x.iso\r"), "/nonsense/x.iso");
    assert_ptr_equal(drive()->disk, &guest->disk[2].dev);
    drive()->prevent_removal = true;
    assert_shows(type("eject hdc\r"), "Device 'hdc' is locked by the guest");
    assert_shows(says("change hdc %s\r", second), "is locked by the guest");
    assert_shows(type("info block\r"), "first.iso");
    assert_null(strstr(says("change -f hdc %s\r", second), "Device"));
    assert_shows(type("info block\r"), "second.iso");
    /* In the middle of a command. */
    guest->machine->d.ide->channel[1].active = drive();
    drive()->status |= ST_DRQ;
    assert_shows(type("eject hdc\r"), "Device 'hdc' is at work; try again");
    drive()->status &= ~ST_DRQ;
    guest->is_lent = true;
    assert_shows(type("eject hdc\r"), "does not answer");
    guest->is_lent = false;
    assert_shows(type("eject hdx\r"), "Device 'hdx' not found");
    assert_shows(type("eject -f\r"), "Device '-f' not found");
    assert_shows(type("eject\r"), "use eject [-f] DRIVE");
    assert_shows(type("eject hdc hdd\r"), "use eject [-f] DRIVE");
    assert_shows(type("change hdc\r"), "use change [-f] DRIVE FILE");
    assert_shows(type("change vnc password x\r"),
                 "there is no VNC server");
    assert_shows(type("change vnc\r"), "use change vnc password");
}

static void test_no_drive(void **state)
{
    type("\001c");
    assert_shows(type("eject hda\r"), "Device 'hda' not found");
    assert_shows(says("change hdc %s\r", second), "Device 'hdc' not found");
}

/* A request in a task would end at another instruction in each run. */
static void test_icount_is_not_throttled(void **state)
{
    assert_false(throttle_is_on(&guest->disk[2].throttle));
    assert_null(guest->disk[2].worker.task);
    type("\001c");
    says("change hdc %s\r", second);
    assert_string_equal(guest->disk[2].dev.name, second);
    assert_null(guest->disk[2].worker.task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_OF(test_change_and_eject, with_cd),
        TEST_OF(test_refused, with_cd),
        TEST_OF(test_no_drive, without),
        TEST_OF(test_icount_is_not_throttled, counted),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
