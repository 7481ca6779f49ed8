/* Machines start in their order, with their delays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/guest.h"
#include "kernel/watch/autostart.h"

#define COUNT 4u
#define SECOND UINT64_C(1000000000)

static struct options options[COUNT];
static struct guest guest[COUNT], *guests[COUNT];
static char why[200];

/* Of kernel/guest_run.c, without the rest of it. */
void guest_release(struct guest *g) { g->run.held = false; }

static int setup(void **state)
{
    static const char *const names[] = { "a", "b", "c", "d" };

    memset(options, 0, sizeof options);
    memset(guest, 0, sizeof guest);
    for (unsigned i = 0; i < COUNT; i++) {
        options[i].name = names[i];
        guest[i].options = &options[i];
        guests[i] = &guest[i];
    }
    return 0;
}

static void begin(void)
{
    assert_true(autostart_check(options, COUNT, why, sizeof why));
    for (unsigned i = 0; i < COUNT; i++)
        autostart_hold(guests[i], i == 0);
}

/* Who runs after a poll at that second, as "abd". */
static void expect(uint64_t second, const char *who, uint64_t next)
{
    char running[COUNT + 1] = "";
    unsigned n = 0;

    /* As the loop does: again at once if it wants that. */
    while (autostart_poll(guests, COUNT, second * SECOND) == second * SECOND)
        continue;
    assert_int_equal(autostart_poll(guests, COUNT, second * SECOND), next);
    for (unsigned i = 0; i < COUNT; i++)
        if (!guest[i].run.held)
            running[n++] = options[i].name[0];
    running[n] = '\0';
    assert_string_equal(running, who);
}

static void test_at_once(void **state)
{
    begin();
    expect(1, "abcd", UINT64_MAX);
}

static void test_delays(void **state)
{
    options[0].start_delay = 5;
    options[2].start_delay = 10;
    begin();
    expect(1, "", 6 * SECOND);
    expect(5, "", 6 * SECOND);
    expect(6, "ab", 16 * SECOND);
    expect(15, "ab", 16 * SECOND);
    expect(16, "abcd", UINT64_MAX);
}

/* Those behind it do not wait for it; it starts by hand. */
static void test_off(void **state)
{
    options[1].no_autostart = true;
    options[2].start_delay = 2;
    options[3].start_after = "b";
    begin();
    expect(1, "a", 3 * SECOND);
    expect(3, "ac", UINT64_MAX);
    expect(100, "ac", UINT64_MAX);
    guest_release(guests[1]);
    expect(101, "abcd", UINT64_MAX);
}

static void test_after(void **state)
{
    options[0].start_after = "d";
    options[0].start_delay = 3;
    options[1].start_after = "a";
    options[2].start_after = "d";
    options[3].start_after = "d";
    assert_false(autostart_check(options, COUNT, why, sizeof why));
    assert_non_null(strstr(why, "it would start after itself"));
    options[3].start_after = NULL;      /* after c, which is after d */
    assert_false(autostart_check(options, COUNT, why, sizeof why));
    options[2].start_after = NULL;
    options[2].no_autostart = true;
    assert_false(autostart_check(options, COUNT, why, sizeof why));
    options[1].start_after = "c";
    options[3].start_after = "c";
    begin();
    expect(1, "", UINT64_MAX);
    guest_release(guests[2]);
    expect(2, "bcd", 5 * SECOND);
    expect(5, "abcd", UINT64_MAX);
    options[1].start_after = "nobody";
    assert_false(autostart_check(options, COUNT, why, sizeof why));
    assert_string_equal(why, "-start-after nobody: there is no such machine");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        TEST(test_at_once), TEST(test_delays), TEST(test_off),
        TEST(test_after),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
