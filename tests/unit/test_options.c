/* Options: qemu's words, and errors that name the option. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "emu/machine_log.h"
#include "kernel/options_net.h"
#include "parse_options.h"

static void test_defaults(void **state)
{
    char *argv[] = { (char *)"trestle" };

    assert_int_equal(options_parse(&o, 1, argv, why, sizeof why),
                     OPTIONS_HELP);
    assert_int_equal(PARSE("router.img"), OPTIONS_RUN);
    assert_string_equal(o.drive[0].file, "router.img");
    assert_int_equal(PARSE("-cpu", "help"), OPTIONS_CPU_HELP);
    assert_int_equal(PARSE("-cpu", "?"), OPTIONS_CPU_HELP);
    assert_int_equal(PARSE("-k", "help"), OPTIONS_KEYMAP_HELP);
    assert_int_equal(PARSE("-k", "?"), OPTIONS_KEYMAP_HELP);
    assert_int_equal(PARSE("-k", "pt-br", "x"), OPTIONS_RUN);
    assert_string_equal(keymap_name(o.keymap), "pt-br");
    assert_int_equal(PARSE("x"), OPTIONS_RUN);
    assert_string_equal(keymap_name(o.keymap), "en-us");
    assert_int_equal(PARSE("-cpu", "trestle64", "router.img"), OPTIONS_RUN);
    assert_int_equal(o.ram_bytes, 128u << 20);
    assert_int_equal(o.escape, 1);
    assert_int_equal(o.icount_shift, -1);
    assert_false(o.snapshot || o.nographic || o.no_reboot);
}

static void test_seed_page_lines(void **state)
{
    assert_int_equal(PARSE("-snapshot", "-m", "64", "-nographic", "-hda",
                           "x.image"), OPTIONS_RUN);
    assert_true(o.snapshot && o.nographic);
    assert_int_equal(o.ram_bytes, 64u << 20);
    assert_int_equal(PARSE("-net", "tap", "-net", "nic,macaddr=52:54:0:0:0:1",
                           "-hda", "x.image1"), OPTIONS_RUN);
    assert_int_equal(o.net_count, 2);
    assert_int_equal(o.net[0].kind, NET_TAP);
    assert_memory_equal(o.net[1].mac, "\x52\x54\x00\x00\x00\x01", 6);
    assert_int_equal(PARSE("-net", "nic,vlan=1", "-net", "nic,vlan=2", "-net",
                           "tap,vlan=1,script=/etc/qemu-ifup", "-net",
                           "tap,vlan=2,script=/etc/qemu-ifup2", "-hda", "x"),
                     OPTIONS_RUN);
    assert_int_equal(o.net[3].vlan, 2);
    assert_string_equal(o.net[2].params, "script=/etc/qemu-ifup");
}

static void refused(const char *option, const char *value, const char *words)
{
    assert_int_equal(PARSE("-hdb", "b", (char *)option, (char *)value),
                     OPTIONS_ERROR);
    assert_non_null(strstr(why, option));
    if (!strstr(why, words))
        fail_msg("'%s' is not in '%s'", words, why);
}

static void test_drive(void **state)
{
    assert_int_equal(PARSE("-drive", "file=a,,b.img,if=ide,media=disk,"
                           "format=raw", "-drive", "file=/x/c,index=3,"
                           "snapshot=on", "-drive", "file=d,readonly=on,"
                           "snapshot=off", "-drive", "media=cdrom,index=2"),
                     OPTIONS_RUN);
    assert_string_equal(o.drive[0].file, "a,b.img");
    assert_int_equal(o.drive[0].snapshot, DRIVE_SNAPSHOT_DEFAULT);
    assert_string_equal(o.drive[3].file, "/x/c");
    assert_int_equal(o.drive[3].snapshot, DRIVE_SNAPSHOT_ON);
    assert_string_equal(o.drive[1].file, "d");
    assert_true(o.drive[1].read_only);
    assert_int_equal(o.drive[1].snapshot, DRIVE_SNAPSHOT_OFF);
    assert_true(o.drive[2].used && o.drive[2].is_cdrom);
    assert_string_equal(o.drive[2].file, "");
    assert_int_equal(o.drive[0].format, IMAGE_RAW);
    assert_int_equal(o.drive[1].format, IMAGE_GUESS);
    assert_int_equal(PARSE("-drive", "file=x,format=qcow2"), OPTIONS_RUN);
    assert_int_equal(o.drive[0].format, IMAGE_QCOW2);
    assert_int_equal(PARSE("-drive", "file=x,overlay=disk:0,,part=2,"
                           "overlay-init=on"), OPTIONS_RUN);
    assert_string_equal(o.drive[0].overlay, "disk:0,part=2");
    assert_true(o.drive[0].overlay_init);
    assert_int_equal(o.drive[0].snapshot, DRIVE_SNAPSHOT_ON);
    assert_int_equal(PARSE("-drive", "file=x,bps=1000000,iops_rd=20,"
                           "throttling.iops-write=4294967295"), OPTIONS_RUN);
    assert_int_equal(o.drive[0].throttle.of[THROTTLE_BPS], 1000000);
    assert_int_equal(o.drive[0].throttle.of[THROTTLE_IOPS_RD], 20);
    assert_int_equal(o.drive[0].throttle.of[THROTTLE_IOPS_WR], 4294967295);
    assert_int_equal(o.drive[0].throttle.of[THROTTLE_IOPS], 0);
    assert_int_equal(PARSE("-drive", "bus=1,unit=1,file=x"), OPTIONS_RUN);
    assert_string_equal(o.drive[3].file, "x");
    assert_int_equal(PARSE("-drive", "bus=1,file=x,"), OPTIONS_ERROR);
    assert_int_equal(PARSE("-drive", "bus=1,file=x"), OPTIONS_RUN);
    assert_string_equal(o.drive[2].file, "x");
}

static void test_bad_drive(void **state)
{
    refused("-drive", "", "not ''");
    refused("-drive", "media=disk", "a disk needs file=");
    refused("-drive", "file=", "file= needs");
    refused("-drive", "file", "file= needs");
    refused("-drive", "file=x,bps=", "a limit is a number");
    refused("-drive", "file=x,bps=0", "a limit is a number");
    refused("-drive", "file=x,iops=4294967296", "a limit is a number");
    refused("-drive", "file=x,iops", "a limit is a number");
    refused("-drive", "file=x,iops=1,throttling.iops-total=2", "once");
    refused("-drive", "file=x,bps=1,bps_rd=1", "exclude each other");
    refused("-drive", "file=x,throttling.bps=1", "not 'throttling.bps'");
    refused("-drive", "file=x,if=scsi", "if=ide");
    refused("-drive", "file=x,index=4", "index=0");
    refused("-drive", "file=x,index=-1", "index=0");
    refused("-drive", "file=x,index=1", "given twice");
    refused("-drive", "file=x,index=0,unit=1", "not both");
    refused("-drive", "file=x,bus=2", "bus=0");
    refused("-drive", "file=x,unit=2", "unit=0");
    refused("-drive", "file=x,media=floppy", "media=");
    refused("-drive", "file=x,format=vmdk", "format=raw or format=qcow2");
    refused("-drive", "file=x,snapshot=yes", "snapshot=on");
    refused("-drive", "file=x,readonly=yes", "readonly=on");
    refused("-drive", "file=x,readonly=on,snapshot=on", "exclude");
    refused("-drive", "file=x,media=cdrom,readonly=off", "a CD");
    refused("-drive", "file=x,media=cdrom,snapshot=on", "a CD");
    refused("-drive", "file=x,overlay=", "overlay= needs the name");
    refused("-drive", "file=x,overlay-init=yes", "use overlay-init=on or");
    refused("-drive", "file=x,overlay-init=on", "goes with overlay=");
    refused("-drive", "file=x,overlay=y,snapshot=off", "overlay= goes with");
    refused("-drive", "file=x,overlay=y,readonly=on", "overlay= goes with");
    refused("-drive", "file=x,overlay=y,media=cdrom", "overlay= goes with");
    refused("-drive", "file=x,file=y", "file= stands there twice");
    refused("-drive", "file=x,speed=9", "not 'speed'");
    assert_int_equal(PARSE("-hda", "a", "-hdb", "b", "-hdc", "c", "-hdd", "d",
                           "-drive", "file=e"), OPTIONS_ERROR);
}

static void test_hdachs(void **state)
{
    assert_int_equal(PARSE("-hdachs", "42,16,63", "a"), OPTIONS_RUN);
    assert_int_equal(o.hdachs.cylinders, 42);
    assert_int_equal(o.hdachs.heads, 16);
    assert_int_equal(o.hdachs.sectors, 63);
    assert_int_equal(o.hdachs.translation, MACHINE_TRANSLATION_AUTO);
    assert_int_equal(PARSE("-hdachs", "42,16,63,lba", "a"), OPTIONS_RUN);
    assert_int_equal(o.hdachs.translation, MACHINE_TRANSLATION_LBA);
    assert_int_equal(PARSE("-hdachs", "16383,1,1,none", "a"), OPTIONS_RUN);
    assert_int_equal(o.hdachs.translation, MACHINE_TRANSLATION_NONE);
    refused("-hdachs", "", "CYLINDERS,HEADS,SECTORS");
    refused("-hdachs", "42,16", "CYLINDERS,HEADS,SECTORS");
    refused("-hdachs", "42,17,63", "CYLINDERS,HEADS,SECTORS");
    refused("-hdachs", "16384,16,63", "CYLINDERS,HEADS,SECTORS");
    refused("-hdachs", "42,16,64", "CYLINDERS,HEADS,SECTORS");
    refused("-hdachs", "0,16,63", "CYLINDERS,HEADS,SECTORS");
    refused("-hdachs", "42;16;63", "CYLINDERS,HEADS,SECTORS");
    refused("-hdachs", "42,16,63,", "the fourth");
    refused("-hdachs", "42,16,63,auto,", "the fourth");
    refused("-hdachs", "42,16,63", "there is no hda");
}

static void test_uuid(void **state)
{
    static const uint8_t want[16] = {
        0x55, 0x0e, 0x84, 0x00, 0xe2, 0x9b, 0x41, 0xd4, 0xa7, 0x16, 0x44, 0x66,
        0x55, 0x44, 0x00, 0xff,
    };

    assert_int_equal(PARSE("-uuid", "550e8400-E29B-41d4-a716-4466554400ff",
                           "x"), OPTIONS_RUN);
    assert_string_equal(o.uuid, "550e8400-E29B-41d4-a716-4466554400ff");
    assert_memory_equal(o.uuid_bytes, want, sizeof want);
    refused("-uuid", "550e8400-e29b-41d4-a716-4466554400f", "use a UUID");
    refused("-uuid", "550e8400-e29b-41d4-a716-4466554400fff", "use a UUID");
    refused("-uuid", "550e8400e-29b-41d4-a716-4466554400ff", "use a UUID");
    refused("-uuid", "\0205\0210e8400-e29b-41d4-a716-4466554400", "use a UUID");
    refused("-uuid", "", "use a UUID");
}

static void test_drives(void **state)
{
    assert_int_equal(PARSE("-hdb", "b", "-cdrom", "c", "-boot", "dc"),
                     OPTIONS_RUN);
    assert_string_equal(o.drive[1].file, "b");
    assert_string_equal(o.drive[2].file, "c");
    assert_true(o.drive[2].is_cdrom);
    assert_string_equal(o.boot_order, "dc");
    assert_int_equal(PARSE("-boot", "nd,menu=on,splash=a,,b.bmp,"
                           "splash-time=65535"), OPTIONS_RUN);
    assert_string_equal(o.boot_order, "nd");
    assert_true(o.boot_menu && o.has_splash_time);
    assert_string_equal(o.splash, "a,b.bmp");
    assert_int_equal(o.splash_ms, 65535);
    assert_int_equal(PARSE("-boot", "order=c,menu=off"), OPTIONS_RUN);
    assert_string_equal(o.boot_order, "c");
    assert_false(o.boot_menu);
    refused("-boot", "menu=yes", "menu=on or");
    refused("-boot", "menu=on,splash=", "needs the name");
    refused("-boot", "menu=on,splash-time=65536", "65535");
    refused("-boot", "splash=x", "go with menu=on");
    refused("-boot", "menu=on,once=d", "not 'once'");
    assert_int_equal(PARSE("-hdc", "x", "-cdrom", "y"), OPTIONS_ERROR);
    assert_non_null(strstr(why, "-cdrom"));
}

static void test_serial_and_misc(void **state)
{
    assert_int_equal(PARSE("-serial", "null", "-serial", "mon:stdio", "-echr",
                           "0x14", "-icount", "shift=3", "-S", "x"),
                     OPTIONS_RUN);
    assert_int_equal(o.serial_count, 2);
    assert_int_equal(o.serial[0].kind, CHARDEV_NULL);
    assert_int_equal(o.serial[1].kind, CHARDEV_STDIO);
    assert_true(o.serial[1].mux);
    assert_int_equal(o.escape, 0x14);
    assert_int_equal(o.icount_shift, 3);
    assert_false(o.icount_jumps);
    assert_true(o.start_stopped);
    assert_int_equal(o.rtc_base, RTC_UTC);
    assert_int_equal(PARSE("-icount", "shift=4,sleep=off", "x"), OPTIONS_RUN);
    assert_true(o.icount_shift == 4 && o.icount_jumps);
    assert_int_equal(PARSE("-rtc", "base=localtime", "x"), OPTIONS_RUN);
    assert_int_equal(o.rtc_base, RTC_LOCALTIME);
    assert_int_equal(PARSE("-rtc", "base=2006-06-17T16:01:21", "x"),
                     OPTIONS_RUN);
    assert_int_equal(o.rtc_base, RTC_DATE);
    assert_int_equal(o.rtc_date, 1150560081);
    assert_false(o.rtc_vm || o.rtc_slew || o.lose_ticks);
    assert_int_equal(PARSE("-rtc", "driftfix=slew,clock=vm,base=2006-06-17",
                           "-global", "kvm-pit.lost_tick_policy=discard",
                           "x"), OPTIONS_RUN);
    assert_true(o.rtc_vm && o.rtc_slew && o.lose_ticks);
    assert_int_equal(o.rtc_date, 1150502400);
    assert_int_equal(PARSE("-rtc", "clock=host", "-rtc", "driftfix=slew",
                           "-global", "mc146818rtc.lost_tick_policy=discard",
                           "x"), OPTIONS_RUN);
    assert_false(o.rtc_vm || o.rtc_slew || o.lose_ticks);
    assert_int_equal(PARSE("--name", "r1", "x"), OPTIONS_RUN);
    assert_string_equal(o.name, "r1");
    assert_int_equal(PARSE("-version"), OPTIONS_VERSION);
    assert_int_equal(PARSE("-help"), OPTIONS_HELP);
}

/* mux=on alone gives nobody a monitor: a -mon does. */
static void test_shared_chardev(void **state)
{
    for (int has_mon = 0; has_mon < 2; has_mon++) {
        assert_int_equal(PARSE("-chardev", "socket,id=x,port=4444,server=on,"
                               "mux=on", "-serial", "null", "-serial",
                               "chardev:x", has_mon ? "-mon" : "-name", "x",
                               "y"), OPTIONS_RUN);
        assert_int_equal(o.serial[1].kind, CHARDEV_TCP);
        assert_int_equal(o.serial[1].mux, has_mon);
        assert_false(o.serial[0].mux);
    }
    assert_int_equal(o.monitor[0].kind, CHARDEV_NONE);
}

