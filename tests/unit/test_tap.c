/*
 * kernel/hosted/tap.c on a TAP device in a network namespace of the test's own;
 * skipped where there may be none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "drivers/net/nic.h"
#include "kernel/platform.h"

static bool have_tap;
static unsigned came;

static void receive(struct nic *nic, struct nic_buf *buf)
{
    came++;
    buf->free(buf);
}

static struct nic *make(const char *params)
{
    struct nic *nic;
    char why[200];

    if (platform_tap_open(params, &nic, why, sizeof why))
        fail_msg("%s", why);
    nic->receive = receive;
    assert_int_equal(nic->ops->open(nic), 0);
    return nic;
}

static void set_up(const char *name, bool up)
{
    struct ifreq ifr = { .ifr_flags = up ? IFF_UP : 0 };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", name);
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &ifr), 0);
    close(fd);
}

static void sent(struct nic_buf *buf) { (*(unsigned *)buf->owner)++; }

static int transmit(struct nic *nic, unsigned *freed)
{
    static uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2 };
    struct nic_buf buf = { frame, 0, sizeof frame, sent, freed };

    return nic->ops->transmit(nic, &buf);
}

/* A device that is down takes nothing: no queue is full, though. */
static void test_device_that_is_down(void **state)
{
    unsigned freed = 0;
    struct nic *nic;

    if (!have_tap)
        skip();
    nic = make("ifname=tdown,script=no,downscript=no");
    assert_int_not_equal(transmit(nic, &freed), 0);
    assert_int_equal(nic->counters.tx_errors, 1);
    assert_int_equal(nic->counters.tx_ring_full, 0);
    assert_int_equal(freed, 0);
    set_up("tdown", true);
    assert_int_equal(transmit(nic, &freed), 0);
    assert_int_equal(nic->counters.tx_frames, 1);
    assert_int_equal(nic->counters.tx_bytes, 60);
    assert_int_equal(freed, 1);
    nic->ops->close(nic);
    nic->ops->destroy(nic);
    assert_int_equal(if_nametoindex("tdown"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_device_that_is_down),
    };

    have_tap = (!unshare(CLONE_NEWNET) ||
                !unshare(CLONE_NEWUSER | CLONE_NEWNET)) &&
               !access("/dev/net/tun", R_OK | W_OK);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
