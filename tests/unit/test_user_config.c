/* The settings of -net user. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/net/user/config.h"

static struct user_config c;
static char why[160];

static bool parse(const char *params)
{
    why[0] = '\0';
    return user_config_parse(params, &c, why, sizeof why);
}

static void assert_refused(const char *params, const char *word)
{
    assert_false(parse(params));
    assert_non_null(strstr(why, word));
}

static void test_defaults(void **state)
{
    assert_true(parse(""));
    assert_int_equal(c.net, 0x0a000200);
    assert_int_equal(c.mask, 0xffffff00);
    assert_int_equal(c.host, 0x0a000202);
    assert_int_equal(c.dns, 0x0a000203);
    assert_int_equal(c.dhcp_start, 0x0a00020f);
    assert_false(c.restricted);
    assert_int_equal(c.nic_index, -1);
}

static void test_nets(void **state)
{
    assert_true(parse("net=192.168.76.0/24,dhcpstart=192.168.76.9"));
    assert_int_equal(c.host, 0xc0a84c02);
    assert_int_equal(c.dhcp_start, 0xc0a84c09);
    assert_true(parse("net=10.0.0.0"));
    assert_int_equal(c.mask, 0xff000000);
    assert_int_equal(c.host, 0x0a000202);
    assert_true(parse("dns=172.20.9.9,net=172.16.0.0,host=172.16.1.1"));
    assert_int_equal(c.mask, 0xfff00000);
    assert_int_equal(c.dns, 0xac140909);
    assert_true(parse("net=192.168.9.7/255.255.255.0"));
    assert_int_equal(c.net, 0xc0a80900);
}

static void test_wrong_nets(void **state)
{
    static const char *const nets[] = {
        "net=1.2.3", "net=1.2.3.256", "net=1.2.3.4/", "net=1.2.3.4/33",
        "net=1.2.3.4/0", "net=10.0.0.0/30", "net=10.0.0.0/255.0.255.0",
        "net=127.0.0.0/8", "net=224.0.0.0/24", "net=0.0.0.0/8", "net=+1.2.3.4",
        "net=", "net=10.0.0.0/7",
    };

    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
        assert_refused(nets[i], "net=");
    assert_refused("host=10.0.3.2", "host=");
    assert_refused("dns=10.0.2.2", "differ");
    assert_refused("dns=10.0.2.255", "dns=");
    assert_refused("dhcpstart=10.0.2.2", "differ");
    assert_refused("dhcpstart=10.0.2.250", "leases");
}

static void test_forwards(void **state)
{
    assert_true(parse("hostfwd=tcp::5555-:80,hostfwd=udp:127.0.0.1:53-"
                      "10.0.2.16:5353"));
    assert_int_equal(c.forward_count, 2);
    assert_false(c.forward[0].udp);
    assert_int_equal(c.forward[0].host_port, 5555);
    assert_int_equal(c.forward[0].guest_addr, 0x0a00020f);
    assert_int_equal(c.forward[0].guest_port, 80);
    assert_true(c.forward[1].udp);
    assert_int_equal(c.forward[1].host_addr, 0x7f000001);
    assert_int_equal(c.forward[1].guest_addr, 0x0a000210);
    /* The net may come behind. */
    assert_true(parse("hostfwd=tcp::1-:2,net=10.9.0.0/24"));
    assert_int_equal(c.forward[0].guest_addr, 0x0a09000f);
    assert_refused("hostfwd=tcp::5555", "use tcp");
    assert_refused("hostfwd=icmp::1-:2", "use tcp");
    assert_refused("hostfwd=tcp::65536-:2", "use tcp");
    assert_refused("hostfwd=tcp::1-:0", "use tcp");
    assert_refused("hostfwd=tcp::1-:2x", "use tcp");
    assert_refused("hostfwd=tcp:1.2.3.4.5:1-:2", "use tcp");
    assert_refused("hostfwd=tcp::1-10.0.3.1:2", "not of its net");
    assert_refused("hostfwd=tcp::1-10.0.2.3:2", "not of its net");
    assert_refused("hostfwd=tcp::1-:2,hostfwd=tcp::1-:3", "twice");
    /* Not what its first digits are. */
    assert_refused("hostfwd=tcp::1-:00000801234", "use tcp");
    assert_refused("hostfwd=tcp::1-:0000080x", "use tcp");
    /* Addresses that no host has. */
    assert_refused("hostfwd=tcp::1-10.0.2.255:2", "not of its net");
    assert_refused("hostfwd=tcp::1-10.0.2.0:2", "not of its net");
    assert_refused("hostfwd=tcp::1-10.0.2.100:2,"
                   "guestfwd=tcp:10.0.2.100:1-tcp:a:1", "hostfwd= leads to");
    assert_refused("guestfwd=tcp:10.0.2.15:1-tcp:a:1,hostfwd=tcp::1-:2",
                   "leads elsewhere");
}

