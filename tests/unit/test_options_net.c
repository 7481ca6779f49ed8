/* -netdev, -device, -nic and names: the newer words for what -net says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/options_net.h"
#include "parse_options.h"

static void test_netdev_and_device(void **state)
{
    assert_int_equal(PARSE("-device", "ne2k_pci,netdev=lan,id=eth,"
                           "mac=52:54:0:0:0:9,bus=pci.0,addr=03.0",
                           "-netdev", "tap,id=lan,ifname=t0,script=no",
                           "-netdev", "bridge,id=wan,nic=1,ip=dhcp",
                           "-device", "ne2k_pci,netdev=wan,addr=0x4"),
                     OPTIONS_RUN);
    assert_int_equal(o.net_count, 4);
    assert_int_equal(o.net[0].kind, NET_NIC);
    assert_string_equal(o.net[0].id, "eth");
    assert_memory_equal(o.net[0].mac, "\x52\x54\x00\x00\x00\x09", 6);
    assert_int_equal(o.net[1].kind, NET_TAP);
    assert_string_equal(o.net[1].params, "ifname=t0,script=no");
    assert_int_equal(o.net[0].vlan, o.net[1].vlan);
    assert_true(o.net[0].vlan > OPTIONS_VLAN_MAX);
    assert_int_equal(o.net[2].nic_index, 1);
    assert_int_equal(o.net[3].vlan, o.net[2].vlan);
    assert_int_not_equal(o.net[3].vlan, o.net[0].vlan);
    assert_string_equal(o.net[3].id, "ne2k_pci.1");
}

/* Two NICs may name one netdev, and a NIC none: no other hears it. */
static void test_peers(void **state)
{
    assert_int_equal(PARSE("-netdev", "tap,id=lan", "-device",
                           "ne2k_pci,netdev=lan", "-device",
                           "ne2k_pci,netdev=lan", "-device", "ne2k_pci",
                           "-net", "nic,netdev=lan"), OPTIONS_RUN);
    assert_int_equal(o.net[1].vlan, o.net[0].vlan);
    assert_int_equal(o.net[2].vlan, o.net[0].vlan);
    assert_int_equal(o.net[4].vlan, o.net[0].vlan);
    for (unsigned i = 0; i < 5; i++)
        assert_true(i == 3 || o.net[i].vlan != o.net[3].vlan);
}

static void test_nic(void **state)
{
    assert_int_equal(PARSE("-nic", "bridge,pci=00:03.0,mac=52:54:0:0:0:8,"
                           "model=ne2k_pci,id=lan", "-nic",
                           "socket,connect=127.0.0.1:5000", "-net", "nic"),
                     OPTIONS_RUN);
    assert_int_equal(o.net_count, 5);
    assert_int_equal(o.net[0].kind, NET_NIC);
    assert_memory_equal(o.net[0].mac, "\x52\x54\x00\x00\x00\x08", 6);
    assert_int_equal(o.net[1].kind, NET_BRIDGE);
    assert_string_equal(o.net[1].id, "lan");
    assert_string_equal(o.net[1].pci, "00:03.0");
    assert_false(o.net[1].has_mac);
    assert_int_equal(o.net[0].vlan, o.net[1].vlan);
    assert_int_equal(o.net[2].vlan, o.net[3].vlan);
    assert_string_equal(o.net[3].params, "connect=127.0.0.1:5000");
    assert_int_not_equal(o.net[1].vlan, o.net[3].vlan);
    assert_int_equal(o.net[4].vlan, 0);
    assert_int_equal(PARSE("-nic", "none", "x.img"), OPTIONS_RUN);
    assert_true(o.net_none);
}

static void test_names(void **state)
{
    assert_int_equal(PARSE("-net", "nic,name=wan", "-net", "nic", "-net",
                           "tap", "-net", "tap,id=t", "-net", "tap"),
                     OPTIONS_RUN);
    assert_string_equal(o.net[0].id, "wan");
    assert_string_equal(o.net[1].id, "ne2k_pci.1");
    assert_string_equal(o.net[2].id, "tap.0");
    assert_string_equal(o.net[3].id, "t");
    assert_string_equal(o.net[4].id, "tap.2");
}

/* What is wrong is said, with the option and what to do. */
static void test_mistakes(void **state)
{
    static const char *const pairs[][5] = {
        { "-netdev", "tap", "needs id=" },
        { "-netdev", "nic,id=x", "-device" },
        { "-netdev", "tap,id=", "letter" },
        { "-netdev", "tap,id=0x", "letter" },
        { "-netdev", "tap,id=a b", "letter" },
        { "-netdev", "tap,id=abcdefghijklmnopqrstuvwxyz0123456", "31" },
        { "-netdev", "tap,id=x,vlan=1", "no vlan=" },
        { "-netdev", "socket,id=x,vlan=1,listen=:1", "no vlan=" },
        { "-nic", "bridge,vlan=1", "no vlan=" },
        { "-netdev", "tap,id=x,id=y", "twice" },
        { "-netdev", "tap2,id=x", "bridge, tap" },
        { "-netdev", "dump,id=x", "are bridge, tap, socket, user; not 'dump'" },
        { "-nic", "dump", "are bridge, tap, socket, user; not 'dump'" },
        { "-net", "tap2", "nic, bridge, tap, socket, user, dump, none; not" },
        { "-device", "e1000", "ne2k_pci" },
        { "-device", "ne2k_pci,netdev=x", "no netdev 'x'" },
        { "-device", "ne2k_pci,addr=4", "addr=3" },
        { "-device", "ne2k_pci,addr=", "addr=3" },
        { "-device", "ne2k_pci,addr=3.1", "addr=3" },
        { "-device", "ne2k_pci,bus=pci.1", "pci.0" },
        { "-device", "ne2k_pci,mac=1", "MAC" },
        { "-device", "ne2k_pci,vlan=1", "netdev=" },
        { "-nic", "nic", "-nic bridge" },
        { "-nic", "tap,model=e1000", "ne2k_pci" },
        { "-nic", "tap,mac=x", "MAC" },
        { "-nic", "none", "contradicts", "-net", "nic" },
        { "-netdev", "tap,id=x", "'y'", "-net", "nic,netdev=y" },
        { "-netdev", "tap,id=x", "twice", "-netdev", "bridge,id=x" },
        { "-netdev", "tap,id=tap.1", "twice", "-net", "tap" },
        { "-device", "ne2k_pci,mac=2:0:0:0:0:1", "02:00:00:00:00:01", "-net",
          "nic,macaddr=2:0:0:0:0:1" },
    };

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const char *const *p = pairs[i];
        int r = p[3] ? PARSE((char *)p[0], (char *)p[1], (char *)p[3],
                             (char *)p[4])
                     : PARSE((char *)p[0], (char *)p[1]);

        if (r != OPTIONS_ERROR || !strstr(why, p[2]))
            fail_msg("%s %s: %d '%s'", p[0], p[1], r, why);
    }
}

