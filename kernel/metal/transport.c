/*
 * See kernel/net/transport.h. The bare machine opens nothing of it yet: no
 * tunnel is made there (platform_wire_open).
 */
#include "kernel/net/transport.h"

bool transport_poll(void) { return false; }
