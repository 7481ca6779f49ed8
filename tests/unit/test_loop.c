/* The last output: what the loop does for it before it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define net_poll fake_net_poll
#define mux_poll fake_mux_poll
#define lines_poll fake_lines_poll
#define mux_output_waits fake_mux_output_waits
#define lines_output_waits fake_lines_output_waits
#define transport_is_sending fake_is_sending
#define platform_now_ns fake_now_ns
#define platform_wait fake_wait
#include "kernel/loop.c"

const char trestle_version[] = "test";

static uint64_t now;
static unsigned written, sent;  /* of what a line of TCP's has to say */
static bool is_deaf;            /* its peer acknowledges nothing */
#define ALL 10u

/* The network takes one at a time, and hears of it when it is polled. */
bool fake_net_poll(void)
{
    if (sent < written && !is_deaf)
        sent++;
    return false;
}

bool fake_lines_poll(void)
{
    if (written == sent && written < ALL)
        written++;
    return false;
}

bool fake_mux_poll(struct mux *mux) { return false; }
bool fake_mux_output_waits(const struct mux *mux) { return false; }
bool fake_lines_output_waits(void) { return written < ALL; }
bool fake_is_sending(void) { return sent < written; }
uint64_t fake_now_ns(void) { return now; }
void fake_wait(uint64_t deadline_ns) { now = deadline_ns; }

static void test_all_is_sent(void **state)
{
    drain(NULL);
    assert_int_equal(sent, ALL);
    assert_in_range(now, 1, DRAIN_NS - 1);
}

static void test_deaf_peer(void **state)
{
    now = written = sent = 0;
    is_deaf = true;
    drain(NULL);
    assert_in_range(now, DRAIN_NS, DRAIN_NS + GUEST_SLICE_NS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_sent), cmocka_unit_test(test_deaf_peer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