static void test_bridge_and_socket(void **state)
{
    assert_int_equal(PARSE("-net", "nic", "-net", "bridge,ip=dhcp,nic=1",
                           "x"), OPTIONS_RUN);
    assert_string_equal(o.net[1].ip, "dhcp");
    assert_int_equal(o.net[1].nic_index, 1);
    assert_int_equal(PARSE("-net", "bridge,ip=192.168.7.2/24", "x"),
                     OPTIONS_RUN);
    assert_int_equal(PARSE("-net", "socket,connect=127.0.0.1:5000", "x"),
                     OPTIONS_RUN);
    assert_string_equal(o.net[0].params, "connect=127.0.0.1:5000");
}

/* Each bad line must fail, and its reason must name the option. */
static void test_errors_name_the_option(void **state)
{
    static const char *const bad[][2] = {
        { "-m", "0" }, { "-m", "4096" }, { "-m", "64x" }, { "-m", "" },
        { "-m", "99999999999999999999" }, { "-boot", "x" },
        { "-boot", "cdnc" }, { "-serial", "tcp:1" }, { "-monitor", "x" },
        { "-parallel", "null" }, { "-chardev", "null" }, { "-mon", "x=y" },
        { "-echr", "0" }, { "-k", "" }, { "-k", "xx" }, { "-k", "DE" },
        { "-echr", "32" }, { "-icount", "shift=11" }, { "-icount", "" },
        { "-rtc", "" }, { "-rtc", "utc" }, { "-rtc", "base=" },
        { "-rtc", "base=utc," }, { "-rtc", "base=utc,base=utc" },
        { "-rtc", "clock=rt" }, { "-rtc", "driftfix=" },
        { "-rtc", "base=utcclock=vm" }, { "-rtc", ",base=utc" },
        { "-rtc", "base=2006-06-17T16:01:21T2006-06-17T16:01:21" },
        { "-global", "kvm-pit.lost_tick_policy=slew" },
        { "-global", "kvm-pit.lost_tick_policy" }, { "-global", "" },
        { "-global", "isa-fdc.driveA=x" },
        { "-rtc", "base=2006-06-31" }, { "-rtc", "base=2006-06-17T16:01" },
        { "-rtc", "base=2006-06-17T16:01:-1" }, { "-rtc", "base=1969-12-31" },
        { "-net", "" }, { "-net", "nic,macaddr=1:2:3" },
        { "-net", "nic,macaddr=01:00:00:00:00:00" },
        { "-net", "nic,macaddr=52:54:00:12:34:567" },
        { "-net", "nic,model=e1000" }, { "-net", "nic,vlan=256" },
        { "-net", "nic,vlan=" }, { "-net", "nic,foo" },
        { "-net", "bridge,ip=1.2.3/8" }, { "-net", "bridge,ip=1.2.3.4/31" },
        { "-net", "bridge,ip=300.1.1.1/8" }, { "-net", "user2" },
        { "-net", "tap,speed=1" }, { "-frobnicate", "x" }, { "-name", "" },
        { "-icount", "shift=+1" }, { "-icount", "-0" }, { "-echr", "+1" },
        { "-echr", "-18446744073709551615" }, { "-echr", " 1" },
        { "-net", "bridge,ip=+1.2.3.4/8" }, { "-net", "bridge,ip=1.2. 3.4/8" },
        { "-net", "bridge,ip=0.1.2.3/8" }, { "-net", "bridge,ip=127.0.0.1/8" },
        { "-net", "nic,romfile=" }, { "-net", "nic,,vlan=1" },
        { "-net", "nic,vlan=1," }, { "-net", ",nic" }, { "-net", "none,x" },
        { "-net", "nic,vlan=1,vlan=2" },
        { "-net", "nic,macaddr=52:54:0:0:0:1,macaddr=52:54:0:0:0:2" },
        { "-net", "bridge,ip=dhcp,ip=1.2.3.4/8" },
        { "-net", "tap,connect=127.0.0.1:1" }, { "-net", "socket,ifname=t0" },
        { "-net", "socket,connect=127.0.0.1:1,listen=:2" },
        { "-net", "socket" }, { "-net", "socket,connect=" },
        { "-net", "tap,ifname=t0,ifname=t1" },
        { "-name", "more than twenty-eight letters" }, { "-name", "a\nb" },
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (PARSE((char *)bad[i][0], (char *)bad[i][1]) != OPTIONS_ERROR ||
            !strstr(why, bad[i][0]))
            fail_msg("%s %s: '%s'", bad[i][0], bad[i][1], why);
    }
    assert_int_equal(PARSE("-m"), OPTIONS_ERROR);
    assert_non_null(strstr(why, "-m"));
    assert_int_equal(PARSE("-net", "none", "-net", "nic", "x"),
                     OPTIONS_ERROR);
    assert_int_equal(PARSE("-net", "nic,macaddr=52:54:0:0:0:1", "-net",
                           "nic,macaddr=52:54:00:00:00:01", "x"),
                     OPTIONS_ERROR);
    assert_non_null(strstr(why, "macaddr"));
}

