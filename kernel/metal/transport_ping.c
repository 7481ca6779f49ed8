/* See kernel/net/transport.h: the bare machine pings nobody for a guest. */
#include <errno.h>

#include "kernel/net/transport.h"

int ping_open(void (*replied)(void *ctx, uint32_t from, uint16_t sequence,
                              const uint8_t *data, size_t len),
              void *ctx, struct ping **out)
{
    return -ENOTSUP;
}

int ping_send(struct ping *p, uint32_t to, uint16_t sequence, const void *data,
              size_t len)
{
    return -ENOTSUP;
}

void ping_close(struct ping *p) { }
