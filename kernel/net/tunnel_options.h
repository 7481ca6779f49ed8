/* The settings of -net socket, in qemu's words. */
#ifndef KERNEL_NET_TUNNEL_OPTIONS_H
#define KERNEL_NET_TUNNEL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TUNNEL_HOST_MAX 127u

enum tunnel_kind { TUNNEL_LISTEN, TUNNEL_CONNECT, TUNNEL_MCAST, TUNNEL_UDP };

/* A host that is not resolved yet: "" is any address, or this host. */
struct tunnel_end {
    char host[TUNNEL_HOST_MAX + 1];
    uint16_t port;
};

struct tunnel_config {
    enum tunnel_kind kind;
    struct tunnel_end to;       /* listen=, connect=, mcast= or udp= */
    struct tunnel_end local;    /* localaddr=; mcast: a host alone */
};

/* "a=b,c=d" to *out. False: `why` says in a sentence what is wrong. */
bool tunnel_parse(const char *params, struct tunnel_config *out, char *why,
                  size_t size);
/* The same for whoever only wants to know. */
bool tunnel_check(const char *params, char *why, size_t size);

#endif
