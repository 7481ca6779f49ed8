/*
 * The networks of several machines from their values of -net, no machine
 * behind them. Behind cmocka.h.
 */
#ifndef TESTS_UNIT_MANY_NETS_H
#define TESTS_UNIT_MANY_NETS_H

#include <stdio.h>

#include "kernel/net/net.h"
#include "kernel/options.h"

#define MACHINES 6u

static struct options options[MACHINES];
static struct net *nets[MACHINES];
static char why[320];

/* That of machine `i`; net_create's value, and its reason in `why`. */
static int make_net(unsigned i, const char *const *values)
{
    static char names[MACHINES][8];

    options_defaults(&options[i]);
    snprintf(names[i], sizeof names[i], "m%u", i);
    options[i].name = names[i];
    for (; *values; values++)
        if (!options_set(&options[i], "net", *values, why, sizeof why))
            fail_msg("%s", why);
    assert_true(options_finish(&options[i], why, sizeof why));
    why[0] = '\0';
    return net_create(&options[i], i, &nets[i], why, sizeof why);
}

#define MAKE(i, ...) \
    make_net(i, (const char *const[]){ __VA_ARGS__, NULL })

static void drop_net(unsigned i)
{
    if (nets[i])
        net_destroy(nets[i]);
    nets[i] = NULL;
}

static void drop_nets(void)
{
    for (unsigned i = 0; i < MACHINES; i++)
        drop_net(i);
}

#endif