static void test_watchdogs(void **state)
{
    assert_int_equal(PARSE("-watchdog", "i6300esb", "-watchdog-action",
                           "inject-nmi", "-device", "ib700", "-device",
                           "pvpanic,ioport=1285", "x"), OPTIONS_RUN);
    assert_true(o.i6300esb && o.ib700 && o.pvpanic);
    assert_int_equal(o.watchdog_action, WATCH_NMI);
    assert_int_equal(o.panic_action, WATCH_NONE);
    assert_int_equal(PARSE("-action", "watchdog=pause,panic=reset", "-action",
                           "reboot=shutdown,shutdown=pause", "x"),
                     OPTIONS_RUN);
    assert_int_equal(o.watchdog_action, WATCH_PAUSE);
    assert_int_equal(o.panic_action, WATCH_RESET);
    assert_true(o.no_reboot && o.no_shutdown);
    assert_int_equal(PARSE("-watchdog-action", "rollback", "-hda", "slot"),
                     OPTIONS_RUN);
    refused("-watchdog", "x", "use i6300esb or ib700");
    refused("-watchdog", "pvpanic", "use i6300esb or ib700");
    refused("-watchdog-action", "reboot", "use reset, shutdown, poweroff");
    refused("-watchdog-action", "rollback", "whose disk is a slot");
    refused("-action", "panic=exit", "panic= is none, reset, pause or shut");
    refused("-action", "fire=x", "an event is reboot, shutdown, panic");
    refused("-action", "reboot", "use reset or shutdown, not ''");
    refused("-device", "ib700,iobase=1", "a watchdog has id=; not 'iobase'");
    refused("-device", "pvpanic,ioport=1", "pvpanic has id= and ioport=");
    refused("-device", "e1000", "the devices are ne2k_pci, i6300esb, ib700");
}