/* -redir is hostfwd= of the first user network, wherever it stands. */
static void test_redir(void **state)
{
    static const char *const wrong[] = {
        "", "tcp", "tcp:", "tcp:5555", "tcp:5555:", "tcp:5555:80",
        "tcp::10.0.2.15:80", "tcp:0::80", "tcp:65536::80", "tcp:5555::0",
        "tcp:5555::80x", "sctp:5555::80", "tcp:5555:guest:80",
        "tcp:5555::80:1", "tcp:+5555::80", "tcp:5555::80,restrict=on",
    };

    assert_int_equal(PARSE("-redir", "tcp:5555::80", "-net", "nic", "-net",
                           "user,hostname=x", "-redir",
                           "udp:5353:10.0.2.20:53", "-redir", ":1::2"),
                     OPTIONS_RUN);
    assert_string_equal(o.net[1].params, "hostname=x,hostfwd=tcp::5555-:80,"
                        "hostfwd=udp::5353-10.0.2.20:53,hostfwd=tcp::1-:2");
    assert_int_equal(PARSE("-redir", "tcp:5555::80", "-nic", "user"),
                     OPTIONS_RUN);
    assert_string_equal(o.net[1].params, "hostfwd=tcp::5555-:80");
    assert_int_equal(PARSE("-redir", "tcp:5555::80", "-net", "nic", "-net",
                           "tap"), OPTIONS_ERROR);
    assert_non_null(strstr(why, "-net user"));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (PARSE("-net", "user", "-redir", (char *)wrong[i]) !=
                OPTIONS_ERROR || !strstr(why, "-redir"))
            fail_msg("%s: '%s'", wrong[i], why);
}

/* No option at all is a NIC and a user network, where the platform says so. */
static void test_default(void **state)
{
    assert_int_equal(PARSE("x.img"), OPTIONS_RUN);
    assert_true(options_default_net(&o, false, why, sizeof why));
    assert_int_equal(o.net_count, 0);
    assert_true(options_default_net(&o, true, why, sizeof why));
    assert_int_equal(o.net_count, 2);
    assert_int_equal(o.net[0].kind, NET_NIC);
    assert_int_equal(o.net[1].kind, NET_USER);
    assert_int_equal(o.net[0].vlan, o.net[1].vlan);
    assert_string_equal(o.net[1].id, "user.0");
    assert_int_equal(PARSE("-redir", "tcp:5555::80"), OPTIONS_RUN);
    assert_true(options_default_net(&o, true, why, sizeof why));
    assert_string_equal(o.net[1].params, "hostfwd=tcp::5555-:80");
    assert_int_equal(PARSE("-redir", "tcp:5555::80"), OPTIONS_RUN);
    assert_false(options_default_net(&o, false, why, sizeof why));
    assert_int_equal(PARSE("-redir", "tcp:5555::80", "-net", "none"),
                     OPTIONS_RUN);
    assert_false(options_default_net(&o, true, why, sizeof why));
    assert_non_null(strstr(why, "-net user"));
    assert_int_equal(PARSE("-net", "none"), OPTIONS_RUN);
    assert_true(options_default_net(&o, true, why, sizeof why));
    assert_int_equal(o.net_count, 0);
    assert_int_equal(PARSE("-net", "tap"), OPTIONS_RUN);
    assert_true(options_default_net(&o, true, why, sizeof why));
    assert_int_equal(o.net_count, 1);
}

/* A long value takes nothing away from what is wrong with it. */
static void test_long_values(void **state)
{
    static const char *const options[][2] = {
        { "-netdev", "tap,id=" }, { "-device", "" },
        { "-device", "ne2k_pci,addr=" }, { "-nic", "tap,mac=" },
        { "-nic", "tap,ifname=" }, { "-netdev", "tap,id=x,script=" },
    };
    char value[OPTIONS_TEXT];

    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        memset(value, 'z', sizeof value - 1);
        memcpy(value, options[i][1], strlen(options[i][1]));
        value[sizeof value - 1] = '\0';
        PARSE((char *)options[i][0], value);
        assert_true(strlen(why) < 255);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_netdev_and_device),
        cmocka_unit_test(test_peers),
        cmocka_unit_test(test_nic),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_redir),
        cmocka_unit_test(test_default),
        cmocka_unit_test(test_long_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
