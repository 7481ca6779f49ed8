/* TFTP of the user net: transfers, options, what is repeated, hostile names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/net/bytes.h"
#include "kernel/net/user/tftp.h"

static struct tftp t;
static char folder[] = "/tmp/trestle-tftp-XXXXXX";
static uint8_t reply[TFTP_REPLY_MAX];
static uint64_t now;

static void write_file(const char *name, size_t len)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "w");
    assert_non_null(f);
    for (size_t i = 0; i < len; i++)
        fputc((int)(i * 7 >> 3 & 255), f);
    fclose(f);
}

static int setup_all(void **state)
{
    char path[128];

    assert_non_null(mkdtemp(folder));
    write_file("long", 40000 * 8 + 3);
    write_file("even", 1024);
    write_file("empty", 0);
    snprintf(path, sizeof path, "%s/fifo", folder);
    return mkfifo(path, 0600);
}

static int teardown_all(void **state)
{
    static const char *const names[] = { "long", "even", "empty", "fifo" };
    char path[128];

    for (unsigned i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static int setup(void **state)
{
    memset(&t, 0, sizeof t);
    t.folder = folder;
    now = 0;
    return 0;
}

static int teardown(void **state)
{
    tftp_fini(&t);
    return 0;
}

static size_t send(uint16_t port, const void *data, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);      /* of its own length */
    size_t n;

    memcpy(copy, data, len);
    memset(reply, 0xee, sizeof reply);
    n = tftp_input(&t, 0x0a00020f, port, copy, len, now, reply);
    free(copy);
    return n;
}

/* A request for `name`, and what follows it, with its zeros in `rest`. */
static size_t ask(uint16_t port, const char *name, const char *rest,
                  size_t rest_len)
{
    uint8_t q[700] = { 0, 1 };
    size_t n = 2 + strlen(name) + 1;

    strcpy((char *)q + 2, name);
    memcpy(q + n, rest, rest_len);
    return send(port, q, n + rest_len);
}

#define OCTET "octet"
#define ASK(port, name, rest) ask(port, name, rest, sizeof rest)

static size_t acknowledge(uint16_t port, uint16_t block)
{
    uint8_t q[4] = { 0, 4 };

    put16(q + 2, block);
    return send(port, q, 4);
}

static void assert_error(size_t n, uint16_t code)
{
    assert_true(n > 4);
    assert_int_equal(get16(reply), 5);
    assert_int_equal(get16(reply + 2), code);
    assert_int_equal(reply[n - 1], 0);
}

static void assert_block(size_t n, uint64_t block, size_t size, size_t at)
{
    assert_int_equal(n, 4 + size);
    assert_int_equal(get16(reply), 3);
    assert_int_equal(get16(reply + 2), (uint16_t)block);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(reply[4 + i], (at + i) * 7 >> 3 & 255);
}

static void test_even_length(void **state)
{
    assert_block(ASK(1, "even", OCTET), 1, 512, 0);
    assert_block(acknowledge(1, 1), 2, 512, 512);
    assert_block(acknowledge(1, 2), 3, 0, 1024);        /* tells the end */
    assert_int_equal(acknowledge(1, 3), 0);
    assert_int_equal(t.finished, 1);
    assert_int_equal(acknowledge(1, 3), 0);
    assert_int_equal(t.stray, 1);
    assert_block(ASK(1, "/empty", OCTET), 1, 0, 0);
    assert_int_equal(acknowledge(1, 1), 0);
}

/* Blocks of 8 bytes: their number wraps. */
static void test_options_and_long_file(void **state)
{
    static const char expected[] = "\0\6blksize\0" "8\0tsize\0" "320003";

    assert_int_equal(ASK(1, "long", "OCTET\0blksize\0" "8\0tsize\0" "0"),
                     sizeof expected);
    assert_memory_equal(reply, expected, sizeof expected);
    for (uint64_t block = 0; block < 40000; block++)
        assert_block(acknowledge(1, block), block + 1, 8, block * 8);
    assert_block(acknowledge(1, 40000), 40001, 3, 320000);
    assert_int_equal(acknowledge(1, 40001), 0);
}

