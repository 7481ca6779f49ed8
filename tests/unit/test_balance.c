/* Which guests change places: a simulation of guests and cores. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/balance.h"

#define MAX 9u
#define LOOKS 400u

/*
 * Guests want `want` percent of a core each; a core's time is shared out evenly
 * among those that still want some. Returns how often guests moved.
 */
static unsigned simulate(const unsigned *want, unsigned guests, unsigned cores,
                         uint64_t *total)
{
    struct balance_guest g[MAX] = { { 0 } };
    unsigned moves = 0;

    for (unsigned i = 0; i < guests; i++)
        g[i].core = 1 + i % cores;
    for (unsigned look = 0; look < LOOKS; look++) {
        unsigned rich, poor, core;

        for (unsigned i = 0; i < guests; i++)
            g[i].used_ns = 0;
        for (unsigned c = 1; c <= cores; c++)
            for (uint64_t left = 100, moved = 1; left && moved;) {
                moved = 0;
                for (unsigned i = 0; i < guests && left; i++)
                    if (g[i].core == c && g[i].used_ns < want[i])
                        g[i].used_ns++, left--, moved++;
            }
        for (unsigned i = 0; i < guests; i++) {
            total[i] += g[i].used_ns;
            g[i].used_ns *= 1000000;
        }
        if (!balance_choose(g, guests, 100000000, &rich, &poor))
            continue;
        assert_true(rich < guests && poor < guests);
        assert_int_not_equal(g[rich].core, g[poor].core);
        core = g[rich].core;
        g[rich].core = g[poor].core;
        g[poor].core = core;
        moves++;
    }
    return moves;
}

/* Every guest that wants all gets its part of the cores, within a tenth. */
static void check_even(unsigned guests, unsigned cores)
{
    unsigned want[MAX];
    uint64_t total[MAX] = { 0 }, fair = LOOKS * 100 * cores / guests;

    for (unsigned i = 0; i < guests; i++)
        want[i] = 100;
    simulate(want, guests, cores, total);
    for (unsigned i = 0; i < guests; i++)
        assert_in_range(total[i], fair * 9 / 10, fair * 11 / 10);
}

static void test_uneven_numbers(void **state)
{
    check_even(3, 2);
    check_even(4, 3);
    check_even(5, 2);
    check_even(5, 3);
    check_even(9, 7);
}

static void test_even_numbers_stay(void **state)
{
    static const unsigned all[] = { 100, 100, 100, 100 };
    uint64_t total[MAX] = { 0 };

    assert_int_equal(simulate(all, 4, 2, total), 0);
    assert_int_equal(simulate(all, 4, 4, total), 0);
}

/* Two that spin began on one core, beside two that do nothing. */
static void test_idle_ones_make_room(void **state)
{
    static const unsigned want[] = { 100, 1, 100, 1 };
    uint64_t total[MAX] = { 0 };

    assert_int_equal(simulate(want, 4, 2, total), 1);
    assert_true(total[0] > LOOKS * 95 && total[2] > LOOKS * 95);
}

static void test_idle_guests_stay(void **state)
{
    static const unsigned want[] = { 1, 2, 100, 1, 3 };
    uint64_t total[MAX] = { 0 };

    assert_int_equal(simulate(want, 5, 3, total), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uneven_numbers),
        cmocka_unit_test(test_even_numbers_stay),
        cmocka_unit_test(test_idle_ones_make_room),
        cmocka_unit_test(test_idle_guests_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