static void test_guards(void **state)
{
    assert_int_equal(PARSE("-guard", "ping", "-guard", "ping=192.168.1.254,"
                           "every=1,misses=2,grace=3,backoff=4,restarts=5,"
                           "calm=6,action=poweroff", "-guard",
                           "silence=300,grace=30", "x"), OPTIONS_RUN);
    assert_int_equal(o.guard_count, 3);
    assert_int_equal(o.guard[0].address, 0);
    assert_int_equal(o.guard[0].every, 10);
    assert_int_equal(o.guard[0].misses, 6);
    assert_int_equal(o.guard[0].grace, 120);
    assert_int_equal(o.guard[1].address, 0xc0a801fe);
    assert_int_equal(o.guard[1].every, 1);
    assert_int_equal(o.guard[1].misses, 2);
    assert_int_equal(o.guard[1].grace, 3);
    assert_int_equal(o.guard[1].backoff, 4);
    assert_int_equal(o.guard[1].restarts, 5);
    assert_int_equal(o.guard[1].calm, 6);
    assert_int_equal(o.guard[1].action, WATCH_POWEROFF);
    assert_int_equal(o.guard[2].kind, GUARD_SILENCE);
    assert_int_equal(o.guard[2].every, 300);
    assert_int_equal(o.guard[2].misses, 1);
    assert_false(o.trial_given);
    assert_int_equal(PARSE("-guard", "trial=90", "-hda", "slot"), OPTIONS_RUN);
    assert_int_equal(o.trial_seconds, 90);
    assert_int_equal(PARSE("-guard", "trial=off", "x"), OPTIONS_RUN);
    assert_true(o.trial_given && !o.trial_seconds);
    refused("-guard", "trial=90", "whose disk is a slot");
    refused("-guard", "trial=0", "use a number of seconds, 1 to 1000000");
    refused("-guard", "trial=9,every=1", "a guard begins with ping");
    refused("-guard", "", "a guard begins with ping");
    refused("-guard", "pong", "a guard begins with ping");
    refused("-guard", "ping=10.0.0", "as 192.168.1.1, not '10.0.0'");
    refused("-guard", "ping=10.0.0.256", "as 192.168.1.1");
    refused("-guard", "ping=10.0.0.1.2", "as 192.168.1.1");
    refused("-guard", "ping=0.0.0.0", "as 192.168.1.1");
    refused("-guard", "ping,every=0", "use a number of seconds");
    refused("-guard", "ping,grace=-1", "use a number of seconds");
    refused("-guard", "silence", "use a number of seconds, 1 to 1000000, not "
            "''");
    refused("-guard", "silence=9,every=3", "a guard has every= (of a ping)");
    refused("-guard", "ping,misses=1001", "use a number from 1 to 1000, not");
    refused("-guard", "ping,action=boom", "action= is reset, shutdown,");
    refused("-guard", "ping,action=rollback", "whose disk is a slot");
    assert_int_equal(PARSE("-guard", "ping", "-guard", "ping", "-guard",
                           "ping", "-guard", "ping", "-guard", "ping"),
                     OPTIONS_ERROR);
    assert_non_null(strstr(why, "four guards at most"));
}

