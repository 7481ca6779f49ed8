/* See kernel/net/transport.h: the bare machine pings nobody for a guest. */
#include <errno.h>

#include "kernel/net/transport.h"

int ping_open(const struct ping_events *events, void *ctx, struct ping **out)
{
    return -ENOTSUP;
}

int ping_send(struct ping *p, uint32_t to, uint8_t ttl, uint16_t sequence,
              const void *data, size_t len)
{
    return -ENOTSUP;
}

uint64_t ping_malformed(const struct ping *p) { return 0; }
void ping_close(struct ping *p) { }
