/* The Tab key of the monitor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/console_harness.h"

/* What is on the line after `text` was typed; the line is emptied. */
static void assert_becomes(const char *text, const char *want)
{
    type(text);
    monitor.edit.line[monitor.edit.len] = '\0';
    assert_string_equal(monitor.edit.line, want);
    type("\025");
}

/* Words that are known without a network; what agrees is put in. */
static void test_tab_completes(void **state)
{
    static const char *const cases[][2] = {
        { "system_r\t", "system_reset " },
        { "  sys\tr\t", "  system_reset " },
        { "q\t", "quit " },
        { "hostfwd_\t", "hostfwd_" },
        { "net\t", "netdev_" },
        { "netdev_a\t", "netdev_add " },
        { "info st\t", "info status " },
        { "info  \t", "info  " },
        { "help sto\t", "help stop " },
        { "? sto\t", "? stop " },
        { "help info stat\t", "help info status " },
        { "help stop stat\t", "help stop stat" },
        { "info status h\t", "info status h" },
        { "machine t\t", "machine trestle " },
        { "netdev_add u\t", "netdev_add user,id=" },
        { "object_add \t", "object_add filter-dump,id=" },
        { "set_link x of\t", "set_link x off " },
        { "capture x p\t", "capture x print " },
        { "nonsense\t", "nonsense" },
        { "nonsense \t", "nonsense " },
        { "stop \t", "stop " },
        { "info status \t", "info status " },
        { "set_link x on \t", "set_link x on " },
        { "set_link n\t", "set_link n" },
        { "netdev_del \t", "netdev_del " },
        { "hostfwd_add \t", "hostfwd_add " },
        { "object_del \t", "object_del " },
    };

    type("\001c");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_becomes(cases[i][0], cases[i][1]);
    assert_shows(type("info stat\t\r"), "VM status");
}

/* Of several words there is a list, and then the line again. */
static void test_tab_lists(void **state)
{
    const char *out;

    type("\001c");
    out = type("hostfwd_\t");
    assert_shows(out, "\r\nhostfwd_add     hostfwd_remove  ");
    assert_shows(out, "\r\n(trestle) hostfwd_");
    type("\025");
    out = type("s\t");
    assert_shows(out, "set_link");
    assert_shows(out, "stop");
    if (strstr(out, "cont"))
        fail_msg("one that does not begin so: %s", out);
    type("\025");
    out = type("\t");                      /* all, an alias not */
    assert_shows(out, "announce_self");
    if (strstr(out, "\nq ") || strstr(out, " q "))
        fail_msg("an alias: %s", out);
    type("\025");
    out = type("info \t");
    assert_shows(out, "block");
    assert_shows(out, "version");
}

static void test_tab_knows_the_network(void **state)
{
    static const char *const cases[][2] = {
        { "set_link n\t", "set_link ne2k_pci.0 " },
        { "set_link w\t", "set_link wan" },
        { "netdev_del \t", "netdev_del wan" },
        { "netdev_del wan1\t", "netdev_del wan1 " },
        { "netdev_del n\t", "netdev_del n" },
        { "hostfwd_add wan\t", "hostfwd_add wan" },
        { "hostfwd_remove n\t", "hostfwd_remove n" },
        { "object_del \t", "object_del cap.1 " },
        { "capture c\t", "capture cap.1 " },
        { "capture n\t", "capture ne2k_pci.0 " },
    };

    type("\001cnetdev_add user,id=wan1,vlan=0\r"
         "netdev_add user,id=wan2,vlan=0\r"
         "object_add filter-dump,id=cap.1,netdev=wan1\r");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_becomes(cases[i][0], cases[i][1]);
    /* One that is both is listed once. */
    type("capture ne2k_pci.0 on\r");
    assert_becomes("capture n\t", "capture ne2k_pci.0 ");
    type("netdev_del wan1\r");
    assert_becomes("netdev_del \t", "netdev_del wan2 ");
}

static void test_tab_on_a_full_line(void **state)
{
    char lots[MONITOR_LINE + 8];

    type("\001c");
    memset(lots, ' ', sizeof lots);
    memcpy(lots + MONITOR_LINE - 5, "sys\t\t", 6);
    type(lots);
    assert_int_equal(monitor.edit.len, MONITOR_LINE - 1);
    assert_memory_equal(monitor.edit.line + MONITOR_LINE - 5, "syst", 4);
}

/* Whatever is typed between Tabs, the line stays a line. */
static void test_tab_after_anything(void **state)
{
    static const char *const parts[] = {
        "\t", "\t", " ", "n", "s", "info", "capture", "set_link", "\177",
        "\025",
        "netdev_del ", "help", "ne2k", "\377", "%s", "machine ", "o", "\003",
    };
    unsigned random = 1;

    type("\001c");
    for (unsigned i = 0; i < 20000; i++) {
        random = random * 1103515245 + 12345;
        type(parts[(random >> 16) % (sizeof parts / sizeof *parts)]);
        assert_true(monitor.edit.len < MONITOR_LINE);
    }
    type("\025");
    assert_shows(type("info version\r"), "test on hosted");
}

static void test_tab_knows_machines(void **state)
{
    type("\001c");
    assert_becomes("machine o\t", "machine other ");
    assert_shows(type("machine \t"), "trestle  other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tab_completes),
        TEST(test_tab_lists),
        TEST_OF(test_tab_knows_the_network, with_nic),
        TEST(test_tab_on_a_full_line),
        TEST_OF(test_tab_after_anything, with_nic),
        TEST_OF(test_tab_knows_machines, two_machines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
