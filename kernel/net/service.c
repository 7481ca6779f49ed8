/* See service.h. */
#include "kernel/net/service.h"

#include <stdio.h>

void endpoint_text(struct endpoint e, char out[ENDPOINT_TEXT])
{
    snprintf(out, ENDPOINT_TEXT, "%u.%u.%u.%u:%u", e.addr >> 24,
             e.addr >> 16 & 255, e.addr >> 8 & 255, e.addr & 255, e.port);
}

int service_resolve(const char *host, uint32_t *addr, char *why, size_t size)
{
    int r = transport_service_address(addr);

    if (r)
        snprintf(why, size, "this host has no address of its own: "
                 "-net bridge,ip=dhcp or ip=A.B.C.D/N gives it one");
    else if (*host && (r = transport_resolve(host, addr)))
        snprintf(why, size, "'%.40s' is no address of this host's", host);
    return r;
}