static void test_guest_forwards(void **state)
{
    char longest[300] = "guestfwd=:10.0.2.9:1-cmd:";

    /* As qemu's manual has it; blanks and dashes are the command's. */
    assert_true(parse("guestfwd=tcp:10.0.2.100:1234-cmd:netcat -v 10.1.1.1 4"));
    assert_string_equal(c.guest_forward[0].command, "netcat -v 10.1.1.1 4");
    assert_refused("guestfwd=tcp:10.0.2.100:1234-cmd:", "or -cmd:COMMAND");
    memset(longest + strlen(longest), 'x', 255);
    assert_true(parse(longest));
    strcat(longest, "x");
    assert_refused(longest, "or -cmd:COMMAND");
    assert_true(parse("guestfwd=tcp:10.0.2.100:1234-tcp:localhost:99"));
    assert_int_equal(c.guest_forward_count, 1);
    assert_int_equal(c.guest_forward[0].addr, 0x0a000264);
    assert_int_equal(c.guest_forward[0].port, 1234);
    assert_string_equal(c.guest_forward[0].to_host, "localhost");
    assert_int_equal(c.guest_forward[0].to_port, 99);
    assert_refused("guestfwd=tcp:10.0.2.100:1234-chardev", "use guestfwd=");
    assert_refused("guestfwd=udp:10.0.2.100:1234-tcp:a:1", "use guestfwd=");
    assert_refused("guestfwd=tcp:10.0.3.100:1234-tcp:a:1", "inside net");
    assert_refused("guestfwd=tcp:10.0.2.2:1234-tcp:a:1", "inside net");
    assert_refused("guestfwd=tcp:10.0.2.255:1234-tcp:a:1", "inside net");
    assert_refused("guestfwd=tcp:10.0.2.0:1234-tcp:a:1", "inside net");
    assert_refused("guestfwd=tcp:10.0.2.9:12-tcp:a:1,"
                   "guestfwd=tcp:10.0.2.9:12-tcp:b:1", "twice");
}

static void test_other_settings(void **state)
{
    assert_true(parse("restrict=y,hostname=box,tftp=/srv,bootfile=/pxe.0,"
                      "domainname=lan,tftp-server-name=boss"));
    assert_true(c.restricted);
    assert_string_equal(c.hostname, "box");
    assert_string_equal(c.domain, "lan");
    assert_string_equal(c.tftp, "/srv");
    assert_string_equal(c.tftp_name, "boss");
    assert_string_equal(c.bootfile, "/pxe.0");
    assert_refused("ip=10.1.2.3/024", "ip=");    /* 2, 24? */
    assert_refused("ip=127.0.0.1/8", "ip=");
    assert_refused("ip=240.0.0.1/8", "ip=");
    assert_true(parse("nic=1,ip=10.1.2.3/24,gw=10.1.2.1,nameserver=9.9.9.9,"
                      "nameserver=8.8.8.8"));
    assert_int_equal(c.nic_index, 1);
    assert_string_equal(c.ip, "10.1.2.3/24");
    assert_int_equal(c.gateway, 0x0a010201);
    assert_int_equal(c.nameserver_count, 2);
    assert_true(parse("via=3"));
    assert_true(c.has_via);
    assert_int_equal(c.via, 3);
    assert_true(parse("mac=02:00:00:00:00:0A"));
    assert_int_equal(c.mac[5], 10);
    assert_true(parse("pci=00:1F.3"));
    assert_string_equal(c.pci, "00:1f.3");
    assert_refused("restrict=maybe", "restrict=");
    assert_refused("hostname=", "empty");
    assert_refused("hostname=a\tb", "unprintable");
    assert_refused("nic=1,via=2", "one of");
    assert_refused("gw=1.2.3.4", "gw=");
    assert_refused("ip=1.2.3.4", "ip=");
    assert_refused("ip=1.2.3.4/31", "ip=");
    assert_refused("via=256", "via=");
    assert_refused("mac=02:00:00", "mac=");
    assert_refused("pci=0:1.0", "pci=");
    assert_refused("smb=/x", "no setting");
    assert_refused("restrict", "NAME=VALUE");
    assert_refused("restrict=on,restrict=off", "twice");
    assert_false(user_net_check("net=x", why, sizeof why));
    assert_true(user_net_check("", why, sizeof why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_nets),
        cmocka_unit_test(test_wrong_nets),
        cmocka_unit_test(test_forwards),
        cmocka_unit_test(test_guest_forwards),
        cmocka_unit_test(test_other_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
