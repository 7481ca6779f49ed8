/*
 * One machine's networks from its options, no machine behind them, for the
 * tests of a net as a whole. Behind cmocka.h.
 */
#ifndef TESTS_UNIT_ONE_NET_H
#define TESTS_UNIT_ONE_NET_H

#include "kernel/net/net.h"
#include "kernel/options.h"

static struct options options;
static struct net *net;
static char why[400];

static void make_net(const char *const *options_and_values)
{
    options_defaults(&options);
    for (const char *const *p = options_and_values; *p; p += 2)
        if (!options_set(&options, p[0], p[1], why, sizeof why))
            fail_msg("%s", why);
    assert_true(options_finish(&options, why, sizeof why));
    if (net_create(&options, 0, &net, why, sizeof why))
        fail_msg("%s", why);
    net_poll();
}

#define MAKE(...) make_net((const char *const[]){ __VA_ARGS__, NULL })

/* Once more is right, too. */
static void drop_net(void)
{
    if (net)
        net_destroy(net);
    net = NULL;
}

#endif
