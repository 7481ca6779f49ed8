/* Fragments of the guest's: any order, twice, contradicting, too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/net/packet.h"
#include "kernel/net/user/reassembly.h"

static struct reassembly r;
static uint8_t data[65536];

static int setup(void **state)
{
    memset(&r, 0, sizeof r);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = i * 31 >> 3;
    return 0;
}

static int teardown(void **state)
{
    reassembly_fini(&r);
    return 0;
}

/* Bytes from..to of `data` as a fragment of packet `id`. */
static uint8_t *piece(uint16_t id, size_t from, size_t to, bool last,
                      uint64_t now, size_t *whole)
{
    size_t len = IP_HEADER + to - from;
    uint8_t *ip = malloc(len), *got;        /* of its own length */
    static uint8_t kept[65536];

    memcpy(ip + IP_HEADER, data + from, to - from);
    ip_header_write(ip, PROTO_UDP, 1, 2, to - from);
    put16(ip + IP_ID, id);
    put16(ip + IP_FRAGMENT, from / 8 | (last ? 0 : IP_MORE));
    got = reassemble(&r, ip, len, now, whole);
    if (got)
        memcpy(kept, got, *whole);
    free(ip);
    return got ? kept : NULL;
}

static void assert_whole(const uint8_t *got, size_t whole, size_t len)
{
    assert_non_null(got);
    assert_int_equal(whole, IP_HEADER + len);
    assert_int_equal(get16(got + IP_LENGTH), whole);
    assert_int_equal(get16(got + IP_FRAGMENT), 0);
    assert_int_equal(checksum(got, IP_HEADER), 0);
    assert_memory_equal(got + IP_HEADER, data, len);
}

static void test_no_fragment(void **state)
{
    size_t whole;

    assert_non_null(piece(0, 0, 100, true, 0, &whole));
    assert_int_equal(whole, 120);
}

static void test_any_order(void **state)
{
    static const unsigned orders[4][3] = {
        { 0, 1, 2 }, { 2, 1, 0 }, { 1, 2, 0 }, { 2, 0, 1 }
    };
    size_t whole;

    for (unsigned k = 0; k < 4; k++) {
        uint8_t *got = NULL;

        for (unsigned i = 0; i < 3; i++) {
            unsigned n = orders[k][i];

            assert_null(got);
            got = piece(k, n * 1480, n == 2 ? 3001 : n * 1480 + 1480, n == 2,
                        0, &whole);
        }
        assert_whole(got, whole, 3001);
    }
    assert_int_equal(r.whole, 4);
}

static void test_twice_and_overlapping(void **state)
{
    size_t whole;
    uint8_t *got;

    assert_null(piece(1, 0, 80, false, 0, &whole));
    assert_null(piece(1, 0, 80, false, 0, &whole));
    memset(data + 40, 0xee, 40);            /* what came first stays */
    assert_null(piece(1, 40, 80, false, 0, &whole));
    for (size_t i = 40; i < 80; i++)
        data[i] = i * 31 >> 3;
    got = piece(1, 80, 90, true, 0, &whole);
    assert_whole(got, whole, 90);
}

/* Teardrop: a last fragment inside of what there is; another length. */
static void test_contradictions(void **state)
{
    size_t whole;

    assert_null(piece(1, 0, 800, false, 0, &whole));
    assert_null(piece(1, 80, 96, true, 0, &whole));
    assert_int_equal(r.contradictory, 1);
    assert_null(piece(2, 800, 810, true, 0, &whole));
    assert_null(piece(2, 808, 820, true, 0, &whole));
    assert_int_equal(r.contradictory, 2);
    assert_null(piece(3, 800, 810, true, 0, &whole));
    assert_null(piece(3, 808, 816, false, 0, &whole));
    assert_int_equal(r.contradictory, 3);
}

/* A piece behind the end, that came before it, stands for none that is missing:
 * what nobody sent would be the heap's. */
static void test_behind_the_end(void **state)
{
    size_t whole;

    assert_null(piece(1, 16, 24, false, 0, &whole));
    assert_null(piece(1, 8, 16, true, 0, &whole));
    assert_int_equal(r.contradictory, 1);
    assert_null(piece(2, 160, 168, false, 0, &whole));
    assert_null(piece(2, 0, 8, false, 0, &whole));
    assert_null(piece(2, 16, 23, true, 0, &whole));
    assert_int_equal(r.contradictory, 2);
    assert_int_equal(r.whole, 0);
}

/* Ping of death: the end of 65,535 bytes and what is behind it. */
static void test_longest(void **state)
{
    size_t whole, at;
    uint8_t *got;

    for (at = 0; at + 1480 < 65515; at += 1480)
        assert_null(piece(1, at, at + 1480, false, 0, &whole));
    assert_null(piece(1, 65504, 65520, true, 0, &whole));
    got = piece(1, at, 65515, true, 0, &whole);
    assert_whole(got, whole, 65515);
}

static void test_time_and_number(void **state)
{
    size_t whole;
    uint8_t *got;

    for (unsigned i = 0; i < 20; i++)
        assert_null(piece(i, 0, 80, false, i, &whole));
    assert_int_equal(r.evicted, 20 - REASSEMBLIES);
    got = piece(19, 80, 90, true, 20, &whole);
    assert_whole(got, whole, 90);
    reassembly_expire(&r, 19 + REASSEMBLY_MS);
    assert_int_equal(r.expired, REASSEMBLIES - 1);
    assert_null(piece(18, 80, 90, true, 20, &whole));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_fragment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_any_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_twice_and_overlapping, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_contradictions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_behind_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_longest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_time_and_number, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
