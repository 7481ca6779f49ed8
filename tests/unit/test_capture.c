/*
 * Captures: the pcap format byte by byte, the ring that keeps the newest, what
 * is captured at a port and on a VLAN, and the options. No machine behind.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/net/capture.h"
#include "kernel/net/pcap_ring.h"
#include "kernel/options_net.h"
#include "kernel/platform.h"
#include "one_net.h"

static char text[4096];

/* ---- The ring ----------------------------------------------------------- */

static void add(struct pcap_ring *ring, uint32_t number, uint32_t kept)
{
    uint8_t frame[256];
    struct pcap_record r = { number, 0, kept, 1000 };

    memset(frame, (int)number, sizeof frame);
    pcap_ring_add(ring, &r, frame);
}

/* Whole records, one after the other, the newest last. Returns their number. */
static unsigned check_ring(const struct pcap_ring *ring, uint32_t newest)
{
    size_t used = pcap_ring_used(ring), at = 0;
    uint8_t *all = malloc(used + 1);
    uint32_t number = 0;
    unsigned n = 0;

    pcap_ring_copy(ring, all);
    for (; at < used; n++) {
        struct pcap_record r;

        assert_true(used - at >= sizeof r);
        memcpy(&r, all + at, sizeof r);
        at += sizeof r;
        assert_true(r.seconds > number);
        number = r.seconds;
        assert_int_equal(r.length, 1000);
        assert_true(r.kept <= used - at);
        for (uint32_t i = 0; i < r.kept; i++)
            assert_int_equal(all[at + i], (uint8_t)number);
        at += r.kept;
    }
    assert_true(!n || number == newest);
    free(all);
    return n;
}

static void test_ring_keeps_the_newest(void **state)
{
    for (size_t size = 16; size < 600; size += 7) {
        struct pcap_ring ring = { .data = malloc(size), .size = size };

        for (uint32_t i = 1; i < 300; i++) {
            uint32_t kept = i * 37 % 90;
            unsigned n;

            add(&ring, i, kept);
            if (16 + kept > size)
                continue;
            n = check_ring(&ring, i);
            assert_true(n >= 1);
            assert_int_equal(ring.records, i);
        }
        free(ring.data);
    }
}

static void test_ring_counts_what_it_gives_up(void **state)
{
    struct pcap_ring ring = { .data = malloc(100), .size = 100 };

    for (uint32_t i = 1; i <= 5; i++)       /* 50 bytes each: two fit */
        add(&ring, i, 34);
    assert_int_equal(check_ring(&ring, 5), 2);
    assert_int_equal(ring.given_up, 3);
    add(&ring, 6, 85);                      /* larger than the ring */
    assert_int_equal(check_ring(&ring, 5), 2);
    assert_int_equal(ring.given_up, 4);
    free(ring.data);
}

/* ---- On a network ------------------------------------------------------- */

static int teardown(void **state)
{
    drop_net();
    return capture_count;
}

static void guest_sends(unsigned nic, uint8_t mark, size_t len)
{
    struct netport *port = net_port(net, nic);
    uint8_t frame[1600];

    memset(frame, mark, sizeof frame);
    memset(frame, 0xff, 6);
    memcpy(frame + 6, port->mac, 6);
    port->tx(port->ctx, frame, len);
    while (net_poll())
        continue;
}

static int start(const char *netdev, unsigned vlan, uint32_t len)
{
    struct dump_option o = { .len = len, .vlan = vlan };

    snprintf(o.id, sizeof o.id, "%s", *netdev ? netdev : "all");
    snprintf(o.netdev, sizeof o.netdev, "%s", netdev);
    return capture_start(net, &o, why, sizeof why);
}

/* The frames of capture `id`: their number; *last gets the last record. */
static unsigned frames_of(const char *id, struct pcap_record *last,
                          uint8_t *mark)
{
    static const uint8_t head[] = {
        0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0
    };
    uint8_t *all;
    size_t size, at = 24;
    unsigned n = 0;

    assert_int_equal(capture_copy(net, id, &all, &size), 0);
    assert_true(size >= 24);
    assert_memory_equal(all, head, sizeof head);
    assert_int_equal(all[20] | all[21] << 8 | all[22] << 16, 1);
    for (; at < size; n++) {
        memcpy(last, all + at, sizeof *last);
        *mark = all[at + sizeof *last + 12];
        at += sizeof *last + last->kept;
    }
    assert_int_equal(at, size);
    platform_pages_free(all, size);
    return n;
}