static void test_start(void **state)
{
    assert_int_equal(PARSE("-autostart", "off", "-start-delay", "30",
                           "-start-after", "wan", "x"), OPTIONS_RUN);
    assert_true(o.no_autostart);
    assert_int_equal(o.start_delay, 30);
    assert_string_equal(o.start_after, "wan");
    assert_int_equal(PARSE("-autostart", "on", "x"), OPTIONS_RUN);
    assert_false(o.no_autostart);
    refused("-autostart", "yes", "use on or off, not 'yes'");
    refused("-start-delay", "1m", "use a number of seconds, 0 to 86400");
    refused("-start-after", "", "needs a machine's name");
}

/* What is wrong, and what to do, is said however long the value is. */
static void test_long_values(void **state)
{
    static const char *const options[][3] = {
        { "-m", "", "MiB" }, { "-boot", "", "c (disk)" },
        { "-serial", "", "mon:stdio" }, { "-echr", "", "1 to 31" },
        { "-icount", "shift=", "shift=10" }, { "-rtc", "base=", "base=utc" },
        { "-net", "", "none; not" }, { "-net", "nic,macaddr=", "MAC" },
        { "-net", "nic,romfile=", "127" }, { "-net", "nic,", "NAME=VALUE" },
        { "-net", "bridge,ip=", "ip=dhcp" }, { "-net", "bridge,x=", "pci=" },
        { "-net", "tap,x=", "ifname=" }, { "-net", "tap,ifname=", "too long" },
        { "-name", "", "28" }, { "-cores", "", "1 or more" },
    };
    char value[900], name[900];

    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        size_t n = strlen(options[i][1]);

        memset(value, 'z', sizeof value - 1);
        memcpy(value, options[i][1], n);
        value[sizeof value - 1] = '\0';
        if (PARSE((char *)options[i][0], value) != OPTIONS_ERROR ||
            !strstr(why, options[i][0]) || !strstr(why, options[i][2]))
            fail_msg("%s: '%s'", options[i][0], why);
        assert_true(strlen(why) < 255);     /* a line of the log */
    }
    memset(name, 'z', sizeof name - 1);
    name[0] = '-';
    name[sizeof name - 1] = '\0';
    assert_int_equal(PARSE(name), OPTIONS_ERROR);
    assert_non_null(strstr(why, "-help lists"));
}

