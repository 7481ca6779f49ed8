/* Services of the host's own: where they listen, and who is there, in words. */
#ifndef KERNEL_NET_SERVICE_H
#define KERNEL_NET_SERVICE_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/net/transport.h"

#define ENDPOINT_TEXT 22u       /* "255.255.255.255:65535" */

void endpoint_text(struct endpoint e, char out[ENDPOINT_TEXT]);

/*
 * The address of `host`, where a service of this host's is to listen; "": where
 * services do if nobody says. 0, or negative errno and `why`.
 */
int service_resolve(const char *host, uint32_t *addr, char *why, size_t size);

#endif
