/* The forwarding database by itself, on a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel/net/arch/cc.h"
#include "kernel/net/fdb.h"
#include "netif/bridgeif.h"

static uint64_t now;
uint64_t net_now_ms(void) { return now; }

static struct eth_addr station(unsigned i)
{
    return (struct eth_addr){ { 2, 0, 0, i >> 16, i >> 8, i } };
}

static void test_learn_move_age(void **state)
{
    struct fdb *fdb = bridgeif_fdb_init(64);
    struct eth_addr s = station(1);

    now = 0xffffff00u;          /* beyond 32 bits */
    assert_int_equal(bridgeif_fdb_get_dst_ports(fdb, &s), BR_FLOOD);
    bridgeif_fdb_update_src(fdb, &s, 3);
    assert_int_equal(bridgeif_fdb_get_dst_ports(fdb, &s), 1 << 3);
    bridgeif_fdb_update_src(fdb, &s, 1);
    assert_int_equal(bridgeif_fdb_get_dst_ports(fdb, &s), 1 << 1);
    now += FDB_AGE_MS - 1;
    assert_int_equal(bridgeif_fdb_get_dst_ports(fdb, &s), 1 << 1);
    now += 1;
    assert_int_equal(bridgeif_fdb_get_dst_ports(fdb, &s), BR_FLOOD);
    now += 0xffffffffu - FDB_AGE_MS;    /* 49.7 days in all */
    assert_int_equal(bridgeif_fdb_get_dst_ports(fdb, &s), BR_FLOOD);
    now += 2;
    assert_int_equal(bridgeif_fdb_get_dst_ports(fdb, &s), BR_FLOOD);
    free(fdb);
}

/* A full set gives up the station that was quiet for longest. */
static void test_busy_station_stays(void **state)
{
    struct fdb *fdb = bridgeif_fdb_init(64);
    struct eth_addr busy = station(0);

    now = 1;
    for (unsigned i = 1; i < 100000; i++) {
        struct eth_addr s = station(i);

        bridgeif_fdb_update_src(fdb, &busy, 5);
        now++;
        bridgeif_fdb_update_src(fdb, &s, 2);
        now++;
        assert_int_equal(bridgeif_fdb_get_dst_ports(fdb, &busy), 1 << 5);
    }
    free(fdb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learn_move_age),
        cmocka_unit_test(test_busy_station_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
