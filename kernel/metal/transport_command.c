/* See kernel/net/transport.h: the bare machine has no programs but itself. */
#include <errno.h>

#include "kernel/net/transport.h"

bool transport_has_commands(void) { return false; }

int stream_command(const char *command, const struct stream_events *events,
                   void *ctx, struct stream **out)
{
    return -ENOTSUP;
}