/* There is one line: two ports of a machine cannot be on it. */
static void test_one_port_on_the_line(void **state)
{
    assert_int_equal(PARSE("-serial", "stdio", "-serial", "mon:stdio"),
                     OPTIONS_ERROR);
    assert_non_null(strstr(why, "-serial"));
    assert_int_equal(PARSE("-serial", "null", "-serial", "stdio"),
                     OPTIONS_RUN);
}

static void test_limits(void **state)
{
    char *argv[2 * (OPTIONS_NETS + 1) + 1], lots[OPTIONS_TEXT + 10];
    int n = 1;

    for (unsigned i = 0; i <= OPTIONS_NETS; i++) {
        argv[n++] = (char *)"-net";
        argv[n++] = (char *)"bridge";
    }
    assert_int_equal(options_parse(&o, n, argv, why, sizeof why),
                     OPTIONS_ERROR);
    memset(lots, 'a', sizeof lots - 1);
    lots[sizeof lots - 1] = '\0';
    assert_int_equal(PARSE("-net", lots), OPTIONS_ERROR);
    assert_int_equal(PARSE("-net", "nic", "-net", "nic", "-net", "nic",
                           "-net", "nic", "-net", "nic"), OPTIONS_ERROR);
    assert_int_equal(PARSE("-serial", "none", "-serial", "none", "-serial",
                           "none", "-serial", "none", "-serial", "none"),
                     OPTIONS_ERROR);
}

