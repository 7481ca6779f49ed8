/*
 * What physical NICs that send nothing anywhere have in common, on a platform
 * without TAP devices. Behind cmocka.h.
 */
#ifndef TESTS_UNIT_FAKE_NIC_H
#define TESTS_UNIT_FAKE_NIC_H

#include <stdio.h>

#include "drivers/net/nic.h"
#include "kernel/platform.h"

int platform_tap_open(const char *params, struct nic **out, char *reason,
                      size_t size)
{
    snprintf(reason, size, "not here");
    return -1;
}

static bool fake_opens_badly;

static int fake_open(struct nic *nic)
{
    assert_false(nic->is_open);
    if (fake_opens_badly)
        return -5;
    nic->is_open = true;
    return 0;
}

static void fake_close(struct nic *nic) { nic->is_open = false; }
static unsigned fake_poll(struct nic *nic, unsigned budget) { return 0; }

#endif
