/* info disks (kernel/console/commands_disk.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/block/disk.h"
#include "kernel/console/commands_disk.h"
#include "kernel/console/monitor.h"
#include "kernel/platform.h"

static char text[4096];
static unsigned count;

static const char *counter(const struct disk *disk, unsigned i,
                           uint64_t *value)
{
    *value = i;
    return i == 0 ? "never" : i == 1 ? "once" : NULL;
}

static const struct disk_ops ops = { .name = "fake", .counter = counter };
static const struct disk_ops plain = { .name = "plain" };
static struct disk disks[2] = {
    { .ops = &ops, .label = "ahci port 0 at 00:1f.2", .model = "A DISK",
      .serial = "S1", .sectors = 58593750, .block_bytes = 512,
      .is_open = true, .counters = { .reads = 3, .sectors_read = 24,
      .read_errors = 1, .flushes = 2, .resets = 4 } },
    { .ops = &plain, .label = "usb 1 at 00:14.0", .sectors = 8,
      .block_bytes = 4096, .is_gone = true, .removable = true,
      .read_only = true },
};

struct disk *platform_disk(unsigned i)
{
    return i < count ? &disks[i] : NULL;
}

void monitor_printf(struct monitor *mon, const char *fmt, ...)
{
    size_t n = strlen(text);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text + n, sizeof text - n, fmt, ap);
    va_end(ap);
}

static void test_none(void **state)
{
    text[0] = 0;
    count = 0;
    info_disks(NULL);
    assert_string_equal(text, "no disks of the PC's own are known\n");
}

static void test_two(void **state)
{
    text[0] = 0;
    count = 2;
    info_disks(NULL);
    assert_string_equal(text,
        "disk0: ahci port 0 at 00:1f.2, in use\n"
        "  model 'A DISK', serial 'S1'\n"
        "  30 GB: 58593750 sectors, blocks of 512 bytes\n"
        "  reads=3 sectors=24 errors=1\n"
        "  writes=0 sectors=0 errors=0\n"
        "  flushes=2 errors=0\n"
        "  resets=4\n"
        "  once=1\n"
        "disk1: usb 1 at 00:14.0, gone, removable, read-only\n"
        "  model '', serial ''\n"
        "  4.0 KB: 8 sectors, blocks of 4096 bytes\n"
        "  reads=0 sectors=0 errors=0\n"
        "  writes=0 sectors=0 errors=0\n"
        "  flushes=0 errors=0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_two),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