static void test_limits_of_options(void **state)
{
    static const char expected[] = "\0\6blksize\0" "1468";

    assert_int_equal(ASK(1, "long", "octet\0timeout\0" "5\0blksize\0" "65464"),
                     sizeof expected);
    assert_memory_equal(reply, expected, sizeof expected);
    assert_block(acknowledge(1, 0), 1, 1468, 0);
    /* Too small, twice, without a value: as if not there. */
    assert_block(ASK(2, "long", "octet\0blksize\0" "7"), 1, 512, 0);
    assert_block(ASK(3, "long", "octet\0blksize\0" "-1x\0blksize"), 1, 512, 0);
}

static void test_repeats(void **state)
{
    assert_block(ASK(1, "long", OCTET), 1, 512, 0);
    assert_block(acknowledge(1, 1), 2, 512, 512);
    /* RFC 1123 4.2.3.1: one that the network doubled gets no second answer. */
    now += TFTP_AGAIN_MS - 1;
    assert_int_equal(acknowledge(1, 1), 0);
    assert_int_equal(t.duplicates, 1);
    now += 1;
    assert_block(acknowledge(1, 1), 2, 512, 512);
    assert_int_equal(acknowledge(1, 0), 0);
    assert_int_equal(acknowledge(1, 3), 0);
    assert_int_equal(t.stray, 2);
    assert_block(ASK(1, "long", OCTET), 1, 512, 0);     /* from the start */
    /* Another port is another transfer. */
    assert_block(ASK(2, "even", OCTET), 1, 512, 0);
    assert_block(acknowledge(1, 1), 2, 512, 512);
    /* The client gives up. */
    assert_int_equal(send(1, "\0\5\0\0x", 6), 0);
    assert_int_equal(acknowledge(1, 2), 0);
}

static void test_names(void **state)
{
    static const char *const refused[] = {
        "../secret", "..", "a/../b", "/../x", "a/..", "///..//", "a\\..\\b",
        "a\nb", "", "/", "\xff"
    };
    char name[600];

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_error(ASK(1, refused[i], OCTET), 2);
        assert_int_equal(t.refused_name, i + 1);
    }
    assert_error(ASK(1, "none", OCTET), 1);
    assert_error(ASK(1, "..none", OCTET), 1);
    assert_error(ASK(1, ".", OCTET), 1);                /* a folder */
    assert_error(ASK(1, "fifo", OCTET), 1);             /* at once */
    memset(name, 'a', 500);
    name[500] = '\0';
    assert_error(ASK(1, name, OCTET), 1);
    assert_int_equal(t.no_file, 5);
}

static void test_malformed(void **state)
{
    static const char whole[] = "\0\1even\0octet";

    for (size_t len = 0; len < sizeof whole; len++)
        send(1, whole, len);
    assert_int_equal(t.malformed, sizeof whole);
    assert_error(ASK(1, "even", "netascii"), 4);
    assert_error(send(1, "\0\2even\0octet", 13), 2);    /* WRQ */
    assert_int_equal(send(1, "\0\3\0\1x", 5), 0);       /* DATA */
    assert_int_equal(send(1, "\0\7\0\1x", 5), 0);
    assert_int_equal(send(1, "\0\4\0\1", 4), 0);        /* ACK of nothing */
    /* An option without its zero. */
    assert_block(ask(1, "even", "octet\0blksize\0" "9", 15), 1, 512, 0);
}

static void test_too_many(void **state)
{
    for (unsigned i = 0; i < TFTP_SESSIONS; i++)
        assert_block(ASK(i, "even", OCTET), 1, 512, 0);
    now = TFTP_IDLE_MS - 1;
    assert_error(ASK(99, "even", OCTET), 0);
    assert_int_equal(t.no_session, 1);
    assert_block(acknowledge(0, 1), 2, 512, 512);
    now++;
    assert_block(ASK(99, "even", OCTET), 1, 512, 0);
    assert_int_equal(acknowledge(1, 1), 0);             /* it made room */
    now += TFTP_AGAIN_MS;
    assert_block(acknowledge(0, 1), 2, 512, 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_even_length, setup, teardown),
        cmocka_unit_test_setup_teardown(test_options_and_long_file, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_limits_of_options, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_repeats, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many, setup, teardown),
    };

    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
