/*
 * Physical NICs that hang, that close themselves and that come back: when they
 * are started anew, and that every buffer comes back once. A fake NIC behind a
 * port, with time that the tests pass.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/net/nic_send.h"
#include "kernel/net/nic_watch.h"
#include "kernel/platform.h"
#include "lwip/init.h"

#define RING 64u

static struct nic nic;
static struct nic_buf *ring[RING];
static unsigned held, opens, closes, said_before;
static bool does_not_open, hangs;
static uint32_t now_ms;
static struct nic_watch watch;
static char last[200];

/* Lines of the console that are about a NIC, and the last of them. */
static unsigned lines(void)
{
    static char text[65536];
    size_t n = platform_log_read(text, sizeof text - 1);
    unsigned count = 0;

    text[n] = '\0';
    for (const char *at = text; (at = strstr(at, "nic: it ")); at++) {
        count++;
        snprintf(last, sizeof last, "%.*s", (int)strcspn(at, "\n"), at);
    }
    return count;
}

static unsigned said(void) { return lines() - said_before; }

static int fake_open(struct nic *n)
{
    opens++;
    n->is_open = n->link_up = !does_not_open;
    return does_not_open ? -EIO : 0;
}

static void give_back(void)
{
    while (held) {
        struct nic_buf *buf = ring[--held];

        buf->free(buf);
    }
}

static void fake_close(struct nic *n)
{
    closes++;
    n->is_open = n->link_up = false;
    give_back();
}

static const struct nic_ops fake_ops = {
    .name = "fake", .open = fake_open, .close = fake_close,
};

static int setup(void **state)
{
    static bool ready;

    if (!ready)
        lwip_init();
    ready = true;
    nic = (struct nic){ .ops = &fake_ops };
    memset(&watch, 0, sizeof watch);
    held = opens = closes = 0;
    said_before = lines();
    does_not_open = hangs = false;
    now_ms = (uint32_t)-3000;           /* the clock wraps in the middle */
    nic.is_open = nic.link_up = true;
    nic_watch_look(&watch, &nic, "nic", now_ms);
    return 0;
}

static int teardown(void **state)
{
    give_back();
    return nic.out.given != nic.out.back || nic.out.copies;
}

static void give(void)
{
    struct pbuf *pb = pbuf_alloc(PBUF_RAW, 60, PBUF_RAM);
    struct nic_buf *buf = nic_send_copy(&nic, pb);

    assert_non_null(buf);
    assert_true(held < RING);
    ring[held++] = buf;
    pbuf_free(pb);
}

static void pass(unsigned ms)
{
    for (unsigned i = 0; i < ms; i += 100) {
        now_ms += 100;
        if (nic.is_open && !hangs)
            give_back();
        nic_watch_look(&watch, &nic, "nic", now_ms);
    }
}

static void assert_said(unsigned n, const char *what)
{
    assert_int_equal(said(), n);
    assert_non_null(strstr(last, what));
}

/* ---- A transmitter that hangs --------------------------------------------- */

static void test_a_hang_is_ended(void **state)
{
    hangs = true;
    give();
    give();
    pass(5000);
    assert_int_equal(closes, 0);
    pass(200);
    assert_int_equal(closes, 1);
    assert_int_equal(opens, 1);
    assert_int_equal(watch.hangs, 1);
    assert_int_equal(held, 0);
    assert_int_equal(nic.out.given, 2);
    assert_int_equal(nic.out.back, 2);          /* each once */
    assert_said(1, "nic: it has sent nothing for 5 s");
    hangs = false;
    give();
    pass(200);
    assert_said(2, "nic: it sends again");
    pass(200000);
    assert_int_equal(closes, 1);
}

/* It sends, if slowly; or has nothing to send; or no link to send it to. */
static void test_what_is_no_hang(void **state)
{
    hangs = true;
    for (unsigned i = 0; i < 10; i++) {
        struct nic_buf *buf;

        give();
        give();
        pass(4500);
        buf = ring[--held];
        buf->free(buf);
    }
    give_back();
    pass(60000);
    give();
    nic.link_up = false;
    pass(60000);
    assert_int_equal(closes, 0);
    nic.link_up = true;                 /* its five seconds begin now */
    pass(4900);
    assert_int_equal(closes, 0);
    pass(400);
    assert_int_equal(closes, 1);
}

/* *starts grows at these times, a little later at most, and at no others. */
static void assert_starts(const unsigned *starts, const unsigned *at_s,
                          unsigned count)
{
    unsigned end_ms = at_s[count - 1] * 1000 + 3000, n = *starts;

    count += n;
    for (unsigned ms = 0; ms < end_ms; ms += 100) {
        if (!held && nic.is_open)
            give();
        pass(100);
        if (*starts == n)
            continue;
        assert_true(n < count);
        assert_in_range(ms, *at_s * 1000, *at_s * 1000 + 3000);
        at_s++;
        n = *starts;
    }
    assert_int_equal(n, count);
}