static void test_port_and_vlan(void **state)
{
    struct pcap_record r;
    uint8_t mark;
    int64_t now;

    MAKE("net", "nic", "net", "nic", "net", "nic,vlan=1");
    assert_int_equal(start("eth0", 0, DUMP_LEN_MAX), 0);
    assert_int_equal(start("", 0, 20), 0);
    guest_sends(0, 1, 60);                  /* out of eth0 */
    guest_sends(1, 2, 1514);                /* to it */
    guest_sends(2, 3, 60);                  /* elsewhere */
    guest_sends(0, 4, 13);                  /* a runt: refused */
    now = platform_wall_seconds();
    assert_int_equal(frames_of("eth0", &r, &mark), 2);
    assert_int_equal(mark, 2);
    assert_int_equal(r.length, 1514);
    assert_int_equal(r.kept, 1514);
    assert_true(r.seconds <= now + 2 && r.seconds + 5 > now);
    assert_true(r.micros < 1000000);
    /* Each frame once, though two ports saw it. */
    assert_int_equal(frames_of("all", &r, &mark), 2);
    assert_int_equal(r.length, 1514);
    assert_int_equal(r.kept, 20);
    capture_format(net, text, sizeof text);
    assert_non_null(strstr(text, "eth0: netdev=eth0 maxlen=65536 in memory\n"
                           "    frames=2 bytes=1574\n"));
    assert_non_null(strstr(text, "all: vlan=0 maxlen=20 in memory\n"));
    assert_int_equal(capture_stop(net, "eth0"), 0);
    assert_int_not_equal(capture_stop(net, "eth0"), 0);
    guest_sends(0, 5, 60);
    assert_int_equal(frames_of("all", &r, &mark), 3);
}

/* What set_link holds back does not pass, and so is not captured. */
static void test_link_off(void **state)
{
    struct pcap_record r;
    uint8_t mark;

    MAKE("net", "nic", "net", "nic");
    assert_int_equal(start("eth0", 0, DUMP_LEN_MAX), 0);
    assert_true(net_set_link(net, "eth0", false));
    guest_sends(0, 1, 60);
    guest_sends(1, 1, 60);
    assert_int_equal(frames_of("eth0", &r, &mark), 0);
}

static void test_memory_is_bounded(void **state)
{
    struct pcap_record r;
    uint8_t mark, *all;
    size_t size;

    MAKE("net", "nic", "net", "nic");
    assert_int_equal(start("eth0", 0, DUMP_LEN_MAX), 0);
    for (unsigned i = 0; i < 1500; i++)
        guest_sends(0, (uint8_t)i, 1514);
    assert_int_equal(frames_of("eth0", &r, &mark), CAPTURE_RING_BYTES / 1530);
    assert_int_equal(mark, (uint8_t)1499);
    assert_int_equal(capture_copy(net, "eth0", &all, &size), 0);
    assert_true(size <= CAPTURE_RING_BYTES + 24);
    platform_pages_free(all, size);
    capture_format(net, text, sizeof text);
    assert_non_null(strstr(text, "frames=1500 "));
    assert_non_null(strstr(text, "given_up="));
}

/* -net dump and -object from the start, to files. */
static void test_files(void **state)
{
    char value[3][300], path[2][200];
    uint8_t data[400];

    for (int i = 0; i < 2; i++)
        snprintf(path[i], sizeof path[i], "/tmp/test_capture-%d-%d.pcap",
                 (int)getpid(), i);
    snprintf(value[0], sizeof value[0], "dump,vlan=0,file=%s,len=14", path[0]);
    snprintf(value[1], sizeof value[1], "filter-dump,id=f,netdev=n1,file=%s",
             path[1]);
    MAKE("net", "nic", "net", "nic,name=n1", "net", value[0], "object",
         value[1]);
    guest_sends(0, 9, 100);
    assert_int_equal(capture_copy(net, "f", &(uint8_t *){ NULL },
                                  &(size_t){ 0 }), -22);
    net_destroy(net);
    net = NULL;
    for (int i = 0; i < 2; i++) {
        FILE *f = fopen(path[i], "rb");
        size_t n;

        assert_non_null(f);
        n = fread(data, 1, sizeof data, f);
        fclose(f);
        unlink(path[i]);
        assert_int_equal(n, 24 + 16 + (i ? 100 : 14));
        assert_int_equal(data[36], 100);    /* the length that it had */
        assert_memory_equal(data + 40, "\xff\xff\xff\xff\xff\xff", 6);
    }
}

/* Two captures in one file would be none. */
static void test_file_of_another(void **state)
{
    struct dump_option o = { .id = "x", .netdev = "eth0", .len = 100 };
    FILE *f;

    snprintf(o.file, sizeof o.file, "/tmp/test_capture-%d.pcap",
             (int)getpid());
    MAKE("net", "nic");
    assert_int_equal(capture_start(net, &o, why, sizeof why), 0);
    guest_sends(0, 1, 60);
    strcpy(o.id, "y");
    assert_int_not_equal(capture_start(net, &o, why, sizeof why), 0);
    assert_non_null(strstr(why, "capture x"));
    f = fopen(o.file, "rb");
    fseek(f, 0, SEEK_END);
    assert_int_equal(ftell(f), 24 + 16 + 60);
    fclose(f);
    assert_int_equal(capture_stop(net, "x"), 0);
    assert_int_equal(capture_start(net, &o, why, sizeof why), 0);
    unlink(o.file);
}

