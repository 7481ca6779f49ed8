/* Checksums and headers of packets, by their bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/net/packet.h"

/* The example of RFC 1071 3: the sum of its words is ddf2. */
static void test_example(void **state)
{
    static const uint8_t p[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6,
                                 0xf7 };

    assert_int_equal(checksum(p, sizeof p), (uint16_t)~0xddf2u);
    assert_int_equal(checksum(p, 0), 0xffff);
    /* An odd last byte is the upper half of a word. */
    assert_int_equal(checksum(p + 1, 1), (uint16_t)~0x0100u);
}

/* In pieces of even lengths as at once, and folded however long. */
static void test_long(void **state)
{
    enum { LEN = 1 << 20 };
    uint8_t *p = malloc(LEN);
    uint32_t sum = 0xffffffffu;

    memset(p, 0xff, LEN);
    assert_int_equal(checksum(p, LEN), 0);
    p[LEN - 1] = 0xfe;
    assert_int_equal(checksum(p, LEN), 1);
    assert_int_equal(sum_finish(sum_bytes(sum_bytes(0, p, 1000), p + 1000,
                                          LEN - 1000)), 1);
    /* What is there already may be as large as it can be. */
    sum = sum_bytes(sum, p, LEN);
    assert_int_equal(sum_finish(sum), 1);
    free(p);
}

/* Updated (RFC 1624), a right checksum stays one and a wrong one wrong. */
static void test_update(void **state)
{
    uint8_t p[40], before[12];

    srand(1);
    for (unsigned n = 0; n < 20000; n++) {
        uint16_t damage = rand() % 2 ? 0 : 1 + rand() % 0xfffe;

        for (size_t i = 0; i < sizeof p; i++)
            p[i] = rand() % 4 ? rand() : 255 * (rand() % 2);
        put16(p + 16, 0);
        put16(p + 16, checksum(p, sizeof p));
        put16(p + 38, get16(p + 38) ^ damage);
        memcpy(before, p, sizeof before);
        for (size_t i = 0; i < sizeof before; i++)
            p[i] = rand() % 4 ? rand() : 255 * (rand() % 2);
        sum_update(p + 16, before, p, sizeof before);
        assert_int_equal(checksum(p, sizeof p) != 0, damage != 0);
    }
}

/* RFC 768, 793: over addresses, protocol, length and the segment. */
static void test_segment(void **state)
{
    uint8_t all[12 + 9] = { 10, 0, 2, 15, 192, 0, 2, 1, 0, PROTO_UDP, 0, 9,
                            0x12, 0x34, 0, 53, 0, 9, 0, 0, 'x' };

    assert_int_equal(checksum_segment(0x0a00020f, 0xc0000201, PROTO_UDP,
                                      all + 12, 9), checksum(all, 21));
}

static void test_header(void **state)
{
    uint8_t ip[24];

    memset(ip, 0xee, sizeof ip);
    ip_header_write(ip, PROTO_TCP, 0x0a00020f, 0xc0000201, 65515);
    assert_int_equal(ip[0], 0x45);
    assert_int_equal(ip_header_length(ip), IP_HEADER);
    assert_int_equal(get16(ip + IP_LENGTH), 65535);
    assert_int_equal(get16(ip + IP_FRAGMENT), 0);
    assert_int_equal(ip[IP_PROTOCOL], PROTO_TCP);
    assert_int_equal(get32(ip + IP_SOURCE), 0x0a00020f);
    assert_int_equal(get32(ip + IP_DESTINATION), 0xc0000201);
    assert_int_equal(checksum(ip, IP_HEADER), 0);
    assert_int_equal(ip[20], 0xee);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example), cmocka_unit_test(test_long),
        cmocka_unit_test(test_update), cmocka_unit_test(test_segment),
        cmocka_unit_test(test_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