static unsigned lines, longest;
static void count_line(const char *text)
{
    lines++;
    if (strlen(text) > longest)
        longest = strlen(text);
}

static void test_help_fits_the_line(void **state)
{
    options_help(count_line);
    assert_true(lines > 20);
    assert_true(longest < 80);
}

static void test_log(void **state)
{
    assert_int_equal(PARSE("router.img"), OPTIONS_RUN);
    assert_int_equal(o.log_items, 0);
    assert_int_equal(PARSE("-d", "guest_errors,unimp", "-D", "x", "router.img"),
                     OPTIONS_RUN);
    assert_int_equal(o.log_items, MACHINE_LOG_GUEST_ERRORS | MACHINE_LOG_UNIMP);
    assert_string_equal(o.log_file, "x");
    assert_int_equal(PARSE("-d", "all,none", "-D", "none", "router.img"),
                     OPTIONS_RUN);
    assert_int_equal(o.log_items, 0);
    assert_null(o.log_file);
    assert_int_equal(PARSE("-d", "in_asm", "router.img"), OPTIONS_ERROR);
    assert_non_null(strstr(why, "-d in_asm: the item 'in_asm' is not there"));
    assert_int_equal(PARSE("-d", "unimp,trace:x*", "r.img"), OPTIONS_ERROR);
    assert_non_null(strstr(why, "the item 'trace' is not there"));
    assert_int_equal(PARSE("-d", "unimp,", "router.img"), OPTIONS_ERROR);
    assert_non_null(strstr(why, "no such item: ''; there are guest_errors, "));
    assert_int_equal(PARSE("-D", "", "router.img"), OPTIONS_ERROR);
    assert_int_equal(PARSE("-d", "help"), OPTIONS_LOG_HELP);
    lines = longest = 0;
    options_log_help(count_line);
    assert_true(lines > 8 && longest < 80);
}

static void test_gdb(void **state)
{
    assert_int_equal(PARSE("router.img"), OPTIONS_RUN);
    assert_string_equal(o.gdb, "");
    assert_int_equal(PARSE("-s", "router.img"), OPTIONS_RUN);
    assert_string_equal(o.gdb, "tcp::1234");
    assert_int_equal(PARSE("-gdb", "tcp:1.2.3.4:99", "router.img"), OPTIONS_RUN);
    assert_string_equal(o.gdb, "tcp:1.2.3.4:99");
    assert_int_equal(PARSE("-s", "-gdb", "none", "router.img"), OPTIONS_RUN);
    assert_string_equal(o.gdb, "");
    refused("-gdb", "tcp:1234", "-gdb tcp:1234: use tcp:[HOST]:PORT");
    refused("-gdb", "tcp::0", "tcp:");
    refused("-gdb", "tcp::65536", "tcp:");
    refused("-gdb", "udp::5", "tcp:");
    refused("-gdb", "mon:com2", "tcp:");
    assert_int_equal(PARSE("-gdb", "/dev/ttyS0", "x"), OPTIONS_RUN);
    assert_int_equal(PARSE("-gdb", "com2", "x"), OPTIONS_RUN);
    assert_string_equal(o.gdb, "com2");
    refused("-gdb", "", "tcp:");
}