/* A file that cannot grow any more: what is not in it counts as lost. */
static void test_file_that_fills(void **state)
{
    struct dump_option o = { .id = "x", .netdev = "eth0", .len = 100 };
    struct rlimit old, little;

    snprintf(o.file, sizeof o.file, "/tmp/test_capture-%d.pcap",
             (int)getpid());
    MAKE("net", "nic");
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    little = (struct rlimit){ 24 + 2 * (16 + 60) + 20, old.rlim_max };
    assert_int_equal(capture_start(net, &o, why, sizeof why), 0);
    setrlimit(RLIMIT_FSIZE, &little);
    for (int i = 0; i < 5; i++)
        guest_sends(0, 1, 60);
    setrlimit(RLIMIT_FSIZE, &old);
    unlink(o.file);
    capture_format(net, text, sizeof text);
    assert_non_null(strstr(text, "frames=2 bytes=120 lost=3\n"));
}

/* /dev/full takes nothing, not even the header. */
static void test_full_disk(void **state)
{
    struct dump_option o = { .id = "x", .netdev = "eth0", .len = 100,
                             .file = "/dev/full" };

    MAKE("net", "nic");
    assert_int_not_equal(capture_start(net, &o, why, sizeof why), 0);
    assert_non_null(strstr(why, "No space"));
    strcpy(o.file, "/nonexistent/x");
    assert_int_not_equal(capture_start(net, &o, why, sizeof why), 0);
    assert_non_null(strstr(why, "No such file"));
}

static void test_limits_and_mistakes(void **state)
{
    char id[8];

    MAKE("net", "nic");
    assert_int_not_equal(start("eth1", 0, 100), 0);
    assert_non_null(strstr(why, "no NIC or netdev 'eth1'"));
    assert_int_not_equal(start("", 7, 100), 0);
    assert_non_null(strstr(why, "no VLAN 7"));
    assert_int_equal(start("eth0", 0, 100), 0);
    assert_int_not_equal(start("eth0", 0, 100), 0);
    assert_non_null(strstr(why, "in use"));
    for (unsigned i = 1; i < CAPTURES + 1; i++) {
        struct dump_option o = { .netdev = "eth0", .len = 14 };

        snprintf(id, sizeof id, "c%u", i);
        strcpy(o.id, id);
        assert_int_equal(!capture_start(net, &o, why, sizeof why),
                         i < CAPTURES);
    }
}

static void test_options(void **state)
{
    static const char *const wrong[][3] = {
        { "object", "rng-random,id=x", "filter-dump" },
        { "object", "filter-dump,id=x", "netdev=" },
        { "object", "filter-dump,netdev=x", "id=" },
        { "object", "filter-dump,id=x,netdev=y,maxlen=0", "14 to 65536" },
        { "object", "filter-dump,id=x,netdev=y,maxlen=65537", "14 to 65536" },
        { "object", "filter-dump,id=x,netdev=y,maxlen=+9", "14 to 65536" },
        { "object", "filter-dump,id=x,netdev=y,file=", "255" },
        { "object", "filter-dump,id=x,netdev=y,queue=all", "not 'queue'" },
        { "net", "dump,vlan=256", "0 to 255" },
        { "net", "dump,len=x", "14 to 65536" },
        { "net", "dump,maxlen=100", "len=" },
        { "net", "dump,vlan=1,vlan=2", "twice" },
    };
    struct dump_option *d = options.dump;

    options_defaults(&options);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(options_set(&options, wrong[i][0], wrong[i][1], why,
                                 sizeof why));
        if (!strstr(why, wrong[i][2]))
            fail_msg("'%s' is not in: %s", wrong[i][2], why);
    }
    assert_int_equal(options.dump_count, 0);
    for (unsigned i = 0; i < OPTIONS_DUMPS; i++)
        assert_true(options_set(&options, "net", "dump,vlan=3", why,
                                sizeof why));
    assert_false(options_set(&options, "net", "dump", why, sizeof why));
    assert_string_equal(d[0].file, "qemu-vlan3.pcap");
    assert_string_equal(d[1].id, "dump.1");
    assert_int_equal(d[1].len, 65536);
    assert_false(options_finish(&options, why, sizeof why));
    assert_non_null(strstr(why, "needs a network"));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_teardown(f, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_ring_keeps_the_newest),
        CASE(test_ring_counts_what_it_gives_up),
        CASE(test_port_and_vlan),
        CASE(test_link_off),
        CASE(test_memory_is_bounded),
        CASE(test_files),
        CASE(test_file_of_another),
        CASE(test_file_that_fills),
        CASE(test_full_disk),
        CASE(test_limits_and_mistakes),
        CASE(test_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