/* The times between two starts grow, up to a minute; the console says it once. */
static void test_a_hang_that_comes_again(void **state)
{
    static const unsigned at_s[] = { 5, 10, 15, 20, 28, 44, 76, 136, 196 };

    hangs = true;
    assert_starts(&closes, at_s, sizeof at_s / sizeof *at_s);
    assert_int_equal(watch.hangs, closes);
    assert_int_equal(said(), 1);
    hangs = false;
    pass(100);
    assert_said(2, "it sends again");
    /* A minute in which all is well, and it begins anew. */
    pass(61000);
    hangs = true;
    give();
    pass(5200);
    assert_int_equal(watch.hangs, sizeof at_s / sizeof *at_s + 1);
}

/* Until it has shown that it sends, it holds little of what others need. */
static void test_a_hung_one_gets_little(void **state)
{
    unsigned n = 0;

    hangs = true;
    give();
    assert_true(nic_watch_takes(&watch, &nic));
    pass(5200);
    while (nic_watch_takes(&watch, &nic) && n < RING) {
        give();
        n++;
    }
    assert_int_equal(n, 4);
    hangs = false;
    pass(100);
    assert_true(nic_watch_takes(&watch, &nic));
    for (unsigned i = 0; i < 10; i++)
        give();
    assert_true(nic_watch_takes(&watch, &nic));
}

/* ---- One that closed itself ------------------------------------------------ */

static void test_a_lost_one_is_opened_again(void **state)
{
    static const unsigned at_s[] = { 1, 3, 7, 15, 31, 63, 123, 183, 243 };

    does_not_open = true;
    nic.is_open = nic.link_up = false;
    assert_starts(&opens, at_s, sizeof at_s / sizeof *at_s);
    assert_said(1, "nic: it answers no more");
    assert_true(nic_watch_needs_time(&watch, &nic));
    does_not_open = false;
    pass(61000);
    assert_true(nic.is_open);
    assert_said(2, "nic: it works again");
    assert_int_equal(watch.lost, 1);
    assert_int_equal(watch.opened, 1);
    assert_false(nic_watch_needs_time(&watch, &nic));
}

/* Opened, and lost at once: the times grow all the same. */
static void test_one_that_comes_and_goes(void **state)
{
    for (unsigned tenth = 0; tenth < 6000; tenth++) {
        nic.is_open = nic.link_up = false;
        pass(100);
    }
    assert_in_range(opens, 10, 17);             /* in ten minutes */
    assert_in_range(said(), 20, 36);
}

static void test_start_after_a_hang_fails(void **state)
{
    hangs = does_not_open = true;
    give();
    pass(5200);
    assert_int_equal(closes, 1);
    assert_false(nic.is_open);
    assert_int_equal(said(), 1);
    does_not_open = hangs = false;
    pass(10000);
    assert_true(nic.is_open);
    assert_said(2, "it works again");
}

/* It was never opened, or those above closed it: not this one's affair. */
static void test_one_that_is_not_to_be_open(void **state)
{
    memset(&watch, 0, sizeof watch);
    nic.is_open = false;
    pass(200000);
    assert_int_equal(opens, 0);
    assert_int_equal(said(), 0);
}

/* ---- What is shared -------------------------------------------------------- */

static unsigned fill(struct nic *of, struct nic_buf **bufs)
{
    struct pbuf *pb = pbuf_alloc(PBUF_RAW, 60, PBUF_RAM);
    struct nic_buf *buf;
    unsigned n = 0;

    while ((buf = nic_send_copy(of, pb)))
        bufs[n++] = buf;
    pbuf_free(pb);
    return n;
}

/* Each that is stuck takes half of what those before it left. */
static void test_no_nic_takes_all_copies(void **state)
{
    static struct nic_buf *bufs[NIC_SEND_COPIES];
    static struct nic stuck[8];
    unsigned taken = 0;

    for (unsigned i = 0; i < 8; i++) {
        unsigned n = fill(&stuck[i], bufs + taken);

        assert_int_equal(n, (NIC_SEND_COPIES - taken) / 2);
        assert_true(n > 0);
        taken += n;
    }
    for (unsigned i = 0; i < taken; i++)
        bufs[i]->free(bufs[i]);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(stuck[i].out.copies, 0);
        assert_int_equal(stuck[i].out.given, stuck[i].out.back);
    }
    assert_int_equal(fill(&nic, bufs), NIC_SEND_COPIES / 2);
    for (unsigned i = 0; i < NIC_SEND_COPIES / 2; i++)
        bufs[i]->free(bufs[i]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_hang_is_ended),
        TEST(test_what_is_no_hang),
        TEST(test_a_hang_that_comes_again),
        TEST(test_a_hung_one_gets_little),
        TEST(test_a_lost_one_is_opened_again),
        TEST(test_one_that_comes_and_goes),
        TEST(test_start_after_a_hang_fails),
        TEST(test_one_that_is_not_to_be_open),
        TEST(test_no_nic_takes_all_copies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
