/* See kernel/net/transport.h: the bare machine has no programs but itself,
 * nor their sockets. */
#include <errno.h>

#include "kernel/net/transport.h"

bool transport_has_commands(void) { return false; }

int stream_command(const char *command, const struct stream_events *events,
                   void *ctx, struct stream **out)
{
    return -ENOTSUP;
}

int stream_connect_unix(const char *path, const struct stream_events *events,
                        void *ctx, struct stream **out)
{
    return -ENOTSUP;
}

int listener_open_unix(const char *path,
                       void (*accepted)(void *ctx, struct stream *s,
                                        struct endpoint from),
                       void *ctx, struct listener **out)
{
    return -ENOTSUP;
}
