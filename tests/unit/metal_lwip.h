/*
 * What lwIP and kernel/metal/transport*.c call of the platform, where a test
 * has them by themselves: a clock that stands still, no log. Behind cmocka.h.
 */
#ifndef TESTS_UNIT_METAL_LWIP_H
#define TESTS_UNIT_METAL_LWIP_H

#include <stdlib.h>

#include "kernel/net/guest_ping.h"
#include "kernel/net/lwip_hooks.h"
#include "kernel/platform.h"
#include "lwip/netif.h"
#include "lwip/sys.h"

uint32_t sys_now(void) { return 1000; }
uint64_t platform_now_ns(void) { return 1000000000; }
int64_t platform_wall_seconds(void) { return 0; }
void platform_wake(void) { }
void platform_log(const char *fmt, ...) { }
void guest_ping_look(struct pbuf *p) { }
int nat_outside_input(struct pbuf *p, struct netif *netif) { return 0; }

_Noreturn void net_lwip_assert(const char *what, const char *file, int line)
{
    fail_msg("lwIP: %s (%s:%d)", what, file, line);
    abort();
}

#endif
