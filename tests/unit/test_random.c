/* Numbers that nobody can guess: the hash by its authors' own values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel/net/lwip_hooks.h"
#include "kernel/net/random.h"
#include "lwip/arch.h"

/* Key 00 01 ... 0f, messages of 0 and of 8 bytes 00 01 ...: vectors.h. */
static void test_siphash(void **state)
{
    static const uint64_t key[2] = { 0x0706050403020100u,
                                     0x0f0e0d0c0b0a0908u };
    static const uint64_t words[1] = { 0x0706050403020100u };

    assert_true(siphash(key, words, 0) == 0x726fdb47dd0e0e31u);
    assert_true(siphash(key, words, 1) == 0x93f5f5799a932462u);
}

/* Each bit is set in about half of them. */
static void test_all_bits_change(void **state)
{
    unsigned set[32] = { 0 };

    for (unsigned i = 0; i < 10000; i++) {
        uint32_t r = net_random();

        for (unsigned b = 0; b < 32; b++)
            set[b] += r >> b & 1;
    }
    for (unsigned b = 0; b < 32; b++)
        assert_in_range(set[b], 4500, 5500);
}

/* RFC 6528: a connection that comes again counts on, others say nothing. */
static void test_sequence_numbers(void **state)
{
    uint32_t first = net_tcp_isn(1, 2, 3, 4), again = net_tcp_isn(1, 2, 3, 4);

    assert_in_range(again - first, 0, 60u * 250000);
    for (unsigned i = 0; i < 4; i++) {
        uint32_t other = net_tcp_isn(1 + (i == 0), 2 + (i == 1), 3 + (i == 2),
                                     4 + (i == 3));

        assert_true(other - first > 1000 && first - other > 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_siphash),
        cmocka_unit_test(test_all_bits_change),
        cmocka_unit_test(test_sequence_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
