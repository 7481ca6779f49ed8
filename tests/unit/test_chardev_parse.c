/* qemu's words for character devices, and -serial, -monitor, -chardev, -mon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/chardev_parse.h"
#include "kernel/options_chardev.h"
#include "tests/unit/parse_options.h"

static struct chardev_option c;

static void good(const char *value, enum chardev_kind kind)
{
    if (!chardev_parse(value, &c, why, sizeof why))
        fail_msg("%s: %s", value, why);
    assert_int_equal(c.kind, kind);
}

static void typed(const char *value, enum chardev_kind kind)
{
    if (!chardev_parse_typed(value, &c, why, sizeof why))
        fail_msg("%s: %s", value, why);
    assert_int_equal(c.kind, kind);
}

static void test_words(void **state)
{
    good("none", CHARDEV_NONE);
    good("null", CHARDEV_NULL);
    good("stdio", CHARDEV_STDIO);
    assert_false(c.mux);
    good("mon:stdio", CHARDEV_STDIO);
    assert_true(c.mux);
    good("vc", CHARDEV_VC);
    assert_int_equal(c.columns, 0);
    good("vc:100Cx30C", CHARDEV_VC);
    assert_int_equal(c.columns, 100);
    assert_int_equal(c.rows, 30);
    good("vc:640x384", CHARDEV_VC);
    assert_int_equal(c.columns, 80);
    assert_int_equal(c.rows, 24);
    good("pty", CHARDEV_PTY);
    good("ringbuf", CHARDEV_RINGBUF);
    assert_int_equal(c.size, 65536);
    good("ringbuf:4096", CHARDEV_RINGBUF);
    assert_int_equal(c.size, 4096);
    good("ringbuf:1024K", CHARDEV_RINGBUF);
    assert_int_equal(c.size, 1 << 20);
    good("file:/tmp/a,b", CHARDEV_FILE);
    assert_string_equal(c.path, "/tmp/a,b");
    good("pipe:/tmp/p", CHARDEV_PIPE);
    good("chardev:name", CHARDEV_NAMED);
    assert_string_equal(c.id, "name");
}

static void test_lines(void **state)
{
    good("/dev/ttyS0", CHARDEV_TTY);
    assert_string_equal(c.path, "/dev/ttyS0");
    good("com2", CHARDEV_TTY);
    good("COM4,baud=9600,parity=even,flow=rtscts", CHARDEV_TTY);
    assert_string_equal(c.path, "COM4");
    assert_string_equal(c.line, "baud=9600,parity=even,flow=rtscts");
    good("mon:com2", CHARDEV_TTY);
    assert_true(c.mux);
}

static void test_sockets(void **state)
{
    good("tcp::4444", CHARDEV_TCP);
    assert_string_equal(c.host, "");
    assert_int_equal(c.port, 4444);
    assert_false(c.server);
    assert_false(c.telnet);
    good("tcp:10.0.0.1:65535,server", CHARDEV_TCP);
    assert_string_equal(c.host, "10.0.0.1");
    assert_true(c.server);
    assert_true(c.wait);
    good("tcp::1,server,nowait,nodelay", CHARDEV_TCP);
    assert_false(c.wait);
    assert_true(c.nodelay);
    good("telnet::1,server=on,wait=off", CHARDEV_TCP);
    assert_true(c.telnet);
    assert_true(c.server);
    assert_false(c.wait);
    good("tcp:h:1,reconnect=5,server=off", CHARDEV_TCP);
    assert_int_equal(c.reconnect_s, 5);
    good("mon:telnet::1,server", CHARDEV_TCP);
    assert_true(c.mux);
    good("unix:/tmp/s,server,nowait", CHARDEV_UNIX);
    assert_string_equal(c.path, "/tmp/s");
    good("udp:1.2.3.4:5", CHARDEV_UDP);
    assert_int_equal(c.port, 5);
    assert_int_equal(c.local_port, 0);
    good("udp::0@:7", CHARDEV_UDP);
    assert_int_equal(c.port, 0);
    assert_int_equal(c.local_port, 7);
    good("udp:h:1@127.0.0.1:2", CHARDEV_UDP);
    assert_string_equal(c.local_host, "127.0.0.1");
    assert_int_equal(c.local_port, 2);
}

static void test_typed(void **state)
{
    typed("socket,id=a,host=h,port=5,server=on,wait=off", CHARDEV_TCP);
    assert_string_equal(c.id, "a");
    assert_string_equal(c.host, "h");
    assert_true(c.server);
    assert_false(c.wait);
    typed("socket,path=/tmp/s,id=a,server=on", CHARDEV_UNIX);
    typed("socket,id=a,port=5,telnet=on,mux=on,reconnect=1", CHARDEV_TCP);
    assert_true(c.telnet);
    assert_true(c.mux);
    typed("udp,id=u,host=h,port=1,localaddr=l,localport=2", CHARDEV_UDP);
    assert_string_equal(c.local_host, "l");
    assert_int_equal(c.local_port, 2);
    typed("serial,id=s,path=/dev/ttyS1", CHARDEV_TTY);
    typed("tty,id=s,path=com2,baud=19200", CHARDEV_TTY);
    assert_string_equal(c.line, "baud=19200");
    typed("vc,id=v,cols=100,rows=40", CHARDEV_VC);
    assert_int_equal(c.columns, 100);
    assert_int_equal(c.rows, 40);
    typed("ringbuf,id=r,size=128", CHARDEV_RINGBUF);
    assert_int_equal(c.size, 128);
    typed("file,id=f,path=x", CHARDEV_FILE);
    typed("stdio,id=s,mux=on", CHARDEV_STDIO);
    typed("null,id=n", CHARDEV_NULL);
    typed("pty,id=p", CHARDEV_PTY);
    typed("pipe,id=p,path=/tmp/p", CHARDEV_PIPE);
}

/* What is wrong is named. */
static void test_bad(void **state)
{
    static const char *const bad[][2] = {
        { "", "no such device" }, { "nul", "no such device" },
        { "com0", "no such device" }, { "com5", "no such device" },
        { "mon:none", "mon: wants a device" }, { "mon:mon:stdio", "no such" },
        { "tcp:1", "[HOST]:PORT" }, { "tcp::", "a port is a number" },
        { "tcp::0", "a port is" }, { "tcp::65536", "a port is" },
        { "tcp:[::1]:5", "IPv4" }, { "tcp::1:2", "[HOST]:PORT" },
        { "tcp::1,nonsense", "a socket has" }, { "tcp::1,server=5", "on or off" },
        { "tcp::1,reconnect=x", "reconnect= takes" },
        { "tcp::1,reconnect=3601", "reconnect= takes" },
        { "tcp::1,server,reconnect=5", "reconnect= is a client's" },
        { "unix:", "the socket's file is missing" },
        { "file:", "the file's name is missing" },
        { "udp:1", "[HOST]:PORT" }, { "udp::0", "a port is" },
        { "vc:80", "80Cx24C" }, { "vc:0Cx1C", "80Cx24C" },
        { "vc:80Cx24Cx", "80Cx24C" }, { "vc:9999999999999999999999Cx1C", "80C" },
        { "vc:7x16", "80Cx24C" }, { "ringbuf:100", "power of two" },
        { "ringbuf:0", "power of two" }, { "ringbuf:2048K", "power of two" },
        { "ringbuf:4194304K", "power of two" }, { "ringbuf:", "power of two" },
        { "com2,speed=1", "no setting 'speed'" },
        { "chardev:", "is missing" },
    };
    static const char *const typed_bad[][2] = {
        { "", "the types are" }, { "nonsense,id=x", "the types are" },
        { "null", "needs id=" }, { "null=x,id=y", "the types are" },
        { "null,id=", "id= is missing" }, { "socket,id=x", "port= or path=" },
        { "socket,id=x,host=h", "port= or path=" }, { "udp,id=x", "port=" },
        { "file,id=x", "path=" }, { "serial,id=x", "path=" },
        { "file,id=x,path=", "path= is missing" },
        { "null,id=x,port=5", "no setting 'port'" },
        { "vc,id=x,cols=0", "cols= takes" }, { "vc,id=x,rows=z", "rows= takes" },
        { "socket,id=x,port=1,mux=maybe", "on or off" },
        { "null,id=12345678901234567890123456789012", "at most 31" },
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (chardev_parse(bad[i][0], &c, why, sizeof why) ||
            !strstr(why, bad[i][1]))
            fail_msg("'%s': %s", bad[i][0], why);
    for (size_t i = 0; i < sizeof typed_bad / sizeof *typed_bad; i++)
        if (chardev_parse_typed(typed_bad[i][0], &c, why, sizeof why) ||
            !strstr(why, typed_bad[i][1]))
            fail_msg("'%s': %s", typed_bad[i][0], why);
}

static void test_ports_and_monitors(void **state)
{
    assert_int_equal(PARSE("-serial", "none", "-serial", "tcp::1,server",
                           "-serial", "mon:pty", "-monitor", "telnet::2,server",
                           "-monitor", "none", "x"), OPTIONS_RUN);
    assert_int_equal(o.serial_count, 3);
    assert_int_equal(o.serial[0].kind, CHARDEV_NONE);
    assert_string_equal(o.serial[1].id, "serial1");
    assert_true(o.serial[2].mux);
    assert_int_equal(o.monitor_count, 2);
    assert_string_equal(o.monitor[0].id, "compat_monitor0");
    assert_true(o.monitor[0].telnet);
    assert_int_equal(PARSE("-monitor", "null", "-monitor", "null", "-monitor",
                           "null", "-monitor", "null", "-monitor", "null"),
                     OPTIONS_ERROR);
    assert_non_null(strstr(why, "at most four monitors"));
    assert_int_equal(PARSE("-parallel", "none", "x"), OPTIONS_RUN);
}

/* Named ones come in any order. */
static void test_named(void **state)
{
    assert_int_equal(PARSE("-serial", "chardev:a", "-mon",
                           "chardev=b,mode=readline", "-chardev",
                           "socket,id=a,port=1,server=on", "-chardev",
                           "pty,id=b", "x"), OPTIONS_RUN);
    assert_int_equal(o.serial[0].kind, CHARDEV_TCP);
    assert_string_equal(o.serial[0].id, "a");
    assert_int_equal(o.monitor[0].kind, CHARDEV_PTY);
    assert_int_equal(PARSE("-serial", "chardev:a", "-mon", "a", "-chardev",
                           "socket,id=a,port=1,mux=on", "x"), OPTIONS_RUN);
    assert_true(o.serial[0].mux);
    assert_int_equal(o.monitor[0].kind, CHARDEV_NONE);
    assert_int_equal(PARSE("-serial", "chardev:a", "x"), OPTIONS_ERROR);
    assert_non_null(strstr(why, "no -chardev with id=a"));
    assert_int_equal(PARSE("-serial", "chardev:a", "-serial", "chardev:a",
                           "-chardev", "pty,id=a", "x"), OPTIONS_ERROR);
    assert_non_null(strstr(why, "in use already"));
    assert_int_equal(PARSE("-serial", "chardev:a", "-mon", "chardev=a",
                           "-chardev", "pty,id=a", "x"), OPTIONS_ERROR);
    assert_non_null(strstr(why, "mux=on"));
    assert_int_equal(PARSE("-chardev", "pty,id=a", "-chardev", "null,id=a",
                           "x"), OPTIONS_ERROR);
    assert_non_null(strstr(why, "there is an id=a already"));
    assert_int_equal(PARSE("-mon", "chardev=a,mode=control", "x"),
                     OPTIONS_ERROR);
    assert_non_null(strstr(why, "mode=readline"));
}

/* Who has the administrator's line. */
static void test_line_monitor(void **state)
{
    static const struct {
        char *word[6];
        bool expected;
    } lines[] = {
        { { (char *)"x" }, true },
        { { (char *)"-nographic", (char *)"x" }, true },
        { { (char *)"-serial", (char *)"mon:stdio" }, true },
        { { (char *)"-serial", (char *)"stdio" }, false },
        { { (char *)"-serial", (char *)"stdio", (char *)"-nographic" }, true },
        { { (char *)"-serial", (char *)"tcp::1,server" }, true },
        { { (char *)"-monitor", (char *)"none", (char *)"-nographic" }, false },
        { { (char *)"-monitor", (char *)"pty" }, false },
        { { (char *)"-monitor", (char *)"stdio", (char *)"-serial",
            (char *)"null" }, true },
        { { (char *)"-monitor", (char *)"pty", (char *)"-serial",
            (char *)"mon:stdio" }, true },
    };

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char *argv[8] = { (char *)"trestle" };
        int n = 1;

        while (n < 7 && lines[i].word[n - 1]) {
            argv[n] = lines[i].word[n - 1];
            n++;
        }
        assert_int_equal(options_parse(&o, n, argv, why, sizeof why),
                         OPTIONS_RUN);
        if (options_want_line_monitor(&o) != lines[i].expected)
            fail_msg("line %u", (unsigned)i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words), cmocka_unit_test(test_lines),
        cmocka_unit_test(test_sockets), cmocka_unit_test(test_typed),
        cmocka_unit_test(test_bad), cmocka_unit_test(test_ports_and_monitors),
        cmocka_unit_test(test_named), cmocka_unit_test(test_line_monitor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