static void test_display(void **state)
{
    assert_int_equal(PARSE("-hda", "a", "-curses"), OPTIONS_RUN);
    assert_int_equal(o.screen, SCREEN_CURSES);
    assert_int_equal(PARSE("-hda", "a", "-display", "none"), OPTIONS_RUN);
    assert_int_equal(o.screen, SCREEN_NONE);
    assert_int_equal(PARSE("-display", "help"), OPTIONS_SCREEN_HELP);
    refused("-display", "sdl", "there are curses, vnc=[HOST]:N and none");
    assert_int_equal(PARSE("-curses", "-nographic"), OPTIONS_ERROR);
    assert_non_null(strstr(why, "-nographic has the terminal"));
    assert_int_equal(PARSE("-curses", "-vnc", ":1"), OPTIONS_ERROR);
    assert_non_null(strstr(why, "-vnc shows the screen"));
    assert_int_equal(PARSE("-curses", "-monitor", "stdio"), OPTIONS_ERROR);
    assert_non_null(strstr(why, "on stdio has the terminal"));
}

static void assert_vnc(const char *value, const char *host, unsigned port,
                       unsigned last_port)
{
    assert_int_equal(PARSE("-nographic", "-vnc", (char *)value), OPTIONS_RUN);
    assert_string_equal(o.vnc.host, host);
    assert_int_equal(o.vnc.port, port);
    assert_int_equal(o.vnc.last_port, last_port);
}

static void test_vnc(void **state)
{
    assert_vnc(":1", "", 5901, 5901);
    assert_false(o.vnc.password);
    assert_vnc("::1:2,to=7,password", "::1", 5902, 5907);
    assert_true(o.vnc.password);
    assert_vnc("[::1]:1", "::1", 5901, 5901);
    assert_vnc("[fe80::1%eth0]:0", "fe80::1%eth0", 5900, 5900);
    assert_vnc("a.b:59635", "a.b", 65535, 65535);
    assert_int_equal(PARSE("-display", "vnc=[::1]:2"), OPTIONS_RUN);
    assert_string_equal(o.vnc.host, "::1");
    assert_int_equal(PARSE("-vnc", ":1", "-vnc", "none"), OPTIONS_RUN);
    assert_int_equal(o.vnc.port, 0);
}

static void test_bad_vnc(void **state)
{
    refused("-vnc", "[::1:1", "an IPv6 address stands as [::1]");
    refused("-vnc", "[]:1", "an IPv6 address stands as [::1]");
    refused("-vnc", "[::1]x:1", "an IPv6 address stands as [::1]");
    refused("-vnc", "[::1]", "the display's number is 0 to 59635");
    refused("-vnc", ":59636", "the display's number is 0 to 59635");
    refused("-vnc", ":1:", "the display's number is 0 to 59635");
    refused("-vnc", ":123456789", "use [HOST]:N");
    refused("-vnc", "", "use [HOST]:N");
    refused("-vnc", ":1,to=0", "to= is less than the display's number");
    refused("-vnc", ":1,password=x", "only to=N and password");
    refused("-vnc", ":1,", "only to=N and password");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_log),
        cmocka_unit_test(test_gdb),
        cmocka_unit_test(test_seed_page_lines),
        cmocka_unit_test(test_uuid),
        cmocka_unit_test(test_drives),
        cmocka_unit_test(test_drive),
        cmocka_unit_test(test_bad_drive),
        cmocka_unit_test(test_hdachs),
        cmocka_unit_test(test_serial_and_misc),
        cmocka_unit_test(test_shared_chardev),
        cmocka_unit_test(test_bridge_and_socket),
        cmocka_unit_test(test_errors_name_the_option),
        cmocka_unit_test(test_watchdogs),
        cmocka_unit_test(test_guards),
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_one_port_on_the_line),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_help_fits_the_line),
        cmocka_unit_test(test_display), cmocka_unit_test(test_vnc),
        cmocka_unit_test(test_bad_vnc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
